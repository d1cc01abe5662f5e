"""What is probably a mistake in a grammar, though it is a grammar.

Receives a source; returns findings: definitions that nothing uses, rules and terminals without a text, terminals that
a lexer never reads because it tries another one first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from structgen.automata import MAX_STATES, Dfa, literal
from structgen.errors import ConstraintError
from structgen.frontends import regex
from structgen.frontends.lark.grammar import LarkGrammar, LarkTerminal
from structgen.frontends.lark.load import load
from structgen.frontends.lark.scan import Index
from structgen.source import Lark


class Finding(NamedTuple):
    """One of them.

    Attributes:
        kind: ``"unused"``: nothing uses the definition; ``"empty"``: it has no text; ``"shadowed"``: a lexer
            always reads another terminal in its place.
        name: the rule or terminal.
        message: what is the matter, one sentence.
        where: line and column, or None.
    """

    kind: Literal["unused", "empty", "shadowed"]
    name: str
    message: str
    where: str | None

    def __str__(self) -> str:
        return self.message if self.where is None else f"{self.where}: {self.message}"


def findings(source: Lark, *, max_states: int = MAX_STATES) -> tuple[Finding, ...]:
    """The findings of a grammar, in the order of their kinds and places.

    Raises:
        SourceSyntaxError, InputError: as for ``load``.
    """
    grammar = load(source)
    languages = {t.name: texts for t in grammar.terminals if (texts := _language(t, max_states)) is not None}
    result = [*_unused(grammar), *_empty(grammar, languages, frozenset(source.constraints))]
    if source.lexer in ("basic", "contextual"):
        result += _shadowed(grammar, languages, source.lexer)
    return tuple(result)


def _language(terminal: LarkTerminal, max_states: int) -> Dfa | None:
    """The texts of a terminal by itself; None where that cannot be said (compiling it will say why)."""
    if terminal.kind == "str" and not terminal.flags:
        return literal(terminal.pattern)
    try:
        return regex.to_dfa(terminal.regexp, max_states=max_states)
    except ConstraintError:
        return None


def _unused(grammar: LarkGrammar) -> Iterator[Finding]:
    index = Index(grammar.text)
    used = {rule.origin.split("{")[0] for rule in grammar.rules} | grammar.used_terminals | set(grammar.ignore)
    for name, offsets in index.definitions.items():
        inside_terminals = [at for at in index.uses(name) if name.isupper()]
        if name not in used and not inside_terminals:
            kind = "terminal" if name.isupper() else "rule"
            reached = "" if name.isupper() else f" on the way from {grammar.start!r}"
            yield Finding("unused", name, f"nothing uses the {kind} {name!r}{reached}", str(index.place(offsets[-1])))


def _empty(grammar: LarkGrammar, languages: dict[str, Dfa], given: frozenset[str]) -> Iterator[Finding]:
    without = {name for name, texts in languages.items() if texts.is_empty()} | (grammar.declared - given)
    for name in sorted(without & grammar.by_name.keys()):
        place = grammar.by_name[name].place
        yield Finding("empty", name, f"no text matches the terminal {name!r}", None if place is None else str(place))
    alive: set[str] = set()
    while True:
        more = {
            rule.origin
            for rule in grammar.rules
            if all(s.name not in without if s.is_terminal else s.name in alive for s in rule.expansion)
        } - alive
        if not more:
            break
        alive |= more
    for name, alternatives in grammar.alternatives.items():
        if name not in alive and not name.startswith("__"):
            place = alternatives[0].place
            message = f"the rule {name!r} has no text: each of its alternatives needs something that never ends"
            yield Finding("empty", name, message, None if place is None else str(place))


def _shadowed(grammar: LarkGrammar, languages: dict[str, Dfa], lexer: str) -> Iterator[Finding]:
    """Terminals all of whose texts belong to one that Lark's lexers try before."""
    order = sorted(
        (t for t in grammar.terminals if t.name in languages),
        key=lambda t: (-t.priority, -t.max_width, -len(t.pattern), t.name),
    )
    for i, terminal in enumerate(order):
        for earlier in order[:i]:
            if terminal.kind == "str" and earlier.kind == "regex" and terminal.priority == earlier.priority:
                continue  # a match that is the keyword's text is read as the keyword
            if languages[earlier.name].contains(languages[terminal.name]):
                place = None if terminal.place is None else str(terminal.place)
                scope = "" if lexer == "basic" else " where both may stand"
                yield Finding(
                    "shadowed",
                    terminal.name,
                    f"every text of the terminal {terminal.shown} is read as {earlier.shown}{scope}; "
                    f"a priority ({terminal.name}.1: ...) puts it first",
                    place,
                )
                break
