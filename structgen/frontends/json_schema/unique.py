"""Arrays whose items all differ.

The items are captured, and the next ones chosen among the values not seen. What is left must be enough: where some
items come from small sets, a value that a later one cannot do without is not offered. The least bytes to the end are
those for the worst that may have been seen.
"""

from __future__ import annotations

import heapq
from functools import cached_property
from heapq import merge
from itertools import count, islice

from structgen.errors import LimitError
from structgen.frontends.json_schema.arrays import MAX_SEARCH, ArrayPlan, Counts, Memory, Way
from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.load import Frozen
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.seen import Seen, among, filled, without
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ArrayShape
from structgen.frontends.json_schema.supply import Supply

#: Sets of fewer values are listed where contains and uniqueItems meet.
MANY = 100
_NONE: Seen = frozenset()


class Remembering(ArrayPlan):
    """What arrays that remember their items share; see ``equal`` for the other kind."""

    def __init__(self, normaliser: Normaliser, shape: ArrayShape, terminals: Terminals, supply: Supply) -> None:
        super().__init__(normaliser, shape, terminals)
        self.supply = supply
        self.each = terminals.comma_cost + terminals.gap_cost
        self._ways: dict[tuple[int, Memory], list[Way]] = {}
        self._busy = False

    def index(self, i: int) -> int:
        return i

    def cost(self, formula: Formula) -> int:
        return self.supply.builder.cost(formula)

    def may_follow(self, i: int) -> bool:
        """May there be an item i?"""
        return self.shape.hi is None or i < self.shape.hi

    def ways(self, i: int, memory: Memory) -> list[Way]:
        key = (i, memory)
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = self.choices(i, memory)
        return found

    def choices(self, i: int, memory: Memory) -> list[Way]:
        raise NotImplementedError

    def least(self, costs: Costs) -> int:
        if self.may_close(0, self.start):
            return 1 + self.terminals.close_cost
        if self._busy:
            raise self._inside_itself()
        self._busy = True
        try:
            ways = self.ways(0, self.start) if self.may_follow(0) else []
        finally:
            self._busy = False
        best = min((costs(w.formula) + w.after for w in ways), default=INFINITE)
        return min(1 + self.terminals.gap_cost + best, INFINITE)

    def _inside_itself(self) -> LimitError:
        return LimitError(
            "the items of an array that needs several different or equal ones may hold the array itself",
            where=self.shape.where,
            hint="Remove uniqueItems, or let the items of the array be no such arrays",
        )

    def left(self, i: int, memory: Memory) -> int:
        if self.may_close(i, memory):
            return self.terminals.close_cost
        if not self.may_follow(i):
            return INFINITE
        best = min((self.cost(way.formula) + way.after for way in self.ways(i, memory)), default=INFINITE)
        return min(best + (self.each if i else self.terminals.gap_cost), INFINITE)


