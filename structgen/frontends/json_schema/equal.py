"""Arrays in which two items are equal: the negation of uniqueItems.

The items are captured until one of them has come again. Whether that can still happen, and what it costs at least, is
found by a search over the positions, the counts of contains, and the formula of an item that is to come again.
"""

from __future__ import annotations

import heapq

from structgen.errors import LimitError
from structgen.frontends.json_schema.arrays import MAX_SEARCH, Counts, Memory, Way
from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.seen import Seen, among, read_value, without
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ArrayShape
from structgen.frontends.json_schema.supply import Supply
from structgen.frontends.json_schema.unique import MANY, Remembering

#: What has been chosen of the two equal items: none of them; the formula of the first; both.
Stage = Formula | bool
_NONE, _BOTH = False, True


class EqualPlan(Remembering):
    """Arrays in which two items are equal."""

    def __init__(self, normaliser: Normaliser, shape: ArrayShape, terminals: Terminals, supply: Supply) -> None:
        super().__init__(normaliser, shape, terminals, supply)
        self._found: dict[tuple[int, Counts, Stage, Seen], tuple[int, Formula | None]] = {}

    def may_close(self, i: int, memory: Memory) -> bool:
        return memory.seen is None and super().may_close(i, memory)

    def choices(self, i: int, memory: Memory) -> list[Way]:
        n, seen = self.normaliser, memory.seen
        found: list[Way] = []
        for f, counts in self.at(i, memory.counts):
            free = self._search(i + 1, counts, _BOTH, frozenset())[0]
            if seen is None:
                found.append(Way(f, Memory(counts, None), free))
                continue
            if seen:
                found.append(Way(n.formulas.both(f, among(n, seen)), Memory(counts, None), free))
            after = self._search(i + 1, counts, _NONE, seen)[0]
            listed = self._listed(i, f, counts, after)
            for value in listed - seen:
                then = seen | {value}
                rest = self._search(i + 1, counts, _NONE, then)[0]
                if rest < INFINITE:
                    found.append(Way(among(n, [value]), Memory(counts, then), rest))
            if after < INFINITE:
                found.append(Way(without(n, f, seen | listed), Memory(counts, seen), after, True))
        return found

    def _listed(self, i: int, f: Formula, counts: Counts, after: int) -> Seen:
        """Values of item i after which the rest is shorter than after others, or after which alone there is one."""
        n = self.normaliser
        cost, common = self._search(i + 1, counts, f, frozenset())
        if common is None:
            return frozenset()
        if after < INFINITE:
            return frozenset([read_value(self.supply.shortest(common))])
        again = n.formulas.both(f, n.formulas.either(*(self.shape.item(j) for j in self._further(i))))
        values = self.supply.listed(again, MANY) if self.cost(again) < INFINITE else []
        if values is None:
            raise LimitError(
                "the only item that may equal another one comes last, and may be of any length",
                where=self.shape.where,
                hint="Raise maxItems by one, or list the values of the items",
            )
        return frozenset(values)

    def settle(self, costs: Costs, supply: Supply) -> None:
        super().settle(costs, supply)
        if self.shape.hi is not None and self.shape.hi <= MANY:
            for i in range(self.shape.hi):  # refused now if at all
                self.ways(i, self.start)

    def distinct(self, supply: Supply, n: int) -> list[int]:
        return []  # only what can be found one by one

    def at(self, i: int, counts: Counts) -> list[tuple[Formula, Counts]]:
        """What item i may satisfy, with the counts after it."""
        return self.options(min(i, self.horizon), counts)

    def _further(self, i: int) -> range:
        """Positions after i, those that are alike but once."""
        end = max(self.horizon, i + 1) + 1
        return range(i + 1, end if self.shape.hi is None else min(end, self.shape.hi))

    def _search(self, i: int, counts: Counts, stage: Stage, seen: Seen) -> tuple[int, Formula | None]:
        """Least bytes after i items until two are equal and the array ends: Dijkstra's algorithm.

        Args:
            stage: what has been chosen of the two; of a formula, the bytes of its item are counted here.
            seen: items of which one may come again.

        Returns:
            The bytes; INFINITE: no way. And, where ``stage`` is a formula, what both items satisfy.
        """
        key = (self._place(i), counts, stage, seen)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._dijkstra(*key)
        return found

    def _place(self, i: int) -> int:
        """A position as far as it matters."""
        return min(i, self.horizon) if self.shape.hi is None else i

    def _dijkstra(self, i: int, counts: Counts, stage: Stage, seen: Seen) -> tuple[int, Formula | None]:
        both, t = self.normaliser.formulas.both, self.terminals
        again = among(self.normaliser, seen)
        number = 0
        heap: list[tuple[int, int, int, Counts, Stage, Formula | None]] = [(0, 0, i, counts, stage, None)]
        settled: set[tuple[int, Counts, Stage]] = set()
        while heap:
            cost, _, at, numbers, now, common = heapq.heappop(heap)
            if (at, numbers, now) in settled:
                continue
            settled.add((at, numbers, now))
            if now is _BOTH and self.done(at, numbers):
                return cost + t.close_cost, common
            if number > MAX_SEARCH:
                raise LimitError(
                    f"an array with two equal items needs more than {MAX_SEARCH} states",
                    where=self.shape.where,
                    hint="Lower minItems, minContains or maxItems",
                )
            if not self.may_follow(at):
                continue
            for f, after in self.at(at, numbers):
                ways: list[tuple[int, Stage, Formula | None]] = [(self.cost(f), now, common)]
                if now is _NONE:
                    ways += [(0, f, None), (self.cost(both(f, again)), _BOTH, None)]
                elif isinstance(now, Formula):
                    equal = both(f, now)
                    ways.append((2 * self.cost(equal), _BOTH, equal))
                for size, then, known in ways:
                    if size < INFINITE:
                        number += 1
                        step = cost + self.each + size
                        heapq.heappush(heap, (step, number, self._place(at + 1), after, then, known))
        return INFINITE, None
