"""States of large automata, brought in as they are reached.

An automaton of millions of states (a choice of a million items) is kept as it came, six bytes for each edge and nine
for each state. A state becomes a terminal state when an edge that leads to it is brought in, with all that is known
without its own edges; these are brought in when they are first looked up. Until then Q_IV is -1 - its number among the
states of large automata. See layout.py for the arrays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L

U1 = np.uint64(1)
#: States with that many intervals or more get a dense row while there is one left.
DENSE_FROM = 4


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def enter(t, s):
    """The terminal state of state s of the large automata, without its edges. Room for one is the caller's care."""
    if t.largeat[s] > 0:
        return np.int64(t.largeat[s])
    q = np.int64(t.used[L.T_Q])
    t.used[L.T_Q] = q + 1
    t.largeat[s] = q
    row = t.q[q]
    row[L.Q_IV] = -1 - s
    row[L.Q_NIV] = t.largefirst[s + 1] - t.largefirst[s]
    row[L.Q_ACCEPT] = t.largeaccept[s]
    row[L.Q_DIST] = t.largedistance[s]
    row[L.Q_DENSE] = -1
    row[L.Q_BASE] = q
    row[L.Q_NEED] = 0
    row[L.Q_LEFT] = L.INF
    row[L.Q_ITER] = 0
    row[L.Q_ROWQ] = q
    row[L.Q_INNER] = -1
    row[L.Q_REST] = -1
    row[L.Q_MAXD] = 0
    row[L.Q_HASH] = 0
    for w in range(4):
        t.qbytes[q, w] = 0
    for k in range(t.largefirst[s], t.largefirst[s + 1]):
        for byte in range(t.largelo[k], np.int64(t.largehi[k]) + 1):
            t.qbytes[q, byte >> 6] |= U1 << np.uint64(byte & 63)
    return q


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def load(t, q):
    """Bring in the edges of a state whose Q_IV is negative. Returns whether there was room (else grow T_Q)."""
    s = -1 - np.int64(t.q[q, L.Q_IV])
    first = np.int64(t.largefirst[s])
    degree = np.int64(t.largefirst[s + 1]) - first
    begin = np.int64(t.used[L.T_IV])
    if t.used[L.T_Q] + degree > t.q.shape[0] or begin + degree > t.iv.shape[0]:
        return False
    dense = np.int64(-1)
    if degree >= DENSE_FROM and t.used[L.T_DENSE] < t.dense.shape[0]:
        dense = np.int64(t.used[L.T_DENSE])
        t.used[L.T_DENSE] = dense + 1
        t.dense[dense, :] = -1
    for k in range(degree):
        lo = np.int64(t.largelo[first + k])
        hi = np.int64(t.largehi[first + k])
        to = np.int64(enter(t, np.int64(t.largeto[first + k])))
        t.iv[begin + k, L.IV_LO] = lo
        t.iv[begin + k, L.IV_HI] = hi
        t.iv[begin + k, L.IV_TO] = to
        t.iv[begin + k, L.IV_MARK] = 0
        t.iv[begin + k, L.IV_PICK] = t.following[lo] if t.following[lo] <= hi else lo + 256
        if dense >= 0:
            t.dense[dense, lo : hi + 1] = to * 4
    t.used[L.T_IV] = begin + degree
    t.q[q, L.Q_DENSE] = dense
    t.q[q, L.Q_IV] = begin
    return True
