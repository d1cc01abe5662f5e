"""A gap that may hold any text: what it can lead to, on all stacks at once. Numba kernels.

This is the saturation known from pushdown systems (post*; Bouajjani, Esparza, Maler, CONCUR 1997): inside the gap a
rule that is called gets *one* cell, whoever calls it and however deep. Every terminal can be written to its end and
every rule too, but for those that need more blocks inside each other than there is width left for. What the gap leads
to is a set of pairs of a node and a cell, and behind it any state of any terminal that leaves one of these nodes.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.pushdown import layout as L
from structgen.kernels.pushdown.bans import after
from structgen.kernels.pushdown.cover import drop_edges, drop_pairs, drop_threads, find_covered
from structgen.kernels.pushdown.read import group_of, seen, thread, turn
from structgen.kernels.pushdown.stacks import at_most, cell, covered, first_edge, forget, learn, narrowed, put_edge, row
from structgen.kernels.pushdown.widths import between, both, either, up_to

# what a key says, beside L.PAIR
OUT, LINK = 8 << 59, 9 << 59
# can a terminal under way end in the gap?
NOT, BANNED, FREELY = range(3)


@njit(cache=True, nogil=True)
def meet(R, node, c):
    """A node and a cell that the gap can lead to; or with END the end of its rule."""
    if node < 0:
        leave(R, c)
        return
    x = L.PAIR | node
    if covered(R, x, c, 0) or learn(R, x, c << 32) < 0:
        return
    p = row(R, L.PAIRS, 2)
    R[p], R[p + 1] = node, c


@njit(cache=True, nogil=True)
def leave(R, c):
    """The rule of a cell can end. For those of this gap the way on was taken where they were called."""
    if R[c + L.GAP] == R[L.USED + L.STORED_FIRST]:
        return
    if covered(R, OUT, c, 0) or learn(R, OUT, c << 32) < 0:
        return
    i = row(R, L.ITEMS, 3)
    R[i] = c


@njit(cache=True, nogil=True)
def leave_all(R):
    """Go on below the cells whose rules can end."""
    while R[L.USED + L.ITEMS] and not R[L.FULL]:
        R[L.USED + L.ITEMS] -= 1
        c = R[R[L.AT + L.ITEMS] + 3 * R[L.USED + L.ITEMS]]
        if c == R[L.ROOT] or R[c + L.BASE] == R[L.ROOT]:
            R[L.ENDED] = 1
        e = first_edge(R, c)
        while e >= 0:
            meet(R, R[e + L.LABEL], R[e + L.BELOW])
            e = R[e + L.OTHER]


@njit(cache=True, nogil=True)
def record(R, kind, node, label, c):
    """A call met above a cell, or a block that begins there (kind DEEPER)."""
    if learn(R, LINK | (kind << 56) | (node << 24) | (label + 1), c) < 0:
        return
    k = row(R, L.LINKS, 4)
    R[k], R[k + 1], R[k + 2], R[k + 3] = kind, node, label, c


@njit(cache=True, nogil=True)
def explore(T, R, i):
    """Go on from the pairs from number ``i`` on, as far as their cells' rules go. Returns how many pairs there are."""
    leave_all(R)
    while i < R[L.USED + L.PAIRS] and not R[L.FULL]:
        p = R[L.AT + L.PAIRS] + 2 * i
        node, c = R[p], R[p + 1]
        i += 1
        if T[T[L.ACCEPT] + node]:
            leave(R, c)
        for e in range(T[T[L.FIRST] + node], T[T[L.FIRST] + node + 1], L.EDGE_ROW):
            kind, symbol, label = T[e], T[e + L.SYMBOL], T[e + L.TO]
            if kind == L.CALL:
                if label == L.END:
                    meet(R, symbol, c)
                    continue
                less = at_most(R, c, T[L.MOST] - T[T[L.NEED] + symbol]) if T[T[L.CARRY] + symbol] else c
                if less >= 0:
                    record(R, kind, symbol, label, less)
                    meet(R, label, less)
            elif kind == L.DEEPER:
                less = at_most(R, c, T[L.MOST] - 1)
                if less >= 0:
                    record(R, kind, label, L.END, less)
                less = at_most(R, c, T[L.MOST] - 1 - T[T[L.NEED] + label])
                if less >= 0:
                    leave(R, less)
            else:
                meet(R, label, c)
        leave_all(R)
    return i


@njit(cache=True, nogil=True)
def enlarge(T, R, part, node, widths):
    """Take widths into a number of MARKS; is that new?"""
    at = R[L.AT + L.MARKS] + part * T[L.NODES] + node
    old = R[at]
    R[at] = widths if old < 0 else either(R, old, widths)
    return R[at] != old


@njit(cache=True, nogil=True)
def reach(T, R, part, node, widths):
    """A node is met, called or begins a block with these widths. If that is new it is to be looked at."""
    if not T[T[L.CARRY] + node]:
        widths = L.EMPTY
    if part != L.MET and not enlarge(T, R, part, node, widths):
        return
    if enlarge(T, R, L.MET, node, widths):
        i = row(R, L.ITEMS, 3)
        R[i] = node


