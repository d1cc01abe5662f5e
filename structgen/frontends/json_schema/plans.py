"""Plans: what the lowering needs to know of a shape, in tables.

Receives shapes; returns :class:`ObjectPlan` and :class:`ArrayPlan`. A plan knows the states of an object or an array
while it is being written, which way may be taken next, and the least bytes to its end. Costs of values come
from outside (``costs``), so that the same formulas serve while least texts are still being computed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from itertools import product
from typing import NamedTuple

from structgen.errors import LimitError, UnsupportedError
from structgen.frontends.json_schema.algebra import ALL_STRINGS, closed
from structgen.frontends.json_schema.finite import members
from structgen.frontends.json_schema.formula import FALSE, TRUE, Formula
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ArrayShape, Contains, Names, ObjectShape
from structgen.frontends.json_schema.strings import StringSet

#: More bytes than any text has: no text.
INFINITE = 1 << 60
#: Sets of at most this many unnamed names are treated name by name.
_LISTED_NAMES = 64
#: Values of a finite type that uniqueItems tells apart.
_MAX_MEMBERS = 2_000
#: States looked at when the shortest array under contains or uniqueItems is sought.
_MAX_SEARCH = 50_000

#: Least bytes of a formula's values, without whitespace before them.
Costs = Callable[[Formula], int]


class Slot(NamedTuple):
    """A property with a name of its own."""

    name: str
    formula: Formula
    required: bool


class Cell(NamedTuple):
    """Properties that share their formula: any name out of a set."""

    names: StringSet
    formula: Formula
    #: bits of the obligations in ``exists`` that such a property meets
    meets: int


class Progress(NamedTuple):
    """What matters of the properties written so far.

    Attributes:
        position: index of the first slot that may still come (order "schema"; 0 in order "any").
        seen: bits of the slots written (in order "schema" only those that ``needs`` speaks of).
        number: how many slots are written, where properties are counted.
        extras: number of other properties written, as far as it matters.
        met: bits of the obligations met.
    """

    position: int
    seen: int
    number: int
    extras: int
    met: int


BEGIN = Progress(0, 0, 0, 0, 0)


class ObjectPlan:
    """The writing of one object shape.

    Names that the shape does not speak of by themselves may come more than once in a text; parsers keep the
    last, which is valid by itself. Where that would matter (counting, obligations on values) the shape is
    refused by :func:`object_plans`.
    """

    def __init__(
        self, shape: ObjectShape, cells: Callable[[], list[Cell]], terminals: Terminals, any_order: bool
    ) -> None:
        self.shape = shape
        self.terminals = terminals
        self.any_order = any_order
        required = set(shape.required)
        names = list(shape.named) + [name for name in shape.required if name not in shape.named]
        self._make_cells = cells
        self.names = names
        self.required = [name in required for name in names]
        self.index = {name: i for i, name in enumerate(names)}
        self.counts = shape.lo > 0 or shape.hi is not None
        self.simple = not (self.counts or shape.needs or shape.exists)
        self.needs = [
            (self.index.get(name), [self.index.get(other, -1) for other in others]) for name, others in shape.needs
        ]
        self.needed = 0
        for i, others in self.needs:
            for j in (i, *others):
                if j is not None and j >= 0:
                    self.needed |= 1 << j
        self.all_met = (1 << len(shape.exists)) - 1
        self._slot_costs: list[int] | None = None
        self._cell_costs: list[int] = []
        self._after: dict[Progress, int] = {}

    @cached_property
    def cells(self) -> list[Cell]:
        return self._make_cells()

    def formula(self, i: int) -> Formula:
        """The formula of slot i, or of cell i - number of slots."""
        n = len(self.names)
        return self.formulas[i] if i < n else self.cells[i - n].formula

    formulas: list[Formula]

    # costs

    def _name_cost(self, name: str) -> int:
        return self.terminals.name_cost(name) + self.terminals.gap_cost if name_has_text(name) else INFINITE

    def least(self, costs: Costs) -> int:
        """Least bytes of the object, its opening bracket included, the whitespace before it not."""
        t = self.terminals
        if self.simple:
            total = 1 + t.close_cost
            n = 0
            for i, wanted in enumerate(self.required):
                if wanted:
                    total += self._name_cost(self.names[i]) + t.comma_cost + costs(self.formulas[i])
                    n += 1
                    if total >= INFINITE:
                        return INFINITE
            return total - t.comma_cost if n else total
        slots, cells = self._costs(costs)
        return min(1 + self._left(BEGIN, slots, cells), INFINITE)

    def _costs(self, costs: Costs) -> tuple[list[int], list[int]]:
        t = self.terminals
        slots = [
            min(self._name_cost(name) + t.comma_cost + costs(f), INFINITE)
            for name, f in zip(self.names, self.formulas, strict=True)
        ]
        cells = []
        for cell in self.cells:
            value = costs(cell.formula)
            if value < INFINITE:
                value += t.names_cost(cell.names) + t.gap_cost + t.comma_cost
            cells.append(value)
        return slots, cells

    def settle(self, costs: Costs) -> None:
        """Fix the costs; afterwards the plan can be expanded."""
        if self._slot_costs is None:
            slots, self._cell_costs = self._costs(costs)
            if self.needs:
                self._close(slots)
            self._total = sum(c for c, wanted in zip(slots, self.required, strict=True) if wanted)
            self._ahead = [0] * (len(slots) + 1)
            for i in range(len(slots) - 1, -1, -1):
                self._ahead[i] = self._ahead[i + 1] + (slots[i] if self.required[i] else 0)
            self._slot_costs = slots

    def formulas_inside(self) -> list[Formula]:
        """Formulas of the properties that may be written."""
        assert self._slot_costs is not None
        found = [f for f, cost in zip(self.formulas, self._slot_costs, strict=True) if cost < INFINITE]
        return found + [
            cell.formula for cell, cost in zip(self.cells, self._cell_costs, strict=True) if cost < INFINITE
        ]

    def _close(self, slots: list[int]) -> None:
        """A name that needs an impossible one is impossible."""
        changed = True
        while changed:
            changed = False
            for i, others in self.needs:
                if i is None or slots[i] >= INFINITE:
                    continue
                if any(j < 0 or slots[j] >= INFINITE for j in others):
                    slots[i] = INFINITE
                    changed = True

    # progress

    def follow(self, state: Progress, i: int) -> Progress:
        """After slot i, or after a property of cell i - number of slots."""
        n = len(self.names)
        position, seen, number, extras, met = state
        if i < n:
            if self.any_order:
                seen |= 1 << i
            else:
                position = i + 1
                seen |= (1 << i) & self.needed
            if self.counts:
                number += 1
                if self.shape.hi is None:
                    number = min(number, self.shape.lo)
        else:
            if not self.any_order:
                position = n
            met |= self.cells[i - n].meets
            extras = extras + 1 if self.shape.hi is not None else 1
        if extras and not self.counts and (seen or (position and not self.any_order)):
            extras = 0  # it only told that something was written
        return Progress(position, seen, number, extras, met)

    def started(self, state: Progress) -> bool:
        """Has a property been written?"""
        return bool(state.seen or state.extras or state.number or (state.position and not self.any_order))

    def left(self, state: Progress) -> int:
        """Least bytes from here to the end of the object, the closing bracket included; INFINITE: no way."""
        found = self._after.get(state)
        if found is None:
            assert self._slot_costs is not None
            if self.simple:
                t = self.terminals
                if self.any_order:
                    total = sum(
                        self._slot_costs[i]
                        for i, wanted in enumerate(self.required)
                        if wanted and not state.seen >> i & 1
                    )
                else:
                    total = self._ahead[state.position]
                if total and not self.started(state):
                    total -= t.comma_cost
                found = total + t.close_cost
            else:
                found = self._left(state, self._slot_costs, self._cell_costs)
            self._after[state] = found
        return found

    def may_close(self, state: Progress) -> bool:
        return self.left(state) == self.terminals.close_cost and self._complete(state)

    def _complete(self, state: Progress) -> bool:
        shape = self.shape
        if state.met != self.all_met or self._missing(state):
            return False
        return state.number + (state.extras > 0) >= shape.lo if shape.lo else True

    def _missing(self, state: Progress) -> list[int] | None:
        """Slots that must still come; None if one of them cannot."""
        if self.any_order:
            missing = [i for i, wanted in enumerate(self.required) if wanted and not state.seen >> i & 1]
        else:
            missing = [i for i in range(state.position, len(self.names)) if self.required[i]]
        if not self.needs:
            return missing
        there = set(missing)
        there.update(i for i in range(len(self.names)) if state.seen >> i & 1)
        changed = True
        while changed:
            changed = False
            for i, others in self.needs:
                if i in there:
                    for j in others:
                        if j not in there:
                            if j < 0 or j < state.position:
                                return None
                            there.add(j)
                            missing.append(j)
                            changed = True
        return missing

    def _left(self, state: Progress, slots: list[int], cells: list[int]) -> int:
        shape, t = self.shape, self.terminals
        missing = self._missing(state)
        if missing is None:
            return INFINITE
        base = sum(slots[i] for i in missing)
        if base >= INFINITE:
            return INFINITE
        best = INFINITE
        for extra_cells in self._covers(state, cells):
            total = base + sum(cells[c] for c in extra_cells)
            distinct = state.number + len(missing) + (state.extras > 0 or bool(extra_cells))
            written = state.number + len(missing) + state.extras + len(extra_cells)
            wanted = shape.lo - distinct
            if wanted > 0:
                fill = self._fill(state, slots, cells, missing, wanted, state.extras > 0 or bool(extra_cells))
                if fill >= INFINITE:
                    continue
                total += fill
                written += wanted
            if shape.hi is not None and written > shape.hi:
                continue
            if total and not self.started(state):
                total -= t.comma_cost
            best = min(best, total + t.close_cost)
        return best

    def _covers(self, state: Progress, cells: list[int]) -> Iterator[tuple[int, ...]]:
        """Sets of cells that meet the obligations left."""
        unmet = [bit for bit in range(len(self.shape.exists)) if not state.met >> bit & 1]
        if not unmet:
            yield ()
            return
        options = [
            [c for c, cell in enumerate(self.cells) if cell.meets >> bit & 1 and cells[c] < INFINITE] for bit in unmet
        ]
        for choice in product(*options):
            yield tuple(dict.fromkeys(choice))

    def _fill(
        self, state: Progress, slots: list[int], cells: list[int], missing: list[int], wanted: int, extra: bool
    ) -> int:
        """Least bytes of so many more properties."""
        taken = set(missing)
        free = sorted(
            cost
            for i, cost in enumerate(slots)
            if i not in taken
            and cost < INFINITE
            and not self.required[i]
            and (not state.seen >> i & 1 if self.any_order else i >= state.position)
        )
        best = sum(free[:wanted]) if len(free) >= wanted else INFINITE
        cell = min(cells, default=INFINITE)
        if not extra and cell < INFINITE and len(free) >= wanted - 1:
            best = min(best, sum(free[: wanted - 1]) + cell)
        return best

    # ways on

    def ways(self, state: Progress) -> Iterator[int]:
        """Slots and cells that may come next, by index, whatever comes of it later."""
        assert self._slot_costs is not None
        n = len(self.names)
        if self.any_order:
            for i, cost in enumerate(self._slot_costs):
                if cost < INFINITE and not state.seen >> i & 1:
                    yield i
        else:
            i = state.position
            while i < n:
                if self._slot_costs[i] < INFINITE:
                    yield i
                if self.required[i]:
                    return
                i += 1
        for c, cost in enumerate(self._cell_costs):
            if cost < INFINITE:
                yield n + c


def name_has_text(name: str) -> bool:
    """Strings with lone surrogates have no JSON text in UTF-8."""
    return not any("\ud800" <= c <= "\udfff" for c in name)


def object_plans(normaliser: Normaliser, shape: ObjectShape, terminals: Terminals, any_order: bool) -> list[ObjectPlan]:
    """The plans whose union is the shape.

    Raises:
        UnsupportedError: it would have to be known whether two free names are equal.
    """
    plans = []
    spelled = _spelled(normaliser, _with_needed(normaliser, shape))
    for part in [] if spelled is None else _split(normaliser, spelled):
        if part.exists and closed(part.rest):
            continue
        plan = ObjectPlan(part, partial(_cells, normaliser, part), terminals, any_order)
        plan.formulas = [normaliser.algebra.property(part, name) for name in plan.names]
        if part.lo > len(part.required) + 1 and any(not normaliser.hollow(cell.formula, 3) for cell in plan.cells):
            raise UnsupportedError(
                f"at least {part.lo} properties with free names: repeated names cannot be told apart",
                where=f"{shape.where or '#'}/minProperties",
                hint="List the names in properties, or set minProperties to at most one more than required has",
            )
        plans.append(plan)
    return plans


def _split(normaliser: Normaliser, shape: ObjectShape) -> list[ObjectShape]:
    """Shapes without what the closed formulas of a plan do not cover."""
    algebra, false = normaliser.algebra, normaliser.formulas.false
    parts = [shape]
    if shape.lo > 0 and shape.needs:
        for name, others in shape.needs:
            ways = [ObjectShape({name: false}), ObjectShape({}, required=(name, *sorted(others)))]
            met = [algebra.meet_objects(part, way) for part in parts for way in ways]
            parts = [part.replace(needs=()) for part in met if part is not None]
    result = []
    todo = parts
    while todo:
        part = todo.pop()
        pending = next((e for e in part.exists if _meets_named(part, e)), None)
        if pending is None:
            result.append(part)
            continue
        names, f = pending
        freed = part.replace(exists=tuple(e for e in part.exists if e != pending))
        for name in part.named:
            if names.contains(name):
                met_one = algebra.meet_objects(freed, ObjectShape({name: f}, required=(name,)))
                if met_one is not None:
                    todo.append(met_one)
        left = names.difference(StringSet.of(part.named))
        if not left.is_empty():
            elsewhere = algebra.tidy_object(freed.replace(exists=(*freed.exists, (left, f))))
            if elsewhere is not None:
                todo.append(elsewhere)
    return result


def _meets_named(shape: ObjectShape, obligation: Names) -> bool:
    return any(obligation[0].contains(name) for name in shape.named)


def _with_needed(normaliser: Normaliser, shape: ObjectShape) -> ObjectShape:
    """The shape with all names that ``needs`` speaks of among the named ones: only those are remembered."""
    if not shape.needs:
        return shape
    named = dict(shape.named)
    spoken = [*shape.required, *(n for name, others in shape.needs for n in (name, *sorted(others)))]
    for name in spoken:
        if name not in named:
            named[name] = normaliser.algebra.property(shape, name)
    return shape.replace(named=named)


def _spelled(normaliser: Normaliser, shape: ObjectShape) -> ObjectShape | None:
    """The shape with the names of small finite cells among the named ones."""
    if not shape.rest or closed(shape.rest):
        return shape
    named = dict(shape.named)
    free = ALL_STRINGS
    for names, f in shape.rest:
        if f.kind == FALSE:
            free = free.difference(names)
    free = free.difference(StringSet.of(named)) if named else free
    few = free.values(_LISTED_NAMES)
    if few is None:
        return shape
    for name in few:
        named[name] = normaliser.algebra.property(shape, name)
    return normaliser.algebra.tidy_object(shape.replace(named=named, rest=((ALL_STRINGS, normaliser.formulas.false),)))


def _cells(normaliser: Normaliser, shape: ObjectShape) -> list[Cell]:
    """The names that are not named, by what holds for them."""
    both = normaliser.formulas.both
    start = StringSet.of([*shape.named, *shape.required])
    cells: list[tuple[StringSet, Formula, int]] = [(start.complement(), normaliser.formulas.true, 0)]
    for names, f in shape.rest:
        if f.kind == TRUE:
            continue
        cells = [
            part
            for inside, g, meets in cells
            for part in (
                (inside.intersect(names), both(g, f), meets),
                (inside.difference(names), g, meets),
            )
            if not part[0].is_empty() and part[1].kind != FALSE
        ]
    for bit, (names, f) in enumerate(shape.exists):
        following = []
        for inside, g, meets in cells:
            within = inside.intersect(names)
            if not within.is_empty():
                following.append((within, g, meets | 1 << bit))
                # a later property of the same name could undo what an earlier one met
                if f.kind != TRUE and f is not g and not normaliser.hollow(both(g, normaliser.formulas.neither(f)), 2):
                    raise UnsupportedError(
                        "some property with a free name has to satisfy a schema that others need not",
                        where=shape.where,
                        hint="List the names in properties",
                    )
            without = inside.difference(names)
            if not without.is_empty():
                following.append((without, g, meets))
        cells = following
    merged: dict[tuple[Formula, int], StringSet] = {}
    for inside, g, meets in cells:
        known = merged.get((g, meets))
        merged[g, meets] = inside if known is None else known.union(inside)
    return [Cell(inside, g, meets) for (g, meets), inside in merged.items()]


# Arrays


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
