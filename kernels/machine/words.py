"""Words in front of terminals, and words left out of them, state by state.

Where only a word comes or goes, an automaton need not be made: the states along the word are written from its end,
each found by its content or added (as in sharing.py), and all other states are those that are there. See layout.py
for the arrays. Every kernel is idempotent: where there is no room it says in which arena, and is called again.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.sharing import put_state
from structgen.kernels.machine.states import fill_bytes, lookup
from structgen.kernels.machine.tables import mix

#: Results besides states: nothing is left; the states count or ban, so the automaton has to be made after all.
NOTHING_LEFT, NOT_PLAIN = -1, -2
#: Results below: FULL - arena where there is no room.
FULL = -8


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def plain(t, q):
    """Is a state without a count, now and later, and without a ban?"""
    return t.q[q, L.Q_BASE] == q and t.q[q, L.Q_ITER] == 0 and t.q[q, L.Q_ACCEPT] <= 1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def room(t, degree):
    """Room for one state: 0 or FULL - arena."""
    if t.used[L.T_Q] >= t.q.shape[0] or 2 * (t.used[L.T_Q] + 1) >= t.statehash.shape[0]:
        return np.int64(FULL - L.T_Q)
    if t.used[L.T_IV] + degree > t.iv.shape[0]:
        return np.int64(FULL - L.T_IV)
    if t.used[L.T_DENSE] >= t.dense.shape[0]:
        return np.int64(FULL - L.T_DENSE)
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_interval(t, k, lo, hi, to, following):
    t.iv[k, L.IV_LO] = lo
    t.iv[k, L.IV_HI] = hi
    t.iv[k, L.IV_TO] = to
    t.iv[k, L.IV_MARK] = 0
    t.iv[k, L.IV_PICK] = following[lo] if following[lo] <= hi else lo + 256


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def intern_state(t, degree, accept, dense_from):
    """The state whose intervals lie past the used ones, none leading back to it; added if it is new."""
    begin = t.used[L.T_IV]
    h = mix(mix(np.int64(1), np.int64(degree)), np.int64(accept))  # as component_hash has it
    for k in range(begin, begin + degree):
        h = mix(h, np.int64(t.iv[k, L.IV_LO]) * 1024 + np.int64(t.iv[k, L.IV_HI]) * 4)
        h = mix(h, np.int64(t.iv[k, L.IV_TO]) * 2)
    h = (h & np.int64(0x3FFFFFFF)) + 1
    slots = t.statehash.shape[0]
    slot = h & (slots - 1)
    while t.statehash[slot] != 0:
        q = np.int64(t.statehash[slot] - 1)
        if t.q[q, L.Q_HASH] == h and t.q[q, L.Q_NIV] == degree and t.q[q, L.Q_ACCEPT] == accept and plain(t, q):
            same = True
            first = t.q[q, L.Q_IV]
            for k in range(degree):
                if (
                    t.iv[first + k, L.IV_LO] != t.iv[begin + k, L.IV_LO]
                    or t.iv[first + k, L.IV_HI] != t.iv[begin + k, L.IV_HI]
                    or t.iv[first + k, L.IV_TO] != t.iv[begin + k, L.IV_TO]
                ):
                    same = False
                    break
            if same:
                return q
        slot = (slot + 1) & (slots - 1)
    q = np.int64(t.used[L.T_Q])
    distance = np.int64(0 if accept > 0 else L.FAR)
    for k in range(begin, begin + degree):
        distance = min(distance, np.int64(t.q[t.iv[k, L.IV_TO], L.Q_DIST]) + 1)
    row = t.q[q]
    row[L.Q_IV] = begin
    row[L.Q_NIV] = degree
    row[L.Q_ACCEPT] = accept
    row[L.Q_DIST] = distance
    row[L.Q_DENSE] = -1
    if degree >= dense_from:
        row[L.Q_DENSE] = t.used[L.T_DENSE]
        t.used[L.T_DENSE] += 1
    row[L.Q_BASE] = q
    row[L.Q_NEED] = 0
    row[L.Q_LEFT] = L.INF
    row[L.Q_ITER] = 0
    row[L.Q_ROWQ] = q
    row[L.Q_INNER] = -1
    row[L.Q_REST] = -1
    row[L.Q_MAXD] = 0
    row[L.Q_HASH] = h
    t.used[L.T_IV] = begin + degree
    t.used[L.T_Q] = q + 1
    fill_bytes(t, q, np.int64(1))
    put_state(t.statehash, q, h)
    return q


@njit(inline="always")
def add_word(t, word, q, following, dense_from):
    """The state before ``word`` (uint8[*]) after which a terminal is in state q.

    Args:
        following: int32[257]: the least byte from each byte on that is a token by itself, 256 if there is none.
        dense_from: as in ``share``.

    Returns the state, NOT_PLAIN, or FULL - arena. Writes one interval for each byte that is new.
    """
    q = np.int64(q)
    if not plain(t, q):
        return np.int64(NOT_PLAIN)
    for i in range(len(word) - 1, -1, -1):
        full = room(t, 1)
        if full != 0:
            return full
        byte = np.int64(word[i])
        put_interval(t, t.used[L.T_IV], byte, byte, q, following)
        q = intern_state(t, np.int64(1), np.int64(0), dense_from)
    return q


@njit(inline="always")
def drop_word(t, q, word, following, dense_from, path):
    """The state that takes what q takes, but for the texts that begin with ``word`` (uint8[*], not empty).

    Args:
        following, dense_from: as for ``add_word``.
        path: int32[len(word)] scratch.

    Returns the state, NOTHING_LEFT, NOT_PLAIN, or FULL - arena. Copies the intervals of the states along the word.
    """
    n = len(word)
    start = np.int64(q)
    q = start
    for i in range(n):
        if not plain(t, q) or t.q[q, L.Q_IV] < 0:
            return np.int64(NOT_PLAIN)
        path[i] = q
        e = np.int64(lookup(t, q, np.int64(word[i])))
        if e < 0:
            return start
        q = e >> 2
    new = np.int64(NOTHING_LEFT)
    for i in range(n - 1, -1, -1):
        q = np.int64(path[i])
        first = t.q[q, L.Q_IV]
        full = room(t, np.int64(t.q[q, L.Q_NIV]) + 2)
        if full != 0:
            return full
        byte = np.int64(word[i])
        begin = t.used[L.T_IV]
        k = begin
        for j in range(first, first + t.q[q, L.Q_NIV]):
            lo = np.int64(t.iv[j, L.IV_LO])
            hi = np.int64(t.iv[j, L.IV_HI])
            to = np.int64(t.iv[j, L.IV_TO])
            if byte < lo or hi < byte:
                put_interval(t, k, lo, hi, to, following)
                k += 1
                continue
            if lo < byte:
                put_interval(t, k, lo, byte - 1, to, following)
                k += 1
            if new >= 0:
                put_interval(t, k, byte, byte, new, following)
                k += 1
            if byte < hi:
                put_interval(t, k, byte + 1, hi, to, following)
                k += 1
        accept = np.int64(t.q[q, L.Q_ACCEPT])
        if k == begin and accept == 0:
            new = np.int64(NOTHING_LEFT)
        else:
            new = intern_state(t, np.int64(k - begin), accept, dense_from)
    return new
