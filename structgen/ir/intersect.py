"""The texts of a network that a finite automaton accepts as well, exactly.

Receives a network and a byte automaton; returns a network. The construction is that of Bar-Hillel, Perles and Shamir
(1961), done from the start on and only where it leads. A *pair* is a node of the network with a state of the automaton;
its *ends* are the states in which the automaton can stand once the node's rule has ended. A key of the new network is a
pair and one of its ends, so the state behind a call is guessed, and every guess can be made good.

Pairs and ends are found when the network is made: its nodes must be finitely many, and none may capture.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

from structgen.automata.bytedfa import ByteDfa
from structgen.errors import LimitError, UnsatisfiableError, UnsupportedError
from structgen.ir.crossing import Crossing
from structgen.ir.network import END, Call, Edge, Key, Label, Network, Node, Terminal

#: The key of the node where the text begins.
_START = "start"


@dataclass
class _Pair:
    """A node of the network that is reached while the automaton is in a state.

    Attributes:
        key, state: the two.
        node: what ``expand`` gives for the key.
        ends: in which states the rule can end, and the least bytes up to there.
        calls: by number of an edge that calls: the pair that is called.
        ways: by number of an edge and state behind its symbol: the pair that follows, None where the rule ends.
        callers: (pair, number of its edge) of the calls of this pair.
        before: (pair, number of its edge, state) of the ways that lead here.
    """

    key: Key
    state: int
    node: Node
    ends: dict[int, int] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    ways: dict[tuple[int, int], int | None] = field(default_factory=dict)
    callers: list[tuple[int, int]] = field(default_factory=list)
    before: list[tuple[int, int, int]] = field(default_factory=list)


class Intersection:
    """The texts of a network that an automaton accepts.

    Args:
        network: the network.
        dfa: the automaton.
        most: how many ends of pairs, and how many states of crossed terminals, may be made.

    Raises:
        UnsatisfiableError: they have no text in common.
        UnsupportedError: the network captures.
        LimitError: it takes more than ``most``.
    """

    start: Key = _START

    def __init__(self, network: Network, dfa: ByteDfa, most: int) -> None:
        self._network = network
        self._crossing = Crossing(dfa, most)
        table = _Table(network, self._crossing, most)
        self._pairs, self._numbers = table.pairs, table.numbers
        self._whole = [end for end in sorted(self._pairs[0].ends) if self._crossing.accepts(end)]
        if not self._whole:
            raise UnsatisfiableError(
                "no text is in the grammar and in the regular language",
                hint="sg.is_empty(...) shows a text of each side by itself",
            )

    def expand(self, key: Key) -> Node:
        if key == _START:
            return Node(False, tuple(Edge(Call((0, end)), END, 0) for end in self._whole))
        pair, goal = self._at(key)
        edges = []
        for (number, state), behind in pair.ways.items():
            edge = pair.node.edges[number]
            if behind is None:
                if state != goal:
                    continue
                label, rest = END, 0
            else:
                if goal not in self._pairs[behind].ends:
                    continue
                label, rest = (number, state), self._pairs[behind].ends[goal]
            symbol: Terminal | Call
            if isinstance(edge.symbol, Terminal):
                symbol = self._crossing.between(edge.symbol, pair.state, state)
            else:
                symbol = Call((pair.calls[number], state))
            edges.append(Edge(symbol, label, rest))
        return Node(pair.node.accepting and pair.state == goal, tuple(edges))

    def follow(self, key: Key, label: Label) -> Key:
        pair, goal = self._at(key)
        return (pair.ways[label], goal)  # type: ignore[index]

    def least(self, key: Key) -> int:
        if key == _START:
            return min(self._pairs[0].ends[end] for end in self._whole)
        pair, goal = self._at(key)
        return pair.ends[goal]

    def describe(self, key: Key, label: Label) -> str | None:
        if key == _START:
            return None
        pair, _ = self._at(key)
        inner: Any = label
        return self._network.describe(pair.key, END if label is END else pair.node.edges[inner[0]].label)

    def _at(self, key: Any) -> tuple[_Pair, int]:
        pair, goal = key
        return self._pairs[pair], goal


class _Table:
    """All pairs, with their ends.

    Attributes:
        pairs: the pairs; the first is the start.
        numbers: their numbers.
    """

    def __init__(self, network: Network, crossing: Crossing, most: int) -> None:
        self.pairs: list[_Pair] = []
        self.numbers: dict[tuple[Key, int], int] = {}
        self._network = network
        self._crossing = crossing
        self._most = most
        self._made = 0
        self._found: list[tuple[int, int]] = []
        self._number(network.start, 0)
        self._grow()
        for pair in self.pairs:
            pair.ends = {}
        self._settle()

    # ---- which ends there are: calls are followed where their rules have been seen to end

    def _grow(self) -> None:
        opened = 0
        while opened < len(self.pairs) or self._found:
            if self._found:
                number, end = self._found.pop()
                pair = self.pairs[number]
                for before, _, _ in pair.before:
                    self._ends(before, end)
                for caller, edge in pair.callers:
                    self._lead(caller, edge, end)
            else:
                self._open(opened)
                opened += 1

    def _number(self, key: Key, state: int) -> int:
        number = self.numbers.get((key, state))
        if number is None:
            number = self.numbers[key, state] = len(self.pairs)
            self.pairs.append(_Pair(key, state, self._network.expand(key)))
            self._count()
        return number

    def _open(self, number: int) -> None:
        pair = self.pairs[number]
        if pair.node.accepting:
            self._ends(number, pair.state)
        for i, edge in enumerate(pair.node.edges):
            if edge.capture:
                raise UnsupportedError(
                    "what may be written here depends on text written before (indentation; host names; names or "
                    "items that must differ), so the rules cannot be crossed with a regular language",
                    where=self._network.describe(pair.key, edge.label),
                    hint="Say the condition in the grammar or the schema itself",
                )
            if isinstance(edge.symbol, Terminal):
                ends = list(self._crossing.run(edge.symbol, pair.state).ends)
            else:
                called = pair.calls[i] = self._number(edge.symbol.key, pair.state)
                self.pairs[called].callers.append((number, i))
                ends = list(self.pairs[called].ends)
            for end in ends:
                self._lead(number, i, end)

    def _lead(self, number: int, i: int, state: int) -> None:
        """The symbol of an edge can end in a state."""
        pair = self.pairs[number]
        if (i, state) in pair.ways:
            return
        edge = pair.node.edges[i]
        if edge.label is END:
            pair.ways[i, state] = None
            self._ends(number, state)
            return
        behind = self._number(self._network.follow(pair.key, edge.label), state)
        pair.ways[i, state] = behind
        self.pairs[behind].before.append((number, i, state))
        for end in list(self.pairs[behind].ends):
            self._ends(number, end)

    def _ends(self, number: int, end: int) -> None:
        if end not in self.pairs[number].ends:
            self.pairs[number].ends[end] = 0
            self._found.append((number, end))
            self._count()

    def _count(self) -> None:
        self._made += 1
        if self._made > self._most:
            raise LimitError(
                f"the grammar crossed with the regular language has more than {self._most} rules",
                hint="Make the regular language simpler, or raise Limits(max_automaton_states=...)",
            )

    # ---- the least bytes to each: Knuth's generalisation of Dijkstra's algorithm, as for rules

    def _settle(self) -> None:
        heap: list[tuple[int, int, int]] = []
        for number, pair in enumerate(self.pairs):
            if pair.node.accepting:
                heap.append((0, number, pair.state))
            for (i, state), behind in pair.ways.items():
                if behind is None and i not in pair.calls:
                    heap.append((self._step(pair, i, state) or 0, number, state))
        heapq.heapify(heap)
        while heap:
            cost, number, end = heapq.heappop(heap)
            pair = self.pairs[number]
            if end in pair.ends:
                continue
            pair.ends[end] = cost
            for before, i, state in pair.before:
                step = self._step(self.pairs[before], i, state)
                if step is not None:
                    heapq.heappush(heap, (step + cost, before, end))
            for caller, i in pair.callers:
                behind = self.pairs[caller].ways[i, end]
                if behind is None:
                    heapq.heappush(heap, (cost, caller, end))
                else:
                    for last, rest in self.pairs[behind].ends.items():
                        heapq.heappush(heap, (cost + rest, caller, last))

    def _step(self, pair: _Pair, i: int, state: int) -> int | None:
        """Least bytes of the symbol of an edge that ends in a state; None: not settled yet."""
        symbol = pair.node.edges[i].symbol
        if isinstance(symbol, Terminal):
            return self._crossing.run(symbol, pair.state).cost[state]
        return self.pairs[pair.calls[i]].ends.get(state)
