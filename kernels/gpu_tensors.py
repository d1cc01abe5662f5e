"""What the GPU kernels' launchers share: checks of tensors, and CPU tensors as the arrays that Numba works on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def checked(name: str, tensor: Any, dtypes: Any, ndim: int, like: Any = None) -> Any:
    """``tensor``, if it is what a kernel takes: its dtype, its number of dimensions, a last stride of 1, its device.

    Raises:
        TypeError, ValueError: it is not.
    """
    dtypes = dtypes if isinstance(dtypes, tuple) else (dtypes,)
    if not isinstance(tensor, torch.Tensor) or tensor.dtype not in dtypes:
        given = tensor.dtype if isinstance(tensor, torch.Tensor) else type(tensor).__name__
        raise TypeError(f"{name} is a tensor of {' or '.join(map(str, dtypes))}, not {given}")
    if tensor.ndim != ndim:
        raise ValueError(f"{name} has {ndim} dimensions, not {tensor.ndim}")
    if tensor.ndim and tensor.shape[-1] > 1 and tensor.stride(-1) != 1:
        raise ValueError(f"{name}: the last dimension must be contiguous")
    if like is not None and tensor.device != like.device:
        raise ValueError(f"{name} is on {tensor.device}, the other tensors on {like.device}")
    return tensor


def array(tensor: Any) -> Any:
    """A CPU tensor as a NumPy array on the same memory; 16-bit floats as their bits, int16. None stays None."""
    if tensor is None:
        return None
    tensor = tensor.detach()
    return (tensor.view(torch.int16) if tensor.dtype in (torch.float16, torch.bfloat16) else tensor).numpy()


def floats(tensor: Any) -> Any:
    """A CPU tensor as float32: the same memory where it is float32 already, else a copy."""
    return tensor.detach().to(torch.float32).numpy()


def indices_of(indices: Any, batch: int, device: Any) -> Any:
    """int32[batch] that says which pool row each sequence has; None stands for row i for sequence i."""
    if indices is None:
        return torch.arange(batch, dtype=torch.int32, device=device)
    return indices


def minus_infinity(dtype: Any) -> np.integer[Any]:
    """The bits of minus infinity, as the integer that :func:`array` shows."""
    if dtype == torch.float32:
        return np.int32(-8388608)  # 0xFF800000
    return np.int16(-1024) if dtype == torch.float16 else np.int16(-128)  # 0xFC00, 0xFF80
