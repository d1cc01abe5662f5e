"""Closures: what may follow where a terminal has ended, and the transitions of configurations by a byte.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.configs import allows, intern_config
from structgen.kernels.machine.members import follow_slot
from structgen.kernels.machine.stacks import push_cell, view, view_after
from structgen.kernels.machine.states import delta
from structgen.kernels.machine.tables import ask, mix, pair_get, pair_put, table_get, table_put
from structgen.kernels.machine.union import add_frames, intern_noted

#: Above every rank: nodes come off the heap in the order of TOP - rank.
TOP = 1 << 30


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_seen(m, total, entry, ban):
    """Put (entry, ban) on a work list of this length in ``seen`` unless it is there; its length, -1: no room."""
    seen = m.seen
    size = seen.shape[0]
    slot = mix(mix(np.int64(0), entry), np.int64(ban)) & (size - 1)
    generation = m.used[L.CLOSURES]
    head = np.int64(0)  # 1 + the first entry of this hash, 0: none
    if seen[slot, 2] // 4294967296 == generation:
        head = seen[slot, 2] % 4294967296
    k = head
    while k > 0:
        if seen[k - 1, 0] == entry and seen[k - 1, 1] == ban:
            m.used[L.FOUND_SEEN] = k - 1
            return np.int64(total)
        k = seen[k - 1, 3]
    if total >= size:
        return np.int64(-1)
    m.used[L.FOUND_SEEN] = total
    seen[total, 0] = entry
    seen[total, 1] = ban
    seen[total, 3] = head
    seen[slot, 2] = generation * 4294967296 + total + 1
    return np.int64(total + 1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def enter(m, total, x, cell, ban):
    """Put (x, cell, ban) on the work list of a closure unless it is there; returns its length, or L.ASK."""
    n = np.int64(put_seen(m, total, (np.int64(x) + 1073741824) * 4294967296 + cell, np.int64(ban)))
    if n >= 0:
        return n
    if total >= L.LONG_CLOSURE:
        return ask(m, L.ASK_LOOP, x)
    return ask(m, L.ASK_GROW, L.M_WORK)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_call(m, node, ban, tape, edge, cell, offset):
    """Put onto the heap of calls: a solid node is reached above a frame, or above a whole cell; or L.ASK.

    Args:
        edge, cell, offset: the frame; edge L.WHOLE: all frames of the cell.
    """
    calls = m.calls
    i = m.used[L.CALLS]
    if i >= calls.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    m.used[L.CALLS] = i + 1
    a = np.int64(TOP - m.nodes[node, L.N_RANK]) * 4294967296 + node
    b = np.int64(ban) * 4294967296 + tape
    c = np.int64(edge - L.WHOLE) * 4294967296 + cell
    while i > 0:
        up = (i - 1) >> 1
        if not below(a, b, c, offset, calls, up):
            break
        for w in range(4):
            calls[i, w] = calls[up, w]
        i = up
    calls[i, 0] = a
    calls[i, 1] = b
    calls[i, 2] = c
    calls[i, 3] = offset
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def below(a, b, c, d, calls, i):
    """Does the row (a, b, c, d) come before row i of the heap?"""
    if calls[i, 0] != a:
        return a < calls[i, 0]
    if calls[i, 1] != b:
        return b < calls[i, 1]
    if calls[i, 2] != c:
        return c < calls[i, 2]
    return d < calls[i, 3]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def drop_call(m):
    """Take the first row off the heap of calls."""
    calls = m.calls
    n = m.used[L.CALLS] - 1
    m.used[L.CALLS] = n
    a = calls[n, 0]
    b = calls[n, 1]
    c = calls[n, 2]
    d = calls[n, 3]
    i = 0
    while True:
        k = 2 * i + 1
        if k >= n:
            break
        if k + 1 < n and below(calls[k + 1, 0], calls[k + 1, 1], calls[k + 1, 2], calls[k + 1, 3], calls, k):
            k += 1
        if below(a, b, c, d, calls, k):
            break
        for w in range(4):
            calls[i, w] = calls[k, w]
        i = k
    calls[i, 0] = a
    calls[i, 1] = b
    calls[i, 2] = c
    calls[i, 3] = d


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def take_call(m):
    """Take all rows with the node of the first off the heap: (node, ban, the cell of all its frames, or L.ASK)."""
    a = m.calls[0, 0]
    b = m.calls[0, 1]
    node = a % 4294967296
    ban = b // 4294967296
    tape = b % 4294967296
    single = np.int64(-1)
    n = np.int64(0)
    while m.used[L.CALLS] > 0 and m.calls[0, 0] == a and m.calls[0, 1] == b:
        edge = m.calls[0, 2] // 4294967296 + L.WHOLE
        cell = m.calls[0, 2] % 4294967296
        offset = m.calls[0, 3]
        drop_call(m)
        if edge == L.WHOLE and n == 0 and (single < 0 or single == cell):
            single = cell
            continue
        if single >= 0:
            n = add_frames(m, n, np.int64(L.WHOLE), single, np.int64(0))
            single = np.int64(-1)
        if n >= 0:
            n = add_frames(m, n, edge, cell, offset)
        if n < 0:
            return node, ban, np.int64(L.ASK)
    if single < 0:
        single = np.int64(intern_noted(m, n))
        if single < 0:
            return node, ban, np.int64(L.ASK)
    if tape > 0:
        single = np.int64(view(m, single, tape))
    return node, ban, single


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def reach(t, m, total, x, cell, ban):
    """Note (x, cell, ban) for the closure, once; returns the length of its work list, or L.ASK.

    Solid nodes go onto the heap of calls, all else on the work list.
    """
    if x < 0:
        target = np.int64(m.edges[~x, L.E_TARGET])
        if target == L.TARGET_UNKNOWN:
            return ask(m, L.ASK_TARGET, ~x)
        if target <= L.TARGET_SLOT:
            target = follow_slot(t, m, ~x)
            if target < 0:
                return np.int64(L.ASK)
        if target >= 0:
            x = target
    if x >= 0:
        if m.nodes[x, L.N_READY] == 0:
            return ask(m, L.ASK_NODE, x)
        if m.nodes[x, L.N_RANK] > 0:
            base = np.int64(m.cells[cell, L.C_BASE])
            tape = np.int64(m.cells[cell, L.C_TAPE])
            done = put_call(m, x, ban, tape, np.int64(L.WHOLE), base, np.int64(0))
            return total if done >= 0 else done
    return enter(m, total, x, cell, ban)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def leave(t, m, node, c, ban, fresh, total, n):
    """Take all edges of a node above cell c in a closure.

    Returns the lengths of the work list and of the list of items, the first L.ASK where something is missing.
    """
    pending = m.work2
    cap = pending.shape[0]
    tape = np.int64(m.cells[c, L.C_TAPE])
    base = np.int64(m.cells[c, L.C_BASE])
    length = np.int64(m.tapes[tape, L.P_LENGTH])
    first = m.nodes[node, L.N_EDGE]
    for e in range(first, first + m.nodes[node, L.N_EDGES]):
        q0 = m.edges[e, L.E_Q0]
        shadow = m.edges[e, L.E_SHADOW]
        captures = shadow != L.SHADOW_NONE
        above = tape if tape > 0 or not captures else fresh
        pushes = captures or (q0 < 0 and m.edges[e, L.E_TARGET] != L.TARGET_END)
        if q0 < 0:
            called = np.int64(m.edges[e, L.E_CALL])
            if m.nodes[called, L.N_READY] == 0:
                return ask(m, L.ASK_NODE, called), n
            if m.nodes[called, L.N_RANK] > 0:
                offset = length if captures else np.int64(-1)
                by = np.int64(e) if pushes else np.int64(L.WHOLE)
                if put_call(m, called, ban, above, by, base, offset) < 0:
                    return np.int64(L.ASK), n
                continue
        where = np.int64(c)
        if pushes:
            where = push_cell(m, e, base, length if captures else np.int64(-1))
            if where < 0:
                return ask(m, L.ASK_GROW, L.M_CELLS), n
            if above > 0:
                where = np.int64(view(m, where, above))
                if where < 0:
                    return np.int64(L.ASK), n
        follow = np.int64(m.edges[e, L.E_CALL])
        then = ban
        if q0 == L.NOTHING:  # what the text of a capture decides
            if n >= cap:
                return ask(m, L.ASK_GROW, L.M_WORK), n
            pending[n, 0] = q0
            pending[n, 1] = e
            pending[n, 2] = where
            n += 1
            continue
        if q0 >= 0:
            if ban > 0:
                q0 = table_get(t.restnext, L.KEY_BANNED + np.int64(q0) * 4294967296 + ban)
                if q0 < 0:
                    return ask(m, L.ASK_RESTRICT, np.int64(m.edges[e, L.E_Q0]) * 4294967296 + ban), n
            edge = np.int64(shadow if captures else e)
            if t.q[q0, L.Q_NIV] > 0:
                if n >= cap:
                    return ask(m, L.ASK_GROW, L.M_WORK), n
                pending[n, 0] = q0
                pending[n, 1] = edge
                pending[n, 2] = where
                n += 1
            if t.q[q0, L.Q_ACCEPT] == 0:
                continue
            follow = ~edge
            then = np.int64(t.q[q0, L.Q_ACCEPT] - 1)
        total = reach(t, m, total, follow, where, then)
        if total < 0:
            return total, n
    return total, n


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def closure(t, m, x, cell, ban, fresh):
    """The configuration at node x (x >= 0), or after edge ~x has ended (x < 0), above a stack cell and under a ban.

    Args:
        fresh: the tape of captures that begin: L.EMPTY, or L.BLANK where their texts are not of interest.

    Returns the configuration or L.ASK.

    Nodes at which a rule may end are visited once for each cell: a work list of (x, cell) pairs with their bans;
    ``seen`` keeps each from being done twice. All others are *solid*: nothing is popped below them before a byte is
    read. They wait on a heap until all their callers are known, callers before callees, and are visited once, above
    one cell that holds the frames of all callers (as in a graph-structured stack). So a chain of levels of
    precedence, each with some alternatives, costs the edges of the chain and not its paths.

    Under a ban every terminal is replaced by what the ban leaves of it; the end of that says what is banned then.
    Where an edge that captures leads is looked up by its text; where only a blank tape is known, an item of the state
    NOTHING stands for what cannot be said, and for what an edge with the symbol UNSURE stands for.
    """
    pending = m.work2
    cap = pending.shape[0]
    # items grow from the front of work2 (column 0..2); the work list lives in seen
    n = np.int64(0)
    accept = 0
    todo = 0
    m.used[L.CLOSURES] += 1
    m.used[L.CALLS] = 0
    total = reach(t, m, np.int64(0), np.int64(x), np.int64(cell), np.int64(ban))
    if total < 0:
        return total
    while todo < total:
        code = m.seen[todo, 0]
        ban = m.seen[todo, 1]
        todo += 1
        node = code // 4294967296 - 1073741824
        c = code % 4294967296
        tape = np.int64(m.cells[c, L.C_TAPE])
        pop = False
        if node < 0:
            edge = ~node
            if m.edges[edge, L.E_TARGET] == L.TARGET_END:
                pop = True
            else:  # TARGET_UNSURE
                if n >= cap:
                    return ask(m, L.ASK_GROW, L.M_WORK)
                pending[n, 0] = L.NOTHING
                pending[n, 1] = edge
                pending[n, 2] = c
                n += 1
        else:
            pop = m.nodes[node, L.N_ACCEPT] == 1
            total, n = leave(t, m, node, c, ban, fresh, total, n)
            if total < 0:
                return np.int64(L.ASK)
        if pop:
            f = m.cells[c, L.C_FIRST]
            for k in range(f, f + m.cells[c, L.C_N]):
                edge = np.int64(m.frames[k, L.F_EDGE])
                if edge < 0:
                    accept = 1
                    continue
                up = np.int64(m.frames[k, L.F_PARENT])
                if m.cells[up, L.C_OPEN] == 1:
                    up = np.int64(view(m, up, tape))
                    if up < 0:
                        return np.int64(L.ASK)
                follow = ~edge
                if m.frames[k, L.F_OFFSET] >= 0 and tape != L.BLANK:
                    offset = np.int64(m.frames[k, L.F_OFFSET])
                    follow = pair_get(m.after, edge * 4294967296 + tape, -1 - offset)
                    if follow < 0:
                        m.used[L.ASK_MORE] = offset
                        return ask(m, L.ASK_TEXT, edge * 4294967296 + tape)
                total = reach(t, m, total, follow, up, ban)
                if total < 0:
                    return np.int64(L.ASK)
    while m.used[L.CALLS] > 0:
        node, ban, c = take_call(m)
        if c < 0:
            return np.int64(L.ASK)
        total, n = leave(t, m, node, c, ban, fresh, total, n)
        if total < 0:
            return np.int64(L.ASK)
    return intern_config(t, m, pending, np.int64(n), np.int64(accept))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def after(t, m, edge, cell, ban, fresh):
    """The configuration after ``edge`` has ended above ``cell`` with a ban for what follows, memoised; or L.ASK.

    ``fresh``: see :func:`closure`.
    """
    key = np.int64(edge) * 4294967296 + cell
    more = np.int64(ban) * 2 + (fresh == L.BLANK)
    c = pair_get(m.after, key, more)
    if c >= 0:
        return c
    if 2 * m.used[L.M_AFTER] >= m.after.shape[0]:
        return ask(m, L.ASK_GROW, L.M_AFTER)
    c = closure(t, m, np.int64(~edge), np.int64(cell), np.int64(ban), np.int64(fresh))
    if c >= 0:
        pair_put(m.after, key, more, c)
        m.used[L.M_AFTER] += 1
    return c


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def step(t, m, c, byte):
    """The configuration after one byte, L.DEAD, or L.ASK."""
    if not allows(m, c, byte):
        return np.int64(L.DEAD)
    key = np.int64(c) * 256 + byte
    r = table_get(m.next, key)
    if r >= 0:
        return r
    if 2 * m.used[L.M_NEXT] >= m.next.shape[0]:
        return ask(m, L.ASK_GROW, L.M_NEXT)
    work = m.work
    cap = work.shape[0]
    n = np.int64(0)
    accept = 0
    first = m.configs[c, L.K_FIRST]
    for i in range(first, first + m.configs[c, L.K_N]):
        q = delta(t, np.int64(m.items[i, L.I_Q]), byte)
        if q == -1:
            continue
        if q == -2:
            return ask(m, L.ASK_GROW_T, L.T_Q)
        e = m.items[i, L.I_EDGE]
        cell = np.int64(m.items[i, L.I_CELL])
        if m.cells[cell, L.C_TAPE] > 0:
            cell = np.int64(view_after(m, cell, byte))
            if cell < 0:
                return np.int64(L.ASK)
        if t.q[q, L.Q_NIV] > 0:
            if n >= cap:
                return ask(m, L.ASK_GROW, L.M_WORK)
            work[n, 0] = q
            work[n, 1] = e
            work[n, 2] = cell
            n += 1
        if t.q[q, L.Q_ACCEPT] > 0:
            a = after(t, m, e, cell, t.q[q, L.Q_ACCEPT] - 1, L.EMPTY)
            if a < 0:
                return np.int64(a)
            if m.configs[a, L.K_ACCEPT] == 1:
                accept = 1
            begin = m.configs[a, L.K_FIRST]
            size = m.configs[a, L.K_N]
            if n + size > cap:
                return ask(m, L.ASK_GROW, L.M_WORK)
            for k in range(begin, begin + size):
                work[n, 0] = m.items[k, 0]
                work[n, 1] = m.items[k, 1]
                work[n, 2] = m.items[k, 2]
                n += 1
    if n == 0 and accept == 0:
        return np.int64(L.DEAD)
    r = intern_config(t, m, work, np.int64(n), np.int64(accept))
    if r >= 0:
        table_put(m.next, key, r)
        m.used[L.M_NEXT] += 1
    return np.int64(r)
