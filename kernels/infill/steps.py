"""The states at the boundaries of a canvas: Numba kernels.

Sets of states are kept as bits, uint8[ceil(n / 8)]: bit s % 8 of byte s // 8 is state s. A step has a kind (TOKEN,
TEXT, SLOT, MAYBE, ANY) and a value: the class of a token (-1: no state allows it), the row in ``maps`` of a text.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.infill.sets import backward_closure, forward_closure

#: What a step holds: a fixed token, fixed text, one token, one token or none, any number of tokens.
TOKEN, TEXT, SLOT, MAYBE, ANY = range(5)
#: To look up where a class leads a state costs as much as 1 << COSTS pairs of the class.
COSTS = 4


@njit(cache=True, nogil=True)
def unpack(row, out):
    """Bits as flags: ``out`` bool[n]."""
    for s in range(len(out)):
        out[s] = (row[s >> 3] >> (s & 7)) & 1 == 1


@njit(cache=True, nogil=True)
def pack(flags, row):
    """Flags as bits, into ``row``."""
    n = len(flags)
    for w in range(len(row)):
        byte = 0
        for b in range(min(8, n - 8 * w)):
            if flags[8 * w + b]:
                byte |= 1 << b
        row[w] = byte


@njit(cache=True, nogil=True)
def keep(out, row):
    """``out`` into ``row``; returns whether that has changed it."""
    changed = False
    for w in range(len(row)):
        if row[w] != out[w]:
            row[w] = out[w]
            changed = True
    return changed


@njit(cache=True, nogil=True)
def few(given, most):
    """Are there no more states than ``most`` in a set, given as bits?"""
    n = 0
    for w in range(len(given)):
        left = np.int64(given[w])
        while left:
            n += 1
            left &= left - 1
        if n > most:
            return False
    return True


@njit(cache=True, nogil=True)
def target(row_first, row_class, row_to, s, c):
    """Where a class leads a state, -1: nowhere. The classes of a row are ascending."""
    low = row_first[s]
    high = row_first[s + 1]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if row_class[middle] < c:
            low = middle + 1
        else:
            high = middle
    return np.int64(row_to[low]) if low < end and row_class[low] == c else np.int64(-1)


@njit(cache=True, nogil=True)
def after_step(
    kind, value, near_first, near_to, first, states, targets, row_first, row_class, row_to, maps, given, out, flags
):
    """The states behind a step, into ``out``, from those before it; both are bits. ``flags``: bool[n], for use."""
    if kind == ANY:
        unpack(given, flags)
        forward_closure(near_first, near_to, flags)
        pack(flags, out)
        return
    out[:] = 0
    if kind == TOKEN and value < 0:
        return
    if kind == TOKEN and not few(given, (first[value + 1] - first[value]) >> COSTS):
        for i in range(first[value], first[value + 1]):
            s = states[i]
            if (given[s >> 3] >> (s & 7)) & 1:
                t = targets[i]
                out[t >> 3] |= 1 << (t & 7)
        return
    for w in range(len(given)):
        left = np.int64(given[w])
        s = 8 * w
        while left:
            if left & 1:
                if kind == TEXT or kind == TOKEN:
                    t = np.int64(maps[value, s]) if kind == TEXT else target(row_first, row_class, row_to, s, value)
                    if t >= 0:
                        out[t >> 3] |= 1 << (t & 7)
                else:
                    for i in range(near_first[s], near_first[s + 1]):
                        t = near_to[i]
                        out[t >> 3] |= 1 << (t & 7)
            left >>= 1
            s += 1
    if kind == MAYBE:
        for w in range(len(given)):
            out[w] |= given[w]


@njit(cache=True, nogil=True)
def before_step(
    kind, value, near_first, near_to, first, states, targets, row_first, row_class, row_to, maps, some, given, out,
    flags,
):  # fmt: skip
    """The states before a step from which those behind it, ``given``, are reached, into ``out``, of ``some`` states.

    All three are bits. ``flags``: bool[n], for use.
    """
    if kind == ANY:
        unpack(given, flags)
        backward_closure(near_first, near_to, flags)
        pack(flags, out)
        for w in range(len(some)):
            out[w] &= some[w]
        return
    out[:] = 0
    if kind == TOKEN and value < 0:
        return
    if kind == TOKEN and not few(some, (first[value + 1] - first[value]) >> COSTS):
        for i in range(first[value], first[value + 1]):
            t = targets[i]
            if (given[t >> 3] >> (t & 7)) & 1:
                s = states[i]
                out[s >> 3] |= some[s >> 3] & (1 << (s & 7))
        return
    for w in range(len(some)):
        left = np.int64(some[w])
        s = 8 * w
        while left:
            if left & 1:
                found = kind == MAYBE and (given[s >> 3] >> (s & 7)) & 1 == 1
                if kind == TEXT or kind == TOKEN:
                    t = np.int64(maps[value, s]) if kind == TEXT else target(row_first, row_class, row_to, s, value)
                    found = t >= 0 and (given[t >> 3] >> (t & 7)) & 1 == 1
                else:
                    for i in range(near_first[s], near_first[s + 1]):
                        if found:
                            break
                        t = near_to[i]
                        found = (given[t >> 3] >> (t & 7)) & 1 == 1
                if found:
                    out[s >> 3] |= 1 << (s & 7)
            left >>= 1
            s += 1


@njit(cache=True, nogil=True)
def refresh(
    kinds, values, near_first, near_to, first, states, targets, row_first, row_class, row_to, maps, forward, backward,
    low, high,
):  # fmt: skip
    """Make the sets of all boundaries right again after steps from ``low`` to ``high`` have changed.

    Args:
        kinds: int8[L]; values: int32[L]; the steps.
        near_first, near_to: for each state those one token of a gap away: int64[n + 1], int32[*].
        first, states, targets: the pairs of each class, see ``token_columns``.
        row_first, row_class, row_to: the same by states, see ``by_state``.
        maps: int32[k, n]; the state after a text from each state, -1 dead.
        forward: uint8[L + 1, ceil(n / 8)]; the states that the steps before a boundary lead to; the first row is given.
        backward: the same, of those of them (before a gap without bound: of those that it leads to) from which the
            steps behind can be completed. The last row is given: where texts may end, reached or not.
    """
    length = len(kinds)
    flags = np.empty(len(near_first) - 1, dtype=np.bool_)
    out = np.empty(forward.shape[1], dtype=np.uint8)
    last = length
    for p in range(low, length):
        after_step(
            kinds[p], values[p], near_first, near_to, first, states, targets, row_first, row_class, row_to, maps,
            forward[p], out, flags,
        )  # fmt: skip
        if not keep(out, forward[p + 1]) and p >= high:
            last = p
            break
    for p in range(min(last, length - 1), -1, -1):
        # a gap without bound may go on in any state that it has led to
        some = forward[p + 1] if kinds[p] == ANY else forward[p]
        before_step(
            kinds[p], values[p], near_first, near_to, first, states, targets, row_first, row_class, row_to, maps, some,
            backward[p + 1], out, flags,
        )  # fmt: skip
        if not keep(out, backward[p]) and p <= low:
            break


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
