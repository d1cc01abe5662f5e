"""Workers: limits and crashes are results, and the next case is none the worse for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jsonschemabench.cases import Case, Instance
from jsonschemabench.pool import EngineUnavailable, Limits, Worker

ENGINE = "tests.jsonschemabench.naughty:Naughty"
FINE = Case("fine", "", {"title": "fine"}, (Instance("b", True),))


def case(title: str) -> Case:
    return Case(title, "", {"title": title}, (Instance("banana", True), Instance(1, False)))


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker(ENGINE, "bytes", "any", Limits(seconds=60.0, memory=400 << 20)) as it:
        yield it


@pytest.mark.parametrize(
    ("title", "status", "reason"),
    [
        ("hang", "stopped", "compile: over 1 s"),
        ("hang later", "stopped", "while feeding: over 1 s"),
        ("eat", "stopped", "compile: over 0.390625 GB"),
        ("die", "stopped", "compile: the worker died (exit code 7)"),
        ("break", "crashed", "ZeroDivisionError: oops (in compile, naughty.py:68)"),
        ("refuse", "refused", "not this one, at #/properties/a"),
    ],
)
def test_a_limit_or_a_crash_is_a_record(worker: Worker, title: str, status: str, reason: str) -> None:
    if title.startswith("hang"):
        worker.limits = Limits(seconds=1.0, memory=1 << 30)
    record = worker.run(case(title))
    worker.limits = Limits(seconds=60.0, memory=1 << 30)
    assert (record["status"], record["reason"]) == (status, reason)
    assert worker.run(FINE)["tests"] == ["right"]


def test_verdicts(worker: Worker) -> None:
    assert worker.run(case("fine"))["tests"] == ["right", "accepts_invalid"]
    assert worker.run(case("refuse a"))["tests"] == ["rejects_valid", "accepts_invalid"]
    assert worker.run(case("fail"))["tests"] == ["failed", "accepts_invalid"]
    assert worker.run(case("lie"))["tests"] == ["failed", "failed"]


def test_the_place_of_a_refusal_is_noted(worker: Worker) -> None:
    assert worker.run(case("refuse a"))["notes"][0] == 'test 0: refused token 2: "b >>a<<'


def test_times_are_there_for_every_mask(worker: Worker) -> None:
    record = worker.run(FINE)
    assert record["ttfm_us"] > 0
    assert len(record["mask_us"]) == len('"b"') + 1  # one before each token, one at the end


def test_what_an_engine_prints_is_no_message(worker: Worker) -> None:
    assert worker.run(case("print"))["status"] == "ok"


def test_an_engine_that_cannot_be_set_up() -> None:
    absent = Worker("tests.jsonschemabench.naughty:Absent", "bytes", "any", Limits(1.0, 1 << 30))
    with pytest.raises(EngineUnavailable, match="no such engine here"):
        absent.__enter__()
