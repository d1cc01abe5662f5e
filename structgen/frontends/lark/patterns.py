"""Terminals as programs whose threads are ordered by preference, as Python's ``re`` tries them.

Receives the pattern of a terminal; returns a :class:`Program`. Which match ``re.match`` returns depends on the
order of alternatives and on greedy and lazy marks, which the trees of the regex front end do not keep; so its parser
is run here with nodes that do. The instructions are those of Pike's machine (Cox, "Regular Expression Matching: the
Virtual Machine Approach", 2009), with lookarounds added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from structgen.automata import Dfa
from structgen.automata.symbols import Ranges
from structgen.errors import LimitError, UnsupportedError
from structgen.frontends.regex import ast
from structgen.frontends.regex.compile import compile_node, plain
from structgen.frontends.regex.python import PythonParser

#: Instructions of one program.
MAX_INSTRUCTIONS = 50_000


@dataclass(frozen=True)
class Ordered:
    """Alternatives, the preferred one first."""

    branches: tuple[Any, ...]


@dataclass(frozen=True)
class Loop:
    """``lo`` to ``hi`` times the body; as often as possible if ``greedy``."""

    body: Any
    lo: int
    hi: int | None
    greedy: bool


class _Parser(PythonParser):
    """Python's syntax, preferences kept."""

    def branches(self) -> ast.Node:
        self.depth += 1
        found = [self.sequence()]
        while self.take("|"):
            found.append(self.sequence())
        self.depth -= 1
        return found[0] if len(found) == 1 else cast(ast.Node, Ordered(tuple(found)))

    def quantified(self, item: ast.Node, lo: int, hi: int | None, start: int) -> ast.Node:
        if self.take("+"):
            return ast.Atomic(item, True, start)
        return cast(ast.Node, Loop(item, lo, hi, greedy=not self.take("?")))


class Char(NamedTuple):
    """Read one symbol of a set."""

    ranges: Ranges
    next: int


class Split(NamedTuple):
    """Go on at several places, the preferred one first."""

    targets: tuple[int, ...]


class Check(NamedTuple):
    """Go on if a lookaround holds. ``look`` is its number in the program."""

    look: int
    next: int


class Match(NamedTuple):
    """The end."""


Instruction = Char | Split | Check | Match


class Assertion(NamedTuple):
    """A lookaround: does the body match ahead of here, or behind?

    Attributes:
        body: behind: the texts up to here; ahead: what must come next, or if ``whole`` all that comes, to the end.
        width: how far it looks behind.
    """

    body: Dfa
    ahead: bool
    negative: bool
    width: int
    whole: bool = False


class Program(NamedTuple):
    """A terminal's pattern.

    Attributes:
        code: the instructions; the first is where it starts.
        looks: the lookarounds.
        words: what may match, lookarounds left out: a language that holds all matches.
    """

    code: list[Instruction]
    looks: list[Assertion]
    words: Dfa


def program(pattern: str, flags: int, where: str | None, max_states: int) -> Program:
    """The program of a pattern of Python's ``re``.

    Raises:
        SourceSyntaxError, UnsupportedError, LimitError: as for regular expressions everywhere; also for
            lookarounds that look out of the lookaround they are in, and for atomic groups.
    """
    tree = _Parser(pattern, flags, where).parse()
    builder = _Builder(where, max_states)
    code = builder.run(tree)
    return Program(code, builder.looks, plain(to_plain(tree), max_states))


def literal_program(text: str) -> Program:
    """The program of exactly one text."""
    chars = [ast.Chars(((ord(c), ord(c)),)) for c in text]
    code: list[Instruction] = [Char(node.ranges, i + 1) for i, node in enumerate(chars)]
    return Program([*code, Match()], [], plain(ast.seq(chars), len(text) + 2))


def to_plain(node: Any) -> ast.Node:
    """The tree without preferences and lookarounds, as the regex front end has it."""
    if isinstance(node, Ordered):
        return ast.alt(map(to_plain, node.branches))
    if isinstance(node, Loop):
        return ast.repeat(to_plain(node.body), node.lo, node.hi)
    if isinstance(node, ast.Seq):
        return ast.seq(map(to_plain, node.items))
    if isinstance(node, ast.Alt):
        return ast.alt(map(to_plain, node.branches))
    if isinstance(node, (ast.Look, ast.Start, ast.End)):
        return ast.EMPTY
    return cast(ast.Node, node)


def _has_looks(node: Any) -> bool:
    if isinstance(node, (ast.Look, ast.Start, ast.End)):
        return True
    if isinstance(node, Ordered):
        return any(map(_has_looks, node.branches))
    if isinstance(node, Loop):
        return _has_looks(node.body)
    return any(map(_has_looks, ast.children(node)))


