"""Why a schema holds nothing: the smallest part of it that can be named.

Receives a schema without values; returns its place and a sentence. Asked only when compiling has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from structgen.errors import ConstraintError
from structgen.frontends.json_schema.builder import Builder
from structgen.frontends.json_schema.formula import INFINITE
from structgen.frontends.json_schema.references import escape
from structgen.frontends.json_schema.schema import Schema

_IN_PLACE = ("$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas")
_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")


def clash(builder: Builder, schema: Schema) -> tuple[str, str]:
    """The place of the smallest part that holds nothing, and what is wrong there."""
    return _Search(builder).search(schema, schema.where)


class _Search:
    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.seen: set[Schema] = set()

    def empty(self, schema: Schema) -> bool:
        try:
            return self.builder.cost(self.builder.normaliser.formula(schema)) >= INFINITE
        except ConstraintError:
            return False  # a part that is refused by itself is not the reason looked for

    def of(self, keywords: dict[str, Any], where: str) -> bool:
        """Do some keywords alone admit nothing?"""
        return self.empty(Schema(keywords, False, where))

    def search(self, schema: Schema, where: str) -> tuple[str, str]:
        if schema.never:
            return where, "the schema is false"
        self.seen.add(schema)
        k = schema.keywords
        for name, inner in self.parts(k):
            if inner not in self.seen and self.empty(inner):
                at = inner.where if name == "$ref" else f"{where}/{name}"
                return self.search(inner, at)
        own = {name: value for name, value in k.items() if name not in _IN_PLACE + _UNEVALUATED}
        if self.of(own, where):
            return self.own(own, where, schema.written)
        for name in k:
            if name in _IN_PLACE and name not in ("anyOf", "oneOf", "allOf"):
                part = {n: v for n, v in k.items() if n == name or (name == "if" and n in ("then", "else"))}
                if self.of(own | part, where):
                    return f"{where}/{name}", f'"{name}" excludes what the rest of the schema asks for'
            elif name == "allOf":
                for i in range(len(k[name])):
                    if self.of(own | {"allOf": k[name][: i + 1]}, where):
                        return f"{where}/allOf/{i}", "the schema excludes what those before it ask for"
            elif name in ("anyOf", "oneOf") and self.of(own | {name: k[name]}, where):
                return f"{where}/{name}", f'no branch of "{name}" goes together with the rest of the schema'
        return where, "the parts of the schema exclude each other"

    def parts(self, k: dict[str, Any]) -> list[tuple[str, Schema]]:
        """Subschemas that have to hold something."""
        found = [("$ref", k["$ref"].schema)] if "$ref" in k else []
        found += [(f"allOf/{i}", inner) for i, inner in enumerate(k.get("allOf", ()))]
        for name in ("anyOf", "oneOf"):
            if name in k and all(self.empty(inner) for inner in k[name]):
                found += [(f"{name}/0", k[name][0])]
        if k.get("type") == {"object"}:
            properties = k.get("properties", {})
            found += [
                (f"properties/{escape(name)}", properties[name]) for name in k.get("required", ()) if name in properties
            ]
        if k.get("type") == {"array"}:
            least, prefix = k.get("minItems", 0), k.get("prefixItems", ())
            found += [(f"prefixItems/{i}", inner) for i, inner in enumerate(prefix[:least])]
            if least > len(prefix) and "items" in k:
                found.append(("items", k["items"]))
        return found

    def own(self, own: dict[str, Any], where: str, written: Mapping[str, str]) -> tuple[str, str]:
        """Fewest of the keywords that exclude each other, by leaving out one after the other."""
        needed = dict(own)
        for name in own:
            rest = {n: v for n, v in needed.items() if n != name}
            if self.of(rest, where):
                needed = rest
        called = [written.get(name, name) for name in needed]
        names = " and ".join(f'"{name}"' for name in called)
        if len(called) == 1:
            lone = any(map(_surrogate, needed.get("enum", ())))
            why = ": a lone surrogate is in no text" if lone else ""
            return f"{where}/{called[0]}", f"{names} admits nothing{why}"
        return where, f"{names} exclude each other"


def _surrogate(value: Any) -> bool:
    """Is a string of a frozen value without a text in UTF-8?"""
    if isinstance(value, tuple):
        return any(map(_surrogate, value))
    return isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value)
