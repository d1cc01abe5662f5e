"""The kernels that are called at every new state, as Python calls them: by the handles of their arrays."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.machine import closures, masks, members, nodes, rows, sharing, words
from structgen.kernels.machine.handles import machine_of, terminals_of


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def closure(t, m, x, cell, ban, fresh):
    """See closures.closure."""
    return closures.closure(terminals_of(t), machine_of(m), x, cell, ban, fresh)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def travel(t, m, mode, c, data, result):
    """See masks.travel."""
    return masks.travel(terminals_of(t), machine_of(m), mode, c, data, result)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def mask(t, m, c, longest, out):
    """See masks.mask."""
    return masks.mask(terminals_of(t), machine_of(m), c, longest, out)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def next_states(t, m, c, blank, states, stack):
    """See masks.next_states."""
    return masks.next_states(terminals_of(t), machine_of(m), c, blank, states, stack)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def add_node(t, m, node, accepting, first, n, left_out, more, own):
    """See nodes.add_node."""
    return nodes.add_node(terminals_of(t), machine_of(m), node, accepting, first, n, left_out, more, own)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def member(t, m, record, filled, place, slot):
    """See members.member_of."""
    return members.member_of(terminals_of(t), machine_of(m), record, filled, place, slot)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def node_bytes(t, m, node):
    """See nodes.node_bytes."""
    nodes.node_bytes(terminals_of(t), machine_of(m), node)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def make_row(t, q):
    """See rows.make_row."""
    return rows.make_row(terminals_of(t), q)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def add_word(t, word, q, following, dense_from):
    """See words.add_word."""
    return words.add_word(terminals_of(t), word, q, following, dense_from)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def drop_word(t, q, word, following, dense_from, path):
    """See words.drop_word."""
    return words.drop_word(terminals_of(t), q, word, following, dense_from, path)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def share(t, first, lo, hi, to, mark, pick, accept, dist, iters, dense_from, mapping):
    """See sharing.share."""
    return sharing.share(
        terminals_of(t), first, lo, hi, to, mark, pick, accept, dist, iters, dense_from, mapping
    )
