"""What a gap makes superfluous: cells of rules that could as well have begun in the gap. Numba kernels.

A rule that is called in a gap has one cell there. A rule under way when the gap begins has another, but mostly all
that is below it is also below the gap's cell for the same rule, in the same way or as cells of the gap: then it is
*covered*, and what is met above it need not be looked at if it is met above the gap's cell too. That is the simulation
of one automaton by another, the greatest that there is: covered is what cannot be shown not to be. So what is kept does
not grow with the number of gaps.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.pushdown import layout as L
from structgen.kernels.pushdown.stacks import find, learn, row
from structgen.kernels.pushdown.widths import within

# what a key says, beside L.PAIR
HAS, COVER, SPARE = 10 << 59, 11 << 59, 12 << 59


@njit(cache=True, nogil=True)
def base_of(R, c):
    """The cell that a cell was narrowed from, or itself."""
    return c if R[c + L.BASE] < 0 else R[c + L.BASE]


@njit(cache=True, nogil=True)
def known(R, x, high, base, widths, shift):
    """Is something known of a cell with these widths or more? Keys are (x, high | cell << shift)."""
    now = R[L.NOW]
    if R[find(R, x, high | (base << shift)) + 2] == now:
        return True
    view = R[base + L.NARROW]
    while view >= 0:
        if within(R, widths, R[view + L.WIDTHS]) and R[find(R, x, high | (view << shift)) + 2] == now:
            return True
        view = R[view + L.SIBLING]
    return False


@njit(cache=True, nogil=True)
def has(R, how, label, c, base, widths):
    """Has a cell of this gap such an edge, to a cell with these widths or more?"""
    return known(R, HAS | (how << 32) | (label + 1), c << 32, base, widths, 0)


@njit(cache=True, nogil=True)
def coverer(R, base):
    """The cell of this gap that covers one, or -1."""
    k = find(R, COVER, base)
    return R[k + 3] if R[k + 2] == R[L.NOW] else -1


@njit(cache=True, nogil=True)
def over(R, c):
    """The cell of this gap that covers a cell, if it has all its widths; or -1."""
    q = coverer(R, base_of(R, c))
    if q < 0 or R[q + L.WIDTHS] == L.NO_SET or within(R, R[c + L.WIDTHS], R[q + L.WIDTHS]):
        return q
    return -1


@njit(cache=True, nogil=True)
def suppose(T, R, c):
    """A cell that is not of this gap may be covered by the one for the same rule."""
    if R[c + L.GAP] == R[L.USED + L.STORED_FIRST]:
        return
    k = learn(R, COVER, c)
    if k < 0:
        return
    R[k + 3] = -1
    e = R[c + L.EDGE]
    if e >= 0:
        part = L.BLOCK if R[e + L.HOW] == L.WIDER else L.CALLEE
        q = R[R[L.AT + L.MARKS] + part * T[L.NODES] + R[c + L.RULE]]
        if q >= 0:
            R[k + 3] = q
            i = row(R, L.ITEMS, 3)
            R[i] = c


@njit(cache=True, nogil=True)
def in_doubt(R, c):
    """Is there something below a cell that is not known to be below the one that covers it?"""
    q = coverer(R, c)
    e = R[c + L.EDGE]
    while e >= 0:
        b, how, label = R[e + L.BELOW], R[e + L.HOW], R[e + L.LABEL]
        widths = R[b + L.WIDTHS]
        later = over(R, b)
        if not (later >= 0 and has(R, how, label, q, later, widths)):
            if not has(R, how, label, q, base_of(R, b), widths):
                return True
        e = R[e + L.OTHER]
    return False


@njit(cache=True, nogil=True)
def find_covered(T, R):
    """Which cells are covered by those of this gap?"""
    marks = R[L.AT + L.MARKS]
    for i in range((L.CALLEE * T[L.NODES]), (L.BLOCK + 1) * T[L.NODES]):
        c = R[marks + i]
        e = R[c + L.EDGE] if c >= 0 else -1
        while e >= 0:
            learn(R, HAS | (R[e + L.HOW] << 32) | (R[e + L.LABEL] + 1), (c << 32) | R[e + L.BELOW])
            e = R[e + L.OTHER]
    R[L.USED + L.ITEMS] = 0
    for i in range(R[L.USED + L.PAIRS]):
        suppose(T, R, base_of(R, R[R[L.AT + L.PAIRS] + 2 * i + 1]))
    i = 0
    while i < R[L.USED + L.ITEMS] and not R[L.FULL]:
        e = R[R[R[L.AT + L.ITEMS] + 3 * i] + L.EDGE]
        while e >= 0:
            suppose(T, R, base_of(R, R[e + L.BELOW]))
            e = R[e + L.OTHER]
        i += 1
    changed = True
    while changed and not R[L.FULL]:
        changed = False
        for i in range(R[L.USED + L.ITEMS]):
            c = R[R[L.AT + L.ITEMS] + 3 * i]
            if coverer(R, c) >= 0 and in_doubt(R, c):
                R[find(R, COVER, c) + 3] = -1
                changed = True
    R[L.USED + L.ITEMS] = 0


@njit(cache=True, nogil=True)
def drop_edges(T, R):
    """Take away edges of this gap's cells to cells that are covered, where there is one to the other."""
    marks = R[L.AT + L.MARKS]
    for i in range((L.CALLEE * T[L.NODES]), (L.BLOCK + 1) * T[L.NODES]):
        c = R[marks + i]
        if c < 0:
            continue
        last, e = -1, R[c + L.EDGE]
        while e >= 0:
            b, after = R[e + L.BELOW], R[e + L.OTHER]
            later = over(R, b)
            if later >= 0 and has(R, R[e + L.HOW], R[e + L.LABEL], c, later, R[b + L.WIDTHS]):
                if last < 0:
                    R[c + L.EDGE] = after
                else:
                    R[last + L.OTHER] = after
            else:
                last = e
            e = after


