"""Fixed text, byte by byte, on all stacks at once: Numba kernels.

A *thread* is a terminal under way, with all the ways on behind it (its group). Where one may end, what follows is
worked out for the next byte only: ways on that do not begin with it are not looked at. A ``byte`` is here a class of
bytes, or the number of classes for the end of the text, or one more where any may come.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.pushdown import layout as L
from structgen.kernels.pushdown.bans import after, joined
from structgen.kernels.pushdown.stacks import (
    at_most,
    below,
    cell,
    covered,
    first_edge,
    forget,
    learn,
    narrowed,
    put_edge,
    row,
)
from structgen.kernels.pushdown.widths import between, both, moved

# what a key says
ITEM, NEW, EDGE, BEGUN, MOVED, DONE = 1 << 59, 2 << 59, 3 << 59, 4 << 59, 5 << 59, 6 << 59


@njit(cache=True, nogil=True)
def can(T, node, byte):
    """May the byte come next at a node, in its rule or behind it?"""
    return (T[T[L.CAN] + byte * T[L.WORDS] + (node >> 5)] >> (node & 31)) & 1


@njit(cache=True, nogil=True)
def leaves(T, node, byte):
    """May the byte come behind the rule of a node?"""
    return (T[T[L.LEAVES] + byte * T[L.WORDS] + (node >> 5)] >> (node & 31)) & 1


@njit(cache=True, nogil=True)
def begins(T, terminal, byte):
    """May the byte come where a terminal begins?"""
    return (T[T[L.BEGINS] + byte * T[L.BEGIN_WORDS] + (terminal >> 5)] >> (terminal & 31)) & 1


@njit(cache=True, nogil=True)
def passes(T, terminal, byte):
    """May the byte come behind a terminal?"""
    return (T[T[L.PASSES] + byte * T[L.BEGIN_WORDS] + (terminal >> 5)] >> (terminal & 31)) & 1


@njit(cache=True, nogil=True)
def item(T, R, node, c, ban, byte):
    """A node to be looked at, or with END the end of the cell's rule."""
    if not (can(T, node, byte) if node >= 0 else leaves(T, R[c + L.RULE], byte)):
        return
    x = ITEM | (node + 1)
    if covered(R, x, c, ban) or learn(R, x, (c << 32) | ban) < 0:
        return
    i = row(R, L.ITEMS, 3)
    R[i], R[i + 1], R[i + 2] = node, c, ban


@njit(cache=True, nogil=True)
def link(T, R, c, label, to, how, ban, byte):
    """Add an edge to a cell that is new here, and take it where the cell has been popped already."""
    if learn(R, EDGE | (how << 32) | (label + 1), (c << 32) | to) < 0:
        return
    now = R[L.NOW]
    put_edge(R, c, label, to, how)
    if R[c + L.POPPED] == now:
        item(T, R, label, to, ban, byte)
    view = R[c + L.NARROW]
    while view >= 0:
        if R[view + L.MADE]:
            less = below(R, R[view + L.WIDTHS], to, how)
            if less >= 0:
                put_edge(R, view, label, less, how)
                if R[view + L.POPPED] == now:
                    item(T, R, label, less, ban, byte)
        view = R[view + L.SIBLING]


@njit(cache=True, nogil=True)
def call(T, R, node, entry, widths, label, c, how, ban, byte):
    """Begin the rule of a node above a cell. ``entry`` tells the rules that begin here apart."""
    k = learn(R, NEW | entry, (ban << 32) | (widths + 1))
    if k >= 0:
        callee = cell(R, node, widths, -1, -1)
        R[k + 3] = callee
        link(T, R, callee, label, c, how, ban, byte)
        item(T, R, node, callee, ban, byte)
    else:
        link(T, R, R[-1 - k + 3], label, c, how, ban, byte)


