"""Reading cases; and the shipped ones say what jsonschema says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import jsonschema
import pytest

from jsonschemabench.cases import BadData, load_cases

LINES = [
    {"id": f"c{i}", "split": "s", "schema": {"minimum": i}, "tests": [{"data": i, "valid": True}]} for i in range(5)
]


def test_shipped_cases_agree_with_jsonschema() -> None:
    cases = load_cases(None)
    assert len(cases) >= 10
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        kind = jsonschema.validators.validator_for(case.schema, default=jsonschema.Draft202012Validator)
        kind.check_schema(case.schema)
        validator = kind(case.schema, format_checker=kind.FORMAT_CHECKER)
        for test in case.tests:
            assert validator.is_valid(test.data) == test.valid, (case.id, test.data)
        assert {test.valid for test in case.tests} == ({True} if case.schema is True else {True, False})


@pytest.mark.parametrize("packed", [False, True])
def test_every_and_offset(tmp_path: Path, packed: bool) -> None:
    text = "\n".join(map(json.dumps, LINES)) + "\n"
    path = tmp_path / ("cases.jsonl.gz" if packed else "cases.jsonl")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert [case.id for case in load_cases(path)] == ["c0", "c1", "c2", "c3", "c4"]
    assert [case.id for case in load_cases(path, every=2, offset=1)] == ["c1", "c3"]


def test_a_folder_of_files(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"schema": {}, "tests": []}), encoding="utf-8")
    assert [case.id for case in load_cases(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not JSON"), ("[]", "needs a 'schema'"), ('{"schema": {}, "tests": [{}]}', "needs 'data' and 'valid'")],
)
def test_bad_files_name_the_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(BadData, match=said) as error:
        load_cases(path)
    assert "1" in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no such file"):
        load_cases(tmp_path / "nothing.jsonl")
