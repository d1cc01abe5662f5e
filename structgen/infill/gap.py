"""Canvases: what the user writes, and the steps that the engines take one after the other.

A canvas is a list of fixed tokens (int), fixed text (bytes) and gaps. It becomes a list of :class:`Step`: a gap of
k tokens becomes k slots, what a gap may have beyond its least number becomes optional slots, a gap without a bound
ends with a step for any number of tokens. Boundary i stands before step i; the last one is the end of the canvas.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from structgen.errors import InputError, LimitError
from structgen.kernels.infill import ANY, MAYBE, SLOT, TEXT, TOKEN
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar

#: A canvas of more steps is refused.
MOST_STEPS = 1 << 17

__all__ = ["ANY", "MAYBE", "MOST_STEPS", "SLOT", "TEXT", "TOKEN", "Element", "Gap", "Layout", "Step", "lay_out"]

_UNSET: Any = object()


class Gap:
    """Tokens that are not known yet: ``Gap(k)`` exactly k, ``Gap(a, b)`` from a to b, ``Gap(a, None)`` at least a,
    ``Gap()`` any number.

    Attributes:
        least: the least number of tokens.
        most: the greatest, or None where there is no bound.

    Raises:
        InputError: not 0 <= least <= most.
    """

    least: int
    most: int | None

    def __init__(self, least: int | None = None, most: int | None = _UNSET) -> None:
        if most is _UNSET:
            most = least
        if isinstance(least, bool) or isinstance(most, bool):
            raise InputError("a gap is given by numbers of tokens, not by a bool")
        try:
            self.least = 0 if least is None else operator.index(least)
            self.most = None if most is None else operator.index(most)
        except TypeError:
            raise InputError(
                "a gap is given by numbers of tokens", hint="Gap(k), Gap(a, b), Gap(a, None) or Gap()"
            ) from None
        if self.least < 0 or (self.most is not None and self.most < self.least):
            raise InputError(f"a gap cannot have {self.least} to {self.most} tokens")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Gap) and (self.least, self.most) == (other.least, other.most)

    def __hash__(self) -> int:
        return hash((Gap, self.least, self.most))

    def __repr__(self) -> str:
        if self.most == self.least:
            return f"Gap({self.least})"
        return "Gap()" if (self.least, self.most) == (0, None) else f"Gap({self.least}, {self.most})"


Element = int | bytes | Gap


class Step(NamedTuple):
    """One step of a canvas; ``value`` is the token of TOKEN, the text of TEXT, None for others."""

    kind: int
    value: int | bytes | None = None


class Layout(NamedTuple):
    """A canvas as steps.

    Attributes:
        steps: in order.
        first: for each element of the canvas its first step, and the number of steps behind the last.
    """

    steps: list[Step]
    first: list[int]


def lay_out(canvas: list[Element], vocab: Vocabulary) -> Layout:
    """The steps of a canvas.

    Raises:
        InputError: an element is none of int, bytes and Gap, or a token is not of the vocabulary.
        LimitError: the canvas has more than MOST_STEPS steps.
    """
    steps: list[Step] = []
    first = []
    for index, element in enumerate(canvas):
        first.append(len(steps))
        if isinstance(element, Gap):
            size = element.least + (1 if element.most is None else element.most - element.least)
            if len(steps) + size > MOST_STEPS:
                raise LimitError(f"a canvas may have {MOST_STEPS} steps at most", where=f"element {index}")
            steps += [Step(SLOT)] * element.least
            steps += [Step(ANY)] if element.most is None else [Step(MAYBE)] * (element.most - element.least)
        elif isinstance(element, (bytes, bytearray)):
            if element:
                steps.append(Step(TEXT, bytes(element)))
        else:
            steps.append(Step(TOKEN, checked_token(element, vocab, f"element {index}")))
    first.append(len(steps))
    return Layout(steps, first)


def check_grammar(grammar: object) -> None:
    """Raises InputError where a canvas is given something else than a compiled grammar."""
    if not isinstance(grammar, CompiledGrammar):
        raise InputError(f"{type(grammar).__name__} is no compiled grammar", hint="Make one with sg.compile")


def checked_token(token: object, vocab: Vocabulary, where: str) -> int:
    """A token as int. Raises InputError where it is no id of the vocabulary."""
    try:
        number = operator.index(token)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if isinstance(token, bool) or not 0 <= number < vocab.size:
        hint = f"Ids go from 0 to {vocab.size - 1}"
        if isinstance(token, str):
            hint = "Text is given as bytes: text.encode()"
        raise InputError(f"{token!r} is no token, text or gap", where=where, hint=hint)
    return number
