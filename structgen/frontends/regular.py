"""Constraints that are regular languages of texts: regexes, choices, and what the operators make of them.

Receives a constraint; returns its automaton over code points, or None where a part is something else. How the
operators combine automata is the same over bytes: :func:`combined`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from structgen import automata
from structgen.automata import Dfa
from structgen.automata.bytedfa import ByteDfa, choices_of
from structgen.errors import InputError
from structgen.frontends import regex
from structgen.source import (
    Choice,
    Complement,
    Concatenation,
    Constraint,
    Difference,
    Intersection,
    Regex,
    Repetition,
    Union,
    operands,
)

#: Constraints that are made of others.
COMBINATIONS = (Complement, Repetition, Intersection, Union, Concatenation, Difference)


def automaton(constraint: Constraint, *, max_states: int = 100_000) -> Dfa | None:
    """The automaton over code points of a constraint that is made of regexes and choices; else None.

    Raises:
        SourceSyntaxError, UnsupportedError: a pattern is malformed, or not regular.
        InputError: a choice that UTF-8 cannot write.
        LimitError: more than ``max_states`` states.
    """
    if isinstance(constraint, Regex):
        return regex.to_dfa(
            constraint.pattern, dialect=constraint.dialect, flags=constraint.flags, max_states=max_states
        )
    if isinstance(constraint, Choice):
        for option in constraint.options:
            encoded(option)
        return automata.literals(constraint.options)
    if not isinstance(constraint, COMBINATIONS):
        return None
    every = automata.everything(automata.CODE_POINTS)
    return combined(constraint, lambda part: automaton(part, max_states=max_states), every, max_states)


def combined(
    constraint: Constraint, language: Callable[[Constraint], Dfa | None], every: Dfa, max_states: int
) -> Dfa | None:
    """The language of a combination out of those of its parts; None where a part has none.

    Args:
        language: the automaton of a part.
        every: all texts, which a complement is taken in.
    """
    parts = []
    for part in operands(constraint):
        dfa = language(part)
        if dfa is None:
            return None
        parts.append(dfa)
    if isinstance(constraint, Complement):
        return automata.difference(every, parts[0], max_states=max_states)
    if isinstance(constraint, Repetition):
        return automata.repeat(parts[0], constraint.lo, constraint.hi, max_states=max_states)
    if isinstance(constraint, Intersection):
        return automata.intersect(*parts, max_states=max_states)
    if isinstance(constraint, Union):
        return automata.union(*parts, max_states=max_states)
    if isinstance(constraint, Concatenation):
        return automata.concat(*parts, max_states=max_states)
    assert isinstance(constraint, Difference), f"a constraint of an unknown kind: {type(constraint).__name__}"
    return automata.difference(*parts, max_states=max_states)


def words(constraint: Choice) -> ByteDfa:
    """The automaton over bytes of a choice. Raises InputError where UTF-8 cannot write one of its texts."""
    text = "".join(constraint.options)
    try:
        data = np.frombuffer(text.encode(), dtype=np.uint8)
    except UnicodeEncodeError:
        for option in constraint.options:
            encoded(option)
        raise  # not reached: one of them cannot be written
    size = len if len(data) == len(text) else lambda option: len(option.encode())
    n = len(constraint.options)
    return choices_of(data, np.fromiter(map(size, constraint.options), dtype=np.int64, count=n))


def encoded(text: str) -> bytes:
    """A choice as bytes. Raises InputError where UTF-8 cannot write it."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"choice {text!r} has a lone surrogate, which UTF-8 cannot write", where=f"character {error.start}"
        ) from None
