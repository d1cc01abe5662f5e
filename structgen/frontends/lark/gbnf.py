"""GBNF, the grammar notation of llama.cpp: from text to rules.

Receives the text; returns the rules as trees (those of regular expressions, and references to rules). There is no
lexer: characters follow each other. :mod:`structgen.frontends.lark.gbnf_network` turns the rules into a network,
:mod:`structgen.frontends.lark.gbnf_lark` into a Lark grammar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from structgen.automata.symbols import CODE_POINTS, invert, join
from structgen.errors import SourceSyntaxError, UnsupportedError
from structgen.frontends.lark.errors import guess, similar_name
from structgen.frontends.lark.grammar import Place
from structgen.frontends.lark.scan import Index
from structgen.frontends.regex import ast
from structgen.frontends.regex.parser import caret

_NAME = re.compile(r"[A-Za-z0-9-]+")
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"', "[": "[", "]": "]"}
_HEX = {"x": 2, "u": 4, "U": 8}
_COUNTS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_INT = re.compile(r"[0-9]+")

#: Patterns of the line at fault, and what to do.
_GUESSES = (
    (r"[A-Za-z0-9-]_|_[A-Za-z0-9-]", "Names are made of letters, digits and hyphens, without underscores"),
    (r"^\s*[\w-]+\s*(:(?!:=)|=|->)", "A rule is written  name ::= alternatives"),
    (r"'", "Literals stand in double quotes"),
    (r";\s*$", "A rule ends with its line; leave the semicolon out"),
    (r"^\s*\|", "An alternative on a line of its own follows a line that ends in |, or stands in parentheses"),
    (r"/", "There are no regexes; write character classes and repetitions, as in  [a-z]+"),
    (r"%|//", "Comments begin with #, and there are no directives"),
)

#: Repetitions may not ask for more than this.
MAX_COUNT = 100_000
#: Parentheses may not nest deeper.
MAX_DEPTH = 200


@dataclass(frozen=True)
class Reference:
    """Another rule."""

    name: str


@dataclass(frozen=True)
class Sequence:
    """Items one after the other; at least one of them, deep down, is a reference."""

    items: tuple[Tree, ...]


@dataclass(frozen=True)
class Options:
    """One of several trees; at least one holds a reference."""

    branches: tuple[Tree, ...]


@dataclass(frozen=True)
class Times:
    """``lo`` to ``hi`` times a tree that holds a reference."""

    body: Tree
    lo: int
    hi: int | None


#: What holds no reference is the tree of a regular expression.
Tree = ast.Node | Reference | Sequence | Options | Times
REGULAR = (ast.Chars, ast.Seq, ast.Alt, ast.Repeat)


@dataclass(frozen=True)
class GbnfRules:
    """The rules of a grammar, and where they begin."""

    trees: Mapping[str, Tree]
    places: Mapping[str, Place]


def sequence(items: list[Tree]) -> Tree:
    """Items in sequence; neighbours without references become one regular expression."""
    flat: list[Tree] = []
    for item in items:
        for part in item.items if isinstance(item, Sequence) else (item,):
            if flat and isinstance(part, REGULAR) and isinstance(last := flat[-1], REGULAR):
                flat[-1] = ast.seq([last, part])
            elif part != ast.EMPTY:
                flat.append(part)
    if not flat:
        return ast.EMPTY
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def options(branches: list[Tree]) -> Tree:
    """One of the branches; those without references become one regular expression."""
    regular = [b for b in branches if isinstance(b, REGULAR)]
    others = [b for b in branches if not isinstance(b, REGULAR)]
    flat: list[Tree] = [*([ast.alt(regular)] if regular else []), *others]
    return flat[0] if len(flat) == 1 else Options(tuple(flat))


def times(body: Tree, lo: int, hi: int | None) -> Tree:
    """A tree so many times."""
    if isinstance(body, REGULAR):
        return ast.repeat(body, lo, hi)
    if hi == 0:
        return ast.EMPTY
    return body if (lo, hi) == (1, 1) else Times(body, lo, hi)


def read(text: str) -> GbnfRules:
    """The rules of a grammar.

    Raises:
        SourceSyntaxError: the text is malformed, a rule is missing or defined twice, or there is no ``root``.
        UnsupportedError: it names tokens of a vocabulary.
    """
    return _Reader(text).run()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.index = Index(text)
        self.at = 0
        self.depth = 0
        self.trees: dict[str, Tree] = {}
        self.starts: dict[str, int] = {}
        self.uses: dict[str, int] = {}

    def run(self) -> GbnfRules:
        self.space(newlines=True)
        while self.at < len(self.text):
            self.rule()
            self.space(newlines=True)
        if "root" not in self.trees:
            raise SourceSyntaxError(
                "the grammar has no rule 'root', with which texts begin",
                hint="Name the rule of whole texts root:  root ::= ...",
            )
        for name, at in self.uses.items():
            if name not in self.trees:
                hint = similar_name(name, list(self.trees)) or f"Define it:  {name} ::= ..."
                raise self.error(f"the rule {name!r} is used but not defined", at, hint)
        return GbnfRules(self.trees, {name: self.index.place(at) for name, at in self.starts.items()})

    def error(self, message: str, at: int, hint: str | None = None) -> SourceSyntaxError:
        if hint is None:
            begin = self.text.rfind("\n", 0, at) + 1
            hint = guess(self.text[begin:].split("\n", 1)[0], _GUESSES)
        return SourceSyntaxError(message + caret(self.text, at), where=str(self.index.place(at)), hint=hint)

    def peek(self, n: int = 1) -> str:
        return self.text[self.at : self.at + n]

    def take(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def space(self, newlines: bool) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char in " \t" or (newlines and char in "\r\n"):
                self.at += 1
            else:
                return

    def name(self) -> str | None:
        found = _NAME.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def rule(self) -> None:
        start = self.at
        name = self.name()
        if name is None:
            raise self.error("a rule's name is missing here", start)
        self.space(newlines=False)
        if not self.take("::="):
            raise self.error(f"'::=' is missing after the name {name!r}", self.at)
        if name in self.trees:
            first = self.index.place(self.starts[name]).line
            raise self.error(f"the rule {name!r} is defined twice (first in line {first})", start, "Join them with |")
        self.starts[name] = start
        self.space(newlines=True)
        self.trees[name] = self.branches(nested=False)
        if self.at < len(self.text) and self.peek() not in "\r\n":
            raise self.error("this cannot stand here", self.at)

    def branches(self, nested: bool) -> Tree:
        found = [self.items(nested)]
        while self.take("|"):
            self.space(newlines=True)
            found.append(self.items(nested))
        return options(found)

    def items(self, nested: bool) -> Tree:
        found: list[Tree] = []
        while True:
            start = self.at
            item = self.item(nested)
            if item is None:
                return sequence(found)
            self.space(nested)
            while (counts := self.counts(nested)) is not None:
                item = times(item, *counts)
                self.space(nested)
            if start == self.at:
                return sequence(found)
            found.append(item)

    def item(self, nested: bool) -> Tree | None:
        start, char = self.at, self.peek()
        if char == '"':
            self.at += 1
            codes: list[int] = []
            while not self.take('"'):
                codes.append(self.char(start, 'a closing " is missing'))
            return ast.seq(ast.Chars(((code, code),)) for code in codes)
        if char == "[":
            return self.char_class()
        if char == ".":
            self.at += 1
            return ast.ANY
        if char == "(":
            return self.group()
        if char == "<" or self.peek(2) == "!<":
            raise UnsupportedError(
                "a token of the vocabulary in a grammar" + caret(self.text, start),
                where=str(self.index.place(start)),
                hint="Write the token's text in quotes; special tokens have none",
            )
        if char and char in "*+?{":
            raise self.error(f"there is nothing for {char} to repeat", start)
        name = self.name()
        if name is None:
            return None
        self.uses.setdefault(name, start)
        return Reference(name)

    def group(self) -> Tree:
        start = self.at
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"parentheses nest deeper than {MAX_DEPTH}", start, "Give the inner parts rules")
        self.space(newlines=True)
        inner = self.branches(nested=True)
        self.depth -= 1
        if not self.take(")"):
            if self.at >= len(self.text):
                raise self.error("a closing ) is missing", start)
            raise self.error("this cannot stand here", self.at)
        return inner

    def counts(self, nested: bool) -> tuple[int, int | None] | None:
        char = self.peek()
        if char and char in _COUNTS:
            self.at += 1
            return _COUNTS[char]
        start = self.at
        if not self.take("{"):
            return None
        self.space(nested)
        lo = self.number()
        hi: int | None = lo
        self.space(nested)
        if self.take(","):
            self.space(nested)
            hi = None if self.peek() == "}" else self.number()
            self.space(nested)
        if not self.take("}"):
            raise self.error("a closing } is missing", self.at)
        if hi is not None and hi < lo:
            raise self.error(f"the repetition {lo} to {hi} is not possible", start, "Swap the two numbers")
        return lo, hi

    def number(self) -> int:
        found = _INT.match(self.text, self.at)
        if found is None:
            raise self.error("a number is missing here", self.at, "Write {3}, {1,} or {1,3}")
        if len(found.group()) > 9 or int(found.group()) > MAX_COUNT:
            raise self.error(f"a repetition of more than {MAX_COUNT} is too long", self.at, "Use * or +")
        self.at = found.end()
        return int(found.group())

    def char_class(self) -> Tree:
        start = self.at
        self.at += 1
        negated = self.take("^")
        ranges = []
        while not self.take("]"):
            at = self.at
            lo = hi = self.char(start, "a closing ] is missing")
            if self.peek() == "-" and self.peek(2) != "-]":
                self.at += 1
                hi = self.char(start, "a closing ] is missing")
            if hi < lo:
                raise self.error(f"the range {chr(lo)}-{chr(hi)} is empty", at, "Swap its ends")
            ranges.append((lo, hi))
        if not ranges and not negated:
            raise self.error("a class without characters matches nothing", start, "To allow nothing, write \"\"")
        joined = join(tuple(ranges), alphabet=CODE_POINTS)
        return ast.Chars(invert(joined, CODE_POINTS) if negated else joined)

    def char(self, start: int, missing: str) -> int:
        """One character of a literal or class, escapes read."""
        if self.at >= len(self.text) or self.peek() == "\n":
            raise self.error(missing, start)
        at, char = self.at, self.peek()
        self.at += 1
        if char != "\\":
            return ord(char)
        letter = self.peek()
        self.at += 1
        if letter in _HEX:
            digits = self.peek(_HEX[letter])
            if len(digits) < _HEX[letter] or not re.fullmatch("[0-9a-fA-F]+", digits):
                raise self.error(f"\\{letter} takes {_HEX[letter]} hexadecimal digits", at)
            self.at += len(digits)
            code = int(digits, 16)
            if code >= CODE_POINTS or 0xD800 <= code <= 0xDFFF:
                raise self.error(f"\\{letter}{digits} is not a character", at)
            return code
        if not letter or letter not in _ESCAPES:
            known = 'Known are \\t \\n \\r \\\\ \\" \\[ \\] \\x \\u \\U'
            raise self.error(f"the escape \\{letter} is not known", at, known)
        return ord(_ESCAPES[letter])
