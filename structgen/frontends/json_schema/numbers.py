"""Exact sets of JSON numbers, closed under the Boolean operations.

Receives bounds, steps and values from schemas; returns :class:`NumberSet`. A set is a line cut at finitely many
points: whether each cut itself belongs, and which *condition* (see ``conditions``) holds on each open stretch
between cuts.

Numbers are decimals of any size. A float stands for the decimal that ``json.dumps`` writes for it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, Literal

from structgen.automata.bytedfa import ByteDfa, chain
from structgen.errors import InputError, LimitError, SchemaError
from structgen.frontends.json_schema.conditions import (
    EVERY,
    INTEGERS,
    NONE,
    Condition,
    both,
    but_not,
    dense,
    either,
    holds,
    members,
    negated,
)
from structgen.ir.network import Terminal

Number = int | float | Decimal | Fraction

#: "any": with any exponent; "double": with exponents that a double has room for; "plain": without exponents.
Forms = Literal["any", "double", "plain"]

#: Numbers with more digits than this are refused: Python itself reads and prints no more.
MAX_DIGITS = 4_300
_TOO_LARGE = 10**MAX_DIGITS
#: Runs of at most this many members are listed as single points.
_LISTED = 64
#: The texts of sets of numbers whose bounds are smaller integers are never too many.
_SMALL = 10**19


def exact(value: Number) -> Fraction:
    """The exact decimal that a number stands for; a float stands for its shortest decimal.

    Raises:
        InputError: not a number with a finite decimal expansion.
        LimitError: more than ``MAX_DIGITS`` digits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction):
        raise InputError(f"{value!r} is not a number")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{value!r} is not a JSON number")
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InputError(f"{value!r} is not a JSON number")
        digits = value.as_tuple()
        if value and len(digits.digits) + abs(int(digits.exponent)) > MAX_DIGITS:
            raise _too_long()
    fraction = Fraction(value)
    if not is_decimal(fraction):
        raise InputError(f"{value} has no finite decimal expansion")
    if max(abs(fraction.numerator), fraction.denominator) >= _TOO_LARGE:
        raise _too_long()
    return fraction


def _too_long() -> LimitError:
    return LimitError(
        f"a number has more than {MAX_DIGITS} digits", hint="Use bounds and steps of fewer digits"
    )


def is_decimal(value: Fraction) -> bool:
    """Has the fraction a finite decimal expansion?"""
    rest = value.denominator
    rest >>= (rest & -rest).bit_length() - 1
    while rest % 5 == 0:
        rest //= 5
    return rest == 1


