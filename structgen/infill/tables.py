"""A grammar as the recogniser of :mod:`structgen.kernels.pushdown` takes it.

Receives a network without captures, or one with indentation that can tell about its margins; returns arrays. Networks
that remember anything else (names of properties, items) have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from structgen.automata.bytedfa import ByteDfa
from structgen.infill.follow import Edge, following
from structgen.ir.margins import MarginRule, Margins
from structgen.ir.network import END, Call, Key, Network, Node, Terminal, Unsure
from structgen.kernels.pushdown import layout as L

#: Networks with more nodes are left to the machine, which makes only those that a text meets.
MOST_NODES = 50_000
#: Sets of widths have so many bits.
MOST_WIDTHS = 4 * L.BITS
_FAR = 1 << 20


def tables_of(network: Network) -> NDArray[np.int64] | None:
    """The array of a network, see :mod:`structgen.kernels.pushdown.layout`, with the class of each byte behind it.

    None: the network is too large, or remembers what the recogniser does not.
    """
    margins = _margins(network)
    if margins is None or margins.most >= MOST_WIDTHS or max(margins.widths.values(), default=0) >= L.BITS:
        return None
    numbers = {key: i for i, key in enumerate(margins.nodes)}
    automata = _Automata(margins)
    edges: list[list[Edge]] = []
    for node in margins.nodes.values():
        found: list[Edge] = []
        for edge in node.edges:
            to = L.END if edge.label is END else numbers[edge.label]
            if isinstance(edge.symbol, Call):
                found.append((L.CALL, numbers[edge.symbol.key], to))
                continue
            number = automata.number(edge.symbol)
            if number is not None:
                found.append((automata.sorts[number], number, to))
        edges.append(found)
    accept = [node.accepting for node in margins.nodes.values()]
    parts = automata.parts()
    group = parts.pop(-1)
    sizes = [len(found) for found in edges]
    flat = np.array([edge for found in edges for edge in found], dtype=np.int64).reshape(-1, 3)
    leaving = np.repeat(np.arange(len(edges)), sizes)
    order = np.flatnonzero(flat[:, L.KIND] != L.CALL)
    order = order[np.argsort(flat[order, L.SYMBOL], kind="stable")]
    ways = np.stack([leaving[order], flat[order, L.TO]], axis=1)
    on = np.searchsorted(flat[order, L.SYMBOL], np.arange(len(automata.sorts) + 1))
    parts |= {
        L.ACCEPT: np.array(accept),
        L.NEED: np.array(_needs(accept, edges)),
        L.CARRY: np.array([key in margins.carrying for key in margins.nodes]),
    } | following(
        numbers[margins.start], accept, edges, [automata.beginnings(i) for i in range(len(automata.sorts))], group
    )
    numbers_of = {
        L.NODES: len(edges),
        L.TERMINALS: len(automata.sorts),
        L.CLASSES: int(group.max()) + 1,
        L.BAN_STATES: len(parts[L.BANS]),
        L.MOST: margins.most,
        L.START: numbers[margins.start],
        L.WORDS: -(-len(edges) // 32),
        L.BEGIN_WORDS: -(-len(automata.sorts) // 32),
    }
    return _laid_out(parts, numbers_of, (np.cumsum([0, *sizes]), flat), (on, ways), group)


_Rows = tuple[NDArray[np.int64], NDArray[np.int64]]


def _laid_out(
    parts: dict[int, NDArray[Any]], numbers: dict[int, int], edges: _Rows, ways: _Rows, group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """All parts in one array."""
    result = [np.zeros(L.HEADER, dtype=np.int64)]
    at = L.HEADER
    header = result[0]
    for place, value in numbers.items():
        header[place] = value
    for place, (first, rows) in ((L.FIRST, edges), (L.ON, ways)):
        header[place] = at + rows.size
        result += [rows.reshape(-1), at + first * rows.shape[1]]
        at += rows.size + len(first)
    for place, part in parts.items():
        header[place] = at
        result.append(part.astype(np.int64).reshape(-1))
        at += part.size
    return np.concatenate([*result, group])


def _margins(network: Network) -> Margins | None:
    """The network with stand-ins for margins, or as it is where there are none."""
    if hasattr(network, "margins"):
        return cast("Margins | None", network.margins())
    if not getattr(network, "nested", False):
        return None
    found: dict[Key, Node] = {}
    todo = [network.start]
    labels: dict[tuple[Key, Any], Key] = {}
    while todo:
        key = todo.pop()
        if key in found:
            continue
        node = network.expand(key)
        if len(found) >= MOST_NODES or any(_foreign(edge.symbol, edge.capture) for edge in node.edges):
            return None
        edges = []
        for edge in node.edges:
            if isinstance(edge.symbol, Call):
                todo.append(edge.symbol.key)
            label = edge.label
            if label is not END:
                label = labels[key, label] = network.follow(key, label)
                todo.append(label)
            edges.append(edge._replace(label=label))
        found[key] = Node(node.accepting, tuple(edges))
    return Margins(network.start, found, {}, {}, 0, frozenset())


def _foreign(symbol: Terminal | Call, capture: bool) -> bool:
    return capture or (isinstance(symbol, Terminal) and (isinstance(symbol, Unsure) or symbol.dfa.counter is not None))


class _Automata:
    """The terminals, margins among them, and their bans as one table."""

    def __init__(self, margins: Margins) -> None:
        self._margins = margins
        self._numbers: dict[tuple[int, bytes], int] = {}
        self.sorts: list[int] = []
        self.dfas: list[ByteDfa] = []
        self._bans: list[Mapping[int, ByteDfa]] = []

    def number(self, terminal: Terminal) -> int | None:
        """The number of a terminal; None: nothing can be written for it."""
        sort, dfa, digest = L.TERMINAL, terminal.dfa, terminal.digest
        if terminal in self._margins.rules:
            rule: MarginRule | None = self._margins.rules[terminal]
            if rule is None:
                return None
            sort, dfa, digest = (L.DEEPER if rule.deeper else L.EQUAL), rule.behind, rule.behind.digest
        key = (sort, digest)
        if key not in self._numbers:
            self._numbers[key] = len(self.sorts)
            self.sorts.append(sort)
            self.dfas.append(dfa)
            self._bans.append(terminal.bans if sort == L.TERMINAL else {})
        return self._numbers[key]

    def beginnings(self, number: int) -> tuple[NDArray[np.bool_], bool]:
        """bool[256]: the bytes that a terminal can begin with; and may it be empty?"""
        dfa = self.dfas[number]
        found = np.zeros(256, dtype=np.bool_)
        for lo, hi in zip(dfa.lo[: dfa.first[1]].tolist(), dfa.hi[: dfa.first[1]].tolist(), strict=True):
            found[lo : hi + 1] = True
        if self.sorts[number] != L.TERMINAL:
            found[[byte for byte, width in self._margins.widths.items() if width]] = True
        return found, bool(dfa.accept[0])

    def parts(self) -> dict[int, NDArray[Any]]:
        """The parts that are about states of terminals and of bans; under -1 the class of each byte."""
        bans: dict[bytes, tuple[int, ByteDfa]] = {}
        total = 1
        for mapping in self._bans:
            for ban in mapping.values():
                if ban.digest not in bans:
                    bans[ban.digest] = total, ban
                    total += ban.n_states
        starts = np.concatenate([[0], np.cumsum([dfa.n_states for dfa in self.dfas])]).astype(np.int32)
        delta = np.full((int(starts[-1]), 256), -1, dtype=np.int32)
        ends = np.zeros(int(starts[-1]), dtype=np.uint8)
        under = np.zeros(int(starts[-1]), dtype=np.int32)
        for number, dfa in enumerate(self.dfas):
            _fill(delta, dfa, int(starts[number]))
            ends[starts[number] : starts[number + 1]] = dfa.accept
            for state, ban in self._bans[number].items():
                ends[starts[number] + state] = 2
                under[starts[number] + state] = bans[ban.digest][0]
        forbidden = np.full((total, 256), -1, dtype=np.int32)
        for begin, ban in bans.values():
            _fill(forbidden, ban, begin)
            part = forbidden[begin : begin + ban.n_states]
            part[:] = np.where(part < 0, 0, np.where(ban.accept[np.maximum(part - begin, 0)], -1, part))
        forbidden[0] = 0
        width = np.array([[self._margins.widths.get(byte, 0) for byte in range(256)]])
        columns, group = np.unique(np.concatenate([delta, forbidden, width]), axis=1, return_inverse=True)
        terminal = np.repeat(np.arange(len(self.dfas)), np.diff(starts))
        return {
            L.DELTA: columns[: len(delta)],
            L.BANS: columns[len(delta) : -1],
            L.COLUMNS: columns[-1],
            L.STARTS: starts,
            L.LOOPS: (delta == np.arange(len(delta), dtype=np.int32)[:, None]).any(axis=1),
            L.STATES: np.stack([terminal, ends, under], axis=1),
            L.SORT: np.array(self.sorts),
            -1: group.reshape(-1).astype(np.int64),
        }


def _fill(table: NDArray[np.int32], dfa: ByteDfa, begin: int) -> None:
    """Write an automaton's moves into a table of all, its states from ``begin`` on."""
    first, lo, hi, to = (array.tolist() for array in (dfa.first, dfa.lo, dfa.hi, dfa.to))
    for state in range(dfa.n_states):
        for e in range(first[state], first[state + 1]):
            table[begin + state, lo[e] : hi[e] + 1] = begin + to[e]


def _needs(accept: list[bool], edges: list[list[Edge]]) -> list[int]:
    """How many blocks inside each other it takes to end the rule of each node."""
    need = [0 if a else _FAR for a in accept]
    changed = True
    while changed:
        changed = False
        for node, found in enumerate(edges):
            for kind, symbol, to in found:
                cost = 0 if to == L.END else need[to]
                if kind == L.CALL:
                    cost = max(cost, need[symbol])
                elif kind == L.DEEPER:
                    cost += 1
                if cost < need[node]:
                    need[node] = cost
                    changed = True
    return need
