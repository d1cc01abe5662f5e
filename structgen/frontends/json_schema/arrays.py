"""Arrays being written: what may come next, and the least bytes to the end.

Receives an array shape; returns :class:`ArrayPlan`. Costs of values come from outside, as in ``objects``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from structgen.errors import LimitError, UnsupportedError
from structgen.frontends.json_schema.finite import members
from structgen.frontends.json_schema.formula import FALSE, INFINITE, Costs, Formula
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ArrayShape, Contains

#: Values of a finite type that uniqueItems tells apart.
_MAX_MEMBERS = 2_000
#: States looked at when the shortest array under contains or uniqueItems is sought.
_MAX_SEARCH = 50_000


class Way(NamedTuple):
    """A way to write the next item: its formula, and what is remembered of it.

    Attributes:
        formula: what the item satisfies.
        extra: the memory after it.
    """

    formula: Formula
    extra: tuple[int, ...]


class ArrayPlan:
    """The writing of one array shape. A state is (number of items, capped; memory).

    The memory holds a count for each contains obligation, and for uniqueItems the bits of the values used.

    Raises:
        UnsupportedError: uniqueItems over a type with too many values.
    """

    def __init__(self, normaliser: Normaliser, shape: ArrayShape, terminals: Terminals) -> None:
        self.normaliser = normaliser
        self.shape = shape
        self.terminals = terminals
        self.contains: tuple[Contains, ...] = shape.contains
        self.members: list[Formula] | None = None
        if shape.unique is True:
            self.members = self._members()
        elif shape.unique is False:
            raise UnsupportedError(
                "an array in which some items are equal (the negation of uniqueItems)", where=shape.where
            )
        self.simple = not self.contains and self.members is None
        #: up to here the index matters even without an upper bound
        self.horizon = max([1, len(shape.prefix), shape.lo, *(c.start for c in self.contains)])
        zeros = (0,) * len(self.contains)
        self.start: tuple[int, ...] = zeros if self.members is None else (*zeros, 0)
        self.hi = shape.hi
        self._costs: Costs | None = None
        self._after: dict[tuple[int, tuple[int, ...]], int] = {}
        self._ways: dict[tuple[int, tuple[int, ...]], list[Way]] = {}

    def _members(self) -> list[Formula]:
        shape, n = self.shape, self.normaliser
        formulas = dict.fromkeys(shape.prefix)
        if shape.hi is None or shape.hi > len(shape.prefix):
            formulas[shape.rest] = None
        found: dict[Formula, None] = {}
        for f in formulas:
            values = members(n, n.values(f), _MAX_MEMBERS)
            if values is None:
                raise UnsupportedError(
                    "uniqueItems over a type with unboundedly many values",
                    where=f"{shape.where or '#'}/uniqueItems",
                    hint="Use an enum for the items, or remove uniqueItems",
                )
            found.update(dict.fromkeys(n.formulas.exact(n.frozen(value)) for value in values))
        return list(found)

    # items

    def index(self, i: int) -> int:
        """The index as far as it matters."""
        return min(i, self.horizon) if self.hi is None else i

    def ways(self, i: int, extra: tuple[int, ...]) -> list[Way]:
        """The ways to write item i; some may have no value."""
        if self.simple:
            return [Way(self.shape.item(i), ())]
        key = (self.index(i), extra)
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = list(self._options(i, extra))
        return found

    def _options(self, i: int, extra: tuple[int, ...]) -> Iterator[Way]:
        n = self.normaliser
        both, neither = n.formulas.both, n.formulas.neither
        base = self.shape.item(i)
        if self.members is not None:
            used = extra[-1]
            for bit, member in enumerate(self.members):
                if used >> bit & 1 or n.hollow(both(base, member), 3):
                    continue
                counts = tuple(
                    self._count(c, k, i >= c.start and not n.hollow(both(member, c.formula), 3))
                    for c, k in zip(self.contains, extra, strict=False)
                )
                yield Way(member, (*counts, used | 1 << bit))
            return
        choices: list[list[bool | None]] = []
        for c, k in zip(self.contains, extra, strict=True):
            if i < c.start or (c.hi is None and k >= c.lo):
                choices.append([None])
            elif c.hi is None:
                choices.append([None, True])
            else:
                choices.append([False, True] if k < c.hi else [False])
        for choice in product(*choices):
            formulas = [base]
            numbers: list[int] = []
            for c, k, holds in zip(self.contains, extra, choice, strict=True):
                if holds is not None:
                    formulas.append(c.formula if holds else neither(c.formula))
                numbers.append(self._count(c, k, holds is True))
            f = both(*formulas)
            if f.kind != FALSE:
                yield Way(f, tuple(numbers))

    @staticmethod
    def _count(c: Contains, k: int, one_more: bool) -> int:
        return min(k + one_more, c.lo) if c.hi is None else k + one_more

    def _done(self, i: int, extra: tuple[int, ...]) -> bool:
        return i >= self.shape.lo and all(
            k >= c.lo and (c.hi is None or k <= c.hi) for c, k in zip(self.contains, extra, strict=False)
        )

    # costs

    def least(self, costs: Costs) -> int:
        """Least bytes of the array, brackets included, the whitespace before it not."""
        return min(1 + self._left(0, self.start, costs), INFINITE)

    def settle(self, costs: Costs) -> None:
        """Fix the costs; afterwards the plan can be expanded."""
        if self._costs is None:
            self._costs = costs
            hi = self.shape.hi
            for i, f in enumerate(self.shape.prefix):
                if costs(f) >= INFINITE:
                    hi = i if hi is None else min(hi, i)
                    break
            else:
                if costs(self.shape.rest) >= INFINITE:
                    length = len(self.shape.prefix)
                    hi = length if hi is None else min(hi, length)
            self.hi = hi

    def formulas_inside(self) -> list[Formula]:
        """Formulas of the items that may be written."""
        assert self._costs is not None
        if self.simple:
            found = list(self.shape.prefix if self.hi is None else self.shape.prefix[: self.hi])
            if self.hi is None or self.hi > len(self.shape.prefix):
                found.append(self.shape.rest)
            return found
        if self.members is not None:
            return self.members
        n = self.normaliser.formulas
        base = [*self.shape.prefix, self.shape.rest]
        signs = [(c.formula, n.neither(c.formula)) for c in self.contains]
        return [n.both(f, *choice) for f in base for choice in product(*signs)]

    def left(self, i: int, extra: tuple[int, ...]) -> int:
        """Least bytes from after item i - 1 to the end of the array; INFINITE: no way."""
        key = (self.index(i), extra)
        found = self._after.get(key)
        if found is None:
            assert self._costs is not None
            found = self._after[key] = self._left(key[0], extra, self._costs)
        return found

    def may_close(self, i: int, extra: tuple[int, ...]) -> bool:
        return self._done(i, extra)

    def _left(self, i: int, extra: tuple[int, ...], costs: Costs) -> int:
        shape, t = self.shape, self.terminals
        each = t.comma_cost + t.gap_cost
        if self.simple:
            if i >= shape.lo:
                return t.close_cost
            total = 0
            for j in range(i, min(shape.lo, len(shape.prefix))):
                total += each + costs(shape.prefix[j])
                if total >= INFINITE:
                    return INFINITE
            further = shape.lo - max(i, len(shape.prefix))
            if further > 0:
                total += further * (each + costs(shape.rest))
            if total >= INFINITE:
                return INFINITE
            return total - (t.comma_cost if i == 0 else 0) + t.close_cost
        if self.members is not None and not self.contains and not shape.prefix:
            wanted = shape.lo - i
            if wanted <= 0:
                return t.close_cost
            unused = sorted(costs(way.formula) for way in self.ways(i, extra))[:wanted]
            total = sum(unused) + len(unused) * each
            if len(unused) < wanted or total >= INFINITE or (self.hi is not None and i + wanted > self.hi):
                return INFINITE
            return total - (t.comma_cost if i == 0 else 0) + t.close_cost
        return self._search(i, extra, costs)

    def _search(self, i: int, extra: tuple[int, ...], costs: Costs) -> int:
        """Dijkstra's algorithm over the states."""
        t = self.terminals
        heap = [(0, self.index(i), extra)]
        done: set[tuple[int, tuple[int, ...]]] = set()
        while heap:
            cost, at, memory = heapq.heappop(heap)
            if (at, memory) in done:
                continue
            done.add((at, memory))
            if self._done(at, memory):
                return cost + t.close_cost
            if len(done) > _MAX_SEARCH:
                raise LimitError(
                    f"contains or uniqueItems with bounds needs more than {_MAX_SEARCH} states",
                    where=self.shape.where,
                    hint="Lower minItems, minContains or the number of values",
                )
            if self.hi is not None and at >= self.hi:
                continue
            step = t.gap_cost + (t.comma_cost if at else 0)
            for way in self.ways(at, memory):
                value = costs(way.formula)
                if value < INFINITE:
                    heapq.heappush(heap, (cost + step + value, self.index(at + 1), way.extra))
        return INFINITE
