"""Mask rows out of a pool: Triton kernel and its launcher."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import triton
import triton.language as tl

WORDS = 2048


@triton.jit
def _gather_rows(pool, indices, out, width, pool_stride, out_stride, N: tl.constexpr):
    b = tl.program_id(0).to(tl.int64)
    row = tl.load(indices + b).to(tl.int64)
    w = tl.program_id(1) * N + tl.arange(0, N)
    value = tl.load(pool + tl.maximum(row, 0) * pool_stride + w, mask=w < width, other=-1)
    tl.store(out + b * out_stride + w, tl.where(row >= 0, value, -1), mask=w < width)


def gather_rows(pool, indices, out):
    """See :func:`structgen.kernels.gather_rows.gather_rows`. Does not wait for the device."""
    if out.numel():
        grid = (len(indices), triton.cdiv(pool.shape[1], WORDS))
        _gather_rows[grid](pool, indices, out, pool.shape[1], pool.stride(0), out.stride(0), N=WORDS, num_warps=4)
