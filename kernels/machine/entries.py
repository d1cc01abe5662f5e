"""The kernels of bundles as Python calls them: by the handles of their arrays."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.machine import (
    closures,
    configs,
    large,
    masks,
    members,
    nodes,
    rows,
    sharing,
    stacks,
    states,
    words,
)
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


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def intern_cell(m, begin, n):
    """See stacks.intern_cell."""
    return stacks.intern_cell(machine_of(m), begin, n)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def cell_rehash(m, cellhash):
    """See stacks.cell_rehash."""
    stacks.cell_rehash(machine_of(m), cellhash)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def config_rehash(m, confighash):
    """See configs.config_rehash."""
    configs.config_rehash(machine_of(m), confighash)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def enter(t, s):
    """See large.enter."""
    return large.enter(terminals_of(t), s)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def load(t, q):
    """See large.load."""
    return large.load(terminals_of(t), q)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_state(t, base, need, left):
    """See states.counted_state."""
    return states.counted_state(terminals_of(t), base, need, left)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_rehash(t, qhash):
    """See states.counted_rehash."""
    states.counted_rehash(terminals_of(t), qhash)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def share_rehash(t, statehash):
    """See sharing.share_rehash."""
    sharing.share_rehash(terminals_of(t), statehash)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def delta(t, q, byte):
    """See states.delta."""
    return states.delta(terminals_of(t), q, byte)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def row_state(t, q, longest):
    """See states.row_state."""
    return states.row_state(terminals_of(t), q, longest)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def count_ticks(t, base, ticks, found_ticks, result):
    """See rows.count_ticks."""
    rows.count_ticks(terminals_of(t), base, ticks, found_ticks, result)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_row(t, q, of_groups, leaving, first, farthest):
    """See rows.counted_row."""
    rows.counted_row(terminals_of(t), q, of_groups, leaving, first, farthest)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_rest(t, groups, first, need, left):
    """See rows.counted_rest."""
    return rows.counted_rest(terminals_of(t), groups, first, need, left)