@njit(cache=True, nogil=True)
def proceed(T, R, sort, label, c, columns, ban, byte):
    """Go on behind a terminal; of margins ``columns`` is the set of widths that they may have."""
    if not (can(T, label, byte) if label >= 0 else leaves(T, R[c + L.RULE], byte)):
        return
    if sort == L.TERMINAL:
        item(T, R, label, c, ban, byte)
    elif sort == L.EQUAL:
        left = narrowed(R, c, columns)
        if left >= 0:
            item(T, R, label, left, ban, byte)
    else:
        deeper = both(R, columns, between(R, R[R[c + L.WIDTHS] + L.LOW] + 1, T[L.MOST]))
        if deeper != L.EMPTY:
            left = at_most(R, c, R[deeper + L.HIGH] - 1)
            call(T, R, label, T[L.NODES] + label, deeper, L.END, left, L.WIDER, ban, byte)


@njit(cache=True, nogil=True)
def thread(R, part, state, ban, columns, group):
    """A terminal under way, unless it is known."""
    if learn(R, MOVED | (state << 32) | (columns + 1), (ban << 32) | group) >= 0:
        i = row(R, part, 4)
        R[i], R[i + 1], R[i + 2], R[i + 3] = state, ban, columns, group
        if part == L.NEXT:
            R[R[L.AT + L.SEEN] + state] = i


@njit(cache=True, nogil=True)
def seen(R, state, ban, columns, group):
    """Is this the last one of the next threads that came to its state?"""
    i = R[R[L.AT + L.SEEN] + state]
    if i < R[L.AT + L.NEXT] or i >= R[L.AT + L.NEXT] + 4 * R[L.USED + L.NEXT]:
        return False
    return R[i] == state and R[i + 1] == ban and R[i + 2] == columns and R[i + 3] == group


@njit(cache=True, nogil=True)
def move(R, state, ban, columns, group):
    """A thread that has moved, unless it is the same as the last one to come to its state."""
    if not seen(R, state, ban, columns, group):
        i = row(R, L.NEXT, 4)
        R[i], R[i + 1], R[i + 2], R[i + 3] = state, ban, columns, group
        R[R[L.AT + L.SEEN] + state] = i


@njit(cache=True, nogil=True)
def group_of(R, gap):
    """A group without ways on yet, or that of all ways in a gap."""
    g = row(R, L.GROUPS, 2)
    R[g], R[g + 1] = -1, gap
    return g


@njit(cache=True, nogil=True)
def begin(T, R, terminal, label, c, ban, byte):
    """Begin a terminal at a node, as far as the next byte begins it."""
    if not begins(T, terminal, byte):
        return
    state = T[T[L.STARTS] + terminal]
    sort = T[T[L.SORT] + terminal]
    columns = L.NO_SET if sort == L.TERMINAL else between(R, 0, 0)
    if T[T[L.STATES] + state * 3 + L.ENDS]:  # it may be empty
        proceed(T, R, sort, label, c, columns, ban, byte)
    if byte == T[L.CLASSES]:
        return
    if byte < T[L.CLASSES]:
        blank = sort != L.TERMINAL and T[T[L.COLUMNS] + byte] > 0
        if not blank and T[T[L.DELTA] + state * T[L.CLASSES] + byte] < 0:
            return
    k = learn(R, BEGUN | terminal, ban)
    if k >= 0:
        g = group_of(R, -1)
        R[k + 3] = g
        thread(R, L.THREADS, state, ban, columns, g)
    else:
        g = R[-1 - k + 3]
    way = row(R, L.CONTS, 3)
    R[way], R[way + 1], R[way + 2] = label, c, R[g]
    R[g] = -1 if R[L.FULL] else way


