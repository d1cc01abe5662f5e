"""Draft 4's integers: a number without a point and without an exponent, however it combines."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import UnsatisfiableError
from structgen.frontends.json_schema.numbers import NumberSet
from structgen.frontends.json_schema.written import plain_integers
from structgen.testing import byte_vocabulary

DRAFT4 = "http://json-schema.org/draft-04/schema#"
TEXTS = ["0", "1", "2", "3", "5", "-7", "1.0", "2.0", "2.5", "5.0", "5e0", "1e2", "100", "100.0", '"x"', "null"]

INTEGER = {"type": "integer"}
LEAF = st.sampled_from(
    [INTEGER, {"type": "number"}, {"minimum": 2}, {"type": "integer", "maximum": 3}, {"enum": [1, 2, 5]},
     {"type": "string"}, {"multipleOf": 2.5}, {"type": ["integer", "null"]}, {}]
)  # fmt: skip
SCHEMAS = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda a: {"not": a}, inner),
        st.builds(lambda k, a, b: {k: [a, b]}, st.sampled_from(["allOf", "anyOf", "oneOf"]), inner, inner),
    ),
    max_leaves=5,
)


def accepted(schema, text):
    try:
        grammar = sg.compile(sg.JsonSchema(schema, property_order="any"), byte_vocabulary())
    except UnsatisfiableError:
        return [False] * len(text)
    states = [grammar.advance_bytes(grammar.start, t.encode()) for t in text]
    return [state >= 0 and grammar.accepts(state) for state in states]


@given(SCHEMAS)
def test_draft_4_looks_at_the_text(schema):
    schema = {"$schema": DRAFT4, **schema}
    judge = jsonschema.Draft4Validator(schema)
    assert accepted(schema, TEXTS) == [judge.is_valid(json.loads(text)) for text in TEXTS]


def plain(schema):
    """The same schema, with its integers asked to be plain."""
    if isinstance(schema, list):
        return [plain(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    told = {"x-plain-integer": True} if "type" in schema else {}
    return {name: plain(inner) for name, inner in schema.items()} | told


@given(SCHEMAS)
def test_plain_integers_on_request_are_those_of_draft_4(schema):
    judge = jsonschema.Draft4Validator(schema)
    assert accepted(plain(schema), TEXTS) == [judge.is_valid(json.loads(text)) for text in TEXTS]


def test_plain_integers_mean_nothing_without_the_type():
    for keywords in ({}, {"type": "number"}, {"type": ["null", "number"]}):
        source = sg.JsonSchema({"x-plain-integer": True, **keywords})
        assert [entry.status for entry in source.report().entries if entry.keyword[:2] == "x-"] == ["annotation"]
        assert accepted(source.schema, ["1", "1.0"]) == [True, True]
    assert accepted({"type": "integer", "x-plain-integer": False}, ["1.0"]) == [True]


@given(SCHEMAS)
def test_later_drafts_look_at_the_value(schema):
    judge = jsonschema.Draft202012Validator(schema)
    assert accepted(schema, TEXTS) == [judge.is_valid(json.loads(text)) for text in TEXTS]


@pytest.mark.parametrize("extra", [{}, {"minimum": 1, "maximum": 3}, {"enum": [1, 2, 3]}])
def test_unique_items_keep_the_way_of_writing(extra):
    schema = {"$schema": DRAFT4, "type": "array", "items": {"type": "integer", **extra}, "uniqueItems": True}
    texts = ["[1,2]", "[1.0,2]", "[1,2.0]", "[1,1]", "[3,1,2]", "[3,1,2e0]"]
    assert accepted(schema, texts) == [True, False, False, False, True, False]


def test_sets_of_what_is_written():
    one = plain_integers(NumberSet.all())
    assert one.complement().complement() == one
    assert one.union(NumberSet.all()) == NumberSet.all()
    assert NumberSet.all().difference(one).union(one) == NumberSet.all()
    assert NumberSet.interval(1, 3).intersect(one).values(9) == (1, 2, 3)
    assert one.difference(NumberSet.integers()).is_empty()
    assert not NumberSet.integers().difference(one).is_empty()
    assert str(plain_integers(NumberSet.of([4]))) == "{4} without a point"
