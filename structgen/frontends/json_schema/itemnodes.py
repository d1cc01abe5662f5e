"""Items of unique arrays that are objects: nodes of the items, and what is sure of the next item whatever they are.

In the middle of an item masks need to know how tokens go on behind it, such as ``},{"``, and the item itself decides
what the next one may be. But whatever it is, objects without end remain; so the next may begin, and go on to its first
name. Whether it may be empty is known if the item is not, so the empty object is an edge of its own.

Receives keys; returns nodes, as ``lower`` does:

- ``(FILLED, v)``: an object that is not empty among the values numbered v, with the whitespace before it;
- ``(BEGUN, p)``: in such an object of plan p, before its first property;
- ``(BEHIND, p, i, sure)``: in a unique array of plan p behind i items, of which the last is not known;
  ``(NEXT, p, i, sure)``: after the comma that follows; ``(OPENED, p, i, sure)``: after the next item's bracket;
- ``(DOUBT, rest)``: what the item decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from structgen.automata.bytedfa import chain
from structgen.frontends.json_schema.arrays import Memory
from structgen.frontends.json_schema.formula import INFINITE
from structgen.frontends.json_schema.seen import EMPTY_OBJECT
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.unique import UniquePlan
from structgen.ir.network import END, UNSURE, Call, Edge, Key, Node, Terminal

FILLED, BEGUN, BEHIND, NEXT, OPENED, DOUBT = range(200, 206)
#: Labels: to what follows; behind the next item if it is the empty object.
_ON, _EMPTY = range(2)


class Sure(NamedTuple):
    """What is sure behind an item, whatever it is.

    Attributes:
        comma: least bytes after the comma.
        filled: least bytes of the next item, which is not empty, and of all that follows.
        empty: the same of the empty object; INFINITE: it may not come.
    """

    comma: int
    filled: int
    empty: int


class ItemNodes:
    """The part of a network that writes such items.

    Args:
        plans: all plans, by number.
        terminals: the terminals of JSON text.
        settled: numbers of the live plans of the values with a number.
        first_name: the key of an object of a plan after the opening quote of its first name, and the least bytes from
            there to its end.
    """

    def __init__(
        self,
        plans: list[Any],
        terminals: Terminals,
        settled: Callable[[int], list[int]],
        first_name: Callable[[int], tuple[Key, int]],
    ) -> None:
        self.plans = plans
        self.terminals = terminals
        self._settled = settled
        self._first_name = first_name
        self._sure: dict[tuple[int, int, int], Sure | None] = {}
        self.empty = Terminal(chain(terminals.open_object.dfa, terminals.close_object.dfa), "{}")

    def expand(self, key: Any) -> Node:
        """As ``Network.expand``."""
        kind, t = key[0], self.terminals
        if kind == FILLED:
            return Node(False, tuple(self._openings(key[1])))
        if kind == BEGUN:
            return Node(False, (Edge(t.first_quote, _ON, self._first_name(key[1])[1]),))
        if kind == DOUBT:
            return Node(False, (Edge(UNSURE, _ON, key[1]),))
        _, p, i, sure = key
        if kind == BEHIND:
            close = (Edge(t.close_array, END, 0),) if self.plans[p].may_close(i, self.plans[p].start) else ()
            return Node(False, (Edge(t.comma, _ON, sure.comma), *close))
        least = min(sure.filled, sure.empty)
        if kind == NEXT:
            return Node(False, (Edge(t.open_object, _ON, least - 1),))
        edges = [Edge(t.first_quote, _ON, sure.filled - 1 - t.quote_cost)]
        if sure.empty < INFINITE:
            edges.append(Edge(t.close_object, _EMPTY, sure.empty - 1 - t.close_cost))
        return Node(False, tuple(edges))

    def follow(self, key: Any, label: Any) -> Key:
        """As ``Network.follow``."""
        kind = key[0]
        if kind == FILLED:
            return (BEGUN, label)
        if kind == BEGUN:
            return self._first_name(key[1])[0]
        if kind == BEHIND:
            return (NEXT, *key[1:])
        if kind == NEXT:
            return (OPENED, *key[1:])
        return (DOUBT, self.expand(key).edges[label].rest)

    def least(self, key: Any) -> int:
        """As ``Network.least``."""
        symbols = [(e.symbol, e.rest) for e in self.expand(key).edges]
        return min(r + (0 if isinstance(s, Call) or s is UNSURE else s.min_length()) for s, r in symbols)

    def describe(self, key: Any, label: Any) -> str | None:
        """As ``Network.describe``."""
        p = label if key[0] == FILLED else key[1] if key[0] != DOUBT else None
        where: str | None = None if p is None else self.plans[p].shape.where
        return where

    def behind(self, p: int, i: int, memory: Memory) -> Key | None:
        """The node behind item i of a unique array, which is an object that is not empty; None: nothing is known."""
        plan = self.plans[p]
        seen = memory.seen or frozenset()
        if not isinstance(plan, UniquePlan) or not plan.has_objects_only(i) or not plan.has_objects_only(i + 1):
            return None
        known = p, i, len(seen)
        if known not in self._sure:
            self._sure[known] = self._find(plan, i + 1, len(seen) + 1)
        sure = self._sure[known]
        if sure is None:
            return None
        if EMPTY_OBJECT in seen:
            sure = sure._replace(empty=INFINITE)
        return (BEHIND, p, i + 1, sure)

    def _find(self, plan: UniquePlan, i: int, written: int) -> Sure | None:
        gap = self.terminals.gap_cost
        comma, filled = plan.comma_rest(i, written), plan.filled_rest(i, written)
        return None if comma is None or filled is None else Sure(comma, filled - gap, plan.empty_rest(i) - gap)

    def of_objects(self, plan: Any, i: int) -> bool:
        """Are the items at an index objects, of which the empty one is an edge of its own?"""
        return isinstance(plan, UniquePlan) and plan.has_objects_only(i)

    def edges(self, v: int, label: int, rest: int) -> Iterator[Edge]:
        """The ways to write such an item, one of the values numbered v; the empty object has the label (label,)."""
        if any(self.plans[p].may_be_empty() for p in self._settled(v)):
            yield Edge(self.empty, (label,), rest, capture=True)
        if any(True for _ in self._openings(v)):
            yield Edge(Call((FILLED, v)), label, rest, capture=True)

    def _openings(self, v: int) -> Iterator[Edge]:
        for p in self._settled(v):
            rest = self._first_name(p)[1]
            if rest < INFINITE:
                yield Edge(self.terminals.open_object, p, self.terminals.quote_cost + rest)


__all__ = ["FILLED", "ItemNodes"]
