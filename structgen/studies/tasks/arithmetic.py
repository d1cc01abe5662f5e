"""Terms of linear arithmetic from words, after SyGuS: an answer is right where it computes the same function."""

from __future__ import annotations

import operator
from itertools import product
from typing import Any

from structgen.studies.tasks import Question, Task, grammar

_OPERATIONS: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt,
    "=": operator.eq, "and": lambda a, b: a and b, "or": lambda a, b: a or b,
}  # fmt: skip
#: Values of x and y at which terms are compared. Terms of twenty tokens are too short to differ elsewhere only.
_GRID = tuple(product(range(-5, 6), repeat=2))


def task() -> Task:
    """The task."""
    return Task(
        name="arithmetic",
        constraint=grammar("arithmetic"),
        instruction="Write the function of x and y as a term in SMT-LIB.",
        examples=(
            ("the sum of x and y", "(+ x y)"),
            ("zero if x equals y, else one", "(ite (= x y) 0 1)"),
            ("twice x", "(+ x x)"),
        ),
        questions=(
            Question("the larger one of x and y", "(ite (>= x y) x y)"),
            Question("x minus one", "(- x 1)"),
            Question("y, but zero if x is negative", "(ite (< x 0) 0 y)"),
        ),
        max_tokens=20,
        correct=lambda text, reference: values(text) == values(reference),
    )


def values(term: str) -> list[int]:
    """The values of a term over a grid of arguments."""
    parsed = _read(iter(term.replace("(", " ( ").replace(")", " ) ").split()))
    return [_value(parsed, {"x": x, "y": y}) for x, y in _GRID]


def _read(words: Any) -> Any:
    word = next(words)
    if word != "(":
        return word
    parts: list[Any] = []
    while True:
        part = _read(words)
        if part == ")":
            return parts
        parts.append(part)


def _value(term: Any, names: dict[str, int]) -> Any:
    if isinstance(term, str):
        return names[term] if term in names else int(term)
    if term[0] == "ite":
        return _value(term[2] if _value(term[1], names) else term[3], names)
    return _OPERATIONS[term[0]](_value(term[1], names), _value(term[2], names))
