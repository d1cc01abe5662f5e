"""Numba passes over the sorted texts of a vocabulary. Arrays and numbers only."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def common_prefixes(data: NDArray[np.uint8], start: NDArray[np.int64]) -> NDArray[np.int32]:
    """int32[n]: how many first bytes text i shares with text i - 1 (text 0: none)."""
    n = len(start) - 1
    shared = np.zeros(n, dtype=np.int32)
    for i in range(1, n):
        before, here = start[i - 1], start[i]
        limit = min(here - before, start[i + 1] - here)
        k = 0
        while k < limit and data[before + k] == data[here + k]:
            k += 1
        shared[i] = k
    return shared


@njit(cache=True, nogil=True)
def fill(
    data: NDArray[np.uint8], start: NDArray[np.int64], shared: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int16], NDArray[np.int32], NDArray[np.int32]]:
    """Nodes in preorder from sorted texts: each text adds the nodes past what it shares with the one before.

    Args:
        data: uint8, the texts one after another, ascending. start: int64[n + 1]; text i is
            ``data[start[i] : start[i + 1]]``. shared: int32[n], from ``common_prefixes``.

    Returns:
        byte uint8[m], end int32[m], depth int16[m], token_first int32[m + 1], root_child int32[256].
        One read and at most six writes for each node.
    """
    n = len(start) - 1
    m = 0
    longest = 0
    for i in range(n):
        length = start[i + 1] - start[i]
        m += length - shared[i]
        longest = max(longest, length)
    byte = np.empty(m, dtype=np.uint8)
    end = np.empty(m, dtype=np.int32)
    depth = np.empty(m, dtype=np.int16)
    token_first = np.empty(m + 1, dtype=np.int32)
    root_child = np.full(256, -1, dtype=np.int32)
    path = np.empty(longest + 1, dtype=np.int32)  # path[d]: the open node of depth d + 1
    open_depth = 0
    node = 0
    for i in range(n):
        for d in range(shared[i], open_depth):
            end[path[d]] = node
        length = start[i + 1] - start[i]
        for d in range(shared[i], length):
            value = data[start[i] + d]
            if d == 0:
                root_child[value] = node
            byte[node] = value
            depth[node] = d + 1
            # Texts 0 .. i - 1 end in nodes before this one; text i ends here or deeper.
            token_first[node] = i
            path[d] = node
            node += 1
        open_depth = length
    for d in range(open_depth):
        end[path[d]] = m
    token_first[m] = n
    return byte, end, depth, token_first, root_child
