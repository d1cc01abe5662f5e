"""What is drawn from a constraint: judged by re, json and jsonschema."""

import json
import re

import jsonschema
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import structgen as sg
from structgen import testing

PATTERN = r"(é|[a-f]{2,4}|\d+\.\d)(,x)*"
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"enum": ["x", None]}},
    "required": ["a"],
}


@given(testing.texts(sg.Regex(PATTERN)))
def test_texts_match(text):
    assert re.fullmatch(PATTERN, text)


@given(testing.texts(SCHEMA, size=120))
def test_texts_of_a_schema_are_valid(text):
    jsonschema.validate(json.loads(text), SCHEMA)


@given(testing.prefixes(sg.Choice(["abc", "abd", "éa"])))
def test_prefixes_begin_a_text(prefix):
    assert any(word.encode().startswith(prefix) for word in ("abc", "abd", "éa"))


@given(testing.mutants(sg.Choice(["abcdef"])))
def test_mutants_are_one_change_away(text):
    assert abs(len(text) - 6) <= 1
    common = sum(c in text for c in "abcdef")
    assert common >= 5


def test_draws_reach_everything():
    for word in ("abc", "abd", "éa"):
        assert find(testing.texts(sg.Choice(["abc", "abd", "éa"])), lambda text, w=word: text == w) == word
    mutants = testing.mutants(sg.Choice(["ab"]))
    for wanted in ("a", "b", "aab", "abb", "ba", "xb"):
        find(mutants, lambda text, w=wanted: text == w, settings=settings(max_examples=20_000, database=None))
    with pytest.raises(NoSuchExample):
        find(testing.texts(sg.Choice(["ab"])), lambda text: text != "ab")


def test_failures_shrink_to_short_texts():
    text = find(testing.texts(sg.Regex("[a-z]+(-[0-9]+)*")), lambda text: "-" in text)
    assert len(text) <= 4


def test_endless_texts_are_brought_to_an_end():
    nested = {"$ref": "#/$defs/t", "$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}, "minItems": 1}}}
    del nested["$defs"]["t"]["minItems"]
    lengths = []

    @settings(max_examples=30, database=None)
    @given(testing.texts(nested, size=20))
    def run(text):
        json.loads(text)
        lengths.append(len(text))

    run()
    assert max(lengths) < 100


VOCAB = sg.Vocabulary([*(bytes([i]) for i in range(256)), b"ab", b"a,", b"1.", None], eos_token_ids=[259])
GRAMMAR = sg.compile(sg.Regex(PATTERN), VOCAB)


@given(testing.token_sequences(GRAMMAR))
def test_token_sequences_are_allowed(tokens):
    testing.check_tokens(GRAMMAR, tokens)
    state = GRAMMAR.start
    for token in tokens:
        testing.check_state(GRAMMAR, state)
        state = GRAMMAR.advance(state, token)
    assert state >= 0


@given(testing.texts(GRAMMAR))
def test_laws_of_texts(text):
    testing.check_text(GRAMMAR, text)
    testing.check_spellings(GRAMMAR, text)


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(0, 6))
def test_laws_of_budgets(choices, spare):
    assert re.fullmatch(PATTERN, testing.check_budget(GRAMMAR, choices, spare).decode())


def test_laws_find_what_is_broken(monkeypatch):
    with pytest.raises(AssertionError, match="not accepted"):
        testing.check_text(GRAMMAR, "ab,")
    with pytest.raises(AssertionError, match="may come next"):
        testing.check_text(GRAMMAR, "abz")
    with pytest.raises(AssertionError, match="not in the mask"):
        testing.check_tokens(GRAMMAR, [255])
    with pytest.raises(AssertionError, match="refused"):
        testing.check_spellings(GRAMMAR, "xy")

    class Wrong:
        """A grammar whose mask holds one token too many."""

        def __getattr__(self, name):
            return getattr(GRAMMAR, name)

        def mask(self, state):
            row = GRAMMAR.mask(state).copy()
            row[0] |= 1
            return row

    with pytest.raises(AssertionError, match="token 0"):
        testing.check_state(Wrong(), GRAMMAR.start)
