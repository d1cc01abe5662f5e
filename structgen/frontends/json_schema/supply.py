"""How many different values there are, and how long their texts are: what unique arrays live on.

Receives formulas; returns lower bounds on the number of their values, as lists of lengths of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from heapq import merge
from itertools import islice, pairwise
from math import floor
from typing import TYPE_CHECKING

from structgen.errors import LimitError
from structgen.frontends.json_schema.finite import members
from structgen.frontends.json_schema.formula import INFINITE, Formula
from structgen.frontends.json_schema.load import Frozen
from structgen.frontends.json_schema.names import Pool
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.seen import among, canonical, read_value, without

if TYPE_CHECKING:
    from structgen.frontends.json_schema.builder import Builder

#: Values of a finite set that are listed.
MAX_MEMBERS = 2_000
#: Numbers found one by one, each the shortest of those left.
_SOUGHT = 64


class Supply:
    """Different values of formulas.

    Args:
        builder: forms and costs.
        shortest: a text of least length of a formula.
    """

    def __init__(self, builder: Builder, shortest: Callable[[Formula], bytes]) -> None:
        self.builder = builder
        self.shortest = shortest
        self._known: dict[Formula, list[int]] = {}
        self._complete: set[Formula] = set()
        #: sizes found so far of the formulas that are being looked at
        self._busy: dict[Formula, list[int]] = {}
        #: how often such unfinished sizes were given out
        self.unfinished = 0

    def sizes(self, formula: Formula, n: int) -> list[int]:
        """Ascending bounds: there are i + 1 different values with texts of at most ``result[i]`` bytes.

        Of length n; shorter if there are fewer values, exactly so many.

        Raises:
            LimitError: it cannot be told whether there are n values.
        """
        if formula in self._busy:  # inside itself: at least those found so far
            self.unfinished += 1
            return self._busy[formula][:n]
        known = self._known.get(formula, [])
        if len(known) < n and formula not in self._complete:
            before = self.unfinished
            found = self._find(formula, n)
            if len(found) < n and self._busy and self.unfinished > before:
                return found  # whoever is being looked at outside asks again
            known = self._known[formula] = found
            if len(known) < n:
                self._complete.add(formula)
        return known[:n]

    def listed(self, formula: Formula, limit: int) -> list[Frozen] | None:
        """All values, if they are known to be at most ``limit``."""
        normaliser = self.builder.normaliser
        found = members(normaliser, normaliser.values(formula), limit)
        return None if found is None else [canonical(value) for value in found]

    def _find(self, formula: Formula, n: int) -> list[int]:
        if n <= 1:
            least = self.builder.cost(formula)
            return [least][:n] if least < INFINITE else []
        values = self.builder.normaliser.values(formula)
        more = max(16, 1 << (n - 1).bit_length())  # the next question asks for one more
        sizes = [4] * values.null + [length for bit, length in ((1, 5), (2, 4)) if values.bools & bit]
        found = [
            sorted(sizes),
            _numbers(values.numbers, more),
            [size + 2 for size in Pool(values.strings.regular()).sizes(frozenset(), more)]
            if values.strings.has_texts()
            else [],
        ]
        scalars = list(merge(*found))[:more]
        if len(scalars) >= n or not (values.arrays or values.objects):
            return scalars  # before costs are asked for: they may rest on this answer
        least = self.builder.cost(formula)
        if least >= INFINITE:
            return []
        listed = self.listed(formula, MAX_MEMBERS)
        if listed is not None:
            return sorted(self.builder.cost(among(self.builder.normaliser, [value])) for value in listed)[:n]
        before, outer = self.unfinished, bool(self._busy)
        try:
            best = self._grown(formula, [least], scalars, n)
            if len(best) == n or (outer and self.unfinished > before):
                return best
            return self._one_by_one(formula, n)
        finally:
            self._busy.pop(formula, None)

    def _grown(self, formula: Formula, best: list[int], scalars: list[int], n: int) -> list[int]:
        """Sizes of up to n values by the plans of a formula. What holds itself finds more each time it is asked."""
        plans = self.builder.settled(self.builder.form(formula))
        while True:
            self._busy[formula] = best
            before = self.unfinished
            for p in plans:
                # one plan only: two may have values in common
                sizes = list(islice(merge(scalars, self.builder.plans[p].distinct(self, n - len(scalars))), n))
                if len(sizes) > len(best):
                    best = sizes
                if len(best) == n:
                    return best
            if len(best) == len(self._busy[formula]) or self.unfinished == before:
                return best

    def _one_by_one(self, formula: Formula, n: int) -> list[int]:
        """The shortest value, the shortest of the others, and so on."""
        return [cost for _, cost in self._in_turn(formula, n)]

    def sought(self, formula: Formula) -> list[Frozen]:
        """All values of a small set, found one by one."""
        return [value for value, _ in self._in_turn(formula, _SOUGHT + 1)]

    def _in_turn(self, formula: Formula, n: int) -> list[tuple[Frozen, int]]:
        seen: frozenset[Frozen] = frozenset()
        found: list[tuple[Frozen, int]] = []
        while len(found) < n:
            if len(found) == _SOUGHT:
                raise LimitError(
                    f"it is not known whether a unique array has {n} different items to choose from",
                    hint="Lower minItems, or name a property of the items that may take many values",
                )
            left = without(self.builder.normaliser, formula, seen)
            cost = self.builder.cost(left)
            if cost >= INFINITE:
                break
            value = read_value(self.shortest(left))
            found.append((value, cost))
            seen |= {value}
        return found


def varied(supply: Supply, n: int, choices: list[tuple[Formula, int]]) -> list[int]:
    """Sizes of n different values that differ in one part; for each part its formula and the bytes of the rest."""
    best: list[int] = []
    for formula, others in choices:
        found = [others + size for size in supply.sizes(formula, n)]
        if len(found) > len(best) or (len(found) == len(best) and found < best):
            best = found
        if len(best) == n:
            break
    return best


def _numbers(numbers: NumberSet, n: int) -> list[int]:
    """Lengths of texts of n different numbers; of all, if there are fewer."""
    if numbers.is_empty():
        return []
    listed = numbers.values(n - 1)
    if listed is not None:
        return sorted(NumberSet.of([value]).texts().min_length() for value in listed)
    found: dict[Fraction, None] = {}
    for value in _candidates(numbers, n):
        if numbers.contains(value):
            found[value] = None
            if len(found) == n:
                return sorted(map(_plain_size, found))
    raise LimitError(f"it is not known how long the texts of {n} different numbers are", hint="Lower minItems")


def _candidates(numbers: NumberSet, n: int) -> Iterator[Fraction]:
    """Numbers with short texts, and numbers around the ends of the stretches of a set."""
    yield from map(Fraction, range(20 * n))
    yield from map(Fraction, range(-1, -20 * n, -1))
    steps = {step for condition in numbers.between for step, _ in condition if step} | {Fraction(1)}
    for cut in (Fraction(0), *numbers.cuts):
        for step in steps:
            start = floor(cut / step) * step
            for k in range(n + 1):
                for part in (Fraction(0), step / 10):  # multiples, and what is none
                    yield start + k * step + part
                    yield start - k * step - part
    for lo, hi in pairwise(numbers.cuts):
        unit = Fraction(1)
        while unit * (n + 2) > hi - lo:
            unit /= 10
        for k in range(n + 2):
            yield floor(lo / unit) * unit + k * unit


def _plain_size(value: Fraction) -> int:
    """Length of the plain decimal text of a number."""
    places = 0
    while value.denominator != 1:
        value *= 10
        places += 1
    digits = len(str(abs(value.numerator)))
    return max(digits, places + 1) + (places > 0) + (value < 0)
