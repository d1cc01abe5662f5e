"""Mask rows out of a pool, one for each sequence."""

from __future__ import annotations

from typing import Any


def gather_rows(pool: Any, indices: Any, out: Any = None) -> Any:
    """``pool[indices]``, where index -1 stands for a row of ones (a sequence that is not constrained).

    Args:
        pool: int32[P, W]. indices: int32[B], -1 to P - 1. out: int32[B, W], rows of any stride; None: a new tensor.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("pool", pool, torch.int32, 2)
    gpu_tensors.checked("indices", indices, torch.int32, 1, pool)
    shape = (len(indices), pool.shape[1])
    out = torch.empty(shape, dtype=torch.int32, device=pool.device) if out is None else out
    if gpu_tensors.checked("out", out, torch.int32, 2, pool).shape != shape:
        raise ValueError(f"out has the shape {shape}")
    if pool.is_cuda:
        from structgen.kernels.gather_rows import gpu

        gpu.gather_rows(pool, indices, out)
    else:
        from structgen.kernels.gather_rows import cpu

        cpu.gather_rows(*map(gpu_tensors.array, (pool, indices, out)))
    return out


__all__ = ["gather_rows"]
