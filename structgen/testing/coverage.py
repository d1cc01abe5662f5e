"""Which parts of a Lark grammar the texts of a corpus reach.

Receives a :class:`~structgen.source.Lark` constraint and texts; returns :class:`Coverage`. Lark's own parser reads the
texts and says which rule and which terminal stands where; the transitions taken inside a terminal are those of its
automaton. So the figures need no trust in our own machine.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import lark

from structgen import automata
from structgen.automata import Dfa
from structgen.errors import StructgenError, UnsupportedError
from structgen.frontends import lark as front
from structgen.frontends import regex
from structgen.frontends.lark.grammar import LarkGrammar, LarkTerminal
from structgen.source import Lark

_PARSERS: dict[str, dict[str, Any]] = {
    "contextual": {"parser": "lalr", "lexer": "contextual"},
    "basic": {"parser": "lalr", "lexer": "basic"},
    "dynamic": {"parser": "earley", "lexer": "dynamic"},
    "dynamic_complete": {"parser": "earley", "lexer": "dynamic_complete"},
}


@dataclass
class Part:
    """A rule, a terminal or a transition, and whether a text has reached it."""

    name: str
    where: str | None
    reached: bool = False

    def __str__(self) -> str:
        return self.name if self.where is None else f"{self.name}  ({self.where})"


@dataclass
class Coverage:
    """What a corpus reaches.

    Attributes:
        rules: alternatives of rules, in the order of the grammar.
        terminals: terminals that rules or %ignore use.
        edges: transitions of the terminals' automata.
        unread: texts that Lark does not read, with what it says.
    """

    rules: list[Part] = field(default_factory=list)
    terminals: list[Part] = field(default_factory=list)
    edges: list[Part] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)

    def shares(self) -> dict[str, tuple[int, int]]:
        """For rules, terminals and edges: how many are reached, of how many."""
        return {
            name: (sum(part.reached for part in parts), len(parts))
            for name, parts in (("rules", self.rules), ("terminals", self.terminals), ("edges", self.edges))
        }

    def missing(self, most: int = 5) -> dict[str, list[str]]:
        """The first parts of each kind that no text reaches."""
        return {
            name: [str(part) for part in parts if not part.reached][:most]
            for name, parts in (("rules", self.rules), ("terminals", self.terminals), ("edges", self.edges))
        }


def cover(source: Lark, corpus: Iterable[str]) -> Coverage:
    """The coverage of a grammar by some texts.

    Raises:
        UnsupportedError: Lark itself cannot read such a grammar: it has constraints for terminals in it.
        SourceSyntaxError: the grammar is malformed.
    """
    grammar = front.load(source)
    if source.constraints or grammar.embedded or grammar.declared:
        raise UnsupportedError(
            "coverage is measured by Lark's own parser, which cannot read constraints inside a grammar",
            hint="Measure it without them, or test that the corpus is accepted",
        )
    return _Reader(source, grammar).read(corpus)


class _Reader:
    def __init__(self, source: Lark, grammar: LarkGrammar) -> None:
        self.grammar = grammar
        self.result = Coverage()
        self.rules: dict[tuple[str, tuple[str, ...]], Part] = {}
        self.terminals: dict[str, Part] = {}
        self.edges: dict[str, dict[tuple[int, int], Part]] = {}
        self.automata: dict[str, Dfa] = {}
        self.parser = _Watched(source, grammar, self)
        self.lalr = self.parser.options.parser == "lalr"
        expanded = grammar.expanded
        assert expanded is not None
        shown = expanded.shown
        for rule in self.parser.rules:
            key = _key(rule)
            if key not in self.rules:
                body = " ".join(map(shown, key[1])) or "(nothing)"
                self.rules[key] = Part(f"{_plain(shown(key[0]))}: {body}", None)
        used = {symbol for _, body in self.rules for symbol in body}
        if self.lalr:  # Earley's lexer shows nobody what it ignores
            used |= set(grammar.ignore)
        for terminal in grammar.terminals:
            if terminal.name in used:
                self._add(terminal)
        self.result.rules = list(self.rules.values())
        self.result.terminals = list(self.terminals.values())
        self.result.edges = [part for parts in self.edges.values() for part in parts.values()]

    def _add(self, terminal: LarkTerminal) -> None:
        named = re.search(rf"^\s*{re.escape(terminal.name)}\s*[.:]", self.grammar.text, re.MULTILINE)
        shown = terminal.name if named or terminal.raw is None else terminal.raw
        where = None if terminal.place is None else str(terminal.place)
        self.terminals[terminal.name] = Part(shown, where)
        try:
            dfa = automata.literal(terminal.pattern) if not terminal.flags and terminal.kind == "str" else None
            if dfa is None:
                dfa = regex.to_dfa(terminal.regexp, dialect="python")
        except StructgenError:
            return  # the grammar is refused for it when it is compiled; the rest can be measured
        self.automata[terminal.name] = dfa
        parts = self.edges[terminal.name] = {}
        for state in range(len(dfa.accept)):
            for c in range(dfa.delta.shape[1]):
                if dfa.delta[state, c] >= 0:
                    first = int(dfa.starts[int((dfa.classes == c).argmax())])
                    parts[state, c] = Part(f"{shown}: {chr(first)!r} in state {state}", where)

    def read(self, corpus: Iterable[str]) -> Coverage:
        for text in corpus:
            try:
                self._read(text)
            except lark.exceptions.LarkError as error:
                try:  # the line break at the end of a file may not be the text's
                    self._read(text.removesuffix("\n").removesuffix("\r"))
                except lark.exceptions.LarkError:
                    self.result.unread.append((text, str(error).splitlines()[0]))
        return self.result

    def _read(self, text: str) -> None:
        tree = self.parser.parse(text)
        if not self.lalr:
            for token in tree.scan_values(lambda value: isinstance(value, lark.Token)):
                self.seen_token(token.type, str(token))

    def seen_rule(self, rule: Any) -> None:
        part = self.rules.get(_key(rule))
        if part is not None:
            part.reached = True

    def seen_token(self, name: str, text: str) -> None:
        part = self.terminals.get(name)
        if part is not None:
            part.reached = True
        dfa = self.automata.get(name)
        state = 0
        for char in text if dfa is not None else "":
            assert dfa is not None
            c = int(dfa.classes[bisect_right(dfa.starts, ord(char)) - 1])
            part = self.edges[name].get((state, c))
            if part is None:
                return
            part.reached = True
            state = int(dfa.delta[state, c])


class _Watched(lark.Lark):
    """Lark, telling which rules it reduces by and which tokens its lexer finds."""

    def __init__(self, source: Lark, grammar: LarkGrammar, reader: _Reader) -> None:
        self._reader = reader
        options: dict[str, Any] = dict(_PARSERS[source.lexer])
        if options["parser"] == "lalr":
            options["lexer_callbacks"] = {terminal.name: self._token for terminal in grammar.terminals}
        assert grammar.expanded is not None
        super().__init__(
            grammar.expanded.text,
            start=source.start,
            import_paths=[str(path) for path in source.import_paths],
            keep_all_tokens=True,
            **options,
        )

    def _token(self, token: lark.Token) -> lark.Token:
        self._reader.seen_token(token.type, str(token))
        return token

    def _prepare_callbacks(self) -> None:
        super()._prepare_callbacks()
        for rule in self.rules:
            self._callbacks[rule] = self._told(rule, self._callbacks[rule])

    def _told(self, rule: Any, build: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
        def reduced(children: list[Any]) -> Any:
            self._reader.seen_rule(rule)
            return build(children)

        return reduced


def _key(rule: Any) -> tuple[str, tuple[str, ...]]:
    return (rule.origin.name, tuple(symbol.name for symbol in rule.expansion))


def _plain(name: str) -> str:
    """The name of a rule as the user knows it: helpers of operators are named after their rule."""
    return name.split("_", 3)[2] + " (repeated)" if name.startswith("__") and name.count("_") > 3 else name
