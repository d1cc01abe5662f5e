"""What one terminal state allows over the whole vocabulary: inner rows and remainder tries.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.large import load
from structgen.kernels.machine.states import ABSENT, delta, lookup
from structgen.kernels.machine.tables import table_get, table_put

TICK, EXIT = 1, 2
#: The row cannot be made out of the other.
UNLIKE = -100
U1 = np.uint64(1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def row_room(t):
    """Is there room for a row, its list of ids and a remainder root? 0, or -1 - arena."""
    if t.used[L.T_ROWS] >= t.rows.shape[0]:
        return np.int64(-1 - L.T_ROWS)
    if t.used[L.T_SPARSE] >= t.sparse.shape[0]:
        return np.int64(-1 - L.T_SPARSE)
    if t.used[L.T_SPARSELIST] + len(t.ids) > t.sparselist.shape[0]:
        return np.int64(-1 - L.T_SPARSELIST)
    if t.used[L.T_REST] >= t.rest.shape[0]:
        return np.int64(-1 - L.T_REST)
    if t.used[L.T_RESTLIST] + t.trie.shape[0] > t.restlist.shape[0]:
        return np.int64(-1 - L.T_RESTLIST)
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def note_id(ids, row, n, token):
    """One more token of the row being built: in the list while that is short, else in the bits."""
    if n < len(ids):
        ids[n] = token
    else:
        if n == len(ids):
            row[:] = 0
            for k in range(n):
                row[ids[k] >> 5] |= np.int32(1) << np.int32(ids[k] & 31)
        row[token >> 5] |= np.int32(1) << np.int32(token & 31)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def keep_row(t, n):
    """Keep the row of n tokens that was built; returns it as Q_INNER has it."""
    if n > len(t.ids):
        t.used[L.T_ROWS] += 1
        return t.used[L.T_ROWS] - 1
    s = t.used[L.T_SPARSE]
    begin = t.used[L.T_SPARSELIST]
    t.sparse[s, 0] = begin
    t.sparse[s, 1] = n
    t.sparselist[begin : begin + n] = t.ids[:n]
    t.used[L.T_SPARSE] = s + 1
    t.used[L.T_SPARSELIST] = begin + n
    return -2 - s


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def keep_rest(t, n, most):
    """Remainder roots of the n trie nodes in ``found``: one for each ban in ``others`` (up to ``most``).

    Returns the first root, -1: none; or -2: no room (for a second one; room for one is the caller's care).
    """
    first = np.int64(-1)
    ban = most
    while n > 0 and ban >= 0:
        if t.used[L.T_REST] >= t.rest.shape[0] or t.used[L.T_RESTLIST] + n > t.restlist.shape[0]:
            return np.int64(-2)
        begin = t.used[L.T_RESTLIST]
        size = 0
        following = np.int64(-1)
        for k in range(n):
            if t.others[k] == ban:
                t.restlist[begin + size] = t.found[k]
                size += 1
            elif t.others[k] < ban:
                following = max(following, np.int64(t.others[k]))
        r = np.int64(new_rest(t, np.int64(begin), np.int64(size)))
        t.rest[r, L.R_BAN] = ban
        t.rest[r, L.R_NEXT] = first
        first = r
        ban = following
    return first


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def build_row(t, q):
    """Walk the vocabulary trie from terminal state q, once: the inner tokens and the remainder root.

    Reads three int32 for each trie node visited and one table entry; writes an id or a bit for each token found.
    Returns 0, or -1 - arena where an arena of the terminals is full.
    """
    n_nodes = t.trie.shape[0]
    full = row_room(t)
    if full < 0:
        return full
    stack = t.path
    row = t.rows[t.used[L.T_ROWS]]
    most = np.int64(0)
    n_ids = 0
    n_found = 0
    maxd = np.int64(0)
    stack[0, 0] = t.q[q, L.Q_BASE]
    stack[0, 1] = t.q[q, L.Q_NEED]
    stack[0, 2] = t.q[q, L.Q_LEFT]
    counted = stack[0, 1] != 0 or stack[0, 2] != L.INF or t.q[q, L.Q_ITER] < 0
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        e = lookup(t, np.int64(stack[depth - 1, 0]), np.int64(t.trie[i, 0]))
        if e < 0:
            if e == ABSENT:
                if not load(t, np.int64(stack[depth - 1, 0])):
                    return np.int64(-1 - L.T_Q)
                continue
            i = t.trie[i, 1]
            continue
        to = e >> 2
        need = 0
        left = L.INF
        if counted:
            mark = e & 3
            need = stack[depth - 1, 1]
            left = stack[depth - 1, 2]
            if mark == TICK:
                if left == 0:
                    i = t.trie[i, 1]
                    continue
                if need > 0:
                    need -= 1
                if left != L.INF:
                    left -= 1
            elif mark == EXIT:
                if need > 0:
                    i = t.trie[i, 1]
                    continue
                left = L.INF
            if t.q[to, L.Q_BASE] != to:  # counting begins here
                need = t.q[to, L.Q_NEED]
                left = t.q[to, L.Q_LEFT]
                to = t.q[to, L.Q_BASE]
            stack[depth, 1] = need
            stack[depth, 2] = left
        stack[depth, 0] = to
        a = t.trietok[i]
        b = t.trietok[i + 1]
        if b > a:
            maxd = max(maxd, np.int64(t.q[to, L.Q_DIST]) + np.int64(need) * t.q[to, L.Q_ITER])
            for j in range(a, b):
                note_id(t.ids, row, n_ids, t.tokens[j])
                n_ids += 1
        if t.q[to, L.Q_ACCEPT] > 0 and t.trie[i, 1] > i + 1:
            t.found[n_found] = i
            t.others[n_found] = t.q[to, L.Q_ACCEPT] - 1
            most = max(most, np.int64(t.others[n_found]))
            n_found += 1
        i += 1
    root = keep_rest(t, n_found, most)
    if root == -2:
        return np.int64(-1 - L.T_REST)
    t.q[q, L.Q_REST] = root
    t.q[q, L.Q_INNER] = keep_row(t, n_ids)
    t.q[q, L.Q_MAXD] = min(maxd, np.int64(L.FAR))
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def lowest_byte(low, w):
    """The number of the bit that alone is set in word w of a set of bytes."""
    byte = np.int64(w * 64)
    while low > U1:
        if low & np.uint64(0xFFFF) == 0:
            low >>= np.uint64(16)
            byte += 16
        else:
            low >>= U1
            byte += 1
    return byte


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def pair_row(t, r, q):
    """The row of terminal state q over the tokens of remainder node r: a row of ``pairs``, or -1 - arena.

    Both are walked at once, over the bytes that both have; made once for all grammars of the vocabulary.
    """
    key = L.KEY_PAIR + np.int64(r) * 4294967296 + q
    known = table_get(t.restnext, key)
    if known >= 0:
        return known
    full = row_room(t)
    if full < 0:
        return full
    if t.used[L.T_PAIRS] >= t.pairs.shape[0]:
        return np.int64(-1 - L.T_PAIRS)
    if 2 * t.used[L.T_RESTNEXT] >= t.restnext.shape[0]:
        return np.int64(-1 - L.T_RESTNEXT)
    row = t.rows[t.used[L.T_ROWS]]
    n_ids = 0
    n_found = 0
    most = np.int64(0)
    maxd = np.int64(0)
    t.path[0, 0] = r
    t.path[0, 1] = q
    for w in range(4):
        t.pathbytes[0, w] = t.restbytes[r, w] & t.qbytes[q, w]
    depth = 0
    while depth >= 0:
        w = 0
        while w < 4 and t.pathbytes[depth, w] == 0:
            w += 1
        if w == 4:
            depth -= 1
            continue
        bits = t.pathbytes[depth, w]
        low = bits & (~bits + U1)
        t.pathbytes[depth, w] = bits ^ low
        byte = lowest_byte(low, w)
        to = delta(t, np.int64(t.path[depth, 1]), byte)
        if to == -2:
            return np.int64(-1 - L.T_Q)
        child = rest_child(t, np.int64(t.path[depth, 0]), byte)
        if child < 0:
            return child
        begin = t.rest[child, L.R_FIRST]
        end = begin + t.rest[child, L.R_N]
        before = n_ids
        for x in range(begin, end):
            node = t.restlist[x]
            for j in range(t.trietok[node], t.trietok[node + 1]):
                note_id(t.ids, row, n_ids, t.tokens[j])
                n_ids += 1
        if n_ids > before:
            maxd = max(maxd, np.int64(t.q[to, L.Q_DIST]))
        if t.rest[child, L.R_LEAF] == 1:
            continue
        if t.q[to, L.Q_ACCEPT] > 0:
            ban = np.int64(t.q[to, L.Q_ACCEPT] - 1)
            most = max(most, ban)
            for x in range(begin, end):
                node = t.restlist[x]
                if t.trie[node, 1] > node + 1:
                    t.found[n_found] = node
                    t.others[n_found] = ban
                    n_found += 1
        depth += 1
        t.path[depth, 0] = child
        t.path[depth, 1] = to
        for w in range(4):
            t.pathbytes[depth, w] = t.restbytes[child, w] & t.qbytes[to, w]
    full = row_room(t)  # the remainders on the way have taken some
    if full < 0:
        return full
    root = keep_rest(t, n_found, most)
    if root == -2:
        return np.int64(-1 - L.T_REST)
    p = t.used[L.T_PAIRS]
    t.used[L.T_PAIRS] = p + 1
    t.pairs[p, L.P_REST] = root
    t.pairs[p, L.P_INNER] = keep_row(t, n_ids)
    t.pairs[p, L.P_MAXD] = min(maxd, np.int64(L.FAR))
    table_put(t.restnext, key, p)
    t.used[L.T_RESTNEXT] += 1
    return np.int64(p)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def new_rest(t, begin, n):
    """A remainder node over restlist[begin : begin + n]; room is the caller's care."""
    r = t.used[L.T_REST]
    t.used[L.T_REST] = r + 1
    t.used[L.T_RESTLIST] = begin + n
    t.rest[r, L.R_FIRST] = begin
    t.rest[r, L.R_N] = n
    t.rest[r, L.R_BAN] = 0
    t.rest[r, L.R_NEXT] = -1
    for w in range(4):
        t.restbytes[r, w] = 0
    leaf = 1
    for k in range(begin, begin + n):
        x = t.restlist[k]
        i = x + 1
        end = t.trie[x, 1]
        while i < end:
            byte = t.trie[i, 0]
            t.restbytes[r, byte >> 6] |= U1 << np.uint64(byte & 63)
            leaf = 0
            i = t.trie[i, 1]
    t.rest[r, L.R_LEAF] = leaf
    return r


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def rest_child(t, r, byte):
    """The remainder node below r on a byte (one of restbytes[r]); -1 - arena where there is no room."""
    key = np.int64(r) * 256 + byte
    child = table_get(t.restnext, key)
    if child >= 0:
        return child
    n = t.rest[r, L.R_N]
    begin = t.used[L.T_RESTLIST]
    if begin + n > t.restlist.shape[0]:
        return np.int64(-1 - L.T_RESTLIST)
    if t.used[L.T_REST] >= t.rest.shape[0]:
        return np.int64(-1 - L.T_REST)
    if 2 * t.used[L.T_RESTNEXT] >= t.restnext.shape[0]:
        return np.int64(-1 - L.T_RESTNEXT)
    count = 0
    first = t.rest[r, L.R_FIRST]
    for k in range(first, first + n):
        x = t.restlist[k]
        i = x + 1
        end = t.trie[x, 1]
        while i < end:
            b = t.trie[i, 0]
            if b >= byte:
                if b == byte:
                    t.restlist[begin + count] = i
                    count += 1
                break
            i = t.trie[i, 1]
    child = np.int64(new_rest(t, np.int64(begin), np.int64(count)))
    table_put(t.restnext, key, child)
    t.used[L.T_RESTNEXT] += 1
    return child


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def count_ticks(t, base, ticks, found_ticks, result):
    """Walk the vocabulary trie from a counted state with no bounds, noting the iterations each token begins.

    Args:
        base: a state before the exit, without its count.
        ticks: int16[V], filled with -1 by the caller: gets 2 * iterations, plus 1 where the token leaves the loop.
        found_ticks: int16[trie nodes]: gets the iterations up to each node where the terminal may end inside a token;
            the nodes are left in ``t.found``.
        result: int64[2]: gets the number of nodes found and the greatest distance after a token, counts left out.
    """
    n_nodes = t.trie.shape[0]
    stack, found = t.path, t.found
    n_found = 0
    farthest = np.int64(0)
    stack[0, 0] = base
    stack[0, 1] = 0
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        e = lookup(t, np.int64(stack[depth - 1, 0]), np.int64(t.trie[i, 0]))
        if e < 0:
            i = t.trie[i, 1]
            continue
        to = e >> 2
        mark = e & 3
        count = stack[depth - 1, 1]
        if mark == TICK:
            count += 2
        elif mark == EXIT:
            count += 1
        stack[depth, 0] = to
        stack[depth, 1] = count
        a = t.trietok[i]
        b = t.trietok[i + 1]
        for j in range(a, b):
            ticks[t.tokens[j]] = count
        if b > a:
            farthest = max(farthest, np.int64(t.q[to, L.Q_DIST]))
        if t.q[to, L.Q_ACCEPT] > 0 and t.trie[i, 1] > i + 1:
            found[n_found] = i
            found_ticks[n_found] = count >> 1
            n_found += 1
        i += 1
    result[0] = n_found
    result[1] = farthest


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def stack_rows(tokens, first, rows):
    """rows[k] holds the tokens of the groups 0 to k; group g is tokens[first[g] : first[g + 1]]."""
    for k in range(rows.shape[0]):
        if k > 0:
            rows[k] = rows[k - 1]
        for j in range(first[k], first[k + 1]):
            rows[k, tokens[j] >> 5] |= np.int32(1) << np.int32(tokens[j] & 31)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_row(t, q, rows, leaving, first, farthest):
    """The inner row of a counted state out of its base's profile.

    Args:
        q: the state; its row is written to the terminals' rows. Room is the caller's care.
        rows: int32[K, W]: row k holds the tokens that stay in the loop and begin at most k iterations.
        leaving, first: tokens that leave the loop, grouped by iterations.
        farthest: the greatest distance after a token of the base.

    Copies one row and writes a bit for each token that leaves the loop within the bounds.
    """
    need = t.q[q, L.Q_NEED]
    left = t.q[q, L.Q_LEFT]
    r = t.used[L.T_ROWS]
    t.used[L.T_ROWS] = r + 1
    row = t.rows[r]
    row[:] = rows[min(left, rows.shape[0] - 1)]
    groups = len(first) - 1
    if need < groups:
        for j in range(first[need], first[min(left, groups - 1) + 1]):
            row[leaving[j] >> 5] |= np.int32(1) << np.int32(leaving[j] & 31)
    t.q[q, L.Q_INNER] = r
    t.q[q, L.Q_MAXD] = min(np.int64(farthest) + np.int64(need) * t.q[q, L.Q_ITER], np.int64(L.FAR))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_rest(t, nodes, first, need, left):
    """A remainder root of the nodes whose iterations lie in need..left, or -1. Room is the caller's care."""
    groups = len(first) - 1
    if need >= groups:
        return np.int64(-1)
    a = first[need]
    b = first[min(left, groups - 1) + 1]
    if a >= b:
        return np.int64(-1)
    begin = t.used[L.T_RESTLIST]
    t.restlist[begin : begin + b - a] = nodes[a:b]
    return np.int64(new_rest(t, np.int64(begin), np.int64(b - a)))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def like_state(t, q):
    """A state whose row is nearly that of q: where most bytes lead, if the same bytes lead back to it; else -1.

    Not where a ban or a count comes into it: those rows are built by themselves.
    """
    if t.q[q, L.Q_ITER] < 0 or t.q[q, L.Q_ACCEPT] > 1:
        return np.int64(-1)
    best = np.int64(-1)
    most = np.int64(63)
    first = t.q[q, L.Q_IV]
    n = t.q[q, L.Q_NIV]
    if first < 0:  # a state of a large automaton
        return np.int64(-1)
    for k in range(first, first + n):
        to = t.iv[k, L.IV_TO]
        width = np.int64(0)
        for j in range(first, first + n):
            if t.iv[j, L.IV_TO] == to:
                width += t.iv[j, L.IV_HI] - t.iv[j, L.IV_LO] + 1
        if width > most:
            most = width
            best = np.int64(to)
    if best < 0 or best == q or t.q[best, L.Q_IV] < 0:
        return np.int64(-1)
    width = np.int64(0)
    for k in range(t.q[best, L.Q_IV], t.q[best, L.Q_IV] + t.q[best, L.Q_NIV]):
        if t.iv[k, L.IV_TO] == best:
            width += t.iv[k, L.IV_HI] - t.iv[k, L.IV_LO] + 1
    return best if width > 63 else np.int64(-1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def build_row_like(t, q, like):
    """The row of q out of the dense row of a state that is nearly the same.

    The trie is walked with both states at once, and a subtree is left as soon as they are one: states are
    shared by their futures, so what follows is the same. Visits only where the two differ.

    Returns 0; -1 - arena where an arena of the terminals is full; UNLIKE where a ban or a large automaton is met.
    """
    root = np.int64(t.q[like, L.Q_REST])
    if root >= 0 and t.rest[root, L.R_BAN] + t.rest[root, L.R_NEXT] >= 0:
        return UNLIKE
    if t.used[L.T_ROWS] >= t.rows.shape[0]:
        return -1 - L.T_ROWS
    if t.used[L.T_REST] >= t.rest.shape[0]:
        return -1 - L.T_REST
    n_nodes = t.trie.shape[0]
    stack, added, removed = t.path, t.found, t.others
    if t.used[L.T_RESTLIST] + n_nodes > t.restlist.shape[0]:
        return -1 - L.T_RESTLIST
    r = t.used[L.T_ROWS]
    t.used[L.T_ROWS] = r + 1
    row = t.rows[r]
    row[:] = t.rows[t.q[like, L.Q_INNER]]
    farthest = np.int64(t.q[like, L.Q_MAXD])
    n_added = 0
    n_removed = 0
    stack[0, 0] = q
    stack[0, 1] = like
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        byte = np.int64(t.trie[i, 0])
        a = np.int64(stack[depth - 1, 0])
        b = np.int64(stack[depth - 1, 1])
        if a >= 0:
            a = np.int64(lookup(t, a, byte))
            if a >= 0:
                a = a >> 2
        if b >= 0:
            b = np.int64(lookup(t, b, byte))
            if b >= 0:
                b = b >> 2
        if a == ABSENT or b == ABSENT:
            t.used[L.T_ROWS] = r
            return UNLIKE
        if a == b:
            i = t.trie[i, 1]
            continue
        stack[depth, 0] = a
        stack[depth, 1] = b
        begin = t.trietok[i]
        end = t.trietok[i + 1]
        for j in range(begin, end):
            token = t.tokens[j]
            bit = np.int32(1) << np.int32(token & 31)
            if a >= 0:
                row[token >> 5] |= bit
            else:
                row[token >> 5] &= ~bit
        if a >= 0 and end > begin:
            farthest = max(farthest, np.int64(t.q[a, L.Q_DIST]))
        if t.trie[i, 1] > i + 1:
            if (a >= 0 and t.q[a, L.Q_ACCEPT] > 1) or (b >= 0 and t.q[b, L.Q_ACCEPT] > 1):
                t.used[L.T_ROWS] = r
                return UNLIKE
            ends_a = a >= 0 and t.q[a, L.Q_ACCEPT] > 0
            ends_b = b >= 0 and t.q[b, L.Q_ACCEPT] > 0
            if ends_a and not ends_b:
                added[n_added] = i
                n_added += 1
            elif ends_b and not ends_a:
                removed[n_removed] = i
                n_removed += 1
        i += 1
    t.q[q, L.Q_INNER] = r
    t.q[q, L.Q_MAXD] = min(farthest, np.int64(L.FAR))
    if n_added == 0 and n_removed == 0:
        t.q[q, L.Q_REST] = root
        return 0
    begin = t.used[L.T_RESTLIST]
    w = begin
    x = 0
    y = 0
    if root >= 0:
        first = t.rest[root, L.R_FIRST]
        for k in range(first, first + t.rest[root, L.R_N]):
            node = t.restlist[k]
            while x < n_added and added[x] < node:
                t.restlist[w] = added[x]
                x += 1
                w += 1
            if y < n_removed and removed[y] == node:
                y += 1
                continue
            t.restlist[w] = node
            w += 1
    while x < n_added:
        t.restlist[w] = added[x]
        x += 1
        w += 1
    t.q[q, L.Q_REST] = new_rest(t, np.int64(begin), np.int64(w - begin)) if w > begin else -1
    return 0


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def make_row(t, q):
    """The row of a state that does not count: out of one that is nearly the same, or by itself. 0 or -1 - arena."""
    like = like_state(t, np.int64(q))
    if like >= 0:
        if t.q[like, L.Q_INNER] == -1:
            full = build_row(t, like)
            if full < 0:
                return full
        if t.q[like, L.Q_INNER] >= 0:
            full = np.int64(build_row_like(t, np.int64(q), like))
            if full != UNLIKE:
                return full
    return np.int64(build_row(t, np.int64(q)))
