"""Sets of string values, kept symbolic as long as they can be.

Receives keywords of schemas (pattern, length, format, enum); returns :class:`StringSet`, closed under the Boolean
operations. A set is in one of four forms: finitely many words; all strings but finitely many; strings of a length
over a set of characters; any regular language. Only the last costs states. :meth:`StringSet.to_terminal` gives
the JSON texts of the members, quotes and escapes included.

A set that is no regular language (a few formats are none) is kept between two that are: what is offered, and a
superset, of which the complement is made. Host names with A-labels are offered besides, by nodes of their own
(``hostnodes``).

Strings are sequences of code points without surrogates, as in every text that is valid UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from structgen.automata import (
    CODE_POINTS,
    ByteDfa,
    Dfa,
    Ranges,
    chain,
    complement,
    difference,
    intersect,
    literals,
    repeat_set,
    to_bytedfa,
    union,
)
from structgen.automata.symbols import common, every_symbol
from structgen.errors import ConstraintError, LimitError, UnsupportedError
from structgen.frontends import regex
from structgen.frontends.json_schema import formats
from structgen.frontends.json_schema.escapes import Escapes, counted, json_text, quoted, repetition
from structgen.frontends.json_schema.hostnodes import LEAST, MOST, is_name
from structgen.frontends.json_schema.wordtexts import least_text, texts_of, texts_of_all_but
from structgen.ir.network import Terminal

ANY = every_symbol(CODE_POINTS)

#: States of an automaton made by an operation of the algebra.
MAX_STATES = 200_000
#: Sets of at most this many words are listed.
_LISTED = 64
#: The texts of automata of at most so many states are made when they are needed. They are never too large.
_MADE_LATER = 200
#: Automata of more states are not searched for short lists of words or of exceptions.
_LOOKED_AT = 2_000
#: Repetitions of a set of characters up to this long are spelled out; longer ones are counted beside the state.
_SPELLED = 8


@dataclass(frozen=True)
class _Words:
    """Exactly these."""

    values: frozenset[str]


@dataclass(frozen=True)
class _Others:
    """All strings but these (at least one)."""

    values: frozenset[str]


@dataclass(frozen=True)
class _Run:
    """lo to hi characters out of a set; hi None: no upper bound."""

    ranges: Ranges
    lo: int
    hi: int | None


@dataclass(frozen=True)
class _Language:
    """Any regular language that has none of the other forms."""

    dfa: Dfa


_Form = _Words | _Others | _Run | _Language


@dataclass(frozen=True)
class _Format:
    """The superset of a format."""

    name: str


@dataclass(frozen=True)
class _Combined:
    """Supersets combined: "and", "or", "less"; most are never asked for."""

    how: Literal["and", "or", "less"]
    left: _Above
    right: _Above


_Above = _Form | _Format | _Combined


@dataclass(frozen=True)
class StringSet:
    """An immutable, hashable set of strings. Build it with the class methods and the operators.

    Two sets of the same strings are equal in all but contrived cases (a complement of many words).

    Attributes:
        form: the regular language of the set; where there is ``above``, a part of the set.
        above: a superset of the set; None: ``form`` is all of it.
        a_labels: are host names with A-labels among the members? Only where there is ``above``, and other members.
    """

    form: _Form
    above: _Above | None = None
    a_labels: bool = False

    @classmethod
    def all(cls) -> StringSet:
        """Every string."""
        return _ALL

    @classmethod
    def nothing(cls) -> StringSet:
        """No string."""
        return _NOTHING

    @classmethod
    def of(cls, values: Iterable[str]) -> StringSet:
        """A finite set. Strings with lone surrogates have no text and are left out."""
        return cls(_Words(frozenset(v for v in values if not _has_surrogate(v))))

    @classmethod
    def length(cls, lo: int, hi: int | None = None) -> StringSet:
        """Strings of lo to hi code points; None: no upper bound."""
        return _run(ANY, lo, hi)

    @classmethod
    def matching(cls, pattern: str, where: str | None = None) -> StringSet:
        """Strings in which an ECMA-262 pattern matches somewhere.

        Raises:
            SourceSyntaxError, UnsupportedError, LimitError: as ``frontends.regex.to_dfa`` does.
        """
        try:
            return _matching(pattern)
        except ConstraintError:
            regex.to_dfa(pattern, dialect="ecma", search=True, where=where)  # raises again, with the place
            raise

    @classmethod
    def of_dfa(cls, dfa: Dfa) -> StringSet:
        """The words of an automaton over code points."""
        return _of_dfa(dfa)

    @classmethod
    def format(
        cls, name: str, *, where: str | None = None, unknown: Literal["annotation", "error"] = "annotation"
    ) -> StringSet | None:
        """The strings of a format; None for an unknown one that is taken as an annotation.

        Raises:
            UnsupportedError: the format is not known and ``unknown`` is "error".
        """
        if name not in formats.KNOWN:
            if unknown == "annotation":
                return None
            raise UnsupportedError(
                f"unknown format {name!r}",
                where=where,
                hint=f'Say what it is with formats={{"{name}": sg.Regex(...)}}, or use unknown_formats="annotation"',
            )
        found = _of_dfa(formats.language(name))
        if name in formats.FROM_BELOW:
            return StringSet(found.form, _Format(name), name in formats.WITH_A_LABELS)
        return found

    # Operations

    def intersect(self, other: StringSet) -> StringSet:
        """Strings in both.

        Raises:
            LimitError: the automaton of the intersection is too large.
        """
        if self.above is None and other.above is None:
            return _intersect(self, other)
        if self == other or other == _ALL:
            return self
        if self == _ALL:
            return other
        if self.above is None:
            return other.intersect(self)
        low = _intersect(self.regular(), other.regular())
        for words, where in ((self.form, other), (other.form, self)):
            if isinstance(words, _Words):
                low = StringSet(_Words(frozenset(filter(where.contains, words.values))))
        a_labels = self.a_labels and low != _NOTHING and _spans_names(other)
        return StringSet(low.form, _Combined("and", self.above, other.above or other.form), a_labels)

    def union(self, other: StringSet) -> StringSet:
        """Strings in either. Raises LimitError as ``intersect`` does."""
        if self.above is None and other.above is None:
            return _union(self, other)
        if self == other or other == _NOTHING:
            return self
        if self == _NOTHING:
            return other
        low = _union(self.regular(), other.regular())
        above = _Combined("or", self.above or self.form, other.above or other.form)
        return StringSet(low.form, above, self.a_labels or other.a_labels)

    def difference(self, other: StringSet) -> StringSet:
        """Strings in this set and not in the other. Raises LimitError as ``intersect`` does."""
        if self.above is None and other.above is None:
            return _difference(self, other)
        if other == _NOTHING:
            return self
        low = _difference(self.regular(), other.superset())
        above = _Combined("less", self.above or self.form, other.form)
        a_labels = self.a_labels and low != _NOTHING and _names().disjoint(other.superset())
        return StringSet(low.form, above, a_labels)

    def complement(self) -> StringSet:
        """Strings not in this set. Raises LimitError as ``intersect`` does."""
        return _complement(self) if self.above is None else _ALL.difference(self)

    __and__, __or__, __sub__, __invert__ = intersect, union, difference, complement

    # Questions

    def regular(self) -> StringSet:
        """The members that an automaton holds."""
        return self if self.above is None else StringSet(self.form)

    def superset(self) -> StringSet:
        """A set with all the members that an automaton holds."""
        return self if self.above is None else _settled(self.above)

    def is_empty(self) -> bool:
        """Has it surely no member?"""
        return self.form == _NOTHING.form and self.superset() == _NOTHING

    def has_texts(self) -> bool:
        """Is there a member that can be written? For all but a few sets that is the same as not to be empty."""
        return self.form != _NOTHING.form

    def is_all(self) -> bool:
        """Is every string a member?"""
        return self == _ALL

    def contains(self, value: object) -> bool:
        """Is a value a member? False for what is no string or has a lone surrogate, and where it cannot be told."""
        if not isinstance(value, str) or _has_surrogate(value):
            return False
        if self.a_labels and is_name(value):
            return True
        match self.form:
            case _Words(values):
                return value in values
            case _Others(values):
                return value not in values
            case _Run(ranges, lo, hi):
                if len(value) < lo or (hi is not None and len(value) > hi):
                    return False
                return ranges == ANY or all(any(a <= ord(c) <= b for a, b in ranges) for c in value)
            case _Language(dfa):
                return dfa.accepts(value)

    def disjoint(self, other: StringSet) -> bool:
        """Have the two no member in common?"""
        return self.intersect(other).is_empty()

    def includes(self, other: StringSet) -> bool:
        """Is every member of the other a member?"""
        if isinstance(other.form, _Words):
            return all(map(self.contains, other.form.values))
        return other.difference(self).is_empty()

    def values(self, limit: int) -> tuple[str, ...] | None:
        """All members, shortest first, if there are at most ``limit``; else None."""
        match self.form:
            case _Words(values):
                found: Iterable[str] = values
            case _Others():
                return None
            case _Run(ranges, _, hi):
                if hi is None or _at_least(ranges, hi, limit):
                    return None
                found = self.to_dfa().words()  # type: ignore[assignment]
            case _Language(dfa):
                if dfa.count(limit) is None:
                    return None
                found = dfa.words()  # type: ignore[assignment]
        ordered = tuple(sorted(found, key=lambda v: (len(v), v)))
        return ordered if len(ordered) <= limit else None

    def shortest(self) -> str | None:
        """A member of least length, or None if there is none."""
        match self.form:
            case _Words(values):
                return min(values, key=lambda v: (len(v), v), default=None)
            case _Run(ranges, lo, _):
                letters = [c for c in "a0A_ " if any(x <= ord(c) <= y for x, y in ranges)] or [chr(ranges[0][0])]
                return letters[0] * lo
            case _:
                return self.to_dfa().shortest()  # type: ignore[return-value]

    def to_dfa(self) -> Dfa:
        """The automaton over code points. Raises LimitError if it needs too many states."""
        return _to_dfa(self.form)

    # Texts

    def texts(self, escapes: Escapes = "standard", *, where: str | None = None) -> ByteDfa:
        """The JSON texts of the members, quotes included; see docs/json-schema.md for the escapes taken.

        Raises:
            ValueError: the set is empty.
            LimitError: the automaton is too large.
        """
        try:
            return _texts(self.form, escapes)
        except LimitError as error:
            raise LimitError(error.message, where=where, hint=error.hint) from None

    def least_text(self) -> int | None:
        """Least bytes of a text, quotes included, where it is found sooner than the texts are; else None."""
        form = self.form
        later = isinstance(form, _Language) and form.dfa.n_states <= _MADE_LATER
        return least_text(form.dfa) if later else None  # type: ignore[union-attr]

    def to_terminal(
        self,
        prefix: ByteDfa,
        suffix: ByteDfa,
        *,
        name: str = "string",
        where: str | None = None,
        escapes: Escapes = "standard",
    ) -> Terminal:
        """The terminal ``prefix text suffix``. The prefix may not go on with a quote.

        Raises:
            ValueError: the set is empty, or the prefix cannot be told from the text.
            LimitError: the automaton is too large.
        """
        return Terminal(chain(prefix, self.texts(escapes, where=where), suffix), name, where)

    def __str__(self) -> str:
        match self.form:
            case _Words(values):
                return "{" + ", ".join(map(repr, sorted(values))) + "}"
            case _Others(values):
                return "all but {" + ", ".join(map(repr, sorted(values))) + "}"
            case _Run(ranges, lo, hi):
                if self == _ALL:
                    return "any string"
                kind = "characters" if ranges == ANY else f"of {len(ranges)} ranges"
                return f"{lo}..{'' if hi is None else hi} {kind}"
            case _Language(dfa):
                return f"a language of {dfa.n_states} states"


def _has_surrogate(value: str) -> bool:
    return not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)


_NOTHING = StringSet(_Words(frozenset()))
_ALL = StringSet(_Run(ANY, 0, None))


# Forms


@lru_cache(maxsize=1)
def _names() -> StringSet:
    """A superset of the host names with A-labels that are offered."""
    return _of_dfa(regex.to_dfa(r"(?:[A-Za-z0-9-]+\.)*xn--[A-Za-z0-9.-]+", dialect="ecma"))


def _spans_names(other: StringSet) -> bool:
    """Are surely all host names with A-labels in a set?"""
    if isinstance(other.form, _Run) and other.form.ranges == ANY:
        return other.form.lo <= LEAST and (other.form.hi is None or other.form.hi >= MOST)
    return other.a_labels or _difference(_names(), other.regular()) == _NOTHING


@lru_cache(maxsize=1024)
def _settled(above: _Above) -> StringSet:
    match above:
        case _Format(name):
            return _of_dfa(formats.superset(name))
        case _Combined(how, left, right):
            operation = {"and": _intersect, "or": _union, "less": _difference}[how]
            return operation(_settled(left), _settled(right))
        case _:
            return StringSet(above)


def _at_least(ranges: Ranges, hi: int, limit: int) -> bool:
    """Are there surely more than ``limit`` words of up to hi characters, hi of them at the most?"""
    letters = sum(b - a + 1 for a, b in ranges)
    if letters == 1:
        return hi > limit
    return hi >= limit.bit_length() or letters**hi > limit


def _run(ranges: Ranges, lo: int, hi: int | None) -> StringSet:
    lo = max(lo, 0)
    if not ranges:
        hi = 0
    if hi is not None:
        if lo > hi:
            return _NOTHING
        if hi == 0:
            return StringSet(_Words(frozenset({""})))
        if not _at_least(ranges, hi, _LISTED):
            words = tuple(repeat_set(ranges, lo, hi, CODE_POINTS).words(_LISTED + 1))
            if len(words) <= _LISTED:
                return StringSet(_Words(frozenset(words)))  # type: ignore[arg-type]
    return StringSet(_Run(ranges, lo, hi))


@lru_cache(maxsize=4096)
def _of_dfa(dfa: Dfa) -> StringSet:
    if dfa.n_states <= _LOOKED_AT and dfa.count(_LISTED) is not None:
        return StringSet(_Words(frozenset(dfa.words())))  # type: ignore[arg-type]
    run = _as_run(dfa)
    if run is not None:
        return run
    if dfa.n_states <= _LOOKED_AT and _has_sink(dfa):
        rest = complement(dfa, max_states=MAX_STATES)
        if rest.count(_LISTED) is not None:
            return _but_words(frozenset(rest.words()))  # type: ignore[arg-type]
    return StringSet(_Language(dfa))


def _but_words(values: frozenset[str]) -> StringSet:
    if values == {""}:
        return StringSet(_Run(ANY, 1, None))
    return StringSet(_Others(values)) if values else _ALL


def _as_run(dfa: Dfa) -> StringSet | None:
    """Is it a repetition of one set of characters? Then its canonical automaton is a chain of states."""
    live = np.flatnonzero((dfa.delta >= 0).any(axis=0))
    n = dfa.n_states
    if len(live) != 1:
        return None
    following = dfa.delta[:, live[0]]
    if not np.array_equal(following[:-1], np.arange(1, n)) or following[-1] not in (-1, n - 1):
        return None
    lo = int(np.argmax(dfa.accept))
    if not dfa.accept[lo:].all():
        return None
    return _run(_ranges(dfa, int(live[0])), lo, None if following[-1] == n - 1 else n - 1)


def _ranges(dfa: Dfa, column: int) -> Ranges:
    """The symbols of a class."""
    starts = dfa.starts.tolist()
    ends = [*starts[1:], dfa.alphabet]
    return tuple(
        (a, b - 1) for a, b, c in zip(starts, ends, dfa.classes.tolist(), strict=True) if c == column
    )


def _has_sink(dfa: Dfa) -> bool:
    """Is there a state from which everything is accepted?"""
    surrogates = int(dfa.classes[int(np.searchsorted(dfa.starts, 0xD800, side="right")) - 1])
    others = np.arange(dfa.delta.shape[1]) != surrogates
    loops = (dfa.delta[:, others] == np.arange(dfa.n_states)[:, None]).all(axis=1)
    return bool((loops & dfa.accept).any()) and bool(others.any())


@lru_cache(maxsize=1024)
def _to_dfa(form: _Form) -> Dfa:
    match form:
        case _Words(values):
            return literals(values) if values else _empty()
        case _Others(values):
            return complement(literals(values))
        case _Run(ranges, lo, hi):
            return repeat_set(ranges, lo, hi, CODE_POINTS, max_states=MAX_STATES)
        case _Language(dfa):
            return dfa


def _empty() -> Dfa:
    return repeat_set((), 1, 0, CODE_POINTS)


@lru_cache(maxsize=1024)
def _matching(pattern: str) -> StringSet:
    return _of_dfa(regex.to_dfa(pattern, dialect="ecma", search=True))


# Operations


def _filtered(values: frozenset[str], other: StringSet, member: bool) -> frozenset[str]:
    return frozenset(v for v in values if other.contains(v) is member)


@lru_cache(maxsize=8192)
def _intersect(a: StringSet, b: StringSet) -> StringSet:
    if a == b or b == _ALL or a == _NOTHING:
        return a
    if a == _ALL or b == _NOTHING:
        return b
    match a.form, b.form:
        case _Words(values), _:
            return StringSet(_Words(_filtered(values, b, True)))
        case _, _Words(values):
            return StringSet(_Words(_filtered(values, a, True)))
        case _Others(x), _Others(y):
            return StringSet(_Others(x | y))
        case _Others(x), _:
            return _without(b, x)
        case _, _Others(y):
            return _without(a, y)
        case _Run(), _Run():
            return _common_run(a.form, b.form)
        case _Run(ranges, lo, hi), _Language(dfa) if ranges == ANY:
            return _of_length(b, dfa, lo, hi)
        case _Language(dfa), _Run(ranges, lo, hi) if ranges == ANY:
            return _of_length(a, dfa, lo, hi)
    return _of_dfa(intersect(a.to_dfa(), b.to_dfa(), max_states=MAX_STATES))


def _common_run(a: _Run, b: _Run) -> StringSet:
    hi = b.hi if a.hi is None else a.hi if b.hi is None else min(a.hi, b.hi)
    return _run(common(a.ranges, b.ranges), max(a.lo, b.lo), hi)


def _of_length(whole: StringSet, dfa: Dfa, lo: int, hi: int | None) -> StringSet:
    """The words of a length: often all of them."""
    least, most = dfa.min_length(), dfa.max_length()
    assert least is not None
    if hi is not None and least > hi or (most is not None and most < lo):
        return _NOTHING
    if least >= lo and (hi is None or (most is not None and most <= hi)):
        return whole
    try:
        lengths = repeat_set(ANY, lo if least < lo else 0, hi, CODE_POINTS, max_states=MAX_STATES)
        return _of_dfa(intersect(dfa, lengths, max_states=MAX_STATES))
    except LimitError:
        raise LimitError(
            f"a pattern of {dfa.n_states} states with lengths {lo} to {'any' if hi is None else hi} needs more than "
            f"{MAX_STATES} states",
            hint="Write the length into the pattern, or lower minLength and maxLength",
        ) from None


def _without(a: StringSet, values: frozenset[str]) -> StringSet:
    """A set less some words."""
    present = _filtered(values, a, True)
    if not present:
        return a
    return _of_dfa(difference(a.to_dfa(), literals(present), max_states=MAX_STATES))


@lru_cache(maxsize=8192)
def _union(a: StringSet, b: StringSet) -> StringSet:
    if a == b or b == _NOTHING or a == _ALL:
        return a
    if a == _NOTHING or b == _ALL:
        return b
    match a.form, b.form:
        case _Words(x), _Words(y):
            return StringSet(_Words(x | y))
        case _Others(x), _:
            return _but_words(_filtered(x, b, False))
        case _, _Others(y):
            return _but_words(_filtered(y, a, False))
        case _Words(x), _ if not _filtered(x, b, False):
            return b
        case _, _Words(y) if not _filtered(y, a, False):
            return a
        case _Run(r, i, j), _Run(s, k, m) if r == s and (m is None or i <= m + 1) and (j is None or k <= j + 1):
            return _run(r, min(i, k), None if j is None or m is None else max(j, m))
    return _of_dfa(union(a.to_dfa(), b.to_dfa(), max_states=MAX_STATES))


@lru_cache(maxsize=8192)
def _difference(a: StringSet, b: StringSet) -> StringSet:
    match a.form, b.form:
        case _, _Others(values):
            return a.intersect(StringSet(_Words(values)))
        case _Words(values), _:
            return StringSet(_Words(_filtered(values, b, False)))
        case _Others(x), _Words(y):
            return StringSet(_Others(x | y))
        case _, _Words(values):
            return a.intersect(_but_words(values))
        case _, _Run():
            return a.intersect(b.complement())
    if a == _ALL:
        return b.complement()
    return _of_dfa(difference(a.to_dfa(), b.to_dfa(), max_states=MAX_STATES))


@lru_cache(maxsize=4096)
def _complement(a: StringSet) -> StringSet:
    match a.form:
        case _Words(values):
            return _but_words(values)
        case _Others(values):
            return StringSet(_Words(values))
        case _Run(ranges, lo, hi) if ranges == ANY and (lo == 0 or hi is None):
            return _run(ANY, 0, lo - 1) if hi is None else _run(ANY, hi + 1, None)
    return _of_dfa(complement(a.to_dfa(), max_states=MAX_STATES))


# Texts

@lru_cache(maxsize=4096)
def _texts(form: _Form, escapes: Escapes) -> ByteDfa:
    match form:
        case _Words(values):
            return texts_of(values, escapes)
        case _Others(values):
            return texts_of_all_but(values, escapes)
        case _Run(ranges, lo, hi):
            if ranges == ANY:
                escapes = "any"
            if (lo, hi) == (0, None):
                return quoted(repetition(ranges, escapes))
            if ranges == ANY or max(lo, hi or 0) > _SPELLED:
                return counted(quoted(repetition(ranges, escapes)), lo, hi)
    return quoted(to_bytedfa(json_text(_to_dfa(form), escapes)))
