"""Terminal states are shared by what may follow them: two states with equal futures become one, across automata.

So the tail of a free string, or `" : ` after a property name, is one state however many terminals contain it, and its
mask row is built once for a vocabulary. Strongly connected components are taken in reverse topological order
(Tarjan 1972); a component is looked up by a hash of its breadth-first form, whose outer targets are shared ids
already, and a hit is verified state by state. See layout.py for the arrays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.states import fill_bytes
from structgen.kernels.machine.tables import mix

#: States of components up to this size can all be met as entries; of larger ones only the first visited.
SMALL_COMPONENT = 32


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def component_hash(v, first, lo, hi, to, mark, accept, mapping, local, queue):
    """Hash of the component of v, numbered breadth first from v. ``local`` is -1 everywhere, before and after."""
    n = 1
    queue[0] = v
    local[v] = 0
    h = np.int64(1)
    i = 0
    while i < n:
        u = queue[i]
        i += 1
        h = mix(mix(h, np.int64(first[u + 1] - first[u])), np.int64(accept[u]))
        for k in range(first[u], first[u + 1]):
            w = to[k]
            h = mix(h, np.int64(lo[k]) * 1024 + np.int64(hi[k]) * 4 + mark[k])
            if mapping[w] >= 0:
                h = mix(h, np.int64(mapping[w]) * 2)
            else:
                if local[w] < 0:
                    local[w] = n
                    queue[n] = w
                    n += 1
                h = mix(h, np.int64(local[w]) * 2 + 1)
    for j in range(n):
        local[queue[j]] = -1
    return (h & np.int64(0x3FFFFFFF)) + 1, n


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def same_future(t, v, q, first, lo, hi, to, mark, accept, iters, mapping, local, queue):
    """Does v's component match the shared state q? If so the component is mapped."""
    n = 1
    queue[0] = v
    local[v] = q
    same = True
    i = 0
    while i < n and same:
        u = queue[i]
        i += 1
        x = local[u]
        iv = t.q[x, L.Q_IV]
        degree = first[u + 1] - first[u]
        if t.q[x, L.Q_ACCEPT] != accept[u] or t.q[x, L.Q_NIV] != degree or t.q[x, L.Q_ITER] != iters[u] or iv < 0:
            same = False
            break
        for k in range(degree):
            e = first[u] + k
            if t.iv[iv + k, L.IV_LO] != lo[e] or t.iv[iv + k, L.IV_HI] != hi[e] or t.iv[iv + k, L.IV_MARK] != mark[e]:
                same = False
                break
            w = to[e]
            target = t.iv[iv + k, L.IV_TO]
            if mapping[w] >= 0:
                if mapping[w] != target:
                    same = False
                    break
            elif local[w] < 0:
                local[w] = target
                queue[n] = w
                n += 1
            elif local[w] != target:
                same = False
                break
    for j in range(n):
        w = queue[j]
        if same:
            mapping[w] = local[w]
        local[w] = -1
    return same


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def put_state(statehash, q, h):
    size = statehash.shape[0]
    i = h & (size - 1)
    while statehash[i] != 0:
        i = (i + 1) & (size - 1)
    statehash[i] = q + 1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def share_rehash(t, statehash):
    """Fill a larger, zeroed table with every state that can be met."""
    for q in range(t.used[L.T_Q]):
        if t.q[q, L.Q_HASH] != 0:
            put_state(statehash, q, np.int64(t.q[q, L.Q_HASH]))


