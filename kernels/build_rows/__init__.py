"""Mask rows of many states of a byte automaton at once."""

from __future__ import annotations

from typing import Any


def build_rows(
    delta: Any, classes: Any, accept: Any, states: Any, text: Any, start: Any, eos: Any, out: Any = None
) -> Any:
    """The tokens whose bytes the automaton can read from each state: int32[S, ceil(V / 32)].

    Args:
        delta: int32[n, C]: state x class of byte -> state, -1 dead. Every state can reach the end, so that a token
            that can be read may be written.
        classes: uint8[256]: the class of each byte. accept: bool[n].
        states: int32[S]: the states whose rows are wanted.
        text, start: the tokens: uint8[*], int32[V + 1]; token t is ``text[start[t] : start[t + 1]]``; a token without
            bytes is in no row.
        eos: int32[k]: tokens that are in the rows of accepting states.
        out: int32[S, ceil(V / 32)], contiguous; None: a new tensor.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    for name, tensor, dtype, ndim in (
        ("delta", delta, torch.int32, 2), ("classes", classes, torch.uint8, 1), ("accept", accept, torch.bool, 1),
        ("states", states, torch.int32, 1), ("text", text, torch.uint8, 1), ("start", start, torch.int32, 1),
        ("eos", eos, torch.int32, 1),
    ):  # fmt: skip
        gpu_tensors.checked(name, tensor, dtype, ndim, delta)
    shape = (len(states), (len(start) + 30) // 32)
    out = torch.empty(shape, dtype=torch.int32, device=delta.device) if out is None else out
    if gpu_tensors.checked("out", out, torch.int32, 2, delta).shape != shape or not out.is_contiguous():
        raise ValueError(f"out is contiguous, of the shape {shape}")
    if delta.is_cuda:
        from structgen.kernels.build_rows import gpu

        gpu.build_rows(delta, classes, accept, states, text, start, eos, out)
    else:
        from structgen.kernels.build_rows import cpu

        cpu.build_rows(*map(gpu_tensors.array, (delta, classes, accept, states, text, start, eos, out)))
    return out


__all__ = ["build_rows"]
