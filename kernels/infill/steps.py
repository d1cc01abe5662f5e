"""The states at the boundaries of a canvas: Numba kernels.

Sets of states are kept as bits, uint8[ceil(n / 8)]: bit s % 8 of byte s // 8 is state s. A step has a kind (TOKEN,
TEXT, SLOT, MAYBE, ANY) and a value: the class of a token (-1: no state allows it), the row in ``maps`` of a text.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.infill.sets import backward_closure, forward_closure, image, preimage

#: What a step holds: a fixed token, fixed text, one token, one token or none, any number of tokens.
TOKEN, TEXT, SLOT, MAYBE, ANY = range(5)


@njit(cache=True, nogil=True)
def unpack(row, out):
    """Bits as flags: ``out`` bool[n]."""
    for s in range(len(out)):
        out[s] = (row[s >> 3] >> (s & 7)) & 1 == 1


@njit(cache=True, nogil=True)
def pack(flags, row):
    """Flags as bits, into ``row``; returns whether that has changed it."""
    changed = False
    n = len(flags)
    for w in range(len(row)):
        byte = 0
        for b in range(min(8, n - 8 * w)):
            if flags[8 * w + b]:
                byte |= 1 << b
        if row[w] != byte:
            row[w] = byte
            changed = True
    return changed


@njit(cache=True, nogil=True)
def after_step(kind, value, near_first, near_to, first, states, targets, maps, given, out):
    """The states behind a step, into ``out``, from those before it; both bool[n]."""
    n = len(out)
    if kind == TOKEN:
        out[:] = False
        if value >= 0:
            for i in range(first[value], first[value + 1]):
                if given[states[i]]:
                    out[targets[i]] = True
    elif kind == TEXT:
        out[:] = False
        for s in range(n):
            if given[s] and maps[value, s] >= 0:
                out[maps[value, s]] = True
    elif kind == ANY:
        out[:] = given
        forward_closure(near_first, near_to, out)
    else:
        image(near_first, near_to, given, out)
        if kind == MAYBE:
            out |= given


@njit(cache=True, nogil=True)
def before_step(kind, value, near_first, near_to, first, states, targets, maps, given, out):
    """The states before a step from which those behind it, ``given``, are reached, into ``out``; both bool[n]."""
    n = len(out)
    if kind == TOKEN:
        out[:] = False
        if value >= 0:
            for i in range(first[value], first[value + 1]):
                if given[targets[i]]:
                    out[states[i]] = True
    elif kind == TEXT:
        for s in range(n):
            out[s] = maps[value, s] >= 0 and given[maps[value, s]]
    elif kind == ANY:
        out[:] = given
        backward_closure(near_first, near_to, out)
    else:
        preimage(near_first, near_to, given, out)
        if kind == MAYBE:
            out |= given


@njit(cache=True, nogil=True)
def refresh(kinds, values, near_first, near_to, first, states, targets, maps, forward, backward, low, high):
    """Make the sets of all boundaries right again after steps from ``low`` to ``high`` have changed.

    Args:
        kinds: int8[L]; values: int32[L]; the steps.
        near_first, near_to: for each state those one token of a gap away: int64[n + 1], int32[*].
        first, states, targets: the pairs of each class, see ``token_columns``.
        maps: int32[k, n]; the state after a text from each state, -1 dead.
        forward, backward: uint8[L + 1, ceil(n / 8)]; changed where it is felt. The first row of ``forward`` and the
            last of ``backward`` are given.
    """
    length = len(kinds)
    n = len(near_first) - 1
    given = np.empty(n, dtype=np.bool_)
    out = np.empty(n, dtype=np.bool_)
    unpack(forward[low], given)
    for p in range(low, length):
        after_step(kinds[p], values[p], near_first, near_to, first, states, targets, maps, given, out)
        if not pack(out, forward[p + 1]) and p >= high:
            break
        given, out = out, given
    unpack(backward[high + 1], given)
    for p in range(high, -1, -1):
        before_step(kinds[p], values[p], near_first, near_to, first, states, targets, maps, given, out)
        if not pack(out, backward[p]) and p <= low:
            break
        given, out = out, given


@njit(cache=True, nogil=True)
def leads(first, states, targets, c, before, after):
    """Does class c lead from a state of ``before`` to one of ``after``? Both are bits."""
    for i in range(first[c], first[c + 1]):
        s = states[i]
        if (before[s >> 3] >> (s & 7)) & 1 == 1:
            t = targets[i]
            if (after[t >> 3] >> (t & 7)) & 1 == 1:
                return True
    return False
