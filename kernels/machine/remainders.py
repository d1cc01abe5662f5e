"""Remainders: what is left of tokens behind a place where a terminal may end, as sets of trie nodes.

A remainder names the trie nodes whose bytes come next, in the order of these bytes, so that a state which reads only
some bytes enters only those nodes. Bytes that the ban of the end forbids at once are left out. Equal remainders are
one. See layout.py for the arrays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.loops import loops_of
from structgen.kernels.machine.states import delta
from structgen.kernels.machine.tables import mix, table_get, table_put
from structgen.kernels.trie.below import STRAY, UTF8

U1 = np.uint64(1)
#: The column of ``banned`` behind those of the bytes.
BANNED_CLASSES = 4
#: The most bytes from the middle of a character to its end.
IN_CHARACTER = 3
#: Remainders of more nodes than this are not united with others: the unions would fill the memory.
LARGE = 4096


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def row_room(t):
    """Is there room for a row, its list of ids and a remainder? 0, or -1 - arena."""
    if t.used[L.T_ROWS] >= t.rows.shape[0]:
        return np.int64(-1 - L.T_ROWS)
    if t.used[L.T_SPARSE] >= t.sparse.shape[0]:
        return np.int64(-1 - L.T_SPARSE)
    if t.used[L.T_SPARSELIST] + len(t.ids) > t.sparselist.shape[0]:
        return np.int64(-1 - L.T_SPARSELIST)
    return rest_room(t)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def rest_room(t):
    """Is there room for a remainder? 0, or -1 - arena."""
    if t.used[L.T_REST] >= t.rest.shape[0]:
        return np.int64(-1 - L.T_REST)
    if t.used[L.T_RESTLIST] + 2 * t.trie.shape[0] > t.restlist.shape[0]:
        return np.int64(-1 - L.T_RESTLIST)
    if 2 * t.used[L.T_RESTNEXT] >= t.restnext.shape[0]:
        return np.int64(-1 - L.T_RESTNEXT)
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
def note_ids(t, row, n, a, b):
    """As note_id, of ``tokens[a:b]``; returns how many tokens there are by now."""
    ids = t.ids
    if n + b - a <= len(ids):
        ids[n : n + b - a] = t.tokens[a:b]
        return np.int64(n + b - a)
    if n <= len(ids):
        row[:] = 0
        for k in range(n):
            row[ids[k] >> 5] |= np.int32(1) << np.int32(ids[k] & 31)
    for k in range(a, b):
        token = t.tokens[k]
        row[token >> 5] |= np.int32(1) << np.int32(token & 31)
    return np.int64(n + b - a)


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


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True, inline="always")
def before(t, a, b):
    """Does trie node a come before b in a remainder: by their bytes, then by their numbers?"""
    x = t.bytes[a]
    y = t.bytes[b]
    return x < y or (x == y and a < b)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def ordered(t, begin, n):
    """Are ``restlist[begin : begin + n]`` in order, none of them twice?"""
    for k in range(begin + 1, begin + n):
        if not before(t, t.restlist[k - 1], t.restlist[k]):
            return False
    return True


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def order(t, begin, n):
    """Put ``restlist[begin : begin + n]`` in order, each node once; returns how many they are.

    A radix sort by their numbers, 11 bits at a time, then by their bytes.
    """
    nodes = t.restlist[begin : begin + n]
    other = np.empty(n, dtype=np.int32)
    counts = np.zeros(2049, dtype=np.int64)
    shift = np.int64(0)
    while n > 32 and t.trie.shape[0] >> shift > 0:
        counts[:] = 0
        for k in range(n):
            counts[((nodes[k] >> shift) & 2047) + 1] += 1
        for k in range(2048):
            counts[k + 1] += counts[k]
        for k in range(n):
            digit = (nodes[k] >> shift) & 2047
            other[counts[digit]] = nodes[k]
            counts[digit] += 1
        for k in range(n):
            nodes[k] = other[k]
        shift += 11
    if n <= 32:
        nodes.sort()
    kept = 0
    counts[:257] = 0
    for k in range(n):
        if k == 0 or nodes[k] != nodes[k - 1]:
            nodes[kept] = nodes[k]
            kept += 1
            counts[np.int64(t.bytes[nodes[k]]) + 1] += 1
    for k in range(256):
        counts[k + 1] += counts[k]
    for k in range(kept):
        byte = t.bytes[nodes[k]]
        other[counts[byte]] = nodes[k]
        counts[byte] += 1
    for k in range(kept):
        nodes[k] = other[k]
    return np.int64(kept)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def merge(t, a, n, r, out):
    """Merge ``a[:n]`` and the nodes of remainder r, both in order, into ``out``; returns how many they are."""
    x = np.int64(0)
    y = np.int64(t.rest[r, L.R_FIRST])
    end = y + t.rest[r, L.R_N]
    w = np.int64(0)
    while x < n and y < end:
        u = a[x]
        v = t.restlist[y]
        if u == v:
            y += 1
        elif before(t, v, u):
            out[w] = v
            w += 1
            y += 1
            continue
        out[w] = u
        w += 1
        x += 1
    while x < n:
        out[w] = a[x]
        x += 1
        w += 1
    while y < end:
        out[w] = t.restlist[y]
        y += 1
        w += 1
    return w


@njit(inline="always")
def united_rests(t, list_of, begin, n, ban, following):
    """The union of those of the remainders ``list_of[begin : begin + n]`` that are under a ban, first of a list.

    None of them is there twice. Large ones stand in the list by themselves. Returns as :func:`intern_rest` does.
    """
    full = rest_room(t)
    if full < 0:
        return np.int64(full - 1)
    for i in range(begin, begin + n):
        r = np.int64(list_of[i])
        if t.rest[r, L.R_BAN] == ban and t.rest[r, L.R_N] > LARGE:
            following = np.int64(chained(t, np.int64(t.rest[r, L.R_SAME]), following))
            if following < -1:
                return following
    a = t.found
    b = t.others
    size = np.int64(0)
    count = 0
    only = np.int64(-1)
    for i in range(begin, begin + n):
        r = np.int64(list_of[i])
        if t.rest[r, L.R_BAN] != ban or t.rest[r, L.R_N] > LARGE:
            continue
        count += 1
        if count == 1:
            only = np.int64(t.rest[r, L.R_SAME])
            continue
        if count == 2:
            size = merge(t, a, size, only, b)
            a, b = b, a
        size = merge(t, a, size, r, b)
        a, b = b, a
    if count < 2:
        return chained(t, only, following) if count == 1 else np.int64(following)
    first = t.used[L.T_RESTLIST]
    for k in range(size):
        t.restlist[first + k] = a[k]
    return intern_rest(t, size, np.int64(ban), np.int64(following))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def union_of(t, a, b):
    """The union of two remainders under one ban, memoised; or -2 - arena."""
    a = np.int64(t.rest[a, L.R_SAME])
    b = np.int64(t.rest[b, L.R_SAME])
    if a == b:
        return a
    key = L.KEY_PAIR + min(a, b) * 4294967296 + 1073741824 + max(a, b)
    known = table_get(t.restnext, key)
    if known >= 0:
        return np.int64(known)
    full = rest_room(t)
    if full < 0:
        return np.int64(full - 1)
    size = merge(t, t.found, np.int64(0), a, t.others)
    size = merge(t, t.others, size, b, t.found)
    first = t.used[L.T_RESTLIST]
    for k in range(size):
        t.restlist[first + k] = t.found[k]
    r = np.int64(intern_rest(t, size, np.int64(t.rest[a, L.R_BAN]), np.int64(-1)))
    if r < 0:
        return r
    if 2 * t.used[L.T_RESTNEXT] >= t.restnext.shape[0]:
        return np.int64(-2 - L.T_RESTNEXT)
    table_put(t.restnext, key, r)
    t.used[L.T_RESTNEXT] += 1
    return r


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def intern_rest(t, n, ban, following):
    """The remainder of the n trie nodes at the end of ``restlist`` under a ban, the first of a list with others.

    The nodes come in any order, perhaps more than once. Returns the remainder, ``following`` where there are no nodes,
    or -2 - arena.
    """
    full = rest_room(t)
    if full < 0:
        return np.int64(full - 1)
    begin = np.int64(t.used[L.T_RESTLIST])
    if not ordered(t, begin, n):
        n = order(t, begin, n)
    if ban > 0:  # the bytes that it forbids are left out
        kept = begin
        for k in range(begin, begin + n):
            node = t.restlist[k]
            if not forbids(t, np.int64(ban), np.int64(t.bytes[node])):
                t.restlist[kept] = node
                kept += 1
        n = kept - begin
    return intern_ordered(t, np.int64(n), np.int64(ban), np.int64(following))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def forbids(t, ban, byte):
    """Does a ban forbid a byte at once?"""
    return ban > 0 and (t.banned[ban, byte >> 6] >> np.uint64(byte & 63)) & U1 != 0


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def intern_ordered(t, size, ban, following):
    """As intern_rest, of nodes in order, none of which the ban forbids. Room is the caller's care."""
    if size == 0:
        return np.int64(following)
    begin = np.int64(t.used[L.T_RESTLIST])
    total = np.int64(0)
    weighted = np.int64(0)
    for k in range(size):
        node = np.int64(t.restlist[begin + k])
        total += node
        weighted += node * (k & 1023)
    h = mix(mix(mix(np.int64(size), np.int64(ban)), total), weighted)
    key = L.KEY_ROOT + (h & 0xFFFFFFF) * 4294967296
    r = np.int64(table_get(t.restnext, key))
    while r >= 0:
        if t.rest[r, L.R_N] == size and t.rest[r, L.R_BAN] == ban:
            first = t.rest[r, L.R_FIRST]
            same = True
            for k in range(size):
                if t.restlist[first + k] != t.restlist[begin + k]:
                    same = False
                    break
            if same:
                return chained(t, r, following)
        key += 1
        r = np.int64(table_get(t.restnext, key))
    r = np.int64(t.used[L.T_REST])
    t.used[L.T_REST] = r + 1
    t.used[L.T_RESTLIST] = begin + size
    t.rest[r, L.R_FIRST] = begin
    t.rest[r, L.R_N] = size
    t.rest[r, L.R_BAN] = ban
    t.rest[r, L.R_NEXT] = -1
    t.rest[r, L.R_SAME] = r
    for w in range(4):
        t.restbytes[r, w] = 0
    k = begin
    while k < begin + size:
        byte = np.int64(t.bytes[t.restlist[k]])
        t.restbytes[r, byte >> 6] |= U1 << np.uint64(byte & 63)
        k = np.int64(next_byte(t, k, begin + size, byte))
    table_put(t.restnext, key, r)
    t.used[L.T_RESTNEXT] += 1
    return chained(t, r, following)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def chained(t, r, following):
    """The remainder r as the first of a list that goes on with another; or -2 - arena."""
    if following < 0:
        return np.int64(r)
    key = L.KEY_PAIR + np.int64(r) * 4294967296 + 2147483648 + following
    known = table_get(t.restnext, key)
    if known >= 0:
        return np.int64(known)
    full = rest_room(t)
    if full < 0:
        return np.int64(full - 1)
    c = np.int64(t.used[L.T_REST])
    t.used[L.T_REST] = c + 1
    t.rest[c] = t.rest[r]
    t.restbytes[c] = t.restbytes[r]
    t.rest[c, L.R_NEXT] = following
    table_put(t.restnext, key, c)
    t.used[L.T_RESTNEXT] += 1
    return c


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_children(t, node, at):
    """Write the children of a trie node to ``restlist`` from ``at`` on; returns the place behind them."""
    i = node + 1
    end = t.trie[node, 1]
    while i < end:
        t.restlist[at] = i
        at += 1
        i = t.trie[i, 1]
    return at


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def rest_behind(t, nodes, n):
    """The remainder behind n trie nodes where a terminal may end without a ban; -1: none, or -2 - arena."""
    full = rest_room(t)
    if full < 0:
        return np.int64(full - 1)
    begin = t.used[L.T_RESTLIST]
    end = begin
    for k in range(n):
        if end + t.trie.shape[0] > t.restlist.shape[0]:
            return np.int64(-2 - L.T_RESTLIST)
        end = put_children(t, np.int64(nodes[k]), end)
    return np.int64(intern_rest(t, np.int64(end - begin), np.int64(0), np.int64(-1)))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_by_byte(t, nodes, bans, n, ban, out, begin):
    """Write those of the first n trie nodes that are under a ban to ``out``, from ``begin`` on, in order.

    The nodes come in ascending order, each once. Returns how many are written.
    """
    at = np.zeros(257, dtype=np.int64)
    for k in range(n):
        if bans[k] == ban:
            at[np.int64(t.bytes[nodes[k]]) + 1] += 1
    at[0] = begin
    for byte in range(256):
        at[byte + 1] += at[byte]
    size = at[256] - begin
    for k in range(n):
        if bans[k] == ban:
            byte = t.bytes[nodes[k]]
            out[at[byte]] = nodes[k]
            at[byte] += 1
    return size


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def greatest_below(bans, n, ban):
    """The greatest of the first n bans that is less than ``ban``, or -1."""
    lesser = np.int64(-1)
    for k in range(n):
        if bans[k] < ban:
            lesser = max(lesser, np.int64(bans[k]))
    return lesser


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def keep_rests(t, nodes, bans, n, ascending):
    """The remainders of the first n trie nodes, one for each ban; those that the bans forbid are left out already.

    Args:
        ascending: 1: the nodes are in ascending order, each once.

    Returns the first, -1: none, or -2 - arena.
    """
    first = np.int64(-1)
    ban = np.int64(greatest_below(bans, n, np.int64(1) << 31))
    while ban >= 0:
        full = rest_room(t)
        if full < 0:
            return np.int64(full - 1)
        begin = np.int64(t.used[L.T_RESTLIST])
        if begin + n > t.restlist.shape[0]:
            return np.int64(-2 - L.T_RESTLIST)
        if ascending == 1:
            size = np.int64(put_by_byte(t, nodes, bans, n, ban, t.restlist, begin))
            first = np.int64(intern_ordered(t, size, ban, first))
        else:
            size = np.int64(0)
            for k in range(n):
                if bans[k] == ban:
                    t.restlist[begin + size] = nodes[k]
                    size += 1
            first = np.int64(intern_rest(t, size, ban, first))
        if first < -1:
            return first
        ban = np.int64(greatest_below(bans, n, ban))
    return first


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_changed(t, r, new, n_new, gone, n_gone):
    """Write the nodes of remainder r (-1: none), some added and some left out, to the end of ``restlist``, in order.

    Both come in the order of remainders. Of most bytes there are none, and their nodes are copied as they are. Returns
    how many are written.
    """
    begin = np.int64(t.used[L.T_RESTLIST])
    end = begin
    x = 0
    y = 0
    k = np.int64(0)
    last = np.int64(0)
    if r >= 0:
        k = np.int64(t.rest[r, L.R_FIRST])
        last = k + t.rest[r, L.R_N]
    while k < last or x < n_new:
        byte = np.int64(256)
        if k < last:
            byte = np.int64(t.bytes[t.restlist[k]])
        if x < n_new:
            byte = min(byte, np.int64(t.bytes[new[x]]))
        until = k  # behind the nodes of this byte
        if k < last and t.bytes[t.restlist[k]] == byte:
            until = np.int64(next_byte(t, k, last, byte))
        while y < n_gone and t.bytes[gone[y]] < byte:
            y += 1
        if (x == n_new or t.bytes[new[x]] > byte) and (y == n_gone or t.bytes[gone[y]] > byte):
            t.restlist[end : end + until - k] = t.restlist[k:until]
            end += until - k
            k = until
            continue
        while k < until:
            node = t.restlist[k]
            k += 1
            while x < n_new and t.bytes[new[x]] == byte and new[x] < node:
                t.restlist[end] = new[x]
                end += 1
                x += 1
            while y < n_gone and t.bytes[gone[y]] == byte and gone[y] < node:
                y += 1
            if y == n_gone or gone[y] != node:
                t.restlist[end] = node
                end += 1
        while x < n_new and t.bytes[new[x]] == byte:
            t.restlist[end] = new[x]
            end += 1
            x += 1
    return end - begin


