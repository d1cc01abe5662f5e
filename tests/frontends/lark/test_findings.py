"""What is probably a mistake, though it is a grammar."""

from __future__ import annotations

import pytest

import structgen as sg
from structgen.frontends.lark import findings


def found(text: str, lexer: str = "contextual") -> list[tuple[str, str, str | None]]:
    return [(f.kind, f.name, f.where) for f in findings(sg.Lark(text, lexer=lexer))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("grammar", "expected"),
    [
        ('start: a B\na: "x"\nB: C\nC: "y"\n%import common.WS\n%ignore WS', []),
        ('start: "x"\nunused: "y"\n  other: unused', [("unused", "unused", 2), ("unused", "other", 3)]),
        ('start: "x"\nA: "y"\n%import common.INT', [("unused", "A", 2), ("unused", "INT", 3)]),
        ('start: t{"x"}\nt{x}: x\nu{x}: x', [("unused", "u", 3)]),
        ('start: "x" | a\na: "y" a | a b\nb: "z"', [("empty", "a", 2)]),
        ('start: "x" | A\nA: /[^\\s\\S]/', [("empty", "A", 2)]),
        ("start: NAME | WORD\nNAME: /[a-z]+/\nWORD: /[a-c]+/", [("shadowed", "WORD", 3)]),
        ("start: NAME | WORD\nNAME: /[a-z]+/\nWORD.1: /[a-c]+/", []),
        ('start: NAME | "if"\nNAME: /[a-z]+/', []),
        ('start: NAME | "if"\nNAME.2: /[a-z]+/', [("shadowed", "IF", 1)]),
        ('start: NAME | "if"i\nNAME: /[a-zA-Z\\u0130]+/i', []),
    ],
)
def test_findings(grammar: str, expected: list[tuple[str, str, int]]) -> None:
    assert [(kind, name, line_of(where)) for kind, name, where in found(grammar)] == expected


def line_of(where: str | None) -> int | None:
    return None if where is None else int(where.split()[1].rstrip(","))


def test_shadowing_is_a_matter_of_lexers() -> None:
    grammar = "start: NAME | WORD\nNAME: /[a-z]+/\nWORD: /[a-c]+/"
    assert found(grammar, "basic")
    assert not found(grammar, "dynamic")


def test_a_finding_prints_with_its_place() -> None:
    (finding,) = findings(sg.Lark('start: "x"\nb: "y"'))
    assert str(finding) == "line 2, column 1: nothing uses the rule 'b' on the way from 'start'"
