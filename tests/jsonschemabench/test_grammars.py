"""``python -m jsonschemabench grammars``: what each engine makes of a grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from jsonschemabench import grammars
from jsonschemabench.__main__ import main

TINY = 'start: "a" | "a" "b"\n'


def test_figures_of_an_engine(tmp_path: Path) -> None:
    path = tmp_path / "tiny.lark"
    path.write_text(TINY)
    found = grammars.measure("structgen", "bytes", str(path), ["a", "ab", "a", "b"])
    assert found["wrong"] == 1
    assert len(found["masks"]) == 2 + 1 + 1  # without those of the first text
    assert [len(times) for times in found["each"]] == [1, 2, 1, 1]
    assert found["compile"] > 0
    rows = grammars.table_of_each(found, ["w", "x", "y", "z"]).splitlines()
    assert [row.split(" |")[:2] for row in rows[2:]] == [["| w", " 1"], ["| x", " 2"], ["| y", " 1"], ["| z", " 1"]]
    assert "tiny" not in grammars.table([found])
    assert grammars.table([found]).splitlines()[-1].endswith("| 1 |")


def test_a_grammar_that_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.lark"
    path.write_text("start: /(a)\\1/\n")
    found = grammars.measure("structgen", "bytes", str(path), ["a"])
    assert "UnsupportedError" in found["refused"]
    assert found["refused"] in grammars.table([found])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "a.txt"
    text.write_text("1 + 2")
    assert main(["grammars", "arithmetic", str(text), "--engine", "structgen", "--vocab", "bytes"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.startswith("| structgen")
    assert row.endswith("| 0 |")
    assert main(["grammars", "arithmetic", str(text), "--engine", "structgen", "--vocab", "bytes", "--each"]) == 0
    assert any(line.startswith("| a.txt | 5 |") for line in capsys.readouterr().out.splitlines())
    assert main(["grammars", "arithmetic", str(tmp_path / "none.txt"), "--engine", "structgen"]) == 2
