"""Networks out of networks: one terminal, union, concatenation, repetition, the part that is not empty.

Receives networks; returns a network. Keys of the parts are tagged with the number of the part, so the parts need
not know of each other; nothing is expanded before the machine asks. Captures are handed to the part that they belong
to, and bans are the terminals' own, so both pass through.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from structgen.errors import UnsatisfiableError
from structgen.ir.network import END, Call, Edge, Key, Label, Network, Node, Terminal
from structgen.ir.terminals import least_bytes, nonempty, nullable


def from_terminal(terminal: Terminal) -> Network:
    """The network of the texts of one terminal."""
    return _Parts([], {_START: Node(False, (Edge(terminal, END, 0),))}, {_START: least_bytes(terminal)})


def empty_text() -> Network:
    """The network of the empty text alone."""
    return _Parts([], {_START: Node(True, ())}, {_START: 0})


def union(*networks: Network) -> Network:
    """The texts of any of the networks.

    Raises:
        UnsatisfiableError: no network is given.
    """
    if not networks:
        raise UnsatisfiableError("a union of nothing has no text")
    edges = tuple(Edge(Call((i, n.start)), END, 0) for i, n in enumerate(networks))
    return _Parts(networks, {_START: Node(False, edges)}, {_START: min(n.least(n.start) for n in networks)})


def concat(*networks: Network) -> Network:
    """A text of the first network, then one of the second, and so on; of none: the empty text."""
    if not networks:
        return empty_text()
    costs = [n.least(n.start) for n in networks]
    after = [0, *accumulate(reversed(costs))][::-1]
    last = len(networks) - 1
    nodes = {
        (_OWN, i): Node(False, (Edge(Call((i, n.start)), END if i == last else i + 1, after[i + 1]),))
        for i, n in enumerate(networks)
    }
    return _Parts(networks, nodes, {(_OWN, i): after[i] for i in range(len(networks))})


def optional(network: Network) -> Network:
    """The texts of a network, and the empty text."""
    return repeat(network, 0, 1)


def repeat(network: Network, lo: int, hi: int | None) -> Network:
    """``lo`` to ``hi`` texts of a network, one after the other; hi None: no upper bound.

    Raises:
        ValueError: not 0 <= lo <= hi.
    """
    if lo < 0 or (hi is not None and hi < lo):
        raise ValueError(f"cannot repeat {lo} to {hi} times")
    if _Empties(network).has(network.start):
        # empty rounds add nothing, so rounds that are not empty will do, from none of them on
        something = _Nonempty(network)
        if not something.satisfiable or hi == 0:
            return empty_text()
        return _Repeat(something, 0, hi)
    return _Repeat(network, lo, hi)


def without_empty(network: Network) -> Network:
    """The texts of a network that are not empty.

    Raises:
        UnsatisfiableError: there is none.
    """
    if not _Empties(network).has(network.start):
        return network
    result = _Nonempty(network)
    if not result.satisfiable:
        raise UnsatisfiableError("only the empty text is left", where=network.describe(network.start, END))
    return result


#: Marks the keys of nodes that a combination adds. Parts are numbered from 0.
_OWN = -1
_START = (_OWN, 0)


def _pair(key: Key) -> tuple[Any, Any]:
    """The number of a part and a key of that part."""
    assert isinstance(key, tuple)
    return key


class _Parts:
    """Some nodes of its own, keyed (_OWN, i), above parts whose keys are (number, key)."""

    start: Key = _START

    def __init__(
        self,
        parts: tuple[Network, ...] | list[Network],
        nodes: dict[tuple[int, int], Node],
        least: dict[tuple[int, int], int],
    ) -> None:
        self._parts = tuple(parts)
        self._nodes = nodes
        self._least = least

    def expand(self, key: Key) -> Node:
        i, inner = _pair(key)
        return self._nodes[_OWN, inner] if i == _OWN else _tagged(self._parts[i], i, inner)

    def follow(self, key: Key, label: Label) -> Key:
        i, inner = _pair(key)
        return (_OWN, label) if i == _OWN else (i, self._parts[i].follow(inner, label))

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        i, inner = _pair(key)
        return (i, _follow_text(self._parts[i], inner, label, text))

    def outline(self, key: Key, label: Label) -> Key | None:
        i, inner = _pair(key)
        return _outline(self._parts[i], i, inner, label)

    def least(self, key: Key) -> int:
        i, inner = _pair(key)
        return self._least[_OWN, inner] if i == _OWN else self._parts[i].least(inner)

    def describe(self, key: Key, label: Label) -> str | None:
        i, inner = _pair(key)
        return None if i == _OWN else self._parts[i].describe(inner, label)


def _follow_text(part: Network, key: Key, label: Label, text: bytes) -> Key:
    """Only parts that capture are asked."""
    capturing: Any = part
    return capturing.follow_text(key, label, text)


def _outline(part: Network, i: int, key: Key, label: Label) -> Key | None:
    """The outline that a part gives, tagged; None where it gives none."""
    outline = getattr(part, "outline", None)
    inner = None if outline is None else outline(key, label)
    return None if inner is None else (i, inner)


class _Empties:
    """Which nodes of a network have the empty text. (``least`` is 0 there, but for those that capture.)"""

    def __init__(self, part: Network) -> None:
        self._part = part
        self._known: dict[Key, bool] = {}

    def has(self, key: Key) -> bool:
        if self._part.least(key) == 0:
            return True
        if not hasattr(self._part, "follow_text"):
            return False
        if key not in self._known:
            node = self._part.expand(key)
            self._known[key] = node.accepting or any(
                self.passes(edge) and (edge.label is END or self.has(self.behind(key, edge))) for edge in node.edges
            )
        return self._known[key]

    def passes(self, edge: Edge) -> bool:
        """May the symbol of an edge be empty?"""
        return self.has(edge.symbol.key) if isinstance(edge.symbol, Call) else nullable(edge.symbol)

    def behind(self, key: Key, edge: Edge) -> Key:
        """The node behind an edge whose symbol is empty."""
        if edge.capture:
            return _follow_text(self._part, key, edge.label, b"")
        return self._part.follow(key, edge.label)


def _tagged(part: Network, i: int, key: Key) -> Node:
    accepting, edges = part.expand(key)
    return Node(
        accepting,
        tuple(
            edge._replace(symbol=Call((i, edge.symbol.key))) if isinstance(edge.symbol, Call) else edge
            for edge in edges
        ),
    )


class _Repeat:
    """Rounds of one part, which is never empty. The node (_OWN, n): n rounds are done, counted as far as it matters."""

    def __init__(self, part: Network, lo: int, hi: int | None) -> None:
        self._part = part
        self._lo = lo
        self._hi = hi
        self._round = part.least(part.start)
        self.start: Key = (_OWN, 0)

    def expand(self, key: Key) -> Node:
        i, inner = _pair(key)
        if i != _OWN:
            return _tagged(self._part, 0, inner)
        edges: tuple[Edge, ...] = ()
        if self._hi is None or inner < self._hi:
            done = self._next(inner)
            label = END if done == self._hi else done
            edges = (Edge(Call((0, self._part.start)), label, self._need(done)),)
        return Node(inner >= self._lo, edges)

    def follow(self, key: Key, label: Label) -> Key:
        i, inner = _pair(key)
        return (_OWN, label) if i == _OWN else (0, self._part.follow(inner, label))

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        return (0, _follow_text(self._part, _pair(key)[1], label, text))

    def outline(self, key: Key, label: Label) -> Key | None:
        return _outline(self._part, 0, _pair(key)[1], label)

    def least(self, key: Key) -> int:
        i, inner = _pair(key)
        return self._need(inner) if i == _OWN else self._part.least(inner)

    def describe(self, key: Key, label: Label) -> str | None:
        i, inner = _pair(key)
        return None if i == _OWN else self._part.describe(inner, label)

    def _next(self, done: int) -> int:
        return done + 1 if self._hi is not None else min(done + 1, self._lo)

    def _need(self, done: int) -> int:
        return max(0, self._lo - done) * self._round


class _Nonempty:
    """A network without the empty text. The key (0, k): node k, and nothing has been read since the start.

    Such a node may not end. Where its symbol may be empty, the ways out of the next node are its own as well; that
    ends, for no chain of nodes without a byte meets a key twice.
    """

    def __init__(self, part: Network) -> None:
        self._part = part
        self._empties = _Empties(part)
        self._known: dict[Key, int | None] = {}
        self.start: Key = (_FRESH, part.start)
        self.satisfiable = self._some(part.start) is not None

    def expand(self, key: Key) -> Node:
        i, inner = _pair(key)
        if i == _USED:
            return _tagged(self._part, _USED, inner)
        return Node(False, tuple(self._fresh_edges(inner)))

    def _fresh_edges(self, first: Key) -> list[Edge]:
        result: list[Edge] = []
        todo, seen = [first], {first}
        while todo:
            key = todo.pop()
            for edge in self._part.expand(key).edges:
                symbol = edge.symbol
                label = END if edge.label is END else (key, edge.label)
                if isinstance(symbol, Call):
                    if self._some(symbol.key) is not None:
                        result.append(edge._replace(symbol=Call((_FRESH, symbol.key)), label=label))
                else:
                    something = nonempty(symbol)
                    if something is not None:
                        result.append(edge._replace(symbol=something, label=label))
                if edge.label is not END and self._empties.passes(edge):
                    following = self._empties.behind(key, edge)
                    if following not in seen:
                        seen.add(following)
                        todo.append(following)
        return result

    def follow(self, key: Key, label: Label) -> Key:
        i, inner = _pair(key)
        if i == _FRESH:
            inner, label = _pair(label)
        return (_USED, self._part.follow(inner, label))

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        i, inner = _pair(key)
        if i == _FRESH:
            inner, label = _pair(label)
        return (_USED, _follow_text(self._part, inner, label, text))

    def outline(self, key: Key, label: Label) -> Key | None:
        i, inner = _pair(key)
        if i == _FRESH:
            inner, label = _pair(label)
        return _outline(self._part, _USED, inner, label)

    def least(self, key: Key) -> int:
        i, inner = _pair(key)
        if i == _USED:
            return self._part.least(inner)
        cost = self._some(inner)
        assert cost is not None, "a node without a text that is not empty is never reached"
        return cost

    def describe(self, key: Key, label: Label) -> str | None:
        i, inner = _pair(key)
        if i == _FRESH and label is not END:
            inner, label = _pair(label)
        return self._part.describe(inner, label)

    def _some(self, key: Key) -> int | None:
        """Least bytes, but one at least, from a node to the end of its rule; None if there is no such way."""
        if not self._empties.has(key):
            return self._part.least(key)
        if key not in self._known:
            costs = []
            for edge in self._part.expand(key).edges:
                symbol = edge.symbol
                if isinstance(symbol, Call):
                    cost = self._some(symbol.key)
                else:
                    something = nonempty(symbol)
                    cost = None if something is None else least_bytes(something)
                if cost is not None:
                    costs.append(cost + edge.rest)
                if edge.label is not END and self._empties.passes(edge):
                    further = self._some(self._empties.behind(key, edge))
                    if further is not None:
                        costs.append(further)
            self._known[key] = min(costs, default=None)
        return self._known[key]


_FRESH, _USED = 0, 1
