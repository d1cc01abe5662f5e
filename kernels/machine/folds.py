"""Folds: what the tokens of a remainder may do at a node, worked out once for all stacks.

While a token stays inside the rule that a node is in, what stands above in the stack does not matter. So a fold holds
the tokens allowed, and the remainders of those tokens that leave the rule. It is made of the node's edges: of the rows
of their terminals, of the folds of the nodes that they call, and of those of the nodes where they lead, each with what
remains by then.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.remainders import intern_rest, keep_row, pair_row, row_room, united_rests
from structgen.kernels.machine.states import row_state
from structgen.kernels.machine.tables import ask, mix, pair_get, pair_put, table_get, table_put

#: Key of folds in Machine.after, beside remainder << 32 | node.
FOLD = -(1 << 42)
#: Other folds have to be made first; they lie on the stack.
MISSING = -3
U1 = np.uint64(1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def add_row(t, inner, out):
    """OR a row, as Q_INNER names it, into a mask."""
    if inner >= 0:
        row = t.rows[inner]
        for w in range(out.shape[0]):
            out[w] |= row[w]
    else:
        a = t.sparse[-2 - inner, 0]
        for k in range(a, a + t.sparse[-2 - inner, 1]):
            token = t.sparselist[k]
            out[token >> 5] |= np.int32(1) << np.int32(token & 31)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def dense_row(t, row):
    """The row of ``rows`` with these bits, a new one if there is none. Room is the caller's care."""
    h = np.int64(0)
    for w in range(0, row.shape[0] - 1, 2):
        h = mix(h, (np.int64(row[w]) << np.int64(31)) ^ np.int64(row[w + 1]))
    key = L.KEY_PAIR + (h & 0xFFFFFFF) * 4294967296 + 3221225472
    known = table_get(t.restnext, key)
    while known >= 0:
        same = True
        for w in range(row.shape[0]):
            if t.rows[known, w] != row[w]:
                same = False
                break
        if same:
            return np.int64(known)
        key += 1
        known = table_get(t.restnext, key)
    known = t.used[L.T_ROWS]
    t.rows[known] = row
    t.used[L.T_ROWS] = known + 1
    table_put(t.restnext, key, known)
    t.used[L.T_RESTNEXT] += 1
    return np.int64(known)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def keep_bits(t, row):
    """Keep a row of bits as Q_INNER has it: its ids while they are few. Room is the caller's care."""
    n = np.int64(0)
    room = len(t.ids)
    for w in range(row.shape[0]):
        bits = np.uint64(row[w]) & np.uint64(0xFFFFFFFF)
        bit = 0
        while bits != 0:
            if bits & np.uint64(0xFF) == 0:
                bits >>= np.uint64(8)
                bit += 8
                continue
            if bits & U1 == U1:
                if n >= room:
                    return dense_row(t, row)
                t.ids[n] = w * 32 + bit
                n += 1
            bits >>= U1
            bit += 1
    return keep_row(t, n)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def known_fold(t, m, key, more):
    """The row of ``folds`` with this key, -1: none that holds."""
    f = pair_get(m.after, key, np.int64(more))
    if f >= 0 and m.folds[f, L.F_EPOCH] == t.used[L.T_EPOCH]:
        return f
    return np.int64(-1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def begin_fold(m):
    """Begin to put a fold together."""
    used = m.used
    used[L.NOW_ROWS] = 0
    used[L.NOW_EXITS] = 0
    used[L.NOW_UNSURE] = 0
    used[L.NOW_SELF] = 0
    used[L.NOW_WORST] = -1
    used[L.NOW_NODES] = 0


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_row(t, m, inner, worst):
    """Take a row, as Q_INNER names it, into the fold, and a bound on what the rule takes after its tokens."""
    if inner == -1 or (inner < 0 and t.sparse[-2 - inner, 1] == 0):
        return
    used = m.used
    used[L.NOW_WORST] = max(used[L.NOW_WORST], worst)
    if used[L.NOW_ROWS] == 0:
        used[L.NOW_ROWS] = 1
        used[L.NOW_ROW] = inner
        return
    if used[L.NOW_ROWS] == 1:
        if inner == used[L.NOW_ROW]:
            return
        m.foldrow[:] = 0
        add_row(t, used[L.NOW_ROW], m.foldrow)
        used[L.NOW_ROWS] = 2
    add_row(t, np.int64(inner), m.foldrow)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_exit(t, m, r):
    """Note that remainder r leaves the rule; 0, or L.ASK."""
    r = t.rest[r, L.R_SAME]
    n = m.used[L.NOW_EXITS]
    for i in range(n):
        if m.exits[i] == r:
            return np.int64(0)
    if 2 * n >= m.exits.shape[0]:
        return ask(m, L.ASK_GROW, L.M_EXITS)
    m.exits[n] = r
    m.used[L.NOW_EXITS] = n + 1
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_unsure(t, m, r):
    """Note that the text of a capture decides about remainder r; 0, or L.ASK."""
    r = t.rest[r, L.R_SAME]
    middle = m.exits.shape[0] // 2
    n = m.used[L.NOW_UNSURE]
    for i in range(middle, middle + n):
        if m.exits[i] == r:
            return np.int64(0)
    if middle + n >= m.exits.shape[0]:
        return ask(m, L.ASK_GROW, L.M_EXITS)
    m.exits[middle + n] = r
    m.used[L.NOW_UNSURE] = n + 1
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_exits(t, m, f, r):
    """Note all that leaves the rule of fold f, of remainder r, as leaving this one; 0, or L.ASK."""
    done = np.int64(0)
    if m.folds[f, L.F_SELF] == 1:
        done = put_exit(t, m, np.int64(r))
    x = np.int64(m.folds[f, L.F_EXIT])
    while x >= 0 and done == 0:
        done = put_exit(t, m, x)
        x = np.int64(t.rest[x, L.R_NEXT])
    return done


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_doubts(t, m, f):
    """Take over what is unsure in fold f; 0, or L.ASK."""
    x = np.int64(m.folds[f, L.F_EXACT])
    while x >= 0:
        if put_unsure(t, m, x) != 0:
            return np.int64(L.ASK)
        x = np.int64(t.rest[x, L.R_NEXT])
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_node(m, x):
    """Note a node of the rule at which the fold's own remainder stands; 0, or L.ASK."""
    n = m.used[L.NOW_NODES]
    for i in range(n):
        if m.calls[i, 0] == x:
            return np.int64(0)
    if n + m.used[L.NOW_HEAP] + 1 >= m.calls.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    m.calls[n, 0] = x
    m.used[L.NOW_NODES] = n + 1
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def meets(t, m, r, x):
    """May some token of remainder r begin at node x, without leaving its rule?"""
    for w in range(4):
        if t.restbytes[r, w] & m.nodebytes[x, w] != 0:
            return True
    return False


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def fold_at(t, m, r, x):
    """The fold of remainder r at node x; where it is not known it is put on the stack. MISSING, or L.ASK."""
    f = known_fold(t, m, np.int64(r) * 4294967296 + x, np.int64(FOLD))
    if f >= 0:
        return f
    n = m.used[L.NOW_STACK]
    if n >= m.stack.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    m.stack[n, 0] = r
    m.stack[n, 1] = x
    m.used[L.NOW_STACK] = n + 1
    return np.int64(MISSING)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def lead(t, m, r, e, own):
    """Take into the fold what remainder r allows after edge e has ended; 0, or L.ASK.

    Args:
        own: the remainder of the fold.
    """
    r = np.int64(t.rest[r, L.R_SAME])
    x = np.int64(m.edges[e, L.E_TARGET])
    if x == L.TARGET_UNKNOWN or x <= L.TARGET_SLOT:
        return ask(m, L.ASK_TARGET, e)
    if x == L.TARGET_END:
        return put_exit(t, m, r)
    if x < 0:  # TARGET_UNSURE
        return put_unsure(t, m, r)
    if r == own:
        return put_node(m, x)
    if m.nodes[x, L.N_READY] == 0:
        return ask(m, L.ASK_NODE, x)
    if not meets(t, m, r, x):
        return put_exit(t, m, r) if m.nodes[x, L.N_ACCEPT] == 1 else np.int64(0)
    f = np.int64(fold_at(t, m, r, x))
    if f < 0:
        return np.int64(0) if f == MISSING else f
    put_row(t, m, np.int64(m.folds[f, L.F_INNER]), np.int64(m.folds[f, L.F_WORST]))
    if put_exits(t, m, f, r) != 0:
        return np.int64(L.ASK)
    return put_doubts(t, m, f)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def take_call(t, m, r, e):
    """Take into the fold of remainder r what it allows in the node called by edge e and after it; 0, or L.ASK."""
    x = np.int64(m.edges[e, L.E_CALL])
    if m.nodes[x, L.N_READY] == 0:
        return ask(m, L.ASK_NODE, x)
    if not meets(t, m, r, x):
        return lead(t, m, r, e, r) if m.nodes[x, L.N_ACCEPT] == 1 else np.int64(0)
    f = np.int64(fold_at(t, m, r, x))
    if f < 0:
        return np.int64(0) if f == MISSING else f
    worst = np.int64(m.folds[f, L.F_WORST]) + m.edges[e, L.E_REST]
    put_row(t, m, np.int64(m.folds[f, L.F_INNER]), worst)
    done = np.int64(0)
    if m.folds[f, L.F_SELF] == 1:
        done = lead(t, m, r, e, r)
    out = np.int64(m.folds[f, L.F_EXIT])
    while out >= 0 and done == 0:
        done = np.int64(lead(t, m, out, e, r))
        out = np.int64(t.rest[out, L.R_NEXT])
    return done if done != 0 else put_doubts(t, m, f)


@njit(inline="always")
def take_terminal(t, m, r, e, longest):
    """Take into the fold of remainder r what it allows in the terminal of edge e and after it; 0, or L.ASK."""
    q = np.int64(m.edges[e, L.E_Q0])
    if q == L.NOTHING:  # what the text of a capture decides
        return put_unsure(t, m, r)
    ban = np.int64(t.rest[r, L.R_BAN])
    if ban > 0:
        q = np.int64(table_get(t.restnext, L.KEY_BANNED + q * 4294967296 + ban))
        if q < 0:
            return ask(m, L.ASK_RESTRICT, np.int64(m.edges[e, L.E_Q0]) * 4294967296 + ban)
    common = np.uint64(0)
    for w in range(4):
        common |= t.restbytes[r, w] & t.qbytes[q, w]
    if common != 0:
        s = np.int64(row_state(t, q, longest))
        if s < 0:
            return ask(m, L.ASK_GROW_T, L.T_Q)
        p = np.int64(pair_row(t, r, s))
        if p < 0:
            return ask(m, L.ASK_GROW_T, -1 - p)
        worst = np.int64(m.edges[e, L.E_REST]) + t.pairs[p, L.P_MAXD] + t.q[q, L.Q_DIST] - t.q[s, L.Q_DIST]
        put_row(t, m, np.int64(t.pairs[p, L.P_INNER]), worst)
        x = np.int64(t.pairs[p, L.P_REST])
        while x >= 0:
            if lead(t, m, x, e, np.int64(r)) != 0:
                return np.int64(L.ASK)
            x = np.int64(t.rest[x, L.R_NEXT])
    if t.q[q, L.Q_ACCEPT] == 0:
        return np.int64(0)
    # the terminal may be empty
    then = np.int64(t.q[q, L.Q_ACCEPT] - 1)
    if then == ban:
        return lead(t, m, np.int64(r), e, np.int64(r))
    x = np.int64(under(t, r, then))
    if x < -1:
        return ask(m, L.ASK_GROW_T, -2 - x)
    return lead(t, m, x, e, np.int64(r)) if x >= 0 else np.int64(0)


@njit(inline="always")
def under(t, r, ban):
    """Remainder r under another ban; -1: none, -2 - arena."""
    full = row_room(t)
    if full < 0:
        return np.int64(full - 1)
    begin = t.used[L.T_RESTLIST]
    first = t.rest[r, L.R_FIRST]
    n = np.int64(t.rest[r, L.R_N])
    for k in range(n):
        t.restlist[begin + k] = t.restlist[first + k]
    return np.int64(intern_rest(t, n, np.int64(ban), np.int64(-1)))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def gathered(t, m, begin, n):
    """The remainders ``exits[begin : begin + n]``, those of one ban united, as one list.

    Returns the first, -1: none; -2 - arena where an arena of the terminals is full.
    """
    root = np.int64(-1)
    ban = np.int64(-1)
    for i in range(begin, begin + n):
        ban = max(ban, np.int64(t.rest[m.exits[i], L.R_BAN]))
    while ban >= 0:
        root = np.int64(united_rests(t, m.exits, begin, n, ban, root))
        if root < -1:
            return root
        following = np.int64(-1)
        for i in range(begin, begin + n):
            under_it = np.int64(t.rest[m.exits[i], L.R_BAN])
            if under_it < ban:
                following = max(following, under_it)
        ban = following
    return root


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def keep_fold(t, m, key, more):
    """Keep the fold that was put together, under a key; returns its row, or L.ASK."""
    full = row_room(t)
    if full < 0:
        return ask(m, L.ASK_GROW_T, -1 - full)
    f = pair_get(m.after, key, np.int64(more))
    if f < 0:
        if 2 * m.used[L.M_AFTER] >= m.after.shape[0]:
            return ask(m, L.ASK_GROW, L.M_AFTER)
        if m.used[L.M_FOLDS] >= m.folds.shape[0]:
            return ask(m, L.ASK_GROW, L.M_FOLDS)
    exits = np.int64(gathered(t, m, np.int64(0), m.used[L.NOW_EXITS]))
    if exits < -1:
        return ask(m, L.ASK_GROW_T, -2 - exits)
    exact = np.int64(gathered(t, m, np.int64(m.exits.shape[0] // 2), m.used[L.NOW_UNSURE]))
    if exact < -1:
        return ask(m, L.ASK_GROW_T, -2 - exact)
    if f < 0:
        f = m.used[L.M_FOLDS]
        m.used[L.M_FOLDS] = f + 1
        pair_put(m.after, key, np.int64(more), f)
        m.used[L.M_AFTER] += 1
    row = m.folds[f]
    row[L.F_INNER] = -1
    if m.used[L.NOW_ROWS] == 1:
        row[L.F_INNER] = m.used[L.NOW_ROW]
    elif m.used[L.NOW_ROWS] > 1:
        row[L.F_INNER] = keep_bits(t, m.foldrow)
    row[L.F_EXIT] = exits
    row[L.F_SELF] = m.used[L.NOW_SELF]
    row[L.F_EXACT] = exact
    row[L.F_WORST] = min(m.used[L.NOW_WORST], np.int64(L.FAR))
    row[L.F_EPOCH] = t.used[L.T_EPOCH]
    return np.int64(f)


@njit(inline="always")
def try_fold(t, m, r, x, longest):
    """The fold of remainder r at node x: a row of ``folds``; MISSING, or L.ASK."""
    height = m.used[L.NOW_STACK]
    begin_fold(m)
    put_node(m, x)
    i = 0
    while i < m.used[L.NOW_NODES]:
        node = m.calls[i, 0]
        i += 1
        if m.nodes[node, L.N_READY] == 0:
            return ask(m, L.ASK_NODE, node)
        if m.nodes[node, L.N_ACCEPT] == 1:
            m.used[L.NOW_SELF] = 1
        first = m.nodes[node, L.N_EDGE]
        for e in range(first, first + m.nodes[node, L.N_EDGES]):
            if m.edges[e, L.E_Q0] < 0:
                done = np.int64(take_call(t, m, r, np.int64(e)))
            else:
                done = np.int64(take_terminal(t, m, r, np.int64(e), longest))
            if done != 0:
                return done
    if m.used[L.NOW_STACK] > height:
        return np.int64(MISSING)
    return keep_fold(t, m, np.int64(r) * 4294967296 + x, np.int64(FOLD))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def make_folds(t, m, longest):
    """Make all folds on the stack; 0, or L.ASK. What was put together before is lost."""
    while m.used[L.NOW_STACK] > 0:
        top = m.used[L.NOW_STACK] - 1
        if top >= L.LONG_CLOSURE:
            return ask(m, L.ASK_LOOP, m.stack[top, 1])
        r = m.stack[top, 0]
        x = m.stack[top, 1]
        if known_fold(t, m, np.int64(r) * 4294967296 + x, np.int64(FOLD)) < 0:
            done = np.int64(try_fold(t, m, r, x, longest))
            if done == MISSING:
                continue
            if done < 0:
                m.used[L.NOW_STACK] = 0
                return done
        m.used[L.NOW_STACK] = top
    return np.int64(0)
