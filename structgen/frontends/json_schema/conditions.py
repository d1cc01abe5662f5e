"""Conditions: which multiples belong to a stretch of the number line.

The indicator of "multiple of L" is written 1[L]; conditions are integer combinations of such indicators (and of 1,
written with step 0), so they multiply by ``1[L] * 1[M] = 1[lcm(L, M)]``, are complemented by ``1 - f``, and two
conditions are the same function exactly when their coefficients are equal. No residues are listed, so
``multipleOf: 1e-8`` on integers costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from structgen.errors import LimitError

#: ((step, coefficient), ...), ascending; step 0 is "every number".
Condition = tuple[tuple[Fraction, int], ...]

ZERO = Fraction(0)
NONE: Condition = ()
EVERY: Condition = ((ZERO, 1),)
INTEGERS: Condition = ((Fraction(1), 1),)

#: Multiples looked at when a member of a sparse condition is sought.
_MAX_SCAN = 200_000


def holds(condition: Condition, value: Fraction) -> bool:
    """Does a condition hold at a number?"""
    total = 0
    for step, coefficient in condition:
        if not step or (value / step).denominator == 1:
            total += coefficient
    return total == 1


def dense(condition: Condition) -> bool:
    """Does the condition hold between the multiples, so that every stretch has infinitely many members?"""
    return bool(condition) and condition[0] == (ZERO, 1)


def _lcm(a: Fraction, b: Fraction) -> Fraction:
    if not a or not b:
        return a or b
    return Fraction(math.lcm(a.numerator, b.numerator), math.gcd(a.denominator, b.denominator))


def _condition(terms: dict[Fraction, int]) -> Condition:
    return tuple(sorted((step, c) for step, c in terms.items() if c))


@lru_cache(maxsize=4096)
def both(a: Condition, b: Condition) -> Condition:
    if a == b or b == EVERY:
        return a
    if a == EVERY:
        return b
    terms: dict[Fraction, int] = {}
    for s, c in a:
        for t, d in b:
            step = _lcm(s, t)
            terms[step] = terms.get(step, 0) + c * d
    return _condition(terms)


@lru_cache(maxsize=4096)
def negated(a: Condition) -> Condition:
    terms = {step: -c for step, c in a}
    terms[ZERO] = terms.get(ZERO, 0) + 1
    return _condition(terms)


def either(a: Condition, b: Condition) -> Condition:
    return negated(both(negated(a), negated(b)))


def but_not(a: Condition, b: Condition) -> Condition:
    return both(a, negated(b))


@lru_cache(maxsize=4096)
def _minimal_steps(condition: Condition) -> tuple[Fraction, ...]:
    """The steps that are multiples of no other: every member is a multiple of one of them."""
    chosen: list[Fraction] = []
    for step, _ in condition:
        if not any((step / other).denominator == 1 for other in chosen):
            chosen.append(step)
    return tuple(chosen)


def members(condition: Condition, after: Fraction, before: Fraction | None) -> Iterator[Fraction]:
    """Members of a condition that is not dense, ascending, in the open interval (after, before)."""
    heads = [(step, math.floor(after / step) + 1) for step in _minimal_steps(condition)]
    last = None
    for _ in range(_MAX_SCAN):
        if not heads:
            return
        at = min(range(len(heads)), key=lambda i: heads[i][0] * heads[i][1])
        step, k = heads[at]
        value = step * k
        if before is not None and value >= before:
            return
        heads[at] = (step, k + 1)
        if value != last and holds(condition, value):
            yield value
        last = value
    raise LimitError(
        f"no decision after looking at {_MAX_SCAN} multiples between {after} and {before}",
        hint="Simplify the combination of multipleOf constraints",
    )
