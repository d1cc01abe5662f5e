"""The automaton of a set of token sequences of one length. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structgen.kernels.automaton import Automaton


def of_sequences(sequences: NDArray[np.int32], size: int, eos: int) -> Automaton:
    """The automaton of token sequences of one length, each of them followed by ``eos``.

    Layers of a trie, as in STATIC (Vectorizing the Trie, 2026): nodes are numbered layer by layer, in order, so that
    edges need no sorting of their own; the first layer is a table. State 1 is the root, the last state awaits EOS.

    Args:
        sequences: int32[n, length], in any order, repeats or not; n and length at least 1.
        size: tokens of the vocabulary.
    """
    n, length = sequences.shape
    order = np.lexsort(sequences.T[::-1])
    sequences = sequences[order]
    differs = np.ones((n, length), dtype=np.bool_)
    differs[1:] = sequences[1:] != sequences[:-1]
    np.logical_or.accumulate(differs, axis=1, out=differs)
    degree, tokens, after = [np.array([1, 0])], [np.array([eos])], [np.array([0])]
    parents = np.zeros(n, dtype=np.int64)  # within its layer
    begin = 1  # the first state of the layer
    for d in range(length):
        new = np.flatnonzero(differs[:, d])
        count = int(differs[:, d - 1].sum()) if d else 1
        degree.append(np.bincount(parents[new], minlength=count))
        tokens.append(sequences[new, d])
        children = np.cumsum(differs[:, d]) - 1
        begin += count
        after.append(np.zeros(len(new), dtype=np.int64) + begin if d == length - 1 else begin + children[new])
        parents = children
    last = begin
    degrees = np.concatenate([degree[0][:1], *degree[1:], [1]])
    first = np.concatenate([[0], np.cumsum(degrees)])
    tokens.append(np.array([eos]))
    after.append(np.array([0]))
    states = last + 1
    none = np.full(states, -1, dtype=np.int32)
    width = (size + 31) // 32
    flat_tokens, flat_after = np.concatenate(tokens).astype(np.int32), np.concatenate(after).astype(np.int32)
    root = slice(int(first[1]), int(first[2]))
    table = np.full((1, size), -1, dtype=np.int32)
    table[0, flat_tokens[root]] = flat_after[root]
    row = np.zeros(width * 32, dtype=np.bool_)
    row[flat_tokens[root]] = True
    rows = np.packbits(row, bitorder="little").view(np.int32).reshape(1, width)
    # the root has its table, and lists nothing
    first[2:] -= first[2] - first[1]
    flat_tokens, flat_after = np.delete(flat_tokens, root), np.delete(flat_after, root)
    at_root = none.copy()
    at_root[1] = 0
    degrees[1] = 0
    return Automaton(
        first.astype(np.int32), flat_tokens, flat_after, at_root, none, at_root.copy(), rows, table,
        1, size, 1, int(degrees.max()),
    )  # fmt: skip
