"""Numba kernels of the machine: configurations, transitions, masks. See layout.py for the arrays.

Every kernel is idempotent: where something is missing (a node not expanded, a row not built, no room in an
arena) it returns ASK, the caller serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine.layout import (
    ASK,
    ASK_ARG,
    ASK_GROW,
    ASK_GROW_T,
    ASK_LOOP,
    ASK_NODE,
    ASK_ROW,
    ASK_TARGET,
    ASK_UNION,
    ASK_WHAT,
    C_FIRST,
    C_LEAST,
    C_N,
    DEAD,
    E_CALL,
    E_Q0,
    E_REST,
    E_TARGET,
    F_EDGE,
    F_PARENT,
    FAR,
    I_CELL,
    I_EDGE,
    I_Q,
    INF,
    IV_HI,
    IV_LO,
    IV_MARK,
    IV_PICK,
    IV_TO,
    K_ACCEPT,
    K_FIRST,
    K_MIN,
    K_N,
    K_ROW,
    K_WORST,
    M_AFTER,
    M_CELLS,
    M_CONFIGS,
    M_FRAMES,
    M_ITEMS,
    M_NEXT,
    M_WORK,
    N_ACCEPT,
    N_EDGE,
    N_EDGES,
    N_READY,
    Q_ACCEPT,
    Q_BASE,
    Q_DENSE,
    Q_DIST,
    Q_INNER,
    Q_ITER,
    Q_IV,
    Q_LEFT,
    Q_MAXD,
    Q_NEED,
    Q_NIV,
    Q_REST,
    Q_ROWQ,
    R_FIRST,
    R_LEAF,
    R_N,
    T_Q,
    T_REST,
    T_RESTLIST,
    T_RESTNEXT,
    T_ROWS,
    T_SPARSE,
    T_SPARSELIST,
    TARGET_END,
    TARGET_UNKNOWN,
)

TICK, EXIT = 1, 2
#: Modes of travel.
ADVANCE, FORCED, WITNESS = 0, 1, 2
#: A closure longer than this is taken for left recursion that the network should not have.
LONG_CLOSURE = 50_000
U1 = np.uint64(1)
M31 = np.int64(0x7FFFFFFF)


@njit(cache=True, nogil=True)
def ask(m, what, arg):
    m.used[ASK_WHAT] = what
    m.used[ASK_ARG] = arg
    return np.int64(ASK)


@njit(cache=True, nogil=True)
def mix(h, x):
    """Take x (int64) into a 31-bit hash h. Products stay under 2**62, so plain Python computes the same."""
    h = (h ^ (x & M31)) * np.int64(0x61C88647)
    h = (h ^ (h >> np.int64(31))) & M31
    h = (h ^ ((x >> np.int64(31)) & M31)) * np.int64(0x45D9F3B1)
    return (h ^ (h >> np.int64(31))) & M31


@njit(cache=True, nogil=True)
def table_get(table, key):
    """Value of ``key`` (0 or more) in an open-addressing table int64[n, 2], or -1."""
    size = table.shape[0]
    i = mix(np.int64(0), key) & (size - 1)
    while True:
        k = table[i, 0]
        if k == key + 1:
            return table[i, 1]
        if k == 0:
            return np.int64(-1)
        i = (i + 1) & (size - 1)


@njit(cache=True, nogil=True)
def table_put(table, key, value):
    """Insert a key that is not in the table."""
    size = table.shape[0]
    i = mix(np.int64(0), key) & (size - 1)
    while table[i, 0] != 0:
        i = (i + 1) & (size - 1)
    table[i, 0] = key + 1
    table[i, 1] = value


@njit(cache=True, nogil=True)
def table_rehash(old, new):
    """Copy every entry of one table into a larger, zeroed one."""
    for i in range(old.shape[0]):
        if old[i, 0] != 0:
            table_put(new, old[i, 0] - 1, old[i, 1])


# ---------------------------------------------------------------- terminal states


@njit(cache=True, nogil=True)
def lookup(t, base, byte):
    """The edge of an uncounted state on a byte: target * 4 + mark, or -1."""
    d = t.q[base, Q_DENSE]
    if d >= 0:
        return t.dense[d, byte]
    i = t.q[base, Q_IV]
    end = i + t.q[base, Q_NIV]
    while i < end:
        if byte <= t.iv[i, IV_HI]:
            if byte >= t.iv[i, IV_LO]:
                return t.iv[i, IV_TO] * 4 + t.iv[i, IV_MARK]
            return -1
        i += 1
    return -1


@njit(cache=True, nogil=True)
def fill_bytes(t, base, n):
    """Fill qbytes, and dense where a state has a row there, of n new uncounted states from their intervals."""
    for s in range(base, base + n):
        for w in range(4):
            t.qbytes[s, w] = 0
        d = t.q[s, Q_DENSE]
        if d >= 0:
            t.dense[d, :] = -1
        for k in range(t.q[s, Q_IV], t.q[s, Q_IV] + t.q[s, Q_NIV]):
            e = t.iv[k, IV_TO] * 4 + t.iv[k, IV_MARK]
            for byte in range(t.iv[k, IV_LO], t.iv[k, IV_HI] + 1):
                t.qbytes[s, byte >> 6] |= U1 << np.uint64(byte & 63)
                if d >= 0:
                    t.dense[d, byte] = e


@njit(cache=True, nogil=True)
def count_hash(base, need, left, size):
    return mix(mix(mix(np.int64(7), np.int64(base)), np.int64(need)), np.int64(left)) & (size - 1)


@njit(cache=True, nogil=True)
def counted_state(t, base, need, left):
    """Intern (base, need, left); -1 where there is no room."""
    if need == 0 and left == INF:
        return base
    size = t.qhash.shape[0]
    i = count_hash(base, need, left, size)
    while t.qhash[i] != 0:
        s = t.qhash[i] - 1
        if t.q[s, Q_BASE] == base and t.q[s, Q_NEED] == need and t.q[s, Q_LEFT] == left:
            return s
        i = (i + 1) & (size - 1)
    s = t.used[T_Q]
    if s >= t.q.shape[0] or 2 * s >= size:
        return -1
    t.used[T_Q] = s + 1
    t.qhash[i] = s + 1
    row = t.q[s]
    row[:] = t.q[base]
    row[Q_BASE] = base
    row[Q_NEED] = need
    row[Q_LEFT] = left
    row[Q_DIST] = min(np.int64(FAR), t.q[base, Q_DIST] + np.int64(need) * t.q[base, Q_ITER])
    row[Q_DENSE] = -1
    row[Q_ROWQ] = -1
    row[Q_INNER] = -1
    row[Q_REST] = -1
    for w in range(4):
        t.qbytes[s, w] = 0
    for k in range(row[Q_IV], row[Q_IV] + row[Q_NIV]):
        mark = t.iv[k, IV_MARK]
        if (mark == TICK and left == 0) or (mark == EXIT and need > 0):
            continue
        for byte in range(t.iv[k, IV_LO], t.iv[k, IV_HI] + 1):
            t.qbytes[s, byte >> 6] |= U1 << np.uint64(byte & 63)
    return s


@njit(cache=True, nogil=True)
def counted_rehash(t, qhash):
    """Fill a larger, zeroed table with every counted state."""
    size = qhash.shape[0]
    for s in range(t.used[T_Q]):
        if t.q[s, Q_BASE] != s:
            i = count_hash(t.q[s, Q_BASE], t.q[s, Q_NEED], t.q[s, Q_LEFT], size)
            while qhash[i] != 0:
                i = (i + 1) & (size - 1)
            qhash[i] = s + 1


@njit(cache=True, nogil=True)
def delta(t, q, byte):
    """Next terminal state; -1: none; -2: no room for it."""
    e = lookup(t, t.q[q, Q_BASE], byte)
    if e < 0:
        return -1
    need = t.q[q, Q_NEED]
    left = t.q[q, Q_LEFT]
    to = e >> 2
    if need == 0 and left == INF:
        return to
    mark = e & 3
    if mark == EXIT:
        return -1 if need > 0 else to
    if mark == TICK:
        if left == 0:
            return -1
        if need > 0:
            need -= 1
        if left != INF:
            left -= 1
    s = counted_state(t, to, need, left)
    return s if s >= 0 else -2


@njit(cache=True, nogil=True)
def row_state(t, q, longest):
    """The state whose row serves q: counts further away than the longest token are all alike. -2: no room."""
    r = t.q[q, Q_ROWQ]
    if r >= 0:
        return r
    need = min(t.q[q, Q_NEED], longest + 1)
    left = t.q[q, Q_LEFT]
    if left > longest:
        left = INF
    r = counted_state(t, t.q[q, Q_BASE], need, left)
    if r < 0:
        return -2
    t.q[q, Q_ROWQ] = r
    return r


@njit(cache=True, nogil=True)
def build_row(t, q, row, ids, stack, found):
    """Walk the vocabulary trie from terminal state q, once: the inner tokens and the remainder root.

    Args:
        row: int32[W] scratch. ids: int32[*] scratch; its length is the largest sparse row.
        stack: int32[longest + 1, 3] scratch. found: int32[trie nodes] scratch.

    Reads three int32 for each trie node visited and one table entry; writes one bit for each token found.
    Returns 0, or -1 - arena where an arena of the terminals is full.
    """
    n_nodes = t.trie.shape[0]
    if t.used[T_ROWS] >= t.rows.shape[0]:
        return -1 - T_ROWS
    if t.used[T_SPARSE] >= t.sparse.shape[0]:
        return -1 - T_SPARSE
    if t.used[T_SPARSELIST] + len(ids) > t.sparselist.shape[0]:
        return -1 - T_SPARSELIST
    if t.used[T_REST] >= t.rest.shape[0]:
        return -1 - T_REST
    if t.used[T_RESTLIST] + n_nodes > t.restlist.shape[0]:
        return -1 - T_RESTLIST
    row[:] = 0
    n_ids = 0
    n_found = 0
    maxd = 0
    stack[0, 0] = t.q[q, Q_BASE]
    stack[0, 1] = t.q[q, Q_NEED]
    stack[0, 2] = t.q[q, Q_LEFT]
    counted = stack[0, 1] != 0 or stack[0, 2] != INF
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        e = lookup(t, stack[depth - 1, 0], t.trie[i, 0])
        if e < 0:
            i = t.trie[i, 1]
            continue
        to = e >> 2
        need = 0
        left = INF
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
                if left != INF:
                    left -= 1
            elif mark == EXIT:
                if need > 0:
                    i = t.trie[i, 1]
                    continue
                left = INF
            stack[depth, 1] = need
            stack[depth, 2] = left
        stack[depth, 0] = to
        a = t.trietok[i]
        b = t.trietok[i + 1]
        if b > a:
            d = np.int64(t.q[to, Q_DIST]) + np.int64(need) * t.q[to, Q_ITER]
            if d > maxd:
                maxd = d
            for j in range(a, b):
                token = t.tokens[j]
                row[token >> 5] |= np.int32(1) << np.int32(token & 31)
                if n_ids < len(ids):
                    ids[n_ids] = token
                n_ids += 1
        if t.q[to, Q_ACCEPT] == 1 and t.trie[i, 1] > i + 1:
            found[n_found] = i
            n_found += 1
        i += 1
    if n_ids <= len(ids):
        s = t.used[T_SPARSE]
        begin = t.used[T_SPARSELIST]
        t.sparse[s, 0] = begin
        t.sparse[s, 1] = n_ids
        t.sparselist[begin : begin + n_ids] = ids[:n_ids]
        t.used[T_SPARSE] = s + 1
        t.used[T_SPARSELIST] = begin + n_ids
        t.q[q, Q_INNER] = -2 - s
    else:
        r = t.used[T_ROWS]
        t.rows[r] = row
        t.used[T_ROWS] = r + 1
        t.q[q, Q_INNER] = r
    t.q[q, Q_MAXD] = min(maxd, np.int64(FAR))
    t.q[q, Q_REST] = -1
    if n_found > 0:
        begin = t.used[T_RESTLIST]
        t.restlist[begin : begin + n_found] = found[:n_found]
        t.q[q, Q_REST] = new_rest(t, begin, n_found)
    return 0


# ---------------------------------------------------------------- remainders


@njit(cache=True, nogil=True)
def new_rest(t, begin, n):
    """A remainder node over restlist[begin : begin + n]; room is the caller's care."""
    r = t.used[T_REST]
    t.used[T_REST] = r + 1
    t.used[T_RESTLIST] = begin + n
    t.rest[r, R_FIRST] = begin
    t.rest[r, R_N] = n
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
    t.rest[r, R_LEAF] = leaf
    return r


