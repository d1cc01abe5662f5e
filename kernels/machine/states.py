"""Terminal states: byte transitions, and counts kept beside them.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.large import load
from structgen.kernels.machine.tables import mix

TICK, EXIT = 1, 2
#: The edges of the state are to be loaded first (large.py).
ABSENT = -2
U1 = np.uint64(1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def lookup(t, base, byte):
    """The edge of an uncounted state on a byte: target * 4 + mark, -1, or ABSENT."""
    d = t.q[base, L.Q_DENSE]
    if d >= 0:
        return t.dense[d, byte]
    i = t.q[base, L.Q_IV]
    if i < 0:
        return ABSENT
    end = i + t.q[base, L.Q_NIV]
    while i < end:
        if byte <= t.iv[i, L.IV_HI]:
            if byte >= t.iv[i, L.IV_LO]:
                return t.iv[i, L.IV_TO] * 4 + t.iv[i, L.IV_MARK]
            return -1
        i += 1
    return -1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def fill_bytes(t, base, n):
    """Fill qbytes, and dense where a state has a row there, of n new uncounted states from their intervals."""
    for s in range(base, base + n):
        for w in range(4):
            t.qbytes[s, w] = 0
        d = t.q[s, L.Q_DENSE]
        if d >= 0:
            t.dense[d, :] = -1
        for k in range(t.q[s, L.Q_IV], t.q[s, L.Q_IV] + t.q[s, L.Q_NIV]):
            e = t.iv[k, L.IV_TO] * 4 + t.iv[k, L.IV_MARK]
            for byte in range(t.iv[k, L.IV_LO], t.iv[k, L.IV_HI] + 1):
                t.qbytes[s, byte >> 6] |= U1 << np.uint64(byte & 63)
                if d >= 0:
                    t.dense[d, byte] = e


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def count_hash(base, need, left, size):
    return mix(mix(mix(np.int64(7), np.int64(base)), np.int64(need)), np.int64(left)) & (size - 1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_state(t, base, need, left):
    """Intern (base, need, left); -1 where there is no room."""
    if need == 0 and left == L.INF:
        return base
    size = t.qhash.shape[0]
    i = count_hash(base, need, left, size)
    while t.qhash[i] != 0:
        s = t.qhash[i] - 1
        if t.q[s, L.Q_BASE] == base and t.q[s, L.Q_NEED] == need and t.q[s, L.Q_LEFT] == left:
            return s
        i = (i + 1) & (size - 1)
    s = t.used[L.T_Q]
    if s >= t.q.shape[0] or 2 * s >= size:
        return -1
    t.used[L.T_Q] = s + 1
    t.qhash[i] = s + 1
    row = t.q[s]
    for k in range(L.Q_COLS):
        row[k] = t.q[base, k]
    row[L.Q_BASE] = base
    row[L.Q_NEED] = need
    row[L.Q_LEFT] = left
    row[L.Q_DIST] = min(np.int64(L.FAR), t.q[base, L.Q_DIST] + np.int64(need) * t.q[base, L.Q_ITER])
    row[L.Q_DENSE] = -1
    row[L.Q_ROWQ] = -1
    row[L.Q_INNER] = -1
    row[L.Q_REST] = -1
    row[L.Q_HASH] = 0
    for w in range(4):
        t.qbytes[s, w] = 0
    for k in range(row[L.Q_IV], row[L.Q_IV] + row[L.Q_NIV]):
        mark = t.iv[k, L.IV_MARK]
        if (mark == TICK and left == 0) or (mark == EXIT and need > 0):
            continue
        for byte in range(t.iv[k, L.IV_LO], t.iv[k, L.IV_HI] + 1):
            t.qbytes[s, byte >> 6] |= U1 << np.uint64(byte & 63)
    return s


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_rehash(t, qhash):
    """Fill a larger, zeroed table with every counted state."""
    size = qhash.shape[0]
    for s in range(t.used[L.T_Q]):
        if t.q[s, L.Q_BASE] != s:
            i = count_hash(t.q[s, L.Q_BASE], t.q[s, L.Q_NEED], t.q[s, L.Q_LEFT], size)
            while qhash[i] != 0:
                i = (i + 1) & (size - 1)
            qhash[i] = s + 1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def delta(t, q, byte):
    """Next terminal state; -1: none; -2: no room for it."""
    base = np.int64(t.q[q, L.Q_BASE])
    e = lookup(t, base, np.int64(byte))
    if e < 0:
        if e != ABSENT:
            return -1
        if not load(t, base):
            return -2
        e = lookup(t, base, np.int64(byte))
        if e < 0:
            return -1
    need = t.q[q, L.Q_NEED]
    left = t.q[q, L.Q_LEFT]
    to = e >> 2
    if need == 0 and left == L.INF:
        return to
    mark = e & 3
    if mark == EXIT:
        return -1 if need > 0 else to
    if mark == TICK:
        if left == 0:
            return -1
        if need > 0:
            need -= 1
        if left != L.INF:
            left -= 1
    s = counted_state(t, np.int64(to), np.int64(need), np.int64(left))
    return s if s >= 0 else -2


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def row_state(t, q, longest):
    """The state whose row serves q: counts further away than the longest token are all alike. -2: no room."""
    r = t.q[q, L.Q_ROWQ]
    if r >= 0:
        return r
    need = min(t.q[q, L.Q_NEED], longest + 1)
    left = t.q[q, L.Q_LEFT]
    if left > longest:
        left = L.INF
    r = counted_state(t, np.int64(t.q[q, L.Q_BASE]), np.int64(need), np.int64(left))
    if r < 0:
        return -2
    t.q[q, L.Q_ROWQ] = r
    return r
