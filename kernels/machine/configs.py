"""Configurations: interned sets of items, their closures and byte transitions.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.stacks import push_cell, view, view_after
from structgen.kernels.machine.states import delta
from structgen.kernels.machine.tables import ask, mix, pair_get, pair_put, table_get, table_put

#: A closure longer than this is taken for left recursion that the network should not have.
LONG_CLOSURE = 50_000
U1 = np.uint64(1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def sort_items(work, n):
    """Shell sort of work[:n] by its three columns; the lists are short and mostly in order."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            a = work[i, 0]
            b = work[i, 1]
            c = work[i, 2]
            j = i
            while j >= gap and (
                work[j - gap, 0] > a
                or (
                    work[j - gap, 0] == a and (work[j - gap, 1] > b or (work[j - gap, 1] == b and work[j - gap, 2] > c))
                )
            ):
                work[j, 0] = work[j - gap, 0]
                work[j, 1] = work[j - gap, 1]
                work[j, 2] = work[j - gap, 2]
                j -= gap
            work[j, 0] = a
            work[j, 1] = b
            work[j, 2] = c
        gap //= 3


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def same_tape(m, work, k, i):
    """Which of the last items of work[:k] has the state, edge and tape of item i; -1: none."""
    tape = m.cells[work[i, 2], L.C_TAPE]
    j = k - 1
    while j >= 0 and work[j, 0] == work[i, 0] and work[j, 1] == work[i, 1]:
        if m.cells[work[j, 2], L.C_TAPE] == tape:
            return j
        j -= 1
    return -1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def intern_config(t, m, work, n, accept):
    """Sort, merge and intern work[:n]; returns the configuration or L.ASK."""
    sort_items(work, n)
    k = 0
    again = False
    for i in range(n):
        new = True
        if k > 0 and work[k - 1, 0] == work[i, 0] and work[k - 1, 1] == work[i, 1]:
            new = work[k - 1, 2] != work[i, 2]
            if new:
                # rare: only ambiguous grammars come here
                j = same_tape(m, work, k, i)
                if j >= 0:
                    tape = np.int64(m.cells[work[i, 2], L.C_TAPE])
                    a = np.int64(m.cells[work[j, 2], L.C_BASE])
                    b = np.int64(m.cells[work[i, 2], L.C_BASE])
                    pair = min(a, b) * 4294967296 + max(a, b)
                    cell = table_get(m.next, L.KEY_UNION + pair)
                    if cell < 0:
                        return ask(m, L.ASK_UNION, pair)
                    if tape > 0:
                        cell = np.int64(view(m, cell, tape))
                        if cell < 0:
                            return np.int64(L.ASK)
                    work[j, 2] = cell
                    new = False
                again = True
        if new:
            work[k, 0] = work[i, 0]
            work[k, 1] = work[i, 1]
            work[k, 2] = work[i, 2]
            k += 1
    n = k
    if again:
        sort_items(work, n)
    h = np.int64(n * 2 + accept)
    for i in range(n):
        h = mix(mix(mix(h, np.int64(work[i, 0])), np.int64(work[i, 1])), np.int64(work[i, 2]))
    size = m.confighash.shape[0]
    slot = h & (size - 1)
    while m.confighash[slot] != 0:
        c = m.confighash[slot] - 1
        if m.configs[c, L.K_N] == n and m.configs[c, L.K_ACCEPT] == accept:
            first = m.configs[c, L.K_FIRST]
            same = True
            for i in range(n):
                if (
                    m.items[first + i, 0] != work[i, 0]
                    or m.items[first + i, 1] != work[i, 1]
                    or m.items[first + i, 2] != work[i, 2]
                ):
                    same = False
                    break
            if same:
                return np.int64(c)
        slot = (slot + 1) & (size - 1)
    c = m.used[L.M_CONFIGS]
    if c >= m.configs.shape[0] or 2 * c >= size:
        return ask(m, L.ASK_GROW, L.M_CONFIGS)
    first = m.used[L.M_ITEMS]
    if first + n > m.items.shape[0]:
        return ask(m, L.ASK_GROW, L.M_ITEMS)
    m.used[L.M_CONFIGS] = c + 1
    m.used[L.M_ITEMS] = first + n
    m.confighash[slot] = c + 1
    m.configs[c, L.K_FIRST] = first
    m.configs[c, L.K_N] = n
    m.configs[c, L.K_ACCEPT] = accept
    m.configs[c, L.K_ROW] = -1
    m.configs[c, L.K_WORST] = -1
    for w in range(4):
        m.configbytes[c, w] = 0
    least = np.int64(0) if accept else np.int64(L.FAR)
    for i in range(n):
        q = work[i, 0]
        m.items[first + i, 0] = q
        m.items[first + i, 1] = work[i, 1]
        m.items[first + i, 2] = work[i, 2]
        for w in range(4):
            m.configbytes[c, w] |= t.qbytes[q, w]
        d = np.int64(t.q[q, L.Q_DIST]) + m.edges[work[i, 1], L.E_REST] + m.cells[work[i, 2], L.C_LEAST]
        least = min(least, d)
    m.configs[c, L.K_MIN] = least
    return c


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def config_rehash(m, confighash):
    """Fill a larger, zeroed table with every configuration but the one after EOS."""
    size = confighash.shape[0]
    for c in range(1, m.used[L.M_CONFIGS]):
        n = m.configs[c, L.K_N]
        first = m.configs[c, L.K_FIRST]
        h = np.int64(n * 2 + m.configs[c, L.K_ACCEPT])
        for i in range(first, first + n):
            h = mix(mix(mix(h, np.int64(m.items[i, 0])), np.int64(m.items[i, 1])), np.int64(m.items[i, 2]))
        slot = h & (size - 1)
        while confighash[slot] != 0:
            slot = (slot + 1) & (size - 1)
        confighash[slot] = c + 1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def enter(m, total, x, cell, ban):
    """Put (x, cell, ban) on the work list of a closure unless it is there; returns its length, or L.ASK."""
    seen = m.seen
    size = seen.shape[0]
    entry = (np.int64(x) + 1073741824) * 4294967296 + cell
    slot = mix(mix(np.int64(0), entry), np.int64(ban)) & (size - 1)
    generation = m.used[L.CLOSURES]
    head = np.int64(0)  # 1 + the first entry of this hash, 0: none
    if seen[slot, 2] // 4294967296 == generation:
        head = seen[slot, 2] % 4294967296
    k = head
    while k > 0:
        if seen[k - 1, 0] == entry and seen[k - 1, 1] == ban:
            return np.int64(total)
        k = seen[k - 1, 3]
    if total >= size:
        if total >= LONG_CLOSURE:
            return ask(m, L.ASK_LOOP, x)
        return ask(m, L.ASK_GROW, L.M_WORK)
    seen[total, 0] = entry
    seen[total, 1] = ban
    seen[total, 3] = head
    seen[slot, 2] = generation * 4294967296 + total + 1
    return np.int64(total + 1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def closure(t, m, x, cell, ban, fresh):
    """The configuration at node x (x >= 0), or after edge ~x has ended (x < 0), above a stack cell and under a ban.

    Args:
        fresh: the tape of captures that begin: L.EMPTY, or L.BLANK where their texts are not of interest.

    Returns the configuration or L.ASK. A work list of (x, cell) pairs with their bans; ``seen`` keeps each from
    being done twice. Under a ban every terminal is replaced by what the ban leaves of it; the end of that says what
    is banned then. Where an edge that captures leads is looked up by its text; where only a blank tape is known, an
    item of the state NOTHING stands for what cannot be said.
    """
    pending = m.work2
    cap = pending.shape[0]
    # items grow from the front of work2 (column 0..2); the work list lives in seen
    n = 0
    accept = 0
    todo = 0
    m.used[L.CLOSURES] += 1
    total = enter(m, np.int64(0), np.int64(x), np.int64(cell), np.int64(ban))
    while todo < total:
        code = m.seen[todo, 0]
        ban = m.seen[todo, 1]
        todo += 1
        node = code // 4294967296 - 1073741824
        c = code % 4294967296
        tape = np.int64(m.cells[c, L.C_TAPE])
        base = np.int64(m.cells[c, L.C_BASE])
        pop = False
        if node < 0:
            edge = ~node
            target = m.edges[edge, L.E_TARGET]
            if target == L.TARGET_UNKNOWN:
                return ask(m, L.ASK_TARGET, edge)
            if target == L.TARGET_END:
                pop = True
            elif target == L.TARGET_UNSURE:
                if n >= cap:
                    return ask(m, L.ASK_GROW, L.M_WORK)
                pending[n, 0] = L.NOTHING
                pending[n, 1] = edge
                pending[n, 2] = c
                n += 1
            else:
                node = np.int64(target)
        if node >= 0:
            if m.nodes[node, L.N_READY] == 0:
                return ask(m, L.ASK_NODE, node)
            if m.nodes[node, L.N_ACCEPT] == 1:
                pop = True
            first = m.nodes[node, L.N_EDGE]
            for e in range(first, first + m.nodes[node, L.N_EDGES]):
                q0 = m.edges[e, L.E_Q0]
                shadow = m.edges[e, L.E_SHADOW]
                where = np.int64(c)
                if shadow != L.SHADOW_NONE:
                    where = push_cell(m, e, base, m.tapes[tape, L.P_LENGTH])
                elif q0 < 0 and m.edges[e, L.E_TARGET] != L.TARGET_END:
                    where = push_cell(m, e, base, -1)
                if where < 0:
                    return ask(m, L.ASK_GROW, L.M_CELLS)
                if where != c and (tape > 0 or shadow != L.SHADOW_NONE):
                    where = np.int64(view(m, where, tape if tape > 0 else fresh))
                    if where < 0:
                        return np.int64(L.ASK)
                follow = np.int64(m.edges[e, L.E_CALL])
                then = ban
                if q0 >= 0:
                    if ban > 0:
                        q0 = table_get(t.restnext, L.KEY_BANNED + np.int64(q0) * 4294967296 + ban)
                        if q0 < 0:
                            return ask(m, L.ASK_RESTRICT, np.int64(m.edges[e, L.E_Q0]) * 4294967296 + ban)
                    edge = np.int64(e if shadow == L.SHADOW_NONE else shadow)
                    if t.q[q0, L.Q_NIV] > 0:
                        if n >= cap:
                            return ask(m, L.ASK_GROW, L.M_WORK)
                        pending[n, 0] = q0
                        pending[n, 1] = edge
                        pending[n, 2] = where
                        n += 1
                    if t.q[q0, L.Q_ACCEPT] == 0:
                        continue
                    follow = ~edge
                    then = np.int64(t.q[q0, L.Q_ACCEPT] - 1)
                total = enter(m, total, follow, where, then)
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
                total = enter(m, total, follow, up, ban)
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
def blank_config(t, m, c):
    """Configuration c with blanks for the texts being read; or L.ASK."""
    first = m.configs[c, L.K_FIRST]
    n = np.int64(m.configs[c, L.K_N])
    if n > m.work.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    for i in range(n):
        cell = np.int64(m.items[first + i, L.I_CELL])
        if m.cells[cell, L.C_TAPE] > 0:
            cell = np.int64(view(m, np.int64(m.cells[cell, L.C_BASE]), np.int64(L.BLANK)))
            if cell < 0:
                return np.int64(L.ASK)
        m.work[i, 0] = m.items[first + i, L.I_Q]
        m.work[i, 1] = m.items[first + i, L.I_EDGE]
        m.work[i, 2] = cell
    return np.int64(intern_config(t, m, m.work, n, np.int64(m.configs[c, L.K_ACCEPT])))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def allows(m, c, byte):
    return (m.configbytes[c, byte >> 6] >> np.uint64(byte & 63)) & U1 == U1


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
    n = 0
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
