"""The tokens of a grammar's text, with their places: what is needed to say where something stands.

Lark's loader reads the grammar; this only finds names. Receives the text; returns tokens, and the places of
definitions and uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from structgen.frontends.lark.grammar import Place

_TOKEN = re.compile(
    r"""(?P<space>[ \t\f\r\\]+)
    | (?P<newline>\n)
    | (?P<comment>//[^\n]*|\#[^\n]*)
    | (?P<string>"(?:\\"|\\\\|[^"\n])*?"i?)
    | (?P<regexp>/(?!/)(?:\\/|\\\\|[^/])*?/[imslux]*)
    | (?P<directive>%[a-z]+)
    | (?P<rule>_?[a-z][_a-z0-9]*)
    | (?P<terminal>_?[A-Z][_A-Z0-9]*)
    | (?P<number>[+-]?\d+)
    | (?P<special><(?![-=])[^<>\s"':]+>(?!\s*:))
    | (?P<sign>->|\.\.|.)""",
    re.VERBOSE,
)


class GrammarToken(NamedTuple):
    """``kind``: space, comment and newline are left out; see ``_TOKEN`` for the others."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> Iterator[GrammarToken]:
    """The tokens of a grammar's text. Never fails: what Lark would not take comes as signs."""
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind not in ("space", "comment", "newline"):
            yield GrammarToken(kind, found.group(), found.start())


class Index:
    """Places in one grammar's text.

    Attributes:
        moved: where lines stem from that Lark's loader sees behind the last line of the text.
    """

    def __init__(self, text: str, file: str | None = None) -> None:
        self.text = text
        self.file = file
        self.moved: dict[int, Place] = {}

    def place(self, at: int) -> Place:
        """The place of an offset."""
        return Place(self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at), self.file)

    def offset(self, line: int, column: int) -> int:
        """The offset of a place."""
        at = 0
        for _ in range(line - 1):
            at = self.text.find("\n", at) + 1
            if at == 0:
                return len(self.text)
        return min(at + column - 1, len(self.text))

    @cached_property
    def tokens(self) -> list[GrammarToken]:
        return list(tokens(self.text))

    @cached_property
    def definitions(self) -> dict[str, list[int]]:
        """Offsets of the definitions of each name: what stands before a colon; imported and declared names."""
        result: dict[str, list[int]] = {}
        for i, token in enumerate(self.tokens):
            if token.text == ":" and token.kind == "sign":
                name = self._before_colon(i)
                if name is not None:
                    result.setdefault(name.text, []).append(name.at)
            elif token.kind == "directive" and token.text in ("%import", "%declare"):
                for name in self._brought_in(i):
                    result.setdefault(name.text, []).append(name.at)
        return result

    @cached_property
    def parameters(self) -> set[str]:
        """Names of parameters of templates."""
        found: set[str] = set()
        for i, token in enumerate(self.tokens):
            name = self._before_colon(i) if token.text == ":" and token.kind == "sign" else None
            if name is not None:
                j = self.tokens.index(name) + 1
                if self.tokens[j].text == "{":
                    found.update(t.text for t in self.tokens[j:i] if t.kind == "rule")
        return found

    def uses(self, name: str) -> list[int]:
        """Offsets of a name outside its definitions."""
        defined = set(self.definitions.get(name, ()))
        named = (t.at for t in self.tokens if t.text == name and t.kind in ("rule", "terminal"))
        return [at for at in named if at not in defined]

    def literal(self, raw: str) -> int | None:
        """Offset of the first literal written like this."""
        return next((t.at for t in self.tokens if t.text == raw and t.kind in ("string", "regexp")), None)

    def defining(self, at: int) -> str | None:
        """The name whose definition is the last to begin before an offset."""
        best, found = -1, None
        for name, offsets in self.definitions.items():
            for offset in offsets:
                if best < offset <= at:
                    best, found = offset, name
        return found

    def _before_colon(self, i: int) -> GrammarToken | None:
        """The name defined by the colon that is token ``i``, over ``.priority`` and ``{parameters}``."""
        j = i - 1
        if j >= 1 and self.tokens[j].kind == "number":
            j -= 2
        if j >= 0 and self.tokens[j].text == "}":
            while j >= 0 and self.tokens[j].text != "{":
                j -= 1
            j -= 1
        name = self.tokens[j] if j >= 0 else None
        return name if name is not None and name.kind in ("rule", "terminal") else None

    def _brought_in(self, i: int) -> list[GrammarToken]:
        """The names that an import or declare statement at token ``i`` brings in."""
        line_end = self.text.find("\n", self.tokens[i].at)
        line_end = len(self.text) if line_end < 0 else line_end
        names = [t for t in self.tokens[i + 1 :] if t.at < line_end]
        if self.tokens[i].text == "%declare":
            return [t for t in names if t.kind in ("rule", "terminal")]
        signs = [t.text for t in names]
        if "(" in signs:
            start = i + 1 + signs.index("(")
            listed = []
            for token in self.tokens[start + 1 :]:
                if token.text == ")":
                    break
                listed.append(token)
            return [t for t in listed if t.kind in ("rule", "terminal")]
        return [t for t in names[-1:] if t.kind in ("rule", "terminal")]
