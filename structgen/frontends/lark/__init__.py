"""Lark grammars: from text to a network.

Receives :class:`structgen.source.Lark`. ``load`` reads it through Lark's own loader (``grammar`` has the data,
``scan`` and ``errors`` the places and messages). Without a lexer ``terminals`` and ``rules`` turn it into a network;
as Lark's Earley parser reads it, ``dynamic`` does; with a lexer of Lark's, ``network`` (``patterns``, ``threads``,
``lexing``, ``tokens``, ``special``: what is read as which terminal; ``lalr``, ``contexts``: where). ``gbnf`` and its
companions read the notation of llama.cpp.
"""

from __future__ import annotations

from collections.abc import Callable

from structgen.automata import MAX_STATES
from structgen.errors import ConstraintError, InputError, UnsatisfiableError, UnsupportedError
from structgen.frontends.lark import dynamic, gbnf, gbnf_network, network, rules
from structgen.frontends.lark.findings import Finding, findings
from structgen.frontends.lark.gbnf_lark import Converted, gbnf_to_lark
from structgen.frontends.lark.grammar import LarkGrammar, LarkSymbol
from structgen.frontends.lark.indentation import indentation
from structgen.frontends.lark.load import load
from structgen.ir.network import Network
from structgen.source import Constraint, Gbnf, Lark, Special

__all__ = ["Converted", "Finding", "build", "build_gbnf", "findings", "gbnf_to_lark", "load"]


def build(source: Lark, lower: Callable[[Constraint], Network], *, max_states: int = MAX_STATES) -> Network:
    """The network of a grammar.

    Args:
        source: the constraint.
        lower: makes the network of a constraint that stands for a terminal. It is asked for every special token.
        max_states: limit on every automaton.

    Raises:
        SourceSyntaxError: the grammar is malformed; the message shows the place.
        InputError: a file cannot be read, a name in ``constraints`` is not declared, or a declared terminal is used
            and not defined.
        UnsupportedError: something cannot be honoured exactly.
        UnsatisfiableError: no text is in the grammar's language.
        LimitError: more than ``max_states`` states.
    """
    grammar = load(source, counted=source.lexer.startswith("dynamic"))
    for name in source.constraints:
        if name not in grammar.declared:
            raise InputError(
                f"constraints names {name!r}, which the grammar does not declare",
                where=f"constraints[{name!r}]",
                hint=f"Add a line to the grammar:  %declare {name}",
            )
    made = set(source.constraints)
    if source.postlex is not None:
        indenter = indentation(source.postlex)
        made |= {indenter.indent, indenter.dedent}
    for name in sorted(grammar.declared & (grammar.used_terminals | {*grammar.ignore}) - made):
        raise _undefined(name, grammar)
    if source.lexer != "dynamic_complete":
        special = [e.constraint for e in grammar.embedded.values() if isinstance(e.constraint, Special)]
        if source.constraints or len(special) < len(grammar.embedded):
            raise UnsupportedError(
                f"lexer={source.lexer!r} cannot read constraints inside a grammar: Lark knows patterns only",
                where="constraints",
                hint='Use lexer="dynamic_complete"',
            )
    parts = {name: lower(inner) for name, inner in source.constraints.items()}
    for name, embedded in grammar.embedded.items():
        try:
            parts[name] = lower(embedded.constraint)
        except ConstraintError as error:
            raise embedded.error(error) from None
    try:
        return _network(source, grammar, parts, max_states)
    except UnsatisfiableError:
        first = grammar.alternatives[source.start][0]
        raise UnsatisfiableError(
            f"the rule {source.start!r} has no text: each of its alternatives needs something that never ends",
            where=None if first.place is None else str(first.place),
            hint="structgen.frontends.lark.findings(...) lists the rules without any text",
        ) from None


def _network(source: Lark, grammar: LarkGrammar, parts: dict[str, Network], max_states: int) -> Network:
    if source.lexer == "dynamic_complete":
        return rules.network(grammar, parts, max_states)
    if source.lexer == "dynamic":
        return dynamic.network(grammar, max_states)
    return network.build(grammar, source.lexer, max_states, source.postlex)


def _undefined(name: str, grammar: LarkGrammar) -> InputError:
    uses = (rule.place for rule in grammar.rules if LarkSymbol(name, True) in rule.expansion)
    place = next(uses, None)
    return InputError(
        f"the terminal {name!r} is declared but not defined, so nothing can be written for it",
        where=None if place is None else str(place),
        hint=f'Give what it stands for: sg.Lark(..., constraints={{{name!r}: ...}}, lexer="dynamic_complete"). '
        "(Terminals that a post-lexer makes, such as _INDENT, have no texts.)",
    )


def build_gbnf(source: Gbnf, *, max_states: int = MAX_STATES) -> Network:
    """The network of a grammar in GBNF.

    Raises:
        SourceSyntaxError: the grammar is malformed; the message shows the place.
        UnsupportedError: it names tokens of a vocabulary.
        UnsatisfiableError: no text is in the grammar's language.
        LimitError: more than ``max_states`` states.
    """
    return gbnf_network.network(gbnf.read(source.grammar), max_states)
