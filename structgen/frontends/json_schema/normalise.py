"""From formulas to normal forms.

Receives a :class:`Formula`; returns its :class:`Values`, computed once. A schema object is the intersection of what
its keywords say; a keyword speaks of one type and admits every value of the others.
"""

from __future__ import annotations

from typing import Any

from structgen.errors import LimitError, SchemaError
from structgen.frontends.json_schema.algebra import ALL_STRINGS, NOTHING
from structgen.frontends.json_schema.emptiness import CircularError
from structgen.frontends.json_schema.formula import AND, EXACT, FALSE, NOT, OR, TRUE, Formula
from structgen.frontends.json_schema.keywords import OfSchema
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.operations import Operations
from structgen.frontends.json_schema.schema import Schema
from structgen.frontends.json_schema.shapes import NO, YES, ArrayShape, ObjectShape, Values
from structgen.frontends.json_schema.strings import StringSet


class Normaliser(Operations):
    """Computes normal forms, and remembers them.

    Args:
        max_formulas: how many formulas may be made before LimitError.
    """

    def __init__(self, max_formulas: int = 100_000) -> None:
        super().__init__()
        self.max_formulas = max_formulas
        self._busy: set[Schema] = set()
        self._seeing: dict[Schema, Values] = {}
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
        except CircularError as error:
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
                    where=place_of(formula),
                    hint="Raise max_automaton_states in Limits, or combine fewer schemas by oneOf, not, if, allOf",
                )
            try:
                found = self._compute(formula)
            except LimitError as error:
                error.where = error.where or place_of(formula)
                raise
            formula.values = self.interned(found)
        return formula.values

    def interned(self, values: Values) -> Values:
        return self._interned.setdefault(values, values)

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
            return self.complement(self.normal(args[0]), place_of(formula))
        if kind == AND:
            # small ones first: enumerations and constants make the products small
            parts = sorted((self.normal(f) for f in args if f.kind != NOT), key=_size)
            result = parts[0] if parts else self.algebra.everything
            for part in parts[1:]:
                result = self.intersect(result, part, place_of(formula))
            outside = [self.normal(f.args[0]) for f in args if f.kind == NOT]
            if outside:
                result = self.subtract(result, self.union(outside, place_of(formula)), place_of(formula))
            return result
        if kind == OR:
            return self.union([self.normal(f) for f in args], place_of(formula))
        return self.of_schema(args[0], seeing=False)

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
            raise CircularError(schema)
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


def _size(values: Values) -> int:
    return len(values.arrays) + len(values.objects)


def place_of(formula: Formula) -> str | None:
    """Some place in the schema that a formula stems from."""
    while formula.args:
        if isinstance(formula.args[0], Schema):
            return formula.args[0].where
        if not isinstance(formula.args[0], Formula):
            return None
        formula = formula.args[0]
    return None
