"""Packed mask rows applied to logits: the reference, in torch. Works on any device."""

from __future__ import annotations

from typing import Any

import torch


def allowed(rows: Any, indices: Any, columns: int) -> Any:
    """bool[B, columns]: may the token of this column be chosen?"""
    if indices is None:
        indices = torch.arange(len(rows), device=rows.device)
    tokens = torch.arange(columns, device=rows.device)
    inside = tokens < 32 * rows.shape[1]
    words = rows[indices.clamp(min=0).long()][:, (tokens // 32).clamp(max=max(rows.shape[1] - 1, 0))]
    return (((words >> (tokens % 32)) & 1).bool() & inside) | (indices < 0)[:, None]


def apply_mask(logits: Any, rows: Any, indices: Any = None) -> None:
    """Same arguments as :func:`structgen.kernels.apply_mask.apply_mask`."""
    logits.masked_fill_(~allowed(rows, indices, logits.shape[1]), float("-inf"))
