"""Nodes: the edges of the network as rows of an array.

See layout.py for the arrays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L


@njit(inline="always")
def add_node(t, m, node, accepting, first, n, left_out, more, own):
    """Give a node its edges, and its rank if all nodes that it calls are ready.

    Args:
        first, n: rows of ``edges`` that are copied.
        left_out: uint8[*], the bits of those that are not; past its end none is left out.
        more: is added to E_REST of those copied, but for those that end the rule.
        own: int32[*, E_COLS]: further edges.

    Where E_SHADOW is SHADOW_NEW, a row for the shadow is added. Room for twice as many edges is the caller's care.
    Returns how many of the nodes called are not ready; where some are not, N_RANK says whether the edges allow a rank.
    """
    edges = m.edges
    begin = m.used[L.M_EDGES]
    end = begin
    for i in range(n):
        if i >> 3 < len(left_out) and (left_out[i >> 3] >> (i & 7)) & 1 == 1:
            continue
        copy_edge(edges, np.int64(first + i), end, more)
        end += 1
    for i in range(own.shape[0]):
        for w in range(L.E_COLS):
            edges[end, w] = own[i, w]
        end += 1
    return finish_node(t, m, np.int64(node), np.int64(accepting), np.int64(begin), np.int64(end))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def copy_edge(edges, source, to, more):
    """Copy a row, with ``more`` added to E_REST unless the rule ends there."""
    for w in range(L.E_COLS):
        edges[to, w] = edges[source, w]
    if edges[to, L.E_TARGET] != L.TARGET_END:
        edges[to, L.E_REST] = min(np.int64(edges[to, L.E_REST]) + more, np.int64(L.FAR))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def finish_node(t, m, node, accepting, begin, end):
    """Make the rows ``begin`` to ``end``, past the used ones, the edges of a node; see :func:`add_node`."""
    edges = m.edges
    size = end - begin
    solid = accepting == 0
    ranked = True
    rank = np.int64(0)
    waiting = np.int64(0)
    for e in range(begin, begin + size):
        edges[e, L.E_NODE] = node
        if edges[e, L.E_Q0] >= 0:
            solid = solid and t.q[edges[e, L.E_Q0], L.Q_ACCEPT] == 0
        else:
            called = edges[e, L.E_CALL]
            if m.nodes[called, L.N_READY] == 0:
                waiting += 1
            ranked = ranked and m.nodes[called, L.N_RANK] > 0
            rank = max(rank, np.int64(m.nodes[called, L.N_RANK]))
        if edges[e, L.E_SHADOW] != L.SHADOW_NONE:
            m.used[L.CAPTURES] = 1
        if edges[e, L.E_SHADOW] == L.SHADOW_NEW:
            edges[e, L.E_SHADOW] = end
            edges[end, L.E_Q0] = -1
            edges[end, L.E_CALL] = -1
            edges[end, L.E_TARGET] = L.TARGET_END
            edges[end, L.E_REST] = 0
            edges[end, L.E_SHADOW] = L.SHADOW_NONE
            edges[end, L.E_NODE] = node
            edges[end, L.E_CONTENT] = edges[e, L.E_CONTENT]
            end += 1
    m.used[L.M_EDGES] = end
    m.nodes[node, L.N_READY] = 1
    m.nodes[node, L.N_ACCEPT] = accepting
    m.nodes[node, L.N_EDGE] = begin
    m.nodes[node, L.N_EDGES] = size
    m.nodes[node, L.N_RANK] = 0
    if solid:
        m.nodes[node, L.N_RANK] = 1 if waiting > 0 else rank + 1 if ranked else 0
    if m.used[L.FOLDS] == 1 and waiting == 0:
        node_bytes(t, m, node)
    return waiting


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def node_bytes(t, m, node):
    """Fill nodebytes of a node; all that it calls are ready. Where an edge may be empty, every byte may come first."""
    first = m.nodes[node, L.N_EDGE]
    for w in range(4):
        m.nodebytes[node, w] = 0
    for e in range(first, first + m.nodes[node, L.N_EDGES]):
        q = m.edges[e, L.E_Q0]
        if q >= 0:
            every = q == L.NOTHING or t.q[q, L.Q_ACCEPT] > 0
        else:
            every = m.nodes[m.edges[e, L.E_CALL], L.N_ACCEPT] == 1
        for w in range(4):
            if every:
                m.nodebytes[node, w] = ~np.uint64(0)
            elif q >= 0:
                m.nodebytes[node, w] |= t.qbytes[q, w]
            else:
                m.nodebytes[node, w] |= m.nodebytes[m.edges[e, L.E_CALL], w]
