"""States of the nodes of speculation trees: Numba kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit

from structgen.kernels.automaton.cpu import step


@njit(cache=True, nogil=True)
def draft_tree(first, tokens, after, row, default, table, rows, tables, states, drafts, parents, out):
    """See :func:`structgen.kernels.draft_tree.draft_tree`."""
    for b in range(len(states)):
        out[b, 0] = states[b]
        for i in range(drafts.shape[1]):
            out[b, i + 1] = -1
            if drafts[b, i] >= 0 and -1 <= parents[b, i] < i:
                before = out[b, parents[b, i] + 1]
                out[b, i + 1] = step(first, tokens, after, row, default, table, rows, tables, before, drafts[b, i])
