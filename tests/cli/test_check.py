"""``structgen check``: yes, or the place where the text breaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from structgen.cli.main import app

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def check(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *arguments], input=stdin)
    return result.exit_code, result.output


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "person.json"
    path.write_text(json.dumps(SCHEMA), encoding="utf-8")
    return str(path)


def test_a_text_that_fits() -> None:
    assert check("--regex", "[a-c]+", "abc") == (0, "yes: the text satisfies the constraint\n")


def test_a_choice() -> None:
    assert check("--choice", "red", "--choice", "blue", "blue")[0] == 0
    code, output = check("--choice", "red", "--choice", "blue", "bluee")
    assert code == 1
    assert "the end of the text" in output


def test_the_place_is_line_column_and_byte() -> None:
    code, output = check("--regex", "é+\n[a-c]+", stdin="éé\nabxc\n")
    assert code == 1
    assert "line 2, column 3 (byte 7)" in output
    assert "  abxc\n    ^" in output
    assert "next byte: a-c" in output


def test_a_character_that_breaks_inside_is_pointed_at_as_a_whole() -> None:
    # é and è share their first byte
    code, output = check("--regex", "aé", "aè")
    assert code == 1
    assert "line 1, column 2 (byte 1)" in output


def test_a_text_that_ends_too_early() -> None:
    code, output = check("--regex", "abc", "ab")
    assert code == 1
    assert "not complete" in output
    assert "next byte: c" in output


def test_one_line_break_at_the_end_of_a_file_is_not_the_texts(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"abc\n")
    assert check("--regex", "abc", "--file", str(path))[0] == 0
    path.write_bytes(b"abc\n\n")
    assert check("--regex", "abc", "--file", str(path))[0] == 1


def test_a_schema(schema: str) -> None:
    assert check("--schema", schema, '{"name": "Ada", "age": 36}')[0] == 0
    code, output = check("--schema", schema, '{"name": "Ada", "age": -1}')
    assert code == 1
    assert "byte 24" in output
    assert "#/properties/age" in output


def test_another_order_of_properties_is_pointed_out(schema: str) -> None:
    code, output = check("--schema", schema, '{"age": 36, "name": "Ada"}')
    assert code == 1
    assert "--order any" in output
    assert check("--schema", schema, "--order", "any", '{"age": 36, "name": "Ada"}')[0] == 0


def test_a_type_from_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_types.py").write_text("from typing import Literal\nSize = Literal['S', 'M']\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert check("--model", "shop_types:Size", '"S"')[0] == 0
    assert check("--model", "shop_types:Size", '"L"')[0] == 1
