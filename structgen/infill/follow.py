"""Which bytes can come next, wherever a rule stands: the first and follow sets of LL parsing.

Receives the nodes of a grammar; returns packed tables for :mod:`structgen.kernels.pushdown`, which leaves out what does
not go on with the next byte. Nothing is left out that could: what may come behind a rule is what may come behind any of
its calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from structgen.kernels.pushdown import layout as L

#: Kind, terminal or node called, node behind it or END.
Edge = tuple[int, int, int]


def following(
    start: int,
    accept: Sequence[bool],
    edges: Sequence[Sequence[Edge]],
    beginnings: Sequence[tuple[NDArray[np.bool_], bool]],
    group: NDArray[np.int64],
) -> dict[int, NDArray[np.int64]]:
    """The tables CAN, LEAVES, BEGINS and PASSES of :mod:`structgen.kernels.pushdown.layout`.

    Args:
        start: the node with which the text begins.
        accept: for each node: may its rule end there?
        edges: for each node.
        beginnings: for each terminal bool[256], the bytes that it can begin with; and may it be empty?
        group: int[256], the class of each byte.
    """
    # sets of classes are whole numbers; two bits more: the end of the text, and what is not known
    classes = int(group.max()) + 1
    always = 2 << classes
    begins = [(sum(1 << c for c in set(group[first].tolist())), empty) for first, empty in beginnings]
    first, ends = _first(accept, edges, begins)
    behind = _behind(1 << classes, start, edges, first, ends)
    passes = [0] * len(begins)
    for node, found in enumerate(edges):
        for kind, symbol, to in found:
            if kind != L.CALL:
                passes[symbol] |= first[to] if to != L.END else 0
                passes[symbol] |= behind[node] if to == L.END or ends[to] else 0
    every = 2 * always - 1
    return {
        place: _packed(rows, classes + 2)
        for place, rows in {
            L.CAN: [f | (b if e else 0) | always for f, b, e in zip(first, behind, ends, strict=True)],
            L.LEAVES: [row | always for row in behind],
            L.BEGINS: [every if empty else row | always for row, empty in begins],
            L.PASSES: [row | always for row in passes],
        }.items()
    }


def _first(
    accept: Sequence[bool], edges: Sequence[Sequence[Edge]], begins: Sequence[tuple[int, bool]]
) -> tuple[list[int], list[bool]]:
    """For each node, what its rule can go on with; and may it end without another byte? Too much at margins."""
    first = [0] * len(edges)
    ends = list(accept)
    changed = True
    while changed:
        changed = False
        for node, found in enumerate(edges):
            now, end = first[node], ends[node]
            for kind, symbol, to in found:
                bits, empty = (first[symbol], ends[symbol]) if kind == L.CALL else begins[symbol]
                now |= bits
                if empty:
                    now |= 0 if to == L.END else first[to]
                    end = end or to == L.END or ends[to]
            if now != first[node] or end != ends[node]:
                first[node], ends[node], changed = now, end, True
    return first, ends


def _behind(
    last: int, start: int, edges: Sequence[Sequence[Edge]], first: Sequence[int], ends: Sequence[bool]
) -> list[int]:
    """For each node, what can come behind its rule."""
    behind = [0] * len(edges)
    behind[start] = last
    todo = list(range(len(edges)))
    while todo:
        node = todo.pop()
        for kind, symbol, to in edges[node]:
            wanted = [] if to == L.END else [(to, behind[node])]
            if kind == L.CALL:
                after = behind[node] if to == L.END or ends[to] else 0
                wanted.append((symbol, after | (0 if to == L.END else first[to])))
            for other, bits in wanted:
                if bits & ~behind[other]:
                    behind[other] |= bits
                    todo.append(other)
    return behind


def _packed(rows: Sequence[int], columns: int) -> NDArray[np.int64]:
    """int64[columns, ceil(n / 32)]: the bits of n rows turned round, 32 to a word."""
    size = -(-columns // 8)
    raw = np.frombuffer(b"".join(row.to_bytes(size, "little") for row in rows), dtype=np.uint8).reshape(-1, size)
    flags = np.unpackbits(raw, axis=1, count=columns, bitorder="little").astype(np.int64)
    words = np.zeros((columns, -(-len(rows) // 32), 32), dtype=np.int64)
    words.reshape(columns, -1)[:, : len(rows)] = flags.T
    return (words << np.arange(32)).sum(axis=2)
