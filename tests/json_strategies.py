"""Random JSON Schemas, values that are near to satisfying them, and the texts of values.

All generators take a ``random.Random``; :func:`schemas` hands hypothesis' own to them, so that examples shrink.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jsonschema
from hypothesis import strategies as st

NAMES = ("a", "b", "ab", "x-1", "é")
#: (An empty pattern matches everything, but jsonschema forgets it beside additionalProperties.)
NAME_PATTERNS = ("^a", "b$", "^x-", "^.$", "^")
STRINGS = ("", "a", "b", "ab", "aab", "abab", "é", "😀", 'q"q', "\\", "\n", "2024-02-29", "127.0.0.1", "x@y.org", "1")
STRING_PATTERNS = ("^a", "b$", "^(ab)*$", "a|é", "^[a-b]{1,3}$", "^[^a]*$", "^[a-c]+$", "😀", "^\\d{4}-")
NUMBERS = (0, 1, -1, 2, 3, 5, 7, 10, 12, -3, 100, 0.5, 1.5, 2.25, -0.5, 1.0, 3.0, 1e3)
FORMATS = ("date", "ipv4", "uuid", "email", "time", "date-time", "hostname", "ipv6", "uri", "duration", "json-pointer")
FORMATTED = {
    "date": ("2024-02-29", "2023-02-29", "1999-12-31"),
    "ipv4": ("127.0.0.1", "256.1.1.1", "1.2.3"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    "email": ("x@y.org", "x"),
    "time": ("12:30:00Z", "25:00:00Z", "12:30:00"),
    "date-time": ("2024-02-29T12:30:00Z", "2024-02-30T12:30:00Z"),
    "hostname": ("example.org", "-a.org"),
    "ipv6": ("::1", "1::2::3"),
    "uri": ("http://a.b/c", "a b"),
    "duration": ("P1D", "P"),
    "json-pointer": ("/a/b", "a"),
    "relative-json-pointer": ("1/a", "/a"),
    "uri-reference": ("/a?b#c", "\\a"),
    "iri": ("http://é.org/ü", "é"),
    "iri-reference": ("/é", "\\é"),
    "uri-template": ("/a/{b}", "/{a"),
    "idn-email": ("é@é.org", "é"),
    "idn-hostname": ("é.org", "-é"),
    "regex": ("^a*$", "(a"),
    "no-such": ("a", "b"),
}
#: Formats whose checks in jsonschema need nothing installed and agree with their standards.
JUDGED_FORMATS = ("date", "ipv4", "uuid")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

Schema = Any


class SchemaMaker:
    """Draws schemas. References go to ``#`` and ``#/$defs/..``, and only below a property or an item."""

    def __init__(self, rng: random.Random, depth: int = 3, boolean: bool = True) -> None:
        self.rng = rng
        self.depth = depth
        self.boolean = boolean
        self.defs = rng.randint(0, 2)

    def document(self) -> Schema:
        schema = self.schema(self.depth)
        if isinstance(schema, dict) and self.defs:
            schema["$defs"] = {f"d{i}": self.schema(max(1, self.depth - 1)) for i in range(self.defs)}
        return schema

    def child(self, depth: int) -> Schema:
        if self.rng.random() < 0.12:
            targets = ["#", *(f"#/$defs/d{i}" for i in range(self.defs))]
            return {"$ref": self.rng.choice(targets if self.defs else targets[:1])} if self.defs else True
        return self.schema(depth)

    def schema(self, depth: int) -> Schema:
        rng = self.rng
        roll = rng.random()
        if roll < 0.06:
            return True
        if roll < 0.08:
            return False
        if roll < 0.16:
            return {"const": self.value(1)}
        if roll < 0.24:
            return {"enum": [self.value(1) for _ in range(rng.randint(1, 3))]}
        kinds = rng.sample(TYPES, rng.choice([1, 1, 1, 2])) if rng.random() < 0.85 else []
        schema: dict[str, Any] = {}
        if kinds:
            schema["type"] = kinds[0] if len(kinds) == 1 else kinds
        about = kinds or [rng.choice(TYPES)]
        makers: dict[str, Callable[[dict[str, Any], int], None]] = {
            "string": self.string, "number": self.number, "integer": self.number,
            "array": self.array, "object": self.object,
        }  # fmt: skip
        for kind in about:
            if kind in makers and (depth > 0 or kind in ("string", "number", "integer")):
                makers[kind](schema, depth - 1)
        if depth > 0 and self.boolean and rng.random() < 0.3:
            self.combine(schema, depth - 1)
        return schema

    def string(self, schema: dict[str, Any], depth: int) -> None:
        rng = self.rng
        if rng.random() < 0.3:
            schema["pattern"] = rng.choice(STRING_PATTERNS)
        if rng.random() < 0.25:
            schema["minLength"] = rng.randint(0, 3)
        if rng.random() < 0.25:
            schema["maxLength"] = rng.randint(0, 5)
        if rng.random() < 0.1:
            schema["format"] = rng.choice(JUDGED_FORMATS)

    def number(self, schema: dict[str, Any], depth: int) -> None:
        rng = self.rng
        for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if rng.random() < 0.2:
                schema[keyword] = rng.choice(NUMBERS)
        if rng.random() < 0.15:
            schema["multipleOf"] = rng.choice([2, 3, 0.5, 0.25])

    def array(self, schema: dict[str, Any], depth: int) -> None:
        rng = self.rng
        if rng.random() < 0.3:
            schema["prefixItems"] = [self.child(depth) for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.6:
            schema["items"] = self.child(depth)
        if rng.random() < 0.25:
            schema["minItems"] = rng.randint(0, 2)
        if rng.random() < 0.25:
            schema["maxItems"] = rng.randint(0, 3)
        if rng.random() < 0.05:
            schema["unevaluatedItems"] = False
        if rng.random() < 0.1:
            schema["uniqueItems"] = True
            if rng.random() < 0.7:
                schema["items"] = {"enum": [self.value(0) for _ in range(3)]}
        if rng.random() < 0.1:
            schema["contains"] = self.child(depth)
            if rng.random() < 0.5:
                schema["minContains"] = rng.randint(0, 2)
            if rng.random() < 0.3:
                schema["maxContains"] = rng.randint(0, 2)

    def object(self, schema: dict[str, Any], depth: int) -> None:
        rng = self.rng
        if rng.random() < 0.8:
            names = rng.sample(NAMES, rng.randint(1, 3))
            schema["properties"] = {name: self.child(depth) for name in names}
        if rng.random() < 0.4:
            schema["required"] = rng.sample(NAMES, rng.randint(1, 2))
        if rng.random() < 0.5:
            schema["additionalProperties"] = False if rng.random() < 0.6 else self.child(depth)
        if rng.random() < 0.15:
            schema["patternProperties"] = {rng.choice(NAME_PATTERNS): self.child(depth)}
        if rng.random() < 0.1:
            schema["minProperties"] = rng.randint(0, 2)
        if rng.random() < 0.1:
            schema["maxProperties"] = rng.randint(0, 3)
        if rng.random() < 0.08:
            schema["propertyNames"] = rng.choice(
                [{"pattern": rng.choice(NAME_PATTERNS)}, {"enum": list(NAMES[:3])}, {"maxLength": 1}]
            )
        if rng.random() < 0.08:
            schema["dependentRequired"] = {rng.choice(NAMES): [rng.choice(NAMES)]}
        if rng.random() < 0.05:
            schema["dependentSchemas"] = {rng.choice(NAMES): self.schema(depth)}
        if rng.random() < 0.05:
            schema["unevaluatedProperties"] = False

    def combine(self, schema: dict[str, Any], depth: int) -> None:
        rng = self.rng
        keyword = rng.choice(["anyOf", "allOf", "oneOf", "not", "if"])
        if keyword == "not":
            schema["not"] = self.schema(depth)
        elif keyword == "if":
            schema["if"] = self.schema(depth)
            for branch in rng.sample(["then", "else"], rng.randint(1, 2)):
                schema[branch] = self.schema(depth)
        else:
            schema[keyword] = [self.schema(depth) for _ in range(rng.randint(1, 3))]

    def value(self, depth: int) -> Any:
        return random_value(self.rng, depth)


def random_value(rng: random.Random, depth: int = 2) -> Any:
    """Any JSON value, small."""
    kind = rng.choice(TYPES if depth > 0 else TYPES[:5])
    if kind == "null":
        return None
    if kind == "boolean":
        return rng.random() < 0.5
    if kind in ("integer", "number"):
        return rng.choice(NUMBERS)
    if kind == "string":
        return rng.choice(STRINGS)
    if kind == "array":
        return [random_value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {name: random_value(rng, depth - 1) for name in rng.sample(NAMES, rng.randint(0, 3))}


def instance(rng: random.Random, schema: Schema, root: Schema, depth: int = 5) -> Any:
    """A value that heeds the keywords of the schema, without promising to satisfy them."""
    if not isinstance(schema, dict) or depth <= 0 or rng.random() < 0.04:
        return random_value(rng, max(0, min(2, depth - 1)))
    if "$ref" in schema:
        return instance(rng, target_of(schema["$ref"], root), root, depth - 1)
    for keyword in ("$dynamicRef", "$recursiveRef"):
        if keyword in schema and rng.random() < 0.8:
            return instance(rng, target_of(schema[keyword], root), root, depth - 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema and rng.random() < 0.7:
            rest = {k: v for k, v in schema.items() if k != keyword}
            chosen = rng.choice(schema[keyword])
            return instance(rng, merged(rest, chosen), root, depth)
    if "if" in schema and "then" in schema and rng.random() < 0.5:
        rest = {k: v for k, v in schema.items() if k not in ("if", "then", "else")}
        return instance(rng, merged(merged(rest, schema["if"]), schema["then"]), root, depth)
    kinds = schema.get("type", None)
    if kinds is None:
        hints = {"properties": "object", "required": "object", "items": "array", "prefixItems": "array",
                 "pattern": "string", "minLength": "string", "maxLength": "string", "minimum": "number",
                 "maximum": "number", "multipleOf": "number"}  # fmt: skip
        kinds = [hints[k] for k in schema if k in hints] or list(TYPES)
    kind = rng.choice([kinds] if isinstance(kinds, str) else kinds)
    if kind == "object":
        return instance_object(rng, schema, root, depth)
    if kind == "array":
        prefix = schema.get("prefixItems", [])
        least, most = schema.get("minItems", 0), schema.get("maxItems", len(prefix) + 2)
        n = rng.randint(least, max(least, most))
        return [
            instance(rng, prefix[i] if i < len(prefix) else schema.get("items", True), root, depth - 1)
            for i in range(n)
        ]
    if kind == "string":
        return instance_string(rng, schema)
    if kind in ("integer", "number"):
        bounds = [schema[k] for k in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") if k in schema]
        near = [b + d for b in bounds for d in (-1, 0, 1, 0.5)]
        step = schema.get("multipleOf")
        value = rng.choice([*near, *NUMBERS]) if near else rng.choice(NUMBERS)
        value = value if step is None or rng.random() < 0.2 else round(value / step) * step
        return int(value) if kind == "integer" and rng.random() < 0.9 else value
    return None if kind == "null" else rng.random() < 0.5


def target_of(reference: str, root: Schema) -> Schema:
    """Where a reference within the document leads; an anchor stands in the root's definitions."""
    if reference.startswith("#/"):
        target = root
        for part in reference[2:].split("/"):
            target = target.get(part, True) if isinstance(target, dict) else True  # (of another resource: anything)
        return target
    named = [s for s in root.get("$defs", {}).values() if isinstance(s, dict)]
    anchors = {s.get(keyword): s for s in named for keyword in ("$anchor", "$dynamicAnchor") if keyword in s}
    ids = {s["$id"]: s for s in named if "$id" in s}
    return anchors.get(reference[1:], ids.get(reference, root))


def instance_object(rng: random.Random, schema: dict[str, Any], root: Schema, depth: int) -> dict[str, Any]:
    properties: dict[str, Schema] = schema.get("properties", {})
    names = [n for n in properties if rng.random() < 0.6] + list(schema.get("required", []))
    if rng.random() < 0.3:
        names.append(rng.choice(NAMES))
    rng.shuffle(names)
    result = {}
    for name in names:
        inner = properties.get(name, schema.get("additionalProperties", True))
        result[name] = instance(rng, inner, root, depth - 1)
    return result


def instance_string(rng: random.Random, schema: dict[str, Any]) -> str:
    if "format" in schema and rng.random() < 0.8:
        return rng.choice(FORMATTED.get(schema["format"], STRINGS))
    least, most = schema.get("minLength", 0), schema.get("maxLength", 5)
    if rng.random() < 0.5:
        return "".join(rng.choice("abé😀1") for _ in range(rng.randint(least, max(least, most))))
    return rng.choice(STRINGS)


def merged(a: Schema, b: Schema) -> Schema:
    """The keywords of both; of properties and required, the union."""
    if not isinstance(a, dict) or not isinstance(b, dict):
        return a if isinstance(a, dict) else b
    result = {**a, **b}
    for keyword in ("properties", "required"):
        if keyword in a and keyword in b:
            result[keyword] = {**a[keyword], **b[keyword]} if keyword == "properties" else [*a[keyword], *b[keyword]]
    return result


def is_valid(schema: Schema, value: Any) -> bool:
    """The judge: jsonschema. All formats are asserted in all drafts; ``$`` is the end of the text, as in ECMA-262."""
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    formats = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return bool(kind(for_judges(schema), format_checker=formats).is_valid(value))


def as_read(schema: Schema, value: Any, text: str) -> Any:
    """What a judge is shown for a text of a value: in draft 4 what is read from it, for there 1.0 is no integer."""
    return json.loads(text) if isinstance(schema, dict) and "draft-04" in schema.get("$schema", "") else value


def in_draft(schema: Schema, draft: str) -> Schema:
    """The schema said in an older draft's words: its root names the draft; what the draft lacks is dropped."""
    uris = {
        "2019-09": "https://json-schema.org/draft/2019-09/schema",
        "7": "http://json-schema.org/draft-07/schema#",
        "6": "http://json-schema.org/draft-06/schema#",
        "4": "http://json-schema.org/draft-04/schema#",
    }
    if not isinstance(schema, dict):
        schema = {} if schema else {"not": {}}
    return {"$schema": uris[draft], **_older(schema, draft)}


def _older(schema: Schema, draft: str) -> Schema:
    if isinstance(schema, bool):
        return ({} if schema else {"not": {}}) if draft == "4" else schema
    if list(schema) == ["$ref"]:
        return schema
    result: dict[str, Any] = {}
    for keyword, inner in schema.items():
        if keyword in ("properties", "patternProperties", "$defs"):
            result[keyword] = {name: _older(s, draft) for name, s in inner.items()}
        elif keyword in ("anyOf", "allOf", "oneOf"):
            result[keyword] = [_older(s, draft) for s in inner]
        elif keyword == "unevaluatedItems" and draft == "2019-09":
            result[keyword] = _older(inner, draft)
        elif keyword == "additionalProperties":
            result[keyword] = inner if isinstance(inner, bool) else _older(inner, draft)
        elif keyword == "prefixItems":
            result["items"] = [_older(s, draft) for s in inner]
            if "items" in schema:
                result["additionalItems"] = _older(schema["items"], draft)
        elif keyword == "items":
            if "prefixItems" not in schema:  # a Boolean here would break jsonschema's unevaluatedItems
                result["items"] = _older(inner, "4" if isinstance(inner, bool) else draft)
        elif keyword in ("not", "contains", "propertyNames", "if", "then", "else"):
            if keyword == "not" or (draft != "4" and (keyword not in ("if", "then", "else") or draft != "6")):
                result[keyword] = _older(inner, draft)
        elif keyword == "dependentRequired":
            result[keyword if draft == "2019-09" else "dependencies"] = inner
        elif keyword == "dependentSchemas":
            if draft == "2019-09":
                result[keyword] = {name: _older(s, draft) for name, s in inner.items()}
            elif "dependentRequired" not in schema:
                result["dependencies"] = {name: _older(s, draft) for name, s in inner.items()}
        elif keyword in ("exclusiveMinimum", "exclusiveMaximum") and draft == "4":
            result[keyword] = True
            result[keyword.replace("exclusiveM", "m")] = inner
        elif keyword in ("minimum", "maximum") and draft == "4":
            result.setdefault(keyword, inner)
        elif keyword == "const" and draft == "4":
            result["enum"] = [inner]
        elif keyword in ("minContains", "maxContains"):
            if draft == "2019-09":
                result[keyword] = inner
        elif not keyword.startswith("unevaluated"):
            # (jsonschema's unevaluatedProperties of 2019-09 forgets additionalProperties, so it is dropped there too)
            result[keyword] = inner
    return result


def for_judges(schema: Schema) -> Schema:
    """A schema as the judges must be told it to say the same: ``$`` is the end of the text. In draft 2019-09 the items
    that ``contains`` finds are not evaluated by it, which both judges believe they are: below ``not`` they see none."""
    told = _strict(schema)
    return _hidden(told) if isinstance(told, dict) and "2019-09" in told.get("$schema", "") else told


def _hidden(schema: Schema) -> Schema:
    if isinstance(schema, list):
        return [_hidden(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: inner if name in ("const", "enum") else _hidden(inner) for name, inner in schema.items()}
    if "contains" in told:
        found = {name: told.pop(name) for name in ("contains", "minContains", "maxContains") if name in told}
        told["allOf"] = [*told.get("allOf", []), {"not": {"not": found}}]
    return told


def _strict(schema: Schema) -> Schema:
    if isinstance(schema, list):
        return [_strict(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for keyword, inner in schema.items():
        if keyword == "pattern" and isinstance(inner, str):
            result[keyword] = inner.replace("$", r"\Z")
        elif keyword == "patternProperties":
            result[keyword] = {name.replace("$", r"\Z"): _strict(s) for name, s in inner.items()}
        elif keyword in ("const", "enum"):
            result[keyword] = inner
        else:
            result[keyword] = _strict(inner)
    return result


# Texts


def spellings(rng: random.Random, value: Any) -> list[str]:
    """Some texts of a value, as encoders write them."""
    return list(
        dict.fromkeys(
            [
                json.dumps(value, separators=(",", ":"), ensure_ascii=False),
                json.dumps(value, ensure_ascii=True),
                json.dumps(value, ensure_ascii=False, indent=rng.choice([1, 2, 4])),
                json.dumps(shuffled(rng, value), ensure_ascii=rng.random() < 0.5),
                written(rng, value),
            ]
        )
    )


def written(rng: random.Random, value: Any) -> str:
    """A text of a value with numbers and strings as no encoder of Python's writes them."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, (int, float)):
        plain = repr(value)
        if "e" in plain:
            return plain
        whole, _, fraction = plain.partition(".")
        digits = fraction.rstrip("0")
        return whole + ("." + digits + "0" * rng.randint(0, 2) if digits else rng.choice(["", ".0", ".00"]))
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5).replace(
            "\\n", rng.choice(["\\n", "\\u000a", "\\u000A"])
        )
        return text.replace("/", "\\/") if rng.random() < 0.3 else text
    if isinstance(value, list):
        return "[" + ", ".join(written(rng, inner) for inner in value) + "]"
    return "{" + ", ".join(f"{written(rng, name)}: {written(rng, inner)}" for name, inner in value.items()) + "}"


def shuffled(rng: random.Random, value: Any) -> Any:
    """The same value with the properties of objects in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {name: shuffled(rng, inner) for name, inner in items}
    if isinstance(value, list):
        return [shuffled(rng, inner) for inner in value]
    return value


class InexactError(Exception):
    """A number that a float cannot tell from its neighbours: the judge would judge another number."""


def loads(text: str, last: bool = True) -> Any:
    """Parse a text, refusing what Python takes beyond JSON.

    Args:
        text: a JSON text.
        last: the last of the values of a repeated name counts, else the first. (No name should come twice.)

    Raises:
        InexactError: a number has more digits or a greater exponent than a float keeps.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(items if last else reversed(items))

    def constant(name: str) -> Any:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=_number, parse_int=_number)


def _number(text: str) -> int | float:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) < 20 and len(exponent) < 4:
        value = float(text)
        if abs(value) < 1e300 and Fraction(value) == Fraction(text):
            return int(text) if text.lstrip("-").isdigit() else value
    raise InexactError(text)


#: Tokens over which JSON texts are written: all bytes, and pieces that cross the borders of terminals.
TOKENS: tuple[bytes | None, ...] = (
    *(bytes([b]) for b in range(256)),
    b'{"', b'":', b'": ', b'",', b'", "', b'"}', b'"]', b'["', b"[]", b"{}", b"},", b"]}", b"}}", b"],[", b", ", b": ",
    b"true", b"false", b"null", b"tr", b"ue", b"ab", b"aab", b'"a"', b'"a":', b'"b":1', b'{"a":', b'"ab":"', b"x-1",
    b"10", b"00", b"1.", b".5", b"-1", b"e3", b"\\u00", b"\\n", b'\\"', "é".encode(), "😀".encode(), "😀".encode()[:2],
    b"2024-", b"-02", b"127.", b"0.0.1", b"  ", b"\n  ", b'\n  "', b" {", b" [", None, b"",
)  # fmt: skip


def schemas(depth: int = 2) -> st.SearchStrategy[Schema]:
    """Random schemas, for hypothesis."""
    return st.randoms(use_true_random=False).map(lambda rng: SchemaMaker(rng, depth).document())


def instances(schema: Schema) -> st.SearchStrategy[Any]:
    """Values near to satisfying a schema, for hypothesis."""
    return st.randoms(use_true_random=False).map(lambda rng: instance(rng, schema, schema))