@njit(cache=True, nogil=True)
def met_later(R, node, c):
    """Is a node met above the cell of this gap that covers another?"""
    later = over(R, c)
    return later >= 0 and known(R, L.PAIR | node, 0, later, R[c + L.WIDTHS], 32)


@njit(cache=True, nogil=True)
def drop_pairs(R):
    """Take away the pairs with cells that are covered, where there is one with the other."""
    n = 0
    for i in range(R[L.USED + L.PAIRS]):
        p, to = R[L.AT + L.PAIRS] + 2 * i, R[L.AT + L.PAIRS] + 2 * n
        if not met_later(R, R[p], R[p + 1]):
            R[to], R[to + 1] = R[p], R[p + 1]
            n += 1
    R[L.USED + L.PAIRS] = n


@njit(cache=True, nogil=True)
def met(R, node, c):
    """Is a node met above a cell, or above one that covers it?"""
    return known(R, L.PAIR | node, 0, base_of(R, c), R[c + L.WIDTHS], 32) or met_later(R, node, c)


@njit(cache=True, nogil=True)
def spare(T, R, terminal, g):
    """Does a terminal lead from this group to nothing but what it leads to behind this gap, begun there?"""
    first, end = T[T[L.ON] + terminal], T[T[L.ON] + terminal + 1]
    gap = R[g + L.IN_GAP]
    if gap >= 0:
        stored = R[L.AT + L.STORED_FIRST] + gap * (T[L.NODES] + 1)
        for w in range(first, end, L.ON_ROW):
            node = T[w + L.FROM]
            for at in range(R[stored + node], R[stored + node + 1]):
                if not met(R, node, R[at]):
                    return 0
        return 1
    at = R[g]
    while at >= 0:
        found = False
        for w in range(first, end, L.ON_ROW):
            found = found or (T[w + L.BEHIND] == R[at] and met(R, T[w + L.FROM], R[at + 1]))
        if not found:
            return 0
        at = R[at + 2]
    return 1


@njit(cache=True, nogil=True)
def drop_threads(T, R):
    """Take away the next threads that go on as some do that can be begun in this gap."""
    n = 0
    for i in range(R[L.USED + L.NEXT]):
        t, to = R[L.AT + L.NEXT] + 4 * i, R[L.AT + L.NEXT] + 4 * n
        terminal, g = T[T[L.STATES] + R[t] * 3 + L.TERM], R[t + L.GROUP]
        k = learn(R, SPARE | terminal, g)
        if k >= 0:
            R[k + 3] = spare(T, R, terminal, g)
        else:
            k = -1 - k
        if R[L.FULL] or not R[k + 3]:
            R[to], R[to + 1], R[to + 2], R[to + 3] = R[t], R[t + 1], R[t + 2], R[t + 3]
            n += 1
    R[L.USED + L.NEXT] = n
