"""What the parsers of all dialects share: reading, errors with a caret, branches, quantifiers, class bodies.

Receives a pattern; returns a tree of :mod:`structgen.frontends.regex.ast`. A dialect subclasses
:class:`Parser` and says what its atoms, escapes and groups are.
"""

from __future__ import annotations

import re

from structgen.automata.symbols import CODE_POINTS, Ranges, invert, join
from structgen.errors import LimitError, SourceSyntaxError, UnsupportedError
from structgen.frontends.regex import ast
from structgen.frontends.regex.unicode import ignore_case

#: Groups may nest this deep.
MAX_DEPTH = 150
#: Counts in braces may be this large; more is a LimitError.
MAX_COUNT = 10_000_000

_QUANTIFIERS = "*+?{"


def caret(pattern: str, position: int) -> str:
    """The part of the pattern around a position, with a caret under it, on two indented lines."""
    start = pattern.rfind("\n", 0, position) + 1
    end = pattern.find("\n", position)
    end = len(pattern) if end < 0 else end
    left, right = "", ""
    if position - start > 60:
        start, left = position - 60, "..."
    if end - position > 40:
        end, right = position + 40, "..."
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in pattern[start:end])
    return f"\n    {left}{shown}{right}\n    {' ' * (len(left) + position - start)}^\n"


