"""GBNF to a Lark grammar.

Receives the text of a GBNF grammar; returns Lark's text for it, and notes on what could not stay as it was. GBNF has
no lexer, so the result means the same only without one: ``lexer="dynamic_complete"``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from structgen.automata.symbols import CODE_POINTS, Ranges, invert
from structgen.frontends.lark.gbnf import Options, Reference, Sequence, Times, Tree, read
from structgen.frontends.regex import ast

_PLAIN = re.compile(r"[ !#-\[\]-~]")  # printable ASCII but quotes and the backslash
_CONTROL = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"}


class Converted(NamedTuple):
    """``text``: the Lark grammar; ``start``: its start rule; ``notes``: what had no exact counterpart, by rule."""

    text: str
    start: str
    notes: tuple[str, ...]


def gbnf_to_lark(text: str) -> Converted:
    """A Lark grammar with the same texts, to be read with ``lexer="dynamic_complete"``.

    Raises:
        SourceSyntaxError, UnsupportedError: as for :class:`structgen.Gbnf`.
    """
    rules = read(text)
    names = _names(list(rules.trees))
    notes = [f"rule {old} is called {new}" for old, new in names.items() if old != new]
    lines = []
    for name, tree in rules.trees.items():
        branches = tree.branches if isinstance(tree, (Options, ast.Alt)) else (tree,)
        shown = "\n    | ".join(_Printer(names).branch(branch) for branch in branches)
        lines.append(f"{names[name]}: {shown}".rstrip())
    return Converted("\n".join(lines) + "\n", names["root"], tuple(notes))


def _names(old: list[str]) -> dict[str, str]:
    """Names that Lark takes for rules, all different."""
    result: dict[str, str] = {}
    taken: set[str] = set()
    for name in old:
        wanted = re.sub(r"[^a-z0-9]", "_", name.lower())
        wanted = wanted if wanted[0].isalpha() else f"r{wanted}"
        new, n = wanted, 2
        while new in taken or (new != name and new in old):
            new, n = f"{wanted}_{n}", n + 1
        taken.add(new)
        result[name] = new
    return result


class _Printer:
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def branch(self, tree: Tree) -> str:
        """One alternative."""
        items = tree.items if isinstance(tree, (Sequence, ast.Seq)) else (tree,)
        parts: list[str] = []
        word = ""
        for item in items:
            if isinstance(item, ast.Chars) and _single(item.ranges) is not None:
                word += chr(item.ranges[0][0])
                continue
            if word:
                parts.append(_literal(word))
                word = ""
            parts.append(self.item(item))
        if word:
            parts.append(_literal(word))
        return " ".join(part for part in parts if part)

    def item(self, tree: Tree) -> str:
        if isinstance(tree, Reference):
            return self.names[tree.name]
        if isinstance(tree, ast.Chars):
            return _class(tree.ranges) if _single(tree.ranges) is None else _literal(chr(tree.ranges[0][0]))
        if isinstance(tree, (Options, ast.Alt)):
            return f"({' | '.join(map(self.branch, tree.branches))})"
        if isinstance(tree, (Times, ast.Repeat)):
            body = self.item(tree.body)
            if isinstance(tree.body, (Sequence, ast.Seq, Times, ast.Repeat)):
                body = f"({self.branch(tree.body)})"
            return _repeated(body, tree.lo, tree.hi)
        inner = self.branch(tree)
        return f"({inner})" if inner else ""


def _repeated(body: str, lo: int, hi: int | None) -> str:
    short = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((lo, hi))
    if short is not None:
        return body + short
    if hi is None:
        return f"{body}~{lo} {body}*"
    return f"{body}~{lo}" if lo == hi else f"{body}~{lo}..{hi}"


def _single(ranges: Ranges) -> int | None:
    return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None


def _literal(word: str) -> str:
    return '"' + "".join(_escaped(char, '"\\') for char in word) + '"'


def _class(ranges: Ranges) -> str:
    gaps = invert(ranges, CODE_POINTS)
    if not gaps:
        return r"/[\s\S]/"
    if not ranges:
        return r"/[^\s\S]/"
    sign, shown = ("^", gaps) if len(gaps) < len(ranges) else ("", ranges)
    special = "\\/[]^-\"'&|~"
    parts = (_escaped(chr(lo), special) + (f"-{_escaped(chr(hi), special)}" if hi > lo else "") for lo, hi in shown)
    return f"/[{sign}{''.join(parts)}]/"


def _escaped(char: str, special: str) -> str:
    """A character as it stands in a literal or class of Lark."""
    if char in special:
        return "\\" + char
    if char in _CONTROL:
        return _CONTROL[char]
    if _PLAIN.fullmatch(char) or char in "\"'":
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
