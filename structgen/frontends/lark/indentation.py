"""Indentation as Lark's ``Indenter`` means it: lines begin with as many columns as their block.

Receives an ``Indenter`` (or its name) and the terminal of line breaks; says what stands in their place in a grammar.

The token of a line break is cut in two behind its last newline. What is left of it, the blanks before the next
statement, belongs to that statement: within a block each line begins with exactly the columns of the block; the
first line of a block inside it decides how many more it has (its edge captures them); the end of a block writes
nothing. Inside brackets line breaks are ignored. Behind the last line break a text may end with the blanks of any
block that is open, and ignored text. One thing is taken narrower than Lark does: a line is indented by
:data:`WIDEST` columns at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structgen.automata import (
    CODE_POINTS,
    Dfa,
    concat,
    epsilon,
    everything,
    intersect,
    literal,
    repeat_set,
    to_bytedfa,
    utf8,
)
from structgen.automata.bytedfa import literal as byte_literal
from structgen.automata.symbols import Ranges, every_symbol
from structgen.errors import UnsupportedError
from structgen.frontends.lark.threads import Piece
from structgen.frontends.lark.tokens import Tokens
from structgen.ir.network import Terminal

#: Columns by which a line may be indented.
WIDEST = 200

#: The characters that are told apart.
BLANKS: tuple[Ranges, ...] = (((9, 9),), ((10, 10),), ((32, 32),))


@dataclass(frozen=True)
class Indentation:
    """What an Indenter goes by: names of terminals, and how many columns a tab counts."""

    newline: str
    indent: str
    dedent: str
    opening: frozenset[str]
    closing: frozenset[str]
    tab: int


def indentation(postlex: Any) -> Indentation:
    """The data of ``"indent"`` (what Lark's PythonIndenter says), or of an Indenter class or object."""
    if postlex == "indent":
        brackets = frozenset({"LPAR", "LSQB", "LBRACE"}), frozenset({"RPAR", "RSQB", "RBRACE"})
        return Indentation("_NEWLINE", "_INDENT", "_DEDENT", *brackets, 8)
    indenter = postlex() if isinstance(postlex, type) else postlex
    return Indentation(
        str(indenter.NL_type),
        str(indenter.INDENT_type),
        str(indenter.DEDENT_type),
        frozenset(indenter.OPEN_PAREN_types),
        frozenset(indenter.CLOSE_PAREN_types),
        int(indenter.tab_len),
    )


@dataclass(frozen=True)
class Margin:
    """What a line begins with: blanks, then ignored text.

    Attributes:
        deeper: more columns than the block has (and captured), or exactly as many.
        gap: there must be ignored text.
        ignored, follow: what is ignored there, and the terminals that may come next.
    """

    deeper: bool
    gap: bool
    ignored: tuple[Piece, ...]
    follow: frozenset[str]

    def __hash__(self) -> int:
        return hash((self.deeper, self.gap, self.follow, len(self.ignored)))


class Lines:
    """Line breaks and margins as terminals.

    Args:
        rules: names and tab width.
        tokens: makes terminals.

    Raises:
        UnsupportedError: the pattern of line breaks does not end with a newline and then any number of blanks.
    """

    def __init__(self, rules: Indentation, tokens: Tokens) -> None:
        self.rules = rules
        self.tokens = tokens
        tokens.goes_on = True
        #: Stand-ins for margins in the grammar: how long they are depends on the block.
        self.margins: dict[Terminal, Margin] = {}
        self._known: dict[Margin, Terminal] = {}
        self._made: dict[tuple[Margin, int], Terminal | None] = {}
        self._cuts: dict[tuple[Piece, ...], tuple[Terminal, Piece]] = {}
        if rules.newline not in tokens.lexicon.by_name:
            raise UnsupportedError(
                f"the grammar has no terminal {rules.newline}, which is to end lines",
                hint="Define it, or name the one that does in an Indenter class of your own",
            )
        lexicon = tokens.lexicon
        _, self.blanks = self._cut(tuple(lexicon.tokens(rules.newline, lexicon.everywhere)))

    def cut(self, pieces: tuple[Piece, ...]) -> Terminal:
        """The terminal of a line break up to its last newline.

        Raises:
            UnsupportedError: what may stand behind that depends on the place.
        """
        if pieces not in self._cuts:
            self._cuts[pieces] = self._cut(pieces)
        body, blanks = self._cuts[pieces]
        if blanks != self.blanks:
            raise self._refused()
        return body

    def _cut(self, pieces: tuple[Piece, ...]) -> tuple[Terminal, Piece]:
        """A line break up to its last newline, and the blanks behind that."""
        name = self.rules.newline
        shown, where = self.tokens.lexicon.shown(name), self.tokens.lexicon.where(name)
        anything = repeat_set(every_symbol(CODE_POINTS), 1, 1, CODE_POINTS)
        # words that only the end of the text can follow are left out
        lasting = [p for p in pieces if p.condition.ban is None or intersect(anything, p.condition.ban) != anything]
        if len(lasting) != 1 or lasting[0].condition.doubt or lasting[0].condition.needs:
            raise self._refused()
        words, condition = lasting[0]
        body = intersect(words, concat(everything(CODE_POINTS), literal("\n")))
        first = body.shortest()
        if isinstance(first, str):
            symbols = self.tokens.symbols
            state = 0
            table = symbols.rows(words)
            for char in first:
                state = table[state][symbols.of(char)]
            chars = [c for c, t in enumerate(table[state]) if t >= 0 and words.accept[t] and c != symbols.of("\n")]
            row = [0 if c in chars else -1 for c in range(symbols.width)]
            blanks = symbols.dfa([row], [True])
            if words == concat(body, blanks):
                return Terminal(to_bytedfa(utf8(body)), shown, where), Piece(blanks, condition)
        raise self._refused()

    def _refused(self) -> UnsupportedError:
        name = self.rules.newline
        return UnsupportedError(
            f"terminal {self.tokens.lexicon.shown(name)} is to end lines, but its matches are not a newline and then "
            "any number of blanks",
            where=self.tokens.lexicon.where(name),
            hint=r"Write it like /(\r?\n[\t ]*)+/",
        )

    # ---- margins ---------------------------------------------------------------------------------------

    def margin(self, margin: Margin) -> Terminal:
        """A stand-in for a margin: a terminal that no text has."""
        if margin not in self._known:
            mark = byte_literal(b"\xff" + str(len(self._known)).encode())
            terminal = self._known[margin] = Terminal(mark, "indentation")
            self.margins[terminal] = margin
        return self._known[margin]

    def terminal(self, margin: Margin, width: int) -> Terminal | None:
        """A margin in a block of ``width`` columns. None: no text is one."""
        key = (margin, width)
        if key not in self._made:
            lo, hi = (width + 1, WIDEST) if margin.deeper else (width, width)
            words = intersect(self._columns(lo, hi), self.blanks.words)
            made = None
            if not words.is_empty():
                piece = Piece(words, self.blanks.condition)
                made = self.tokens.folded(
                    "indentation", None, [piece], margin.ignored, margin.follow, direct=not margin.gap
                )
            self._made[key] = made
        return self._made[key]

    def behind(self, ignored: tuple[Piece, ...], follow: frozenset[str]) -> Terminal | None:
        """Ignored text, or none, behind blanks that were taken already."""
        nothing = Piece(epsilon(CODE_POINTS), self.blanks.condition)
        return self.tokens.folded("ignored text", None, [nothing], ignored, follow)

    def width(self, text: bytes) -> int:
        """The columns of a text of blanks."""
        return text.count(b" ") + self.rules.tab * text.count(b"\t")

    def _columns(self, lo: int, hi: int) -> Dfa:
        """The texts whose blanks and tabs are ``lo`` to ``hi`` columns wide."""
        symbols = self.tokens.symbols
        space, tab = symbols.of(" "), symbols.of("\t")
        others = symbols.members[every_symbol(CODE_POINTS)]
        table = []
        for n in range(hi + 1):
            row = [-1] * symbols.width
            for c in others:  # such as form feeds: of no width
                row[c] = n
            row[space] = n + 1 if n < hi else -1
            row[tab] = n + self.rules.tab if n + self.rules.tab <= hi else -1
            table.append(row)
        return symbols.dfa(table, [lo <= n for n in range(hi + 1)])
