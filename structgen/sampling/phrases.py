"""Phrases that must not occur, or that make a text likelier or less likely, wherever tokens happen to be cut.

Phrases are bytes in the text, not lists of tokens: every way to spell one is meant. Three things are made of them:

* :func:`without`, a constraint: the texts of another that hold none of them. Masks then know it ahead, so that
  nothing dead-ends. Where texts must be remembered (names or items that must not repeat, margins) compiling refuses it.
* :meth:`Phrases.predicate`, for samplers of whole texts under any constraint: the target is conditioned on it.
* :class:`Phrases` itself, a potential for :class:`SMC` and :class:`AWRS`: each phrase that occurs multiplies the
  target once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from structgen.errors import InputError
from structgen.frontends.types import as_constraint
from structgen.sampling.predicate import Predicate
from structgen.source import Choice, Constraint, Regex


def without(constraint: Any, phrases: Iterable[str]) -> Constraint:
    """The texts of a constraint in which no phrase occurs.

    What texts stand for stays the same: a type's texts are still read as its objects. It is the *text* that is
    looked at: in JSON a phrase may also be written with escapes, which this does not see.

    Raises:
        InputError: a phrase is empty or no str.

    Compiling it raises UnsupportedError where the difference cannot be honoured exactly.
    """
    banned = list(phrases)
    for phrase in banned:
        _bytes(phrase)
    anything = Regex("(?s:.*)")
    return as_constraint(constraint) - (anything + Choice(banned) + anything) if banned else as_constraint(constraint)


class Phrases:
    """A potential: the sum of the log weights of the phrases that occur in a text, each counted once.

    Args:
        weights: log weights by phrase (str or bytes); -inf bans it.
        shaping: on the way, a phrase that the text is about to end with counts so much of its log weight, in
            proportion to how much of it is written. It steers particles early and is not part of the target.

    Raises:
        InputError: a phrase is empty, a weight is NaN or +inf, or shaping is not from 0 to 1.
    """

    def __init__(self, weights: Mapping[str | bytes, float], *, shaping: float = 0.5) -> None:
        self.weights = {_bytes(phrase): float(weight) for phrase, weight in weights.items()}
        if any(np.isnan(weight) or weight == np.inf for weight in self.weights.values()):
            raise InputError(f"weights={dict(weights)}", hint="A log weight is a finite number, or -inf")
        if not 0.0 <= shaping <= 1.0:
            raise InputError(f"shaping={shaping}", hint="It is from 0 to 1")
        self.shaping = shaping

    def __call__(self, text: bytes, finished: bool) -> float:
        total = 0.0
        for phrase, weight in self.weights.items():
            if phrase in text:
                total += weight
            elif not finished and self.shaping and weight > -np.inf:
                total += self.shaping * weight * _begun(text, phrase) / len(phrase)
        return total

    def predicate(self, beside: Predicate | None = None) -> Predicate:
        """The condition that no phrase with weight -inf occurs, and another one if it is given."""
        return _Without([phrase for phrase, weight in self.weights.items() if weight == -np.inf], beside)


class _Without(Predicate):
    """No phrase occurs; ``beside`` is asked about the texts that are left, and its calls are those counted."""

    def __init__(self, phrases: list[bytes], beside: Predicate | None) -> None:
        super().__init__()
        self.phrases, self.beside = phrases, beside

    def __call__(self, texts: Sequence[bytes], finished: bool) -> list[bool]:
        found = [not any(phrase in text for phrase in self.phrases) for text in texts]
        if self.beside is not None:
            left = [i for i, good in enumerate(found) if good]
            for i, good in zip(left, self.beside([texts[i] for i in left], finished), strict=True):
                found[i] = good
            self.calls, self.seconds = self.beside.calls, self.beside.seconds
        return found


def _begun(text: bytes, phrase: bytes) -> int:
    """How much of a phrase a text ends with."""
    return next(n for n in range(min(len(text), len(phrase) - 1), -1, -1) if text.endswith(phrase[:n]))


def _bytes(phrase: Any) -> bytes:
    if not isinstance(phrase, (str, bytes)) or not phrase:
        raise InputError(f"{phrase!r} is no phrase", hint="A phrase is a str of at least one character")
    return phrase.encode() if isinstance(phrase, str) else phrase
