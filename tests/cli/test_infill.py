"""``structgen infill`` and ``structgen repair``: without a model, and with a small generator in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from structgen.cli import infill as module
from structgen.cli.main import app

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 10}, "city": {"enum": ["Rome"]}},
    "required": ["name", "age", "city"],
    "additionalProperties": False,
}
TEMPLATE = '{"name": "<hole:name 2-3>", "age": <hole:age>, "city": <hole>}\n'


def run(*arguments: object, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    schema, template = tmp_path / "schema.json", tmp_path / "template.txt"
    schema.write_text(json.dumps(SCHEMA), encoding="utf-8")
    template.write_text(TEMPLATE, encoding="utf-8")
    return schema, template


def test_holes_are_filled_without_a_model(files: tuple[Path, Path]) -> None:
    schema, template = files
    code, out, _ = run("infill", template, "--schema", schema, "--no-model")
    assert code == 0
    value = json.loads(out)
    assert len(value["name"].encode()) in (2, 3) and value["age"] >= 10 and value["city"] == "Rome"
    code, out, _ = run("infill", template, "--schema", schema, "--no-model", "--json")
    said = json.loads(out)
    assert code == 0 and [region["name"] for region in said["regions"]] == ["name", "age", None]
    data = said["text"].encode()
    assert [data[r["start"] : r["end"]].decode() for r in said["regions"]] == [r["text"] for r in said["regions"]]
    assert said["regions"][2]["text"] == '"Rome"'


def test_another_word_for_holes(tmp_path: Path) -> None:
    template = tmp_path / "template.txt"
    template.write_text("<hole><blank>", encoding="utf-8")
    assert run("infill", template, "--regex", "<hole>x", "--hole", "blank", "--no-model")[:2] == (0, "<hole>x\n")


def test_templates_that_cannot_be_filled(tmp_path: Path) -> None:
    template = tmp_path / "template.txt"
    for text, word in (("x<hole>", "cannot be completed"), ("x", "no holes"), ("a<hole", "malformed")):
        template.write_text(text, encoding="utf-8")
        code, _, said = run("infill", template, "--regex", "[a-c]+", "--no-model")
        assert code == 2 and word in said
    template.write_bytes(b"\xff<hole>")
    assert "not UTF-8" in run("infill", template, "--regex", "[a-c]+", "--no-model")[2]


def test_repair_without_a_model(files: tuple[Path, Path]) -> None:
    schema, _ = files
    valid = '{"name": "Ada", "age": 36, "city": "Rome"}'
    assert run("repair", valid, "--schema", schema, "--no-model")[:2] == (0, valid + "\n")
    assert run("repair", "--schema", schema, "--no-model", stdin=valid[:-1])[:2] == (0, valid + "\n")
    code, out, _ = run("repair", valid.replace("Rome", "Rime"), "--schema", schema, "--no-model", "--json")
    said = json.loads(out)
    assert code == 0 and said["text"] == valid
    assert said["changes"] == [{"start": 37, "end": 38, "before": "i", "after": "o"}]


def test_with_a_generator(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    from structgen.integrations.generator import Generator
    from tests.integrations.conftest import make_model, make_tokenizer

    tokenizer = make_tokenizer()
    gen: Any = Generator(make_model(len(tokenizer)), tokenizer)
    monkeypatch.setattr(module, "open_generator", lambda folder: gen)
    schema, template = files
    code, out, _ = run("infill", template, "--schema", schema, "--json", "--max-tokens", 40)
    said = json.loads(out)
    assert code == 0 and said["value"] == json.loads(said["text"])
    assert said["log_probability"] < 0 and said["value"]["city"] == "Rome"
    code, out, _ = run("repair", '{"name": "Ada", "age": 3, "city": "Rome"}', "--schema", schema, "--max-tokens", 60)
    assert code == 0 and json.loads(out)["age"] >= 10
