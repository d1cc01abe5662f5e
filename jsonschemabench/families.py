"""Families of schemas that grow with a number: how compiling and masks grow with it.

Receives an engine's name and limits; returns the lines of a Markdown table. Each schema comes with a valid text and an
invalid one, so that a wrong mask shows beside its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from jsonschemabench.cases import Case, Instance
from jsonschemabench.measure import RIGHT
from jsonschemabench.pool import Limits, Worker

INTEGER, STRING = {"type": "integer"}, {"type": "string"}


@dataclass(frozen=True)
class Family:
    """Schemas by size, with a value that is valid and one that is not."""

    name: str
    schema: Callable[[int], Any]
    valid: Callable[[int], Any]
    invalid: Callable[[int], Any]
    sizes: tuple[int, ...]


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _nested_not(n: int) -> dict[str, Any]:
    schema = _object({"a": INTEGER}, "a")
    for i in range(n):
        schema = {"type": "object", "not": _object({"b": schema, f"c{i}": schema}, "b")}
    return schema


def _tree_value(n: int) -> dict[str, Any]:
    value: dict[str, Any] = {"v": 1}
    for _ in range(n):
        value = {"left": value, "v": 1}
    return value


def _letters(n: int) -> str:
    return "".join(chr(ord("a") + i) for i in range(n))


FAMILIES = (
    Family(
        "oneOf with a required constant",
        lambda n: {"oneOf": [_object({"kind": {"const": f"k{i}"}, f"p{i}": INTEGER}, "kind") for i in range(n)]},
        lambda n: {"kind": f"k{n - 1}", f"p{n - 1}": 1},
        lambda n: {"kind": f"k{n - 1}", f"p{n - 1}": "x"},
        (2, 8, 32, 64),
    ),
    Family(
        "oneOf with an optional constant",
        lambda n: {"oneOf": [_object({"kind": {"const": f"k{i}"}, f"p{i}": INTEGER}) for i in range(n)]},
        lambda n: {"kind": f"k{n - 1}", f"p{n - 1}": 1},
        lambda n: {"kind": f"k{n - 1}", f"p{n - 1}": "x"},
        (2, 8, 32, 64),
    ),
    Family(
        "oneOf without a discriminator",
        lambda n: {"oneOf": [_object({f"p{i}": INTEGER}, f"p{i}") for i in range(n)]},
        lambda n: {"p0": 1, "p1": "x"},
        lambda n: {"p0": 1, "p1": 1},
        (2, 8, 32, 64),
    ),
    Family(
        "oneOf of nested bounds",
        lambda n: {"oneOf": [_object({"a": {"type": "integer", "minimum": i}}, "a") for i in range(n)]},
        lambda n: {"a": 0},
        lambda n: {"a": 1},
        (2, 8, 32, 64),
    ),
    Family(
        "anyOf of overlapping objects",
        lambda n: {"anyOf": [_object({"a": {"minimum": i}, f"p{i}": STRING}, "a") for i in range(n)]},
        lambda n: {"a": n, "p0": "x"},
        lambda n: {"a": -1},
        (2, 8, 32, 64),
    ),
    Family("not within not", _nested_not, lambda n: {}, lambda n: 1, (1, 2, 4, 8)),
    Family(
        "if/then/else over distinct properties",
        lambda n: {
            "type": "object",
            "allOf": [
                {"if": _object({f"k{i}": {"const": 1}}, f"k{i}"), "then": {"required": [f"v{i}"]}, "else": {}}
                for i in range(n)
            ],
        },
        lambda n: {"k0": 1, "v0": 2},
        lambda n: {"k0": 1, "v1": 2},
        (1, 4, 16, 32),
    ),
    Family(
        "if/then/else over a shared property",
        lambda n: {
            "type": "object",
            "allOf": [
                {
                    "if": _object({"k": {"const": f"k{i}"}}, "k"),
                    "then": _object({"shared": {"minimum": i}}, f"v{i}"),
                    "else": _object({f"v{i}": STRING}),
                }
                for i in range(n)
            ],
        },
        lambda n: {"k": "k0", "v0": 2, "shared": 1},
        lambda n: {"k": "k0", "shared": 1},
        (1, 4, 16, 32),
    ),
    Family(
        "dependentSchemas",
        lambda n: {"type": "object", "dependentSchemas": {f"a{i}": _object({}, f"b{i}") for i in range(n)}},
        lambda n: {"a0": 1, "b0": 1},
        lambda n: {"a0": 1, "c": 1},
        (1, 4, 16, 32),
    ),
    Family(
        "allOf of oneOf of two",
        lambda n: {
            "type": "object",
            "allOf": [{"oneOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(n)],
        },
        lambda n: {f"{'ab'[i % 2]}{i}": 1 for i in range(n)},
        lambda n: {"a0": 1, "b0": 1},
        (1, 4, 16, 32),
    ),
    Family(
        "object that is none of n constants",
        lambda n: _object({"a": INTEGER, "b": STRING}, "a") | {"not": {"enum": [{"a": i} for i in range(n)]}},
        lambda n: {"a": n},
        lambda n: {"a": n - 1},
        (1, 16, 64),
    ),
    Family(
        "array that is none of n constants",
        lambda n: {"type": "array", "items": INTEGER, "not": {"enum": [[i, i + 1] for i in range(n)]}},
        lambda n: [0, 2],
        lambda n: [0, 1],
        (1, 16, 64),
    ),
    Family(
        "enum of strings",
        lambda n: {"enum": [f"value {i}" for i in range(n)]},
        lambda n: f"value {n - 1}",
        lambda n: f"value {n}",
        (10, 1000),
    ),
    Family(
        "enum of many types",
        lambda n: {"enum": [(i, f"value {i}", {"a": i})[i % 3] for i in range(n)]},
        lambda n: {"a": 2},
        lambda n: {"a": 1},
        (10, 1000),
    ),
    Family(
        "enum of objects",
        lambda n: {"enum": [{"a": i, "b": f"v{i % 7}"} for i in range(n)]},
        lambda n: {"a": 1, "b": "v1"},
        lambda n: {"a": 1, "b": "v2"},
        (10, 1000),
    ),
    Family(
        "overlapping patternProperties with one schema",
        lambda n: {"type": "object", "patternProperties": {letter: {"minimum": 0} for letter in _letters(n)}},
        lambda n: {_letters(n): 1},
        lambda n: {_letters(n): -1},
        (1, 4, 16),
    ),
    Family(
        "overlapping patternProperties with different schemas",
        lambda n: {
            "type": "object",
            "patternProperties": {letter: {"minimum": i} for i, letter in enumerate(_letters(n))},
        },
        lambda n: {_letters(n): n},
        lambda n: {_letters(n): -1},
        (1, 2, 4, 6, 8, 16),
    ),
    Family(
        "optional properties, in any order",
        lambda n: _object({f"p{i}": INTEGER for i in range(n)}) | {"additionalProperties": False},
        lambda n: {f"p{i}": 1 for i in reversed(range(n))},
        lambda n: {f"p{i}": 1 for i in reversed(range(n))} | {"p0": "x"},
        (10, 100, 500),
    ),
    Family(
        "unique items out of an enum of n",
        lambda n: {"items": {"enum": [f"value {i}" for i in range(n)]}, "type": "array", "uniqueItems": True},
        lambda n: [f"value {i}" for i in reversed(range(n // 2))],
        lambda n: [f"value {i}" for i in reversed(range(n // 2))] + ["value 0"],
        (10, 100, 400),
    ),
    Family(
        "unique strings, n in the text",
        lambda n: {"items": STRING, "type": "array", "uniqueItems": True},
        lambda n: [f"s{i}" for i in range(n)],
        lambda n: [*(f"s{i}" for i in range(n)), "s0"],
        (10, 100, 400),
    ),
    Family(
        "maxItems",
        lambda n: {"items": INTEGER, "type": "array", "maxItems": n},
        lambda n: [1] * n,
        lambda n: [1] * (n + 1),
        (100, 10_000),
    ),
    Family(
        "tree of objects, nested n deep in the text",
        lambda n: {
            "$ref": "#/$defs/t",
            "$defs": {"t": _object({"left": {"$ref": "#/$defs/t"}, "v": INTEGER}, "v")},
        },
        _tree_value,
        lambda n: {"v": "x"},
        (10, 100),
    ),
)


def cases(only: str | None) -> Iterator[tuple[str, int, Case]]:
    """The families whose names have ``only`` in them: name, size, schema with texts."""
    for family in FAMILIES:
        if only is None or only in family.name:
            for n in family.sizes:
                tests = (Instance(family.valid(n), True), Instance(family.invalid(n), False))
                yield family.name, n, Case(f"{family.name} {n}", "families", family.schema(n), tests)


def rows(engine: str, vocab: str, order: str, limits: Limits, only: str | None = None) -> Iterator[str]:
    """Measure the families; the lines of a Markdown table, times in milliseconds."""
    yield "| family | n | first mask | mask p50 | mask p99 | states | verdict |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    with Worker(engine, vocab, order, limits) as worker:
        for name, n, case in cases(only):
            record = worker.run(case)
            masks = record.get("mask_us") or [float("nan")]
            first = record.get("ttfm_us", record.get("compile_us", float("nan"))) / 1000
            p50, p99 = (float(np.percentile(masks, p)) / 1000 for p in (50, 99))
            states = record.get("states")
            yield (
                f"| {name} | {n} | {first:.1f} | {p50:.3f} | {p99:.3f} | {'' if states is None else states} "
                f"| {_verdict(record)} |"
            )


def _verdict(record: dict[str, Any]) -> str:
    if record["status"] != "ok":
        return f"{record['status']}: {record['reason']}"
    return "right" if set(record["tests"]) == {RIGHT} else ", ".join(record["tests"])
