"""Where references lead: pointers, anchors, identifiers, other documents, dynamic scope."""

from __future__ import annotations

from typing import Any

import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from structgen import errors
from tests.frontends.json_schema.networks import Judge, reach

INT = {"type": "integer"}

CASES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "pointer with escapes": (
        {"$ref": "#/$defs/a~1b~0c%20d", "$defs": {"a/b~c d": INT}},
        [1],
        ["x"],
    ),
    "into an array": ({"$ref": "#/$defs/x/anyOf/1", "$defs": {"x": {"anyOf": [{}, INT]}}}, [1], ["x"]),
    "anchor": ({"$ref": "#i", "$defs": {"x": {"$anchor": "i", **INT}}}, [1], ["x"]),
    "own identifier": (
        {"$id": "http://e.org/a.json", "$ref": "a.json#/$defs/i", "$defs": {"i": INT}},
        [1],
        ["x"],
    ),
    "embedded document": (
        {
            "$id": "http://e.org/root.json",
            "properties": {"a": {"$ref": "inner.json"}, "b": {"$ref": "inner.json#/$defs/i"}},
            "$defs": {
                "x": {"$id": "inner.json", "type": "string", "$defs": {"i": {"$ref": "#/$defs/n"}, "n": INT}},
                "n": {"type": "null"},
            },
        },
        [{"a": "x", "b": 1}],
        [{"a": 1}, {"b": None}],
    ),
    "draft 4 identifier": (
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "id": "http://e.org/r.json",
            "items": {"$ref": "i.json"},
            "definitions": {"i": {"id": "i.json", "type": "integer"}},
        },
        [[1]],
        [["x"]],
    ),
    "dynamic": (
        {
            "$id": "http://e.org/strings",
            "$ref": "list",
            "$defs": {
                "t": {"$dynamicAnchor": "t", "type": "string"},
                "list": {
                    "$id": "list",
                    "type": "array",
                    "items": {"$dynamicRef": "#t"},
                    "$defs": {"t": {"$dynamicAnchor": "t"}},
                },
            },
        },
        [["a"]],
        [[1]],
    ),
    "metaschema": (
        {"$ref": "http://json-schema.org/draft-07/schema#/definitions/simpleTypes"},
        ["object"],
        ["int", 1],
    ),
    "mutual recursion": (
        {
            "$ref": "#/$defs/even",
            "$defs": {
                "even": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/$defs/odd"}}]},
                "odd": {"type": "object", "additionalProperties": {"$ref": "#/$defs/even"}},
            },
        },
        [None, [{"a": [{}]}]],
        [[None], {"a": []}],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_references(name: str) -> None:
    schema, valid, invalid = CASES[name]
    judge = Judge(schema)
    assert [value for value in valid if not judge.takes(value)] == []
    assert [value for value in invalid if judge.takes(value)] == []
    reach(judge.network, 60)


OTHER = {"$defs": {"i": INT}, "properties": {"next": {"$ref": "#"}, "n": {"$ref": "#/$defs/i"}}}


@pytest.mark.parametrize(
    "registry",
    [
        {"http://e.org/other.json": OTHER},
        Registry().with_resource("http://e.org/other.json", Resource(OTHER, DRAFT202012)),
    ],
    ids=["mapping", "registry"],
)
def test_other_documents(registry: Any) -> None:
    """References inside another document are relative to it."""
    judge = Judge({"$ref": "http://e.org/other.json", "$defs": {"i": {"type": "string"}}}, registry=registry)
    assert judge.takes({"next": {"n": 1}})
    assert not judge.takes({"next": {"n": "x"}})


def test_vocabulary() -> None:
    """Keywords of a vocabulary that the user's own metaschema leaves out are annotations."""
    base = "https://json-schema.org/draft/2020-12/vocab/"
    meta = {"$id": "http://e.org/meta", "$vocabulary": {base + "core": True, base + "applicator": True}}
    schema = {"$schema": "http://e.org/meta", "properties": {"a": {"minimum": 3}, "b": False}}
    judge = Judge(schema, registry={"http://e.org/meta": meta})
    assert judge.takes({"a": 1})
    assert not judge.takes({"b": 1})
    other = {**meta, "$vocabulary": {"http://e.org/vocabulary": True}}
    with pytest.raises(errors.UnsupportedError):
        Judge(schema, registry={"http://e.org/meta": other})
