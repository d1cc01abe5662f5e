"""Records: what they keep, and what two of them say beside each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jsonschemabench import records
from jsonschemabench.__main__ import main
from jsonschemabench.cases import BadData
from jsonschemabench.compare import compare, ratio_of
from jsonschemabench.run import read_results

NAUGHTY = "tests.jsonschemabench.naughty:Naughty"


def line(name: str, factor: float = 1.0, status: str = "ok", **more: Any) -> dict[str, Any]:
    """One line of a results file."""
    return {
        "kind": "case", "engine": "e", "version": "e 1", "id": name, "split": "s", "schema_bytes": 10, "status": status,
        "n_tests": 1, "tests": ["right"], "reason": "why, at #/a/3",
        "ttfm_us": 100 * factor, "mask_us": [factor, 3 * factor], **more,
    }  # fmt: skip


def run_of(seed: int, factor: float, n: int = 60) -> dict[str, Any]:
    """A record whose times are those of its schemas, with noise of its own, times a factor."""
    sizes = np.random.default_rng(0).lognormal(3, 2, n)
    noise = np.random.default_rng(seed).lognormal(0, 0.2, n)
    return records.compact(line(f"c{i}", float(sizes[i] * noise[i] * factor)) for i in range(n))


def test_a_record_keeps_verdicts_and_quantiles(tmp_path: Path) -> None:
    record = records.compact(
        [{"kind": "header", "vocab": "bytes", "machine": {"time": "2026-01-02T03", "commit": "a" * 40 + "+changes"}},
         line("a"), line("b", status="refused"), line("c", tests=["right", "accepts_invalid"], mask_us=[])]
    )  # fmt: skip
    path = tmp_path / "new" / "record.json"
    records.write(record, path)
    back = records.read(path)
    assert back == json.loads(path.read_text("utf-8")) == record
    assert back["columns"] == list(records.COLUMNS)
    assert back["cases"]["e"]["a"] == ["right", "s", 10, 100.0, 2, 2.0, 2.0, 3.0, None]
    assert back["cases"]["e"]["b"][0] == "refused"
    assert back["cases"]["e"]["b"][-1].startswith("why,")
    assert back["cases"]["e"]["c"][0] == "accepts_invalid"
    assert back["summary"]["e"]["schemas"] == 3
    assert back["summary"]["e"]["right"] == 1
    assert back["summary"]["e"]["mask_p50_us"] == 2.0
    assert records.default_path(record).name == "2026-01-02-aaaaaaaa-bytes.json"


def test_record_of_a_run_and_of_its_file_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    out, one, other = tmp_path / "results.jsonl", tmp_path / "one.json", tmp_path / "other.json"
    command = ["run", "--engine", NAUGHTY, "--vocab", "bytes", "--every", "4", "--cold", "1", "--again"]
    assert main([*command, "--out", str(out), "--record", str(one)]) == 0
    assert main(["report", str(out), "--record", str(other)]) == 0
    assert one.read_text("utf-8") == other.read_text("utf-8")
    assert records.read(out) == records.read(one)
    assert main(["compare", str(out), str(one)]) == 0
    lines = read_results(out)
    assert sum("cold_us" in each for each in lines) == 1
    assert all(each["again_us"] > 0 and each["tokens"] == 257 for each in lines if each["kind"] == "case")


@pytest.mark.parametrize("text", ["{\n}", '{\n"kind": "record", "columns": ["other"]}', "{\nnot JSON", "no JSON"])
def test_what_is_no_record(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadData, match=r"record\.json"):
        records.read(path)


def test_noise_is_told_from_change() -> None:
    before = run_of(1, 1.0)
    text, worse = compare(before, run_of(2, 1.0))
    assert not worse
    assert text.count("no change beyond noise") == 3
    assert compare(before, run_of(2, 1.3))[0].count("| slower |") == 3
    assert compare(before, run_of(2, 0.75))[0].count("| faster |") == 3


def test_the_interval_holds_the_ratio_as_often_as_it_says() -> None:
    held = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        before = random.lognormal(0, 2, 50)
        _, low, high = ratio_of(before, before * 1.5 * random.lognormal(0, 0.5, 50))
        held += low <= 1.5 <= high
    assert 88 <= held <= 100


def test_two_engines_side_by_side() -> None:
    header = {"kind": "header", "machine": {"time": "2026-01-02", "commit": "a" * 40, "processor": "p", "load": 0.1}}
    other = records.compact([header, *(line(f"c{i}") | {"engine": "f"} for i in range(3))])
    text, worse = compare(run_of(1, 1.0), other)
    assert not worse
    assert text.startswith("after: 2026-01-02, commit aaaaaaaa, p, load 0.1\n3 cases in both")
