"""Objects being written: what may come next, and the least bytes to the end.

Receives an object shape and the cells of its free names; returns :class:`ObjectPlan`. Costs of values come from
outside (``costs``), so that the same formulas serve while least texts are still being computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from heapq import merge
from itertools import islice, product
from typing import NamedTuple

from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.names import NO_NAMES, Blurred, FreeNames, Pool, Written
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ObjectShape
from structgen.frontends.json_schema.supply import Supply, varied
from structgen.ir.network import Edge


class Cell(NamedTuple):
    """Properties that share their formula: any name out of a set that has not been written yet.

    Attributes:
        pool: the names; cells that differ in their formula only share it.
        formula: what the value satisfies.
        meets: bits of the obligations in ``exists`` that such a property meets.
        asks: those of them for which the formula is narrower than it need be.
    """

    pool: Pool
    formula: Formula
    meets: int
    asks: int


class Progress(NamedTuple):
    """What matters of the properties written so far.

    Attributes:
        position: index of the first slot that may still come (order "schema"; 0 in order "any").
        seen: bits of the slots written (in order "schema" only those that ``needs`` speaks of).
        number: how many properties are written, where they are counted.
        met: bits of the obligations met.
        names: the free names written, as long as another one may follow.
    """

    position: int
    seen: int
    number: int
    met: int
    names: Written


BEGIN = Progress(0, 0, 0, 0, NO_NAMES)


class ObjectPlan:
    """The writing of one object shape. The free names written are remembered: none may come twice."""

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
        self._least: int | None = None
        self._cell_costs: list[int] = []
        self._after: dict[Progress, int] = {}
        self._quoted: dict[Progress, int] = {}
        #: of simple plans: slots, then cells, that may come; the least bytes after the value if nothing else is owed
        self.slots: list[tuple[int, int]] = []
        self._cell_bits = 0
        self._place: dict[int, int] = {}
        #: of simple plans: may every slot be written?
        self.all_in_place = False
        #: the edges of ``slots``, made by the network
        self.edges: tuple[Edge, ...] | None = None

    @cached_property
    def cells(self) -> list[Cell]:
        return self._make_cells()

    @cached_property
    def blurs(self) -> bool:
        """Is it the same for all free names whether, and but for their own names how, the object goes on?"""
        return self.simple and all(cell.pool.lacking is not None for cell in self.cells)

    def formula(self, i: int) -> Formula:
        """The formula of slot i, or of cell i - number of slots."""
        n = len(self.names)
        return self.formulas[i] if i < n else self.cells[i - n].formula

    formulas: list[Formula]

    # costs

    @cached_property
    def _name_costs(self) -> list[int]:
        """Least bytes of the name of each slot, with the colon and the whitespace behind it."""
        t = self.terminals
        return [t.name_cost(name) + t.gap_cost if name_has_text(name) else INFINITE for name in self.names]

    def least(self, costs: Costs) -> int:
        """Least bytes of the object, its opening bracket included, the whitespace before it not."""
        if self._least is not None:
            return self._least
        t = self.terminals
        if self.simple:
            total = 1 + t.close_cost
            n = 0
            for i, wanted in enumerate(self.required):
                if wanted:
                    total += self._name_costs[i] + t.comma_cost + costs(self.formulas[i])
                    n += 1
                    if total >= INFINITE:
                        return INFINITE
            return total - t.comma_cost if n else total
        slots, cells = self._costs(costs)
        return min(1 + self._left(BEGIN, slots, cells), INFINITE)

    def _costs(self, costs: Costs) -> tuple[list[int], list[int]]:
        t = self.terminals
        slots = [
            min(name + t.comma_cost + costs(f), INFINITE)
            for name, f in zip(self._name_costs, self.formulas, strict=True)
        ]
        cells = []
        for cell in self.cells:
            value = costs(cell.formula)
            if value < INFINITE:  # all but the name
                value += t.empty_name_cost + t.gap_cost + t.comma_cost
            cells.append(value)
        return slots, cells

    def settle(self, costs: Costs, supply: Supply) -> None:
        """Fix the costs; afterwards the plan can be expanded."""
        if self._slot_costs is None:
            self._least = self.least(costs)
            slots, self._cell_costs = self._costs(costs)
            if self.needs:
                self._close(slots)
            self._total = sum(c for c, wanted in zip(slots, self.required, strict=True) if wanted)
            self._ahead = [0] * (len(slots) + 2)  # past the slots: free names have come
            for i in range(len(slots) - 1, -1, -1):
                self._ahead[i] = self._ahead[i + 1] + (slots[i] if self.required[i] else 0)
            self._slot_costs = slots
            if self.simple:
                close = self.terminals.close_cost
                self.slots = [
                    (i, close - (cost if self.required[i] else 0)) for i, cost in enumerate(slots) if cost < INFINITE
                ]
                self._place = {i: k for k, (i, _) in enumerate(self.slots)}
                self.all_in_place = len(self.slots) == len(slots)
                self._cheapest = sorted((slots[i], i) for i, _ in self.slots if not self.required[i])
                cells = [(i, close) for i in self.cell_ways(BEGIN._replace(position=len(slots)))]
                self._cell_bits = ((1 << len(cells)) - 1) << len(self.slots)
                self.slots += cells

    @property
    def slot_costs(self) -> list[int]:
        """Least bytes of each slot with its comma."""
        assert self._slot_costs is not None
        return self._slot_costs

    def choices(self, state: Progress) -> tuple[int, int, list[tuple[int, int]]]:
        """The ways on that lead to an end: of the list ``slots`` those left out, as bits, and what is to be added to
        their bytes; other ways, each with the least bytes after its value."""
        n = len(self.names)
        if not self.simple:
            found = []
            for i in self.ways(state):
                after = self.left(self.follow(state, i, self.dearest_name(state, i)))
                if after < INFINITE:
                    found.append((i, after))
            return 0, 0, found
        total = self._owed(state)
        cells = 0
        further: list[tuple[int, int]] = []
        if state.names:
            cells = self._cell_bits
            further = [(i, self.terminals.close_cost + total) for i in self.cell_ways(state)]
        elif not self.any_order and any(self.required[state.position : n]):
            cells = self._cell_bits
        if self.any_order and self.all_in_place:
            return state.seen | cells, total, further
        left_out = (1 << len(self._place)) - 1
        for i in self._slot_ways(state):
            left_out &= ~(1 << self._place[i])
        return left_out | cells, total, further

    def after_quote(self, state: Progress) -> int:
        """Least bytes to the end of the object after the opening quote of a name; INFINITE: there is none."""
        found = self._quoted.get(state)
        if found is None:
            assert self._slot_costs is not None
            n, t = len(self.names), self.terminals
            best = INFINITE
            if not self.simple:
                for i, after in self.choices(state)[2]:
                    size = 0 if i < n else self.cells[i - n].pool.sizes(state.names, 1)[0]
                    best = min(best, (self._slot_costs[i] if i < n else self._cell_costs[i - n]) + size + after)
            elif total := self._owed(state):  # what is owed comes next
                best = total + t.close_cost
            else:
                for cost, i in self._cheapest:
                    if not state.seen >> i & 1 if self.any_order else i >= state.position:
                        best = cost + t.close_cost
                        break
                for i in self.cell_ways(state):
                    best = min(best, self.cell_cost(state, i) + t.close_cost)
            if best < INFINITE:
                best -= t.comma_cost + t.quote_cost
            found = self._quoted[state] = best
        return found

    def _owed(self, state: Progress) -> int:
        """Least bytes of the properties that must still come, each with a comma, where that is all there is to know."""
        total = self.left(state) - self.terminals.close_cost
        return total + self.terminals.comma_cost if total and not self.started(state) else total

    def formulas_inside(self) -> list[Formula]:
        """Formulas of the properties that may be written."""
        assert self._slot_costs is not None
        found = [f for f, cost in zip(self.formulas, self._slot_costs, strict=True) if cost < INFINITE]
        return found + [
            cell.formula for cell, cost in zip(self.cells, self._cell_costs, strict=True) if cost < INFINITE
        ]

    def distinct(self, supply: Supply, n: int) -> list[int]:
        """Sizes of up to n different objects, see ``Supply.sizes``."""
        assert self._slot_costs is not None
        choices: list[tuple[Formula, int]] = []
        for i in self.ways(BEGIN):
            name = self.dearest_name(BEGIN, i)
            after = self.left(self.follow(BEGIN, i, name))
            if after >= INFINITE:
                continue
            if i < len(self.names):
                choices.append((self.formulas[i], 1 + self._name_costs[i] + after))
                continue
            value = supply.sizes(self.cells[i - len(self.names)].formula, 1)
            sizes = self.cells[i - len(self.names)].pool.sizes(BEGIN.names, n)
            if len(sizes) == n and value:
                t = self.terminals
                return [1 + t.empty_name_cost + size + t.gap_cost + value[0] + after for size in sizes]
        empty = [1 + self.terminals.close_cost] if self.may_close(BEGIN) else []
        return [*empty, *varied(supply, n, choices)][:n]

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

    def follow(self, state: Progress, i: int, name: str | None = None) -> Progress:
        """After slot i, or after a property of cell i - number of slots whose name is ``name``, if captured."""
        n = len(self.names)
        position, seen, number, met, names = state
        if self.counts:
            number += 1
            if self.shape.hi is None:
                number = min(number, self.shape.lo)
        if i < n:
            if self.any_order:
                seen |= 1 << i
            else:
                position = i + 1
                seen |= (1 << i) & self.needed
        else:
            if not self.any_order:
                position = max(n, 1)
            met |= self.cells[i - n].meets
            if name is not None:
                names = names.plus(name)
        if number == self.shape.hi:
            names = NO_NAMES
        return Progress(position, seen, number, met, names)

    def captures(self, state: Progress) -> bool:
        """Does the name of a free property matter for what may follow?"""
        return self.shape.hi is None or state.number + 1 < self.shape.hi

    def free(self, written: Written, i: int) -> FreeNames:
        """The names that a property of cell i - number of slots may have after others."""
        return self.cells[i - len(self.names)].pool.free(written)

    def dearest_name(self, state: Progress, i: int) -> str | None:
        """Of the free names of a cell, the one whose loss is felt most: the shortest. None for a slot."""
        if i < len(self.names):
            return None
        return next((name for _, name in self.cells[i - len(self.names)].pool.unused(state.names)), None)

    def started(self, state: Progress) -> bool:
        """Has a property been written?"""
        return bool(state.seen or state.names or state.number or state.met or (state.position and not self.any_order))

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
        return self.left(state) == self.terminals.close_cost and (self.simple or self._complete(state))

    def may_be_empty(self) -> bool:
        """Is the object without properties one of these?"""
        return self.may_close(BEGIN)

    def _complete(self, state: Progress) -> bool:
        shape = self.shape
        if state.met != self.all_met or self._missing(state):
            return False
        return state.number >= shape.lo

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
        for cover in self._covers(state, cells):
            written = state.number + len(missing) + len(cover)
            wanted = max(shape.lo - written, 0)
            if shape.hi is not None and written + wanted > shape.hi:
                continue
            total = base + sum(cells[c] for c in cover)
            if cover or wanted:
                total += self._more(state, slots, cells, missing, cover, wanted)
            if total >= INFINITE:
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
        yield from {tuple(sorted(set(choice))) for choice in product(*options)}

    def _more(
        self, state: Progress, slots: list[int], cells: list[int], missing: list[int], cover: tuple[int, ...], n: int
    ) -> int:
        """Least bytes of the names of a cover and of so many more properties."""
        total = 0
        taken: dict[Pool, int] = {}
        for c in cover:
            pool = self.cells[c].pool
            taken[pool] = taken.get(pool, 0) + 1
        for pool, wanted in taken.items():
            sizes = pool.sizes(state.names, wanted)
            if len(sizes) < wanted:
                return INFINITE
            total += sum(sizes)
        if n == 0:
            return total
        there = set(missing)
        further = sorted(
            cost
            for i, cost in enumerate(slots)
            if i not in there
            and cost < INFINITE
            and not self.required[i]
            and (not state.seen >> i & 1 if self.any_order else i >= state.position)
        )
        values: dict[Pool, int] = {}
        for cell, cost in zip(self.cells, cells, strict=True):
            if cost < INFINITE:
                values[cell.pool] = min(values.get(cell.pool, INFINITE), cost)
        offers: list[list[int]] = [further]
        for pool, value in values.items():
            start = taken.get(pool, 0)
            offers.append([size + value for size in pool.sizes(state.names, start + n)[start:]])
        chosen = list(islice(merge(*offers), n))
        return total + sum(chosen) if len(chosen) == n else INFINITE

    # ways on

    def ways(self, state: Progress) -> Iterator[int]:
        """Slots and cells that may come next, by index, whatever comes of it later."""
        yield from self._slot_ways(state)
        yield from self.cell_ways(state)

    def _slot_ways(self, state: Progress) -> Iterator[int]:
        assert self._slot_costs is not None
        if self.any_order:
            for i, cost in enumerate(self._slot_costs):
                if cost < INFINITE and not state.seen >> i & 1:
                    yield i
            return
        for i in range(state.position, len(self.names)):
            if self._slot_costs[i] < INFINITE:
                yield i
            if self.required[i]:
                return

    def cell_cost(self, state: Progress, i: int) -> int:
        """Least bytes of a property of cell i - number of slots and its comma, after others."""
        return self._cell_costs[i - len(self.names)] + self.name_size(state.names, i)

    def name_size(self, written: Written, i: int) -> int:
        """Least bytes of a name of cell i - number of slots after others; enough of them whichever a blurred one is."""
        n = 2 if isinstance(written, Blurred) else 1
        return self.cells[i - len(self.names)].pool.sizes(written, n)[-1]

    def cell_ways(self, state: Progress) -> Iterator[int]:
        """Those of ``ways`` that are cells."""
        n = len(self.names)
        if not self.any_order and any(self.required[state.position : n]):
            return
        for c, cost in enumerate(self._cell_costs):
            cell = self.cells[c]
            if cost < INFINITE and not cell.asks & state.met and not cell.pool.runs_out(state.names):
                yield n + c


def name_has_text(name: str) -> bool:
    """Strings with lone surrogates have no JSON text in UTF-8."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)
