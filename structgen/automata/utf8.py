"""From languages of code points to languages of their UTF-8 bytes.

Receives a :class:`~structgen.automata.dfa.Dfa` over code points; returns one over bytes. The partition of the
code points into classes is first turned into a small tree of bytes, shared by all states of the automaton:
its inner nodes say which bytes may follow, its leaves are classes. Each state of the automaton then runs
through that tree with its own targets at the leaves. Surrogates have no UTF-8 form and are dead anyway.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

import numpy as np

from structgen.automata.dfa import MAX_STATES, Dfa, limit_error, make
from structgen.automata.symbols import BYTES, CODE_POINTS, Int32Array
from structgen.kernels import dfa as kernels

# Lead bytes by how many bytes follow, with the first code point of the first lead byte's block. E0 and F0 have
# blocks of which the beginning is encoded shorter, ED one that is surrogates in part: see _Tree.block.
_LEADS = ((0xC2, 0xDF, 1, 0x80), (0xE0, 0xEF, 2, 0x0), (0xF0, 0xF4, 3, 0x0))
_SHORTEST = {1: 0x80, 2: 0x800, 3: 0x10000}

# A node is a tuple of (last byte, child), ascending; a child is a class (>= 0) or ~number of a node.
_Node = tuple[tuple[int, int], ...]


def utf8(d: Dfa, *, max_states: int = MAX_STATES) -> Dfa:
    """The UTF-8 encodings of the words of a language over code points.

    Raises:
        LimitError: the byte automaton has more than ``max_states`` states before it is minimised.
        ValueError: the language is over bytes already.
    """
    if d.alphabet != CODE_POINTS:
        raise ValueError("utf8() takes a language over code points; this one is over bytes")
    starts, classes, child = _byte_tree(d.starts.tobytes(), d.classes.tobytes())
    n_nodes = len(child)
    if d.n_states > max_states:
        raise limit_error("this language, in UTF-8,", max_states)
    status, n, table, accept = kernels.expand_tree(d.delta, d.accept, child, max_states)
    if status:
        raise limit_error("this language, in UTF-8,", max_states)
    assert n_nodes
    return make(BYTES, starts, classes, table.reshape(n, child.shape[1]), accept)


@lru_cache(maxsize=256)
def _byte_tree(starts: bytes, classes: bytes) -> tuple[Int32Array, Int32Array, Int32Array]:
    """The tree of a partition of the code points.

    Returns:
        starts, classes: a partition of the bytes; child: int32[nodes, byte classes]: a class of code points,
        ~node, or NONE where no encoding goes on. Node 0 is the root.
    """
    tree = _Tree(np.frombuffer(starts, dtype=np.int32).tolist(), np.frombuffer(classes, dtype=np.int32).tolist())
    root: list[tuple[int, int]] = tree.block(0, 7)
    end = 0x80
    if root[-1][0] < 0xC1:
        root.append((0xC1, tree.none))
    del end
    for first, last, follow, _ in _LEADS:
        size = 6 * follow
        for lead in range(first, last + 1):
            base = (lead & (0x3F >> follow)) << size
            root.append((lead, tree.child(base, size, _SHORTEST[follow])))
    root.append((0xFF, tree.none))
    nodes = [_merged(root), *tree.nodes]
    bounds = sorted({0} | {last + 1 for node in nodes for last, _ in node} - {256})
    dense = np.empty((len(nodes), len(bounds)), dtype=np.int32)
    for i, node in enumerate(nodes):
        at = 0
        for last, value in node:
            end = bisect_right(bounds, last)
            dense[i, at:end] = value
            at = end
    columns = kernels.equal_columns(dense)
    first_of = np.unique(columns, return_index=True)[1]
    byte_starts, byte_classes = kernels.relabel(
        np.array(bounds, dtype=np.int32), np.arange(len(bounds), dtype=np.int32), columns
    )
    return byte_starts, byte_classes, np.ascontiguousarray(dense[:, first_of])


#: No encoding has this byte here: below every ~node (there are never so many nodes).
NONE = -(1 << 30)


def _merged(entries: list[tuple[int, int]]) -> _Node:
    result: list[tuple[int, int]] = []
    for last, value in entries:
        if result and result[-1][1] == value:
            result[-1] = (last, value)
        else:
            result.append((last, value))
    return tuple(result)


class _Tree:
    """The nodes below the root, made once for equal content. Node i of the list is number i + 1."""

    none = NONE

    def __init__(self, starts: list[int], classes: list[int]) -> None:
        self.starts = starts
        self.classes = classes
        self.nodes: list[_Node] = []
        self._known: dict[_Node, int] = {}
        self._uniform: dict[tuple[int, int], int] = {}

    def class_at(self, code: int) -> int:
        return self.classes[bisect_right(self.starts, code) - 1]

    def block(self, base: int, bits: int) -> list[tuple[int, int]]:
        """The intervals of the last byte over ``2**bits`` code points from base: (last offset, class)."""
        i = bisect_right(self.starts, base) - 1
        end = base + (1 << bits)
        entries = []
        while i < len(self.starts) and self.starts[i] < end:
            stop = min(end, self.starts[i + 1]) if i + 1 < len(self.starts) else end
            entries.append((stop - 1 - base, self.classes[i]))
            i += 1
        return entries

    def child(self, base: int, bits: int, shortest: int) -> int:
        """What follows once the bytes so far have fixed all but ``bits`` bits: ~node, or NONE."""
        end = base + (1 << bits)
        if end <= shortest or base >= CODE_POINTS:
            return NONE
        i = bisect_right(self.starts, base) - 1
        same = i + 1 == len(self.starts) or self.starts[i + 1] >= end
        whole = same and base >= shortest and end <= CODE_POINTS
        if whole:
            key = (self.classes[i], bits)
            number = self._uniform.get(key)
            if number is not None:
                return number
        if bits == 6:
            entries = [(0x80 + last, value) for last, value in self.block(base, 6)]
        else:
            step = 1 << (bits - 6)
            if whole:
                entries = [(0xBF, self.child(base, bits - 6, shortest))]
            else:
                entries = [(0x80 + k, self.child(base + k * step, bits - 6, shortest)) for k in range(64)]
        node = _merged([(0x7F, NONE), *entries, (0xFF, NONE)])
        if len(node) == 1:
            return NONE
        number = self._known.get(node)
        if number is None:
            self.nodes.append(node)
            number = ~len(self.nodes)
            self._known[node] = number
        if whole:
            self._uniform[key] = number
        return number
