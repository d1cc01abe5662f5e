"""From object shapes to plans: which names are named, and what holds for the free ones.

Receives an object shape; returns the :class:`ObjectPlan` objects whose union it is. Names of which something must be
remembered become named; free names are parted into cells by what holds for their values.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations

from structgen.errors import LimitError
from structgen.frontends.json_schema.algebra import ALL_STRINGS, closed
from structgen.frontends.json_schema.formula import FALSE, TRUE, Formula
from structgen.frontends.json_schema.names import Pool
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.objects import Cell, ObjectPlan
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.shapes import Names, ObjectShape
from structgen.frontends.json_schema.strings import StringSet

#: Sets of at most this many unnamed names are treated name by name.
_LISTED_NAMES = 64
#: Sets of free names that are told apart.
_MAX_CELLS = 256
#: Obligations on free names that one property may meet or not.
_OBLIGATIONS = 8


def object_plans(normaliser: Normaliser, shape: ObjectShape, terminals: Terminals, any_order: bool) -> list[ObjectPlan]:
    """The plans whose union is the shape.

    Raises:
        LimitError: too many obligations meet in one free name, or free names are parted into too many sets.
    """
    plans = []
    spelled = _spelled(normaliser, _with_needed(normaliser, shape))
    for part in [] if spelled is None else _split(normaliser, spelled):
        if part.exists and closed(part.rest):
            continue
        plan = ObjectPlan(part, partial(_cells, normaliser, part), terminals, any_order)
        plan.formulas = [normaliser.algebra.property(part, name) for name in plan.names]
        if 1 << len(part.rest) + len(part.exists) > _MAX_CELLS:
            plan.cells  # noqa: B018  (made now, so that too many are refused now)
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


def splits(shape: ObjectShape) -> int:
    """An upper bound on the shapes that a shape is split into."""
    parts = 1
    for names, _ in shape.exists:
        parts *= 1 + sum(names.contains(name) for name in shape.named)
    return parts * (2 ** len(shape.needs) if shape.lo > 0 else 1)


def _meets_named(shape: ObjectShape, obligation: Names) -> bool:
    return any(obligation[0].contains(name) for name in shape.named)


def _with_needed(normaliser: Normaliser, shape: ObjectShape) -> ObjectShape:
    """The shape with all names that ``needs`` speaks of among the named ones: only those are remembered. The required
    names, too, where some property has to satisfy something: it may be one of them."""
    if not shape.needs and not shape.exists:
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
    formulas = normaliser.formulas
    start = StringSet.of([*shape.named, *shape.required])
    #: for what holds for their values and bits of the obligations that speak of them: names
    merged: dict[tuple[Formula, int], StringSet] = {(formulas.true, 0): start.complement()}
    steps = [(names, f, 0) for names, f in shape.rest if f.kind != TRUE]
    steps += [(names, formulas.true, 1 << bit) for bit, (names, _) in enumerate(shape.exists)]
    for names, f, bit in steps:
        parts = [
            (key, part)
            for (g, bits), inside in merged.items()
            for key, part in (
                ((formulas.both(g, f), bits | bit), inside.intersect(names)),
                ((g, bits), inside.difference(names)),
            )
            if not part.is_empty() and key[0].kind != FALSE
        ]
        merged = {}
        for key, part in parts:
            known = merged.get(key)
            merged[key] = part if known is None else known.union(part)
        if len(merged) > _MAX_CELLS:
            raise LimitError(
                f"the schemas part the names of properties into more than {_MAX_CELLS} sets",
                where=shape.where,
                hint="This limit is fixed: use fewer patterns in patternProperties, or some that exclude each other",
            )
    cells = []
    for (g, bits), inside in merged.items():
        cells += _variants(normaliser, shape, Pool(inside), g, bits)
    return cells


def _variants(normaliser: Normaliser, shape: ObjectShape, pool: Pool, g: Formula, bits: int) -> list[Cell]:
    """The cells of some names: one for each set of obligations that such a property may meet."""
    formulas = normaliser.formulas
    met, open_bits = 0, []
    for bit, (_, f) in enumerate(shape.exists):
        if bits >> bit & 1:
            if f.kind == TRUE or f is g or normaliser.hollow(formulas.both(g, formulas.neither(f)), 2):
                met |= 1 << bit  # every such property meets it
            else:
                open_bits.append(bit)
    if len(open_bits) > _OBLIGATIONS:
        raise LimitError(
            f"one property with a free name may meet more than {_OBLIGATIONS} obligations at once",
            where=shape.where,
            hint="List the names in properties",
        )
    cells = []
    for number in range(len(open_bits) + 1):
        for chosen in combinations(open_bits, number):
            f = formulas.both(g, *(shape.exists[bit][1] for bit in chosen))
            if f.kind != FALSE:
                asks = sum(1 << bit for bit in chosen)
                cells.append(Cell(pool, f, met | asks, asks))
    return cells