@njit(cache=True, nogil=True)
def rest_child(t, r, byte):
    """The remainder node below r on a byte (one of restbytes[r]); -1 - arena where there is no room."""
    key = np.int64(r) * 256 + byte
    child = table_get(t.restnext, key)
    if child >= 0:
        return child
    n = t.rest[r, R_N]
    begin = t.used[T_RESTLIST]
    if begin + n > t.restlist.shape[0]:
        return np.int64(-1 - T_RESTLIST)
    if t.used[T_REST] >= t.rest.shape[0]:
        return np.int64(-1 - T_REST)
    if 2 * t.used[T_RESTNEXT] >= t.restnext.shape[0]:
        return np.int64(-1 - T_RESTNEXT)
    count = 0
    first = t.rest[r, R_FIRST]
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
    child = np.int64(new_rest(t, begin, count))
    table_put(t.restnext, key, child)
    t.used[T_RESTNEXT] += 1
    return child


# ---------------------------------------------------------------- stack cells


@njit(cache=True, nogil=True)
def intern_cell(m, begin, n):
    """Intern the cell whose frames lie at frames[begin : begin + n], past the used ones. -1: no room."""
    h = np.int64(n)
    for k in range(begin, begin + n):
        h = mix(mix(h, np.int64(m.frames[k, F_EDGE])), np.int64(m.frames[k, F_PARENT]))
    size = m.cellhash.shape[0]
    i = h & (size - 1)
    while m.cellhash[i] != 0:
        c = m.cellhash[i] - 1
        if m.cells[c, C_N] == n:
            first = m.cells[c, C_FIRST]
            same = True
            for k in range(n):
                if (
                    m.frames[first + k, F_EDGE] != m.frames[begin + k, F_EDGE]
                    or m.frames[first + k, F_PARENT] != m.frames[begin + k, F_PARENT]
                ):
                    same = False
                    break
            if same:
                return np.int64(c)
        i = (i + 1) & (size - 1)
    c = m.used[M_CELLS]
    if c >= m.cells.shape[0] or 2 * c >= size:
        return np.int64(-1)
    m.used[M_CELLS] = c + 1
    m.used[M_FRAMES] = begin + n
    m.cellhash[i] = c + 1
    m.cells[c, C_FIRST] = begin
    m.cells[c, C_N] = n
    least = np.int64(FAR)
    for k in range(begin, begin + n):
        e = m.frames[k, F_EDGE]
        if e < 0:
            least = np.int64(0)
        else:
            least = min(least, np.int64(m.edges[e, E_REST]) + m.cells[m.frames[k, F_PARENT], C_LEAST])
    m.cells[c, C_LEAST] = least
    return c


