"""A Lark grammar as data: terminals, rules, places. No parsing here.

:mod:`structgen.frontends.lark.load` makes it from text; the lexer modes and the lowering to networks read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from structgen.frontends.lark.extensions import Embedded
    from structgen.frontends.lark.parametric import Expanded


class Place(NamedTuple):
    """Where something stands. Lines and columns count from 1.

    Attributes:
        file: name of the file, or None for the grammar given by the user itself.
    """

    line: int
    column: int
    file: str | None = None

    def __str__(self) -> str:
        shown = f"line {self.line}, column {self.column}"
        return shown if self.file is None else f"{self.file}, {shown}"


class LarkSymbol(NamedTuple):
    """A terminal or rule by its name, as Lark's loader names it."""

    name: str
    is_terminal: bool


class Count(NamedTuple):
    """How often the body of a rule comes, one after the other (hi None: no upper bound)."""

    lo: int
    hi: int | None


@dataclass(frozen=True)
class LarkTerminal:
    """A terminal.

    Attributes:
        name: Lark's name; names that begin with ``__`` belong to terminals without a name of their own.
        kind: ``"str"``: ``pattern`` is the text itself; ``"regex"``: ``pattern`` is a pattern of Python's ``re``;
            ``"special"``: ``pattern`` is the name of a special token, which no other terminal can match.
        flags: letters of ``imslux`` that apply to the whole of it.
        regexp: what Lark gives to ``re``: pattern and flags in one.
        priority: Lark's (0 unless written).
        min_width, max_width: what Lark thinks its shortest and longest match is, in characters. Its lexers sort by it.
        place: where it is defined, or where it first occurs if it has no name; None if that is not known.
        raw: how the user wrote it, if it is a literal without a name.
    """

    name: str
    kind: Literal["str", "regex", "special"]
    pattern: str
    flags: frozenset[str]
    regexp: str
    priority: int
    min_width: int
    max_width: int
    place: Place | None = None
    raw: str | None = None

    @property
    def shown(self) -> str:
        """How to call it in messages."""
        if self.kind == "special":
            return self.pattern
        return self.raw or self.regexp if self.name.startswith("__") else self.name


@dataclass(frozen=True)
class LarkRule:
    """One alternative of a rule, in BNF. ``order``: its number among the alternatives; ``priority``: None unless
    written."""

    origin: str
    expansion: tuple[LarkSymbol, ...]
    order: int
    priority: int | None
    place: Place | None = None


@dataclass(frozen=True)
class LarkGrammar:
    """A whole grammar after templates, imports, overrides and operators have been worked out.

    Attributes:
        start: name of the start rule.
        terminals: the terminals that the rules or %ignore use.
        rules: all alternatives of all rules that the start reaches.
        counts: rules (by name) that stand for their body so many times. Empty if operators were expanded to BNF
            as Lark does it; see ``load``.
        ignore: names of the terminals that may stand between any two.
        declared: names in ``%declare``: terminals that have no definition.
        embedded: constraints that stand in the text itself, by the name that Lark knows them by.
        expanded: the text as Lark's loader has read it, rules with numbers written out; None if it was not read.
        text: the source text.
        file: the path it came from, or None.
    """

    start: str
    terminals: tuple[LarkTerminal, ...]
    rules: tuple[LarkRule, ...]
    counts: Mapping[str, Count] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    declared: frozenset[str] = frozenset()
    embedded: Mapping[str, Embedded] = field(default_factory=dict)
    expanded: Expanded | None = None
    text: str = ""
    file: str | None = None

    @cached_property
    def by_name(self) -> Mapping[str, LarkTerminal]:
        """The terminals by name."""
        return {t.name: t for t in self.terminals}

    @cached_property
    def alternatives(self) -> Mapping[str, tuple[LarkRule, ...]]:
        """The alternatives of each rule, in Lark's order."""
        result: dict[str, tuple[LarkRule, ...]] = {}
        for rule in self.rules:
            result[rule.origin] = (*result.get(rule.origin, ()), rule)
        return result

    @cached_property
    def used_terminals(self) -> frozenset[str]:
        """Names of the terminals that occur in a rule."""
        return frozenset(s.name for rule in self.rules for s in rule.expansion if s.is_terminal)
