"""From formulas to normal forms.

Receives a :class:`Formula`; returns its :class:`Values`, computed once. A schema object is the intersection of what
its keywords say; a keyword speaks of one type and admits every value of the others. Branches that plainly hold
nothing are dropped here, by a look a few levels deep; the exact answer comes with the least texts (``lower``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from structgen.errors import LimitError, SchemaError
from structgen.frontends.json_schema.algebra import ALL_STRINGS, MAX_SHAPES, NOTHING, Algebra
from structgen.frontends.json_schema.formula import AND, EXACT, FALSE, NOT, OR, TRUE, Formula, Formulas
from structgen.frontends.json_schema.keywords import OfSchema
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.schema import Schema
from structgen.frontends.json_schema.shapes import NO, YES, ArrayShape, ObjectShape, Values
from structgen.frontends.json_schema.strings import StringSet

#: How many levels of required properties are looked at when a branch is tested for emptiness.
_DEPTH = 3
#: How many such looks may nest when each has to normalise something first.
_LEVELS = 3


class _CircularError(Exception):
    """The normal form of a schema needs itself, without a property or an item in between."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema


class Normaliser:
    """Computes normal forms, and remembers them.

    Args:
        max_formulas: how many formulas may be made before LimitError.
    """

    def __init__(self, max_formulas: int = 100_000) -> None:
        self.formulas = Formulas()
        self.algebra = Algebra(self.formulas)
        self.max_formulas = max_formulas
        self._busy: set[Schema] = set()
        self._seeing: dict[Schema, Values] = {}
        #: how many looks for emptiness are under way, each of which normalises something
        self._level = 0
        self._hollow: dict[tuple[Formula, int], bool] = {}
        self._interned: dict[Values, Values] = {}
        self.number_sets: dict[Any, NumberSet] = {}
        self.string_sets: dict[Any, StringSet] = {}

    def formula(self, schema: Schema) -> Formula:
        """The formula of a schema."""
        return self.formulas.schema(schema)

    def values(self, formula: Formula) -> Values:
        """The normal form of a formula.

        Raises:
            SchemaError: the schema refers to itself without a property or an item in between.
            LimitError: too many conjuncts or formulas.
        """
        if formula.values is not None:
            return formula.values
        try:
            return self.normal(formula)
        except _CircularError as error:
            raise SchemaError(
                "the schema refers to itself, so that it says nothing",
                where=error.schema.where,
                hint="Put a property or an item between the schema and its reference to itself",
            ) from None

    def normal(self, formula: Formula) -> Values:
        """As ``values``, for use while normalising: a schema that needs itself is not yet an error."""
        if formula.values is None:
            if len(self.formulas) > self.max_formulas:
                raise LimitError(
                    f"the schema needs more than {self.max_formulas} combined subschemas",
                    where=_where(formula),
                    hint="Raise max_states, or combine fewer schemas by oneOf, not, if and allOf",
                )
            found = self._compute(formula)
            formula.values = self._interned.setdefault(found, found)
        return formula.values

    def _compute(self, formula: Formula) -> Values:
        kind, args = formula.kind, formula.args
        if kind == TRUE:
            return self.algebra.everything
        if kind == FALSE:
            return NOTHING
        if kind == EXACT:
            result: Values = args[0]
            return result
        if kind == NOT:
            return self.complement(self.normal(args[0]), _where(formula))
        if kind == AND:
            # small ones first: enumerations and constants make the products small
            parts = sorted((self.normal(f) for f in args), key=_size)
            result = parts[0]
            for part in parts[1:]:
                result = self.intersect(result, part, _where(formula))
            return result
        if kind == OR:
            return self.union([self.normal(f) for f in args], _where(formula))
        return self.of_schema(args[0], seeing=False)

    # the operations on normal forms that drop what is empty

    def intersect(self, a: Values, b: Values, where: str | None) -> Values:
        everything = self.algebra.everything
        if a is b or b is everything:
            return a
        if a is everything:
            return b
        algebra = self.algebra
        return Values(
            a.null and b.null,
            a.bools & b.bools,
            a.numbers.intersect(b.numbers),
            a.strings.intersect(b.strings),
            self.unite_arrays((algebra.meet_arrays(x, y) for x in a.arrays for y in b.arrays), where),
            self.unite_objects((algebra.meet_objects(x, y) for x in a.objects for y in b.objects), where),
        )

    def union(self, parts: list[Values], where: str | None) -> Values:
        if len(parts) == 1:
            return parts[0]
        result = parts[0]
        for part in parts[1:]:
            result = Values(
                result.null or part.null,
                result.bools | part.bools,
                result.numbers.union(part.numbers),
                result.strings.union(part.strings),
                self.unite_arrays((*result.arrays, *part.arrays), where, known=True),
                self.unite_objects((*result.objects, *part.objects), where, known=True),
            )
        return result

    def complement(self, a: Values, where: str | None) -> Values:
        algebra = self.algebra
        arrays: tuple[ArrayShape, ...] = (algebra.any_array,)
        for array in a.arrays:
            others = algebra.other_arrays(array)
            arrays = self.unite_arrays((algebra.meet_arrays(x, y) for x in arrays for y in others), where)
        objects: tuple[ObjectShape, ...] = (algebra.any_object,)
        for shape in a.objects:
            violations = algebra.other_objects(shape)
            objects = self.unite_objects((algebra.meet_objects(x, y) for x in objects for y in violations), where)
        return Values(
            not a.null,
            (NO | YES) & ~a.bools,
            a.numbers.complement(),
            a.strings.complement(),
            arrays,
            objects,
        )

    def subtract(self, a: Values, b: Values, where: str | None) -> Values:
        """``a`` without ``b``, conjunct by conjunct, so that what is apart from ``b`` stays whole."""
        algebra = self.algebra
        arrays: list[ArrayShape | None] = []
        for array in a.arrays:
            left: tuple[ArrayShape, ...] = (array,)
            for other in b.arrays:
                if any(not self.arrays_apart(x, other) for x in left):
                    violations = algebra.other_arrays(other)
                    left = self.unite_arrays((algebra.meet_arrays(x, y) for x in left for y in violations), where)
            arrays.extend(left)
        objects: list[ObjectShape | None] = []
        for shape in a.objects:
            kept: tuple[ObjectShape, ...] = (shape,)
            for another in b.objects:
                if any(not self.objects_apart(x, another) for x in kept):
                    ways = algebra.other_objects(another)
                    kept = self.unite_objects((algebra.meet_objects(x, y) for x in kept for y in ways), where)
            objects.extend(kept)
        return Values(
            a.null and not b.null,
            a.bools & ~b.bools,
            a.numbers.difference(b.numbers),
            a.strings.difference(b.strings),
            self.unite_arrays(arrays, where, known=True),
            self.unite_objects(objects, where, known=True),
        )

    def unite_arrays(
        self, shapes: Iterable[ArrayShape | None], where: str | None, known: bool = False
    ) -> tuple[ArrayShape, ...]:
        """Shapes without doubles, and unless ``known`` without those that are plainly empty."""
        found: dict[ArrayShape, None] = {}
        for shape in shapes:
            if shape is not None and shape not in found and (known or not self.hollow_array(shape, _DEPTH)):
                found[shape] = None
                if len(found) > MAX_SHAPES:
                    raise self.too_many("arrays", where)
        if len(found) > 1 and self.algebra.any_array in found:
            return (self.algebra.any_array,)
        return tuple(found)

    def unite_objects(
        self, shapes: Iterable[ObjectShape | None], where: str | None, known: bool = False
    ) -> tuple[ObjectShape, ...]:
        """Shapes without doubles, and unless ``known`` without those that are plainly empty."""
        found: dict[ObjectShape, None] = {}
        for shape in shapes:
            if shape is not None and shape not in found and (known or not self.hollow_object(shape, _DEPTH)):
                found[shape] = None
                if len(found) > MAX_SHAPES:
                    raise self.too_many("objects", where)
        if len(found) > 1 and self.algebra.any_object in found:
            return (self.algebra.any_object,)
        if 1 < len(found) <= _FEW:
            return tuple(self._maximal(list(found)))
        return tuple(found)

    def _maximal(self, shapes: list[ObjectShape]) -> list[ObjectShape]:
        """The shapes without those that plainly lie inside another."""
        kept: list[ObjectShape] = []
        for i, shape in enumerate(shapes):
            if not any(
                self.inside(shape, other) and not (j > i and self.inside(other, shape))
                for j, other in enumerate(shapes)
                if j != i
            ):
                kept.append(shape)
        return kept

    def inside(self, a: ObjectShape, b: ObjectShape) -> bool:
        """Is every object of ``a`` plainly in ``b``?"""
        if a.seen != b.seen or b.lo > max(a.lo, len(a.required)):
            return False
        if b.hi is not None and (a.hi is None or a.hi > b.hi):
            return False
        if not set(b.required) <= set(a.required) or not set(b.exists) <= set(a.exists):
            return False
        if not set(b.needs) <= set(a.needs) or not set(b.rest) <= set(a.rest):
            return False
        for name, f in b.named.items():
            if f.kind != TRUE and not _implies(self.algebra.property(a, name), f):
                return False
        # what b's rest says of names that only a speaks of
        return all(name in b.named or _implies(f, self.algebra.property(b, name)) for name, f in a.named.items())

    @staticmethod
    def too_many(what: str, where: str | None) -> LimitError:
        return LimitError(
            f"the combination of subschemas has more than {MAX_SHAPES} kinds of {what}",
            where=where,
            hint="Let the branches of oneOf, anyOf, if and not differ in a required constant property",
        )

    # plain emptiness

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
            except _CircularError:
                return False  # in the middle of normalising it: not known yet
            finally:
                self._level -= 1
        result = not values.has_scalars() and (
            all(self.hollow_array(shape, depth) for shape in values.arrays)
            and all(self.hollow_object(shape, depth) for shape in values.objects)
        )
        self._hollow[key] = result
        return result

    def hollow_object(self, shape: ObjectShape, depth: int) -> bool:
        if depth == 0:
            return False
        return any(self.hollow(self.algebra.property(shape, name), depth - 1) for name in shape.required)

    def hollow_array(self, shape: ArrayShape, depth: int) -> bool:
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

    def objects_apart(self, a: ObjectShape, b: ObjectShape) -> bool:
        """Is there surely no object in both?"""
        if (a.hi is not None and a.hi < b.lo) or (b.hi is not None and b.hi < a.lo):
            return True
        prop, both = self.algebra.property, self.formulas.both
        return any(
            self.hollow(both(prop(a, name), prop(b, name)), _DEPTH) for name in dict.fromkeys(a.required + b.required)
        )

    def arrays_apart(self, a: ArrayShape, b: ArrayShape) -> bool:
        """Is there surely no array in both?"""
        met = self.algebra.meet_arrays(a, b)
        return met is None or self.hollow_array(met, _DEPTH)

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

    # schemas

    def of_schema(self, schema: Schema, seeing: bool) -> Values:
        """The normal form of a schema.

        Args:
            schema: the schema.
            seeing: note in the shapes which names and items are evaluated.
        """
        if schema.never:
            return NOTHING
        if seeing:
            known = self._seeing.get(schema)
            if known is not None:
                return known
        if schema in self._busy:
            raise _CircularError(schema)
        self._busy.add(schema)
        try:
            result = OfSchema(self, schema, seeing).values()
        finally:
            self._busy.discard(schema)
        if seeing:
            self._seeing[schema] = result
        return result

    def frozen(self, value: Any) -> Values:
        """The normal form of one JSON value (frozen, see ``load``)."""
        null, bools, numbers, strings = False, 0, NOTHING.numbers, NOTHING.strings
        arrays: tuple[ArrayShape, ...] = ()
        objects: tuple[ObjectShape, ...] = ()
        if value is None:
            null = True
        elif isinstance(value, str):
            strings = StringSet.of([value])
        elif value[0] == "b":
            bools = YES if value[1] else NO
        elif value[0] == "n":
            numbers = NumberSet.of([value[1]])
        elif value[0] == "a":
            items = tuple(self.formulas.exact(self.frozen(item)) for item in value[1])
            arrays = (ArrayShape(items, self.formulas.false, len(items), len(items)),)
        else:
            named = {name: self.formulas.exact(self.frozen(item)) for name, item in value[1]}
            shape = self.algebra.tidy_object(ObjectShape(named, ((ALL_STRINGS, self.formulas.false),), tuple(named)))
            assert shape is not None
            objects = (shape,)
        found = Values(null, bools, numbers, strings, arrays, objects)
        return self._interned.setdefault(found, found)

    def enumeration(self, values: tuple[Any, ...]) -> Values:
        """The normal form of some JSON values."""
        structured = [self.frozen(v) for v in values if isinstance(v, tuple) and v[0] in "ao"]
        scalars = Values(
            None in values,
            (YES if ("b", True) in values else 0) | (NO if ("b", False) in values else 0),
            NumberSet.of([v[1] for v in values if isinstance(v, tuple) and v[0] == "n"]),
            StringSet.of([v for v in values if isinstance(v, str)]),
            (),
            (),
        )
        return self.union([scalars, *structured], None)


#: Up to so many shapes are compared with each other.
_FEW = 48


def _implies(a: Formula, b: Formula) -> bool:
    """Plainly: every value of ``a`` is one of ``b``."""
    if a is b or b.kind == TRUE or a.kind == FALSE:
        return True
    return a.kind == AND and (b in a.args or (b.kind == AND and set(b.args) <= set(a.args)))


def _size(values: Values) -> int:
    return len(values.arrays) + len(values.objects)


def _where(formula: Formula) -> str | None:
    """Some place in the schema that a formula stems from."""
    while formula.args:
        if isinstance(formula.args[0], Schema):
            return formula.args[0].where
        if not isinstance(formula.args[0], Formula):
            return None
        formula = formula.args[0]
    return None