@njit(cache=True, nogil=True)
def close(T, R, byte):
    """Look at everything there is to be looked at, up to the next byte."""
    now = R[L.NOW]
    while R[L.USED + L.ITEMS] and not R[L.FULL]:
        R[L.USED + L.ITEMS] -= 1
        i = R[L.AT + L.ITEMS] + 3 * R[L.USED + L.ITEMS]
        node, c, ban = R[i], R[i + 1], R[i + 2]
        if node == L.END:
            R[c + L.POPPED] = now
            if c == R[L.ROOT] or R[c + L.BASE] == R[L.ROOT]:
                R[L.ENDED] = 1
            e = first_edge(R, c)
            while e >= 0:
                item(T, R, R[e + L.LABEL], R[e + L.BELOW], ban, byte)
                e = R[e + L.OTHER]
            continue
        if T[T[L.ACCEPT] + node]:
            item(T, R, L.END, c, ban, byte)
        for e in range(T[T[L.FIRST] + node], T[T[L.FIRST] + node + 1], L.EDGE_ROW):
            label = T[e + L.TO]
            symbol = T[e + L.SYMBOL]
            if T[e + L.KIND] != L.CALL:
                begin(T, R, symbol, label, c, ban, byte)
            elif can(T, symbol, byte):
                if label == L.END:
                    item(T, R, symbol, c, ban, byte)
                elif T[T[L.CARRY] + symbol]:
                    call(T, R, symbol, symbol, R[c + L.WIDTHS], label, c, L.SAME, ban, byte)
                else:
                    call(T, R, symbol, symbol, L.NO_SET, label, c, L.FREE, ban, byte)


@njit(cache=True, nogil=True)
def end_group(T, R, terminal, g, columns, ban, byte):
    """Go on behind a terminal, all the ways of its group."""
    sort = T[T[L.SORT] + terminal]
    gap = R[g + L.IN_GAP]
    if gap < 0:
        at = R[g]
        while at >= 0:
            proceed(T, R, sort, R[at], R[at + 1], columns, ban, byte)
            at = R[at + 2]
        return
    stored = R[L.AT + L.STORED_FIRST] + gap * (T[L.NODES] + 1)
    for w in range(T[T[L.ON] + terminal], T[T[L.ON] + terminal + 1], L.ON_ROW):
        node, label = T[w + L.FROM], T[w + L.BEHIND]
        if can(T, label, byte) if label >= 0 else leaves(T, node, byte):
            for at in range(R[stored + node], R[stored + node + 1]):
                proceed(T, R, sort, label, R[at], columns, ban, byte)


@njit(cache=True, nogil=True)
def endings(T, R, byte, since):
    """End what may end of the threads from number ``since`` on, and begin what may come next."""
    R[L.ENDED] = 0
    forget(R)
    threads = R[L.AT + L.THREADS]
    for i in range(since, R[L.USED + L.THREADS]):  # threads begun here are behind these
        t = threads + 4 * i
        s = T[L.STATES] + R[t] * 3
        ends, terminal = T[s + L.ENDS], T[s + L.TERM]
        if ends == 0 or not passes(T, terminal, byte):
            continue
        ban = R[t + L.UNDER]
        if byte == T[L.CLASSES]:
            ban = 0
        elif ends == 2:
            ban = joined(T, R, ban, T[s + L.BAN])
        if ban and byte < T[L.CLASSES]:
            left = after(T, R, ban, byte)
            if left < 0:
                continue
            if left == 0:
                ban = 0  # it is over with the next byte
        columns, g = R[t + L.READ], R[t + L.GROUP]
        if learn(R, DONE | (terminal << 32) | (columns + 1), (ban << 32) | g) >= 0:
            end_group(T, R, terminal, g, columns, ban, byte)
        if R[L.FULL]:
            return
    close(T, R, byte)


@njit(cache=True, nogil=True)
def step(T, R, byte, since, only):
    """Move the threads from number ``since`` on by a byte, as far as it is one for them.

    ``only``: it is all that is read here.
    """
    width = T[T[L.COLUMNS] + byte]
    for i in range(since, R[L.USED + L.THREADS]):
        t = R[L.AT + L.THREADS] + 4 * i
        state, ban, columns, g = R[t], R[t + 1], R[t + 2], R[t + 3]
        terminal = T[T[L.STATES] + state * 3]
        if width > 0 and T[T[L.SORT] + terminal] != L.TERMINAL and state == T[T[L.STARTS] + terminal]:
            to = state
            columns = moved(R, columns, width, T[L.MOST])
            if columns == L.EMPTY:
                continue
        else:
            to = T[T[L.DELTA] + state * T[L.CLASSES] + byte]
            if to < 0:
                continue
        if ban:
            ban = after(T, R, ban, byte)
            if ban < 0:
                continue
        if only:
            move(R, to, ban, columns, g)
        else:
            thread(R, L.NEXT, to, ban, columns, g)