@njit(cache=True, nogil=True)
def blocks(T, R, label, widths):
    """A block begins inside blocks of these widths."""
    if T[T[L.CARRY] + label]:
        reach(T, R, L.BEGUN, label, between(R, R[widths + L.LOW] + 1, T[L.MOST]))
    else:
        # its lines are not looked at, but it is still a block
        reach(T, R, L.BEGUN, label, L.EMPTY)


@njit(cache=True, nogil=True)
def find_widths(T, R):
    """The widths with which rules are called and blocks begin in the gap: the least solution."""
    for i in range(R[L.USED + L.LINKS]):
        k = R[L.AT + L.LINKS] + 4 * i
        if R[k] == L.CALL:
            reach(T, R, L.CALLED, R[k + 1], R[R[k + 3] + L.WIDTHS])
        else:
            blocks(T, R, R[k + 1], R[R[k + 3] + L.WIDTHS])
    while R[L.USED + L.ITEMS] and not R[L.FULL]:
        R[L.USED + L.ITEMS] -= 1
        node = R[R[L.AT + L.ITEMS] + 3 * R[L.USED + L.ITEMS]]
        widths = R[R[L.AT + L.MARKS] + L.MET * T[L.NODES] + node]
        for e in range(T[T[L.FIRST] + node], T[T[L.FIRST] + node + 1], L.EDGE_ROW):
            kind, symbol, label = T[e], T[e + L.SYMBOL], T[e + L.TO]
            if kind == L.CALL:
                if label == L.END:
                    reach(T, R, L.MET, symbol, widths)
                    continue
                less = widths
                if T[T[L.CARRY] + symbol]:
                    less = up_to(R, widths, T[L.MOST] - T[T[L.NEED] + symbol])
                    if less == L.EMPTY:
                        continue
                reach(T, R, L.CALLED, symbol, less)
                reach(T, R, L.MET, label, less)
            elif kind == L.DEEPER:
                less = up_to(R, widths, T[L.MOST] - 1)
                if less != L.EMPTY:
                    blocks(T, R, label, less)
            elif label != L.END:
                reach(T, R, L.MET, label, widths)


@njit(cache=True, nogil=True)
def put_links(T, R, i):
    """The edges of the gap's cells, from link ``i`` on. Returns how many links there are."""
    marks = R[L.AT + L.MARKS]
    n = T[L.NODES]
    while i < R[L.USED + L.LINKS] and not R[L.FULL]:
        k = R[L.AT + L.LINKS] + 4 * i
        node, label, c = R[k + 1], R[k + 2], R[k + 3]
        if R[k] == L.CALL:
            put_edge(R, R[marks + L.CALLEE * n + node], label, c, L.SAME if T[T[L.CARRY] + node] else L.FREE)
        else:
            put_edge(R, R[marks + L.BLOCK * n + node], L.END, c, L.WIDER)
        i += 1
    return i


@njit(cache=True, nogil=True)
def make_cells(T, R):
    """Make the cells of rules called in the gap and of blocks begun there."""
    marks = R[L.AT + L.MARKS]
    n = T[L.NODES]
    gap = R[L.USED + L.STORED_FIRST]
    for node in range(n):
        for part in (L.CALLED, L.BEGUN):
            widths = R[marks + part * n + node]
            if widths >= 0:
                if part == L.BEGUN and widths == L.EMPTY:
                    widths = between(R, 1, T[L.MOST])
                elif not T[T[L.CARRY] + node]:
                    widths = L.NO_SET
                c = cell(R, node, widths, -1, gap)
                R[marks + (part + 2) * n + node] = c
                meet(R, node, c)


@njit(cache=True, nogil=True)
def spread(T, R, state, ban, columns, g):
    """A terminal under way when the gap begins: all that it can be behind it.

    Returns FREELY where it can get rid of its ban in the gap; it can also end there then, without another. Else whether
    it can end there under a ban.
    """
    i = R[L.USED + L.NEXT]
    thread(R, L.NEXT, state, ban, columns, g)
    found, ends = ban == 0, False
    while i < R[L.USED + L.NEXT] and not R[L.FULL]:
        t = R[L.AT + L.NEXT] + 4 * i
        at, under = R[t], R[t + 1]
        ends = ends or T[T[L.STATES] + at * 3 + L.ENDS] > 0
        i += 1
        for c in range(T[L.CLASSES]):
            to = T[T[L.DELTA] + at * T[L.CLASSES] + c]
            if to >= 0:
                left = after(T, R, under, c) if under else 0
                if left >= 0:
                    found = found or left == 0
                    if not seen(R, to, left, columns, g):
                        thread(R, L.NEXT, to, left, columns, g)
    return FREELY if found else BANNED if ends else NOT


