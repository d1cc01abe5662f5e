"""Stack cells: rules under way, shared by all the stacks that they are on. Numba kernels.

A cell has edges to what may be below it, with the node to go on at. Its *set* holds the widths that its block can
have, where the rule may still meet margins. One width holds for all cells of a block, and the blocks below have less:
so where a cell is narrowed to fewer widths, what is below it is narrowed too. This is done when it is popped, not
before.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.pushdown import layout as L
from structgen.kernels.pushdown.widths import both, up_to, within


@njit(cache=True, nogil=True)
def row(R, part, words):
    """A new row of a part; where there is no room, its first one, and FULL is set."""
    n = R[L.USED + part]
    if n + 1 >= R[L.ROOM + part]:
        R[L.FULL] = 1
        return R[L.AT + part]
    R[L.USED + part] = n + 1
    return R[L.AT + part] + n * words


@njit(cache=True, nogil=True)
def find(R, x, y):
    """Where a key is or would be among what is known now. The table is small until much is."""
    h = ((x >> 32) * 1000003 + (x & 0xFFFFFFFF)) & 0xFFFFFFFF
    h = (h * 1000003 + (y >> 32)) & 0xFFFFFFFF
    h = (h * 1000003 + (y & 0xFFFFFFFF)) & 0xFFFFFFFFFF
    h = (h ^ (h >> 15)) * 668265
    size = R[L.SIZE]
    at = (h ^ (h >> 17)) & (size - 1)
    begin = R[L.AT + L.KEYS] if size == L.SMALL else R[L.AT + L.KEYS] + 4 * L.SMALL
    now = R[L.NOW]
    k = begin + 4 * at
    while R[k + 2] == now:
        if R[k] == x and R[k + 1] == y:
            return k
        at += 1
        if at == size:
            at = 0
        k = begin + 4 * at
    return k


@njit(cache=True, nogil=True)
def learn(R, x, y):
    """The place of a key that is new now, which has room for a value in its last word; less than 0: it was known.

    Then it is -1 less the place.
    """
    k = find(R, x, y)
    if R[k + 2] == R[L.NOW]:
        return -1 - k
    if 2 * R[L.USED + L.KEYS] > R[L.SIZE]:
        if R[L.SIZE] > L.SMALL:
            R[L.FULL] = 1
            return -1 - k
        enlarge_table(R)
        k = find(R, x, y)
    R[L.USED + L.KEYS] += 1
    R[k], R[k + 1], R[k + 2] = x, y, R[L.NOW]
    return k


@njit(cache=True, nogil=True)
def enlarge_table(R):
    """Move what is known now from the small table into the large one."""
    R[L.SIZE] = R[L.ROOM + L.KEYS] - L.SMALL
    old = R[L.AT + L.KEYS]
    for at in range(L.SMALL):
        j = old + 4 * at
        if R[j + 2] == R[L.NOW]:
            k = find(R, R[j], R[j + 1])
            R[k], R[k + 1], R[k + 2], R[k + 3] = R[j], R[j + 1], R[j + 2], R[j + 3]


@njit(cache=True, nogil=True)
def forget(R):
    """A new place in the text: nothing is known there."""
    R[L.NOW] += 1
    R[L.USED + L.KEYS] = 0
    R[L.SIZE] = L.SMALL


@njit(cache=True, nogil=True)
def covered(R, x, c, low):
    """Is what is said of a cell known of the same cell with more widths? Keys are (x, cell << 32 | low)."""
    base = R[c + L.BASE]
    if base < 0:
        return False
    now = R[L.NOW]
    if R[find(R, x, (base << 32) | low) + 2] == now:
        return True
    widths = R[c + L.WIDTHS]
    view = R[base + L.NARROW]
    while view >= 0:
        if view != c and within(R, widths, R[view + L.WIDTHS]):
            if R[find(R, x, (view << 32) | low) + 2] == now:
                return True
        view = R[view + L.SIBLING]
    return False


@njit(cache=True, nogil=True)
def cell(R, rule, widths, base, gap):
    """A new cell without edges."""
    c = row(R, L.CELLS, 9)
    R[c + L.WIDTHS], R[c + L.EDGE], R[c + L.BASE], R[c + L.NARROW] = widths, -1, base, -1
    R[c + L.SIBLING], R[c + L.MADE], R[c + L.POPPED] = -1, 1 if base < 0 else 0, -1
    R[c + L.GAP], R[c + L.RULE] = gap, rule
    return c


@njit(cache=True, nogil=True)
def narrowed(R, c, widths):
    """A cell with only these of its widths; -1 if none is left."""
    old = R[c + L.WIDTHS]
    if old == L.NO_SET:
        return c
    left = both(R, old, widths)
    if left == L.EMPTY:
        return -1
    if left == old:
        return c
    base = R[c + L.BASE]
    if base < 0:
        base = c
    size = R[L.ROOM + L.VIEWS]
    key = (base << 32) | left
    h = ((base * 1000003) ^ left) & 0xFFFFFFFF
    at = (h ^ (h >> 15)) % size
    begin = R[L.AT + L.VIEWS]
    while R[begin + 2 * at] != 0:
        if R[begin + 2 * at] == key:
            return R[begin + 2 * at + 1]
        at += 1
        if at == size:
            at = 0
    if 2 * R[L.USED + L.VIEWS] > size:
        R[L.FULL] = 1
        return c
    R[L.USED + L.VIEWS] += 1
    view = cell(R, R[base + L.RULE], left, base, R[base + L.GAP])
    R[view + L.SIBLING] = R[base + L.NARROW]
    R[base + L.NARROW] = view
    R[begin + 2 * at], R[begin + 2 * at + 1] = key, view
    return view


@njit(cache=True, nogil=True)
def at_most(R, c, high):
    """A cell with only its widths up to ``high``; -1 if none is left."""
    old = R[c + L.WIDTHS]
    if old == L.NO_SET or R[old + L.HIGH] <= high:
        return c
    left = up_to(R, old, high)
    return -1 if left == L.EMPTY else narrowed(R, c, left)


@njit(cache=True, nogil=True)
def below(R, widths, c, how):
    """What is below a cell of these widths, given what is below it whatever its width; -1: nothing."""
    if how == L.SAME:
        return narrowed(R, c, widths)
    if how == L.WIDER:
        return at_most(R, c, R[widths + L.HIGH] - 1)
    return c


@njit(cache=True, nogil=True)
def put_edge(R, c, label, to, how):
    """Add an edge to a cell."""
    e = row(R, L.EDGES, 4)
    R[e + L.LABEL], R[e + L.BELOW], R[e + L.HOW], R[e + L.OTHER] = label, to, how, R[c + L.EDGE]
    R[c + L.EDGE] = -1 if R[L.FULL] else e


@njit(cache=True, nogil=True)
def first_edge(R, c):
    """The first edge of a cell, or -1; a narrowed cell gets its edges now."""
    if R[c + L.MADE] == 0:
        R[c + L.MADE] = 1
        widths = R[c + L.WIDTHS]
        e = R[R[c + L.BASE] + L.EDGE]
        while e >= 0:
            to = below(R, widths, R[e + L.BELOW], R[e + L.HOW])
            if to >= 0:
                put_edge(R, c, R[e + L.LABEL], to, R[e + L.HOW])
            e = R[e + L.OTHER]
    return R[c + L.EDGE]
