"""Sets of widths (0 to 247) as places: equal sets have equal places."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.pushdown import layout as L


@njit(cache=True, nogil=True)
def place_of(R, a, b, c, d):
    """The place of the set with these bits; EMPTY for none."""
    if a == 0 and b == 0 and c == 0 and d == 0:
        return L.EMPTY
    size = R[L.ROOM + L.SET_SLOTS]
    slots = R[L.AT + L.SET_SLOTS]
    h = (a ^ (a >> 31)) & 0x7FFFFFFF
    h = ((h * 1000003) ^ (b ^ (b >> 31))) & 0x7FFFFFFF
    h = ((h * 1000003) ^ (c ^ (c >> 31))) & 0x7FFFFFFF
    h = ((h * 1000003) ^ (d ^ (d >> 31))) & 0x7FFFFFFF
    at = (h ^ (h >> 13)) % size
    while R[slots + at] != 0:
        s = R[slots + at]
        if R[s] == a and R[s + 1] == b and R[s + 2] == c and R[s + 3] == d:
            return s
        at = (at + 1) % size
    n = R[L.USED + L.SETS]
    if n + 1 >= R[L.ROOM + L.SETS]:
        R[L.FULL] = 1
        return R[L.AT + L.SETS]
    R[L.USED + L.SETS] = n + 1
    s = R[L.AT + L.SETS] + 6 * n
    R[slots + at] = s
    R[s], R[s + 1], R[s + 2], R[s + 3] = a, b, c, d
    low, high = -1, -1
    for w in range(4 * L.BITS):
        if (R[s + w // L.BITS] >> (w % L.BITS)) & 1:
            if low < 0:
                low = w
            high = w
    R[s + L.LOW], R[s + L.HIGH] = low, high
    return s


@njit(cache=True, nogil=True)
def both(R, x, y):
    """What is in both sets."""
    if x == y:
        return x
    if x == L.EMPTY or y == L.EMPTY:
        return L.EMPTY
    return place_of(R, R[x] & R[y], R[x + 1] & R[y + 1], R[x + 2] & R[y + 2], R[x + 3] & R[y + 3])


@njit(cache=True, nogil=True)
def within(R, x, y):
    """Is all of the one set in the other? Neither is empty."""
    return (
        R[x] & R[y] == R[x]
        and R[x + 1] & R[y + 1] == R[x + 1]
        and R[x + 2] & R[y + 2] == R[x + 2]
        and R[x + 3] & R[y + 3] == R[x + 3]
    )


@njit(cache=True, nogil=True)
def either(R, x, y):
    """What is in one of the sets."""
    if x == y or y == L.EMPTY:
        return x
    if x == L.EMPTY:
        return y
    return place_of(R, R[x] | R[y], R[x + 1] | R[y + 1], R[x + 2] | R[y + 2], R[x + 3] | R[y + 3])


@njit(cache=True, nogil=True)
def word(i, low, high):
    """Word i of the widths from ``low`` to ``high``."""
    low = max(low - i * L.BITS, 0)
    high = min(high - i * L.BITS, L.BITS - 1)
    if low > high:
        return 0
    ones = (1 << (high - low + 1)) - 1
    return ones << low


@njit(cache=True, nogil=True)
def between(R, low, high):
    """The widths from ``low`` to ``high``."""
    return place_of(R, word(0, low, high), word(1, low, high), word(2, low, high), word(3, low, high))


@njit(cache=True, nogil=True)
def moved(R, x, by, most):
    """The widths of a set, each greater by ``by`` (under 62), up to ``most``."""
    full = (1 << L.BITS) - 1
    a, b, c, d = R[x], R[x + 1], R[x + 2], R[x + 3]
    back = L.BITS - by
    d = ((d << by) & full) | (c >> back)
    c = ((c << by) & full) | (b >> back)
    b = ((b << by) & full) | (a >> back)
    a = (a << by) & full
    return place_of(
        R, a & word(0, 0, most), b & word(1, 0, most), c & word(2, 0, most), d & word(3, 0, most)
    )


@njit(cache=True, nogil=True)
def up_to(R, x, high):
    """The widths of a set that are not greater than ``high``."""
    if x == L.EMPTY or R[x + L.HIGH] <= high:
        return x
    if R[x + L.LOW] > high:
        return L.EMPTY
    return both(R, x, between(R, 0, high))
