"""Lossless accept and reject of drafted tokens, in chains and trees. See README.md for the rule."""

from __future__ import annotations

from typing import Any, NamedTuple


class Accepted(NamedTuple):
    """What :func:`accept` returns.

    Attributes:
        counts: int32[B]: how many nodes were accepted.
        nodes: int32[B, N]: the accepted nodes from the root down, -1 behind them.
        tokens: int32[B, N + 1]: their tokens, then the one drawn at the end, -1 behind it. The last one is -1 where the
            target gives no token a chance there.
    """

    counts: Any
    nodes: Any
    tokens: Any


def accept(
    logits: Any,
    tokens: Any,
    parents: Any,
    uniforms: Any,
    *,
    draft: Any = None,
    rows: Any = None,
    indices: Any = None,
    temperature: Any = 1.0,
    cuts: Any = None,
) -> Accepted:
    """Walk down each tree of drafts: accept a node or reject it, and draw one more token at the end.

    The tokens that come out have the law of the target, whatever the drafts.

    Args:
        logits: float [B, N + 1, C], contiguous: the target's, at the root and after each node.
        tokens, parents: int32[B, N], contiguous: the tree, as ``draft_tree`` takes it; siblings are tried in the order
            of their numbers; token -1: no node.
        uniforms: float32[B, N + 1], from 0 to under 1: one for the test of each node, and the last for the draw.
        draft: float [B, N, C], contiguous: logits of the law that the token of each node was drawn from, with mask and
            temperature applied (siblings drawn without repeats: with the earlier ones at minus infinity). None: drafts
            that are certain.
        rows, indices: packed mask rows, and int32[B, N + 1] that says which of them holds at the root and after each
            node; -1: none. Both None: no masks.
        temperature: of the target, a number or float32[B]; 0 takes the likeliest token.
        cuts: float32[B, N + 1]: the least logit that truncation keeps at each place (``Sampled.cuts``); None: all.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("logits", logits, gpu_tensors.FLOATS, 3)
    batch, nodes = len(logits), logits.shape[1] - 1
    if not isinstance(temperature, torch.Tensor):
        temperature = torch.full((batch,), temperature, dtype=torch.float32, device=logits.device)
    shapes: list[tuple[str, Any, Any, tuple[int, ...]]] = [
        ("logits", logits, gpu_tensors.FLOATS, tuple(logits.shape)),
        ("tokens", tokens, torch.int32, (batch, nodes)),
        ("parents", parents, torch.int32, (batch, nodes)),
        ("uniforms", uniforms, torch.float32, (batch, nodes + 1)),
        ("temperature", temperature, torch.float32, (batch,)),
    ]
    if draft is not None:
        shapes.append(("draft", draft, gpu_tensors.FLOATS, (batch, nodes, logits.shape[2])))
    if rows is not None:
        shapes.append(("indices", indices, torch.int32, (batch, nodes + 1)))
        gpu_tensors.checked("rows", rows, torch.int32, 2, logits)
    if cuts is not None:
        shapes.append(("cuts", cuts, torch.float32, (batch, nodes + 1)))
    for name, tensor, dtype, shape in shapes:
        if gpu_tensors.checked(name, tensor, dtype, len(shape), logits).shape != shape or not tensor.is_contiguous():
            raise ValueError(f"{name} is contiguous, of the shape {shape}")
    out = Accepted(
        torch.empty(batch, dtype=torch.int32, device=logits.device),
        torch.empty((batch, nodes), dtype=torch.int32, device=logits.device),
        torch.empty((batch, nodes + 1), dtype=torch.int32, device=logits.device),
    )
    if cuts is None:
        cuts = torch.full((batch, nodes + 1), float("-inf"), dtype=torch.float32, device=logits.device)
    if logits.is_cuda:
        from structgen.kernels.accept import gpu

        gpu.accept(logits, tokens, parents, uniforms, draft, rows, indices, temperature, cuts, out)
    else:
        from structgen.kernels.accept import cpu

        array, floats = gpu_tensors.array, gpu_tensors.floats
        if rows is None:
            rows = torch.empty((0, 0), dtype=torch.int32)
            indices = torch.full((batch, nodes + 1), -1, dtype=torch.int32)
        sure = draft is None
        draft = torch.empty((0, 0, 0), dtype=torch.float32) if draft is None else draft
        cpu.accept(
            floats(logits), array(tokens), array(parents), array(uniforms), floats(draft), sure, array(rows),
            array(indices), array(temperature), array(cuts), *map(array, out),
        )  # fmt: skip
    return out


__all__ = ["Accepted", "accept"]