@njit(cache=True, nogil=True)
def cell_rehash(m, cellhash):
    size = cellhash.shape[0]
    for c in range(m.used[M_CELLS]):
        n = m.cells[c, C_N]
        begin = m.cells[c, C_FIRST]
        h = np.int64(n)
        for k in range(begin, begin + n):
            h = mix(mix(h, np.int64(m.frames[k, F_EDGE])), np.int64(m.frames[k, F_PARENT]))
        i = h & (size - 1)
        while cellhash[i] != 0:
            i = (i + 1) & (size - 1)
        cellhash[i] = c + 1


@njit(cache=True, nogil=True)
def push_cell(m, edge, parent):
    """The cell of the single frame (edge, parent). -1: no room."""
    begin = m.used[M_FRAMES]
    if begin >= m.frames.shape[0]:
        return np.int64(-1)
    m.frames[begin, F_EDGE] = edge
    m.frames[begin, F_PARENT] = parent
    return intern_cell(m, begin, 1)




# ---------------------------------------------------------------- configurations


@njit(cache=True, nogil=True)
def less(work, i, j):
    if work[i, 0] != work[j, 0]:
        return work[i, 0] < work[j, 0]
    if work[i, 1] != work[j, 1]:
        return work[i, 1] < work[j, 1]
    return work[i, 2] < work[j, 2]


