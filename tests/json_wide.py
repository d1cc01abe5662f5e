"""Random schemas with every keyword of a draft in them, and a second judge.

:class:`WideMaker` adds to :class:`~tests.json_strategies.SchemaMaker` what schemas in the wild rarely have: anchors,
dynamic references, identifiers inside, unevaluated* with schemas, all formats, annotations everywhere.
"""

from __future__ import annotations

import random
from typing import Any

from tests.json_strategies import FORMATTED, Schema, SchemaMaker, for_judges, in_draft

DRAFTS = ("2020-12", "2020-12", "2019-09", "7", "6", "4")

#: Where libraries agree on enough values to be judges.
FORMATS = tuple(FORMATTED)

_NOISE: dict[str, Any] = {
    "title": "t", "description": "d", "default": {"type": 3}, "examples": [1], "$comment": "c", "deprecated": True,
    "readOnly": True, "writeOnly": True, "contentEncoding": "base64", "contentMediaType": "text/html", "x-any": [{}],
}  # fmt: skip


class WideMaker(SchemaMaker):
    """Draws schemas of a draft, said in 2020-12's words; ``in_draft`` says them in the draft's own."""

    def __init__(self, rng: random.Random, depth: int, draft: str) -> None:
        super().__init__(rng, depth)
        self.draft = draft
        self.new = draft in ("2020-12", "2019-09")

    def document(self) -> Schema:
        schema = super().document()
        if not isinstance(schema, dict) or not self.new:
            return schema
        definitions = schema.get("$defs", {})
        if definitions:
            first = next(iter(definitions))
            inner = definitions[first]
            if isinstance(inner, dict) and "$ref" not in inner:
                inner["$anchor"] = "here"
        if self.draft == "2020-12":
            definitions["dynamic"] = {"$dynamicAnchor": "node", **self.plain()}
        definitions["local"] = {
            "$id": "http://example.org/local", "$defs": {"x": self.plain()}, "items": {"$ref": "#/$defs/x"},
        }  # fmt: skip
        schema["$defs"] = definitions
        return schema

    def plain(self) -> dict[str, Any]:
        """A schema without references."""
        return self.rng.choice([{"type": "integer"}, {"type": "string", "maxLength": 2}, {"enum": [1, "a", None]}])

    def child(self, depth: int) -> Schema:
        rng = self.rng
        if self.new and rng.random() < 0.08:
            references = [{"$ref": "http://example.org/local"}]
            if self.draft == "2019-09":
                references.append({"$recursiveRef": "#"})
            else:
                references += [{"$dynamicRef": "#node"}, {"$ref": "#node"}]
            return {**rng.choice(references), **(self.noise() if rng.random() < 0.3 else {})}
        return super().child(depth)

    def noise(self) -> dict[str, Any]:
        return dict(self.rng.sample(sorted(_NOISE.items()), self.rng.randint(1, 2)))

    def schema(self, depth: int) -> Schema:
        schema = super().schema(depth)
        if isinstance(schema, dict) and "$ref" not in schema and self.rng.random() < 0.15:
            return {**self.noise(), **schema}
        return schema

    def string(self, schema: dict[str, Any], depth: int) -> None:
        super().string(schema, depth)
        if self.rng.random() < 0.15:
            schema["format"] = self.rng.choice(FORMATS)

    def array(self, schema: dict[str, Any], depth: int) -> None:
        super().array(schema, depth)
        if self.new and self.rng.random() < 0.08:
            schema["unevaluatedItems"] = self.schema(min(depth, 1))

    def object(self, schema: dict[str, Any], depth: int) -> None:
        super().object(schema, depth)
        rng = self.rng
        if rng.random() < 0.04:
            schema["propertyNames"] = {"not": {"enum": ["a", "b"]}} if rng.random() < 0.5 else {"format": "date"}
        if self.draft == "2020-12" and rng.random() < 0.08:
            schema["unevaluatedProperties"] = self.schema(min(depth, 1))

    def combine(self, schema: dict[str, Any], depth: int) -> None:
        super().combine(schema, depth)
        if self.rng.random() < 0.2:
            super().combine(schema, depth)


def wide_schema(rng: random.Random) -> Schema:
    """A schema of some draft."""
    draft = rng.choice(DRAFTS)
    schema = WideMaker(rng, rng.choice([1, 2, 2, 3]), draft).document()
    return schema if draft == "2020-12" else in_draft(schema, draft)


def second_judge(schema: Schema, value: Any) -> bool:
    """jsonschema-rs, told the same as :func:`tests.json_strategies.is_valid` tells jsonschema. It differs in that it
    asserts only the formats of the draft, and contentEncoding in drafts 6 and 7."""
    import jsonschema_rs

    judge = jsonschema_rs.validator_for(for_judges(schema), validate_formats=True)
    return bool(judge.is_valid(value))