class UniquePlan(Remembering):
    """Arrays whose items all differ."""

    def choices(self, i: int, memory: Memory) -> list[Way]:
        n = self.normaliser
        seen = memory.seen or _NONE
        last = not self.may_follow(i + 1)
        if self.simple:
            f = without(n, self.shape.item(i), seen | self._needed_later(i, seen))
            return [Way(f, Memory((), _NONE if last else seen), self._bound(i + 1), not last)]
        few = self.few
        found = []
        for f, counts in self.options(min(i, self.horizon), memory.counts):
            after = self._search_from(i + 1, counts, seen & few)
            if after < INFINITE:
                found.append(Way(without(n, f, seen | few), Memory(counts, seen), after, True))
            for value in self._of(f) - seen:
                after = self._search_from(i + 1, counts, (seen & few) | {value})
                if after < INFINITE:
                    found.append(Way(among(n, [value]), Memory(counts, seen), after, True))
        return found

    def comma_rest(self, i: int, written: int) -> int | None:
        """Least bytes after the comma before item i, whichever so many values stand before it.

        None: which they are decides whether there may be one, or how long it is cannot be told.
        """
        if not self.simple or self._small or not self.may_follow(i):
            return None
        try:
            sizes = self.supply.sizes(self.shape.item(i), written + 1)
        except LimitError:
            return None
        rest = self._bound(i + 1)
        return self.terminals.gap_cost + sizes[written] + rest if len(sizes) > written and rest < INFINITE else None

    def has_objects_only(self, i: int) -> bool:
        """Is item i an object, whichever the others are, and are there always others?"""
        if not self.simple or self._small or not self.may_follow(i):
            return False
        values = self.normaliser.values(self.shape.item(i))
        return bool(values.objects) and not (values.arrays or values.has_scalars())

    def has_strings_only(self, i: int) -> bool:
        """Is item i any string?"""
        if not self.simple or self._small or not self.may_follow(i) or self.terminals.escapes != "standard":
            return False
        values = self.normaliser.values(self.shape.item(i))
        others = values.null or values.bools or values.arrays or values.objects or not values.numbers.is_empty()
        return values.strings.is_all() and not others

    def filled_rest(self, i: int, written: int) -> int | None:
        """Least bytes of item i and of all that follows, whichever so many values stand before it.

        It is an object or a string that is not empty. None: there may be none, or how long it is cannot be told.
        """
        try:
            sizes = self.supply.sizes(filled(self.normaliser, self.shape.item(i)), written + 1)
        except LimitError:
            return None
        rest = self._bound(i + 1)
        return sizes[written] + rest if len(sizes) > written and rest < INFINITE else None

    def empty_rest(self, i: int, value: Frozen) -> int:
        """Least bytes of item i and of all that follows if it is this value; INFINITE: it cannot be."""
        empty = self.normaliser.formulas.both(self.shape.item(i), among(self.normaliser, [value]))
        return min(self.cost(empty) + self._bound(i + 1), INFINITE)

    def settle(self, costs: Costs, supply: Supply) -> None:
        super().settle(costs, supply)
        if self.least(costs) < INFINITE and not self.simple:
            _ = self.few  # refused now if at all

    def distinct(self, supply: Supply, n: int) -> list[int]:
        """The shortest that differ in the first item or in the last, and longer ones that differ in the last."""
        if not self.simple or self._small:
            return []
        lo, t = self.shape.lo, self.terminals
        found = [] if lo else [1 + t.close_cost]
        before = 1 + t.gap_cost
        for i in count():
            if len(found) >= n or not self.may_follow(i):
                break
            # as many of these values as there are items before may be those items
            sizes = supply.sizes(self.shape.item(i), n + i)[i:]
            if not sizes:
                break
            if i == 0 < lo or i >= lo - 1:
                after = self._bound(i + 1)
                different = [before + size + after for size in sizes] if after < INFINITE else []
                if i == lo - 1 and len(different) <= len(found):
                    different = []  # of least length as well: two of these may be one
                elif i == lo - 1:
                    found = []
                found = list(islice(merge(found, different), n))
            before += sizes[0] + self.each
        return found

    # no contains: every position has its set of values

    @cached_property
    def _small(self) -> dict[int, frozenset[Frozen]]:
        """The values of the positions that must be filled and have fewer values than there are positions."""
        lo = self.shape.lo
        found: dict[int, frozenset[Frozen]] = {}
        if lo < 2:
            return found
        for f in dict.fromkeys(self.shape.item(j) for j in range(min(lo, len(self.shape.prefix) + 1))):
            if len(self.supply.sizes(f, lo)) < lo:
                listed = self.supply.listed(f, lo)
                if listed is None:
                    listed = self.supply.sought(f)
                for j in range(lo):
                    if self.shape.item(j) is f:
                        found[j] = frozenset(listed)
        return found

    def _needed_later(self, i: int, seen: Seen) -> Seen:
        """Values that item i must leave to those after it."""
        small = {j: values - seen for j, values in self._small.items() if j > i}
        every: Seen = frozenset().union(*small.values())
        return frozenset(v for v in every if not _matched({j: values - {v} for j, values in small.items()}))

    @cached_property
    def _bounds(self) -> list[int]:
        """For each number of items, least bytes to the end after them, in the worst case."""
        t, lo = self.terminals, self.shape.lo
        found = [t.close_cost]  # from the end to the beginning
        taken = len(frozenset().union(*self._small.values()))
        for j in range(lo - 1, 0, -1):
            before = self.supply.unfinished
            sizes = self.supply.sizes(self.shape.item(j), lo + taken)
            if len(sizes) < lo + taken and self.supply.unfinished > before:
                raise self._inside_itself()
            worst = sizes[min(j + taken, len(sizes) - 1)] if sizes else INFINITE
            found.append(min(found[-1] + worst + self.each, INFINITE))
        if not _matched(self._small):
            found = [INFINITE] * lo
        return [INFINITE, *reversed(found)]

    def _bound(self, i: int) -> int:
        return self.terminals.close_cost if i >= self.shape.lo else self._bounds[i]

    # with contains: a search over the counts and the values of small sets

    @cached_property
    def few(self) -> Seen:
        """Values of the small ones among the sets that contains tells apart."""
        return frozenset().union(*self._members.values())

    @cached_property
    def _members(self) -> dict[Formula, Seen]:
        found: dict[Formula, Seen] = {}
        for f in dict.fromkeys(self.formulas_inside()):
            if self.cost(f) < INFINITE and len(self.supply.sizes(f, MANY)) < MANY:
                listed = self.supply.listed(f, MANY)
                found[f] = frozenset(self.supply.sought(f) if listed is None else listed)
        return found

    def _of(self, f: Formula) -> Seen:
        """Those of the few values that satisfy a formula."""
        known = self._inside.get(f)
        if known is None:
            both, n = self.normaliser.formulas.both, self.normaliser
            known = self._inside[f] = frozenset(
                value for value in self.few if self.cost(both(f, among(n, [value]))) < INFINITE
            )
        return known

    @cached_property
    def _inside(self) -> dict[Formula, Seen]:
        return {}

    @cached_property
    def _found(self) -> dict[tuple[int, Counts, Seen], int]:
        return {}

    def _search_from(self, i: int, counts: Counts, used: Seen) -> int:
        """Least bytes to the end after i items, of which ``used`` are from small sets: Dijkstra's algorithm."""
        if self.done(i, counts):
            return self.terminals.close_cost
        key = (i, counts, used)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._dijkstra(*key)
        return found

    def _dijkstra(self, i: int, counts: Counts, used: Seen) -> int:
        few, n, t = self.few, self.normaliser, self.terminals
        number = 0
        heap: list[tuple[int, int, int, Counts, Seen]] = [(0, 0, i, counts, used)]
        settled: set[tuple[int, Counts, Seen]] = set()
        while heap:
            cost, _, at, numbers, taken = heapq.heappop(heap)
            here = (min(at, self.horizon), numbers, taken)
            if here in settled:
                continue
            settled.add(here)
            if self.done(at, numbers):
                return cost + t.close_cost
            if len(settled) + number > MAX_SEARCH:
                raise LimitError(
                    f"contains and uniqueItems with bounds need more than {MAX_SEARCH} states",
                    where=self.shape.where,
                    hint="Lower minItems, minContains or the number of values",
                )
            if not self.may_follow(at):
                continue
            step = self.each if at else t.gap_cost
            for f, after in self.options(min(at, self.horizon), numbers):
                large = without(n, f, few)
                sizes = self.supply.sizes(large, at + 1) if self.cost(large) < INFINITE else []
                ways = [(size, taken) for size in sizes[-1:] if len(sizes) == at + 1]
                ways += [(self.cost(among(n, [v])), taken | {v}) for v in self._of(f) - taken]
                for size, then in ways:
                    number += 1
                    heapq.heappush(heap, (cost + step + size, number, at + 1, after, then))
        return INFINITE


def _matched(sets: dict[int, frozenset[Frozen]]) -> bool:
    """Can each set be given a value of its own? By augmenting paths (Kuhn 1955)."""
    owner: dict[Frozen, int] = {}

    def place(j: int, tried: set[Frozen]) -> bool:
        for value in sets[j]:
            if value not in tried:
                tried.add(value)
                if value not in owner or place(owner[value], tried):
                    owner[value] = j
                    return True
        return False

    return all(place(j, set()) for j in sets)
