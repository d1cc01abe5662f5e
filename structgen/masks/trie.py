"""The vocabulary trie. Receives the token texts; returns flat preorder arrays that the mask kernels walk.

A walk is one loop over an index: enter a node by going to ``i + 1``, leave out its subtree by going to
``end[i]``. The children of node i are ``i + 1``, ``end[i + 1]``, ``end[end[i + 1]]`` and so on while under
``end[i]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structgen.kernels.trie import build as _build


@dataclass(frozen=True, eq=False)
class Trie:
    """A byte trie in preorder. The root (empty text) is implicit: node 0 is the first child of the root.

    Attributes:
        byte: uint8[m]; the last byte of each node's text. Siblings ascend.
        end: int32[m]; the index after each node's subtree.
        depth: int16[m]; the length of each node's text in bytes, so 1 for the children of the root.
        token_first: int32[m + 1]; the tokens whose text ends at node i are
            ``tokens[token_first[i] : token_first[i + 1]]``. Those of a whole subtree are contiguous as well:
            ``tokens[token_first[i] : token_first[end[i]]]``.
        tokens: int32[k]; token ids, those of one node ascending. Duplicates share a node.
        root_child: int32[256]; the child of the root for each byte, or -1.
        max_depth: the length of the longest token, 0 for an empty trie.
    """

    byte: NDArray[np.uint8]
    end: NDArray[np.int32]
    depth: NDArray[np.int16]
    token_first: NDArray[np.int32]
    tokens: NDArray[np.int32]
    root_child: NDArray[np.int32]
    max_depth: int

    @staticmethod
    def build(tokens: Sequence[bytes], ids: Sequence[int]) -> Trie:
        """The trie of ``tokens``, ``tokens[i]`` (not empty) being the text of ``ids[i]``; ids ascending."""
        byte, end, depth, token_first, token_ids, root_child = _build(tokens, ids)
        longest = int(depth.max()) if len(depth) else 0
        return Trie(byte, end, depth, token_first, token_ids, root_child, longest)

    @property
    def n_nodes(self) -> int:
        return len(self.byte)

    def find(self, text: bytes) -> int:
        """The node of ``text``, or -1. For tests and small jobs, not for hot loops."""
        if not text:
            return -1
        node = int(self.root_child[text[0]])
        for value in text[1:]:
            if node < 0:
                return -1
            child, stop = node + 1, int(self.end[node])
            while child < stop and self.byte[child] != value:
                child = int(self.end[child])
            node = child if child < stop else -1
        return node

    def at(self, node: int) -> NDArray[np.int32]:
        """The ids of the tokens whose text ends at ``node``: int32[n]."""
        return self.tokens[self.token_first[node] : self.token_first[node + 1]]
