"""Lark's lexers, terminal by terminal: what is read as which, given what else the lexer may read there.

Receives a :class:`LarkGrammar`; offers, for a terminal and a *context* (the terminals that the lexer tries there),
the :class:`Piece` s of words that reach the parser as that terminal. What ``lark.lexer`` does is followed step by
step: terminals sorted by priority, width, length and name; strings that a regular expression of the same priority
matches as a whole leave the alternation and are told apart afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from structgen.automata import Dfa, Ranges, difference, intersect, union
from structgen.errors import UnsupportedError
from structgen.frontends.lark import special
from structgen.frontends.lark.grammar import LarkGrammar, LarkTerminal
from structgen.frontends.lark.patterns import Program, literal_program, program
from structgen.frontends.lark.threads import Piece, Race, Symbols

#: Names of the terminals that a lexer tries at some place.
Context = frozenset[str]


class Lexicon:
    """The terminals of a grammar as lexers see them.

    Args:
        grammar: the grammar; terminals that are only declared have no words.
        max_states: limit on the states of any automaton on the way.
        more: sets of code points that ``symbols`` must tell apart too.

    Attributes:
        everywhere: the context of the basic lexer.
        special: the names of the special tokens among the terminals, in the order of their numbers.
        symbols: the partition of the code points that all automata share.

    Raises:
        UnsupportedError: a terminal can match nothing at all (Lark's lexers refuse that too), or has lookarounds
            that see beyond it.
    """

    def __init__(self, grammar: LarkGrammar, max_states: int, more: Iterable[Ranges] = ()) -> None:
        self.max_states = max_states
        self.ignore = grammar.ignore
        self.by_name: dict[str, LarkTerminal] = {t.name: t for t in sorted(grammar.terminals, key=_order)}
        self.everywhere: Context = frozenset(self.by_name)
        for t in grammar.terminals:
            if t.min_width == 0:
                raise UnsupportedError(
                    f"terminal {t.shown} can match nothing at all, which no lexer of Lark's allows",
                    where=_where(t),
                    hint="Make it match at least one character",
                )
        self.special = [t.pattern for t in self.by_name.values() if t.kind == "special"]
        self.programs: dict[str, Program] = {name: self._program(t) for name, t in self.by_name.items()}
        self.symbols = Symbols(self.programs.values(), more)
        self._rows = {name: self.symbols.rows(p.words) for name, p in self.programs.items()}
        self._accept = {name: p.words.accept.tolist() for name, p in self.programs.items()}
        #: The classes of symbols that a terminal can begin with.
        self.first = {name: frozenset(c for c, t in enumerate(rows[0]) if t >= 0) for name, rows in self._rows.items()}
        self._number = {name: i for i, name in enumerate(self.by_name)}
        self._rivals = {name: frozenset(self._find_rivals(name)) for name in self.by_name}
        self._keywords = {name: self._find_keywords(t) for name, t in self.by_name.items()}
        self._races: dict[tuple[str, Context], list[Piece]] = {}
        self._tokens: dict[tuple[str, Context], list[Piece]] = {}
        self._any_of = lru_cache(maxsize=None)(self._union_of)

    def where(self, name: str) -> str | None:
        """The place of a terminal in the user's source."""
        return _where(self.by_name[name])

    def shown(self, name: str) -> str:
        """How to call a terminal in messages."""
        return self.by_name[name].shown

    # ---- what a lexer reads ----------------------------------------------------------------------------

    def tokens(self, name: str, context: Context) -> list[Piece]:
        """The words that reach the parser as a terminal, where a lexer tries the terminals of ``context``."""
        key = (name, context)
        if key not in self._tokens:
            # texts of a regular expression that equal a string of the context are that string
            found = []
            if name not in self.ignore and name in self._alternation(context):
                pieces = self._race(name, context)
                found += _minus(pieces, self._any_of(self._told_apart(name, context)))
            for other in context:
                strings = self._told_apart(other, context)
                if name in strings and other not in self.ignore and other in self._alternation(context):
                    before = strings[: strings.index(name)]
                    pieces = _within(self._race(other, context), self.programs[name].words)
                    found += _minus(pieces, self._any_of(before))
            self._tokens[key] = found
        return self._tokens[key]

    def ignored(self, context: Context) -> list[Piece]:
        """The words that a lexer skips."""
        alternation = self._alternation(context)
        return [p for name in self.ignore if name in alternation for p in self._race(name, context)]

    def _race(self, name: str, context: Context) -> list[Piece]:
        """What the alternation of a context reads as one of its members."""
        rivals = self._rivals[name] & self._alternation(context)
        key = (name, rivals)
        if key not in self._races:
            ordered = sorted(rivals, key=self._number.__getitem__)
            programs = [self.programs[other] for other in (*ordered, name)]
            race = Race(programs, self.symbols, self.shown(name), self.where(name), self.max_states)
            self._races[key] = race.pieces()
        return self._races[key]

    @cache  # noqa: B019  (a lexicon lives as long as its grammar is being built)
    def _alternation(self, context: Context) -> Context:
        """The terminals of a context that are tried; the others are only told apart from a match."""
        gone = {
            string
            for name in context
            for string in self._keywords[name]
            if string in context and self.by_name[string].flags <= self.by_name[name].flags
        }
        return context - gone

    @cache  # noqa: B019
    def _told_apart(self, name: str, context: Context) -> tuple[str, ...]:
        return tuple(string for string in self._keywords[name] if string in context)

    # ---- facts about the terminals ---------------------------------------------------------------------

    def _program(self, t: LarkTerminal) -> Program:
        if t.kind == "special":
            return special.program(self.special.index(t.pattern))
        if t.kind == "str" and not t.flags:
            return literal_program(t.pattern)
        return program(t.regexp, 0, _where(t), self.max_states)

    def _find_rivals(self, name: str) -> Iterable[str]:
        """The terminals tried earlier that can match at the beginning of a text that begins with this one."""
        for other, number in self._number.items():
            if number >= self._number[name]:
                return
            if self.first[other] & self.first[name] and self._meet(other, name):
                yield other

    def _meet(self, left: str, right: str) -> bool:
        """Is a word of one terminal a prefix of a word of the other?"""
        a, b = self._rows[left], self._rows[right]
        accept_a, accept_b = self._accept[left], self._accept[right]
        seen, todo = {(0, 0)}, [(0, 0)]
        while todo:
            s, t = todo.pop()
            if accept_a[s] or accept_b[t]:
                return True
            for pair in zip(a[s], b[t], strict=True):
                if pair not in seen and min(pair) >= 0:
                    seen.add(pair)
                    todo.append(pair)
        return False

    def _find_keywords(self, t: LarkTerminal) -> tuple[str, ...]:
        """The strings of the same priority that a regular expression matches as a whole."""
        if t.kind != "regex":
            return ()
        compiled = re.compile(t.regexp)
        found = []
        for name, other in self.by_name.items():
            if other.kind == "str" and other.priority == t.priority:
                match = compiled.match(other.pattern)
                if match is not None and match[0] == other.pattern:
                    found.append(name)
        return tuple(found)

    def _union_of(self, names: tuple[str, ...]) -> Dfa | None:
        return union(*(self.programs[name].words for name in names)) if names else None


def _order(t: LarkTerminal) -> tuple[int, int, int, str]:
    return (-t.priority, -t.max_width, -len(t.pattern), t.name)


def _where(t: LarkTerminal) -> str | None:
    return None if t.place is None else str(t.place)


def _minus(pieces: list[Piece], words: Dfa | None) -> list[Piece]:
    return pieces if words is None else _some(Piece(difference(p.words, words), p.condition) for p in pieces)


def _within(pieces: list[Piece], words: Dfa) -> list[Piece]:
    return _some(Piece(intersect(p.words, words), p.condition) for p in pieces)


def _some(pieces: Iterable[Piece]) -> list[Piece]:
    return [p for p in pieces if not p.words.is_empty()]
