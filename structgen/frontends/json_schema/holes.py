"""Sets of numbers without some values that have been seen, told apart by their texts.

Receives a set and values; returns a :class:`NumberSet` whose automaton is that of the set without the texts of the
values. That costs little for each value, where an exact automaton of many cuts would be large; for it, numbers with an
exponent have one non-zero digit before the point, as encoders write them.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from structgen.automata import BYTES, ByteDfa, Dfa, difference, intersect, make, to_bytedfa, utf8
from structgen.frontends.json_schema.conditions import NONE
from structgen.frontends.json_schema.numbers import Forms, NumberSet, exact
from structgen.frontends.regex import to_dfa

_FORM = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?|-?[1-9](\.[0-9]+)?[eE][+-]?[0-9]+"
#: Automata of sets less some values that are kept.
_KEPT = 4_096


class Holed(NumberSet):
    """``base`` without ``holes``, which are some of its members. Cuts are made only where they are asked for."""

    base: NumberSet
    holes: frozenset[Fraction]

    def __init__(self, base: NumberSet, holes: frozenset[Fraction]) -> None:
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "holes", holes)
        object.__setattr__(self, "_hash", hash((base, holes)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Holed) and self.holes == other.holes and self.base == other.base

    def __hash__(self) -> int:
        found: int = self.__dict__["_hash"]
        return found

    def __getattr__(self, name: str) -> Any:
        if name in ("cuts", "at", "between"):
            points = tuple(sorted(self.holes))
            cut = self.base.difference(NumberSet(points, (True,) * len(points), (NONE,) * (len(points) + 1)))
            for part in ("cuts", "at", "between"):
                object.__setattr__(self, part, getattr(cut, part))
            return self.__dict__[name]
        raise AttributeError(name)

    def is_empty(self) -> bool:
        return self.base.values(len(self.holes)) is not None

    def contains(self, value: object) -> bool:
        return self.base.contains(value) and exact(value) not in self.holes  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.base} but {len(self.holes)} values"

    def texts(self, forms: Forms = "any", *, where: str | None = None) -> ByteDfa:
        return to_bytedfa(_language(self.base, self.holes, forms))


def without_values(base: NumberSet, values: frozenset[Fraction]) -> NumberSet:
    """A set without some values."""
    if base.parted:
        return base.without(values)
    holes = frozenset(value for value in values if base.contains(value))
    if not holes:
        return base
    left = Holed(base, holes)
    return NumberSet.nothing() if left.is_empty() else left


_languages: dict[tuple[NumberSet, frozenset[Fraction], Forms], Dfa] = {}


def _language(base: NumberSet, holes: frozenset[Fraction], forms: Forms) -> Dfa:
    """The texts of a set without some values: those without one value less, if they are known, less its texts."""
    key = (base, holes, forms)
    found = _languages.get(key)
    if found is None:
        for value in holes:
            before = _languages.get((base, holes - {value}, forms))
            if before is not None:
                found = difference(before, _of_value(value))
                break
        else:
            found = intersect(language_of(base.texts(forms)), pattern(_FORM))
            for value in sorted(holes):
                found = difference(found, _of_value(value))
        while len(_languages) >= _KEPT:
            del _languages[next(iter(_languages))]
        _languages[key] = found
    return found


@lru_cache(maxsize=_KEPT)
def _of_value(value: Fraction) -> Dfa:
    """All texts of one number, of the forms taken here."""
    if value == 0:
        return pattern(r"-?0(\.0+)?")
    sign = "-" if value < 0 else ""
    places, whole = 0, abs(value)
    while whole.denominator != 1:
        whole *= 10
        places += 1
    digits = str(whole.numerator)
    exponent = len(digits) - 1 - places
    digits = digits.rstrip("0")
    if exponent < 0:
        plain = "0\\." + "0" * (-exponent - 1) + digits + "0*"
    elif exponent >= len(digits) - 1:
        plain = digits + "0" * (exponent - len(digits) + 1) + r"(\.0+)?"
    else:
        plain = digits[: exponent + 1] + "\\." + digits[exponent + 1 :] + "0*"
    mantissa = digits + r"(\.0+)?" if len(digits) == 1 else f"{digits[0]}\\.{digits[1:]}0*"
    power = "[+-]?0+" if exponent == 0 else (r"\+?" if exponent > 0 else "-") + f"0*{abs(exponent)}"
    return pattern(f"{sign}({plain}|{mantissa}[eE]{power})")


@lru_cache(maxsize=256)
def pattern(text: str) -> Dfa:
    """The automaton over bytes of a pattern."""
    return utf8(to_dfa(text, dialect="python"))


def language_of(d: ByteDfa) -> Dfa:
    """The same automaton over classes of bytes."""
    starts = np.unique(np.concatenate([[0], d.lo.astype(np.int32), d.hi.astype(np.int32) + 1]))
    starts = starts[starts < BYTES].astype(np.int32)
    table = np.full((d.n_states, len(starts)), -1, dtype=np.int32)
    rows = np.repeat(np.arange(d.n_states), np.diff(d.first))
    for column, byte in enumerate(starts):
        inside = (d.lo <= byte) & (byte <= d.hi)
        table[rows[inside], column] = d.to[inside]
    return make(BYTES, starts, np.arange(len(starts), dtype=np.int32), table, d.accept)
