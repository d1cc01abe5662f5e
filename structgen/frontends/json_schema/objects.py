"""Objects being written: what may come next, and the least bytes to the end.

Receives an object shape and the cells of its free names; returns :class:`ObjectPlan`. Costs of values come from
outside (``costs``), so that the same formulas serve while least texts are still being computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import product
from typing import NamedTuple

from structgen.frontends.json_schema.formula import INFINITE, Costs, Formula
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import ObjectShape
from structgen.frontends.json_schema.strings import StringSet


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

    def ways_left(self, state: Progress) -> Iterator[tuple[int, int]]:
        """The ways on that lead to an end, each with the least bytes after its value."""
        if not self.simple:
            for i in self.ways(state):
                after = self.left(self.follow(state, i))
                if after < INFINITE:
                    yield i, after
            return
        assert self._slot_costs is not None
        n, close = len(self.names), self.terminals.close_cost
        total = self.left(state) - close
        if total and not self.started(state):
            total += self.terminals.comma_cost
        for i in self.ways(state):
            yield i, close + total - (self._slot_costs[i] if i < n and self.required[i] else 0)

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