@njit(inline="always")
def changed_rest(t, root, added, added_bans, n_added, removed, removed_bans, n_removed):
    """Remainders from ``root`` on, with some trie nodes added and some removed, each under its ban.

    Both come in ascending order, each node once, without those that their ban forbids.

    Returns the first, -1: none, or -2 - arena.
    """
    first = np.int64(-1)
    ban = np.int64(-1)
    r = root
    while r >= 0:
        ban = max(ban, np.int64(t.rest[r, L.R_BAN]))
        r = np.int64(t.rest[r, L.R_NEXT])
    ban = max(ban, np.int64(greatest_below(added_bans, n_added, np.int64(1) << 31)))
    gone = np.empty(n_removed, dtype=np.int32)
    new = np.empty(n_added, dtype=np.int32)
    while ban >= 0:
        full = rest_room(t)
        if full < 0:
            return np.int64(full - 1)
        if t.used[L.T_RESTLIST] + 3 * t.trie.shape[0] > t.restlist.shape[0]:
            return np.int64(-2 - L.T_RESTLIST)
        n_gone = np.int64(put_by_byte(t, removed, removed_bans, n_removed, ban, gone, np.int64(0)))
        n_new = np.int64(put_by_byte(t, added, added_bans, n_added, ban, new, np.int64(0)))
        following = np.int64(greatest_below(added_bans, n_added, ban))
        of_it = np.int64(-1)
        r = root
        while r >= 0:
            under = np.int64(t.rest[r, L.R_BAN])
            if under < ban:
                following = max(following, under)
            elif under == ban:
                of_it = np.int64(t.rest[r, L.R_SAME])
            r = np.int64(t.rest[r, L.R_NEXT])
        if of_it >= 0 and n_gone == 0 and n_new == 0:
            first = np.int64(chained(t, of_it, first))
        else:
            size = np.int64(put_changed(t, of_it, new, n_new, gone, n_gone))
            first = np.int64(intern_ordered(t, size, ban, first))
        if first < -1:
            return first
        ban = following
    return first


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def note_below(t, i, q, found, bans, n):
    """Note the trie nodes below node i that come after an end of the terminal, where all below it leads q back to q.

    Returns how many are noted by now.
    """
    ban = np.int64(t.q[q, L.Q_ACCEPT]) - 1
    if ban < 0:
        return np.int64(n)
    classes = t.below[t.trie[i, 3]]
    # inside characters the terminal does not end, but where it reads bytes one by one
    inside = loops_of(t, q) >> np.uint64(STRAY) & U1 == 0
    if not inside and classes >> np.uint64(UTF8) & U1 != 0:
        classes |= U1 << np.uint64(STRAY)
    if ban > 0 and classes & ~t.banned[ban, BANNED_CLASSES] == 0:
        return np.int64(n)
    for x in range(i + 1, t.trie[i, 1]):
        byte = np.int64(t.bytes[x])
        if (inside and byte & 0xC0 == 0x80) or forbids(t, ban, byte):
            continue
        found[n] = x
        bans[n] = ban
        n += 1
    return np.int64(n)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def longer(nodes, n, more):
    """A copy of the first n nodes with room for more."""
    copy = np.empty(2 * (n + more) + 1, dtype=np.int32)
    copy[:n] = nodes[:n]
    return copy


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def pair_row(t, r, q):
    """The row of terminal state q over the tokens of remainder r: a row of ``pairs``, or -1 - arena.

    Walks the trie below those nodes of the remainder whose byte the state reads; made once for all grammars of the
    vocabulary.
    """
    r = np.int64(t.rest[r, L.R_SAME])
    key = L.KEY_PAIR + r * 4294967296 + q
    known = table_get(t.restnext, key)
    if known >= 0:
        return known
    full = row_room(t)
    if full < 0:
        return full
    if t.used[L.T_PAIRS] >= t.pairs.shape[0]:
        return np.int64(-1 - L.T_PAIRS)
    row = t.rows[t.used[L.T_ROWS]]
    path = t.path
    found = t.found
    others = t.others
    n_ids = np.int64(0)
    n_found = np.int64(0)
    maxd = np.int64(0)
    first = np.int64(t.rest[r, L.R_FIRST])
    last = first + t.rest[r, L.R_N]
    x = first
    byte = np.int64(-1)
    entered = np.int64(-1)
    ascending = 1
    while x < last:
        top = t.restlist[x]
        x += 1
        if t.bytes[top] != byte:
            byte = np.int64(t.bytes[top])
            entered = np.int64(delta(t, np.int64(q), byte))
            if entered == -2:
                return np.int64(-1 - L.T_Q)
        if entered < 0:
            x = next_byte(t, x, last, byte)
            continue
        base = t.trie[top, 2]
        i = np.int64(top)
        end = np.int64(t.trie[top, 1])
        if n_found + end - i >= found.shape[0]:  # where nodes of the remainder lie below one another
            found = longer(found, n_found, end - i)
            others = longer(others, n_found, end - i)
        if n_found > 0 and found[n_found - 1] >= i:
            ascending = 0
        while i < end:
            depth = t.trie[i, 2] - base
            to = entered
            if depth > 0:
                before = np.int64(path[depth - 1, 0])
                ban = np.int64(t.q[before, L.Q_ACCEPT]) - 1
                if ban >= 0 and not forbids(t, ban, np.int64(t.trie[i, 0])):
                    found[n_found] = i
                    others[n_found] = ban
                    n_found += 1
                to = np.int64(delta(t, before, np.int64(t.trie[i, 0])))
                if to < 0:
                    if to == -2:
                        return np.int64(-1 - L.T_Q)
                    i = np.int64(t.trie[i, 1])
                    continue
            if t.trie[i, 3] != 0 and t.below[t.trie[i, 3]] & ~loops_of(t, to) == 0:
                after = np.int64(t.trie[i, 1])
                n_ids = np.int64(note_ids(t, row, n_ids, np.int64(t.trietok[i]), np.int64(t.trietok[after])))
                maxd = max(maxd, np.int64(t.q[to, L.Q_DIST]) + IN_CHARACTER)
                n_found = np.int64(note_below(t, i, to, found, others, n_found))
                i = after
                continue
            path[depth, 0] = to
            a = t.trietok[i]
            b = t.trietok[i + 1]
            if b > a:
                maxd = max(maxd, np.int64(t.q[to, L.Q_DIST]))
                for j in range(a, b):
                    note_id(t.ids, row, n_ids, t.tokens[j])
                    n_ids += 1
            i += 1
    root = np.int64(keep_rests(t, found, others, n_found, ascending))
    if root < -1:
        return root + 1
    if 2 * t.used[L.T_RESTNEXT] >= t.restnext.shape[0]:
        return np.int64(-1 - L.T_RESTNEXT)
    p = t.used[L.T_PAIRS]
    t.used[L.T_PAIRS] = p + 1
    t.pairs[p, L.P_REST] = root
    t.pairs[p, L.P_INNER] = keep_row(t, n_ids)
    t.pairs[p, L.P_MAXD] = min(maxd, np.int64(L.FAR))
    table_put(t.restnext, key, p)
    t.used[L.T_RESTNEXT] += 1
    return np.int64(p)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def next_byte(t, x, last, byte):
    """The place in ``restlist``, from x on, of the first node with a greater byte."""
    while x < last:
        middle = (x + last) >> 1
        if t.bytes[t.restlist[middle]] > byte:
            last = middle
        else:
            x = middle + 1
    return np.int64(x)
