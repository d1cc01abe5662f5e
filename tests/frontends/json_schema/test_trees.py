"""Boolean combinations that are not multiplied out: judged by jsonschema over all small values, node by node."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import product
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from structgen.errors import LimitError, UnsatisfiableError
from structgen.frontends.json_schema import builder, formula, operations
from tests.frontends.json_schema.networks import Judge, network, reach
from tests.json_strategies import is_valid

INTEGER, STRING = {"type": "integer"}, {"type": "string"}
VALUES: list[Any] = [{}, INTEGER, {"const": 1}, {"minimum": 1}, {"enum": [0, "x"]}, STRING, False]
ABSENT = object()


def object_leaf(rng: random.Random) -> dict[str, Any]:
    leaf: dict[str, Any] = {}
    if rng.random() < 0.8:
        leaf["properties"] = {name: rng.choice(VALUES) for name in rng.sample("ab", rng.randint(1, 2))}
    if rng.random() < 0.5:
        leaf["required"] = rng.sample("abc", rng.randint(1, 2))
    if rng.random() < 0.3:
        leaf["additionalProperties"] = rng.choice([False, *VALUES])
    if rng.random() < 0.15:
        leaf["patternProperties"] = {rng.choice(["^c", "[bc]", "d"]): rng.choice(VALUES)}
    if rng.random() < 0.15:
        leaf[rng.choice(["minProperties", "maxProperties"])] = rng.randint(1, 2)
    if rng.random() < 0.1:
        leaf["dependentRequired"] = {"a": ["c"]}
    if rng.random() < 0.1:
        leaf["propertyNames"] = {"maxLength": 1}
    return leaf


def array_leaf(rng: random.Random) -> dict[str, Any]:
    leaf: dict[str, Any] = {}
    if rng.random() < 0.5:
        leaf["prefixItems"] = [rng.choice(VALUES) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.5:
        leaf["items"] = rng.choice(VALUES)
    if rng.random() < 0.4:
        leaf[rng.choice(["minItems", "maxItems"])] = rng.randint(0, 2)
    if rng.random() < 0.3:
        leaf["contains"] = rng.choice(VALUES)
        if rng.random() < 0.5:
            leaf[rng.choice(["minContains", "maxContains"])] = rng.randint(0, 2)
    return leaf


def combination(rng: random.Random, leaf: Any, depth: int) -> dict[str, Any]:
    roll = rng.random()
    if depth == 0 or roll < 0.1:
        made: dict[str, Any] = leaf(rng)
        return made
    if roll < 0.25:
        return {"not": combination(rng, leaf, depth - 1)}
    if roll < 0.4:
        parts = {name: combination(rng, leaf, depth - 1) for name in ("if", "then", "else")}
        return {name: part for name, part in parts.items() if name == "if" or rng.random() < 0.7}
    keyword = rng.choice(["oneOf", "oneOf", "allOf", "anyOf"])
    result = {keyword: [combination(rng, leaf, depth - 1) for _ in range(rng.randint(2, 3))]}
    return result | leaf(rng) if rng.random() < 0.3 else result


def objects() -> Iterator[dict[str, Any]]:
    for values in product([ABSENT, 0, 1, "x"], [ABSENT, 0, 1, "x"], [ABSENT, 1]):
        yield {name: value for name, value in zip("abc", values, strict=True) if value is not ABSENT}
    yield {"d": 0, "c": "x"}
    yield {"d": 1, "cc": 1, "a": 1}


def arrays() -> Iterator[list[Any]]:
    for length in range(4):
        yield from map(list, product([0, 1, "x"], repeat=length))


POOLS = {"object": (object_leaf, list(objects())), "array": (array_leaf, list(arrays()))}


@pytest.mark.parametrize("kind", POOLS)
@settings(max_examples=14, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False), st.sampled_from([0, 1, 3]), st.integers(1, 3), st.sampled_from([0, 1, 32]))
def test_combinations(kind: str, rng: random.Random, wide: int, depth: int, split: int) -> None:
    """Whatever is multiplied out and whatever is not: exactly the valid values are taken, and least bytes are exact."""
    leaf, values = POOLS[kind]
    schema = {"type": kind, **combination(rng, leaf, depth)}
    if "type" in schema and schema["type"] != kind:
        schema["type"] = kind
    with mock.patch.object(operations, "WIDE", wide), mock.patch.object(builder, "_MAX_SPLIT", split):
        try:
            judge = Judge(schema)
            ordered = network(schema)
        except UnsatisfiableError:
            assert not any(is_valid(schema, value) for value in values)
            return
        wrong = [value for value in values if judge.takes(value) != is_valid(schema, value)]
        assert not wrong
        reach(judge.network, 25)
        reach(ordered, 25)


def closed_object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def conditionals(n: int) -> dict[str, Any]:
    """If k_i is 1, v_i must be there; else it is a string."""
    return {
        "type": "object",
        "allOf": [
            {
                "if": {"properties": {f"k{i}": {"const": 1}}, "required": [f"k{i}"]},
                "then": {"required": [f"v{i}"]},
                "else": {"properties": {f"v{i}": STRING}},
            }
            for i in range(n)
        ],
    }


LARGE: dict[str, tuple[Any, list[Any]]] = {
    "exactly one of 40 that overlap": (
        {"oneOf": [{"type": "object", "properties": {f"p{i}": INTEGER}, "required": [f"p{i}"]} for i in range(40)]},
        [{}, {"p3": 1}, {"p3": 1, "p4": 2}, {"p3": 1, "p4": "x"}, {"p3": "x"}],
    ),
    "40 conditionals": (
        conditionals(40),
        [{}, {"k3": 1}, {"k3": 1, "v3": 2}, {"k3": 2, "v3": 2}, {"k3": 2, "v3": "x"}, {"k3": 1, "v3": 2, "k9": 1}],
    ),
    "40 choices of two": (
        {"type": "object", "allOf": [{"oneOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(40)]},
        [{}, {f"{'ab'[i % 2]}{i}": i for i in range(40)}, {f"a{i}": i for i in range(40)} | {"b7": 0}],
    ),
    "dependencies": (
        {"type": "object", "dependentSchemas": {f"a{i}": {"required": [f"b{i}"]} for i in range(40)}},
        [{}, {"a1": 1}, {"b1": 1, "a1": 1}, {"b1": 1, "a2": 1}],
    ),
    "none of 60 constants": (
        closed_object({"a": INTEGER, "b": STRING}, "a", "b")
        | {"not": {"enum": [{"a": i, "b": "x"} for i in range(60)]}},
        [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 60, "b": "x"}, {"a": 1}],
    ),
    "none of 40 arrays": (
        {"type": "array", "items": INTEGER, "not": {"enum": [[i, i + 1] for i in range(40)]}},
        [[], [1], [1, 2], [1, 3], [1, 2, 3], [40, 41], ["x"]],
    ),
    "a meter that names its protocol, or does not": (
        {
            "oneOf": [
                {"type": "object", "properties": {"protocol": {"enum": [f"m{i}"]}, f"device{i}": STRING}}
                for i in range(30)
            ]
        },
        [{}, {"protocol": "m3"}, {"protocol": "m3", "device3": 1}, {"protocol": "m3", "device4": 1}, {"protocol": "x"}],
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_large(name: str) -> None:
    """Combinations of many schemas that would have thousands of conjuncts."""
    schema, values = LARGE[name]
    judge = Judge(schema)
    builder: Any = judge.network
    assert len(builder.builder.plans) < 60
    wrong = [value for value in values if judge.takes(value) != is_valid(schema, value)]
    assert not wrong
    reach(judge.network, 8)


def test_an_order_that_all_branches_share() -> None:
    """In the schema's order, properties come in an order that each branch's own agrees with."""
    branches = [{"properties": {"x": {"const": i}, "y": {}}, "required": ["y"]} for i in range(9)]
    branches.append({"properties": {"w": {}, "x": {"const": 9}}, "required": ["x"]})
    judge = Judge({"type": "object", "oneOf": branches}, property_order="schema")
    assert judge.takes_text(json.dumps({"w": 1, "x": 9}))
    assert not judge.takes_text(json.dumps({"x": 9, "w": 1}))
    assert judge.takes_text(json.dumps({"x": 1, "y": 1}))


def test_orders_that_exclude_each_other() -> None:
    """Where branches disagree, any order is taken."""
    branches = [{"properties": {"x": {"const": i}, "y": {}}, "required": ["y"]} for i in range(9)]
    branches.append({"properties": {"y": {}, "x": {"const": 9}}, "required": ["y", "x"]})
    judge = Judge({"type": "object", "oneOf": branches}, property_order="schema")
    assert judge.takes_text(json.dumps({"y": 1, "x": 9}))
    assert judge.takes_text(json.dumps({"x": 1, "y": 1}))


def test_limit_names_itself() -> None:
    """Where exactness needs work without bound, the error says which limit it is and where."""
    independent = [{"properties": {"a": {"required": [f"x{i}"]}}, "required": [f"p{i}"]} for i in range(20)]
    with pytest.raises(LimitError, match=r"more than 3000 kinds.*#/properties/q") as caught:
        network({"type": "object", "properties": {"q": {"type": "object", "oneOf": independent}}, "required": ["q"]})
    assert caught.value.hint is not None


def test_a_required_name_may_meet_an_obligation() -> None:
    """Some property has to break the first branch; it may be one that is required and not declared."""
    branches = [{"patternProperties": {"[bc]": {"enum": ["x"]}}}, {}]
    judge = Judge({"type": "object", "oneOf": branches, "required": ["c"]})
    assert judge.takes({"c": 1})
    assert not judge.takes({"c": "x"})


def test_overlapping_patterns() -> None:
    """Patterns that say the same are one set of names; too many that differ are refused when compiled."""
    letters = "abcdefghijklmnop"
    same = {"type": "object", "patternProperties": {letter: {"minimum": 0} for letter in letters}}
    judge = Judge(same)
    assert judge.takes({"xyz": -1, "pa": 1})
    assert not judge.takes({"xyp": -1})
    differing = {"type": "object", "patternProperties": {letter: {"minimum": i} for i, letter in enumerate(letters)}}
    with pytest.raises(LimitError, match="more than 256 sets"):
        network(differing)


def test_combinations_of_combinations() -> None:
    """Exactly one of eight closed objects that overlap, each inside a map, and nothing tells them apart: refused in a
    bounded number of steps, where multiplying out would not come to an end."""
    kinds = [closed_object({f"p{i}{j}": INTEGER for j in range(12)} | {"z": {"enum": [i, 9]}}) for i in range(8)]
    branches = [{"type": "object", "properties": {"a": kind, "b": {"type": "object", "additionalProperties": kind}}}
                for kind in kinds]  # fmt: skip
    with (
        mock.patch.object(formula, "MAX_COMBINED", 10**9),
        mock.patch.object(builder, "_MAX_TREES", 30),
        pytest.raises(LimitError, match="more than 30 diff") as caught,
    ):
        network({"oneOf": branches}, property_order="any")
    assert caught.value.where is not None


def test_steps_are_counted_while_compiling_and_not_while_writing() -> None:
    """Overlapping patterns under "exactly one of", within themselves: over half a minute before steps were counted."""
    schema = {
        "properties": {"é": {"$ref": "#"}, "x": {"not": {"type": "boolean"}}},
        "oneOf": [
            {"type": "object", "properties": {"x": {"type": "null"}}, "required": ["é", "x"],
             "additionalProperties": {"$ref": "#"}, "patternProperties": {"^a": {"maxLength": 0}}, "maxProperties": 2},
            {},
            {"type": "number", "multipleOf": 2, "allOf": [{"exclusiveMinimum": 3}, {"minimum": 7}]},
        ],
    }  # fmt: skip
    with mock.patch.object(formula, "MAX_COMBINED", 50), pytest.raises(LimitError, match="in more than 50") as caught:
        network(schema, property_order="any")
    assert caught.value.where is not None
    with mock.patch.object(formula, "MAX_COMBINED", 1):
        formulas = formula.Formulas()
        parts = [formulas.exact(value) for value in (1, 2, 3)]  # type: ignore[arg-type]
        formulas.compiled()
        assert [formulas.both(*parts).kind, formulas.either(*parts).kind] == [formula.AND, formula.OR]
