"""From formulas to normal forms.

Receives a :class:`Formula`; returns its :class:`Values`, computed once. A schema object is the intersection of what
its keywords say; a keyword speaks of one type and admits every value of the others. Branches that plainly hold
nothing are dropped here, by a look a few levels deep; the exact answer comes with the least texts (``least``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from structgen.errors import LimitError, SchemaError
from structgen.frontends.json_schema.algebra import ALL_NUMBERS, ALL_STRINGS, NOTHING, Algebra
from structgen.frontends.json_schema.formula import AND, EXACT, FALSE, NOT, OR, TRUE, Formula, Formulas
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.schema import Schema
from structgen.frontends.json_schema.shapes import NO, YES, ArrayShape, Contains, ObjectShape, Values
from structgen.frontends.json_schema.strings import StringSet

#: How many levels of required properties are looked at when a branch is tested for emptiness.
_DEPTH = 3
#: How many such looks may nest when each has to normalise something first.
_LEVELS = 3
#: Conjuncts of one type in one normal form.
MAX_SHAPES = 6000

_APPLICATORS = (
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentSchemas",
)


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
        self._numbers: dict[Any, NumberSet] = {}
        self._strings: dict[Any, StringSet] = {}

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
            return self._values(formula)
        except _CircularError as error:
            raise SchemaError(
                "the schema refers to itself, so that it says nothing",
                where=error.schema.where,
                hint="Put a property or an item between the schema and its reference to itself",
            ) from None

    def _values(self, formula: Formula) -> Values:
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
            return self.complement(self._values(args[0]), _where(formula))
        if kind == AND:
            # small ones first: enumerations and constants make the products small
            parts = sorted((self._values(f) for f in args), key=_size)
            result = parts[0]
            for part in parts[1:]:
                result = self.intersect(result, part, _where(formula))
            return result
        if kind == OR:
            return self.union([self._values(f) for f in args], _where(formula))
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
            self._arrays((algebra.meet_arrays(x, y) for x in a.arrays for y in b.arrays), where),
            self._objects((algebra.meet_objects(x, y) for x in a.objects for y in b.objects), where),
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
                self._arrays((*result.arrays, *part.arrays), where, known=True),
                self._objects((*result.objects, *part.objects), where, known=True),
            )
        return result

    def complement(self, a: Values, where: str | None) -> Values:
        algebra = self.algebra
        arrays: tuple[ArrayShape, ...] = (algebra.any_array,)
        for array in a.arrays:
            others = algebra.other_arrays(array)
            arrays = self._arrays((algebra.meet_arrays(x, y) for x in arrays for y in others), where)
        objects: tuple[ObjectShape, ...] = (algebra.any_object,)
        for shape in a.objects:
            violations = algebra.other_objects(shape)
            objects = self._objects((algebra.meet_objects(x, y) for x in objects for y in violations), where)
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
                    left = self._arrays((algebra.meet_arrays(x, y) for x in left for y in violations), where)
            arrays.extend(left)
        objects: list[ObjectShape | None] = []
        for shape in a.objects:
            kept: tuple[ObjectShape, ...] = (shape,)
            for another in b.objects:
                if any(not self.objects_apart(x, another) for x in kept):
                    ways = algebra.other_objects(another)
                    kept = self._objects((algebra.meet_objects(x, y) for x in kept for y in ways), where)
            objects.extend(kept)
        return Values(
            a.null and not b.null,
            a.bools & ~b.bools,
            a.numbers.difference(b.numbers),
            a.strings.difference(b.strings),
            self._arrays(arrays, where, known=True),
            self._objects(objects, where, known=True),
        )

    def _arrays(
        self, shapes: Iterable[ArrayShape | None], where: str | None, known: bool = False
    ) -> tuple[ArrayShape, ...]:
        found: dict[ArrayShape, None] = {}
        for shape in shapes:
            if shape is not None and shape not in found and (known or not self.hollow_array(shape, _DEPTH)):
                found[shape] = None
                if len(found) > MAX_SHAPES:
                    raise self._too_many("arrays", where)
        if len(found) > 1 and self.algebra.any_array in found:
            return (self.algebra.any_array,)
        return tuple(found)

    def _objects(
        self, shapes: Iterable[ObjectShape | None], where: str | None, known: bool = False
    ) -> tuple[ObjectShape, ...]:
        found: dict[ObjectShape, None] = {}
        for shape in shapes:
            if shape is not None and shape not in found and (known or not self.hollow_object(shape, _DEPTH)):
                found[shape] = None
                if len(found) > MAX_SHAPES:
                    raise self._too_many("objects", where)
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
    def _too_many(what: str, where: str | None) -> LimitError:
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
                values = self._values(formula)
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
            result = _OfSchema(self, schema, seeing).values()
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


class _OfSchema:
    """Normalises one schema object."""

    def __init__(self, normaliser: Normaliser, schema: Schema, seeing: bool) -> None:
        self.n = normaliser
        self.schema = schema
        self.keywords = schema.keywords
        self.where = schema.where
        # unevaluated* must know what its neighbours evaluate
        self.shows = seeing
        self.seeing = seeing or "unevaluatedProperties" in self.keywords or "unevaluatedItems" in self.keywords

    def values(self) -> Values:
        keywords = self.keywords
        result = self.base()
        order = [name for name in keywords if name in _APPLICATORS]
        # applicators written before "properties" name their properties first
        own = list(keywords).index("properties") if "properties" in keywords else -1
        positions = {name: i for i, name in enumerate(keywords)}
        before = [name for name in order if positions[name] < own]
        for name in reversed(before):
            result = self.apply(name, result, first=True)
        for name in order:
            if name not in before:
                result = self.apply(name, result, first=False)
        if "unevaluatedItems" in keywords:
            result = self.unevaluated_items(result, keywords["unevaluatedItems"])
        if "unevaluatedProperties" in keywords:
            result = self.unevaluated_properties(result, keywords["unevaluatedProperties"])
        if self.seeing and not self.shows:
            result = self.blind(result)
        return result

    def of(self, schema: Schema) -> Values:
        """A subschema that applies to the same value."""
        if self.seeing:
            return self.n.of_schema(schema, seeing=True)
        return self.n._values(self.n.formula(schema))

    def meet(self, a: Values, b: Values, first: bool = False) -> Values:
        return self.n.intersect(b, a, self.where) if first else self.n.intersect(a, b, self.where)

    # keywords that speak of one type, and the type itself

    def base(self) -> Values:
        k, n = self.keywords, self.n
        everything = "type" not in k
        types: frozenset[str] = k.get("type", frozenset())
        numbers = NOTHING.numbers
        if everything or "number" in types or "integer" in types:
            numbers = self.numbers()
            if not everything and "number" not in types:
                numbers = numbers.intersect(NumberSet.integers())
        arrays = self.array() if everything or "array" in types else None
        objects = self.object() if everything or "object" in types else None
        result = Values(
            everything or "null" in types,
            NO | YES if everything or "boolean" in types else 0,
            numbers,
            self.strings() if everything or "string" in types else NOTHING.strings,
            () if arrays is None else (arrays,),
            () if objects is None else (objects,),
        )
        if "enum" in k:
            result = self.meet(result, n.enumeration(k["enum"]), first=True)
        elif result == n.algebra.everything:
            result = n.algebra.everything
        return result

    def numbers(self) -> NumberSet:
        k = self.keywords
        key = tuple(
            k.get(name) for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
        )
        if not any(part is not None for part in key):
            return ALL_NUMBERS
        result = self.n._numbers.get(key)
        if result is None:
            low, high, above, below, step = key
            result = NumberSet.interval(low, high)
            if above is not None or below is not None:
                result = result.intersect(NumberSet.interval(above, below, lo_open=True, hi_open=True))
            if step is not None:
                result = result.intersect(NumberSet.multiples(step))
            self.n._numbers[key] = result
        return result

    def strings(self) -> StringSet:
        k = self.keywords
        key = tuple(k.get(name) for name in ("minLength", "maxLength", "pattern", "format"))
        if not any(part is not None for part in key):
            return ALL_STRINGS
        result = self.n._strings.get(key)
        if result is None:
            least, most, pattern, form = key
            result = ALL_STRINGS
            if form is not None:
                result = result.intersect(form)
            if pattern is not None:
                result = result.intersect(pattern)
            if least is not None or most is not None:
                result = result.intersect(StringSet.length(least or 0, most))
            self.n._strings[key] = result
        return result

    def array(self) -> ArrayShape | None:
        k, n = self.keywords, self.n
        prefix = tuple(n.formula(s) for s in k.get("prefixItems", ()))
        rest = n.formula(k["items"]) if "items" in k else n.formulas.true
        contains: tuple[Contains, ...] = ()
        seen: int | None = None
        seen_by: tuple[Formula, ...] = ()
        if self.seeing:
            seen = -1 if "items" in k else len(prefix)
        if "contains" in k:
            f = n.formula(k["contains"])
            contains = (Contains(0, f, k.get("minContains", 1), k.get("maxContains")),)
            if self.seeing and k.get("containsEvaluates"):
                seen_by = (f,)
        shape = ArrayShape(
            prefix,
            rest,
            k.get("minItems", 0),
            k.get("maxItems"),
            contains,
            True if "uniqueItems" in k else None,
            seen,
            seen_by,
            self.where,
        )
        tidied = n.algebra.tidy_array(shape)
        return n.algebra.any_array if tidied == n.algebra.any_array else tidied

    def object(self) -> ObjectShape | None:
        k, n = self.keywords, self.n
        both, false = n.formulas.both, n.formulas.false
        patterns = [(names, n.formula(s)) for names, s in k.get("patternProperties", ())]
        named: dict[str, Formula] = {}
        for name, schema in k.get("properties", {}).items():
            matching = [f for names, f in patterns if names.contains(name)]
            named[name] = both(n.formula(schema), *matching) if matching else n.formula(schema)
        rest = list(patterns)
        if "additionalProperties" in k:
            f = n.formula(k["additionalProperties"])
            if f is not n.formulas.true:
                others = ALL_STRINGS
                for names, _ in patterns:
                    others = others.difference(names)
                rest.append((others, f))
        if "propertyNames" in k:
            names = n._values(n.formula(k["propertyNames"])).strings
            for name in named:
                if not names.contains(name):
                    named[name] = false
            if not names.is_all():
                rest.append((names.complement(), false))
        seen: StringSet | None = None
        if self.seeing:
            seen = StringSet.of(k.get("properties", {}))
            for names, _ in patterns:
                seen = seen.union(names)
            if "additionalProperties" in k:
                seen = ALL_STRINGS
        shape = ObjectShape(
            named,
            tuple(rest),
            k.get("required", ()),
            k.get("minProperties", 0),
            k.get("maxProperties"),
            tuple((name, frozenset(others)) for name, others in k.get("dependentRequired", {}).items()),
            (),
            seen,
            self.where,
        )
        tidied = n.algebra.tidy_object(shape)
        return n.algebra.any_object if tidied == n.algebra.any_object else tidied

    # applicators

    def apply(self, name: str, result: Values, first: bool) -> Values:
        value = self.keywords[name]
        if name in ("$ref", "$dynamicRef", "$recursiveRef"):
            return self.meet(result, self.of(value.schema), first)
        if name == "allOf":
            for schema in reversed(value) if first else value:
                result = self.meet(result, self.of(schema), first)
            return result
        if name == "anyOf":
            return self.any_of(result, value, first)
        if name == "oneOf":
            return self.one_of(result, value, first)
        if name == "not":
            inner = self.n._values(self.n.formula(value))
            return self.n.subtract(result, inner, self.where)
        if name == "if":
            return self.conditional(result, first)
        for property_name, schema in value.items():
            result = self.dependent(result, property_name, schema)
        return result

    def any_of(self, result: Values, branches: tuple[Schema, ...], first: bool) -> Values:
        if not self.seeing:
            return self.n.union([self.meet(result, self.of(s), first) for s in branches], self.where)
        # what is evaluated depends on every branch that holds: take each set of branches by itself
        parts = [(result, False)]
        for schema in branches:
            holds, plain = self.of(schema), self.n._values(self.n.formula(schema))
            following = []
            for part, some in parts:
                following.append((self.meet(part, holds, first), True))
                following.append((self.n.subtract(part, plain, self.where), some))
            parts = [(part, some) for part, some in following if not part.is_empty()]
            if len(parts) > MAX_SHAPES:
                raise self.n._too_many("values", self.where)
        return self.n.union([part for part, some in parts if some] or [NOTHING], self.where)

    def one_of(self, result: Values, branches: tuple[Schema, ...], first: bool) -> Values:
        plain = [self.n._values(self.n.formula(s)) for s in branches]
        parts = [self.meet(result, self.of(s), first) for s in branches]
        kept = []
        for i, part in enumerate(parts):
            for j, other in enumerate(plain):
                if j != i and not part.is_empty() and not self.n.apart(part, other):
                    part = self.n.subtract(part, other, self.where)
            if not part.is_empty():
                kept.append(part)
        return self.n.union(kept or [NOTHING], self.where)

    def conditional(self, result: Values, first: bool) -> Values:
        k, n = self.keywords, self.n
        if not ("then" in k or "else" in k or self.seeing):
            return result
        condition = k["if"]
        holds = self.meet(result, self.of(condition), first)
        fails = n.subtract(result, n._values(n.formula(condition)), self.where)
        if "then" in k:
            holds = self.meet(holds, self.of(k["then"]), first)
        if "else" in k:
            fails = self.meet(fails, self.of(k["else"]), first)
        return n.union([holds, fails], self.where)

    def dependent(self, result: Values, name: str, schema: Schema) -> Values:
        n = self.n
        others = n.algebra.everything
        absent = _with_objects(others, (ObjectShape({name: n.formulas.false}),))
        present = _with_objects(others, (ObjectShape({}, required=(name,)),))
        without = self.meet(result, absent)
        within = self.meet(self.meet(result, present), self.of(schema))
        # values of other types have no properties, so that the schema does not concern them
        return n.union([without, _only_objects(within)], self.where)

    # unevaluated

    def unevaluated_properties(self, result: Values, schema: Schema) -> Values:
        n = self.n
        f = n.formula(schema)
        shapes = []
        for shape in result.objects:
            seen = shape.seen
            assert seen is not None
            unseen = seen.complement()
            limit = ObjectShape(
                {name: f if unseen.contains(name) else n.formulas.true for name in shape.named},
                ((unseen, f),),
                seen=ALL_STRINGS,
            )
            shapes.append(n.algebra.meet_objects(shape, limit))
        return _with_objects(result, n._objects(shapes, self.where))

    def unevaluated_items(self, result: Values, schema: Schema) -> Values:
        n = self.n
        shapes: list[ArrayShape | None] = []
        for shape in result.arrays:
            assert shape.seen is not None
            if shape.seen == -1:
                shapes.append(shape)
                continue
            f = n.formulas.either(n.formula(schema), *shape.seen_by)
            limit = ArrayShape((n.formulas.true,) * shape.seen, f, seen=-1)
            shapes.append(n.algebra.meet_arrays(shape, limit))
        return _with_arrays(result, n._arrays(shapes, self.where))

    def blind(self, result: Values) -> Values:
        """Forget what was evaluated."""
        algebra = self.n.algebra
        objects = []
        for shape in result.objects:
            bare = shape.replace(seen=None)
            objects.append(algebra.any_object if bare == algebra.any_object else bare)
        arrays: list[ArrayShape | None] = []
        for array in result.arrays:
            plain = algebra.tidy_array(array.replace(seen=None, seen_by=()))
            arrays.append(algebra.any_array if plain == algebra.any_array else plain)
        return _with_arrays(
            _with_objects(result, self.n._objects(objects, self.where)),
            self.n._arrays(arrays, self.where),
        )


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


def _with_objects(values: Values, objects: tuple[ObjectShape, ...]) -> Values:
    return Values(values.null, values.bools, values.numbers, values.strings, values.arrays, objects)


def _with_arrays(values: Values, arrays: tuple[ArrayShape, ...]) -> Values:
    return Values(values.null, values.bools, values.numbers, values.strings, arrays, values.objects)


def _only_objects(values: Values) -> Values:
    return _with_objects(NOTHING, values.objects)