@dataclass(frozen=True)
class NumberSet:
    """An immutable, hashable set of decimals. Build it with the class methods and the operators.

    Attributes:
        cuts: ascending.
        at: for each cut, does it belong?
        between: conditions on the open stretches: before the first cut, between cuts, after the last.
    """

    cuts: tuple[Fraction, ...]
    at: tuple[bool, ...]
    between: tuple[Condition, ...]
    #: Does it matter how a number is written? See ``written``.
    parted: ClassVar[bool] = False

    def without(self, values: frozenset[Fraction]) -> NumberSet:
        """The set without some values."""
        return self.difference(NumberSet.of(values))

    @classmethod
    def all(cls) -> NumberSet:
        """Every number."""
        return _ALL

    @classmethod
    def nothing(cls) -> NumberSet:
        """No number."""
        return _NOTHING

    @classmethod
    def integers(cls) -> NumberSet:
        """Every number without a fractional part (1.0 and 1e3 among them)."""
        return _INTEGERS

    @classmethod
    def of(cls, values: Iterable[Number]) -> NumberSet:
        """A finite set. Raises InputError for what is not a number."""
        cuts = tuple(sorted({exact(v) for v in values}))
        return cls(cuts, (True,) * len(cuts), (NONE,) * (len(cuts) + 1))

    @classmethod
    def interval(
        cls, lo: Number | None = None, hi: Number | None = None, *, lo_open: bool = False, hi_open: bool = False
    ) -> NumberSet:
        """Numbers from lo to hi; None: no bound; an open end does not belong."""
        result = _ALL
        if lo is not None:
            result = _normal((exact(lo),), (not lo_open,), (NONE, EVERY))
        if hi is not None:
            result &= _normal((exact(hi),), (not hi_open,), (EVERY, NONE))
        return result

    @classmethod
    def multiples(cls, step: Number) -> NumberSet:
        """Integer multiples of a step above 0.

        Raises:
            SchemaError: the step is not above 0.
        """
        size = exact(step)
        if size <= 0:
            raise SchemaError(f"multipleOf is {step}", hint="It must be a number above 0")
        return cls((), (), (((size, 1),),))

    def intersect(self, other: NumberSet) -> NumberSet:
        """Numbers in both."""
        if other.parted:
            return other.intersect(self)
        if self == other or other == _ALL or self == _NOTHING:
            return self
        if self == _ALL or other == _NOTHING:
            return other
        return _combine(self, other, both, lambda x, y: x and y)

    def union(self, other: NumberSet) -> NumberSet:
        """Numbers in either."""
        if other.parted:
            return other.union(self)
        if self == other or other == _NOTHING or self == _ALL:
            return self
        if self == _NOTHING or other == _ALL:
            return other
        return _combine(self, other, either, lambda x, y: x or y)

    def difference(self, other: NumberSet) -> NumberSet:
        """Numbers in this set and not in the other."""
        if other.parted:
            return other.complement().intersect(self)
        if other == _NOTHING:
            return self
        return _combine(self, other, but_not, lambda x, y: x and not y)

    def complement(self) -> NumberSet:
        """Numbers not in this set."""
        return _normal(self.cuts, tuple(not x for x in self.at), tuple(negated(c) for c in self.between))

    __and__, __or__, __sub__, __invert__ = intersect, union, difference, complement

    def is_empty(self) -> bool:
        """Has it no member?"""
        return not any(self.at) and not any(self.between)

    def is_all(self) -> bool:
        """Is every number a member?"""
        return self == _ALL or self.complement().is_empty()

    def disjoint(self, other: NumberSet) -> bool:
        """Have the two no member in common?"""
        return self.intersect(other).is_empty()

    def contains(self, value: object) -> bool:
        """Is a value a member? False for what is no JSON number (bool, NaN, 1/3)."""
        try:
            number = exact(value)  # type: ignore[arg-type]
        except InputError:
            return False
        i = bisect_left(self.cuts, number)
        if i < len(self.cuts) and self.cuts[i] == number:
            return self.at[i]
        return holds(self.between[i], number)

    def values(self, limit: int) -> tuple[Fraction, ...] | None:
        """All members, ascending, if there are at most ``limit``; else None."""
        if any(map(dense, self.between)) or self.between[0] or (self.cuts and self.between[-1]):
            return None
        found: list[Fraction] = []
        for i, cut in enumerate(self.cuts):
            if i and self.between[i]:
                for value in members(self.between[i], self.cuts[i - 1], cut):
                    found.append(value)
                    if len(found) > limit:
                        return None
            if self.at[i]:
                found.append(cut)
        return tuple(found) if len(found) <= limit else None

    def shortest(self) -> str | None:
        """A text of least length that denotes a member, or None if there is none."""
        if self.is_empty():
            return None
        dfa = self.texts()
        state, text = 0, bytearray()
        while dfa.distance[state]:
            a, b = int(dfa.first[state]), int(dfa.first[state + 1])
            edge = min(range(a, b), key=lambda e: (int(dfa.distance[dfa.to[e]]), dfa.lo[e] == 45, e))
            text.append(int(dfa.lo[edge]))
            state = int(dfa.to[edge])
        return text.decode("ascii")

    def texts(self, forms: Forms = "any", *, where: str | None = None) -> ByteDfa:
        """The automaton of the texts that denote members; see docs/json-schema.md for the forms taken.

        Raises:
            ValueError: the set is empty.
            LimitError: a multipleOf needs too many residues.
        """
        from structgen.frontends.json_schema.numbertext import texts

        try:
            return texts(self, forms)
        except LimitError as error:
            raise LimitError(error.message, where=where, hint=error.hint) from None

    def least_text(self) -> int | None:
        """Least bytes of a text of a set without multiples and large bounds, if few; else None."""
        simple = all(condition in (NONE, EVERY, INTEGERS) for condition in self.between)
        if not simple or not all(cut.denominator == 1 and abs(cut) < _SMALL for cut in self.cuts):
            return None
        if any(self.contains(digit) for digit in range(10)):
            return 1
        return 2 if any(self.contains(value) for value in (*range(-9, 0), *range(10, 100))) else None

    def to_terminal(
        self,
        prefix: ByteDfa,
        suffix: ByteDfa,
        *,
        name: str = "number",
        where: str | None = None,
        forms: Forms = "any",
    ) -> Terminal:
        """The terminal ``prefix text suffix``. Neither side may begin or go on with a byte of a number.

        Raises:
            ValueError: the set is empty, or the suffix begins with a byte that may continue a number.
            LimitError: a multipleOf needs too many residues.
        """
        return Terminal(chain(prefix, self.texts(forms, where=where), suffix), name, where)

    def __str__(self) -> str:
        if self == NumberSet.all():
            return "any number"
        if self == NumberSet.integers():
            return "any integer"
        parts: list[str] = []
        points: list[Fraction] = []  # those that no stretch beside them takes in
        for i, condition in enumerate(self.between):
            if condition:
                before = i > 0 and self.at[i - 1] and _takes_in(condition, self.cuts[i - 1])
                behind = i < len(self.cuts) and self.at[i] and _takes_in(condition, self.cuts[i])
                low = "(-inf" if i == 0 else f"{'[' if before else '('}{_shown(self.cuts[i - 1])}"
                high = "inf)" if i == len(self.cuts) else f"{_shown(self.cuts[i])}{']' if behind else ')'}"
                parts += [*_braced(points), f"{_formula(condition)}{low}, {high}"]
                points = []
            if i < len(self.cuts) and self.at[i]:
                beside = (condition, self.between[i + 1])
                if not any(_takes_in(stretch, self.cuts[i]) for stretch in beside):
                    points.append(self.cuts[i])
        return " or ".join([*parts, *_braced(points)]) or "{}"


