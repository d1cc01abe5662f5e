"""Whitespace, and the terminals of JSON text with the whitespace folded in.

Receives the whitespace option; returns :class:`Terminals`, which makes each terminal once: equal terminals are one
object, in one schema and across schemas. Every token of the text is preceded by its optional whitespace inside its
own terminal, so that whitespace is never a choice between terminals.

``"flexible"`` allows, in front of names, values and closing brackets: nothing; one or two blanks or tabs; or a line
break (LF or CRLF) and up to 64 blanks or tabs. In front of a colon or a comma: nothing or one blank or tab. That
takes in what ``json.dumps`` writes with its default separators and any indentation of up to 8 in 8 levels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from structgen.automata import bytedfa, to_bytedfa, utf8
from structgen.automata.bytedfa import ByteDfa, Counter, chain, choices, literal
from structgen.automata.spelt import Later, Spelt, Without
from structgen.errors import InputError
from structgen.frontends.json_schema.escapes import Escapes
from structgen.frontends.json_schema.names import FreeNames, Pool, Written
from structgen.frontends.json_schema.numbers import Forms, NumberSet
from structgen.frontends.json_schema.shapes import NO, YES
from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.json_schema.wordtexts import is_plain, texts_of_all_but
from structgen.frontends.regex import to_dfa
from structgen.ir.network import Terminal

_BLANK = (0x20, 0x09)
_INDENT = 64
_EMPTY = literal(b"")
#: So many names are left out of all names one by one at most.
_ONE_BY_ONE = 64
#: Names with more texts are left out of sets of names, not of terminals.
_SPELLINGS = 64


def _flexible() -> ByteDfa:
    """Nothing; one or two blanks or tabs; a line break and up to 64 of them."""
    edges = []
    for byte in _BLANK:
        edges += [(0, byte, byte, 1), (1, byte, byte, 2)]
        edges += [(4 + i, byte, byte, 5 + i) for i in range(_INDENT)]
    edges += [(0, 0x0D, 0x0D, 3), (0, 0x0A, 0x0A, 4), (3, 0x0A, 0x0A, 4)]
    return bytedfa.from_edges(5 + _INDENT, edges, [0, 1, 2, *range(4, 5 + _INDENT)])


def _small() -> ByteDfa:
    """Nothing, or one blank or tab."""
    return bytedfa.from_edges(2, [(0, byte, byte, 1) for byte in _BLANK], [0, 1])


class Terminals:
    """The terminals of JSON text under one whitespace option.

    Args:
        whitespace: ``"flexible"``, ``"compact"``, or a regular expression for every gap.
        forms: which forms of a number are written, see docs/json-schema.md.
        escapes: which characters may be written as escapes, likewise.

    Raises:
        InputError: the expression matches something that is not JSON whitespace.
    """

    def __init__(self, whitespace: str, forms: Forms = "double", escapes: Escapes = "standard") -> None:
        self.forms: Forms = forms
        self.escapes: Escapes = escapes
        if whitespace == "flexible":
            self.gap, self.small = _flexible(), _small()
        elif whitespace == "compact":
            self.gap = self.small = _EMPTY
        else:
            self.gap = self.small = _custom(whitespace)
        colon = chain(self.small, literal(b":"))
        self._colon = colon
        self._quote = chain(self.gap, literal(b'"'))
        self._rest_of_name = chain(literal(b'"'), colon)
        #: what stands before a name: terminals without a name of their own, see ``Machine.expected``
        self.first_quote = Terminal(self._quote, "")
        self.next_quote = Terminal(chain(self.small, literal(b","), self._quote), "")
        self.open_object = self._punctuation(b"{")
        self.close_object = self._punctuation(b"}")
        self.open_array = self._punctuation(b"[")
        self.close_array = self._punctuation(b"]")
        self.top_object = Terminal(literal(b"{"), "{")
        self.top_array = Terminal(literal(b"["), "[")
        self.comma = Terminal(chain(self.small, literal(b",")), ",")
        #: least bytes of what stands between tokens
        self.gap_cost = self.gap.min_length()
        self.small_cost = self.small.min_length()
        self.comma_cost = self.small_cost + 1
        self.close_cost = self.gap_cost + 1
        self.quote_cost = self.gap_cost + 1
        #: least bytes of quotes and colon
        self.empty_name_cost = self.gap_cost + 2 + self.small_cost + 1
        self.name = lru_cache(maxsize=100_000)(self._name)
        self._all_but = lru_cache(maxsize=1_000)(self._of_all_but)
        self._names_of = lru_cache(maxsize=1_000)(self._of_names)
        self.spellings = lru_cache(maxsize=100_000)(self._spellings)
        self.words = lru_cache(maxsize=64)(self._words)
        self.numbers = lru_cache(maxsize=10_000)(self._numbers)
        self.strings = lru_cache(maxsize=20_000)(self._strings)

    def _punctuation(self, text: bytes) -> Terminal:
        return Terminal(chain(self.gap, literal(text)), text.decode())

    def name_cost(self, name: str) -> int:
        """Least bytes of a name and its colon, without a comma before it."""
        plain = self.escapes == "standard" and is_plain(name)
        size = len(name) + 2 if plain else StringSet.of([name]).texts(self.escapes).min_length()
        return self.gap_cost + size + self.small_cost + 1

    def _name(self, name: str) -> Terminal:
        """A property name after its opening quote, with its colon."""
        if self.escapes == "standard" and is_plain(name):
            return Terminal(Spelt(name.encode("ascii"), self._rest_of_name), f'"{name}"')
        text = _after_quote(StringSet.of([name]).texts(self.escapes))
        return Terminal(chain(text, self._colon), f'"{name}"')

    def names(self, free: FreeNames) -> Terminal:
        """Any of some names, likewise. Those written are left out one by one, where that can be."""
        known, missing, written = free.pool.terminals, [], free.used
        while written not in known:
            missing.append(written)
            if written.before is None:
                break
            written = written.before
        for each in reversed(missing):
            known[each] = self._names(free.pool, each)
        return known[free.used]

    def _names(self, pool: Pool, written: Written) -> Terminal:
        if not written:
            lacking = pool.lacking
            return self._names_of(pool.names) if lacking is None else self._all_but(tuple(sorted(lacking)))
        if written.before is not None:
            base = pool.terminals[written.before].dfa
            texts = () if base.counter is not None else self.spellings(written.last)
            for text in texts:
                base = Without(base, text)
            if texts:
                return Terminal(base, "property name")
        return self._names_of(pool.free(written).names)

    def _of_all_but(self, lacking: tuple[str, ...]) -> Terminal:
        if 0 < len(lacking) <= _ONE_BY_ONE and self.escapes == "standard" and all(map(is_plain, lacking)):
            base = self._all_but(()).dfa
            for name in lacking:
                base = Without(base, name.encode("ascii") + b'"')
                _ = base.digest  # from the first on, for that of the last rests on all
            return Terminal(base, "property name")
        return self._property_name(texts_of_all_but(lacking, self.escapes))

    def _of_names(self, names: StringSet) -> Terminal:
        return self._property_name(names.texts(self.escapes))

    def _spellings(self, name: str) -> tuple[bytes, ...]:
        """The texts of a name after its opening quote, the closing quote included; none if they are many."""
        if self.escapes == "standard" and is_plain(name):
            return (name.encode("ascii") + b'"',)
        texts = _after_quote(StringSet.of([name]).texts(self.escapes))
        done, todo = [], [(0, b"")]
        while todo:
            state, text = todo.pop()
            if texts.accept[state]:
                done.append(text)
            for i in range(int(texts.first[state]), int(texts.first[state + 1])):
                todo += [(int(texts.to[i]), text + bytes([b])) for b in range(texts.lo[i], int(texts.hi[i]) + 1)]
            if len(done) + len(todo) > _SPELLINGS:
                return ()
        return tuple(done)

    def _property_name(self, text: ByteDfa) -> Terminal:
        return Terminal(chain(_after_quote(text), self._colon), "property name")

    def _words(self, null: bool, bools: int, top: bool) -> Terminal:
        """null, true, false, as far as wanted."""
        words = [b"null"] * null + [b"true"] * bool(bools & YES) + [b"false"] * bool(bools & NO)
        dfa = choices(words)
        return Terminal(dfa if top else chain(self.gap, dfa), " or ".join(w.decode() for w in words))

    def _numbers(self, numbers: NumberSet, top: bool) -> Terminal:
        prefix = _EMPTY if top else self.gap
        least = numbers.least_text()
        if least is None:
            return numbers.to_terminal(prefix, _EMPTY, name=str(numbers), forms=self.forms)
        dfa = Later(lambda: chain(prefix, numbers.texts(self.forms)), least if top else self.gap_cost + least)
        return Terminal(dfa, str(numbers))

    def _strings(self, strings: StringSet, top: bool) -> Terminal:
        least = strings.least_text()
        if least is None:
            return Terminal(self._quoted(strings, top), str(strings))
        dfa = Later(lambda: self._quoted(strings, top), least if top else self.gap_cost + least)
        return Terminal(dfa, str(strings))

    def _quoted(self, strings: StringSet, top: bool) -> ByteDfa:
        text = strings.texts(self.escapes)
        return text if top else _then(self._quote, _after_quote(text))


def _then(a: ByteDfa, b: ByteDfa) -> ByteDfa:
    """``chain`` for an ``a`` that ends only in its last state, from which nothing leads on."""
    counter = b.counter
    if counter is not None:
        mark = np.concatenate([np.zeros(len(a.to), dtype=np.uint8), counter.mark])
        counter = Counter(counter.lo, counter.hi, mark)
    return ByteDfa(
        np.concatenate([a.first[:-2], b.first + len(a.to)]).astype(np.int32),
        np.concatenate([a.lo, b.lo]),
        np.concatenate([a.hi, b.hi]),
        np.concatenate([a.to, b.to + (a.n_states - 1)]).astype(np.int32),
        np.concatenate([a.accept[:-1], b.accept]),
        counter,
    )


def _after_quote(text: ByteDfa) -> ByteDfa:
    """What follows the opening quote of a text that begins with one: its start state has one edge, to state 1."""
    assert text.first[1] == 1
    assert text.to[0] == 1
    counter = text.counter
    if counter is not None:
        counter = Counter(counter.lo, counter.hi, counter.mark[1:])
    return ByteDfa(text.first[1:] - 1, text.lo[1:], text.hi[1:], text.to[1:] - 1, text.accept[1:], counter)


@lru_cache(maxsize=16)
def terminals(whitespace: str, forms: Forms = "double", escapes: Escapes = "standard") -> Terminals:
    """The terminals under some options, made once."""
    return Terminals(whitespace, forms, escapes)


def _custom(pattern: str) -> ByteDfa:
    dfa = to_dfa(pattern, dialect="python", where="whitespace")
    allowed = to_dfa(r"[ \t\r\n]*", dialect="python")
    extra = dfa - allowed
    if dfa.is_empty():
        raise InputError(f"the whitespace pattern {pattern!r} matches nothing")
    if not extra.is_empty():
        raise InputError(
            f"the whitespace pattern {pattern!r} matches {extra.shortest()!r}, which is not JSON whitespace",
            hint="JSON whitespace is blanks, tabs, line feeds and carriage returns",
        )
    return to_bytedfa(utf8(dfa))
