"""Masks by folds: the items of a configuration in groups of one stack cell each, and what leaves a group up the stack.

Which tokens a group allows before they leave its rules is the same above every cell, so groups are kept as folds are.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.closures import put_seen
from structgen.kernels.machine.configs import sort_items
from structgen.kernels.machine.folds import (
    MISSING,
    add_row,
    begin_fold,
    fold_at,
    keep_fold,
    known_fold,
    lead,
    make_folds,
    meets,
    put_row,
)
from structgen.kernels.machine.remainders import LARGE, union_of
from structgen.kernels.machine.rows import make_row
from structgen.kernels.machine.states import row_state
from structgen.kernels.machine.tables import ask, mix

#: Key of groups in Machine.after, less the number of their items; beside hash << 8 | attempt.
GROUP = -(1 << 43)


@njit(inline="always")
def group(t, m, begin, end, longest):
    """The fold of the items ``work[begin:end]`` (cell, state, edge), which have one cell; or L.ASK."""
    n = end - begin
    h = np.int64(n)
    for i in range(begin, end):
        h = mix(mix(h, np.int64(m.work[i, 1])), np.int64(m.work[i, 2]))
    key = h * 256
    more = np.int64(GROUP - n)
    f = np.int64(known_fold(t, m, key, more))
    while f >= 0:
        first = m.folds[f, L.F_FIRST]
        same = True
        for i in range(n):
            if m.groups[first + i, 0] != m.work[begin + i, 1] or m.groups[first + i, 1] != m.work[begin + i, 2]:
                same = False
                break
        if same:
            return f
        key += 1
        f = np.int64(known_fold(t, m, key, more))
    while True:
        m.used[L.NOW_STACK] = 0
        begin_fold(m)
        for i in range(begin, end):
            if take_item(t, m, np.int64(m.work[i, 1]), np.int64(m.work[i, 2]), longest) != 0:
                return np.int64(L.ASK)
        if m.used[L.NOW_STACK] == 0:
            break
        if make_folds(t, m, longest) != 0:
            return np.int64(L.ASK)
    first = m.used[L.M_GROUPS]
    if first + n > m.groups.shape[0]:
        return ask(m, L.ASK_GROW, L.M_GROUPS)
    f = np.int64(keep_fold(t, m, key, more))
    if f < 0:
        return f
    for i in range(n):
        m.groups[first + i, 0] = m.work[begin + i, 1]
        m.groups[first + i, 1] = m.work[begin + i, 2]
    m.used[L.M_GROUPS] = first + n
    m.folds[f, L.F_FIRST] = first
    m.folds[f, L.F_N] = n
    return f


@njit(inline="always")
def take_item(t, m, q, e, longest):
    """Take into a fold what a state of the terminal of an edge allows, and what follows it; 0, or L.ASK."""
    s = np.int64(row_state(t, q, longest))
    if s < 0:
        return ask(m, L.ASK_GROW_T, L.T_Q)
    if t.q[s, L.Q_INNER] == -1:
        if t.q[s, L.Q_BASE] != s and t.q[t.q[s, L.Q_BASE], L.Q_ITER] > 0:
            return ask(m, L.ASK_ROW, s)
        full = np.int64(make_row(t, s))
        if full < 0:
            return ask(m, L.ASK_GROW_T, -1 - full)
    worst = np.int64(m.edges[e, L.E_REST]) + t.q[s, L.Q_MAXD] + t.q[q, L.Q_DIST] - t.q[s, L.Q_DIST]
    put_row(t, m, np.int64(t.q[s, L.Q_INNER]), worst)
    x = np.int64(t.q[s, L.Q_REST])
    while x >= 0:
        if lead(t, m, x, e, np.int64(-1)) != 0:
            return np.int64(L.ASK)
        x = np.int64(t.rest[x, L.R_NEXT])
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def note_nodes(t, m, r):
    """Note the trie nodes of the remainders from r on in ``exact``; 0, or L.ASK."""
    while r >= 0:
        begin = t.rest[r, L.R_FIRST]
        n = m.used[L.M_EXACT]
        if n + t.rest[r, L.R_N] > m.exact.shape[0]:
            return ask(m, L.ASK_GROW, L.M_EXACT)
        for x in range(begin, begin + t.rest[r, L.R_N]):
            m.exact[n] = t.restlist[x]
            n += 1
        m.used[L.M_EXACT] = n
        r = np.int64(t.rest[r, L.R_NEXT])
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_up(t, m, r, cell):
    """Have remainder r leave the rule above a cell; 0, or L.ASK.

    For each cell and ban a row of work2: what is still to go up (-1: nothing), and all that ever was to. Remainders
    that meet are united, but for large ones, which have rows of their own. In calls, from the end down, a heap of the
    rows with something to go up, the last cells first.
    """
    entries = m.used[L.NOW_UP]
    apart = np.int64(t.rest[r, L.R_BAN])
    if t.rest[r, L.R_N] > LARGE:
        apart = np.int64(-1 - t.rest[r, L.R_SAME])
    n = np.int64(put_seen(m, entries, np.int64(cell), apart))
    if n < 0 or m.used[L.NOW_HEAP] + m.used[L.NOW_NODES] + 2 >= m.calls.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    at = np.int64(m.used[L.FOUND_SEEN])
    if n > entries:
        m.used[L.NOW_UP] = n
        m.work2[at, 0] = r
        m.work2[at, 1] = r
        put_heap(m, at, cell)
        return np.int64(0)
    whole = np.int64(union_of(t, np.int64(m.work2[at, 1]), r))
    if whole < 0:
        return ask(m, L.ASK_GROW_T, -2 - whole)
    if whole == m.work2[at, 1]:
        return np.int64(0)
    waiting = np.int64(m.work2[at, 0])
    if waiting >= 0:
        if waiting == m.work2[at, 1]:
            r = whole
        else:
            r = np.int64(union_of(t, waiting, r))
            if r < 0:
                return ask(m, L.ASK_GROW_T, -2 - r)
    else:
        put_heap(m, at, cell)
    m.work2[at, 0] = r
    m.work2[at, 1] = whole
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_heap(m, at, cell):
    """Put an entry of a cell on the heap."""
    heap = m.calls
    last = heap.shape[0] - 1
    i = m.used[L.NOW_HEAP]
    m.used[L.NOW_HEAP] = i + 1
    while i > 0:
        up = (i - 1) >> 1
        if heap[last - up, 0] >= cell:
            break
        heap[last - i, 0] = heap[last - up, 0]
        heap[last - i, 1] = heap[last - up, 1]
        i = up
    heap[last - i, 0] = cell
    heap[last - i, 1] = at


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def take_heap(m):
    """Take the entry of the last cell off the heap."""
    heap = m.calls
    last = heap.shape[0] - 1
    first = heap[last, 1]
    n = m.used[L.NOW_HEAP] - 1
    m.used[L.NOW_HEAP] = n
    cell = heap[last - n, 0]
    at = heap[last - n, 1]
    i = 0
    while 2 * i + 1 < n:
        k = 2 * i + 1
        if k + 1 < n and heap[last - k - 1, 0] > heap[last - k, 0]:
            k += 1
        if heap[last - k, 0] <= cell:
            break
        heap[last - i, 0] = heap[last - k, 0]
        heap[last - i, 1] = heap[last - k, 1]
        i = k
    heap[last - i, 0] = cell
    heap[last - i, 1] = at
    return first


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def apply(t, m, f, r, cell, out):
    """Set the tokens of a fold above a cell; what leaves its rule is to go up. 0, or L.ASK.

    Args:
        r: the remainder of the fold.
    """
    if m.folds[f, L.F_INNER] != -1:
        add_row(t, np.int64(m.folds[f, L.F_INNER]), out)
        worst = np.int64(m.folds[f, L.F_WORST]) + m.cells[cell, L.C_LEAST]
        m.used[L.RESUME_WORST] = max(m.used[L.RESUME_WORST], worst)
    done = np.int64(0)
    if m.folds[f, L.F_SELF] == 1:
        done = put_up(t, m, r, cell)
    x = np.int64(m.folds[f, L.F_EXIT])
    while x >= 0 and done == 0:
        done = put_up(t, m, np.int64(t.rest[x, L.R_SAME]), cell)
        x = np.int64(t.rest[x, L.R_NEXT])
    return done if done != 0 else note_nodes(t, m, np.int64(m.folds[f, L.F_EXACT]))


@njit(inline="always")
def go_up(t, m, r, e, cell, longest, out):
    """Set what remainder r allows after edge e has ended above a cell. 0, or L.ASK."""
    x = np.int64(m.edges[e, L.E_TARGET])
    if x == L.TARGET_UNKNOWN or x <= L.TARGET_SLOT:
        return ask(m, L.ASK_TARGET, e)
    if x == L.TARGET_END:
        return put_up(t, m, r, cell)
    if x < 0:  # TARGET_UNSURE
        return note_nodes(t, m, r)
    if m.nodes[x, L.N_READY] == 0:
        return ask(m, L.ASK_NODE, x)
    if not meets(t, m, r, x):
        return put_up(t, m, r, cell) if m.nodes[x, L.N_ACCEPT] == 1 else np.int64(0)
    m.used[L.NOW_STACK] = 0
    f = np.int64(fold_at(t, m, r, x))
    if f == MISSING:
        if make_folds(t, m, longest) != 0:
            return np.int64(L.ASK)
        f = np.int64(fold_at(t, m, r, x))
    if f < 0:
        return f
    return apply(t, m, f, r, cell, out)


@njit(inline="always")
def mask_by_groups(t, m, c, longest, out):
    """Set the tokens that configuration c allows whatever the texts of captures are; 0, or L.ASK.

    The trie nodes whose tokens these decide about are left in ``exact``, in used[RESUME_WORST] a bound on L.K_MIN after
    a token. What leaves the rule goes up the stack from cell to cell. A cell is older than those above it, so the last
    one goes first, and what comes from several cells goes on as one.
    """
    first = m.configs[c, L.K_FIRST]
    n = np.int64(m.configs[c, L.K_N])
    if n > m.work.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    for i in range(n):
        m.work[i, 0] = m.cells[m.items[first + i, L.I_CELL], L.C_BASE]
        m.work[i, 1] = m.items[first + i, L.I_Q]
        m.work[i, 2] = m.items[first + i, L.I_EDGE]
    sort_items(m.work, n)
    out[:] = 0
    used = m.used
    used[L.RESUME_WORST] = 0
    used[L.M_EXACT] = 0
    used[L.CLOSURES] += 1
    used[L.NOW_UP] = 0
    used[L.NOW_HEAP] = 0
    begin = np.int64(0)
    while begin < n:
        cell = np.int64(m.work[begin, 0])
        end = begin + 1
        while end < n and m.work[end, 0] == cell:
            end += 1
        f = np.int64(group(t, m, begin, end, longest))
        if f < 0 or apply(t, m, f, np.int64(-1), cell, out) != 0:
            return np.int64(L.ASK)
        begin = end
    while used[L.NOW_HEAP] > 0:
        at = take_heap(m)
        cell = m.seen[at, 0]
        r = np.int64(m.work2[at, 0])
        m.work2[at, 0] = -1
        k = m.cells[cell, L.C_FIRST]
        last = k + m.cells[cell, L.C_N]
        while k < last:
            edge = np.int64(m.frames[k, L.F_EDGE])
            if edge >= 0 and go_up(t, m, r, edge, np.int64(m.frames[k, L.F_PARENT]), longest, out) != 0:
                return np.int64(L.ASK)
            k += 1
    return np.int64(0)
