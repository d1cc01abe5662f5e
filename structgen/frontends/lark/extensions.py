"""What grammars may say beyond Lark: ``%json {...}`` where a terminal may stand.

Receives the text of a grammar; returns text for Lark's loader, in which each such place is a declared terminal, and the
constraints by the names of these. Lines and columns stay what they were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from structgen.errors import ConstraintError
from structgen.frontends.lark.errors import syntax_error
from structgen.frontends.lark.grammar import Place
from structgen.frontends.lark.scan import Index, tokens
from structgen.source import Constraint, JsonSchema


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
    index = Index(text)
    parts: list[str] = []
    done = 0
    while (at := _next(text, done)) is not None:
        begin = at + len("%json")
        begin += len(text[begin:]) - len(text[begin:].lstrip())
        try:
            schema, end = json.JSONDecoder().raw_decode(text, begin)
        except json.JSONDecodeError as error:
            raise syntax_error(
                f"%json is not followed by JSON: {error.msg}", index, min(error.pos, len(text)), "Write  %json {...}"
            ) from None
        name = _fresh(text, len(found))
        found[name] = Embedded(JsonSchema(schema), index.place(at))
        parts += [text[done:at], _padded(name, text[at:end])]
        done = end
    if not found:
        return text, {}
    # at the end, so that no line moves
    return "".join([*parts, text[done:], "\n%declare ", " ".join(found), "\n"]), found


def _next(text: str, done: int) -> int | None:
    """Offset of the next extension, strings, patterns and comments passed over."""
    directives = (t.at + done for t in tokens(text[done:]) if t.kind == "directive" and t.text == "%json")
    return next(directives, None)


def _fresh(text: str, number: int) -> str:
    while (name := f"_JSON{number}") in text:
        number += 1000
    return name


def _padded(name: str, replaced: str) -> str:
    """The name on as many lines (continued by backslashes) as what it stands for, and ending in the same column."""
    lines = replaced.split("\n")
    if len(lines) == 1:
        return name.ljust(len(replaced))
    return name + " \\\n" * (len(lines) - 1) + " " * len(lines[-1])
