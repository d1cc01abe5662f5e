"""Arrays being written: what may come next, and the least bytes to the end.

Receives an array shape; returns :class:`ArrayPlan`. Costs of values come from outside, as in ``objects``. Arrays whose
items must differ (or some of which must not) are in ``unique``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from structgen.errors import LimitError
from structgen.frontends.json_schema.formula import FALSE, INFINITE, Costs, Formula
from structgen.frontends.json_schema.load import Frozen
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.seen import Seen
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ArrayShape, Contains
from structgen.frontends.json_schema.supply import Supply, varied

#: States looked at when the shortest array under contains is sought.
MAX_SEARCH = 50_000

Counts = tuple[int, ...]


class Memory(NamedTuple):
    """What matters of the items written so far.

    Attributes:
        counts: for each contains obligation, how many items have met it, as far as it matters.
        seen: the items, where they must differ; None: two equal ones have come, as they had to.
    """

    counts: Counts
    seen: Seen | None = frozenset()


class Way(NamedTuple):
    """A way to write the next item.

    Attributes:
        formula: what the item satisfies.
        memory: what is remembered after it; the item itself is added where it is captured.
        after: least bytes after it; INFINITE: no way.
        captures: the item is to be remembered.
    """

    formula: Formula
    memory: Memory
    after: int
    captures: bool = False


class ArrayPlan:
    """The writing of one array shape. A state is (number of items, capped; memory)."""

    def __init__(self, normaliser: Normaliser, shape: ArrayShape, terminals: Terminals) -> None:
        self.normaliser = normaliser
        self.shape = shape
        self.terminals = terminals
        self.contains: tuple[Contains, ...] = shape.contains
        self.simple = not self.contains
        #: up to here the index matters even without an upper bound
        self.horizon = max([1, len(shape.prefix), shape.lo, *(c.start for c in self.contains)])
        self.start = Memory((0,) * len(self.contains))
        self.hi = shape.hi
        self._costs: Costs | None = None
        self._after: dict[tuple[int, Counts], int] = {}
        self._signs: dict[tuple[int, Counts], list[tuple[Formula, Counts]]] = {}
        self._ahead: list[int] = []

    # items

    def index(self, i: int) -> int:
        """The index as far as it matters."""
        return min(i, self.horizon) if self.hi is None else i

    def ways(self, i: int, memory: Memory) -> list[Way]:
        """The ways to write item i; some may have no value."""
        if self.simple:
            return [Way(self.shape.item(i), memory, self._left(i + 1, ()))]
        options = self.options(self.index(i), memory.counts)
        return [Way(f, Memory(counts), self._left(i + 1, counts)) for f, counts in options]

    def follow(self, way: Way, value: Frozen) -> Memory:
        """The memory after an item that was captured."""
        assert way.memory.seen is not None
        return way.memory._replace(seen=way.memory.seen | {value})

    def options(self, i: int, counts: Counts) -> list[tuple[Formula, Counts]]:
        """What item i may satisfy, as far as contains tells it apart, with the counts after it."""
        if self.simple:
            return [(self.shape.item(i), ())]
        key = (i, counts)
        found = self._signs.get(key)
        if found is None:
            found = self._signs[key] = list(self._options(i, counts))
        return found

    def _options(self, i: int, counts: Counts) -> Iterator[tuple[Formula, Counts]]:
        n = self.normaliser.formulas
        choices: list[list[bool | None]] = []
        for c, k in zip(self.contains, counts, strict=True):
            if i < c.start or (c.hi is None and k >= c.lo):
                choices.append([None])
            elif c.hi is None:
                choices.append([None, True])
            else:
                choices.append([False, True] if k < c.hi else [False])
        for choice in product(*choices):
            formulas = [self.shape.item(i)]
            numbers: list[int] = []
            for c, k, holds in zip(self.contains, counts, choice, strict=True):
                if holds is not None:
                    formulas.append(c.formula if holds else n.neither(c.formula))
                more = k + (holds is True)
                numbers.append(min(more, c.lo) if c.hi is None else more)
            f = n.both(*formulas)
            if f.kind != FALSE:
                yield f, tuple(numbers)

    def done(self, i: int, counts: Counts) -> bool:
        """May the array end after i items, as far as their number and contains go?"""
        return i >= self.shape.lo and all(
            k >= c.lo and (c.hi is None or k <= c.hi) for c, k in zip(self.contains, counts, strict=True)
        )

    # costs

    def least(self, costs: Costs) -> int:
        """Least bytes of the array, brackets included, the whitespace before it not."""
        if self.simple and self.shape.lo:
            total = 1 + self.terminals.close_cost - self.terminals.comma_cost
            each = self.terminals.comma_cost + self.terminals.gap_cost
            for i in range(min(self.shape.lo, len(self.shape.prefix))):
                total += each + costs(self.shape.prefix[i])
            further = self.shape.lo - len(self.shape.prefix)
            if further > 0:
                total += further * (each + costs(self.shape.rest))
            needed = range(min(self.shape.lo, len(self.shape.prefix) + 1))
            if total >= INFINITE > max(costs(self.shape.item(i)) for i in needed):
                raise LimitError(
                    "the shortest text of an array that holds arrays is too long",
                    where=self.shape.where,
                    hint="Lower minItems",
                )
            return min(total, INFINITE)
        return min(1 + self.search(0, self.start.counts, costs), INFINITE)

    def settle(self, costs: Costs, supply: Supply) -> None:
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
        base = list(self.shape.prefix if self.hi is None else self.shape.prefix[: self.hi])
        if self.hi is None or self.hi > len(self.shape.prefix):
            base.append(self.shape.rest)
        n = self.normaliser.formulas
        signs = [(c.formula, n.neither(c.formula)) for c in self.contains]
        return [n.both(f, *choice) for f in base for choice in product(*signs)]

    def left(self, i: int, memory: Memory) -> int:
        """Least bytes from after item i - 1 to the end of the array; INFINITE: no way."""
        return self._left(i, memory.counts)

    def may_close(self, i: int, memory: Memory) -> bool:
        return self.done(i, memory.counts)

    def _left(self, i: int, counts: Counts) -> int:
        t = self.terminals
        assert self._costs is not None
        if not self.simple:
            key = (self.index(i), counts)
            found = self._after.get(key)
            if found is None:
                found = self._after[key] = self.search(*key, self._costs)
            return found
        shape = self.shape
        if i >= shape.lo:
            return t.close_cost
        each = t.comma_cost + t.gap_cost
        if not self._ahead:
            # bytes of the items of the prefix from each on, as far as they must come
            total, ahead = 0, [0]
            for f in reversed(shape.prefix[: shape.lo]):
                total += each + self._costs(f)
                ahead.append(total)
            self._ahead = ahead[::-1]
        n = len(self._ahead) - 1
        further = shape.lo - max(i, n)
        total = (self._ahead[i] if i < n else 0) + (further * (each + self._costs(shape.rest)) if further > 0 else 0)
        return min(total - (t.comma_cost if i == 0 else 0) + t.close_cost, INFINITE)

    def search(self, i: int, counts: Counts, costs: Costs) -> int:
        """Least bytes to the end: Dijkstra's algorithm over the states."""
        t = self.terminals
        heap = [(0, i, counts)]
        settled: set[tuple[int, Counts]] = set()
        while heap:
            cost, at, numbers = heapq.heappop(heap)
            if (at, numbers) in settled:
                continue
            settled.add((at, numbers))
            if self.done(at, numbers):
                return cost + t.close_cost
            if len(settled) > MAX_SEARCH:
                raise LimitError(
                    f"contains with bounds needs more than {MAX_SEARCH} states",
                    where=self.shape.where,
                    hint="Lower minItems, minContains or maxContains",
                )
            if self.hi is not None and at >= self.hi:
                continue
            step = t.gap_cost + (t.comma_cost if at else 0)
            for f, after in self.options(at, numbers):
                value = costs(f)
                if value < INFINITE:
                    heapq.heappush(heap, (cost + step + value, self.index(at + 1), after))
        return INFINITE

    def distinct(self, supply: Supply, n: int) -> list[int]:
        """Sizes of up to n different arrays, see ``Supply.sizes``."""
        assert self._costs is not None
        t, shape = self.terminals, self.shape
        least = self.least(self._costs)
        if not self.simple or least >= INFINITE:
            return [least][:n]
        each = t.comma_cost + t.gap_cost
        if self.hi is None:
            item = each + max(map(self._costs, (*shape.prefix[shape.lo :], shape.rest)))
            return [least + i * item for i in range(n)]
        choices = [(f, least - self._costs(f)) for f in (shape.item(i) for i in range(shape.lo))]
        longer, at = least, shape.lo
        while at < self.hi and at - shape.lo < n:
            item = self._costs(shape.item(at))
            choices.append((shape.item(at), longer + (each if at else t.gap_cost)))
            longer += (each if at else t.gap_cost) + item
            at += 1
        return varied(supply, n, choices)
