"""Numba passes over the texts of a vocabulary: sort them, then turn them into nodes. Arrays and numbers only."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def heads(data: NDArray[np.uint8], start: NDArray[np.int64]) -> NDArray[np.uint64]:
    """uint64[n]: the first 8 bytes of each text as a big-endian number, zeros after a shorter text."""
    n = len(start) - 1
    head = np.zeros(n, dtype=np.uint64)
    for i in range(n):
        value = np.uint64(0)
        for k in range(8):
            value <<= np.uint64(8)
            if start[i] + k < start[i + 1]:
                value |= np.uint64(data[start[i] + k])
        head[i] = value
    return head


@njit(cache=True, nogil=True)
def order(data: NDArray[np.uint8], start: NDArray[np.int64], head: NDArray[np.uint64]) -> NDArray[np.int32]:
    """int32[n]: the texts in ascending order, equal ones as they came. A merge sort from runs of one text up.

    Most comparisons end at the heads; only texts that agree in those are looked at byte by byte.
    """
    n = len(start) - 1
    source = np.arange(n).astype(np.int32)
    target = np.empty(n, dtype=np.int32)
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                take_left = j >= high
                if i < middle and j < high:
                    a, b = source[i], source[j]
                    if head[a] != head[b]:
                        take_left = head[a] < head[b]
                    else:
                        length = min(start[a + 1] - start[a], start[b + 1] - start[b])
                        d = 0  # not 8: a text may be shorter, its head filled with zeros
                        while d < length and data[start[a] + d] == data[start[b] + d]:
                            d += 1
                        if d < length:
                            take_left = data[start[a] + d] < data[start[b] + d]
                        else:
                            take_left = start[a + 1] - start[a] <= start[b + 1] - start[b]
                if take_left:
                    target[k] = source[i]
                    i += 1
                else:
                    target[k] = source[j]
                    j += 1
        source, target = target, source
        width *= 2
    return source


@njit(cache=True, nogil=True)
def gather(
    data: NDArray[np.uint8], start: NDArray[np.int64], permutation: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The texts in the order given: their bytes uint8[len(data)], and where each starts int64[n + 1]."""
    new_data = np.empty_like(data)
    new_start = np.zeros_like(start)
    at = 0
    for k in range(len(permutation)):
        i = permutation[k]
        for d in range(start[i], start[i + 1]):
            new_data[at] = data[d]
            at += 1
        new_start[k + 1] = at
    return new_data, new_start


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