@njit(inline="always")
def share(t, first, lo, hi, to, mark, pick, accept, dist, iters, dense_from, mapping):
    """Map the states of an automaton to shared ones, adding those that are new.

    Args:
        first, lo, hi, to, mark: the automaton as ByteDfa has it; every state reachable from state 0.
        accept: int32[n], as Q_ACCEPT.
        pick: int32[m], the byte of each interval that a witness takes.
        dist, iters: int32[n], least bytes to the end and of one iteration (0 after the exit, or uncounted).
        dense_from: states with that many intervals or more get a dense row.
        mapping: int32[n], -1, or for states without edges here the shared state that they stand for; gets the
            shared state of each state.

    Room for n states, their intervals and dense rows is the caller's care.
    """
    n = len(accept)
    index = np.zeros(n, dtype=np.int32)
    low = np.zeros(n, dtype=np.int32)
    stack = np.empty(n, dtype=np.int32)
    calls = np.empty(n, dtype=np.int32)
    ptr = first[:n].copy()
    local = np.full(n, -1, dtype=np.int32)
    queue = np.empty(n, dtype=np.int32)
    counter = 1
    top = 1
    depth = 1
    index[0] = 1
    low[0] = 1
    stack[0] = 0
    calls[0] = 0
    while depth > 0:
        v = calls[depth - 1]
        if ptr[v] < first[v + 1]:
            w = to[ptr[v]]
            ptr[v] += 1
            if mapping[w] >= 0:
                continue
            if index[w] == 0:
                counter += 1
                index[w] = counter
                low[w] = counter
                stack[top] = w
                top += 1
                calls[depth] = w
                depth += 1
            else:
                low[v] = min(low[v], index[w])
            continue
        depth -= 1
        if depth > 0:
            low[calls[depth - 1]] = min(low[calls[depth - 1]], low[v])
        if low[v] != index[v]:
            continue
        # the component of v lies on the stack from v up
        begin = top - 1
        while stack[begin] != v:
            begin -= 1
        size = top - begin
        top = begin
        h, _ = component_hash(v, first, lo, hi, to, mark, accept, mapping, local, queue)
        slots = t.statehash.shape[0]
        slot = h & (slots - 1)
        found = False
        while t.statehash[slot] != 0:
            q = t.statehash[slot] - 1
            if t.q[q, L.Q_HASH] == h and same_future(
                t, v, q, first, lo, hi, to, mark, accept, iters, mapping, local, queue
            ):
                found = True
                break
            slot = (slot + 1) & (slots - 1)
        if found:
            continue
        base = t.used[L.T_Q]
        # hashes first: they see the members unmapped
        for j in range(size):
            u = stack[begin + j]
            if u == v:
                queue_hash = h
            elif size <= SMALL_COMPONENT:
                queue_hash, _ = component_hash(u, first, lo, hi, to, mark, accept, mapping, local, queue)
            else:
                queue_hash = np.int64(0)
            t.q[base + j, L.Q_HASH] = queue_hash
        for j in range(size):
            mapping[stack[begin + j]] = base + j
        for j in range(size):
            u = stack[begin + j]
            row = t.q[base + j]
            iv = t.used[L.T_IV]
            degree = first[u + 1] - first[u]
            row[L.Q_IV] = iv
            row[L.Q_NIV] = degree
            row[L.Q_ACCEPT] = accept[u]
            row[L.Q_DIST] = dist[u]
            row[L.Q_DENSE] = -1
            if degree >= dense_from:
                row[L.Q_DENSE] = t.used[L.T_DENSE]
                t.used[L.T_DENSE] += 1
            row[L.Q_BASE] = base + j
            row[L.Q_NEED] = 0
            row[L.Q_LEFT] = L.INF
            row[L.Q_ITER] = iters[u]
            row[L.Q_ROWQ] = base + j
            row[L.Q_INNER] = -1
            row[L.Q_REST] = -1
            row[L.Q_MAXD] = 0
            for k in range(degree):
                e = first[u] + k
                t.iv[iv + k, L.IV_LO] = lo[e]
                t.iv[iv + k, L.IV_HI] = hi[e]
                t.iv[iv + k, L.IV_TO] = mapping[to[e]]
                t.iv[iv + k, L.IV_MARK] = mark[e]
                t.iv[iv + k, L.IV_PICK] = pick[e]
            t.used[L.T_IV] = iv + degree
            if row[L.Q_HASH] != 0:
                put_state(t.statehash, base + j, np.int64(row[L.Q_HASH]))
        t.used[L.T_Q] = base + size
        fill_bytes(t, base, size)
    return 0
