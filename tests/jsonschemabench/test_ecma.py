"""Patterns for the judges: what ECMA-262 says of the characters on which dialects differ."""

from __future__ import annotations

import re

import pytest

from jsonschemabench.ecma import pattern, told
from structgen.frontends.regex import to_dfa

#: Characters that Python, Rust and ECMA-262 do not all take alike.
TEXTS = [
    "", "a", "1", ".", "$", "\n", "a\n", "\r", "\u2028", "\u2029", "\u0085", "\ufeff", "\x1c", "\u00a0", "\u0663",
    "\u00e9", "a1",
]  # fmt: skip
PATTERNS = [
    "^.$", "^.+$", "^a$", r"^\.$", "^[.]$", r"^\$$", r"^\d$", r"^\D$", r"^\w$", r"^\W$", r"^\s$", r"^\S$", r"^[\d]$",
    r"^[^\d]$", r"^[^\w]$", r"^[\s]$", r"^[^\s]$", "a$", r"^[$]$", r"^\w\d$", "^(?:a|.)$",
]  # fmt: skip


@pytest.mark.parametrize("text", PATTERNS)
def test_python_reads_them_as_ecma(text: str) -> None:
    dfa = to_dfa(text, dialect="ecma", search=True)
    for word in TEXTS:
        assert bool(re.search(pattern(text), word)) == dfa.accepts(word), word


def test_rust_reads_them_as_ecma() -> None:
    judges = pytest.importorskip("jsonschema_rs")
    for text in PATTERNS:
        judge = judges.validator_for(told({"pattern": text}))
        dfa = to_dfa(text, dialect="ecma", search=True)
        for word in TEXTS:
            assert judge.is_valid(word) == dfa.accepts(word), (text, word)


def test_where_patterns_stand() -> None:
    schema = {
        "patternProperties": {"^.$": {"pattern": "^.$"}},
        "properties": {"pattern": {"type": "string"}},
        "allOf": [{"const": {"pattern": "."}}, True],
    }
    dot = "^[^\n\r\u2028\u2029](?![\\s\\S])"
    assert told(schema) == {**schema, "patternProperties": {dot: {"pattern": dot}}}
