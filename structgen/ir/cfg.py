"""The network that runs a context-free grammar.

Receives a :class:`Cfg` (built with :class:`Builder`); applies the passes; returns a network for the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from structgen.ir.grammar import Builder, Cfg, Sentence, Symbol, check_defined, least_costs
from structgen.ir.network import END, Call, Capturing, Edge, Key, Label, Node, Terminal
from structgen.ir.passes import prepare
from structgen.ir.terminals import least_bytes

__all__ = ["Builder", "Cfg", "CfgNetwork", "Sentence", "Symbol", "network"]


class CfgNetwork:
    """A grammar as a network: passes applied, left recursion gone.

    A node is a set of *rests*: what may still follow in alternatives that began alike. So alternatives with a
    common prefix share it, and equal rests of different rules are one node. Keys are names of rules and numbers;
    nodes of a part are (its name, its key).

    Args:
        cfg: the grammar as a front end built it.
        start: another start rule than the grammar's.

    Attributes:
        cfg: the grammar after all passes, which is what runs.
        nested: see :class:`structgen.ir.network.Network`.

    Raises:
        UnsatisfiableError: the start rule has no text at all.
        SourceSyntaxError: a rule is used but not defined.
    """

    nested = True

    def __init__(self, cfg: Cfg, start: str | None = None) -> None:
        cfg = cfg if start is None else cfg.with_rules(cfg.rules, start)
        check_defined(cfg)
        self.cfg = prepare(cfg)
        self._least_rule = least_costs(self.cfg)
        self._symbols: dict[object, Symbol] = {}
        self._keys: dict[tuple[Sentence, ...], int] = {}
        self._rests: list[tuple[Sentence, ...]] = []
        self._places: list[str | None] = []
        self._nodes: dict[Key, Node] = {}
        self._pending: list[int] = []
        canonical = {
            name: tuple(tuple(map(self._canonical, a)) for a in alternatives)
            for name, alternatives in self.cfg.rules.items()
        }
        for name, alternatives in canonical.items():
            place = self.cfg.where.get(name)
            self._nodes[name] = self._build(alternatives, place)
            while self._pending:
                number = self._pending.pop()
                self._nodes[number] = self._build(self._rests[number], place)

    @property
    def start(self) -> Key:
        return self.cfg.start

    def expand(self, key: Key) -> Node:
        if isinstance(key, tuple):
            name, inner = key
            accepting, edges = self.cfg.parts[name].expand(inner)
            calls = [e._replace(symbol=Call((name, e.symbol.key))) if isinstance(e.symbol, Call) else e for e in edges]
            return Node(accepting, tuple(calls))
        return self._nodes[key]

    def follow(self, key: Key, label: Label) -> Key:
        if isinstance(key, tuple):
            name, inner = key
            return (name, self.cfg.parts[name].follow(inner, label))
        return label

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        assert isinstance(key, tuple), "only parts capture"
        name, inner = key
        return (name, cast(Capturing, self.cfg.parts[name]).follow_text(inner, label, text))

    def least(self, key: Key) -> int:
        if isinstance(key, tuple):
            name, inner = key
            return self.cfg.parts[name].least(inner)
        if isinstance(key, str):
            return self._least_rule[key]
        assert isinstance(key, int)
        return min(map(self._cost, self._rests[key]))

    def describe(self, key: Key, label: Label) -> str | None:
        if isinstance(key, tuple):
            name, inner = key
            return self.cfg.parts[name].describe(inner, label)
        if isinstance(key, str):
            return self.cfg.where.get(key)
        assert isinstance(key, int)
        return self._places[key]

    def _canonical(self, symbol: Symbol) -> Symbol:
        """One object for all terminals of one automaton, so that equal rests compare equal."""
        name = symbol.digest if isinstance(symbol, Terminal) else symbol
        return self._symbols.setdefault(name, symbol)

    def _cost(self, rest: Sentence) -> int:
        return sum(least_bytes(s) if isinstance(s, Terminal) else self._least_rule[s] for s in rest)

    def _build(self, alternatives: Iterable[Sentence], place: str | None) -> Node:
        groups: dict[Symbol, list[Sentence]] = {}
        accepting = False
        for alternative in alternatives:
            if alternative:
                groups.setdefault(alternative[0], []).append(alternative[1:])
            else:
                accepting = True
        edges = []
        for symbol, rests in groups.items():
            label = self._key(tuple(dict.fromkeys(rests)), place)
            rest = 0 if label is END else self.least(label)
            edges.append(Edge(self._call(symbol) if isinstance(symbol, str) else symbol, label, rest))
        return Node(accepting, tuple(edges))

    def _call(self, name: str) -> Call:
        part = self.cfg.parts.get(name)
        return Call(name if part is None else (name, part.start))

    def _key(self, rests: tuple[Sentence, ...], place: str | None) -> Key:
        """The key of the node of these rests; END for the empty rest alone."""
        if rests == ((),):
            return END
        if len(rests) == 1 and len(rests[0]) == 1 and isinstance(rests[0][0], str):
            return self._call(rests[0][0]).key
        rests = tuple(sorted(rests, key=self._order))
        known = self._keys.get(rests)
        if known is None:
            known = len(self._rests)
            self._keys[rests] = known
            self._rests.append(rests)
            self._places.append(place)
            self._pending.append(known)
        return known

    def _order(self, rest: Sentence) -> tuple[tuple[bool, bytes | str], ...]:
        return tuple((isinstance(s, str), s if isinstance(s, str) else s.digest) for s in rest)


def network(cfg: Cfg, start: str | None = None) -> CfgNetwork:
    """The network of a grammar. See :class:`CfgNetwork`."""
    return CfgNetwork(cfg, start)
