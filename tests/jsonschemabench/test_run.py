"""From the command to the table, on the shipped cases with byte tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jsonschemabench.__main__ import main
from jsonschemabench.compare import compare
from jsonschemabench.records import compact
from jsonschemabench.run import read_results
from jsonschemabench.summary import collect, normal_reason, table

NAUGHTY = "tests.jsonschemabench.naughty:Naughty"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


def cases(path: Path, *titles: str) -> Path:
    tests = [{"data": "a", "valid": True}, {"data": "b", "valid": True}]
    path.write_text(
        "".join(json.dumps({"id": t, "schema": {"title": t}, "tests": tests}) + "\n" for t in titles), encoding="utf-8"
    )
    return path


def test_results_and_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = cases(tmp_path / "data.jsonl", "fine", "refuse", "refuse a", "fail", "break")
    out = tmp_path / "results.jsonl"
    assert main(["run", "--data", str(data), "--engine", NAUGHTY, "--vocab", "bytes", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "| schemas fully right | 1 of 5 (20.0%) |" in printed
    assert "| refused at compile | 1 |" in printed
    assert "| over the limits, or crashed | 1 |" in printed
    assert "| schemas that reject a valid instance | 1 |" in printed
    assert "- 1 x not this one," in printed
    head, *records = read_results(out)
    assert head["kind"] == "header"
    assert head["machine"]["cores"] >= 1
    assert head["machine"]["packages"]["numpy"]
    assert [record["id"] for record in records] == ["fine", "refuse", "refuse a", "fail", "break"]
    assert main(["report", str(out)]) == 0
    assert printed.partition("\n\n")[2] == capsys.readouterr().out


def test_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = cases(tmp_path / "data.jsonl", "fine", "refuse", "refuse a")
    out = tmp_path / "results.jsonl"
    command = ["run", "--data", str(data), "--engine", NAUGHTY, "--vocab", "bytes", "--out", str(out)]
    assert main(command) == 0
    lines = out.read_text("utf-8").splitlines()
    out.write_text("\n".join([*lines[:2], lines[2][:20]]), encoding="utf-8")  # stopped while writing the second
    assert main([*command, "--resume"]) == 0
    assert "1 of 3" in capsys.readouterr().out
    ids = [record["id"] for record in read_results(out) if record["kind"] == "case"]
    assert ids == ["fine", "refuse", "refuse a"]


def test_engines_side_by_side_and_in_parallel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("llguidance")
    out = tmp_path / "results.jsonl"
    command = ["run", "--engine", "llguidance", "--engine", NAUGHTY, "--vocab", "bytes", "--jobs", "2"]
    assert main([*command, "--out", str(out)]) == 0
    figures = collect(read_results(out))
    assert set(figures) == {"llguidance", NAUGHTY}
    assert figures["llguidance"].schemas == figures[NAUGHTY].schemas >= 10
    assert figures["llguidance"].accepts_invalid == []
    assert figures["llguidance"].rejects_valid == ["order-of-properties"]
    assert figures[NAUGHTY].accepts_invalid
    assert capsys.readouterr().out.count("| llguidance") == 1


def test_structgen_is_right_on_the_shipped_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.jsonl"
    assert main(["run", "--vocab", "bytes", "--out", str(out)]) == 0
    figures = collect(read_results(out))["structgen"]
    assert figures.accepts_invalid == figures.rejects_valid == figures.failed == []
    assert figures.right == figures.schemas


def test_compare_names_what_got_worse() -> None:
    def record(name: str, status: str = "ok", tests: tuple[str, ...] = ("right",)) -> dict:  # type: ignore[type-arg]
        return {"kind": "case", "engine": "e", "id": name, "status": status, "n_tests": 1, "tests": list(tests),
                "reason": "why", "ttfm_us": 1.0, "mask_us": [1.0]}  # fmt: skip

    before = [record("same"), record("worse"), record("better", "refused"), record("gone")]
    after = [record("same"), record("worse", tests=("right", "accepts_invalid")), record("better"), record("new")]
    text, worse = compare(compact(before), compact(after))
    assert worse
    assert "3 cases in both; 1 worse, 1 better" in text
    assert "- e: worse: right -> accepts_invalid" in text
    assert "- e: better: refused -> right" in text
    assert not compare(compact(before), compact(before))[1]


def test_reasons_are_grouped() -> None:
    same = {
        normal_reason("UnsupportedError: 'contains' is not supported at #/properties/a/items"),
        normal_reason("UnsupportedError: 'contains' is not supported at #/$defs/x~1y"),
    }
    assert same == {"UnsupportedError: 'contains' is not supported"}
    assert normal_reason("over 20 states\nsecond line") == "over N states"


def test_an_empty_table() -> None:
    assert table(collect([])).startswith("| | ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data", "/no/such/file"],
        ["--every", "5", "--offset", "7"],
        ["--resume"],
        ["--vocab", "no-such-vocabulary"],
        ["--engine", "tests.jsonschemabench.naughty:Absent"],
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--vocab", "bytes", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_every_failure_is_listed_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = cases(tmp_path / "data.jsonl", "refuse", "refuse a", "fail", "fine")
    assert main(["run", "--data", str(data), "--engine", NAUGHTY, "--vocab", "bytes"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-3:] == [
        f"- {NAUGHTY}: failed: fail: tests 0, 1: gave up",
        f'- {NAUGHTY}: rejects_valid: refuse a: tests 0: refused token 1: " >>a<<',
        f"- {NAUGHTY}: refused: refuse: not this one, at #/properties/a",
    ]


def test_order_alone_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": True}}
    records = [
        {"id": "order", "schema": schema, "tests": [{"data": {"b": 1, "a": 1}, "valid": True}]},
        {"id": "other", "schema": schema, "tests": [{"data": {"b": 1, "a": "x"}, "valid": True}]},
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    for order, alone, right in (("schema", 1, 0), ("any", 0, 1)):
        assert main(["run", "--data", str(data), "--vocab", "bytes", "--order", order]) == 0
        printed = capsys.readouterr().out
        assert f"| schemas fully right | {right} of 2" in printed
        assert "| schemas that reject a valid instance | 1 |" in printed
        assert f"| schemas that reject one for its order of properties alone | {alone} |" in printed