class Parser:
    """A recursive-descent parser. ``flags`` are those of ``re``; inline flags change them group by group."""

    dialect = ""

    def __init__(self, pattern: str, flags: int, where: str | None) -> None:
        self.pattern = pattern
        self.flags = flags
        self.where = where
        self.at = 0
        self.depth = 0

    # ---- what a dialect defines ------------------------------------------------------------------------

    def group(self, start: int) -> tuple[ast.Node | None, str]:
        """Parse after ``(``. Returns the node (None: nothing, as for a comment) and its kind (see ``sequence``)."""
        raise NotImplementedError

    def escape(self, start: int) -> tuple[ast.Node, str]:
        """Parse after a backslash outside classes."""
        raise NotImplementedError

    def class_escape(self, start: int) -> int | Ranges:
        """Parse after a backslash inside a class: a code point, or a set."""
        raise NotImplementedError

    def dot(self) -> Ranges:
        """The set of ``.``."""
        raise NotImplementedError

    def line_start(self) -> ast.Node:
        """The node of ``^``."""
        raise NotImplementedError

    def line_end(self) -> ast.Node:
        """The node of ``$``."""
        raise NotImplementedError

    def counts(self) -> tuple[int, int | None] | None:
        """Parse after ``{``: the counts, past the brace; None (and nothing read) if it is no quantifier."""
        raise NotImplementedError

    def character_class(self, start: int) -> ast.Node:
        """Parse after ``[``."""
        raise NotImplementedError

    def stray(self, char: str, start: int) -> ast.Node:
        """A ``{``, ``}`` or ``]`` that stands for itself, or an error."""
        raise NotImplementedError

    # ---- reading ---------------------------------------------------------------------------------------

    def peek(self) -> str:
        """The next character, or "" at the end."""
        return self.pattern[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        """Read ``text`` if it comes next."""
        if self.pattern.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def scan(self, expression: re.Pattern[str]) -> str | None:
        """Read what the expression matches here, or None."""
        found = expression.match(self.pattern, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def error(self, message: str, position: int, hint: str | None = None) -> SourceSyntaxError:
        """A syntax error at a position of the pattern."""
        text = f"regular expression: {message}, position {position}{caret(self.pattern, position)}"
        return SourceSyntaxError(text, where=self.where, hint=hint)

    def unsupported(self, message: str, position: int, hint: str | None = None) -> UnsupportedError:
        """A refusal of something that is well-formed."""
        text = f"regular expression: {message}, position {position}{caret(self.pattern, position)}"
        return UnsupportedError(text, where=self.where, hint=hint)

    # ---- the grammar -----------------------------------------------------------------------------------

    def parse(self) -> ast.Node:
        """The whole pattern."""
        node = self.branches()
        if self.at < len(self.pattern):
            raise self.error("unbalanced parenthesis", self.at)
        return node

    def branches(self) -> ast.Node:
        """Alternatives up to ``)`` or the end."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise LimitError(
                f"regular expression: groups nest deeper than {MAX_DEPTH}, position {self.at}"
                f"{caret(self.pattern, self.at)}",
                where=self.where,
                hint="Write it with fewer nested groups",
            )
        found = [self.sequence()]
        while self.take("|"):
            found.append(self.sequence())
        self.depth -= 1
        return ast.alt(found)

    def skip(self) -> bool:
        """Skip what means nothing here (verbose mode); True if something was skipped."""
        return False

    def sequence(self) -> ast.Node:
        """Items up to ``|``, ``)`` or the end.

        An item's kind says what a quantifier after it means: ``"atom"``: repeat it; ``"anchor"``: nothing to
        repeat; ``"repeat"``: it has one already; ``"start"``: there is no item yet.
        """
        items: list[ast.Node] = []
        kind = "start"
        while self.at < len(self.pattern):
            if self.skip():
                continue
            start = self.at
            char = self.pattern[start]
            if char in "|)":
                break
            self.at += 1
            if char in _QUANTIFIERS:
                bounds = self.bounds(char, start)
                if bounds is not None:
                    if kind in ("start", "anchor"):
                        raise self.error("nothing to repeat", start, self.glob_hint())
                    if kind == "repeat":
                        raise self.error("multiple repeat", start)
                    items[-1] = self.quantified(items[-1], *bounds, start)
                    kind = "repeat"
                    continue
                items.append(self.stray(char, start))
                kind = "atom"
                continue
            if char == "(":
                node, new_kind = self.group(start)
                if node is None:
                    continue
                items.append(node)
                kind = new_kind
                continue
            kind = "atom"
            if char == "\\":
                node, kind = self.escape(start)
                items.append(node)
            elif char == "[":
                items.append(self.character_class(start))
            elif char == ".":
                items.append(ast.Chars(self.dot()))
            elif char == "^":
                items.append(self.line_start())
                kind = "anchor"
            elif char == "$":
                items.append(self.line_end())
                kind = "anchor"
            elif char in "]}":
                items.append(self.stray(char, start))
            else:
                items.append(self.literal(ord(char)))
        return ast.seq(items)

    def glob_hint(self) -> str | None:
        """A guess at what the user meant by a pattern that begins with a star."""
        return (
            "This looks like a file glob; as a regular expression, * is written .*" if self.pattern[:1] == "*" else None
        )

    def bounds(self, char: str, start: int) -> tuple[int, int | None] | None:
        """The counts of a quantifier that begins with ``char`` (already read)."""
        if char == "*":
            return 0, None
        if char == "+":
            return 1, None
        if char == "?":
            return 0, 1
        found = self.counts()
        if found is None:
            return None
        lo, hi = found
        if max(lo, hi or 0) > MAX_COUNT:
            raise LimitError(
                f"regular expression: a count is over {MAX_COUNT}, position {start}{caret(self.pattern, start)}",
                where=self.where,
                hint="Use a smaller count, or none",
            )
        if hi is not None and hi < lo:
            raise self.error("the counts are in the wrong order", start)
        return lo, hi

    def quantified(self, item: ast.Node, lo: int, hi: int | None, start: int) -> ast.Node:
        """The item repeated; reads the mark of a lazy quantifier, which does not change the language."""
        self.take("?")
        return ast.repeat(item, lo, hi)

    def close(self, start: int) -> None:
        """Read the ``)`` of the group that began at ``start``."""
        if not self.take(")"):
            raise self.error("missing ), this group is not closed", start)

    def literal(self, code: int) -> ast.Node:
        """One code point, with the flags in force."""
        return ast.Chars(self.folded(((code, code),) if not 0xD800 <= code <= 0xDFFF else ()))

    def folded(self, ranges: Ranges) -> Ranges:
        """The set with case ignored, if that flag is on."""
        if not self.flags & re.IGNORECASE:
            return ranges
        ascii_only = self.dialect == "python" and bool(self.flags & re.ASCII)
        return ignore_case(ranges, self.dialect, ascii_only=ascii_only)

    def boundary(self, word: Ranges, negated: bool) -> ast.Node:
        r"""``\b`` or ``\B``: is a word character on exactly one side?"""
        chars = ast.Chars(word)

        def side(ahead: bool, negative: bool) -> ast.Node:
            return ast.Look(chars, ahead=ahead, negative=negative)

        return ast.alt(
            ast.seq([side(False, left), side(True, right)])
            for left, right in (((False, False), (True, True)) if negated else ((False, True), (True, False)))
        )

    def set_of(self, codes: list[tuple[int, int]], sets: list[Ranges], negated: bool) -> ast.Node:
        """A class made of ranges as written and of sets such as ``\\w``."""
        written = join(tuple(codes), alphabet=CODE_POINTS)
        if self.dialect == "ecma":
            whole = self.folded(join(written, *sets, alphabet=CODE_POINTS))
        else:  # Python folds what is written, not the sets
            whole = join(self.folded(written), *sets, alphabet=CODE_POINTS)
        return ast.Chars(invert(whole, CODE_POINTS) if negated else whole)
