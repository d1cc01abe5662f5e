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

from structgen.automata import bytedfa, to_bytedfa, utf8
from structgen.automata.bytedfa import ByteDfa, chain, choices, literal
from structgen.errors import InputError
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.shapes import NO, YES
from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.regex import to_dfa
from structgen.ir.network import Terminal

_BLANK = (0x20, 0x09)
_INDENT = 64
_EMPTY = literal(b"")


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

    Raises:
        InputError: the expression matches something that is not JSON whitespace.
    """

    def __init__(self, whitespace: str) -> None:
        if whitespace == "flexible":
            self.gap, self.small = _flexible(), _small()
        elif whitespace == "compact":
            self.gap = self.small = _EMPTY
        else:
            self.gap = self.small = _custom(whitespace)
        colon = chain(self.small, literal(b":"))
        self._colon = colon
        self._after_comma = chain(self.small, literal(b","), self.gap)
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
        self.name = lru_cache(maxsize=100_000)(self._name)
        self.names = lru_cache(maxsize=10_000)(self._names)
        self.words = lru_cache(maxsize=64)(self._words)
        self.numbers = lru_cache(maxsize=10_000)(self._numbers)
        self.strings = lru_cache(maxsize=20_000)(self._strings)

    def _punctuation(self, text: bytes) -> Terminal:
        return Terminal(chain(self.gap, literal(text)), text.decode())

    def name_cost(self, name: str) -> int:
        """Least bytes of a name and its colon, without a comma before it."""
        return self.name(name, True).dfa.min_length()

    def _name(self, name: str, first: bool) -> Terminal:
        """A property name with its colon, and with a comma before it unless it is the first."""
        prefix = self.gap if first else self._after_comma
        return StringSet.of([name]).to_terminal(prefix, self._colon, name=f'"{name}"')

    def _names(self, names: StringSet, first: bool) -> Terminal:
        """Any name of a set, likewise."""
        prefix = self.gap if first else self._after_comma
        return names.to_terminal(prefix, self._colon, name="property name")

    def _words(self, null: bool, bools: int, top: bool) -> Terminal:
        """null, true, false, as far as wanted."""
        words = [b"null"] * null + [b"true"] * bool(bools & YES) + [b"false"] * bool(bools & NO)
        dfa = choices(words)
        return Terminal(dfa if top else chain(self.gap, dfa), " or ".join(w.decode() for w in words))

    def _numbers(self, numbers: NumberSet, top: bool) -> Terminal:
        return numbers.to_terminal(_EMPTY if top else self.gap, _EMPTY, name=str(numbers))

    def _strings(self, strings: StringSet, top: bool) -> Terminal:
        return strings.to_terminal(_EMPTY if top else self.gap, _EMPTY, name=str(strings))


@lru_cache(maxsize=16)
def terminals(whitespace: str) -> Terminals:
    """The terminals under a whitespace option, made once."""
    return Terminals(whitespace)


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
