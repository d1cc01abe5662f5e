"""The random numbers of ``gpu_random`` for Numba kernels: the same bits, and the same float32 up to rounding."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

LOW = np.uint64(0xFFFFFFFF)
S32 = np.uint64(32)
ROUND_A, ROUND_B = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
KEY_A, KEY_B = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@njit(cache=True, nogil=True)
def philox(seed, index, step, domain):
    """The first 32 bits of Philox 4x32-10 with key ``seed`` and counter (index, step, domain, 0), as uint64."""
    k0 = np.uint64(np.int64(seed) & 0xFFFFFFFF)
    k1 = np.uint64((np.int64(seed) >> 32) & 0xFFFFFFFF)
    c0, c1 = np.uint64(np.int64(index) & 0xFFFFFFFF), np.uint64(np.int64(step) & 0xFFFFFFFF)
    c2, c3 = np.uint64(domain), np.uint64(0)
    for _ in range(10):
        a = ROUND_A * c0
        b = ROUND_B * c2
        c0, c1, c2, c3 = (b >> S32) ^ c1 ^ k0, b & LOW, (a >> S32) ^ c3 ^ k1, a & LOW
        k0 = (k0 + KEY_A) & LOW
        k1 = (k1 + KEY_B) & LOW
    return c0


@njit(cache=True, nogil=True)
def gumbel(seed, index, step, domain):
    """Standard Gumbel noise, as ``gpu_random.gumbel``."""
    v = (float(philox(seed, index, step, domain)) + 0.5) * 2.3283064365386963e-10
    return -np.log(-np.log1p(-v))