def _takes_in(condition: Condition, cut: Fraction) -> bool:
    """May a bound be written as part of the stretch? It can be told for all numbers, and multiples of one step."""
    if len(condition) != 1 or condition[0][1] != 1:
        return False
    step = condition[0][0]
    return not step or (cut / step).denominator == 1


def _braced(points: list[Fraction]) -> list[str]:
    """Single numbers in braces; of many at equal distances the first two and the last."""
    if not points:
        return []
    steps = {b - a for a, b in pairwise(points)}
    shown = [_shown(point) for point in points]
    return ["{" + ", ".join([*shown[:2], "...", shown[-1]] if len(steps) == 1 and len(shown) > 4 else shown) + "}"]


def _formula(condition: Condition) -> str:
    """What a stretch has, to stand in front of its bounds: nothing where it has all."""
    if condition == EVERY:
        return ""
    if len(condition) == 1 and condition[0][1] == 1 and condition[0][0]:
        step = condition[0][0]
        return "integers in " if step == 1 else f"multiples of {_shown(step)} in "
    return "multiples: " + " ".join(f"{c:+d}[{_shown(step)}]" if step else f"{c:+d}" for step, c in condition) + " in "


def _shown(value: Fraction) -> str:
    """A number for messages; of long ones their size."""
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits > 256:
        return f"a number of about {bits * 3 // 10} digits"
    decimal = str(float(value))
    return decimal if value.denominator > 1 and Fraction(decimal) == value else str(value)


def _combine(
    a: NumberSet,
    b: NumberSet,
    conditions: Callable[[Condition, Condition], Condition],
    flags: Callable[[bool, bool], bool],
) -> NumberSet:
    cuts = tuple(sorted({*a.cuts, *b.cuts}))
    at = []
    between = []
    i = j = 0
    for cut in cuts:
        between.append(conditions(a.between[i], b.between[j]))
        in_a = in_b = None
        if i < len(a.cuts) and a.cuts[i] == cut:
            in_a = a.at[i]
            i += 1
        if j < len(b.cuts) and b.cuts[j] == cut:
            in_b = b.at[j]
            j += 1
        at.append(
            flags(
                holds(a.between[i], cut) if in_a is None else in_a,
                holds(b.between[j], cut) if in_b is None else in_b,
            )
        )
    between.append(conditions(a.between[i], b.between[j]))
    return _normal(cuts, tuple(at), tuple(between))


