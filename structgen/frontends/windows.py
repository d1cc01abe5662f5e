"""Triggers: free text with constrained parts, as a network.

Receives a :class:`~structgen.source.windows.Trigger` and how other constraints are lowered. The free text up to and
with a trigger is one terminal: the texts in which that trigger is the first to end, which is a regular language.
"""

from __future__ import annotations

from collections.abc import Callable

from structgen import automata
from structgen.automata import Dfa
from structgen.errors import UnsatisfiableError, UnsupportedError
from structgen.frontends import regular
from structgen.ir import combine
from structgen.ir.network import Network, Terminal
from structgen.source import Constraint, Trigger


def build(source: Trigger, lower: Callable[[Constraint], Network], *, max_states: int) -> Network:
    """The network of free text with triggers.

    Raises:
        UnsupportedError: ``free`` is not regular.
        UnsatisfiableError: no free text may stand before any trigger.
        Errors of the constraints that follow triggers.
    """
    free = _free(source, max_states)
    every = automata.everything(automata.CODE_POINTS)
    fired = automata.concat(every, automata.literals(list(source.on)), max_states=max_states)
    quiet = automata.difference(every, automata.concat(fired, every, max_states=max_states), max_states=max_states)
    any_one = automata.lengths(1, 1, automata.CODE_POINTS)
    first = automata.intersect(automata.concat(quiet, any_one, max_states=max_states), fired, max_states=max_states)
    rounds = []
    for text, inner in source.on.items():
        reached = automata.intersect(
            first, automata.concat(free, automata.literal(text), max_states=max_states), max_states=max_states
        )
        for longer in source.on:
            if longer != text and longer.endswith(text):
                late = automata.concat(every, automata.literal(longer), max_states=max_states)
                reached = automata.difference(reached, late, max_states=max_states)
        if not reached.is_empty():
            rounds.append(combine.concat(_terminal(reached, f"text up to {text!r}"), lower(inner)))
    if not rounds:
        if source.at_least:
            raise UnsatisfiableError("no trigger can be reached through the free text", hint="Change free")
        parts = []
    else:
        parts = [combine.repeat(combine.union(*rounds), source.at_least, source.at_most)]
    if source.tail:
        rest = automata.intersect(quiet, free, max_states=max_states)
        if rest.is_empty():
            raise UnsatisfiableError("no free text without a trigger", hint="Change free, or set tail=False")
        parts.append(_terminal(rest, "text"))
    return combine.concat(*parts)


def _free(source: Trigger, max_states: int) -> Dfa:
    if source.free is None:
        return automata.everything(automata.CODE_POINTS)
    dfa = regular.automaton(source.free, max_states=max_states)
    if dfa is None:
        raise UnsupportedError(
            "the free text between triggers must be a regular language",
            hint="Use sg.Regex, sg.Choice or a combination of them",
        )
    return dfa


def _terminal(dfa: Dfa, name: str) -> Network:
    return combine.from_terminal(Terminal(automata.to_bytedfa(automata.utf8(dfa)), name))
