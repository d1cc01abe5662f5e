"""Packed mask rows applied to logits: Triton kernel and its launcher."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import triton
import triton.language as tl

#: Words of the mask (of 32 tokens) that one program handles.
WORDS = 128


@triton.jit
def _apply_mask(logits, rows, indices, columns, width, logits_stride, rows_stride, HAS: tl.constexpr, N: tl.constexpr):
    """One program for N words of one sequence.

    Words with no bit are written without being read; words with all bits are left alone; only mixed words are read
    and written back. The test is the same for the 32 tokens of a word, so accesses stay wide.
    """
    b = tl.program_id(0).to(tl.int64)
    row = b
    if HAS:
        row = tl.load(indices + b).to(tl.int64)
    if row >= 0:
        w = tl.program_id(1) * N + tl.arange(0, N)
        word = tl.load(rows + row * rows_stride + w, mask=w < width, other=0)
        bit = tl.arange(0, 32)
        token = w[:, None] * 32 + bit[None, :]
        inside = token < columns
        at = logits + b * logits_stride + token
        minus = tl.full([N, 32], float("-inf"), logits.dtype.element_ty)
        tl.store(at, minus, mask=inside & (word == 0)[:, None])
        mixed = inside & ((word != 0) & (word != -1))[:, None]
        value = tl.load(at, mask=mixed, other=0.0)
        keep = ((word[:, None] >> bit[None, :]) & 1) != 0
        tl.store(at, tl.where(keep, value, minus), mask=mixed)


def apply_mask(logits, rows, indices=None):
    """See :func:`structgen.kernels.apply_mask.apply_mask`. Does not wait for the device."""
    batch, columns = logits.shape
    if batch == 0 or columns == 0:
        return
    grid = (batch, triton.cdiv(columns, 32 * WORDS))
    _apply_mask[grid](
        logits, rows, indices, columns, rows.shape[1], logits.stride(0), rows.stride(0),
        HAS=indices is not None, N=WORDS, num_warps=8,
    )  # fmt: skip