@njit(cache=True, nogil=True)
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
                    work[j - gap, 0] == a
                    and (work[j - gap, 1] > b or (work[j - gap, 1] == b and work[j - gap, 2] > c))
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


@njit(cache=True, nogil=True)
def intern_config(t, m, work, n, accept):
    """Sort, merge and intern work[:n]; returns the configuration or ASK."""
    sort_items(work, n)
    k = 0
    for i in range(n):
        if k > 0 and work[k - 1, 0] == work[i, 0] and work[k - 1, 1] == work[i, 1]:
            if work[k - 1, 2] != work[i, 2]:
                # rare: only ambiguous grammars come here
                pair = np.int64(work[k - 1, 2]) * 4294967296 + work[i, 2]
                cell = table_get(m.unions, pair)
                if cell < 0:
                    return ask(m, ASK_UNION, pair)
                work[k - 1, 2] = cell
        else:
            work[k, 0] = work[i, 0]
            work[k, 1] = work[i, 1]
            work[k, 2] = work[i, 2]
            k += 1
    n = k
    h = np.int64(n * 2 + accept)
    for i in range(n):
        h = mix(mix(mix(h, np.int64(work[i, 0])), np.int64(work[i, 1])), np.int64(work[i, 2]))
    size = m.confighash.shape[0]
    slot = h & (size - 1)
    while m.confighash[slot] != 0:
        c = m.confighash[slot] - 1
        if m.configs[c, K_N] == n and m.configs[c, K_ACCEPT] == accept:
            first = m.configs[c, K_FIRST]
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
    c = m.used[M_CONFIGS]
    if c >= m.configs.shape[0] or 2 * c >= size:
        return ask(m, ASK_GROW, M_CONFIGS)
    first = m.used[M_ITEMS]
    if first + n > m.items.shape[0]:
        return ask(m, ASK_GROW, M_ITEMS)
    m.used[M_CONFIGS] = c + 1
    m.used[M_ITEMS] = first + n
    m.confighash[slot] = c + 1
    m.configs[c, K_FIRST] = first
    m.configs[c, K_N] = n
    m.configs[c, K_ACCEPT] = accept
    m.configs[c, K_ROW] = -1
    m.configs[c, K_WORST] = -1
    for w in range(4):
        m.configbytes[c, w] = 0
    least = np.int64(0) if accept else np.int64(FAR)
    for i in range(n):
        q = work[i, 0]
        m.items[first + i, 0] = q
        m.items[first + i, 1] = work[i, 1]
        m.items[first + i, 2] = work[i, 2]
        for w in range(4):
            m.configbytes[c, w] |= t.qbytes[q, w]
        d = np.int64(t.q[q, Q_DIST]) + m.edges[work[i, 1], E_REST] + m.cells[work[i, 2], C_LEAST]
        least = min(least, d)
    m.configs[c, K_MIN] = least
    return c


