"""States and mask rows of all nodes of speculation trees, under a finite automaton on the device."""

from __future__ import annotations

from typing import Any

from structgen.kernels.automaton import Automaton, fill_rows


def draft_tree(automaton: Automaton, states: Any, tokens: Any, parents: Any, depth: int | None = None) -> Any:
    """The state at the root and after each node: int32[B, N + 1]; DEAD below a token that is not allowed.

    Args:
        automaton: of tensors. states: int32[B], those before the drafts.
        tokens: int32[B, N], contiguous: the token of each node; -1: no node.
        parents: int32[B, N], contiguous: the node that each follows, of a smaller number; -1: the root; anything else
            makes the node dead.
        depth: no less than the nodes on the longest way; None: N.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("states", states, torch.int32, 1, automaton.first)
    for name, tensor in (("tokens", tokens), ("parents", parents)):
        gpu_tensors.checked(name, tensor, torch.int32, 2, states)
        if tensor.shape != (len(states), tokens.shape[1]) or not tensor.is_contiguous():
            raise ValueError(f"{name} is contiguous, a row for each sequence")
    out = torch.empty((len(states), tokens.shape[1] + 1), dtype=torch.int32, device=states.device)
    if states.is_cuda:
        from structgen.kernels.draft_tree import gpu

        gpu.draft_tree(automaton, states, tokens, parents, tokens.shape[1] if depth is None else depth, out)
    else:
        from structgen.kernels.draft_tree import cpu

        array = gpu_tensors.array
        cpu.draft_tree(*map(array, automaton.arrays), array(states), array(tokens), array(parents), array(out))
    return out


def draft_rows(automaton: Automaton, node_states: Any) -> Any:
    """Where the mask row of each node lies in ``automaton.rows``: int32[B, N + 1]; see ``automaton.fill_rows``."""
    return fill_rows(automaton, node_states.reshape(-1)).reshape(node_states.shape)


__all__ = ["draft_rows", "draft_tree"]
