"""The syntax tree of a regular expression, free of dialect and flags.

Receives nothing; the parsers return these nodes. Dialects, flags, classes, anchors and word boundaries are
resolved when a pattern is parsed: what is left is sets of code points, sequences, alternatives, repetitions,
lookarounds and the two ends of the text. Groups leave no trace: only the language matters. The functions
``seq``, ``alt`` and ``repeat`` build nodes in a normal form, so that parse(unparse(x)) == x.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from structgen.automata.symbols import CODE_POINTS, Ranges, every_symbol, invert, join

_T = TypeVar("_T")


def _hashed_once(cls: type[_T]) -> type[_T]:
    """Have a node keep its hash: parts of large trees are looked up by their content again and again."""
    full = cls.__hash__

    def kept(self: Any) -> int:
        found: int | None = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = full(self)
        return found

    cls.__hash__ = kept  # type: ignore[method-assign]
    return cls


@_hashed_once
@dataclass(frozen=True)
class Chars:
    """One code point out of a set. The empty set matches nothing."""

    ranges: Ranges


@_hashed_once
@dataclass(frozen=True)
class Seq:
    """The items one after the other; no items: the empty word. Never holds a Seq, never exactly one item."""

    items: tuple[Node, ...]


@_hashed_once
@dataclass(frozen=True)
class Alt:
    """Any of two or more branches. Never holds an Alt; at most one branch is a Chars."""

    branches: tuple[Node, ...]


@_hashed_once
@dataclass(frozen=True)
class Repeat:
    """``lo`` to ``hi`` times the body (None: no upper bound)."""

    body: Node
    lo: int
    hi: int | None


@_hashed_once
@dataclass(frozen=True)
class Look:
    """A lookahead (``ahead``) or lookbehind: here the body must, or if ``negative`` must not, match."""

    body: Node
    ahead: bool
    negative: bool


@dataclass(frozen=True)
class Start:
    """The beginning of the text."""


@dataclass(frozen=True)
class End:
    """The very end of the text."""


@_hashed_once
@dataclass(frozen=True)
class Atomic:
    """A group that is never re-entered once it has matched: its first match in order of preference stands.

    ``longest``: it prefers longer matches (a possessive quantifier). ``position``: where it stands in the pattern.
    """

    body: Node
    longest: bool
    position: int


Node = Chars | Seq | Alt | Repeat | Look | Start | End | Atomic

EMPTY = Seq(())
NEVER = Chars(())
ANY = Chars(every_symbol(CODE_POINTS))
ANY_TEXT = Repeat(ANY, 0, None)


def seq(items: Iterable[Node]) -> Node:
    """The items in sequence."""
    flat: list[Node] = []
    for item in items:
        if isinstance(item, Seq):
            flat.extend(item.items)
        else:
            flat.append(item)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def alt(branches: Iterable[Node]) -> Node:
    """Any of the branches; sets are merged, doubles dropped."""
    flat: dict[Node, None] = {}
    chars: list[Ranges] = []
    place: Node | None = None
    for branch in branches:
        for b in branch.branches if isinstance(branch, Alt) else (branch,):
            if isinstance(b, Chars):
                chars.append(b.ranges)
                if place is None:
                    place = b
            flat.setdefault(b)
    if len(chars) > 1:
        merged = Chars(join(*chars, alphabet=CODE_POINTS))
        kept: dict[Node, None] = {}
        for b in flat:
            if b is place:
                kept.setdefault(merged)
            elif not isinstance(b, Chars):
                kept.setdefault(b)
        flat = kept
    options = list(flat)
    return options[0] if len(options) == 1 else Alt(tuple(options))


def repeat(body: Node, lo: int, hi: int | None) -> Node:
    """The body ``lo`` to ``hi`` times; nested repetitions are joined where the counts leave no gap."""
    if hi == 0 or body == EMPTY:
        return EMPTY
    if (lo, hi) == (1, 1):
        return body
    if isinstance(body, (Look, Start, End)):  # once is as good as often
        return EMPTY if lo == 0 else body
    if isinstance(body, Repeat):
        # k times [a, b] for k in lo..hi is one interval from lo * a on if neighbours meet
        a, b = body.lo, body.hi
        first = max(lo, 1) if a > 0 else 0
        gapless = a <= 1 or b is None and lo >= 1 or (b is not None and first * b + 1 >= (first + 1) * a)
        if lo == 0 and a > 1:
            gapless = False
        if lo == hi:
            gapless = True
        if gapless:
            top = None if b is None or hi is None else b * hi
            return repeat(body.body, lo * a, top)
    return Repeat(body, lo, hi)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    if isinstance(node, Seq):
        return node.items
    if isinstance(node, Alt):
        return node.branches
    if isinstance(node, (Repeat, Look, Atomic)):
        return (node.body,)
    return ()


def has_assertions(node: Node) -> bool:
    """Is there a lookaround, an end of text or an atomic group in it?"""
    if isinstance(node, (Look, Start, End, Atomic)):
        return True
    return any(map(has_assertions, children(node)))


def nullable(node: Node) -> bool:
    """May a node without assertions match the empty word?"""
    if isinstance(node, Seq):
        return all(map(nullable, node.items))
    if isinstance(node, Alt):
        return any(map(nullable, node.branches))
    if isinstance(node, Repeat):
        return node.lo == 0 or nullable(node.body)
    return False


def width(node: Node) -> tuple[int, int | None]:
    """The least and greatest number of code points a node can match (None: no bound)."""
    if isinstance(node, Chars):
        return 1, 1
    if isinstance(node, Seq):
        sizes = [width(item) for item in node.items]
        high = [hi for _, hi in sizes if hi is not None]
        return sum(lo for lo, _ in sizes), sum(high) if len(high) == len(sizes) else None
    if isinstance(node, Alt):
        sizes = [width(b) for b in node.branches]
        high = [hi for _, hi in sizes if hi is not None]
        return min(lo for lo, _ in sizes), max(high) if len(high) == len(sizes) else None
    if isinstance(node, Repeat):
        lo, hi = width(node.body)
        top = None if hi is None or (node.hi is None and hi > 0) else hi * (node.hi or 0)
        return lo * node.lo, top
    if isinstance(node, Atomic):
        return width(node.body)
    return 0, 0


# ---- printing ----------------------------------------------------------------------------------------------


def unparse(node: Node, dialect: str) -> str:
    """A pattern of the dialect (``"python"`` or ``"ecma"``, without flags) that parses to this node."""
    if isinstance(node, Chars):
        return _unparse_set(node.ranges, dialect)
    if isinstance(node, Seq):
        parts = [unparse(item, dialect) for item in node.items]
        wrapped = [
            f"(?:{part})" if isinstance(item, Alt) else part for item, part in zip(node.items, parts, strict=True)
        ]
        return "".join(wrapped) if wrapped else "(?:)"
    if isinstance(node, Alt):
        return "|".join(unparse(b, dialect) for b in node.branches)
    if isinstance(node, Repeat):
        body = unparse(node.body, dialect)
        if not isinstance(node.body, Chars):
            body = f"(?:{body})"
        high = "" if node.hi is None else node.hi
        return f"{body}{{{node.lo},{high}}}"
    if isinstance(node, Look):
        sign = ("" if node.ahead else "<") + ("!" if node.negative else "=")
        return f"(?{sign}{unparse(node.body, dialect)})"
    if isinstance(node, Start):
        return r"\A" if dialect == "python" else "^"
    if isinstance(node, End):
        return r"\Z" if dialect == "python" else "$"
    return f"(?>{unparse(node.body, dialect)})"


def _unparse_set(ranges: Ranges, dialect: str) -> str:
    if not ranges:
        return r"[^\x00-\U0010ffff]" if dialect == "python" else "[]"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _unparse_char(ranges[0][0], dialect)
    gaps = invert(ranges, CODE_POINTS)
    sign, shown = ("^", gaps) if gaps and len(gaps) < len(ranges) else ("", ranges)
    if not gaps:
        return r"[\s\S]"
    text = "".join(
        _unparse_char(lo, dialect) + (f"-{_unparse_char(hi, dialect)}" if hi > lo else "") for lo, hi in shown
    )
    return f"[{sign}{text}]"


def _unparse_char(code: int, dialect: str) -> str:
    char = chr(code)
    if char.isascii() and char.isalnum():
        return char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    if dialect == "ecma":
        return f"\\u{{{code:x}}}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