@njit(cache=True, nogil=True)
def turn(R):
    """The next threads are the threads."""
    R[L.AT + L.THREADS], R[L.AT + L.NEXT] = R[L.AT + L.NEXT], R[L.AT + L.THREADS]
    R[L.USED + L.THREADS] = R[L.USED + L.NEXT]


@njit(cache=True, nogil=True)
def go_on(T, R, following):
    """A byte has been read; ``following`` is what comes next, -1 for a gap without bound. Is anything left?"""
    turn(R)
    if R[L.FULL] or not R[L.USED + L.THREADS]:
        return False
    if following >= 0:
        endings(T, R, following, 0)
    return not R[L.FULL]


@njit(cache=True, nogil=True)
def read(T, R, text, behind):
    """Read fixed text. ``behind`` is what comes next, -1 for a gap without bound. Is anything left?"""
    for i in range(len(text)):
        forget(R)
        R[L.USED + L.NEXT] = 0
        step(T, R, text[i], 0, True)
        if not go_on(T, R, text[i + 1] if i + 1 < len(text) else behind):
            return False
    return True


@njit(cache=True, nogil=True)
def read_any(T, R, allowed, behind):
    """Read bytes of which only sets are known, bool[*, classes]; see ``read``."""
    for i in range(len(allowed)):
        forget(R)
        R[L.USED + L.NEXT] = 0
        for byte in range(T[L.CLASSES]):
            if allowed[i, byte]:
                step(T, R, byte, 0, False)
        if not go_on(T, R, T[L.CLASSES] + 1 if i + 1 < len(allowed) else behind):
            return False
    return True


@njit(cache=True, nogil=True)
def read_up_to(T, R, most):
    """Read up to ``most`` bytes of any kind; what comes next is not known, before and behind.

    The threads behind fewer bytes stay, and those behind one byte more are put behind them.
    """
    ended = R[L.ENDED]
    since = 0
    for _ in range(most):
        forget(R)
        R[L.USED + L.NEXT] = 0
        for byte in range(T[L.CLASSES]):
            step(T, R, byte, since, False)
        since = R[L.USED + L.THREADS]
        for i in range(R[L.USED + L.NEXT]):
            t, to = R[L.AT + L.NEXT] + 4 * i, row(R, L.THREADS, 4)
            R[to], R[to + 1], R[to + 2], R[to + 3] = R[t], R[t + 1], R[t + 2], R[t + 3]
        if R[L.FULL] or since == R[L.USED + L.THREADS]:
            break
        endings(T, R, T[L.CLASSES] + 1, since)
        ended = max(ended, R[L.ENDED])
    R[L.ENDED] = ended


@njit(cache=True, nogil=True)
def keep_loops(T, R, behind):
    """Keep the threads that some byte leaves as they are: it can be read again and again.

    ``behind``: see ``read``. Is anything left?
    """
    n = 0
    for i in range(R[L.USED + L.THREADS]):
        t, to = R[L.AT + L.THREADS] + 4 * i, R[L.AT + L.THREADS] + 4 * n
        if R[t + L.UNDER] == 0 and T[T[L.LOOPS] + R[t]]:
            R[to], R[to + 1], R[to + 2], R[to + 3] = R[t], R[t + 1], R[t + 2], R[t + 3]
            n += 1
    R[L.USED + L.THREADS] = n
    if n and behind >= 0:
        endings(T, R, behind, 0)
    return n > 0


@njit(cache=True, nogil=True)
def open_text(T, R, byte):
    """The beginning of a text, and what its first byte is."""
    R[L.ENDED] = 0
    forget(R)
    item(T, R, T[L.START], R[L.ROOT], 0, byte)
    close(T, R, byte)
