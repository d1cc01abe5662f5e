"""Items of unique arrays that are objects or strings: what is sure of the next item whatever they are.

In the middle of an item masks need to know how tokens go on behind it, such as ``},{"`` and ``","``, and the item
itself decides what the next one may be. But whatever it is, objects without end remain; so the next may begin, and go
on to its first name. Of strings, all beginnings remain, and only their ends are in doubt. Whether the next may be empty
is known if the item is not, so the empty object and the empty string are edges of their own.

Receives keys; returns nodes, as ``lower`` does:

- ``(FILLED, v)``: an object that is not empty among the values numbered v, with the whitespace before it;
- ``(BEGUN, p)``: in such an object of plan p, before its first property;
- ``(BEHIND, p, i, sure)``: in a unique array of plan p behind i items, of which the last is not known;
  ``(NEXT, p, i, sure)``: after the comma that follows; ``(OPENED, p, i, sure)``: after the next item's bracket;
- ``(DOUBT, rest)``: what the item decides; ``(ENDING, rest)``: may the string end?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from structgen.automata import ByteDfa
from structgen.automata.bytedfa import chain, from_edges, literal
from structgen.frontends.json_schema.arrays import Memory
from structgen.frontends.json_schema.formula import INFINITE
from structgen.frontends.json_schema.seen import EMPTY_OBJECT
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.json_schema.unique import UniquePlan
from structgen.frontends.json_schema.wordtexts import texts_of_all_but
from structgen.ir.network import END, UNSURE, Call, Edge, Key, Node, Terminal, Unsure, unsure

FILLED, BEGUN, BEHIND, NEXT, OPENED, DOUBT, ENDING = range(200, 207)
_ENDING = unsure(Terminal(literal(b'"'), '"'))
#: Labels: to what follows; behind the next item if it is empty.
_ON, _EMPTY = range(2)


class Sure(NamedTuple):
    """What is sure behind an item, whatever it is.

    Attributes:
        comma: least bytes after the comma.
        filled: least bytes of the next item, which is not empty, and of all that follows.
        empty: the same of the empty object or string; INFINITE: it may not come.
        written: how many items have come.
        strings: are they strings?
    """

    comma: int
    filled: int
    empty: int
    written: int
    strings: bool


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
        self._string, self._empty_string, self._empty_object = _made(terminals)

    def expand(self, key: Any) -> Node:
        """As ``Network.expand``."""
        kind, t = key[0], self.terminals
        if kind == FILLED:
            return Node(False, tuple(self._openings(key[1])))
        if kind == BEGUN:
            return Node(False, (Edge(t.first_quote, _ON, self._first_name(key[1])[1]),))
        if kind in (DOUBT, ENDING):
            return Node(False, (Edge(UNSURE if kind == DOUBT else _ENDING, _ON, key[1]),))
        _, p, i, sure = key
        if kind == BEHIND:
            close = (Edge(t.close_array, END, 0),) if self.plans[p].may_close(i, self.plans[p].start) else ()
            return Node(False, (Edge(t.comma, _ON, sure.comma), *close))
        least = min(sure.filled, sure.empty)
        if kind == NEXT and sure.strings:
            # whatever has been written of it, so many bytes more make some string that has not come
            edges = [Edge(self._string, _ON, sure.filled - 1)]
            if sure.empty < INFINITE:
                edges.append(Edge(self._empty_string, _EMPTY, sure.empty - 2))
            return Node(False, tuple(edges))
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
        if kind == NEXT and key[3].strings:
            return self._behind_string(key, label)
        if kind == NEXT:
            return (OPENED, *key[1:])
        return (DOUBT, self.expand(key).edges[label].rest)

    def least(self, key: Any) -> int:
        """As ``Network.least``."""
        symbols = [(e.symbol, e.rest) for e in self.expand(key).edges]
        return min(r + (0 if isinstance(s, Call | Unsure) else s.min_length()) for s, r in symbols)

    def describe(self, key: Any, label: Any) -> str | None:
        """As ``Network.describe``."""
        p = label if key[0] == FILLED else None if key[0] in (DOUBT, ENDING) else key[1]
        where: str | None = None if p is None else self.plans[p].shape.where
        return where

    def behind(self, p: int, i: int, memory: Memory) -> Key | None:
        """The node behind item i of a unique array, which is not empty; None: nothing is known."""
        plan = self.plans[p]
        seen = memory.seen or frozenset()
        if not self.splits(plan, i) or not self.splits(plan, i + 1):
            return None
        strings = plan.has_strings_only(i)
        if strings != plan.has_strings_only(i + 1):
            return None
        return self._at(p, i + 1, len(seen) + 1, strings, ("" if strings else EMPTY_OBJECT) in seen)

    def _at(self, p: int, i: int, written: int, strings: bool, empty: bool) -> Key | None:
        """The node behind i items, of which one is empty or none."""
        known = p, i, written
        if known not in self._sure:
            gap, plan = self.terminals.gap_cost, self.plans[p]
            comma, filled = plan.comma_rest(i, written), plan.filled_rest(i, written)
            if comma is None or filled is None:
                self._sure[known] = None
            else:
                least = plan.empty_rest(i, "" if strings else EMPTY_OBJECT)
                self._sure[known] = Sure(comma, filled - gap, least - gap, written, strings)
        sure = self._sure[known]
        if sure is None:
            return None
        return (BEHIND, p, i, sure._replace(empty=INFINITE) if empty else sure)

    def _behind_string(self, key: Any, label: int) -> Key:
        """In the next string, which may not end yet; or behind it, where it is empty."""
        _, p, i, sure = key
        if label == _ON:
            return (ENDING, sure.filled - 1)
        plan = self.plans[p]
        known = self._at(p, i + 1, sure.written + 1, True, True) if plan.has_strings_only(i + 1) else None
        return (DOUBT, sure.empty - 2) if known is None else known

    def splits(self, plan: Any, i: int) -> bool:
        """Are the items at an index of one of these kinds, and the empty one an edge of its own?"""
        return isinstance(plan, UniquePlan) and (plan.has_objects_only(i) or plan.has_strings_only(i))

    def edges(self, v: int, strings: StringSet, label: int, rest: int) -> Iterator[Edge]:
        """The ways to write such an item, one of the values numbered v; the empty one has the label (label,).

        Args:
            strings: those of the values.
        """
        if not strings.is_empty():
            if strings.contains(""):
                yield Edge(self._empty_string, (label,), rest, capture=True)
                strings = strings.difference(StringSet.of([""]))
            yield Edge(self.terminals.strings(strings, False), label, rest, capture=True)
            return
        if any(self.plans[p].may_be_empty() for p in self._settled(v)):
            yield Edge(self._empty_object, (label,), rest, capture=True)
        if any(True for _ in self._openings(v)):
            yield Edge(Call((FILLED, v)), label, rest, capture=True)

    def _openings(self, v: int) -> Iterator[Edge]:
        for p in self._settled(v):
            rest = self._first_name(p)[1]
            if rest < INFINITE:
                yield Edge(self.terminals.open_object, p, self.terminals.quote_cost + rest)


@lru_cache(maxsize=16)
def _made(terminals: Terminals) -> tuple[Terminal, Terminal, Terminal]:
    """A string without its closing quote, the empty string, the empty object."""
    return (
        Terminal(chain(terminals.gap, _body()), "any string"),
        Terminal(chain(terminals.gap, literal(b'""')), "any string"),
        Terminal(chain(terminals.open_object.dfa, terminals.close_object.dfa), "{}"),
    )


@lru_cache(maxsize=1)
def _body() -> ByteDfa:
    """A string that is not empty up to its closing quote, without it: it may end behind every character."""
    text = texts_of_all_but((), "standard")
    (last,) = np.flatnonzero(text.accept).tolist()
    states = text.n_states
    edges, ends = [], []
    for state in range(states):
        for k in range(int(text.first[state]), int(text.first[state + 1])):
            lo, hi, to = int(text.lo[k]), int(text.hi[k]), int(text.to[k])
            if to == last:
                ends.append(state)
            else:
                edges.append((state, lo, hi, to))
    (inside,) = ends
    opening = states  # behind the opening quote, where the string may not end
    edges = [(s, lo, hi, opening if s == 0 else to) for s, lo, hi, to in edges]
    edges += [(opening, lo, hi, to) for s, lo, hi, to in edges if s == inside]
    return from_edges(states + 1, edges, [inside])


__all__ = ["FILLED", "ItemNodes"]
