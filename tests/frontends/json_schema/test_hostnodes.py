"""Host names with A-labels: which labels are valid, that any code can be gone on with, and masks inside of them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.frontends.json_schema.hostnodes import LONGEST, MOST, ending, is_name
from structgen.frontends.json_schema.ulabels import INVALID, LEFT_TO_RIGHT, RIGHT_TO_LEFT, UNRULED, a_label, u_label
from tests.frontends.json_schema.networks import Judge

PIECES = b'xn-- xn xn--9 .x a" .com com" abc 9n2 bp8q bc 0ea ll- -0e kva .xn--a ", "], .. a. -k b"} "} cdef --'.split()
TOKENS: list[bytes | None] = [*(bytes([b]) for b in range(256)), *PIECES, None]
VOCABULARY = sg.Vocabulary(TOKENS, eos_token_ids=[len(TOKENS) - 1])

NAMES = {
    "xn--9n2bp8q.xn--9t4b11yi5a": True,  # Hangul
    "xn--bcher-kva.example": True,
    "www.xn--bcher-kva.example.com": True,
    "xn--bcher-kva.xn--bcher-kva": True,
    "xn--ll-0ea": True,  # a middle dot between two l
    "xn--al-0ea": False,
    "xn--4dbc5h": True,  # geresh after Hebrew
    "xn--5db1e": False,
    "xn--k8j5u": True,
    "xn--vek": False,
    "xn--11b2ezcw70k": True,
    "xn--11b2er09f": False,
    "xn--X": False,
    "xn--": False,
    "xn--a": False,
    "xn--hello-txk": False,  # begins with a mark
    "xn--example-": False,  # all of it is ASCII
    "xn---9uc": False,  # not as an encoder writes it
    "xn--bcher-kva.": False,
    "xn--bcher-kva..com": False,
    "xn--bcher-kva.com-": False,
    "xn--4dbc5h.xn--bcher-kva": True,
    "xn--4dbc5h.xn--1-xfa": True,
    "xn--4dbc5h.xn--1-6fa": False,  # begins with a digit, beside a label from right to left
    "xn--4dbc5h.a1": True,
}


@pytest.mark.parametrize("kind", ["hostname", "idn-hostname"])
def test_names(kind: str) -> None:
    judge = Judge({"type": "string", "format": kind})
    assert {name: judge.takes(name) for name in NAMES} == NAMES


def test_the_bidi_rule() -> None:
    """What is from right to left stands in no name with what does not obey the rule."""
    assert u_label("b\u00fccher") == LEFT_TO_RIGHT
    assert u_label("\u05d0\u05d1") == RIGHT_TO_LEFT
    assert u_label("1\u00fc") == UNRULED
    assert u_label("\u05d0a") == INVALID
    right, digit = ("xn--" + label.encode("punycode").decode() for label in ("\u05d0\u05d1", "1\u00fc"))
    assert is_name(right)
    assert is_name(digit)
    assert not is_name(f"{right}.{digit}")
    assert not Judge({"format": "hostname"}).takes(f"{digit}.{right}")


@given(st.text("ab1-z0", min_size=1, max_size=LONGEST))
def test_any_code_can_be_gone_on_with(code: str) -> None:
    assert a_label(code + ending(len(code))) == LEFT_TO_RIGHT


@given(st.text("\u00e9\u0430\u4e2d\u05d0l\u00b7-1\u0301\u0660\u30fb", min_size=1, max_size=8))
def test_a_label_stands_for_its_text(label: str) -> None:
    code = label.encode("punycode").decode("ascii")
    assert a_label(code) == (INVALID if len(code) > 59 else u_label(label))


@given(st.text("\u00e9\u0430\u4e2d\u05d0l\u00b7-1\u0301\u0660\u30fb\u200c\u0628\u094d\u0915", min_size=1, max_size=6))
def test_labels_against_idna(label: str) -> None:
    """The rules, as another library has them. (It also looks at labels that are all ASCII.)"""
    idna = pytest.importorskip("idna")
    try:
        idna.check_label(label)
        valid = not label.isascii()
    except (idna.IDNAError, UnicodeError):
        valid = False
    assert (u_label(label) != INVALID) == valid


SCHEMAS: list[Any] = [
    {"format": "hostname", "type": "string"},
    {"type": "object", "properties": {"h": {"type": "string", "format": "hostname"}}, "additionalProperties": False},
    {"type": "array", "items": {"type": "string", "format": "hostname"}, "uniqueItems": True},
]
LONG = "xn--" + 38 * "a"
BEGINNINGS = ["", "w", "xn-", "xn--", "xn--a", "xn--bcher-kv", "xn--bcher-kva", "xn--ll-0e", "a.xn--9n2bp8", LONG]


@pytest.mark.parametrize("schema", SCHEMAS, ids=["alone", "property", "unique"])
def test_masks_inside_an_a_label(schema: Any) -> None:
    """They agree with the bytes one by one, and the shortest ends are names."""
    grammar = sg.compile(sg.JsonSchema(schema, whitespace="compact"), VOCABULARY)
    before = {"string": '"', "object": '{"h":"', "array": '["a","'}[schema["type"]]
    for beginning in BEGINNINGS:
        state = grammar.advance_bytes(grammar.start, (before + beginning).encode())
        row = grammar.mask(state)
        for token in range(len(TOKENS) - 1):
            assert bool(row[token >> 5] >> (token & 31) & 1) == (grammar.advance(state, token) >= 0), TOKENS[token]
        end = grammar.witness(state)
        value = json.loads((before + beginning).encode() + end)
        name = value if isinstance(value, str) else value["h"] if isinstance(value, dict) else value[1]
        assert is_name(name) or "xn--" not in name
        assert grammar.min_bytes_left(state) >= len(end)
        assert grammar.advance_bytes(state, end) >= 0


def test_random_texts_with_budgets_are_names() -> None:
    rng = random.Random(1)
    grammar = sg.compile({"type": "string", "format": "hostname"}, VOCABULARY)
    for _ in range(60):
        text = b'"xn--'
        state, left = grammar.advance_bytes(grammar.start, text), rng.randint(10, 60)
        while left > 0:
            row = grammar.budget_mask(state, left)
            allowed = [t for t in range(len(TOKENS)) if row[t >> 5] >> (t & 31) & 1]
            token = rng.choice(allowed)
            if TOKENS[token] is None:
                break
            state, text, left = grammar.advance(state, token), text + (TOKENS[token] or b""), left - 1
        assert grammar.accepts(state)
        name = json.loads(text)
        assert len(name) <= MOST
        assert is_name(name), name


def test_what_combinations_say() -> None:
    """Names with A-labels stay where all of them do, and go where some may not."""
    taken = "xn--bcher-kva"
    assert Judge({"format": "hostname", "maxLength": 300}).takes(taken)
    assert not Judge({"format": "hostname", "maxLength": 12}).takes(taken)
    assert not Judge({"not": {"format": "hostname"}}).takes(taken)
    assert not Judge({"format": "hostname", "pattern": "^[a-m]"}).takes(taken)
    assert Judge({"format": "hostname", "enum": ["xn--bcher-kva", "xn--a", 1]}).takes(taken)
    assert not Judge({"format": "hostname", "enum": ["xn--bcher-kva", "xn--a", 1]}).takes("xn--a")
    assert Judge({"anyOf": [{"format": "hostname"}, {"format": "ipv4"}], "type": "string"}).takes(taken)
    assert not Judge({"oneOf": [{"format": "hostname"}, {"format": "hostname", "maxLength": 200}]}).takes(taken)
