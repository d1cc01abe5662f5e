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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from structgen.automata import (
    CODE_POINTS,
    ByteDfa,
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
from structgen.automata.bytedfa import from_edges
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
        self._made: dict[tuple[Margin, int, int], Terminal | None] = {}
        self._cuts: dict[tuple[Piece, ...], tuple[Terminal, Piece]] = {}
        if rules.newline not in tokens.lexicon.by_name:
            raise UnsupportedError(
                f"the grammar has no terminal {rules.newline}, which is to end lines",
                hint="Define it, or name the one that does in an Indenter class of your own",
            )
        lexicon = tokens.lexicon
        _, self.blanks = self._cut(tuple(lexicon.tokens(rules.newline, lexicon.everywhere)))
        #: The columns of each byte that is a blank; empty if some blanks have more bytes.
        self.widths: dict[int, int] = {}
        texts = [chr(code) for code in range(0x80) if self.blanks.words.accepts(chr(code))]
        words = self.blanks.words
        if sum(size for c, size in enumerate(words.class_sizes) if words.delta[0, c] >= 0) == len(texts):
            self.widths = {ord(text): {" ": 1, "\t": rules.tab}.get(text, 0) for text in texts}

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

    def terminal(self, margin: Margin, lo: int, hi: int) -> Terminal | None:
        """A margin of ``lo`` to ``hi`` columns. None: no text is one."""
        key = (margin, lo, hi)
        if key not in self._made:
            self._made[key] = self._make(margin, lo, hi)
        return self._made[key]

    def _make(self, margin: Margin, lo: int, hi: int) -> Terminal | None:
        if lo > hi:
            return None
        if hi == 0 or 32 not in self.widths:
            return self._folded(margin, lo, hi)
        base = self.terminal(margin, 0, 0)
        if base is None:
            return None
        dfa = None if base.bans else indented(base.dfa, lo, hi, self.widths)
        return self._folded(margin, lo, hi) if dfa is None else Terminal(dfa, base.name, base.where)

    def behind_blanks(self, margin: Margin) -> ByteDfa | None:
        """The automaton of a margin without columns. None: no text is one."""
        base = self.terminal(margin, 0, 0)
        return None if base is None else base.dfa

    def _folded(self, margin: Margin, lo: int, hi: int) -> Terminal | None:
        words = intersect(self._columns(lo, hi), self.blanks.words)
        if words.is_empty():
            return None
        piece = Piece(words, self.blanks.condition)
        return self.tokens.folded(
            "indentation", None, [piece], margin.ignored, margin.follow, direct=not margin.gap
        )

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


def indented(behind: ByteDfa, lo: int, hi: int, widths: Mapping[int, int]) -> ByteDfa | None:
    """``lo`` to ``hi`` columns of blanks and then the texts of an automaton; None: that is not deterministic as it is.

    Args:
        behind: takes blanks of no width at its beginning, and no others.
        widths: of each blank, in columns.
    """
    first, low, high, to = (a.tolist() for a in (behind.first, behind.lo, behind.hi, behind.to))
    rows = [[(low[e], high[e], to[e]) for e in range(first[s], first[s + 1])] for s in range(behind.n_states)]
    begin = []
    for x, y, target in rows[0]:
        blank = [byte for byte in range(x, y + 1) if byte in widths]
        if blank:
            if target != 0 or len(blank) <= y - x or any(widths[byte] for byte in blank):
                return None
        else:
            begin.append((x, y, target))
    if any(target == 0 for row in rows[1:] for _, _, target in row) or any(target == 0 for _, _, target in begin):
        return None
    edges = []
    for column in range(hi + 1):
        for byte, width in widths.items():
            if column + width <= hi:
                edges.append((column, byte, byte, column + width))
        if column >= lo:
            edges.extend((column, x, y, hi + target) for x, y, target in begin)
    for state, row in enumerate(rows[1:], 1):
        edges.extend((hi + state, x, y, hi + target) for x, y, target in row)
    ends = [hi + s for s in range(1, behind.n_states) if behind.accept[s]]
    return from_edges(hi + behind.n_states, edges, [*(range(lo, hi + 1) if behind.accept[0] else ()), *ends])