@njit(cache=True, nogil=True)
def seed(T, R, sort, label, c, columns):
    """What stands behind a terminal that was under way when the gap began."""
    if sort == L.TERMINAL:
        meet(R, label, c)
    elif sort == L.EQUAL:
        left = narrowed(R, c, columns)
        if left >= 0:
            meet(R, label, left)
    else:
        deeper = both(R, columns, between(R, R[R[c + L.WIDTHS] + L.LOW] + 1, T[L.MOST]))
        if deeper != L.EMPTY:
            block = cell(R, label, deeper, -1, -1)
            put_edge(R, block, L.END, at_most(R, c, R[deeper + L.HIGH] - 1), L.WIDER)
            meet(R, label, block)


@njit(cache=True, nogil=True)
def seeds(T, R):
    """All that is under way when the gap begins."""
    for i in range(R[L.USED + L.THREADS]):
        t = R[L.AT + L.THREADS] + 4 * i
        state, ban, columns, g = R[t], R[t + 1], R[t + 2], R[t + 3]
        terminal = T[T[L.STATES] + state * 3]
        sort = T[T[L.SORT] + terminal]
        wider = sort != L.TERMINAL and state == T[T[L.STARTS] + terminal]
        if wider:
            columns = between(R, R[columns + L.LOW], T[L.MOST])  # blanks can be put in
        how = spread(T, R, state, ban, columns, g)
        if how == NOT and not wider:
            continue
        if how != FREELY:
            R[L.UNSURE] = 1
        if R[L.FULL] or R[L.UNSURE]:
            return
        gap = R[g + L.IN_GAP]
        if gap < 0:
            at = R[g]
            while at >= 0:
                seed(T, R, sort, R[at], R[at + 1], columns)
                at = R[at + 2]
        else:
            stored = R[L.AT + L.STORED_FIRST] + gap * (T[L.NODES] + 1)
            for w in range(T[T[L.ON] + terminal], T[T[L.ON] + terminal + 1], L.ON_ROW):
                node = T[w + L.FROM]
                for at in range(R[stored + node], R[stored + node + 1]):
                    seed(T, R, sort, T[w + L.BEHIND], R[at], columns)


@njit(cache=True, nogil=True)
def store(T, R):
    """Keep the pairs by node; every terminal that leaves one of them may be under way behind the gap."""
    n = T[L.NODES]
    gap = R[L.USED + L.STORED_FIRST]
    pairs = R[L.USED + L.PAIRS]
    stored = R[L.USED + L.STORED]
    if (gap + 1) * (n + 1) > R[L.ROOM + L.STORED_FIRST] or stored + pairs > R[L.ROOM + L.STORED]:
        R[L.FULL] = 1
        return
    first = R[L.AT + L.STORED_FIRST] + gap * (n + 1)
    R[first : first + n + 1] = 0
    for i in range(pairs):
        R[first + R[R[L.AT + L.PAIRS] + 2 * i] + 1] += 1
    R[first] = R[L.AT + L.STORED] + stored
    for node in range(n):
        R[first + node + 1] += R[first + node]
    marks = R[L.AT + L.MARKS]
    R[marks : marks + n] = R[first : first + n]
    for i in range(pairs):
        p = R[L.AT + L.PAIRS] + 2 * i
        at = R[marks + R[p]]
        R[at] = R[p + 1]
        R[marks + R[p]] = at + 1
    R[L.USED + L.STORED] = stored + pairs
    g = group_of(R, gap)
    anything = between(R, 0, T[L.MOST])
    for terminal in range(T[L.TERMINALS]):
        met = False
        for w in range(T[T[L.ON] + terminal], T[T[L.ON] + terminal + 1], L.ON_ROW):
            node = T[w + L.FROM]
            met = met or R[first + node] < R[first + node + 1]
        if met:
            columns = L.NO_SET if T[T[L.SORT] + terminal] == L.TERMINAL else anything
            for state in range(T[T[L.STARTS] + terminal], T[T[L.STARTS] + terminal + 1]):
                t = row(R, L.NEXT, 4)
                R[t], R[t + 1], R[t + 2], R[t + 3] = state, 0, columns, g


@njit(cache=True, nogil=True)
def pass_gap(T, R, opening):
    """Any text; ``opening``: the gap begins the text. ENDED says whether the text may end behind it."""
    forget(R)
    R[L.ENDED] = 0
    for part in (L.NEXT, L.PAIRS, L.LINKS, L.ITEMS):
        R[L.USED + part] = 0
    marks = R[L.AT + L.MARKS]
    R[marks : marks + 5 * T[L.NODES]] = -1
    if opening:
        meet(R, T[L.START], R[L.ROOT])
    seeds(T, R)
    met = explore(T, R, 0)
    find_widths(T, R)
    make_cells(T, R)
    linked = put_links(T, R, 0)
    explore(T, R, met)
    put_links(T, R, linked)
    if R[L.FULL] or R[L.UNSURE]:
        return
    find_covered(T, R)
    drop_edges(T, R)
    drop_pairs(R)
    drop_threads(T, R)
    if R[L.FULL]:
        return
    store(T, R)
    turn(R)
    R[L.USED + L.STORED_FIRST] += 1
