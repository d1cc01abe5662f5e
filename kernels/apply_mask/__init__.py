"""Packed mask rows applied to logits, in place. ``gpu`` holds the Triton kernel, ``cpu`` Numba, ``naive`` torch."""

from __future__ import annotations

from typing import Any


def apply_mask(logits: Any, rows: Any, indices: Any = None) -> None:
    """Set the logits of tokens that are not allowed to minus infinity.

    Args:
        logits: float32, float16 or bfloat16 [B, C], rows of any stride. Changed in place.
        rows: int32[P, W], bit t % 32 of word t // 32 is token t. Columns past 32 * W (a padded vocabulary) are never
            allowed.
        indices: int32[B]: the row of each sequence; -1 leaves a sequence as it is. None: row i for sequence i.

    Raises:
        TypeError, ValueError: a tensor of another dtype, shape or device.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("logits", logits, gpu_tensors.FLOATS, 2)
    gpu_tensors.checked("rows", rows, torch.int32, 2, logits)
    if indices is not None:
        gpu_tensors.checked("indices", indices, torch.int32, 1, logits)
    if len(logits) != (len(rows) if indices is None else len(indices)):
        raise ValueError("one row, or one index, for each sequence of the batch")
    if logits.is_cuda:
        from structgen.kernels.apply_mask import gpu

        gpu.apply_mask(logits, rows, indices)
    else:
        from structgen.kernels.apply_mask import cpu

        which = gpu_tensors.array(gpu_tensors.indices_of(indices, len(logits), logits.device))
        minus = gpu_tensors.minus_infinity(logits.dtype)
        bits = logits.view(torch.int32) if logits.dtype == torch.float32 else logits.view(torch.int16)
        cpu.apply_mask(bits.numpy(), gpu_tensors.array(rows), which, minus)


__all__ = ["apply_mask"]
