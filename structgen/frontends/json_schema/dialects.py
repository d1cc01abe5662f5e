"""Which keywords assert something, by draft and by the vocabularies of a metaschema.

Receives the name of a keyword and the schema it stands in; says why it asserts nothing there, or that it asserts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from structgen.errors import UnsupportedError
from structgen.frontends.json_schema.load import (
    DRAFT3,
    DRAFT4,
    DRAFT6,
    DRAFT7,
    DRAFT2019,
    DRAFT2020,
    LATEST,
    draft_name,
)
from structgen.frontends.json_schema.references import escape

#: Keywords that assert, with the drafts (first, last) in which they do.
ASSERTIONS: dict[str, tuple[int, int]] = {
    "$ref": (DRAFT4, LATEST),
    "$dynamicRef": (DRAFT2020, LATEST),
    "$recursiveRef": (DRAFT2019, DRAFT2019),
    "type": (DRAFT4, LATEST),
    "enum": (DRAFT4, LATEST),
    "const": (DRAFT6, LATEST),
    "properties": (DRAFT4, LATEST),
    "patternProperties": (DRAFT4, LATEST),
    "additionalProperties": (DRAFT4, LATEST),
    "unevaluatedProperties": (DRAFT2019, LATEST),
    "propertyNames": (DRAFT6, LATEST),
    "required": (DRAFT4, LATEST),
    "minProperties": (DRAFT4, LATEST),
    "maxProperties": (DRAFT4, LATEST),
    "dependencies": (DRAFT4, LATEST),
    "dependentRequired": (DRAFT2019, LATEST),
    "dependentSchemas": (DRAFT2019, LATEST),
    "items": (DRAFT4, LATEST),
    "prefixItems": (DRAFT2020, LATEST),
    "additionalItems": (DRAFT4, LATEST),
    "unevaluatedItems": (DRAFT2019, LATEST),
    "contains": (DRAFT6, LATEST),
    "minContains": (DRAFT2019, LATEST),
    "maxContains": (DRAFT2019, LATEST),
    "minItems": (DRAFT4, LATEST),
    "maxItems": (DRAFT4, LATEST),
    "uniqueItems": (DRAFT4, LATEST),
    "minLength": (DRAFT4, LATEST),
    "maxLength": (DRAFT4, LATEST),
    "pattern": (DRAFT4, LATEST),
    "format": (DRAFT4, LATEST),
    "minimum": (DRAFT4, LATEST),
    "maximum": (DRAFT4, LATEST),
    "exclusiveMinimum": (DRAFT4, LATEST),
    "exclusiveMaximum": (DRAFT4, LATEST),
    "multipleOf": (DRAFT4, LATEST),
    "allOf": (DRAFT4, LATEST),
    "anyOf": (DRAFT4, LATEST),
    "oneOf": (DRAFT4, LATEST),
    "not": (DRAFT4, LATEST),
    "if": (DRAFT7, LATEST),
    "then": (DRAFT7, LATEST),
    "else": (DRAFT7, LATEST),
    "extends": (DRAFT3, DRAFT3),
    "x-plain-integer": (DRAFT4, LATEST),
    "disallow": (DRAFT3, DRAFT3),
    "divisibleBy": (DRAFT3, DRAFT3),
}

#: Keywords of draft 4 that draft 3 has with the same meaning. (Its "required" is a boolean.)
_DRAFT3 = (
    "$ref type enum properties patternProperties additionalProperties dependencies items additionalItems minItems"
    " maxItems uniqueItems minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum"
    " required extends disallow divisibleBy"
)

#: Keywords that mean something only beside another one.
_COMPANIONS = {
    "then": "if", "else": "if", "minContains": "contains", "maxContains": "contains", "x-plain-integer": "type",
}  # fmt: skip

#: Keywords that give names to schemas, with the drafts (first, last) that have them and what they take.
NAMING: dict[str, tuple[int, int, type, str]] = {
    "id": (DRAFT3, DRAFT4, str, "a URI reference"),
    "$id": (DRAFT6, LATEST, str, "a URI reference"),
    "$anchor": (DRAFT2019, LATEST, str, "a name"),
    "$dynamicAnchor": (DRAFT2020, LATEST, str, "a name"),
    "$recursiveAnchor": (DRAFT2019, DRAFT2019, bool, "a boolean"),
    "$vocabulary": (DRAFT2019, LATEST, dict, "an object of booleans"),
    "$defs": (DRAFT3, LATEST, dict, "an object of schemas"),
    "definitions": (DRAFT3, LATEST, dict, "an object of schemas"),
}

#: Those that hold schemas for references.
HOLDING = frozenset(("$defs", "definitions"))

#: Keywords of the standard that describe and assert nothing.
_DESCRIBING = frozenset(
    ("title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly")
) | frozenset(("contentEncoding", "contentMediaType", "contentSchema"))

#: The vocabularies of the standard, by the last part of their names, and the asserting keywords of each.
_VALIDATION = (
    "type enum const required minProperties maxProperties dependentRequired minContains maxContains minItems maxItems"
    " uniqueItems minLength maxLength pattern minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"
    " x-plain-integer"
)
_VOCABULARIES: dict[str, frozenset[str]] = {
    "validation": frozenset(_VALIDATION.split()),
    "unevaluated": frozenset(("unevaluatedItems", "unevaluatedProperties")),
    "format-annotation": frozenset(),
    "format-assertion": frozenset(),
    "format": frozenset(),
    "meta-data": frozenset(),
    "content": frozenset(),
    "core": frozenset(("$ref", "$dynamicRef", "$recursiveRef")),
}
_VOCABULARIES["applicator"] = (
    frozenset(ASSERTIONS) - frozenset(("format", "dependencies")) - frozenset().union(*_VOCABULARIES.values())
)

#: Keywords for which the whole schema is worked through when it is compiled; without them parts wait until a text
#: comes to them.
COMBINING = frozenset(
    ("uniqueItems", "minProperties", "contains", "not", "oneOf", "anyOf", "allOf", "if", "pattern", "multipleOf")
) | frozenset(("unevaluatedProperties", "unevaluatedItems", "dependencies", "dependentSchemas", "propertyNames"))

DRAFT3_HINT = 'Say it in draft 4 or later, and name that in "$schema"'


def silence(
    name: str, schema: Mapping[str, Any], draft: int, ignored: frozenset[str], where: str
) -> str | None:
    """Why a keyword of a schema asserts nothing; None if it asserts.

    Args:
        ignored: keywords that the metaschema leaves out.
        where: the schema's place, for the error.

    Raises:
        UnsupportedError: a keyword that the draft does not have, but whose name later drafts gave a meaning (draft 3).
    """
    drafts = ASSERTIONS.get(name)
    if draft <= DRAFT7 and name != "$ref" and isinstance(schema.get("$ref"), str):
        return f"counts for nothing beside $ref in draft {draft}"
    if drafts is None:
        return "describes only" if name in _DESCRIBING else "nobody knows it"
    if draft == DRAFT3 and name not in _DRAFT3.split():
        raise UnsupportedError(
            f'"{name}" is not in draft 3, which "$schema" names', where=f"{where}/{escape(name)}", hint=DRAFT3_HINT
        )
    if not drafts[0] <= max(draft, DRAFT4) <= drafts[1] and draft != drafts[0]:
        return f"is not in draft {draft_name(draft)}"
    if name in ignored:
        return "the metaschema leaves out its vocabulary"
    companion = _COMPANIONS.get(name, name)
    return None if companion in schema else f'means nothing without "{companion}"'


def misnamed(name: str, value: Any, schema: Mapping[str, Any], draft: int) -> str | None:
    """What a keyword that names schemas takes, where its value is something else; None where it is right."""
    first, last, kind, needed = NAMING.get(name, (LATEST + 1, LATEST, object, ""))
    if not first <= draft <= last or (draft <= DRAFT7 and isinstance(schema.get("$ref"), str)):
        return None
    return None if isinstance(value, kind) else needed


def left_out(vocabulary: Mapping[str, Any] | None) -> frozenset[str]:
    """The keywords that a metaschema's ``$vocabulary`` leaves out; none without one.

    Raises:
        UnsupportedError: the metaschema demands a vocabulary that is not known.
    """
    if vocabulary is None:
        return frozenset()
    known = {uri.rsplit("/", 1)[-1] for uri in vocabulary if "json-schema.org/" in uri}
    for uri, needed in vocabulary.items():
        if needed is True and not ("json-schema.org/" in uri and uri.rsplit("/", 1)[-1] in _VOCABULARIES):
            raise UnsupportedError(f"the vocabulary {uri!r} is not known", where="#/$schema")
    return frozenset().union(
        *(keywords for name, keywords in _VOCABULARIES.items() if name not in known and name != "core")
    )
