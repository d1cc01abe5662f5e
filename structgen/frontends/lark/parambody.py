"""The bodies of rules with numbers as trees: alternatives with conditions, calls with arguments, repetitions.

Receives the tokens of a body; returns its alternatives. Whatever else stands there is kept as it is, for Lark's loader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from structgen.frontends.lark.arithmetic import Expression
from structgen.frontends.lark.errors import syntax_error
from structgen.frontends.lark.scan import GrammarToken, Index

_CLOSING = {"(": ")", "[": "]", "{": "}"}


class Body(NamedTuple):
    """The tokens of a definition behind its colon, and the offset of its end."""

    tokens: list[GrammarToken]
    end: int


@dataclass(kw_only=True)
class _Item:
    """What may be repeated: ``operator`` as written; or ``repeat``, bounds that are expressions."""

    operator: str = ""
    repeat: tuple[Expression, Expression] | None = None

    @property
    def may_be_left_out(self) -> bool:
        """Does its operator allow that it does not come?"""
        return self.operator in ("?", "*")

    def times(self, numbers: Mapping[str, int]) -> tuple[int, int]:
        """How often it comes, with these numbers."""
        assert self.repeat is not None
        return self.repeat[0].value(numbers), self.repeat[1].value(numbers)


@dataclass
class Word(_Item):
    """Something that has no numbers."""

    text: str


@dataclass
class Call(_Item):
    """A call of a rule with numbers, from one offset to another."""

    name: str
    arguments: tuple[Expression, ...]
    at: int
    end: int


@dataclass
class Group(_Item):
    """Alternatives in parentheses or brackets."""

    opening: str
    options: list[Alternative]
    closing: str

    @property
    def may_be_left_out(self) -> bool:
        return self.opening == "[" or super().may_be_left_out


class Alternative(NamedTuple):
    """Items one after the other, and the condition behind them."""

    items: list[Word | Call | Group]
    condition: Expression | None


@dataclass(frozen=True)
class Bodies:
    """What is known to all bodies of a grammar: the names of each rule's numbers, and the text."""

    numbers: Mapping[str, tuple[str, ...]]
    index: Index

    def calls(self, plain: list[GrammarToken]) -> Iterator[Call]:
        """The calls in rules that have no numbers themselves."""
        for i, token in enumerate(plain):
            if token.kind == "rule" and token.text in self.numbers:
                call, _ = self.call(plain, i, ())
                yield call

    def call(self, found: list[GrammarToken], i: int, names: tuple[str, ...]) -> tuple[Call, int]:
        """The call at token ``i``, and the number of the token behind it."""
        token = found[i]
        expected = self.numbers[token.text]
        hint = f"Write  {token.text}{{{', '.join(expected)}}}"
        if i + 1 >= len(found) or found[i + 1].text != "{":
            raise syntax_error(f"the rule {token.text!r} is called without its numbers", self.index, token.at, hint)
        close = _matching(found, i + 1, self.index)
        parts = _split(found[i + 2 : close])
        if len(parts) != len(expected) or not all(parts):
            message = f"the rule {token.text!r} has {len(expected)} numbers, not {len(parts) if parts[0] else 0}"
            raise syntax_error(message, self.index, token.at, hint)
        arguments = tuple(Expression(_joined(part), part[0].at, self.index, names) for part in parts)
        return Call(token.text, arguments, token.at, found[close].at + 1), close + 1


def alternatives(body: Body, bodies: Bodies, names: tuple[str, ...]) -> list[Alternative]:
    """The alternatives of a body.

    Args:
        names: the numbers that the body may use.

    Raises:
        SourceSyntaxError: brackets do not match, or what stands in them is malformed.
    """
    found = body.tokens
    result, begin, i = [], 0, 0
    while i <= len(found):
        if i == len(found) or found[i].text == "|":
            result.append(_alternative(found[begin:i], bodies, names))
            begin = i + 1
        elif found[i].kind == "sign" and found[i].text in _CLOSING:
            i = _matching(found, i, bodies.index)
        i += 1
    return result


def _alternative(found: list[GrammarToken], bodies: Bodies, names: tuple[str, ...]) -> Alternative:
    condition = None
    for i, token in enumerate(found):
        if token.kind == "directive" and token.text == "%if" and _outermost(found, i):
            rest = found[i + 1 :]
            if not rest:
                raise syntax_error("%if is followed by no condition", bodies.index, token.at, "Write  %if n < 3")
            condition = Expression(_joined(rest), rest[0].at, bodies.index, names)
            found = found[:i]
            break
    items: list[Word | Call | Group] = []
    i = 0
    while i < len(found):
        token = found[i]
        item: Word | Call | Group
        if token.kind == "sign" and token.text in "([":
            close = _matching(found, i, bodies.index)
            inner = Body(found[i + 1 : close], found[close].at)
            item = Group(token.text, alternatives(inner, bodies, names), found[close].text)
            i = close + 1
        elif token.kind == "rule" and token.text in bodies.numbers:
            item, i = bodies.call(found, i, names)
        else:
            item, i = Word(token.text), i + 1
        i = _operator(item, found, i, bodies, names)
        items.append(item)
    return Alternative(items, condition)


def _operator(item: _Item, found: list[GrammarToken], i: int, bodies: Bodies, names: tuple[str, ...]) -> int:
    """Take the operator at token ``i`` into the item before it; returns the number of the token behind it."""
    if i >= len(found) or found[i].kind != "sign":
        return i
    if found[i].text in ("?", "*", "+"):
        item.operator = found[i].text
        return i + 1
    behind = [token.text for token in found[i + 1 : i + 4]]
    bounded = behind[:1] + (behind[2:] if behind[1:2] == [".."] else [])
    if found[i].text != "~" or not any(bound in names for bound in bounded):
        return i
    bounds = [found[i + 1]]
    i += 2
    if i + 1 < len(found) and found[i].text == "..":
        bounds.append(found[i + 1])
        i += 2
    least, *most = (Expression(bound.text, bound.at, bodies.index, names) for bound in bounds)
    item.repeat = (least, most[0] if most else least)
    return i


def _matching(found: list[GrammarToken], i: int, index: Index) -> int:
    """The number of the token that closes the bracket at token ``i``."""
    expected = [_CLOSING[found[i].text]]
    for j in range(i + 1, len(found)):
        token = found[j]
        if token.kind != "sign":
            continue
        if token.text in _CLOSING:
            expected.append(_CLOSING[token.text])
        elif token.text in _CLOSING.values():
            if token.text != expected.pop():
                break
            if not expected:
                return j
    raise syntax_error(f"the {found[i].text} is not closed", index, found[i].at)


def _outermost(found: list[GrammarToken], i: int) -> bool:
    """Does token ``i`` stand outside of all brackets?"""
    signs = [t.text for t in found[:i] if t.kind == "sign"]
    return sum(s in _CLOSING for s in signs) == sum(s in _CLOSING.values() for s in signs)


def _split(found: list[GrammarToken]) -> list[list[GrammarToken]]:
    """The tokens between commas that stand outside of brackets."""
    parts: list[list[GrammarToken]] = [[]]
    for i, token in enumerate(found):
        if token.text == "," and _outermost(found, i):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _joined(found: list[GrammarToken]) -> str:
    """The text of tokens, comments left out: those that touched each other still do."""
    text, end = "", found[0].at
    for token in found:
        text += (" " if token.at > end else "") + token.text
        end = token.at + len(token.text)
    return text