@njit(cache=True, nogil=True)
def config_rehash(m, confighash):
    size = confighash.shape[0]
    for c in range(m.used[M_CONFIGS]):
        n = m.configs[c, K_N]
        first = m.configs[c, K_FIRST]
        h = np.int64(n * 2 + m.configs[c, K_ACCEPT])
        for i in range(first, first + n):
            h = mix(
                mix(mix(h, np.int64(m.items[i, 0])), np.int64(m.items[i, 1])), np.int64(m.items[i, 2])
            )
        slot = h & (size - 1)
        while confighash[slot] != 0:
            slot = (slot + 1) & (size - 1)
        confighash[slot] = c + 1


@njit(cache=True, nogil=True)
def closure(t, m, x, cell):
    """The configuration at node x (x >= 0), or after edge ~x has ended (x < 0), above a stack cell.

    Returns the configuration or ASK. A work list of (x, cell) pairs; ``seen`` keeps each from being done twice.
    """
    pending = m.work2
    cap = pending.shape[0]
    # items grow from the front of work2 (column 0..2); the work list lives in seen
    seen = m.seen
    seen_cap = seen.shape[0]
    n = 0
    accept = 0
    todo = 0
    total = 1
    seen[0] = (np.int64(x) + 1073741824) * 4294967296 + cell
    while todo < total:
        code = seen[todo]
        todo += 1
        node = code // 4294967296 - 1073741824
        c = code % 4294967296
        pop = False
        if node < 0:
            target = m.edges[~node, E_TARGET]
            if target == TARGET_UNKNOWN:
                return ask(m, ASK_TARGET, ~node)
            if target == TARGET_END:
                pop = True
            else:
                node = np.int64(target)
        if node >= 0:
            if m.nodes[node, N_READY] == 0:
                return ask(m, ASK_NODE, node)
            if m.nodes[node, N_ACCEPT] == 1:
                pop = True
            first = m.nodes[node, N_EDGE]
            for e in range(first, first + m.nodes[node, N_EDGES]):
                q0 = m.edges[e, E_Q0]
                follow = np.int64(-1)
                where = np.int64(c)
                if q0 >= 0:
                    if t.q[q0, Q_NIV] > 0:
                        if n >= cap:
                            return ask(m, ASK_GROW, M_WORK)
                        pending[n, 0] = q0
                        pending[n, 1] = e
                        pending[n, 2] = c
                        n += 1
                    if t.q[q0, Q_ACCEPT] == 0:
                        continue
                    follow = np.int64(~e)
                else:
                    follow = np.int64(m.edges[e, E_CALL])
                    if m.edges[e, E_TARGET] != TARGET_END:
                        where = push_cell(m, e, c)
                        if where < 0:
                            return ask(m, ASK_GROW, M_CELLS)
                entry = (follow + 1073741824) * 4294967296 + where
                new = True
                for k in range(total):
                    if seen[k] == entry:
                        new = False
                        break
                if new:
                    if total >= seen_cap:
                        if total >= LONG_CLOSURE:
                            return ask(m, ASK_LOOP, node)
                        return ask(m, ASK_GROW, M_WORK)
                    seen[total] = entry
                    total += 1
        if pop:
            f = m.cells[c, C_FIRST]
            for k in range(f, f + m.cells[c, C_N]):
                e2 = m.frames[k, F_EDGE]
                if e2 < 0:
                    accept = 1
                    continue
                entry = (np.int64(~e2) + 1073741824) * 4294967296 + m.frames[k, F_PARENT]
                new = True
                for j in range(total):
                    if seen[j] == entry:
                        new = False
                        break
                if new:
                    if total >= seen_cap:
                        return ask(m, ASK_GROW, M_WORK)
                    seen[total] = entry
                    total += 1
    return intern_config(t, m, pending, n, accept)


