"""Mask, temperature, top-k, top-p, min-p and the draw of a token, fused. See README.md for the exact law."""

from __future__ import annotations

from typing import Any, NamedTuple

#: Tokens that share a stage of the draw; part of what determines a token from a seed.
TILE = 4096


class Sampled(NamedTuple):
    """What :func:`sample` returns, one number for each sequence.

    Attributes:
        tokens: int32[B]; -1 where no allowed token has a finite logit, or an allowed one is NaN or infinite.
        logprobs: float32[B]: log-probability of the token in the law that it was drawn from.
        logmass: float32[B]: log of the sum of the probabilities, at the temperature and before any mask or
            truncation, of the allowed tokens. NaN where it was not asked for.
        cuts: float32[B]: the least logit that truncation keeps, minus infinity without truncation.
    """

    tokens: Any
    logprobs: Any
    logmass: Any
    cuts: Any


def sample(
    logits: Any,
    seeds: Any,
    steps: Any,
    *,
    rows: Any = None,
    indices: Any = None,
    temperature: Any = 1.0,
    top_k: Any = None,
    top_p: Any = None,
    min_p: Any = None,
    mass: bool = True,
    tile: int = TILE,
) -> Sampled:
    """Draw a token for each sequence.

    Args:
        logits: float32, float16 or bfloat16 [B, C], rows of any stride.
        seeds: int64[B]; steps: int32[B]. Equal (seed, step, logits, mask) give equal tokens.
        rows, indices: packed mask rows and which of them each sequence has; see ``kernels.apply_mask``. None: no mask.
        temperature: a number or float32[B]; 0 takes the likeliest token (the lowest id of equals), and the
            probabilities returned are those at temperature 1. From 1e-6 up otherwise.
        top_k: an integer or int32[B], 0: all. top_p: a number or float32[B], 1: all. min_p: likewise, 0: all.
            None: not used; with all three None there is one pass over the logits.
        mass: False: the logits of tokens that are not allowed are not read, and ``logmass`` is NaN.
        tile: a power of 2, at least 32.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("logits", logits, gpu_tensors.FLOATS, 2)
    batch = len(logits)

    def each(name: str, value: Any, dtype: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return torch.full((batch,), value, dtype=dtype, device=logits.device)
        if gpu_tensors.checked(name, value, dtype, 1, logits).shape != (batch,):
            raise ValueError(f"{name}: one for each sequence of the batch")
        return value

    seeds, steps = each("seeds", seeds, torch.int64), each("steps", steps, torch.int32)
    temperature = each("temperature", temperature, torch.float32)
    if rows is not None:
        gpu_tensors.checked("rows", rows, torch.int32, 2, logits)
        if indices is None and len(rows) != batch:
            raise ValueError("one row, or one index, for each sequence of the batch")
        indices = each("indices", gpu_tensors.indices_of(indices, batch, logits.device), torch.int32)
    cuts = None
    if not (logits.is_cuda and top_k is None and top_p is None and min_p is None):
        cuts = (
            each("top_k", 0 if top_k is None else top_k, torch.int32),
            each("top_p", 1.0 if top_p is None else top_p, torch.float32),
            each("min_p", 0.0 if min_p is None else min_p, torch.float32),
        )
    out = Sampled(
        torch.empty(batch, dtype=torch.int32, device=logits.device),
        *(torch.empty(batch, dtype=torch.float32, device=logits.device) for _ in range(3)),
    )
    if logits.is_cuda:
        from structgen.kernels.sample import gpu

        gpu.sample(logits, seeds, steps, rows, indices, temperature, cuts, mass, tile, out)
    else:
        from structgen.kernels.sample import cpu

        array = gpu_tensors.array
        if rows is None:
            rows = torch.empty((0, 0), dtype=torch.int32)
            indices = torch.full((batch,), -1, dtype=torch.int32)
        cpu.sample(
            gpu_tensors.floats(logits), array(seeds), array(steps), array(rows), array(indices), array(temperature),
            *map(array, cuts or ()), mass, tile, *map(array, out),
        )  # fmt: skip
    return out


__all__ = ["TILE", "Sampled", "sample"]
