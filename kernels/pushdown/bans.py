"""Bans: what may not come next, several at once. Numba kernels.

A ban is a state of one, 0 for none, or the place of a row of several such states, ascending. Places are greater than
all states.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.pushdown import layout as L


@njit(cache=True, nogil=True)
def together(T, R, a, b, d, e):
    """Up to four states of bans as one ban; 0 where there is none."""
    # in order, zeros first
    if a > b:
        a, b = b, a
    if d > e:
        d, e = e, d
    if a > d:
        a, d = d, a
    if b > e:
        b, e = e, b
    if b > d:
        b, d = d, b
    if d == 0:
        return e
    rows = R[L.AT + L.MIXED]
    n = R[L.USED + L.MIXED]
    for i in range(n):
        r = rows + 4 * i
        if R[r] == a and R[r + 1] == b and R[r + 2] == d and R[r + 3] == e:
            return r
    if n + 1 >= R[L.ROOM + L.MIXED]:
        R[L.FULL] = 1
        return 0
    R[L.USED + L.MIXED] = n + 1
    r = rows + 4 * n
    R[r], R[r + 1], R[r + 2], R[r + 3] = a, b, d, e
    return r


@njit(cache=True, nogil=True)
def after(T, R, ban, c):
    """The ban after one more byte, of class c; -1: it forbids it."""
    table = T[L.BANS]
    width = T[L.CLASSES]
    if ban < T[L.BAN_STATES]:
        return T[table + ban * width + c]
    a, b, d, e = 0, 0, 0, 0
    for i in range(4):
        if R[ban + i]:
            to = T[table + R[ban + i] * width + c]
            if to < 0:
                return -1
            if to != a and to != b and to != d and to != e:
                a, b, d, e = to, a, b, d
    return together(T, R, a, b, d, e)


@njit(cache=True, nogil=True)
def joined(T, R, ban, other):
    """Two bans at once, the other a single one."""
    if ban == 0 or ban == other:
        return other
    if ban < T[L.BAN_STATES]:
        return together(T, R, ban, other, 0, 0)
    for i in range(4):
        if R[ban + i] == other:
            return ban
    if R[ban]:
        R[L.UNSURE] = 1  # more at once than there is room for
        return ban
    return together(T, R, R[ban + 1], R[ban + 2], R[ban + 3], other)
