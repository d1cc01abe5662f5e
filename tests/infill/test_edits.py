"""Edits of least cost, judged by the cost of every text of a language."""

from __future__ import annotations

import json
from functools import cache
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.infill import edits
from structgen.infill.repair import repair
from tests.strategies import examples

VOCAB = sg.Vocabulary([*(bytes([i]) for i in range(256)), None], eos_token_ids=[256])
LETTERS = "abA1(['\"é "
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "ok": {"type": "boolean"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
QUOTES, OPEN = set("\"'"), set("([")


def cost(old: str, new: bytes) -> int:
    """Twentieths that it takes to make one text of another, by all alignments of characters and bytes."""

    @cache
    def least(i: int, j: int, last: str) -> int:
        found = []
        if i == len(old) and j == len(new):
            return 0
        if j < len(new):
            found.append((6 if last == "in" else 20) + least(i, j + 1, "in"))
        if i < len(old):
            unit = old[i].encode()
            word = old[i].isalnum() and old[i].isascii()
            if new[j : j + len(unit)] == unit:
                found.append(10 * (last == "behind" and word) + least(i + 1, j + len(unit), "keep"))
            if last in ("out", "behind"):
                found.append(5 + least(i + 1, j, last))
            else:
                before = i > 0 and old[i - 1].isalnum() and old[i - 1].isascii()
                found.append(21 + least(i + 1, j, "behind" if last == "keep" and before else "out"))
            if j < len(new):
                byte = chr(new[j])
                same = old[i].isascii() and old[i].lower() == byte.lower()
                kind = any(old[i] in marks and byte in marks for marks in (QUOTES, OPEN))
                found.append((10 if same else 14 if kind else 26) + least(i + 1, j + 1, "keep"))
        return min(found, default=1 << 30)

    return least(0, 0, "keep")


@examples(150)
@given(st.lists(st.text(LETTERS, min_size=1, max_size=7), min_size=1, max_size=5), st.text(LETTERS, max_size=7))
def test_no_text_of_the_language_is_cheaper(words: list[str], text: str) -> None:
    grammar = sg.compile(sg.Choice(words), VOCAB)
    fixed, changes = repair(grammar, text.encode())
    assert fixed.decode() in words
    assert cost(text, fixed) == min(cost(text, word.encode()) for word in words)
    at, rest = 0, b""
    for change in changes:
        assert text.encode()[change.start : change.end] == change.before.encode()
        rest += text.encode()[at : change.start] + change.after.encode()
        at = change.end
    assert rest + text.encode()[at:] == fixed


def test_what_models_write() -> None:
    grammar = sg.compile(sg.JsonSchema(SCHEMA), VOCAB)
    right = '{"name": "Ada", "age": 36}'
    for wrong in (
        '{"name": "Ada", "age": 36,}',
        "{'name': 'Ada', 'age': 36}",
        '{"name": "Ada, "age": 36}',
        '{"name": "Ada", "age": 36',
        '```json\n{"name": "Ada", "age": 36}\n```',
        '{"name": "Ada", "age": 36, "extra": 1}',
        '{"name": "Ada", "age": "36"}',
        '{"name": "Ada", "age": 36} That is all.',
        '{“name”: “Ada”, “age”: 36}',
    ):
        assert repair(grammar, wrong.encode())[0].decode() == right, wrong
    for wrong in ('{name: "Ada", age: 36}', '{"name": "Ada" "age": 36}'):
        assert json.loads(repair(grammar, wrong.encode())[0]) == json.loads(right), wrong
    wrong = '{"name": "A"da", "age": 36, "ok": True}'
    assert repair(grammar, wrong.encode())[0].decode() == '{"name": "A\\"da", "age": 36, "ok": true}'


def test_long_texts_are_mended_window_by_window() -> None:
    grammar = sg.compile(sg.JsonSchema({"type": "array", "items": SCHEMA}), VOCAB)
    items = [{"name": f"person {i}", "age": i} for i in range(60)]
    text = json.dumps(items)
    wrong = text.replace('"name": "person 7"', '"name": person 7"').replace("}, {", "} {", 1).replace(": 55}", ": 55,}")
    assert json.loads(repair(grammar, wrong.encode())[0]) == items
    with mock.patch.object(edits, "MAX_PLACES", 300):  # the windows of 200 characters are given up
        assert json.loads(repair(grammar, wrong.encode())[0]) == items


def test_names_that_are_remembered() -> None:
    grammar = sg.compile(sg.JsonSchema({"type": "object"}), VOCAB)
    assert json.loads(repair(grammar, b'{"a": 1, "b": [1, 2, {"a": 2]}')[0]) == {"a": 1, "b": [1, 2, {"a": 2}]}
    assert json.loads(repair(grammar, b'{"a": 1, "a": 2}')[0]).keys() != {"a"}


def test_what_is_given_up_is_filled_otherwise() -> None:
    grammar = sg.compile(sg.Regex("[ab]+c"), VOCAB)
    with mock.patch.object(edits, "MAX_PLACES", 0):
        assert grammar.accepts(grammar.advance_bytes(grammar.start, repair(grammar, b"ab!")[0]))
