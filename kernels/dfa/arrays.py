"""What the kernels of this folder share: hashing and growing arrays.

Hashes stay under 2**60, so that the same code runs without overflow when Numba is switched off.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def mix(x):
    """A number under 2**32 that depends on every bit of x (x under 2**40)."""
    x = (x ^ (x >> 16)) & 0xFFFFFFFF
    x = (x * 0x45D9F3B) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return x ^ (x >> 16)


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def grown(array, size):
    """A copy of a one-dimensional array with room for ``size`` entries."""
    result = np.empty(size, array.dtype)
    for i in range(len(array)):
        result[i] = array[i]
    return result
