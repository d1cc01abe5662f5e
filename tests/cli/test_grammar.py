"""``--grammar``: Lark and GBNF files on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from structgen.cli.main import app


def run(*arguments: str, text: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments], input=text)
    return result.exit_code, result.output


@pytest.fixture
def names(tmp_path: Path) -> str:
    path = tmp_path / "names.lark"
    path.write_text('list: NAME ("," NAME)*\nNAME: /[a-z]+/\n%ignore " "\n')
    return str(path)


def test_check(names: str, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("a, b")
    bad.write_text("a, 1")
    assert run("check", "--grammar", names, "--start", "list", "--file", str(good), text="")[0] == 0
    code, output = run("check", "--grammar", names, "--start", "list", "--file", str(bad), text="")
    assert code == 1
    assert "line 1, column 4" in output


def test_explain_names_terminals_and_their_places(names: str) -> None:
    code, output = run("explain", "a, b", "--grammar", names, "--start", "list", "--lexer", "dynamic", text="")
    assert code == 0
    assert "COMMA" in output
    assert "line 1" in output


def test_gbnf(tmp_path: Path) -> None:
    path = tmp_path / "digits.gbnf"
    path.write_text("root ::= [0-9]{2,3}")
    code, output = run("explain", "1", "--grammar", str(path), text="")
    assert code == 0
    assert "0-9" in output


def test_a_malformed_grammar_is_shown_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.lark"
    path.write_text("start: statment\nstatement: /x/\n")
    code, output = run("explain", "x", "--grammar", str(path), text="")
    assert code != 0
    assert "line 1, column 8" in output
    assert "Did you mean 'statement'?" in output
