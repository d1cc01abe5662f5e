"""Fewest tokens that spell a byte string: Numba kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def spell(text, byte, end, token_first, root_child, never):
    """int32[n + 1]: for each i the least number of tokens whose concatenation is text[i:]; ``never`` if none.

    Right to left; from each position the trie is walked along the text, one child search for each byte.
    """
    n = len(text)
    costs = np.full(n + 1, never, dtype=np.int32)
    costs[n] = 0
    for i in range(n - 1, -1, -1):
        node = root_child[text[i]]
        j = i
        while node >= 0:
            j += 1
            if token_first[node + 1] > token_first[node] and costs[j] + 1 < costs[i]:
                costs[i] = costs[j] + 1
            if j == n:
                break
            child = node + 1
            stop = end[node]
            node = -1
            while child < stop:
                if byte[child] >= text[j]:
                    if byte[child] == text[j]:
                        node = child
                    break
                child = end[child]
    return costs
