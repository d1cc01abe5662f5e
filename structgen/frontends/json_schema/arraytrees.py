"""Arrays under a Boolean combination of shapes, written once while the shapes are watched.

Receives a :class:`Tree` of array shapes; returns :class:`ArrayTreePlan`. As ``objecttrees``, with items for properties:
an item breaks a shape, or is counted by what it must contain; bounds on the length are settled as items come.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from structgen.errors import LimitError
from structgen.frontends.json_schema.derive import Derivation, Question
from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.formula import TRUE as ANY_VALUE
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.residuals import FALSE, TRUE, Residuals
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ArrayShape, Tree
from structgen.frontends.json_schema.supply import Supply

#: States looked at when the shortest array is sought.
MAX_SEARCH = 60_000
#: Residuals looked at when everything a text may come to is made in advance.
_EXPLORED = 300
#: What a leaf says: of each item; of the number of items; of how many items satisfy something.
EVERY, LENGTH, SOME = range(3)


class ArrayTreeState(NamedTuple):
    """What matters of the items written so far: what is left to be shown, and their number, as far as it matters."""

    residual: int
    number: int


class Leaf(NamedTuple):
    """One obligation.

    Attributes:
        kind: EVERY, LENGTH or SOME.
        formulas: by index, the last for all further items; where it is None, any item will do.
        lo, hi: bounds on the length, or on how many items satisfy their formula.
    """

    kind: int
    formulas: tuple[Formula | None, ...]
    lo: int = 0
    hi: int | None = None


class ArrayTreePlan:
    """The writing of arrays under a tree of shapes."""

    def __init__(self, normaliser: Normaliser, tree: Tree, terminals: Terminals) -> None:
        self.normaliser = normaliser
        self.shape = tree
        self.terminals = terminals
        shapes = tree.shapes()
        #: from here on all items are treated alike
        self.alike = max(max(len(s.prefix), *(c.start for c in s.contains), 0) for s in shapes)
        self._item_bits = (1 << (self.alike + 1)) - 1
        self._length_bit = 1 << (self.alike + 1)
        self.leaves: list[Leaf] = []
        self._support: list[int] = []
        self.residuals = Residuals(self._support.__getitem__)
        self._ways = Derivation(normaliser, self.residuals, self._ask, tree.where)
        self.root = self.residuals.of_tree(tree, self._obligations)
        self._settled: dict[tuple[int, int], ArrayTreeState] = {}
        self._ends: dict[ArrayTreeState, bool] = {}
        self._least: dict[ArrayTreeState, int] = {}
        self._onward: dict[ArrayTreeState, list[tuple[Formula, ArrayTreeState, int]]] = {}
        self._costs: Costs | None = None

    # leaves

    def _leaf(self, leaf: Leaf) -> int:
        support = self._length_bit if leaf.kind == LENGTH else 0
        for x, f in enumerate(leaf.formulas):
            if f is not None:
                support |= 1 << x
        self.leaves.append(leaf)
        self._support.append(support)
        return self.residuals.leaf(len(self.leaves) - 1)

    def _obligations(self, shape: ArrayShape) -> Iterator[int]:
        items = [shape.item(x) for x in range(self.alike + 1)]
        said = tuple(None if f.kind == ANY_VALUE else f for f in items)
        if any(said):
            yield self._leaf(Leaf(EVERY, said))
        if shape.lo > 0 or shape.hi is not None:
            yield self._leaf(Leaf(LENGTH, (), shape.lo, shape.hi))
        for c in shape.contains:
            asked = tuple(c.formula if x >= c.start else None for x in range(self.alike + 1))
            yield self._leaf(Leaf(SOME, asked, c.lo, c.hi))

    def _ask(self, r: int, number: int, count: int, x: int) -> Question:
        leaf = self.leaves[number]
        f = leaf.formulas[x]
        assert f is not None
        if leaf.kind == EVERY:
            return Question(f, r, FALSE)
        count += 1
        if leaf.hi is None:
            return Question(f, TRUE if count >= leaf.lo else self.residuals.leaf(number, count), r)
        return Question(f, FALSE if count > leaf.hi else self.residuals.leaf(number, count), r)

    # states

    @property
    def begin(self) -> ArrayTreeState:
        """Nothing is written."""
        return self._state(self.root, 0)

    def _state(self, r: int, number: int) -> ArrayTreeState:
        """The state after so many items, with what is settled left out."""
        key = (r, number)
        found = self._settled.get(key)
        if found is None:
            res = self.residuals
            ahead = self._item_bits >> min(number, self.alike) << min(number, self.alike)
            into = {}
            for inner, (j, count) in res.leaves(r).items():
                leaf = self.leaves[j]
                if leaf.kind == LENGTH:
                    if leaf.hi is not None and number > leaf.hi:
                        into[inner] = FALSE
                    elif leaf.hi is None and number >= leaf.lo:
                        into[inner] = TRUE
                elif leaf.kind == EVERY and not self._support[j] & ahead:
                    into[inner] = TRUE
                elif leaf.kind == SOME and leaf.hi is None and count >= leaf.lo:
                    into[inner] = TRUE
            r = res.replace(r, into)
            if not res.support[r] & self._length_bit:
                number = min(number, max(self.alike, 1))
            found = self._settled[key] = ArrayTreeState(r, number)
        return found

    def may_close(self, state: ArrayTreeState) -> bool:
        found = self._ends.get(state)
        if found is None:
            into = {}
            for inner, (j, count) in self.residuals.leaves(state.residual).items():
                leaf = self.leaves[j]
                number = count if leaf.kind == SOME else state.number
                good = leaf.kind == EVERY or (number >= leaf.lo and (leaf.hi is None or number <= leaf.hi))
                into[inner] = TRUE if good else FALSE
            found = self._ends[state] = self.residuals.replace(state.residual, into) == TRUE
        return found

    def _following(self, state: ArrayTreeState) -> Iterator[tuple[Formula, ArrayTreeState]]:
        for f, r in self._ways.ways(state.residual, min(state.number, self.alike)):
            new = self._state(r, state.number + 1)
            if new.residual != FALSE:
                yield f, new

    def onward(self, state: ArrayTreeState) -> list[tuple[Formula, ArrayTreeState, int]]:
        """The live ways to write the next item: formula, state after it, least bytes from there."""
        found = self._onward.get(state)
        if found is None:
            assert self._costs is not None
            found = []
            for f, new in self._following(state):
                if self._costs(f) < INFINITE:
                    left = self.left(new)
                    if left < INFINITE:
                        found.append((f, new, left))
            self._onward[state] = found
        return found

    def distinct(self, supply: Supply, n: int) -> list[int]:
        """As ``ArrayPlan.distinct``: what is not known without a search is left to it."""
        return []

    def formulas_inside(self) -> list[Formula]:
        """Formulas of the items that may be written, as far as they can be made in advance."""
        found: dict[Formula, None] = {}
        assert self._costs is not None
        todo = [self.begin]
        seen = set(todo)
        while todo and len(seen) < _EXPLORED:
            for f, new in self._following(todo.pop()):
                if self._costs(f) < INFINITE:
                    found[f] = None
                    if new not in seen:
                        seen.add(new)
                        todo.append(new)
        return list(found)

    # costs

    def least(self, costs: Costs) -> int:
        """Least bytes of the array, brackets included, the whitespace before it not."""
        if self._costs is None:
            return min(1 + self._search(self.begin, costs, {}), INFINITE)
        return min(1 + self.left(self.begin), INFINITE)

    def settle(self, costs: Costs, supply: Supply) -> None:
        """Fix the costs; afterwards the plan can be expanded."""
        if self._costs is None:
            self._costs = costs

    def left(self, state: ArrayTreeState) -> int:
        """Least bytes from here to the end of the array, the closing bracket included; INFINITE: no way."""
        found = self._least.get(state)
        if found is None:
            assert self._costs is not None
            found = self._search(state, self._costs, self._least)
        return found

    def _search(self, start: ArrayTreeState, costs: Costs, known: dict[ArrayTreeState, int]) -> int:
        """Dijkstra's algorithm; what it finds of the states on the shortest way goes into ``known``."""
        t = self.terminals
        heap: list[tuple[int, int, ArrayTreeState, ArrayTreeState | None]] = [(0, 0, start, None)]
        pushed = 0
        done: dict[ArrayTreeState, tuple[int, ArrayTreeState | None]] = {}
        while heap:
            cost, _, state, before = heapq.heappop(heap)
            if state in done:
                continue
            done[state] = (cost, before)
            if self.may_close(state):
                at: ArrayTreeState | None = state
                while at is not None:
                    reached, before = done[at]
                    known[at] = cost - reached + t.close_cost
                    at = before
                return cost + t.close_cost
            if len(done) > MAX_SEARCH:
                raise LimitError(
                    f"the shortest array under combined schemas is looked for among more than {MAX_SEARCH} states",
                    where=self.shape.where,
                    hint="This limit is fixed: lower minItems or minContains, or combine fewer schemas",
                )
            step = t.gap_cost + (t.comma_cost if state.number else 0)
            for f, new in self._following(state):
                value = costs(f)
                if new not in done and value < INFINITE:
                    pushed += 1
                    heapq.heappush(heap, (cost + step + value, pushed, new, state))
        known[start] = INFINITE
        return INFINITE


__all__ = ["ArrayTreePlan", "ArrayTreeState"]