def _to_tree(node: Any) -> ast.Node:
    """The tree without preferences, lookarounds kept."""
    if isinstance(node, Ordered):
        return ast.alt(map(_to_tree, node.branches))
    if isinstance(node, Loop):
        return ast.repeat(_to_tree(node.body), node.lo, node.hi)
    if isinstance(node, ast.Seq):
        return ast.seq(map(_to_tree, node.items))
    if isinstance(node, ast.Alt):
        return ast.alt(map(_to_tree, node.branches))
    if isinstance(node, ast.Look):
        return ast.Look(_to_tree(node.body), node.ahead, node.negative)
    return cast(ast.Node, node)


def _sees_itself(node: Any, read: int = 0) -> bool:
    """Does no lookbehind in it look behind its beginning, ``read`` symbols having been read at least?"""
    if isinstance(node, ast.Look):
        if not node.ahead and (ast.width(to_plain(node.body))[1] or 0) > read:
            return False
        return not _has_looks(node.body)
    if isinstance(node, ast.Start):
        return False
    if isinstance(node, ast.Seq):
        for item in node.items:
            if not _sees_itself(item, read):
                return False
            read += ast.width(to_plain(item))[0]
        return True
    if isinstance(node, Loop):
        return _sees_itself(node.body, read)
    branches = node.branches if isinstance(node, Ordered) else ast.children(node)
    return all(_sees_itself(branch, read) for branch in branches)


class _Builder:
    def __init__(self, where: str | None, max_states: int) -> None:
        self.where = where
        self.max_states = max_states
        self.code: list[Instruction] = []
        self.looks: list[Assertion] = []

    def run(self, tree: Any) -> list[Instruction]:
        """The code, from the end backwards: each part knows where to go on; then turned round."""
        start = self.add(tree, self._emit(Match()))
        last = len(self.code) - 1
        if start != last:  # the first instruction is where to begin
            start = self._emit(Split((start,)))
            last = start
        turned: list[Instruction] = []
        for instruction in reversed(self.code):
            if isinstance(instruction, Split):
                turned.append(Split(tuple(last - t for t in instruction.targets)))
            elif isinstance(instruction, Match):
                turned.append(instruction)
            else:
                turned.append(instruction._replace(next=last - instruction.next))
        return turned

    def _emit(self, instruction: Instruction) -> int:
        if len(self.code) >= MAX_INSTRUCTIONS:
            raise LimitError(
                f"this terminal's pattern takes more than {MAX_INSTRUCTIONS} steps to write out",
                where=self.where,
                hint="Use smaller counts in its repetitions",
            )
        self.code.append(instruction)
        return len(self.code) - 1

    def add(self, node: Any, after: int) -> int:
        """Code for a node that goes on at ``after``; returns where it starts."""
        if isinstance(node, ast.Chars):
            return self._emit(Char(node.ranges, after))
        if isinstance(node, ast.Seq):
            for item in reversed(node.items):
                after = self.add(item, after)
            return after
        if isinstance(node, (Ordered, ast.Alt)):
            return self._emit(Split(tuple(self.add(b, after) for b in node.branches)))
        if isinstance(node, Loop):
            return self._loop(node, after)
        if isinstance(node, ast.Look):
            return self._emit(Check(self._look(node), after))
        if isinstance(node, ast.Start):
            return self._emit(Check(self._look(ast.Look(ast.ANY, ahead=False, negative=True)), after))
        if isinstance(node, ast.End):
            return self._emit(Check(self._look(ast.Look(ast.ANY, ahead=True, negative=True)), after))
        raise UnsupportedError(
            "an atomic group or possessive quantifier in a terminal",
            where=self.where,
            hint="Use the plain group or quantifier if that is what you mean",
        )

    def _loop(self, node: Loop, after: int) -> int:
        def way(body: int, out: int) -> Split:
            return Split((body, out) if node.greedy else (out, body))

        if node.hi is None:
            loop = self._emit(Split(()))
            self.code[loop] = way(self.add(node.body, loop), after)
            start = loop
        else:
            start = after
            for _ in range(node.hi - node.lo):
                start = self._emit(way(self.add(node.body, start), after))
        for _ in range(node.lo):
            start = self.add(node.body, start)
        return start

    def _look(self, node: ast.Look) -> int:
        if _has_looks(node.body):
            if not node.ahead or not _sees_itself(node.body):
                raise UnsupportedError(
                    "a lookaround inside a lookbehind, or that looks behind the beginning of a lookahead",
                    where=self.where,
                    hint='Write the pattern without it, or use lexer="dynamic_complete"',
                )
            rest = compile_node(ast.seq([_to_tree(node.body), ast.ANY_TEXT]), self.max_states)
            self.looks.append(Assertion(rest, True, node.negative, 0, whole=True))
            return len(self.looks) - 1
        body = to_plain(node.body)
        width = 0 if node.ahead else ast.width(body)[1] or 0
        language = plain(body if node.ahead else ast.seq([ast.ANY_TEXT, body]), self.max_states)
        self.looks.append(Assertion(language, node.ahead, node.negative, width))
        return len(self.looks) - 1
