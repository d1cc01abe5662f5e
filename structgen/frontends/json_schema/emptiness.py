"""Plain emptiness: is there surely no value? A look a few levels deep.

Receives formulas and shapes; returns True where nothing is in them for sure. The exact answer comes with the least
texts (``lower``); this look keeps combinations small while they are made.
"""

from __future__ import annotations

from structgen.frontends.json_schema.algebra import Algebra
from structgen.frontends.json_schema.formula import FALSE, TRUE, Formula, Formulas
from structgen.frontends.json_schema.schema import Schema
from structgen.frontends.json_schema.shapes import ALL, NOT, ArrayShape, ObjectShape, Tree, Values

#: How many levels of required properties are looked at when a branch is tested for emptiness.
DEPTH = 3
#: How many such looks may nest when each has to normalise something first.
_LEVELS = 3


class CircularError(Exception):
    """The normal form of a schema needs itself, without a property or an item in between."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema


class Emptiness:
    """The look for emptiness, over one store of formulas."""

    def __init__(self) -> None:
        self.formulas = Formulas()
        self.algebra = Algebra(self.formulas)
        #: how many looks for emptiness are under way, each of which normalises something
        self._level = 0
        self._hollow: dict[tuple[Formula, int], bool] = {}

    def normal(self, formula: Formula) -> Values:
        """The normal form of a formula."""
        raise NotImplementedError

    def hollow(self, formula: Formula, depth: int) -> bool:
        """Is there surely no value? False may mean that the look was not deep enough."""
        if formula.kind in (TRUE, FALSE):
            return formula.kind == FALSE
        key = (formula, depth)
        found = self._hollow.get(key)
        if found is not None:
            return found
        values = formula.values
        if values is None:
            if self._level >= _LEVELS:
                return False
            self._level += 1
            try:
                values = self.normal(formula)
            except CircularError:
                return False  # in the middle of normalising it: not known yet
            finally:
                self._level -= 1
        result = not values.has_scalars() and (
            all(self.hollow_array(shape, depth) for shape in values.arrays)
            and all(self.hollow_object(shape, depth) for shape in values.objects)
        )
        self._hollow[key] = result
        return result

    def hollow_object(self, shape: ObjectShape | Tree, depth: int) -> bool:
        if depth == 0:
            return False
        if isinstance(shape, Tree):
            if shape.kind == NOT:
                return False
            some = any if shape.kind == ALL else all
            return some(self.hollow_object(part, depth) for part in shape.parts)
        return any(self.hollow(self.algebra.property(shape, name), depth - 1) for name in shape.required)

    def hollow_array(self, shape: ArrayShape | Tree, depth: int) -> bool:
        if isinstance(shape, Tree):
            if shape.kind == NOT:
                return False
            some = any if shape.kind == ALL else all
            return some(self.hollow_array(part, depth) for part in shape.parts)
        if depth == 0 or shape.lo == 0:
            return False
        if any(self.hollow(f, depth - 1) for f in shape.prefix[: shape.lo]):
            return True
        if shape.lo > len(shape.prefix) and self.hollow(shape.rest, depth - 1):
            return True
        both = self.formulas.both
        return any(
            c.lo > 0 and c.start >= len(shape.prefix) and self.hollow(both(shape.rest, c.formula), depth - 1)
            for c in shape.contains
        )

    def objects_apart(self, a: ObjectShape | Tree, b: ObjectShape | Tree) -> bool:
        """Is there surely no object in both?"""
        if isinstance(a, Tree) or isinstance(b, Tree):
            met = self.algebra.meet_objects(a, b)
            return met is None or self.hollow_object(met, DEPTH)
        if (a.hi is not None and a.hi < b.lo) or (b.hi is not None and b.hi < a.lo):
            return True
        prop, both = self.algebra.property, self.formulas.both
        return any(
            self.hollow(both(prop(a, name), prop(b, name)), DEPTH) for name in dict.fromkeys(a.required + b.required)
        )

    def arrays_apart(self, a: ArrayShape | Tree, b: ArrayShape | Tree) -> bool:
        """Is there surely no array in both?"""
        met = self.algebra.meet_arrays(a, b)
        return met is None or self.hollow_array(met, DEPTH)

    def apart(self, a: Values, b: Values) -> bool:
        """Is there surely no value in both?"""
        return not (
            (a.null and b.null)
            or a.bools & b.bools
            or not a.numbers.disjoint(b.numbers)
            or not a.strings.disjoint(b.strings)
            or any(not self.arrays_apart(x, y) for x in a.arrays for y in b.arrays)
            or any(not self.objects_apart(x, y) for x in a.objects for y in b.objects)
        )
