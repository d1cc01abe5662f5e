"""What is refused, and how the error names the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from structgen import errors
from tests.frontends.json_schema.networks import network, reach
from tests.naive import Naive

MALFORMED: list[tuple[Any, type[errors.StructgenError], str | None]] = [
    ('{"type": }', errors.SourceSyntaxError, "line 1, column 10"),
    ("[1]", errors.SchemaError, "#"),
    ('{"minimum": NaN}', errors.SourceSyntaxError, None),
    ({"type": "int"}, errors.SchemaError, "#/type"),
    ({"properties": {"a/b": {"type": 3}}}, errors.SchemaError, "#/properties/a~1b/type"),
    ({"properties": []}, errors.SchemaError, "#/properties"),
    ({"items": 3}, errors.SchemaError, "#/items"),
    ({"items": {"items": {"$ref": "#/$defs/d"}}, "$defs": {"d": {"$ref": "#/$defs/d"}}}, errors.SchemaError, None),
    ({"not": {"minimum": float("nan")}}, errors.InputError, "#/not/minimum"),
    ({"not": {"$dynamicRef": "#x"}}, errors.ReferenceError, "#/not/$dynamicRef"),
    ({"anyOf": []}, errors.SchemaError, "#/anyOf"),
    ({"required": True}, errors.SchemaError, "#/required"),
    ({"required": ["a", 1]}, errors.SchemaError, "#/required"),
    ({"minLength": -1}, errors.SchemaError, "#/minLength"),
    ({"minLength": 1.5}, errors.SchemaError, "#/minLength"),
    ({"minimum": "1"}, errors.SchemaError, "#/minimum"),
    ({"multipleOf": 0}, errors.SchemaError, "#/multipleOf"),
    ({"enum": 1}, errors.SchemaError, "#/enum"),
    ({"items": {"$id": 5}}, errors.SchemaError, "#/items/$id"),
    ({"$anchor": 5}, errors.SchemaError, "#/$anchor"),
    ({"$dynamicAnchor": ["a"]}, errors.SchemaError, "#/$dynamicAnchor"),
    ({"$schema": "http://json-schema.org/draft-04/schema#", "id": {}}, errors.SchemaError, "#/id"),
    ({"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": "a"}, errors.SchemaError,
     "#/$recursiveAnchor"),
    ({"$vocabulary": []}, errors.SchemaError, "#/$vocabulary"),
    ({"properties": {"a": {"$defs": []}}}, errors.SchemaError, "#/properties/a/$defs"),
    ({"definitions": {"a/b": 5}}, errors.SchemaError, "#/definitions/a~1b"),
    ({"x-plain-integer": 1, "type": "integer"}, errors.SchemaError, "#/x-plain-integer"),
    ({"properties": {"a": {"type": "array", "minItems": 10**30}}}, errors.LimitError, "#/properties/a/minItems"),
    ({"minProperties": 10**30}, errors.LimitError, "#/minProperties"),
    ({"properties": {"a": {"type": "string", "minLength": 10**30}}}, errors.LimitError, "#/properties/a/minLength"),
    ({"type": "array", "not": {"maxItems": 10**30}}, errors.LimitError, "#"),
    ({"$ref": "#/$defs/4", "$defs": {"0": {"type": "null"}} | {
        str(i): {"type": "array", "minItems": 10**6, "items": {"$ref": f"#/$defs/{i - 1}"}} for i in range(1, 5)}},
     errors.LimitError, "#/$defs/3"),
    ({"items": {"pattern": "^[a-z]+.*$", "maxLength": 200_000}}, errors.LimitError, "#/items"),
    ({"properties": {"a": {"type": "string", "pattern": "^[a-z]+.*$", "maxLength": 60_000}}, "required": ["a"]},
     errors.LimitError, "#/properties/a"),
    ({"enum": [float("nan")]}, errors.SchemaError, "#/enum"),
    ({"pattern": "("}, errors.SourceSyntaxError, "#/pattern"),
    ({"pattern": r"(.)\1"}, errors.UnsupportedError, "#/pattern"),
    ({"not": {"$ref": "#/x"}}, errors.ReferenceError, "#/not/$ref"),
    ({"$ref": "other.json"}, errors.ReferenceError, "#/$ref"),
    ({"$ref": "#here"}, errors.ReferenceError, "#/$ref"),
    ({"$ref": "#/title", "title": "t"}, errors.SchemaError, "#/$ref"),
    ({"$ref": "#"}, errors.SchemaError, "#"),
    ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, errors.SchemaError, "#"),
    (False, errors.UnsatisfiableError, "#"),
    ({"type": "string", "enum": [1]}, errors.UnsatisfiableError, "#"),
    ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, errors.UnsatisfiableError,
     "#/properties/a/$ref"),
    ({"type": "array", "uniqueItems": True, "items": {"type": "boolean"}, "minItems": 3},
     errors.UnsatisfiableError, "#"),
    ({"type": "array", "not": {"uniqueItems": True}, "maxItems": 2}, errors.LimitError, "#"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "kind", "where"), MALFORMED, ids=[str(case[0])[:60] for case in MALFORMED])
def test_refused(schema: Any, kind: type[errors.StructgenError], where: str | None) -> None:
    with pytest.raises(kind) as caught:
        network(schema)
    assert type(caught.value) is kind
    assert where is None or caught.value.where == where


CLASHES: list[tuple[Any, str, str]] = [
    (False, "#", "is false"),
    ({"const": "\ud800"}, "#/const", '"const" admits nothing: a lone surrogate'),
    ({"type": "object", "properties": {"a": {"enum": [["\udc00"]]}}, "required": ["a"]}, "#/properties/a/enum",
     "lone surrogate"),
    ({"type": "string", "enum": [1]}, "#", '"type" and "enum" exclude each other'),
    ({"type": "number", "minimum": 3, "maximum": 2, "title": "t"}, "#", '"minimum" and "maximum"'),
    (
        {"type": "object", "properties": {"a": {"type": "array", "minItems": 1, "items": False}}, "required": ["a"]},
        "#/properties/a/items",
        "is false",
    ),
    ({"$ref": "#/$defs/x", "$defs": {"x": {"not": {}}}}, "#/$defs/x/not", '"not"'),
    ({"allOf": [{"type": "string"}, {"minLength": 2}, {"type": "null"}]}, "#/allOf/2", "before it"),
    ({"type": "null", "oneOf": [{"type": "null"}, {}]}, "#/oneOf", "no branch"),
    ({"type": "string", "not": {"type": "string"}}, "#/not", "excludes"),
]


@pytest.mark.parametrize(("schema", "where", "reason"), CLASHES, ids=[case[1] for case in CLASHES])
def test_clashes(schema: Any, where: str, reason: str) -> None:
    """An unsatisfiable schema is refused with the smallest part that can be named."""
    with pytest.raises(errors.UnsatisfiableError) as caught:
        network(schema)
    assert caught.value.where == where
    assert reason in caught.value.message


def test_unknown_keywords_are_annotations() -> None:
    """By the standard; among them those of later drafts."""
    reach(network({"x-order": [1], "title": 3, "default": {}, "$comment": "", "examples": 1, "type": "null"}))
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "const": 3, "if": 4, "type": "null"}
    assert reach(network(old)) == 1


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    with pytest.raises(errors.InputError):
        network(path)
    path.write_text('{\n "type": \n}')
    with pytest.raises(errors.SourceSyntaxError) as caught:
        network(path)
    assert caught.value.where == "s.json, line 3, column 1"
    path.write_text('{"type": "null"}')
    assert reach(network(path)) == 1


def test_numbers_in_text_are_exact() -> None:
    """0.1 in the text of a schema is one tenth."""
    naive = Naive(network('{"multipleOf": 0.1, "minimum": 12345678901234567890.05}'))
    assert naive.accepts(b"12345678901234567890.1")
    assert not naive.accepts(b"12345678901234567890.0")


def test_unknown_format() -> None:
    assert reach(network({"format": "no-such", "type": "null"})) == 1
    with pytest.raises(errors.UnsupportedError) as caught:
        network({"items": {"format": "no-such"}}, unknown_formats="error")
    assert caught.value.where == "#/items/format"
