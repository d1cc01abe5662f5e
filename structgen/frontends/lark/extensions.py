"""What grammars may say beyond Lark, where a terminal may stand: ``%json {...}``, and ``<|name|>`` for special tokens.

Receives the text of a grammar; returns text for Lark's loader, in which each such place is a declared terminal, and the
constraints by the names of these. Lines and columns stay what they were.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from structgen.errors import ConstraintError
from structgen.frontends.lark.errors import syntax_error
from structgen.frontends.lark.grammar import Place
from structgen.frontends.lark.scan import GrammarToken, Index, tokens
from structgen.source import Constraint, JsonSchema, Special


class Embedded(NamedTuple):
    """A constraint inside a grammar's text."""

    constraint: Constraint
    place: Place

    def error(self, error: ConstraintError) -> ConstraintError:
        """An error of the constraint, with its place in the grammar."""
        where = str(self.place) if error.where is None else f"{self.place}, {error.where}"
        return type(error)(error.message, where=where, hint=error.hint)


def take_out(text: str) -> tuple[str, Mapping[str, Embedded]]:
    """The text without extensions, and what they were.

    Raises:
        SourceSyntaxError: what follows ``%json`` is not JSON.
    """
    found: dict[str, Embedded] = {}
    special: dict[str, str] = {}
    index = Index(text)
    parts: list[str] = []
    done = 0
    while (token := _next(text, done)) is not None:
        at = token.at
        if token.kind == "special":
            end = at + len(token.text)
            if token.text not in special:
                special[token.text] = name = _fresh(text, "_S", found)
                found[name] = Embedded(Special(token.text), index.place(at))
            name = special[token.text]
        else:
            schema, end = _schema(text, at, index)
            name = _fresh(text, "_JSON", found)
            found[name] = Embedded(JsonSchema(schema), index.place(at))
        around = [" " if text[i : i + 1].isalnum() else "" for i in (max(0, at - 1), end)]
        parts += [text[done:at], around[0], _padded(name, text[at:end]), around[1]]
        done = end
    if not found:
        return text, {}
    # at the end, so that no line moves
    return "".join([*parts, text[done:], "\n%declare ", " ".join(found), "\n"]), found


def _next(text: str, done: int) -> GrammarToken | None:
    """The next extension, strings, patterns and comments passed over."""
    for token in tokens(text[done:]):
        if token.kind == "special" or (token.kind == "directive" and token.text == "%json"):
            return token._replace(at=token.at + done)
    return None


def _schema(text: str, at: int, index: Index) -> tuple[object, int]:
    """The JSON behind a ``%json``, and the offset of its end."""
    begin = at + len("%json")
    begin += len(text[begin:]) - len(text[begin:].lstrip())
    try:
        return json.JSONDecoder().raw_decode(text, begin)
    except json.JSONDecodeError as error:
        at = min(error.pos, len(text))
        raise syntax_error(f"%json is not followed by JSON: {error.msg}", index, at, "Write  %json {...}") from None


def _fresh(text: str, prefix: str, found: Mapping[str, Embedded]) -> str:
    """A name of a terminal that the text does not have, as short as may be."""
    return next(name for end in _ends() if (name := prefix + end) not in found and name not in text)


def _ends() -> Iterator[str]:
    yield from string.digits + string.ascii_uppercase
    number = 10
    while True:
        yield str(number)
        number += 1


def _padded(name: str, replaced: str) -> str:
    """The name on as many lines (continued by backslashes) as what it stands for, and ending in the same column."""
    lines = replaced.split("\n")
    if len(lines) == 1:
        return name.ljust(len(replaced))
    return name + " \\\n" * (len(lines) - 1) + " " * len(lines[-1])
