"""Test groups: verdicts, the table, the ratchet; our own groups against jsonschema; the official suite's verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from jsonschemabench import ratchet, suite
from jsonschemabench.__main__ import main
from jsonschemabench.cases import BadData
from jsonschemabench.suite import Verdict

NAUGHTY = "tests.jsonschemabench.naughty:Naughty"

#: Where jsonschema is at fault: floats divided, ``\p`` not in Python's re, no leap seconds, any "@" is an email.
FAULTS = (
    "multipleOf | a hundredth",
    "pattern | properties of Unicode",
    'valid: "23:59:60Z"',
    'valid: "08:29:60-15:30"',
    'valid: "1990-12-31T15:59:60-08:00"',
    "optional/format/email | what it enforces | invalid",
    "optional/format/idn-email | what it enforces | invalid",
    "$vocabulary |",
)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))


def groups_file(path: Path, *titles: str) -> Path:
    tests = [{"description": text, "data": text, "valid": True} for text in ("a", "b")]
    groups = [{"keyword": "title", "description": t, "schema": {"title": t}, "tests": tests} for t in titles]
    path.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    return path


def test_verdicts_and_ratchet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = groups_file(tmp_path / "groups.json", "fine", "refuse", "refuse a", "die")
    file = tmp_path / "verdicts.txt"
    command = ["suite", "--data", str(data), "--engine", NAUGHTY, "--ratchet", str(file)]
    assert main([*command, "--update"]) == 0
    printed = capsys.readouterr().out
    assert "| required | 8 | 3 (37.5%) | 0 | 1 | 2 | 2 | 0 |" in printed
    assert "- refused: title | refuse | b: not this one, at #/properties/a" in printed
    assert '- wrongly rejected: title | refuse a | a: refused token 1: " >>a<<' in printed
    assert main([*command, "--check"]) == 0
    assert "0 worse, 0 better" in capsys.readouterr().out
    text = file.read_text("utf-8")
    file.write_text(text.replace("refused: title | refuse | a\n", "") + "failed: title | fine | a\n", encoding="utf-8")
    assert main([*command, "--check"]) == 1
    printed = capsys.readouterr().out
    assert "1 worse, 1 better" in printed
    assert "- worse: title | refuse | a: right -> refused (not this one, at #/properties/a)" in printed
    assert "- better: title | fine | a: failed -> right" in printed


def test_other_tests_than_on_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "verdicts.txt"
    ratchet.update(file, [Verdict("required", "a", "right"), Verdict("required", "b\n", "refused")])
    assert ratchet.check(file, [Verdict("required", "b\n", "refused")], ["a", "b\n"]).worse == ()
    with pytest.raises(BadData, match="other tests"):
        ratchet.check(file, [], ["a", "c"])
    data = groups_file(tmp_path / "groups.json", "fine", "refuse")
    command = ["suite", "--data", str(data), "--engine", NAUGHTY, "--ratchet", str(tmp_path / "none.txt"), "--check"]
    assert main(command) == 2
    assert "no verdicts on file" in capsys.readouterr().err
    assert main([*command[:-1], "--update", "--every", "2"]) == 2


def test_our_own_groups(capsys: pytest.CaptureFixture[str]) -> None:
    """No data needed: every keyword, every draft."""
    code = main(["suite", "--check"])
    assert code == 0, capsys.readouterr().out


def test_the_official_suite(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No verdict is worse than on file."""
    code = main(["suite", "--data", str(shared_data / "json-schema-test-suite-2020-12.json.gz"), "--check"])
    assert code == 0, capsys.readouterr().out


def test_our_own_groups_say_what_jsonschema_says() -> None:
    document = json.loads(suite.OWN.read_text("utf-8"))
    registry: Any = Registry().with_resources(
        (uri, DRAFT202012.create_resource(contents)) for uri, contents in document["remotes"].items()
    )
    checked = 0
    for group in suite.load_groups(suite.OWN):
        kind = jsonschema.validators.validator_for(group.case.schema, default=jsonschema.Draft202012Validator)
        formats = jsonschema.Draft202012Validator.FORMAT_CHECKER if group.part == "formats" else None
        for name, test in zip(group.names, group.case.tests, strict=True):
            if not any(fault in name for fault in FAULTS):
                judge = kind(group.case.schema, registry=registry, format_checker=formats)
                assert judge.is_valid(test.data) == test.valid, name
                checked += 1
    assert checked > 1000


def test_our_own_groups_cover_every_keyword() -> None:
    from structgen.frontends.json_schema.dialects import ASSERTIONS
    from structgen.frontends.json_schema.formats import KNOWN

    used = json.dumps(json.loads(suite.OWN.read_text("utf-8"))["groups"])
    asserting = [keyword for keyword, drafts in ASSERTIONS.items() if drafts[1] > 3]
    assert [keyword for keyword in asserting if f'"{keyword}":' not in used] == []
    assert [name for name in KNOWN if f'"format": "{name}"' not in used] == []