@njit(cache=True, nogil=True)
def after(t, m, edge, cell):
    """The configuration after ``edge`` has ended above ``cell``, memoised; or ASK."""
    key = np.int64(edge) * 4294967296 + cell
    c = table_get(m.after, key)
    if c >= 0:
        return c
    if 2 * m.used[M_AFTER] >= m.after.shape[0]:
        return ask(m, ASK_GROW, M_AFTER)
    c = closure(t, m, np.int64(~edge), np.int64(cell))
    if c >= 0:
        table_put(m.after, key, c)
        m.used[M_AFTER] += 1
    return c


@njit(cache=True, nogil=True)
def allows(m, c, byte):
    return (m.configbytes[c, byte >> 6] >> np.uint64(byte & 63)) & U1 == U1


@njit(cache=True, nogil=True)
def step(t, m, c, byte):
    """The configuration after one byte, DEAD, or ASK."""
    if not allows(m, c, byte):
        return np.int64(DEAD)
    key = np.int64(c) * 256 + byte
    r = table_get(m.next, key)
    if r >= 0:
        return r
    if 2 * m.used[M_NEXT] >= m.next.shape[0]:
        return ask(m, ASK_GROW, M_NEXT)
    work = m.work
    cap = work.shape[0]
    n = 0
    accept = 0
    first = m.configs[c, K_FIRST]
    for i in range(first, first + m.configs[c, K_N]):
        q = delta(t, m.items[i, I_Q], byte)
        if q == -1:
            continue
        if q == -2:
            return ask(m, ASK_GROW_T, T_Q)
        e = m.items[i, I_EDGE]
        cell = m.items[i, I_CELL]
        if t.q[q, Q_NIV] > 0:
            if n >= cap:
                return ask(m, ASK_GROW, M_WORK)
            work[n, 0] = q
            work[n, 1] = e
            work[n, 2] = cell
            n += 1
        if t.q[q, Q_ACCEPT] == 1:
            a = after(t, m, e, cell)
            if a < 0:
                return np.int64(a)
            if m.configs[a, K_ACCEPT] == 1:
                accept = 1
            begin = m.configs[a, K_FIRST]
            size = m.configs[a, K_N]
            if n + size > cap:
                return ask(m, ASK_GROW, M_WORK)
            for k in range(begin, begin + size):
                work[n, 0] = m.items[k, 0]
                work[n, 1] = m.items[k, 1]
                work[n, 2] = m.items[k, 2]
                n += 1
    r = intern_config(t, m, work, n, accept)
    if r >= 0:
        table_put(m.next, key, r)
        m.used[M_NEXT] += 1
    return np.int64(r)


