"""Whole grammars: three that every lexer reads alike, and those that come with Lark."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Literal

import lark
import pytest

import structgen as sg
from structgen import bits
from structgen.compile import lower
from structgen.errors import InputError
from tests.naive import member

OURS = Path(__file__).parent / "grammars"
LARKS = Path(lark.__file__).parent / "grammars"
BYTES = sg.Vocabulary([*(bytes([i]) for i in range(256)), None], [256])

GOOD = {
    "arithmetic": ["1", " -x^2 * (y1 - 3.25)/f(a, b) ", "f()", "--1", "((a))"],
    "json": ['{"a": [1, -2.5e3, "x\\n\\u00e9é"], "b": {}}', " null ", "[[], {}]", '"/\\/"'],
    "selection": [
        "SELECT * FROM items",
        "SELECT name, price * 2 AS double FROM items WHERE price >= 10 AND NOT sold = 'it''s' OR (a<b)\nORDER BY a "
        "DESC, b LIMIT 5",
    ],
}
BAD = {
    "arithmetic": ["", "1 +", "f(,)", "1 2", "(a", "2^"],
    "json": ["", "{'a': 1}", "[1,]", "01", '"\n"', "nul"],
    "selection": ["SELECT FROM items", "SELECT * FROM items WHERE a", "select * from items", "SELECT a FROM b LIMIT x"],
}
LEXERS: list[Literal["contextual", "basic", "dynamic", "dynamic_complete"]] = [
    "contextual", "basic", "dynamic", "dynamic_complete"
]  # fmt: skip


@pytest.mark.parametrize("lexer", LEXERS)
@pytest.mark.parametrize("name", sorted(GOOD))
def test_ours(name: str, lexer: Literal["contextual", "basic", "dynamic", "dynamic_complete"]) -> None:
    path = OURS / f"{name}.lark"
    network = lower(sg.Lark(path, lexer=lexer))
    judge = lark.Lark(path.read_text(), parser="earley" if "dynamic" in lexer else "lalr", lexer=lexer)
    for text in GOOD[name]:
        judge.parse(text)
        assert member(network, text.encode()), text
    for text in BAD[name]:
        with pytest.raises(lark.exceptions.UnexpectedInput):
            judge.parse(text)
        assert not member(network, text.encode()), text


@pytest.mark.parametrize("name", sorted(GOOD))
def test_texts_drawn_under_masks_parse(name: str) -> None:
    """Two-letter tokens too, so that masks cross the ends of terminals."""
    rng = random.Random(11)
    pieces = [*(text[i : i + 2].encode() for text in GOOD[name] for i in range(len(text) - 1))]
    tokens = [*(bytes([i]) for i in range(9, 127)), *dict.fromkeys(pieces), None]
    vocab = sg.Vocabulary(tokens, [len(tokens) - 1])
    compiled = sg.compile(sg.Lark(OURS / f"{name}.lark", lexer="contextual"), vocab)
    judge = lark.Lark((OURS / f"{name}.lark").read_text(), parser="lalr")
    for _ in range(15):
        ids: list[int] = []
        state, left = compiled.start, 40
        while (token := rng.choice(bits.ids(compiled.budget_mask(state, left)).tolist())) != vocab.eos_token_ids[0]:
            ids.append(token)
            state, left = compiled.advance(state, token), left - 1
        judge.parse(vocab.token_bytes(ids).decode())


@pytest.mark.parametrize("name", ["common", "lark", "unicode", "python"])
def test_the_grammar_of_grammars_takes_those_of_lark(name: str) -> None:
    compiled = sg.compile(sg.Lark(LARKS / "lark.lark", lexer="dynamic_complete"), BYTES)
    data = (LARKS / f"{name}.lark").read_bytes()
    state = compiled.advance_bytes(compiled.start, data)
    assert state >= 0
    assert compiled.accepts(state)
    state = compiled.advance_bytes(compiled.start, data + b'\nx: "a\n')
    assert state < 0 or not compiled.accepts(state)


def test_a_post_lexer_has_no_counterpart() -> None:
    with pytest.raises(InputError, match="declared but not defined") as caught:
        lower(sg.Lark(LARKS / "python.lark", start="file_input", lexer="dynamic_complete"))
    assert "post-lexer" in str(caught.value.hint)
