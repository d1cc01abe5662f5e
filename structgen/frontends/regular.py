"""Constraints that are regular languages of texts: regexes, choices, and what the operators make of them.

Receives a constraint; returns its automaton over code points, or None where a part is something else.
"""

from __future__ import annotations

from structgen import automata
from structgen.automata import Dfa
from structgen.frontends import regex
from structgen.source import Choice, Complement, Concatenation, Constraint, Difference, Intersection, Regex, Union


def automaton(constraint: Constraint, *, max_states: int = 100_000) -> Dfa | None:
    """The automaton over code points of a constraint that is made of regexes and choices; else None.

    Raises:
        SourceSyntaxError, UnsupportedError: a pattern is malformed, or not regular.
        LimitError: more than ``max_states`` states.
    """
    if isinstance(constraint, Regex):
        return regex.to_dfa(
            constraint.pattern, dialect=constraint.dialect, flags=constraint.flags, max_states=max_states
        )
    if isinstance(constraint, Choice):
        return automata.literals(constraint.options)
    if isinstance(constraint, Complement):
        inner = automaton(constraint.inner, max_states=max_states)
        return None if inner is None else automata.complement(inner, max_states=max_states)
    if isinstance(constraint, (Intersection, Union, Difference, Concatenation)):
        left = automaton(constraint.left, max_states=max_states)
        right = None if left is None else automaton(constraint.right, max_states=max_states)
        if left is None or right is None:
            return None
        if isinstance(constraint, Intersection):
            return automata.intersect(left, right, max_states=max_states)
        if isinstance(constraint, Union):
            return automata.union(left, right, max_states=max_states)
        if isinstance(constraint, Difference):
            return automata.difference(left, right, max_states=max_states)
        return automata.concat(left, right, max_states=max_states)
    return None