# ---------------------------------------------------------------- masks


@njit(cache=True, nogil=True)
def set_bit(row, token):
    row[token >> 5] |= np.int32(1) << np.int32(token & 31)


@njit(cache=True, nogil=True)
def mask(t, m, c, longest, out, stack):
    """The exact mask of configuration c into out: int32[W]. Returns 0 or ASK.

    For each item: OR the inner row of its terminal state, then walk the remainder trie of the state together
    with the configurations after the terminal, entering only bytes that both have.
    ``stack``: int64[*, 2] scratch. configs[c, K_WORST] gets a bound on K_MIN after any allowed token.
    """
    out[:] = 0
    worst = np.int64(0)
    first = m.configs[c, K_FIRST]
    for i in range(first, first + m.configs[c, K_N]):
        q = m.items[i, I_Q]
        e = m.items[i, I_EDGE]
        cell = m.items[i, I_CELL]
        s = row_state(t, q, longest)
        if s < 0:
            return ask(m, ASK_GROW_T, T_Q)
        inner = t.q[s, Q_INNER]
        if inner == -1:
            return ask(m, ASK_ROW, s)
        if inner >= 0:
            for w in range(out.shape[0]):
                out[w] |= t.rows[inner, w]
        else:
            a = t.sparse[-2 - inner, 0]
            for k in range(a, a + t.sparse[-2 - inner, 1]):
                set_bit(out, t.sparselist[k])
        rest = np.int64(m.edges[e, E_REST]) + m.cells[cell, C_LEAST]
        worst = max(worst, rest + t.q[s, Q_MAXD] + t.q[q, Q_DIST] - t.q[s, Q_DIST])
        if t.q[s, Q_REST] < 0:
            continue
        a = after(t, m, e, cell)
        if a < 0:
            return a
        top = 1
        stack[0, 0] = t.q[s, Q_REST]
        stack[0, 1] = a
        while top > 0:
            top -= 1
            r = stack[top, 0]
            k = stack[top, 1]
            for w in range(4):
                bits = t.restbytes[r, w] & m.configbytes[k, w]
                while bits != 0:
                    low = bits & (~bits + U1)
                    bits ^= low
                    byte = np.int64(w * 64)
                    while low > U1:
                        if low & np.uint64(0xFFFF) == 0:
                            low >>= np.uint64(16)
                            byte += 16
                        else:
                            low >>= U1
                            byte += 1
                    child = rest_child(t, r, byte)
                    if child < 0:
                        return ask(m, ASK_GROW_T, -1 - child)
                    k2 = step(t, m, k, byte)
                    if k2 == ASK:
                        return ASK
                    begin = t.rest[child, R_FIRST]
                    ends = False
                    for x in range(begin, begin + t.rest[child, R_N]):
                        node = t.restlist[x]
                        for j in range(t.trietok[node], t.trietok[node + 1]):
                            set_bit(out, t.tokens[j])
                            ends = True
                    if ends:
                        worst = max(worst, np.int64(m.configs[k2, K_MIN]))
                    if t.rest[child, R_LEAF] == 0:
                        if top >= stack.shape[0]:
                            return ask(m, ASK_GROW, M_WORK)
                        stack[top, 0] = child
                        stack[top, 1] = k2
                        top += 1
    if m.configs[c, K_ACCEPT] == 1:
        for j in range(t.eos.shape[0]):
            set_bit(out, t.eos[j])
    m.configs[c, K_WORST] = min(worst, np.int64(FAR))
    return 0


