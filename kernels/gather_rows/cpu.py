"""Mask rows out of a pool: Numba kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def gather_rows(pool, indices, out):
    """out[b] = pool[indices[b]], all ones for -1. int32[P, W], int32[B], int32[B, W]."""
    for b in range(len(indices)):
        if indices[b] < 0:
            out[b, :] = -1
        else:
            out[b, :] = pool[indices[b]]
