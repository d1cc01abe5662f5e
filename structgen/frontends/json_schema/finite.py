"""The members of finite sets of JSON values.

Receives a normal form; returns its values, frozen as in ``load``, if there are few.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from structgen.frontends.json_schema.algebra import closed
from structgen.frontends.json_schema.formula import FALSE
from structgen.frontends.json_schema.normalise import Normaliser
from structgen.frontends.json_schema.shapes import NO, YES, ArrayShape, ObjectShape, Tree, Values


def members(normaliser: Normaliser, values: Values, limit: int, depth: int = 4) -> list[Any] | None:
    """All values, or None if there are more than ``limit`` or it cannot be told."""
    found: list[Any] = []
    if values.null:
        found.append(None)
    found += [("b", value) for value, bit in ((False, NO), (True, YES)) if values.bools & bit]
    numbers = values.numbers.values(limit)
    strings = values.strings.values(limit)
    if numbers is None or strings is None:
        return None
    found += [("n", value) for value in numbers]
    found += strings
    shapes: tuple[ArrayShape | ObjectShape | Tree, ...] = (*values.arrays, *values.objects)
    for shape in shapes:
        if isinstance(shape, Tree):
            return None
        if isinstance(shape, ArrayShape):
            inner = _arrays(normaliser, shape, limit, depth)
        else:
            inner = _objects(normaliser, shape, limit, depth)
        if inner is None:
            return None
        found += inner
        if len(found) > limit:
            return None
    if len(found) > limit:
        return None
    return list({unordered(value): value for value in found}.values())


def unordered(value: Any) -> Any:
    """A frozen value, equal for objects whose keys come in another order."""
    if isinstance(value, tuple) and value[0] == "o":
        return ("o", frozenset((name, unordered(item)) for name, item in value[1]))
    if isinstance(value, tuple) and value[0] == "a":
        return ("a", tuple(unordered(item) for item in value[1]))
    return value


def _arrays(normaliser: Normaliser, shape: ArrayShape, limit: int, depth: int) -> list[Any] | None:
    if depth == 0 or shape.hi is None or shape.contains or shape.unique is not None:
        return None
    found: list[Any] = []
    for length in range(shape.lo, shape.hi + 1):
        choices = []
        for i in range(length):
            inner = members(normaliser, normaliser.values(shape.item(i)), limit, depth - 1)
            if inner is None:
                return None
            choices.append(inner)
        if _too_many(choices, limit):
            return None
        found += [("a", items) for items in product(*choices)]
        if len(found) > limit:
            return None
    return found


def _objects(normaliser: Normaliser, shape: ObjectShape, limit: int, depth: int) -> list[Any] | None:
    if depth == 0 or not closed(shape.rest) or shape.lo or shape.hi is not None or shape.needs or shape.exists:
        return None
    names = [name for name, f in shape.named.items() if f.kind != FALSE]
    required = set(shape.required)
    choices: list[list[Any]] = []
    for name in names:
        inner = members(normaliser, normaliser.values(shape.named[name]), limit, depth - 1)
        if inner is None:
            return None
        choices.append([(name, value) for value in inner] + ([] if name in required else [None]))
    if _too_many(choices, limit):
        return None
    return [("o", tuple(part for part in parts if part is not None)) for parts in product(*choices)]


def _too_many(choices: list[list[Any]], limit: int) -> bool:
    total = 1
    for choice in choices:
        total *= len(choice)
        if total > limit:
            return True
    return False
