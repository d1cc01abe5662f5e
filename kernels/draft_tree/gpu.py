"""States of the nodes of speculation trees: Triton kernel and its launcher."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import triton
import triton.language as tl

from structgen.kernels.automaton.gpu import rounds_of, step


@triton.jit(do_not_specialize=["rounds", "nodes", "depth"])
def _draft_tree(
    first, tokens, after, row, default, table, rows, tables, width, size, rounds, states, drafts, parents, out,
    nodes, depth, N: tl.constexpr,
):  # fmt: skip
    """One program for a tree. In round k the nodes at depth k get their state; deeper ones are right later."""
    b = tl.program_id(0)
    i = tl.arange(0, N)
    there = i < nodes
    token = tl.load(drafts + b * nodes + i, mask=there, other=-1)
    parent = tl.load(parents + b * nodes + i, mask=there, other=-1)
    root = tl.load(states + b)
    here = out + b * (nodes + 1)
    tl.store(here, root)
    tl.store(here + 1 + i, tl.full([N], -1, tl.int32), mask=there)
    there = there & (token >= 0) & (parent < i) & (parent >= -1)
    for _ in range(depth):
        tl.debug_barrier()  # what the last round wrote is read by other threads
        before = tl.load(here + 1 + parent, mask=there, other=-1)
        state = step(first, tokens, after, row, default, table, rows, tables, width, size, rounds, before, token, there)
        tl.debug_barrier()
        tl.store(here + 1 + i, state, mask=there)


def draft_tree(automaton, states, tokens, parents, depth, out):
    """See :func:`structgen.kernels.draft_tree.draft_tree`. Does not wait for the device."""
    if len(states):
        nodes = tokens.shape[1]
        _draft_tree[(len(states),)](
            *automaton.arrays, automaton.rows.shape[1], automaton.size, rounds_of(automaton), states, tokens, parents,
            out, nodes, depth, N=triton.next_power_of_2(max(nodes, 1)), num_warps=1,
        )  # fmt: skip
