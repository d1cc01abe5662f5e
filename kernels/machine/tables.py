"""Small things every kernel uses: requests to the caller, hashing, open-addressing tables.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L

M31 = np.int64(0x7FFFFFFF)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def ask(m, what, arg):
    m.used[L.ASK_WHAT] = what
    m.used[L.ASK_ARG] = arg
    return np.int64(L.ASK)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def mix(h, x):
    """Take x (int64) into a 31-bit hash h. Products stay under 2**62, so plain Python computes the same."""
    h = (h ^ (x & M31)) * np.int64(0x61C88647)
    h = (h ^ (h >> np.int64(31))) & M31
    h = (h ^ ((x >> np.int64(31)) & M31)) * np.int64(0x45D9F3B1)
    return (h ^ (h >> np.int64(31))) & M31


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def table_get(table, key):
    """Value of ``key`` (0 or more) in an open-addressing table int64[n, 2], or -1."""
    size = table.shape[0]
    i = mix(np.int64(0), key) & (size - 1)
    while True:
        k = table[i, 0]
        if k == key + 1:
            return table[i, 1]
        if k == 0:
            return np.int64(-1)
        i = (i + 1) & (size - 1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def table_put(table, key, value):
    """Insert a key that is not in the table."""
    size = table.shape[0]
    i = mix(np.int64(0), key) & (size - 1)
    while table[i, 0] != 0:
        i = (i + 1) & (size - 1)
    table[i, 0] = key + 1
    table[i, 1] = value


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def table_rehash(old, new):
    """Copy every entry of one table into a larger, zeroed one."""
    for i in range(old.shape[0]):
        if old[i, 0] != 0:
            table_put(new, old[i, 0] - 1, old[i, 1])


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def pair_get(table, key, more):
    """Value of the pair of keys in an open-addressing table int64[n, 3], or -1."""
    size = table.shape[0]
    i = mix(mix(np.int64(0), key), more) & (size - 1)
    while True:
        k = table[i, 0]
        if k == key + 1 and table[i, 1] == more:
            return table[i, 2]
        if k == 0:
            return np.int64(-1)
        i = (i + 1) & (size - 1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def pair_put(table, key, more, value):
    """Insert a pair of keys that is not in the table."""
    size = table.shape[0]
    i = mix(mix(np.int64(0), key), more) & (size - 1)
    while table[i, 0] != 0:
        i = (i + 1) & (size - 1)
    table[i, 0] = key + 1
    table[i, 1] = more
    table[i, 2] = value


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def pair_rehash(old, new):
    """Copy every entry of one table of pairs into a larger, zeroed one."""
    for i in range(old.shape[0]):
        if old[i, 0] != 0:
            pair_put(new, old[i, 0] - 1, old[i, 1], old[i, 2])
