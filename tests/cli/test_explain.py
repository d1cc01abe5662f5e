"""``structgen explain`` and ``structgen compile``."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from structgen.cli.main import app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_what_may_come_next() -> None:
    code, output = run("explain", "ab", "--regex", "ab[0-9a]?c")
    assert code == 0
    assert "line 1, column 3 (byte 2)" in output
    assert "at least 1 bytes, 1 tokens to the end" in output
    assert "12 of 257 tokens allowed: 0-9 a c" in output


def test_forced_text() -> None:
    assert "can only go on with 'cdef'" in run("explain", "ab", "--regex", "abcdef(gh)?")[1]


def test_the_place_in_the_schema(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    path.write_text(json.dumps(schema), encoding="utf-8")
    code, output = run("explain", '{"n": ', "--schema", str(path))
    assert code == 0
    assert "#/properties/n" in output


def test_a_text_that_does_not_fit_is_reported_as_check_does() -> None:
    code, output = run("explain", "ax", "--regex", "ab")
    assert code == 1
    assert "byte 1" in output


def test_why_a_token_is_refused() -> None:
    code, output = run("explain", "", "--regex", "abc|abd", "--token", "abx")
    assert code == 0
    assert "refused at its byte 2 of 3: 'ab' fits, then x does not" in output
    assert "'abc' (not one token): allowed" in run("explain", "", "--regex", "abc|abd", "--token", "abc")[1]


def test_tokens_by_id() -> None:
    assert "token 97 'a': allowed" in run("explain", "", "--regex", "a", "--token-id", "97")[1]
    assert "token 98 'b': refused at its byte 0 of 1" in run("explain", "", "--regex", "a", "--token-id", "98")[1]
    assert "refused, it is not complete" in run("explain", "", "--regex", "a", "--token-id", "256")[1]
    assert "ends the text: allowed" in run("explain", "a", "--regex", "a", "--token-id", "256")[1]


def test_compile_tells_sizes_and_times() -> None:
    code, output = run("compile", "--regex", "[0-9]{3}")
    assert code == 0
    assert "compiles: yes" in output
    assert "first mask: 10 of 257 tokens" in output
    assert "shortest text: 3 bytes, 3 tokens: 000" in output


def test_a_report_on_every_keyword(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"type": "object", "title": "t", "properties": {"a": {"format": "sku"}}}', encoding="utf-8")
    code, output = run("compile", "--report", str(path))
    assert code == 0
    assert "2 enforced, 2 annotations, 0 refused" in output
    assert "#/properties/a/format  no format 'sku' is known" in output
    code, output = run("compile", "--schema", str(path), "--json")
    assert code == 0
    assert json.loads(output)["keywords"][1] == {
        "pointer": "#/title", "keyword": "title", "status": "annotation", "reason": "describes only",
    }  # fmt: skip
    path.write_text('{"minLength": -1, "required": 3}', encoding="utf-8")
    code, output = run("compile", "--report", str(path))
    assert code == 2
    assert output.count("refused ") == 2