@dataclass
class _Run:
    """Consecutive members of a condition that is not dense; a lone point has no condition."""

    first: Fraction | None
    last: Fraction | None
    condition: Condition


@dataclass
class _Open:
    """An open stretch of a dense condition."""

    lo: Fraction | None
    hi: Fraction | None
    condition: Condition


def _normal(cuts: tuple[Fraction, ...], at: tuple[bool, ...], between: tuple[Condition, ...]) -> NumberSet:
    """One form for most equal sets: runs begin and end with members, as long as they can be; short ones
    are listed point by point; cuts that cut nothing are dropped."""
    if not cuts:
        return NumberSet(cuts, at, between)
    items: list[_Run | _Open] = []
    for i, condition in enumerate(between):
        lo = cuts[i - 1] if i else None
        hi = cuts[i] if i < len(cuts) else None
        if dense(condition):
            items.append(_Open(lo, hi, condition))
        elif condition:
            first = next(members(condition, lo, hi), None) if lo is not None else None
            if lo is None or first is not None:
                last = _before(condition, hi) if hi is not None else None
                _push(items, _Run(first, last, condition))
        if hi is not None and at[i]:
            _push(items, _Run(hi, hi, NONE))
    return _assemble(items)


def _before(condition: Condition, value: Fraction) -> Fraction:
    """The last member under a value (conditions are symmetric about 0)."""
    return -next(members(condition, -value, None))


def _push(items: list[_Run | _Open], run: _Run) -> None:
    """Append a run, joined with the ones before it where they are consecutive members of one condition."""
    top = items[-1] if items else None
    if not run.condition:
        if isinstance(top, _Run) and top.condition and top.last is not None:
            if next(members(top.condition, top.last, None)) == run.first:
                top.last = run.last
                return
    elif run.first is not None:
        while isinstance(top, _Run) and top.last is not None and top.last == _before(run.condition, run.first):
            if top.condition not in (NONE, run.condition):
                break
            run.first = top.first
            items.pop()
            top = items[-1] if items else None
            if run.first is None:
                break
    items.append(run)


def _assemble(items: list[_Run | _Open]) -> NumberSet:
    points: list[Fraction] = []
    flags: list[bool] = []
    stretches: list[Condition] = []  # stretches[i] lies before points[i]

    def cut(before: Condition, point: Fraction, member: bool) -> None:
        if points and points[-1] == point:  # where an open stretch meets a member
            flags[-1] |= member
            return
        drop(before)
        points.append(point)
        flags.append(member)
        stretches.append(before)

    def drop(after: Condition) -> None:
        """The last cut goes if nothing changes there."""
        if points and stretches[-1] == after and holds(after, points[-1]) == flags[-1]:
            points.pop()
            flags.pop()
            stretches.pop()

    rest = NONE
    for item in items:
        rest = item.condition
        if isinstance(item, _Open):
            if item.lo is not None:
                cut(NONE, item.lo, False)
            if item.hi is not None:
                cut(item.condition, item.hi, False)
                rest = NONE
            continue
        listed = _listed(item)
        for value in listed:
            cut(NONE, value, True)
        if listed:
            rest = NONE
            continue
        if item.first is not None:
            cut(NONE, item.first, True)
        if item.last is not None:
            cut(item.condition, item.last, True)
            rest = NONE
    drop(rest)
    return NumberSet(tuple(points), tuple(flags), (*stretches, rest))


def _listed(run: _Run) -> list[Fraction]:
    """The members of a short run, [] if it is long."""
    if run.first is None or run.last is None:
        return []
    found = [run.first]
    if run.condition:
        for value in members(run.condition, run.first, run.last):
            found.append(value)
            if len(found) >= _LISTED:
                return []
        found.append(run.last)
    return found


_ALL = NumberSet((), (), (EVERY,))
_NOTHING = NumberSet((), (), (NONE,))
_INTEGERS = NumberSet((), (), (INTEGERS,))
