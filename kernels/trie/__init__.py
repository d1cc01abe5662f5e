"""Build of a byte trie over the tokens of a vocabulary, as flat arrays in preorder.

``build`` is the public way in; ``cpu`` is the Numba pass, ``naive`` the reference the tests compare it with. ``below``
says which bytes stand below each node.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import cpu
from .below import below, classes_within

__all__ = ["TrieArrays", "below", "build", "classes_within"]

#: byte uint8[m], end int32[m], depth int16[m], token_first int32[m + 1], token_ids int32[k],
#: root_child int32[256]
TrieArrays = tuple[
    NDArray[np.uint8],
    NDArray[np.int32],
    NDArray[np.int16],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
]


def build(tokens: Sequence[bytes], ids: Sequence[int]) -> TrieArrays:
    """The trie of ``tokens``, where ``tokens[i]`` is the text of token id ``ids[i]``.

    Args:
        tokens: texts, none of them empty, none over 32,767 bytes. Equal texts share a node.
        ids: the id of each text, ascending.

    Returns:
        ``byte`` uint8[m], ``end`` int32[m], ``depth`` int16[m], ``token_first`` int32[m + 1],
        ``token_ids`` int32[len(tokens)], ``root_child`` int32[256]; see :class:`structgen.masks.trie.Trie`.
    """
    lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    start = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.cumsum(lengths, out=start[1:])
    data = np.frombuffer(b"".join(tokens), dtype=np.uint8)
    permutation = cpu.order(data, start, cpu.heads(data, start))
    data, start = cpu.gather(data, start, permutation)
    token_ids = np.asarray(ids, dtype=np.int32)[permutation]
    shared = cpu.common_prefixes(data, start)
    byte, end, depth, token_first, root_child = cpu.fill(data, start, shared)
    return byte, end, depth, token_first, token_ids, root_child
