"""From object shapes to plans: which names are named, and what holds for the free ones.

Receives an object shape; returns the :class:`ObjectPlan` objects whose union it is. Names of which something must be
remembered become named; free names are parted into cells by what holds for their values.
"""

from __future__ import annotations

from functools import partial

from structgen.errors import UnsupportedError
from structgen.frontends.json_schema.algebra import ALL_STRINGS, closed
from structgen.frontends.json_schema.formula import FALSE, TRUE, Formula
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.objects import Cell, ObjectPlan
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import Names, ObjectShape
from structgen.frontends.json_schema.strings import StringSet

#: Sets of at most this many unnamed names are treated name by name.
_LISTED_NAMES = 64


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
