"""The pages say what is true: their Python examples are run, their commands are known, all public names are described.

Every block of Python on a page is run, from top to bottom, in one namespace and an empty folder. A comment directly
below an expression is its value (``...`` stands for anything). A block behind ``<!-- with a model -->`` needs the
embedded model; without it these blocks are skipped.
"""

from __future__ import annotations

import ast
import doctest
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

import structgen as sg
from structgen.integrations import models
from tests.conftest import ROOT

MODEL = "<!-- with a model -->"
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    (structgen .*?)(?:  +#.*)?$", re.MULTILINE)

#: What a page leaves to its reader.
GIVEN = """
import structgen as sg
from pydantic import BaseModel

vocab = sg.testing.byte_vocabulary()
text = 'start: NAME | WORD\\nNAME: /[a-z]+/\\nWORD: /[a-z]+/\\ncomment: "x"\\n'
schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}

class Answer(BaseModel):
    answer: int

class Invoice(BaseModel):
    number: str
    total: float
    paid: bool
"""
WITH_MODEL = """
gen = sg.Generator.default(progress=False)
model, tokenizer = gen.model, gen.tokenizer
prompt = "Invoice number INV-7, total 129.50 EUR, not paid. Give it as JSON."
prompts = [prompt, "Say hello.", "Is the sky blue?"]
"""


def blocks(page: str) -> list[tuple[int, str, bool]]:
    """The line where each block begins, its text, and whether it needs a model."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start(1)), found[1], text[: found.start()].rstrip().endswith(MODEL))
        for found in BLOCK.finditer(text)
    ]


def run(page: str, first: int, text: str, names: dict[str, Any]) -> None:
    """Run a block; compare the values that the comments below its expressions tell."""
    lines = text.split("\n")
    for statement in ast.parse(text).body:
        end = statement.end_lineno or statement.lineno
        told = []
        for line in lines[end:]:
            if not line.startswith("# "):
                break
            told.append(line[2:])
        begin = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))]) - 1
        source = "\n" * (first + begin) + "\n".join(lines[begin:end])
        if isinstance(statement, ast.Expr) and told:
            value = repr(eval(compile(source.strip(), page, "eval"), names))
            same = doctest.OutputChecker().check_output(
                "\n".join(told), value, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            )
            assert same, f"{page}, line {first + statement.lineno}: told {told}, is {value}"
        else:
            exec(compile(source, page, "exec"), names)


def folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path)
    (path / "query.lark").write_text('start: "SELECT " NAME\nNAME: /[a-z]{1,8}/\n', encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if any(not model for *_, model in blocks(page))])
def test_examples(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, monkeypatch)
    names: dict[str, Any] = {"__name__": "docs"}
    exec(GIVEN, names)
    for first, text, model in blocks(page):
        if not model:
            run(page, first, text, names)


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(models.cached() is None, reason="the embedded model is not in the cache")
@pytest.mark.parametrize("page", [page for page in PAGES if any(model for *_, model in blocks(page))])
def test_examples_with_the_model(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: dict[str, Any]
) -> None:
    folder(tmp_path, monkeypatch)
    names = {"__name__": "docs", **embedded}
    monkeypatch.setattr(sg.Generator, "default", staticmethod(lambda **_: embedded["gen"]))
    exec(GIVEN, names)
    for first, text, _ in blocks(page):
        run(page, first, text, names)


@pytest.fixture(scope="module")
def embedded() -> dict[str, Any]:
    names: dict[str, Any] = {"sg": sg}
    exec(WITH_MODEL, names)
    return names


def test_a_value_that_is_not_told_truly_is_found() -> None:
    run("page", 0, "1 + 1\n# 2\n", {})
    with pytest.raises(AssertionError, match="is 2"):
        run("page", 0, "1 + 1\n# 3\n", {})


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_known(page: str) -> None:
    from structgen.cli.main import app

    group: Any = typer.main.get_command(app)
    for written in COMMAND.findall((ROOT / page).read_text(encoding="utf-8")):
        _, name, *rest = shlex.split(written)
        assert name in group.commands, written
        command = group.commands[name]
        if hasattr(command, "commands"):
            assert rest[0] in command.commands, written
            continue
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= known, written


def test_public_names_are_described() -> None:
    """Every one of them stands in the list of names, and there is no other in it."""
    text = (ROOT / "docs/names.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(sg(?:\.\w+)+)", text))
    errors = [name for name in vars(sg.errors) if name.endswith("Error")]
    names = {f"sg.{name}" for name in sg.__all__}
    names |= {f"sg.sampling.{name}" for name in sg.sampling.__all__}
    names |= {f"sg.infill.{name}" for name in sg.infill.__all__}
    names |= {f"sg.testing.{name}" for name in sg.testing.__all__}
    names |= {f"sg.errors.{name}" for name in errors}
    assert told == names
