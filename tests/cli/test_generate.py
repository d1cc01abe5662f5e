"""``structgen generate`` with a generator that knows its answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import structgen as sg
from structgen.cli import generate as module
from structgen.cli.main import app
from structgen.errors import BudgetError


class Parrot:
    """Says the prompt back. Prompts that begin with "bad" cannot be answered."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.seeds: list[Any] = []

    def __call__(self, prompt: str, constraint: sg.Constraint, **options: Any) -> Any:
        return self.batch([prompt], [constraint])[0]

    def batch(self, prompts: Sequence[str], constraints: Sequence[sg.Constraint], **options: Any) -> list[Any]:
        self.batches.append(list(prompts))
        self.seeds.append(options.get("seed"))
        if any(prompt.startswith("worst") for prompt in prompts):
            raise BudgetError("the whole batch is lost")
        return [self.say(p, c) for p, c in zip(prompts, constraints, strict=True)]

    def say(self, prompt: str, constraint: sg.Constraint) -> Any:
        if prompt.startswith("bad"):
            return BudgetError("no room", hint="Give more")
        return {"said": prompt} if isinstance(constraint, sg.JsonSchema) else prompt


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    it = Parrot()
    monkeypatch.setattr(module, "open_generator", lambda folder: it)
    return it


def run(*arguments: object, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["generate", *map(str, arguments)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines), encoding="utf-8")
    return path


def test_one_text(parrot: Parrot) -> None:
    assert run("hello", "--regex", ".*")[:2] == (0, "hello\n")
    assert run("--regex", ".*", stdin="from stdin\n")[:2] == (0, "from stdin\n")


def test_objects_are_printed_as_json(parrot: Parrot) -> None:
    assert run("é", "--model", "builtins:dict")[:2] == (0, '{"said": "é"}\n')


def test_a_batch(parrot: Parrot, tmp_path: Path) -> None:
    second = {"id": "two", "prompt": "b", "schema": True}
    source = write(tmp_path / "in.jsonl", {"prompt": "a"}, second, {"prompt": "c"})
    out = tmp_path / "out.jsonl"
    assert run("--jsonl", source, "--out", out, "--regex", ".*", "--batch", 2)[0] == 0
    assert rows(out) == [{"id": 1, "output": "a"}, {"id": "two", "output": {"said": "b"}}, {"id": 3, "output": "c"}]
    assert parrot.batches == [["a", "b"], ["c"]]
    assert parrot.seeds == [[(0, 0), (0, 1)], [(0, 2)]]


def test_bad_rows_do_not_cost_the_others_theirs(parrot: Parrot, tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl",
        {"prompt": "a"}, {"prompt": "bad one"}, "not json", {"no": "prompt"}, {"prompt": "b"}, {"prompt": 3}, [1],
        {"prompt": "c", "max_tokens": 0}, {"prompt": "d", "regex": "x", "schema": True}, {"id": [], "prompt": "e"},
    )  # fmt: skip
    out = tmp_path / "out.jsonl"
    code, _, said = run("--jsonl", source, "--out", out, "--regex", ".*")
    assert code == 1
    assert "2 rows generated, 8 failed" in said
    got = {row["id"]: row for row in rows(out)}
    assert got[1]["output"] == "a"
    assert got[5]["output"] == "b"
    assert got[2]["error"] == {"kind": "BudgetError", "message": "no room", "where": None, "hint": "Give more"}
    assert got[3]["error"]["where"] == "line 3"
    assert sorted(key for key, row in got.items() if "error" in row) == [2, 3, 4, 6, 7, 8, 9, 10]


def test_a_batch_that_is_lost_is_tried_row_by_row(parrot: Parrot, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"prompt": "a"}, {"prompt": "worst"}, {"prompt": "c"})
    out = tmp_path / "out.jsonl"
    assert run("--jsonl", source, "--out", out, "--regex", ".*", "--batch", 3)[0] == 1
    assert [row.get("output") for row in rows(out)] == ["a", None, "c"]
    assert rows(out)[1]["error"]["message"] == "the whole batch is lost"


def test_a_stopped_run_goes_on(parrot: Parrot, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"prompt": "a"}, {"prompt": "bad"}, {"prompt": "c"}, {"prompt": "d"})
    out = tmp_path / "out.jsonl"
    out.write_text('{"id": 1, "output": "kept"}\n{"id": 2, "error": {}}\n{"id": 3, "out', encoding="utf-8")
    assert run("--jsonl", source, "--out", out, "--regex", ".*", "--batch", 8)[0] == 0
    assert parrot.batches == [["c", "d"]]
    assert [row.get("output") for row in rows(out)] == ["kept", None, "c", "d"]


def test_failed_rows_are_tried_again_on_request(parrot: Parrot, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"prompt": "a"}, {"prompt": "b"})
    out = write(tmp_path / "out.jsonl", {"id": 1, "output": "kept"}, {"id": 2, "error": {}})
    assert run("--jsonl", source, "--out", out, "--regex", ".*", "--retry")[0] == 0
    assert parrot.batches == [["b"]]
    assert rows(out)[-1] == {"id": 2, "output": "b"}


def test_the_same_id_twice_is_refused(parrot: Parrot, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"id": 2, "prompt": "a"}, {"prompt": "b"})
    code, _, said = run("--jsonl", source, "--out", tmp_path / "out", "--regex", ".*")
    assert code == 2
    assert "lines 1 and 2" in said


def test_a_file_that_is_not_ours_is_not_written_to(parrot: Parrot, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"prompt": "a"})
    out = tmp_path / "out"
    out.write_text("my diary\n", encoding="utf-8")
    code, _, said = run("--jsonl", source, "--out", out, "--regex", ".*")
    assert code == 2
    assert "not a result" in said
    assert out.read_text("utf-8") == "my diary\n"


def test_rows_without_a_constraint_fail_alone(parrot: Parrot, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", {"prompt": "a"}, {"prompt": "b", "choices": ["x"]})
    out = tmp_path / "out.jsonl"
    assert run("--jsonl", source, "--out", out)[0] == 1
    assert "constraint" in rows(out)[0]["error"]["message"]
    assert rows(out)[1] == {"id": 2, "output": "b"}
