"""Mask rows out of a pool: the reference, in torch."""

from __future__ import annotations

from typing import Any

import torch


def gather_rows(pool: Any, indices: Any) -> Any:
    return torch.where((indices < 0)[:, None], -1, pool[indices.clamp(min=0).long()])
