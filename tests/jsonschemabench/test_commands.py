"""table, serve, memory, plot and CSV, on the shipped cases with byte tokens."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jsonschemabench import memory, serve
from jsonschemabench.__main__ import main
from jsonschemabench.cases import BadData, Case, Instance, load_cases, stratified
from jsonschemabench.engines import load_engine
from jsonschemabench.plots import plot
from jsonschemabench.tokenizers import load_vocabulary

NAUGHTY = "tests.jsonschemabench.naughty:Naughty"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


def test_the_same_number_of_every_split() -> None:
    splits = ["a"] * 10 + ["b"] * 3 + ["a"] * 2 + ["c"]
    cases = [Case(str(i), split, True, ()) for i, split in enumerate(splits)]
    taken = stratified(cases, 4)
    assert [case.id for case in taken] == ["0", "3", "6", "9", "10", "11", "12", "15"]
    assert stratified(cases, 100) == cases


def test_table_leaves_out_what_is_not_here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsonschemabench.engines.find_spec", lambda name: None)
    command = ["table", "--vocab", "bytes", "--every", "6", "--cold", "1"]
    assert main([*command, "--engine", NAUGHTY, "--engine", "xgrammar"]) == 0
    out, err = capsys.readouterr()
    assert "| schemas fully right | " in out
    assert "| the same schema again: p50 / p99, us | " in out
    assert "| first mask of a new process: p50 / p99, us | " in out
    assert "left out: xgrammar is not installed: pip install 'structgen[peers]'" in err
    assert main([*command, "--engine", "xgrammar"]) == 2


def test_report_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.jsonl"
    assert main(["run", "--engine", NAUGHTY, "--vocab", "bytes", "--every", "4", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["report", str(out), "--csv"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (row["engine"], row["version"], row["schemas"]) == (NAUGHTY, "naughty 1", "3")
    assert float(row["mask_p99_us"]) > 0
    assert row["cold_p50_us"] == ""


def test_a_batch_is_fed_as_its_sequences_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Every mask that ``fill`` writes is checked against the tokens that follow it: ``step`` would raise."""
    vocabulary = load_vocabulary("bytes")
    engine = load_engine("structgen", vocabulary, "any")
    cases = [
        Case("integers", "", {"type": "array", "items": {"type": "integer"}}, (Instance([1, 22, 3], True),)),
        Case("words", "", {"enum": ["one", "two"]}, (Instance("one", True), Instance("two", True))),
    ]
    filled: list[Any] = []

    class Watched:
        version = "watched"
        compile = staticmethod(engine.compile)

        def fill(self, sessions: Any, out: Any) -> None:
            engine.fill(sessions, out)  # type: ignore[attr-defined]
            filled.append((out.copy(), [session.state for session in sessions]))

    result = serve.steps(Watched(), vocabulary, cases, 5, 12)
    assert len(result["step_us"]) == len(result["slowest_us"]) == len(filled) == 12
    assert result["together"] and result["compile_us"] > 0
    starts = filled[0][1]
    assert len(set(starts[:3])) > 1, "neighbours begin at different places"
    for out, _ in filled:
        assert out.shape == (5, vocabulary.words)
        assert np.all(out.any(axis=1)), "an empty mask"
    assert len({out.tobytes() for out, _ in filled}) > 1
    assert not serve.steps(_Plain(engine), vocabulary, cases, 5, 2)["together"]
    text = serve.table([{"engine": "e", "version": "watched", "batch": 5, **result}])
    assert text.splitlines()[-1].startswith("| watched | ")


class _Plain:
    """An engine without ``fill``."""

    version = "plain"

    def __init__(self, engine: Any) -> None:
        self.compile = engine.compile


def test_serve_takes_schemas_that_all_engines_take(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["serve", "--vocab", "bytes", "--batch", "6", "--schemas", "3", "--steps", "5"]
    assert main([*command, "--engine", NAUGHTY, "--engine", f"{NAUGHTY}@schema"]) == 0
    out = capsys.readouterr().out
    assert "6 sequences over 3 schemas, 5 steps" in out
    assert out.count("| naughty 1, row by row |") == 2


def test_serve_needs_a_schema(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"schema": {"title": "refuse"}, "tests": [{"data": 1, "valid": true}]}\n', encoding="utf-8")
    assert main(["serve", "--vocab", "bytes", "--data", str(data), "--engine", NAUGHTY]) == 2


def test_memory_is_told_on_the_way() -> None:
    vocabulary = load_vocabulary("bytes")
    said: list[dict[str, Any]] = []
    cases = load_cases(None)
    result = memory.hold(
        load_engine("structgen", vocabulary, "any"), vocabulary, cases, lambda figures: said.append(dict(figures))
    )
    assert result["held"] == len(cases)
    assert result["refused"] == 0
    assert [figures["held"] for figures in said[: len(cases)]] == list(range(1, len(cases) + 1))
    assert "used" not in said[len(cases)] and said[-1]["used"] > 0
    assert min(result["before"], result["compiled"], result["used"]) > 1 << 20


@pytest.mark.parametrize(
    ("titles", "row"),
    [
        (["fine", "die", "refuse", "print"], "| naughty 1 | 2 | 1 | 1 |"),
        (["fine", *["die"] * 4], "| naughty 1 | 1 (then the worker died (exit code 7)) | 0 | 3 |"),
    ],
)
def test_a_schema_over_the_limits_is_left_out(
    titles: list[str], row: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.jsonl"
    lines = [json.dumps({"schema": {"title": title}}) + "\n" for title in titles]
    data.write_text("".join(lines), encoding="utf-8")
    assert main(["memory", "--vocab", "bytes", "--data", str(data), "--engine", NAUGHTY]) == 0
    assert row in capsys.readouterr().out


def record(engine: str, tokens: int, i: int) -> dict[str, Any]:
    return {
        "kind": "case", "engine": engine, "version": engine, "vocab": f"v{tokens}", "tokens": tokens, "id": f"c{i}",
        "split": "even" if i % 2 else "odd", "schema_bytes": 10 * i + 5, "n_tests": 1, "status": "ok",
        "tests": ["right"], "ttfm_us": 10.0 + i, "mask_us": [1.0, 2.0 + i],
    }  # fmt: skip


def test_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    one = [record(engine, 257, i) for engine in ("a", "b") for i in range(6)]
    one.append({**record("a", 257, 7), "status": "refused", "reason": "why"})
    one[-1].pop("ttfm_us")
    one[-1].pop("mask_us")
    names = ["mask.png", "first_mask.png", "splits.png", "schema_size.png"]
    assert [path.name for path in plot(one, tmp_path / "one")] == names
    both = [*one, *(record("a", 128, i) for i in range(3))]
    written = plot(both, tmp_path / "both")
    assert [path.name for path in written] == [*names, "vocabulary_size.png"]
    assert all(path.read_bytes().startswith(PNG) for path in written)
    with pytest.raises(BadData, match="no results"):
        plot([{"kind": "header"}], tmp_path)
