"""``structgen test-grammar`` from the outside."""

import pytest
from typer.testing import CliRunner

from structgen.cli.main import app

GRAMMAR = 'start: "[" [NUMBER ("," NUMBER)*] "]"\nNUMBER: /0|[1-9][0-9]*/\n%ignore " "\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "list.lark").write_text(GRAMMAR)
    for name, texts in (("good", ["[]", "[1]", "[10, 2]\n"]), ("bad", ["[01]", "[1,]", ""])):
        (tmp_path / name).mkdir()
        for i, text in enumerate(texts):
            (tmp_path / name / f"{i}.txt").write_text(text)
    return tmp_path


def run(folder, *options):
    arguments = ["test-grammar", str(folder / "list.lark"), "--examples", "10"]
    return CliRunner().invoke(app, [*arguments, *(str(option) for option in options)])


def test_a_good_grammar(folder):
    result = run(folder, "--corpus", folder / "good", "--reject", folder / "bad")
    assert result.exit_code == 0, result.output
    assert "accepted: 3 of 3" in result.output
    assert "refused: 3 of 3" in result.output
    assert "laws of texts: kept in 10 examples" in result.output
    assert "never:" in result.output  # "0" is in no text
    (folder / "good" / "more.txt").write_text("[0, 110, 3]")
    output = run(folder, "--corpus", folder / "good").output
    assert "terminals covered: 5 of 5 (100%)" in output
    assert "never:" not in output


def test_what_is_judged_wrongly_is_shown_with_its_place(folder):
    (folder / "good" / "wrong.txt").write_text("[1,\n2")
    (folder / "bad" / "wrong.txt").write_text("[3]")
    result = run(folder, "--corpus", folder / "good", "--reject", folder / "bad")
    assert result.exit_code == 1
    assert "accepted: 3 of 4" in result.output
    assert "wrong.txt" in result.output
    assert "line 1, column 4" in result.output
    assert "refused: 3 of 4" in result.output


def test_what_cannot_be_read(folder):
    assert CliRunner().invoke(app, ["test-grammar", str(folder / "none.lark")]).exit_code == 2
    (folder / "good" / "bytes.txt").write_bytes(b"\xff")
    result = run(folder, "--corpus", folder / "good")
    assert result.exit_code == 2
    assert "UTF-8" in result.output
    assert run(folder, "--corpus", folder / "missing").exit_code == 2
