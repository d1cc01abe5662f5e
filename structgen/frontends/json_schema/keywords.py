"""What each keyword says, as a normal form.

Receives one schema in the one vocabulary; returns its :class:`Values`: the intersection of what its keywords say.
``unevaluatedProperties`` and ``unevaluatedItems`` need to know what their neighbours evaluate; the shapes made for
them carry that (``seen``), and every combination of branches that hold is taken by itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from structgen.frontends.json_schema.algebra import ALL_NUMBERS, ALL_STRINGS, MAX_SHAPES, NOTHING
from structgen.frontends.json_schema.formula import Formula
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.schema import Schema
from structgen.frontends.json_schema.shapes import NO, YES, ArrayShape, Contains, ObjectShape, Tree, Values
from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.json_schema.written import plain_integers

if TYPE_CHECKING:
    from structgen.frontends.json_schema.normalise import Normaliser

_SCALARS = frozenset(("null", "boolean", "number", "integer", "string"))
#: A type that is none.
_NEITHER = ("",)
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


class OfSchema:
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
        if len(keywords) == 1 and _SCALARS.issuperset(keywords.get("type", _NEITHER)):
            return _of_type(keywords["type"])
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
        return self.n.normal(self.n.formula(schema))

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
                integers = plain_integers if "plainIntegers" in k else NumberSet.integers().intersect
                numbers = integers(numbers)
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
        result = self.n.number_sets.get(key)
        if result is None:
            low, high, above, below, step = key
            result = NumberSet.interval(low, high)
            if above is not None or below is not None:
                result = result.intersect(NumberSet.interval(above, below, lo_open=True, hi_open=True))
            if step is not None:
                result = result.intersect(NumberSet.multiples(step))
            self.n.number_sets[key] = result
        return result

    def strings(self) -> StringSet:
        k = self.keywords
        key = tuple(k.get(name) for name in ("minLength", "maxLength", "pattern", "format"))
        if not any(part is not None for part in key):
            return ALL_STRINGS
        result = self.n.string_sets.get(key)
        if result is None:
            least, most, pattern, form = key
            result = ALL_STRINGS
            if form is not None:
                result = result.intersect(form)
            if pattern is not None:
                result = result.intersect(pattern)
            if least is not None or most is not None:
                result = result.intersect(StringSet.length(least or 0, most))
            self.n.string_sets[key] = result
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
        vague: str | None = None
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
            strings = n.normal(n.formula(k["propertyNames"])).strings
            names = strings.regular()
            vague = None if strings.above is None else f"{self.where}/propertyNames"
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
            vague,
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
            inner = self.n.normal(self.n.formula(value))
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
            holds, plain = self.of(schema), self.n.normal(self.n.formula(schema))
            following = []
            for part, some in parts:
                following.append((self.meet(part, holds, first), True))
                following.append((self.n.subtract(part, plain, self.where), some))
            parts = [(part, some) for part, some in following if not part.is_empty()]
            if len(parts) > MAX_SHAPES:
                raise self.n.too_many("values", self.where)
        return self.n.union([part for part, some in parts if some] or [NOTHING], self.where)

    def one_of(self, result: Values, branches: tuple[Schema, ...], first: bool) -> Values:
        n = self.n
        plain = [n.normal(n.formula(s)) for s in branches]
        if self.seeing:
            parts = [self.meet(result, self.of(s), first) for s in branches]
            kept = []
            for i, part in enumerate(parts):
                for j, other in enumerate(plain):
                    if j != i and not part.is_empty() and not n.apart(part, other):
                        part = n.subtract(part, other, self.where)
                if not part.is_empty():
                    kept.append(part)
            return n.union(kept or [NOTHING], self.where)
        return n.union([self.meet(result, part, first) for part in n.one_of(plain, self.where)], self.where)

    def conditional(self, result: Values, first: bool) -> Values:
        k, n = self.keywords, self.n
        if not ("then" in k or "else" in k or self.seeing):
            return result
        condition = k["if"]
        # without the need to know what is evaluated, what the three say is worked out by itself
        start = result if self.seeing else n.algebra.everything
        holds = self.meet(start, self.of(condition), first)
        if "then" in k:
            holds = self.meet(holds, self.of(k["then"]), first)
        fails = start if self.seeing or "else" not in k else self.of(k["else"])
        fails = n.subtract(fails, n.normal(n.formula(condition)), self.where)
        if self.seeing:
            if "else" in k:
                fails = self.meet(fails, self.of(k["else"]), first)
            return n.union([holds, fails], self.where)
        return self.meet(result, n.union([holds, fails], self.where), first)

    def dependent(self, result: Values, name: str, schema: Schema) -> Values:
        n = self.n
        others = n.algebra.everything
        absent = _with_objects(others, (ObjectShape({name: n.formulas.false}),))
        present = _with_objects(others, (ObjectShape({}, required=(name,)),))
        # values of other types have no properties, so that the schema does not concern them
        if self.seeing:
            within = self.meet(self.meet(result, present), self.of(schema))
            return n.union([self.meet(result, absent), _only_objects(within)], self.where)
        within = self.meet(present, self.of(schema))
        return self.meet(result, n.union([absent, _only_objects(within)], self.where))

    # unevaluated

    def unevaluated_properties(self, result: Values, schema: Schema) -> Values:
        n = self.n
        f = n.formula(schema)
        shapes = []
        for shape in result.objects:
            assert isinstance(shape, ObjectShape)
            seen = shape.seen
            assert seen is not None
            unseen = seen.complement()
            limit = ObjectShape(
                {name: f if unseen.contains(name) else n.formulas.true for name in shape.named},
                ((unseen, f),),
                seen=ALL_STRINGS,
            )
            shapes.append(n.algebra.meet_objects(shape, limit))
        return _with_objects(result, n.unite(n.object_kind, shapes, self.where))

    def unevaluated_items(self, result: Values, schema: Schema) -> Values:
        n = self.n
        shapes: list[ArrayShape | None] = []
        for shape in result.arrays:
            assert isinstance(shape, ArrayShape)
            assert shape.seen is not None
            if shape.seen == -1:
                shapes.append(shape)
                continue
            f = n.formulas.either(n.formula(schema), *shape.seen_by)
            limit = ArrayShape((n.formulas.true,) * shape.seen, f, seen=-1)
            shapes.append(n.algebra.meet_arrays(shape, limit))
        return _with_arrays(result, n.unite(n.array_kind, shapes, self.where))

    def blind(self, result: Values) -> Values:
        """Forget what was evaluated."""
        algebra = self.n.algebra
        objects = []
        for shape in result.objects:
            assert isinstance(shape, ObjectShape)
            bare = shape.replace(seen=None)
            objects.append(algebra.any_object if bare == algebra.any_object else bare)
        arrays: list[ArrayShape | None] = []
        for array in result.arrays:
            assert isinstance(array, ArrayShape)
            plain = algebra.tidy_array(array.replace(seen=None, seen_by=()))
            arrays.append(algebra.any_array if plain == algebra.any_array else plain)
        return _with_arrays(
            _with_objects(result, self.n.unite(self.n.object_kind, objects, self.where)),
            self.n.unite(self.n.array_kind, arrays, self.where),
        )


def _with_objects(values: Values, objects: tuple[ObjectShape | Tree, ...]) -> Values:
    return Values(values.null, values.bools, values.numbers, values.strings, values.arrays, objects)


def _with_arrays(values: Values, arrays: tuple[ArrayShape | Tree, ...]) -> Values:
    return Values(values.null, values.bools, values.numbers, values.strings, arrays, values.objects)


def _only_objects(values: Values) -> Values:
    return _with_objects(NOTHING, values.objects)


@lru_cache(maxsize=32)
def _of_type(types: frozenset[str]) -> Values:
    """All values of some scalar types."""
    numbers = NOTHING.numbers
    if "number" in types:
        numbers = ALL_NUMBERS
    elif "integer" in types:
        numbers = NumberSet.integers().intersect(ALL_NUMBERS)
    return Values(
        "null" in types,
        NO | YES if "boolean" in types else 0,
        numbers,
        ALL_STRINGS if "string" in types else NOTHING.strings,
        (),
        (),
    )
