"""The report: every keyword has exactly one status, and the status is true."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen import errors
from structgen.source.report import Report
from tests.json_strategies import in_draft, instance, is_valid, schemas
from tests.json_wide import wide_schema
from tests.strategies import examples

DRAFTS = ["2020-12", "2020-12", "2019-09", "7", "6", "4"]


def statuses(schema: Any, **options: Any) -> dict[str, str]:
    """Pointer to status."""
    made = sg.JsonSchema(schema, **options).report()
    found = {entry.pointer: entry.status for entry in made.entries}
    assert len(found) == len(made.entries), "a keyword is listed twice"
    return dict(found)


def reason(made: Report, pointer: str) -> str:
    return next(entry.reason for entry in made.entries if entry.pointer == pointer)


def test_kinds() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "t",
        "definitions": {"a": {"type": "integer", "x-unit": "m"}, "unused": {"type": "string"}},
        "properties": {
            "a/b": {"$ref": "#/definitions/a", "minimum": 3},
            "f": {"format": "sku"},
            "g": {"format": "date"},
            "p": {"pattern": r"(.)\1"},
            "u": {"unevaluatedProperties": False, "then": {"type": 3}},
        },
        "required": "a",
    }
    made = sg.JsonSchema(schema).report()
    assert {entry.pointer: entry.status for entry in made.entries} == {
        "#/$schema": "enforced",
        "#/title": "annotation",
        "#/definitions": "enforced",
        "#/definitions/a/type": "enforced",
        "#/definitions/a/x-unit": "annotation",
        "#/definitions/unused/type": "annotation",
        "#/properties": "enforced",
        "#/properties/a~1b/$ref": "enforced",
        "#/properties/a~1b/minimum": "annotation",
        "#/properties/f/format": "annotation",
        "#/properties/g/format": "enforced",
        "#/properties/p/pattern": "refused",
        "#/properties/u/unevaluatedProperties": "annotation",
        "#/properties/u/then": "annotation",
        "#/required": "refused",
    }
    assert made.draft == "7"
    assert not made.compiles
    assert made.refusal is None
    assert reason(made, "#/properties/a~1b/minimum") == "counts for nothing beside $ref in draft 7"
    assert reason(made, "#/properties/f/format") == "no format 'sku' is known"
    assert reason(made, "#/properties/u/then") == 'means nothing without "if"'
    assert reason(made, "#/properties/u/unevaluatedProperties") == "is not in draft 7"
    assert reason(made, "#/definitions/unused/type") == "nothing refers to it"
    assert reason(made, "#/required").startswith('"required" takes an array of property names')
    text = str(made)
    assert text.startswith("draft 7; 6 enforced, 7 annotations, 2 refused\n")
    assert json.loads(made.to_json())["keywords"][1]["reason"] == "describes only"




def test_the_schema_as_a_whole() -> None:
    made = sg.JsonSchema({"type": "string", "enum": [1]}).report()
    assert [entry.status for entry in made.entries] == ["enforced", "enforced"]
    assert made.refusal is not None
    assert made.refusal.startswith("no JSON value satisfies the schema")
    assert str(made).endswith(f"refused: {made.refusal}")
    assert sg.JsonSchema(False).report().refusal is not None
    assert sg.JsonSchema(True).report() == Report("2020-12", ())
    assert sg.JsonSchema(int).report().compiles


def test_formats_by_option() -> None:
    assert statuses({"format": "date"}, formats="annotation") == {"#/format": "annotation"}
    assert statuses({"format": "sku"}, unknown_formats="error") == {"#/format": "refused"}


def test_other_documents_and_places_that_are_no_schemas() -> None:
    other = {"$defs": {"n": {"type": "integer", "title": "n"}, "m": {"type": "null"}}}
    schema = {
        "items": {"$ref": "urn:other#/$defs/n"},
        "contains": {"$ref": "#/components/x"},
        "components": {"x": {"minimum": 3}, "y": {"minimum": 4}},
        "default": {"minimum": 5},
    }
    assert statuses(schema, registry={"urn:other": other}) == {
        "#/items": "enforced",
        "#/items/$ref": "enforced",
        "#/contains": "enforced",
        "#/contains/$ref": "enforced",
        "#/components": "enforced",
        "#/default": "annotation",
        "#/components/x/minimum": "enforced",
        "urn:other#/$defs/n/type": "enforced",
        "urn:other#/$defs/n/title": "annotation",
    }


def test_a_reference_to_a_boolean() -> None:
    schema = {"items": {"$ref": "#/$defs/never"}, "$defs": {"never": False}}
    assert statuses(schema) == {"#/items": "enforced", "#/items/$ref": "enforced", "#/$defs": "enforced"}


def test_one_object_at_two_places() -> None:
    shared = {"type": "integer"}
    assert statuses({"properties": {"a": shared, "b": shared}}) == {
        "#/properties": "enforced", "#/properties/a/type": "enforced", "#/properties/b/type": "enforced",
    }  # fmt: skip


def test_vocabularies() -> None:
    metaschema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$vocabulary": {
            "https://json-schema.org/draft/2020-12/vocab/core": True,
            "https://json-schema.org/draft/2020-12/vocab/applicator": True,
        },
    }
    schema = {"$schema": "http://example.org/mine", "properties": {"a": {"minimum": 3}}}
    made = sg.JsonSchema(schema, registry={"http://example.org/mine": metaschema}).report()
    assert reason(made, "#/properties/a/minimum") == "the metaschema leaves out its vocabulary"
    assert made.of("enforced")[1].pointer == "#/properties"


# $schema


@pytest.mark.parametrize(
    ("uri", "draft"),
    [
        ("http://json-schema.org/draft-04/schema#", "4"),
        ("http://json-schema.org/draft-04/hyper-schema#", "4"),
        ("http://json-schema.org/draft-05/schema", "4"),
        (" https://json-schema.org/draft-06/schema# ", "6"),
        ("https://www.json-schema.org/draft-07/schema/", "7"),
        ("http://json-schema.org/draft-07/schema.json", "7"),
        ("https://json-schema.org/draft/2019-09/hyper-schema", "2019-09"),
        ("https://json-schema.org/draft/2020-12/schema#", "2020-12"),
        ("http://json-schema.org/schema#", "2020-12"),
        ("http://json-schema.org/draft-07#", "7"),
        ("https://json-schema.org/draft/2020-12", "2020-12"),
        ("https://spec.openapis.org/oas/3.1/dialect/base", "2020-12"),
        ("http://json-schema.org/draft-03/schema#", "3"),
    ],
)
def test_drafts_by_name(uri: str, draft: str) -> None:
    assert sg.JsonSchema({"$schema": uri}).report().draft == draft


def test_a_draft_by_the_registry() -> None:
    metaschema = {"$schema": "http://json-schema.org/draft-04/schema#"}
    schema = {"$schema": "http://example.org/mine#", "const": 1}
    made = sg.JsonSchema(schema, registry={"http://example.org/mine": metaschema}).report()
    assert made.draft == "4"
    assert reason(made, "#/const") == "is not in draft 4"


@pytest.mark.parametrize("schema", [{"$schema": 5}, {"$schema": None}, {"$schema": ["a"]}])
def test_schema_must_be_a_uri(schema: Any) -> None:
    with pytest.raises(sg.errors.SchemaError) as caught:
        sg.JsonSchema(schema).report()
    assert caught.value.where == "#/$schema"


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": "http://json-schema.org/draft-99/schema#"},
        {"$schema": "https://example.org/my-metaschema"},
        {"$schema": ""},
    ],
)
def test_an_unknown_metaschema_is_refused_with_the_known_ones(schema: Any) -> None:
    with pytest.raises(sg.errors.UnsupportedError, match=r"draft/2020-12/schema.*registry") as caught:
        sg.JsonSchema(schema).report()
    assert caught.value.where == "#/$schema"


def test_an_unknown_metaschema_inside() -> None:
    inner = {"$id": "http://example.org/a", "$schema": "http://example.org/none", "type": "null"}
    assert statuses({"properties": {"a": inner}})["#/properties/a/$schema"] == "refused"
    del inner["$id"]  # without an identifier it is no document, and its $schema counts for nothing
    assert statuses({"properties": {"a": inner}})["#/properties/a/$schema"] == "annotation"


def test_draft_3() -> None:
    """What draft 4 kept is enforced; what it changed is refused."""
    draft = "http://json-schema.org/draft-03/schema#"
    found = statuses(
        {"$schema": draft, "type": "object", "properties": {"a": {"required": False, "minimum": 2}}, "const": 1}
    )
    assert found == {
        "#/$schema": "enforced",
        "#/type": "enforced",
        "#/properties": "enforced",
        "#/properties/a/required": "enforced",
        "#/properties/a/minimum": "enforced",
        "#/const": "refused",
    }
    for keyword, value in (("divisibleBy", 2), ("extends", {}), ("disallow", "null"), ("required", True)):
        assert statuses({"$schema": draft, keyword: value})[f"#/{keyword}"] == "refused"


# the law


def occurrences(schema: Any, pointer: str = "#") -> set[str]:
    """The keywords of the random schemas, by a walk that knows nothing of drafts."""
    found: set[str] = set()
    if not isinstance(schema, dict):
        return found
    for name, value in schema.items():
        found.add(f"{pointer}/{name}")
        if name in ("properties", "patternProperties", "$defs", "dependentSchemas", "dependencies"):
            for key, inner in value.items():
                found |= occurrences(inner, f"{pointer}/{name}/{key}")
        elif name in ("enum", "const", "default", "examples", "x-any", "x-unknown", "dependentRequired"):
            continue
        elif isinstance(value, list):
            for i, inner in enumerate(value):
                found |= occurrences(inner, f"{pointer}/{name}/{i}")
        else:
            found |= occurrences(value, f"{pointer}/{name}")
    return found


def without(schema: Any, pointer: str) -> Any:
    """The schema without the keyword at a pointer."""
    result = deepcopy(schema)
    *path, last = pointer[2:].split("/")
    at = result
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at[part]
    del at[last]
    return result


@examples(60)
@given(st.data())
def test_every_keyword_has_one_status_and_annotations_change_nothing(data: st.DataObject) -> None:
    rng = data.draw(st.randoms(use_true_random=False))
    schema = data.draw(schemas())
    if rng.random() < 0.4:
        check_report(rng, wide_schema(rng))
        return
    if isinstance(schema, dict) and rng.random() < 0.5:
        schema |= {"title": "t", "x-unknown": {"type": "null"}, "format": "no-such", "minContains": 7, "then": False}
    check_report(rng, in_draft(schema, rng.choice(DRAFTS[2:])) if rng.random() < 0.5 else schema)


def check_report(rng: random.Random, schema: Any) -> None:
    found = statuses(schema)
    expected = occurrences(schema)
    assert found.keys() <= expected
    for pointer in expected - found.keys():  # what stands inside an annotation is part of its value
        parts = pointer.split("/")
        outer = ["/".join(parts[:n]) for n in range(2, len(parts))]
        assert any(found.get(above) in ("annotation", "refused") for above in outer), pointer
    values = [instance(rng, schema, schema) for _ in range(4)]
    for pointer, status in found.items():
        if status == "annotation" and not pointer.endswith(("/$defs", "/definitions")):  # a $ref may point there
            bare = without(schema, pointer)
            for value in values:
                try:
                    assert is_valid(schema, value) == is_valid(bare, value), pointer
                except RecursionError:
                    continue


def test_keyword_that_is_no_string() -> None:
    made = sg.JsonSchema({"type": "object", 1: {"type": "string"}}).report()
    assert [entry.pointer for entry in made.entries] == ["#/type", "#/1"]
    assert made.refusal is not None and "the keyword 1 is not a string" in made.refusal


def test_circle_of_references() -> None:
    """It is refused when the schema is compiled, wherever it stands."""
    circle = {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a", "type": "string"}}
    made = sg.JsonSchema({"properties": {"x": {"items": {"$ref": "#/$defs/a"}}}, "$defs": circle}).report()
    assert not made.compiles


def test_schema_that_holds_itself() -> None:
    schema: dict[str, Any] = {}
    schema["items"] = schema
    with pytest.raises(errors.LimitError, match="nested too deeply"):
        sg.JsonSchema(schema).report()
