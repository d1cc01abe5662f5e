"""Sets of numbers that look at how a number is written: before draft 6 an integer has no point and no exponent.

Receives two sets; returns a :class:`NumberSet` of the numbers of the first one written plainly and those of the second
written with a point or an exponent. ``5`` and ``5.0`` stay equal as values; they differ as texts only.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

from structgen.automata import ByteDfa, Dfa, intersect, to_bytedfa, union
from structgen.frontends.json_schema.holes import language_of, pattern, without_values
from structgen.frontends.json_schema.numbers import Forms, NumberSet

_PLAIN, _MARKED = "-?[0-9]+", r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"


class Written(NumberSet):
    """``plain``: integers that may be written without point and exponent; ``marked``: what may be written with one."""

    parted: ClassVar[bool] = True
    plain: NumberSet
    marked: NumberSet

    def __init__(self, plain: NumberSet, marked: NumberSet) -> None:
        object.__setattr__(self, "plain", plain)
        object.__setattr__(self, "marked", marked)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Written) and (self.plain, self.marked) == (other.plain, other.marked)

    def __hash__(self) -> int:
        return hash((self.plain, self.marked))

    def __getattr__(self, name: str) -> Any:
        if name in ("cuts", "at", "between"):  # as values
            return getattr(self.plain.union(self.marked), name)
        raise AttributeError(name)

    def intersect(self, other: NumberSet) -> NumberSet:
        plain, marked = _parts(other)
        return _made(self.plain.intersect(plain), self.marked.intersect(marked))

    def union(self, other: NumberSet) -> NumberSet:
        plain, marked = _parts(other)
        return _made(self.plain.union(plain), self.marked.union(marked))

    def difference(self, other: NumberSet) -> NumberSet:
        plain, marked = _parts(other)
        return _made(self.plain.difference(plain), self.marked.difference(marked))

    def complement(self) -> NumberSet:
        return _made(self.plain.complement(), self.marked.complement())

    __and__, __or__, __sub__, __invert__ = intersect, union, difference, complement

    def is_empty(self) -> bool:
        return self.plain.is_empty() and self.marked.is_empty()

    def is_all(self) -> bool:
        return False

    def contains(self, value: object) -> bool:
        return self.plain.contains(value) or self.marked.contains(value)

    def values(self, limit: int) -> tuple[Fraction, ...] | None:
        plain, marked = self.plain.values(limit), self.marked.values(limit)
        if plain is None or marked is None:
            return None
        both = tuple(sorted({*plain, *marked}))
        return both if len(both) <= limit else None

    def without(self, values: frozenset[Fraction]) -> NumberSet:
        """Without some values, however written."""
        left = Written(without_values(self.plain, values), without_values(self.marked, values))
        return NumberSet.nothing() if left.is_empty() else left

    def __str__(self) -> str:
        if self.marked.is_empty():
            return f"{self.plain} without a point"
        return f"{self.plain} without a point u {self.marked} with one"

    def texts(self, forms: Forms = "any", *, where: str | None = None) -> ByteDfa:
        return _texts(self, forms)


def plain_integers(numbers: NumberSet) -> NumberSet:
    """The integers of a set, written without point and exponent."""
    return _made(numbers.intersect(NumberSet.integers()), NumberSet.nothing())


def _parts(numbers: NumberSet) -> tuple[NumberSet, NumberSet]:
    return (numbers.plain, numbers.marked) if isinstance(numbers, Written) else (numbers, numbers)


def _made(plain: NumberSet, marked: NumberSet) -> NumberSet:
    """The set of two parts; a plain set where the way of writing does not matter."""
    plain = plain.intersect(NumberSet.integers())
    if plain == marked.intersect(NumberSet.integers()):
        return marked
    return Written(plain, marked)


@lru_cache(maxsize=1024)
def _texts(numbers: Written, forms: Forms) -> ByteDfa:
    parts: list[Dfa] = []
    if not numbers.plain.is_empty():
        parts.append(intersect(language_of(numbers.plain.texts(forms)), pattern(_PLAIN)))
    if not numbers.marked.is_empty():
        parts.append(intersect(language_of(numbers.marked.texts(forms)), pattern(_MARKED) - pattern(_PLAIN)))
    return to_bytedfa(union(*parts))
