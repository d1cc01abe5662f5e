"""Random logits and mask rows for the tests of the GPU kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def drawn_logits(rng: np.random.Generator, batch: int, columns: int, dtype: Any, *, wild: bool = True) -> Any:
    """[batch, columns], with repeats; ``wild``: NaN and infinities here and there."""
    values = rng.normal(size=(batch, columns)) * rng.choice([0.1, 1.0, 8.0])
    values = np.where(rng.random(values.shape) < 0.1, np.round(values), values)
    if wild:
        values = np.where(rng.random(values.shape) < 0.03, rng.choice([np.nan, np.inf, -np.inf]), values)
    return torch.from_numpy(values).to(dtype)


def drawn_rows(rng: np.random.Generator, n: int, vocab: int) -> Any:
    """int32[n, ceil(vocab / 32)]: empty, full, sparse and dense rows, and runs of whole words."""
    flags = np.zeros((n, -(-vocab // 32) * 32), dtype=np.bool_)
    for i in range(n):
        share = rng.choice([0.0, 0.02, 0.5, 0.98, 1.0])
        flags[i, :vocab] = rng.random(vocab) < share
        if rng.random() < 0.3:
            a, b = sorted(rng.integers(0, vocab + 1, 2))
            flags[i, a:b] = rng.random() < 0.5
    packed = np.packbits(flags, axis=1, bitorder="little").view(np.int32)
    return torch.from_numpy(packed.reshape(n, -1).copy())
