"""Packed mask rows applied to logits: Numba kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit


@njit(cache=True, nogil=True)
def apply_mask(bits, rows, indices, minus):
    """Write ``minus`` where a token is not allowed.

    Args:
        bits: int16[B, C] or int32[B, C]: the floats as integers. rows: int32[P, W]. indices: int32[B], -1: no row.
        minus: the bits of minus infinity, of the dtype of ``bits``.
    """
    columns = bits.shape[1]
    width = rows.shape[1]
    for b in range(bits.shape[0]):
        if indices[b] < 0:
            continue
        row = rows[indices[b]]
        for w in range((columns + 31) // 32):
            word = row[w] if w < width else 0
            if word == -1:
                continue
            for t in range(w * 32, min(w * 32 + 32, columns)):
                if (word >> (t & 31)) & 1 == 0:
                    bits[b, t] = minus
