"""Values seen in a unique array: read from their texts, and left out of what may follow.

Receives the text of an item; returns the value, frozen as in ``load``, equal exactly when JSON calls the values equal.
Sets of such values become formulas. "None of these arrays" is a disjoint union that follows the tree of their
beginnings, "none of these objects" one over the names in order, so both grow with the values, not with products of
them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from structgen.frontends.json_schema.algebra import ALL_STRINGS
from structgen.frontends.json_schema.conditions import EVERY, NONE
from structgen.frontends.json_schema.formula import Formula
from structgen.frontends.json_schema.holes import without_values
from structgen.frontends.json_schema.load import Frozen
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.shapes import NO, YES, ArrayShape, ObjectShape, Values
from structgen.frontends.json_schema.strings import StringSet

#: Numbers with more digits are told apart by their magnitude and so many first digits only.
_DIGITS = 400

Seen = frozenset[Frozen]

EMPTY_OBJECT: Frozen = ("o", ())


def read_value(text: bytes) -> Frozen:
    """The value of a JSON text with whitespace around it."""
    return _canonical(json.loads(text.strip(b" \t\r\n"), parse_float=Decimal, parse_int=Decimal))


def _canonical(value: Any) -> Frozen:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ("b", value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, list):
        return ("a", tuple(map(_canonical, value)))
    return ("o", tuple(sorted((name, _canonical(inner)) for name, inner in value.items())))


def canonical(value: Frozen) -> Frozen:
    """A value frozen by ``load``, with the keys of its objects in one order."""
    if isinstance(value, tuple) and value[0] == "a":
        return ("a", tuple(map(canonical, value[1])))
    if isinstance(value, tuple) and value[0] == "o":
        return ("o", tuple(sorted((name, canonical(inner)) for name, inner in value[1])))
    return value


def _number(value: Decimal) -> Frozen:
    """("n", value), or for one of very many digits ("r", lo, hi): it lies between these; None: no bound."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if not value:
        return ("n", Fraction(0))
    magnitude = len(digits) + exponent
    if abs(magnitude) <= _DIGITS and len(digits) <= _DIGITS:
        return ("n", Fraction(value))
    if magnitude > _DIGITS:
        lo, hi = Fraction(10) ** _DIGITS, None
    elif magnitude < -_DIGITS:
        lo, hi = Fraction(0), Fraction(1, 10**_DIGITS)
    else:
        unit = Fraction(10) ** (magnitude - _DIGITS)
        lo = Fraction(Decimal((0, digits[:_DIGITS], 0))) * unit
        hi = lo + unit
    if sign:
        return ("r", None if hi is None else -hi, -lo)
    return ("r", lo, hi)


def among(n: Normaliser, seen: Iterable[Frozen]) -> Formula:
    """The formula of the values seen."""
    return n.formulas.either(*(_one(n, value) for value in seen))


def _one(n: Normaliser, value: Frozen) -> Formula:
    if isinstance(value, tuple) and value[0] == "r":
        return n.formulas.exact(_scalars(_numbers([value]), StringSet.nothing()))
    if isinstance(value, tuple) and value[0] == "a":
        items = tuple(_one(n, item) for item in value[1])
        shape = n.algebra.tidy_array(ArrayShape(items, n.formulas.false, len(items), len(items)))
        return n.formulas.exact(_structured(() if shape is None else (shape,), ()))
    if isinstance(value, tuple) and value[0] == "o":
        named = {name: _one(n, inner) for name, inner in value[1]}
        made = n.algebra.tidy_object(ObjectShape(named, ((ALL_STRINGS, n.formulas.false),), tuple(named)))
        return n.formulas.exact(_structured((), () if made is None else (made,)))
    return n.formulas.exact(n.frozen(value))


def without(n: Normaliser, formula: Formula, seen: Seen) -> Formula:
    """The formula of the values of a formula that have not been seen."""
    if not seen:
        return formula
    points = frozenset(v[1] for v in seen if isinstance(v, tuple) and v[0] == "n")
    # the formula's own shapes come first: their order is the order of properties
    v = n.intersect(n.values(formula), _others(n, [v for v in seen if not _is_point(v)]), None)
    return n.formulas.exact(Values(v.null, v.bools, without_values(v.numbers, points), v.strings, v.arrays, v.objects))


def filled(n: Normaliser, formula: Formula) -> Formula:
    """The formula of the objects and strings of a formula that are not empty."""
    some = (ObjectShape({}, (), (), 1),)
    return n.formulas.both(formula, n.formulas.exact(Values(False, 0, _NO_NUMBERS, StringSet.length(1), (), some)))