@njit(cache=True, nogil=True)
def next_states(t, m, c, states, stack):
    """The configuration after every token: int32[V], -1 where not allowed. Walks the whole trie.

    ``stack``: int64[*, 2] scratch. Returns 0 or ASK; on ASK call again from the start.
    """
    states[:] = -1
    stack[0, 0] = c
    n_nodes = t.trie.shape[0]
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        r = step(t, m, stack[depth - 1, 0], np.int64(t.trie[i, 0]))
        if r == ASK:
            return ASK
        if r < 0:
            i = t.trie[i, 1]
            continue
        stack[depth, 0] = r
        for j in range(t.trietok[i], t.trietok[i + 1]):
            states[t.tokens[j]] = r
        i += 1
    return 0


@njit(cache=True, nogil=True)
def only_byte(m, c):
    """The byte that alone may follow; -1 where the text may end or go two ways."""
    if m.configs[c, K_ACCEPT] == 1:
        return np.int64(-1)
    byte = np.int64(-1)
    for w in range(4):
        bits = m.configbytes[c, w]
        if bits != 0:
            if byte >= 0 or bits & (bits - U1) != 0:
                return np.int64(-1)
            byte = np.int64(w * 64)
            while bits > U1:
                bits >>= U1
                byte += 1
    return byte


@njit(cache=True, nogil=True)
def witness_byte(t, m, c):
    """The byte that begins the witness; -1 where the text may end, -2: no room.

    Of the bytes that begin a shortest completion the least, those that are tokens by themselves before others.

    It depends on the language of the configuration alone, so the witness after a prefix of the witness is
    the rest of it.
    """
    least = np.int64(m.configs[c, K_MIN])
    if least == 0:
        return np.int64(-1)
    best = np.int64(1024)
    first = m.configs[c, K_FIRST]
    for i in range(first, first + m.configs[c, K_N]):
        q = m.items[i, I_Q]
        d = np.int64(t.q[q, Q_DIST])
        rest = np.int64(m.edges[m.items[i, I_EDGE], E_REST]) + m.cells[m.items[i, I_CELL], C_LEAST]
        if d == 0 or d + rest != least:
            continue
        base = t.q[q, Q_BASE]
        for k in range(t.q[base, Q_IV], t.q[base, Q_IV] + t.q[base, Q_NIV]):
            byte = np.int64(t.iv[k, IV_PICK])
            if byte >= best:
                continue
            r = delta(t, q, byte & 255)
            if r == -2:
                return np.int64(-2)
            if r >= 0 and t.q[r, Q_DIST] == d - 1:
                best = byte
    return best & 255


@njit(cache=True, nogil=True)
def travel(t, m, mode, c, data, result):
    """Follow bytes from configuration c.

    Args:
        mode: ADVANCE: feed data (uint8[*]). FORCED: follow the bytes that can only come, WITNESS: follow a
            shortest completion; both write what they follow into data, until it is full or there is no more.
        result: int64[2], gets the configuration reached and the number of bytes.

    Returns the configuration reached, DEAD (ADVANCE only), or ASK.
    """
    c = np.int64(c)
    n = 0
    r = c
    while n < len(data):
        if mode == ADVANCE:
            byte = np.int64(data[n])
        elif mode == FORCED:
            byte = only_byte(m, c)
        else:
            byte = witness_byte(t, m, c)
            if byte == -2:
                r = ask(m, ASK_GROW_T, T_Q)
                break
        if byte < 0:
            break
        r = step(t, m, c, byte)
        if r < 0:
            break
        if mode != ADVANCE:
            data[n] = byte
        c = r
        n += 1
    result[0] = c
    result[1] = n
    return r
