"""Every keyword by example, judged by jsonschema over a pool of values; the contract at every node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.frontends.json_schema.networks import Judge, network, reach
from tests.json_strategies import is_valid
from tests.naive import Naive

SCALARS: list[Any] = [None, True, False, 0, 1, 2, 3, 4, 6, -1, 1.0, 2.5, 0.5, 1e3, "", "a", "ab", "abc", "b", "é"]
VALUES: list[Any] = [
    *SCALARS,
    [],
    [1],
    [1, 1],
    [1, 2],
    [1, "a"],
    ["a", "b"],
    ["a", "b", "a"],
    [1, 2, 3],
    [[], {}],
    [None, None],
    {},
    {"a": 1},
    {"a": "x"},
    {"a": 1, "b": 2},
    {"b": 2, "a": 1},
    {"b": "x"},
    {"a": 1, "b": "x", "c": None},
    {"c": 1},
    {"c": 1, "d": 2},
    {"ab": 1},
    {"ab": "x", "a": 1},
    {"x1": 1, "x2": "s"},
    {"kind": "p", "a": 1},
    {"kind": "q", "b": 1},
    {"kind": "p", "b": 1},
    {"a": {"a": {"a": {}}}},
    {"a": {"a": 1}},
    {"a": [1, {"a": []}]},
]

A, B = {"a": {"type": "integer"}}, {"b": {"type": "integer"}}
SCHEMAS: dict[str, Any] = {
    "true": True,
    "empty": {},
    "types": {"type": ["null", "integer"]},
    "number": {"type": "number"},
    "typeless minLength": {"minLength": 2},
    "typeless minimum": {"minimum": 2},
    "length": {"type": "string", "minLength": 1, "maxLength": 2},
    "pattern": {"pattern": "^a"},
    "bounds": {"type": "number", "minimum": 1, "exclusiveMaximum": 3},
    "multipleOf": {"multipleOf": 1.5},
    "enum": {"enum": [1, "a", None, [1, 2], {"a": 1, "b": 2}]},
    "enum of 1.0": {"enum": [1.0]},
    "const object": {"const": {"b": 2, "a": 1}},
    "const false": {"const": False},
    "const 0": {"const": 0},
    "properties": {"properties": {"a": {"type": "integer"}, "b": False}},
    "required": {"type": "object", "required": ["b", "a"]},
    "closed": {"properties": A | B, "additionalProperties": False},
    "additional": {"type": "object", "properties": A, "additionalProperties": {"type": "string"}},
    "patterns overlap": {
        "type": "object",
        "patternProperties": {"^a": {"type": "integer"}, "b$": {"minimum": 2}},
        "additionalProperties": {"type": "null"},
    },
    "pattern and property": {
        "properties": {"a": {"minimum": 1}},
        "patternProperties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    },
    "finite patterns": {"type": "object", "patternProperties": {"^[ab]$": True}, "additionalProperties": False},
    "propertyNames": {"propertyNames": {"maxLength": 1}},
    "propertyNames enum": {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "minProperties": 2},
    "minProperties": {"type": "object", "minProperties": 1},
    "maxProperties": {"type": "object", "maxProperties": 1},
    "bounded properties": {
        "type": "object",
        "properties": A | B | {"c": {}},
        "additionalProperties": False,
        "minProperties": 2,
        "maxProperties": 2,
    },
    "required and one more": {"type": "object", "required": ["a"], "minProperties": 2},
    "dependentRequired": {"type": "object", "dependentRequired": {"a": ["b"], "b": ["c"]}},
    "dependentRequired closed": {
        "type": "object",
        "properties": A | B | {"c": {}},
        "additionalProperties": False,
        "dependentRequired": {"c": ["a", "b"]},
    },
    "dependent, counted": {
        "type": "object",
        "properties": A | B | {"c": {}},
        "additionalProperties": False,
        "dependentRequired": {"c": ["a"]},
        "minProperties": 2,
    },
    "dependentSchemas": {"dependentSchemas": {"a": {"required": ["b"]}}},
    "dependencies": {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"b": {"maxProperties": 2}}},
    "items": {"items": {"type": "integer"}},
    "prefixItems": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    "prefix and rest": {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"minimum": 2}},
    "length of arrays": {"type": "array", "minItems": 2, "maxItems": 2},
    "impossible item": {"type": "array", "prefixItems": [True, False]},
    "unique": {"type": "array", "items": {"enum": [1, 2, "a", "b", [], {}]}, "uniqueItems": True},
    "unique with prefix": {
        "type": "array",
        "prefixItems": [{"const": 1}],
        "items": {"enum": [1, 2]},
        "uniqueItems": True,
        "minItems": 2,
    },
    "contains": {"type": "array", "contains": {"type": "integer"}},
    "contains bounded": {"type": "array", "contains": {"type": "integer"}, "minContains": 1, "maxContains": 2},
    "maxContains": {"type": "array", "contains": {"const": "a"}, "minContains": 0, "maxContains": 1},
    "contains and unique": {
        "type": "array",
        "items": {"enum": [1, "a", "b"]},
        "uniqueItems": True,
        "contains": {"type": "string"},
        "minContains": 2,
    },
    "no item": {"type": "array", "not": {"contains": {"type": "integer"}}},
    "some item not": {"type": "array", "not": {"items": {"type": "integer"}}},
    "allOf": {"allOf": [{"required": ["a"]}, {"properties": A}]},
    "anyOf": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 2}]},
    "oneOf overlapping": {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
    "oneOf objects": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "oneOf discriminated": {
        "oneOf": [
            {"properties": {"kind": {"const": "p"}} | A, "required": ["kind", "a"]},
            {"properties": {"kind": {"const": "q"}} | B, "required": ["kind", "b"]},
        ]
    },
    "not": {"not": {"type": ["object", "string"]}},
    "not properties": {"type": "object", "not": {"properties": {"a": {"type": "integer"}}}},
    "not required": {"type": "object", "not": {"required": ["a", "b"]}},
    "not closed": {"type": "object", "not": {"properties": A, "additionalProperties": False}},
    "not minProperties": {"not": {"minProperties": 2}},
    "not prefix": {"type": "array", "not": {"prefixItems": [{"type": "integer"}]}},
    "not dependent": {"type": "object", "not": {"dependentRequired": {"a": ["b"]}}},
    "not not": {"not": {"not": {"type": "integer"}}},
    "if": {"if": {"type": "integer"}, "then": {"minimum": 2}, "else": {"type": "string"}},
    "if object": {
        "if": {"properties": {"kind": {"const": "p"}}, "required": ["kind"]},
        "then": {"required": ["a"]},
        "else": {"not": {"required": ["a"]}},
    },
    "then without if": {"then": False},
    "recursion": {"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": False},
    "recursion by definitions": {
        "$ref": "#/$defs/t",
        "$defs": {
            "t": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/t"}}]},
        },
    },
    "ref and siblings": {"$ref": "#/$defs/o", "required": ["b"], "$defs": {"o": {"properties": A}}},
    "unevaluatedProperties": {
        "properties": A,
        "anyOf": [{"properties": B, "required": ["b"]}, {"properties": {"c": {}}, "required": ["c"]}],
        "unevaluatedProperties": False,
    },
    "unevaluatedProperties schema": {
        "allOf": [{"properties": A}, {"patternProperties": {"^x": {}}}],
        "unevaluatedProperties": {"type": "string"},
    },
    "unevaluated through if": {
        "if": {"properties": {"kind": {"const": "p"}}, "required": ["kind"]},
        "then": {"properties": A},
        "else": {"properties": B},
        "unevaluatedProperties": False,
    },
    "unevaluated through if alone": {
        "if": {"properties": A, "required": ["a"]},
        "unevaluatedProperties": False,
    },
    "unevaluated in nested oneOf": {
        "oneOf": [
            {"oneOf": [{"required": ["a"], "properties": {"a": {}}}, {"required": ["b"], "properties": {"b": {}}}]},
            {"required": ["c"], "properties": {"c": {}}},
        ],
        "unevaluatedProperties": False,
    },
    "unevaluatedItems": {"prefixItems": [{"type": "integer"}], "unevaluatedItems": {"type": "string"}},
    "unevaluatedItems and contains": {"contains": {"type": "integer"}, "unevaluatedItems": {"type": "string"}},
    "draft 4": {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "minimum": 1,
        "exclusiveMinimum": True,
        "items": [{"type": "integer"}],
        "additionalItems": {"type": "string"},
        "dependencies": {"a": ["b"]},
        "const": 7,
    },
    "draft 7 siblings of $ref": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"a": {"$ref": "#/definitions/i", "minimum": 5}},
        "definitions": {"i": {"type": "integer"}},
    },
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_keywords(name: str) -> None:
    """The network takes exactly the values that jsonschema calls valid, in any order of properties."""
    judge = Judge(SCHEMAS[name])
    wrong = [value for value in VALUES if judge.takes(value) != is_valid(SCHEMAS[name], value)]
    assert not wrong


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_order_is_sound(name: str) -> None:
    """In the schema's order nothing invalid is taken, and something valid is, if anything is in the pool."""
    schema = SCHEMAS[name]
    naive = Naive(network(schema))
    judge = Judge(schema)
    taken = [value for value in VALUES if naive.accepts(text_of(value))]
    assert all(is_valid(schema, value) for value in taken)
    assert bool(taken) == any(judge.takes(value) for value in VALUES)


def text_of(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode()


@pytest.mark.parametrize("order", ["schema", "any"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_contract(name: str, order: str) -> None:
    """Every node is live and knows the least bytes to its end."""
    assert reach(network(SCHEMAS[name], property_order=order)) >= 1