def _is_point(value: Frozen) -> bool:
    return isinstance(value, tuple) and value[0] == "n"


def _others(n: Normaliser, seen: Iterable[Frozen]) -> Values:
    """All values but those seen."""
    values = list(seen)
    tagged = [v for v in values if isinstance(v, tuple)]
    everything = n.algebra.everything
    arrays = [v[1] for v in tagged if v[0] == "a"]
    objects = [dict(v[1]) for v in tagged if v[0] == "o"]
    numbers = [v for v in tagged if v[0] in "nr"]
    strings = [v for v in values if isinstance(v, str)]
    other_arrays = everything.arrays
    if arrays:
        found = (n.algebra.tidy_array(shape) for shape in _other_arrays(n, arrays, ()))
        other_arrays = tuple(shape for shape in found if shape is not None)
    other_objects = everything.objects
    if objects:
        made = (n.algebra.tidy_object(shape) for shape in _other_objects(n, objects))
        other_objects = tuple(shape for shape in made if shape is not None)
    return Values(
        None not in values,
        sum(bit for value, bit in ((False, NO), (True, YES)) if ("b", value) not in tagged),
        _numbers(numbers).complement() if numbers else everything.numbers,
        StringSet.of(strings).complement() if strings else everything.strings,
        other_arrays,
        other_objects,
    )


def _but(n: Normaliser, seen: Iterable[Frozen]) -> Formula:
    return n.formulas.exact(_others(n, seen))


def _numbers(values: list[Frozen]) -> NumberSet:
    points = tuple(sorted(value[1] for value in values if value[0] == "n"))
    found = NumberSet(points, (True,) * len(points), (NONE,) * (len(points) + 1))
    for value in values:
        if value[0] == "r":
            cuts = tuple(cut for cut in value[1:] if cut is not None)
            inside = (NONE if value[1] is not None else EVERY, EVERY if value[1] is not None else NONE, NONE)
            zero_free = tuple(cut != 0 for cut in cuts)
            found = found.union(NumberSet(cuts, zero_free, inside[: len(cuts) + 1]))
    return found


_NO_NUMBERS = NumberSet.nothing()


def _scalars(numbers: NumberSet, strings: StringSet) -> Values:
    return Values(False, 0, numbers, strings, (), ())


def _structured(arrays: tuple[ArrayShape, ...], objects: tuple[ObjectShape, ...]) -> Values:
    return Values(False, 0, NumberSet.nothing(), StringSet.nothing(), arrays, objects)


def _other_arrays(
    n: Normaliser, arrays: list[tuple[Frozen, ...]], start: tuple[Formula, ...]
) -> Iterable[ArrayShape]:
    """Arrays that begin with ``start`` and are none of those: by the first place where they differ."""
    true = n.formulas.true
    depth = len(start)
    if all(len(array) != depth for array in arrays):
        yield ArrayShape(start, n.formulas.false, depth, depth)
    following = dict.fromkeys(array[depth] for array in arrays if len(array) > depth)
    yield ArrayShape((*start, _but(n, following) if following else true), true, depth + 1)
    for value in following:
        same = [array for array in arrays if len(array) > depth and array[depth] == value]
        yield from _other_arrays(n, same, (*start, _one(n, value)))


def _other_objects(n: Normaliser, objects: list[dict[str, Frozen]]) -> Iterable[ObjectShape]:
    """Objects that are none of those: by the first name, in one order of all of theirs, that tells."""
    names = sorted({name for obj in objects for name in obj})
    true, false = n.formulas.true, n.formulas.false

    def differing(
        alike: list[dict[str, Frozen]], at: int, named: dict[str, Formula], required: tuple[str, ...]
    ) -> Iterable[ObjectShape]:
        if at == len(names):
            yield ObjectShape(named, (), required, exists=((StringSet.of(named).complement(), true),))
            return
        name = names[at]
        following = dict.fromkeys(obj[name] for obj in alike if name in obj)
        other = _but(n, following) if following else true
        yield ObjectShape({**named, name: other}, (), (*required, name))
        without = [obj for obj in alike if name not in obj]
        if without:
            yield from differing(without, at + 1, {**named, name: false}, required)
        else:
            yield ObjectShape({**named, name: false}, (), required)
        for value in following:
            same = [obj for obj in alike if name in obj and obj[name] == value]
            yield from differing(same, at + 1, {**named, name: _one(n, value)}, (*required, name))

    yield from differing(objects, 0, {}, ())
