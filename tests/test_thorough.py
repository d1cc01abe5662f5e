"""A part of ``python -m tests.thorough``: every keyword of every draft, nested, against two judges."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from structgen.frontends.json_schema.dialects import ASSERTIONS
from structgen.frontends.json_schema.formats import KNOWN
from tests import thorough
from tests.json_wide import wide_schema
from tests.strategies import THOROUGH

SEEDS = range(20_000) if THOROUGH else range(200)


def test_random_schemas_by_two_judges() -> None:
    pytest.importorskip("jsonschema_rs")
    counts: Counter[str] = Counter()
    for outcome in thorough.outcomes(SEEDS, float("inf")):
        assert outcome.kind != "differs", str(outcome)
        counts[outcome.kind] += 1
    assert counts["agrees"] >= 0.9 * len(SEEDS)


def test_every_keyword_and_format_is_drawn() -> None:
    seen: Counter[str] = Counter()
    formats: Counter[str] = Counter()

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            seen.update(list(schema))
            if isinstance(schema.get("format"), str):
                formats[schema["format"]] += 1
            for inner in schema.values():
                walk(inner)
        elif isinstance(schema, list):
            for inner in schema:
                walk(inner)

    for seed in range(3000):
        walk(wide_schema(random.Random(seed)))
    expected = {keyword for keyword, drafts in ASSERTIONS.items() if drafts[1] > 3}
    expected |= {"$id", "$anchor", "$dynamicAnchor", "$defs", "title", "default", "contentEncoding", "x-any"}
    assert expected - seen.keys() == {"x-plain-integer"}  # no judge knows it
    assert set(KNOWN) - formats.keys() == set()


def test_a_difference_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jsonschema_rs")
    monkeypatch.setattr(thorough, "accepts", lambda grammar, text: True)
    assert thorough.main(["--cases", "10"]) == 1
    assert "structgen True, both judges False" in capsys.readouterr().out
