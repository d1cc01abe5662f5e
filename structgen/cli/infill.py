"""``structgen infill`` and ``structgen repair``: fill the holes of a template; make an invalid text valid."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python

import structgen as sg
from structgen.cli.console import given_text, read_bytes, reported
from structgen.cli.constraints import Asked, constrained
from structgen.cli.generate import open_generator
from structgen.cli.vocabularies import byte_vocabulary
from structgen.errors import InputError, UnsatisfiableError
from structgen.infill.repair import repair as repair_without_model
from structgen.infill.template import WORD, Template
from structgen.infill.walk import Walk

LlmOption = Annotated[Path | None, typer.Option(help="A folder with a transformers model; default: SmolLM2.")]
NoModel = Annotated[bool, typer.Option("--no-model", help="Without a model: the shortest fillings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print an object with the text and what was written where.")]


@reported
@constrained
def infill(
    asked: Asked,
    template: Annotated[Path, typer.Argument(help="A file with holes: <hole>, <hole:name>, <hole:name 1-8>.")],
    prompt: Annotated[str | None, typer.Option(help="What the model is told. Default: to fill in the blanks.")] = None,
    hole: Annotated[str, typer.Option(help="Another word for holes: blank makes <blank:name> one.")] = WORD,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens for all holes together.")] = 256,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    llm: LlmOption = None,
    no_model: NoModel = False,
    as_json: AsJson = False,
) -> None:
    """Fill the holes of a template so that the whole text satisfies a constraint.

    A number in a hole is its number of tokens: <hole 8>, <hole 1-8>, <hole 2->. A line break at the end of the file is
    not part of the text.
    """
    try:
        text = read_bytes(template).removesuffix(b"\n").removesuffix(b"\r").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the file is not UTF-8 at byte {error.start}", where=str(template)) from error
    canvas = Template.parse(text, word=hole)
    if no_model:
        result, regions = _shortest(sg.compile(asked.constraint, byte_vocabulary()), canvas)
        _show(result, {"text": result, "regions": regions}, as_json)
        return
    sampler = sg.sampling.Masked(temperature=temperature)
    done = open_generator(llm).infill(
        canvas, asked.constraint, prompt=prompt, max_tokens=max_tokens, sampler=sampler, seed=seed
    )
    said = {
        "text": done.text,
        "value": to_jsonable_python(done.value),
        "regions": [asdict(region) for region in done.regions],
        "log_probability": done.log_probability,
    }
    _show(done.text, said, as_json)


@reported
@constrained
def repair(
    asked: Asked,
    text: Annotated[str | None, typer.Argument(help="The text; default: standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the text from a file.")] = None,
    prompt: Annotated[str | None, typer.Option(help="What the text was an answer to.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens for what is written anew.")] = 256,
    llm: LlmOption = None,
    no_model: NoModel = False,
    as_json: AsJson = False,
) -> None:
    """Make an invalid text valid: its least likely parts (or those at the first error) are written anew."""
    data = given_text(text, file)
    if no_model:
        fixed, changes = repair_without_model(sg.compile(asked.constraint, byte_vocabulary()), data)
        result = fixed.decode(errors="replace")
    else:
        try:
            given = data.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"the text is not UTF-8 at byte {error.start}", hint="--no-model repairs bytes") from error
        done = open_generator(llm).repair(given, asked.constraint, prompt=prompt, max_tokens=max_tokens)
        result, changes = done.text, done.changes
    _show(result, {"text": result, "changes": [asdict(change) for change in changes]}, as_json)


def _shortest(grammar: sg.CompiledGrammar, canvas: Template) -> tuple[str, list[dict[str, Any]]]:
    tokens = sg.infill.witness(grammar, canvas.elements)
    if tokens is None:
        raise UnsatisfiableError("the template cannot be completed: no text of the constraint has its fixed parts")
    data = grammar.vocab.token_bytes(tokens)
    walk = Walk(grammar, canvas.elements, len(tokens))
    position = walk.start
    for token in tokens:
        after = walk.token(position, token)
        assert after is not None, "a completion keeps to its canvas"
        position = after
    regions = [
        {"name": name, "text": data[start:end].decode(errors="replace"), "start": start, "end": end}
        for name, (start, end) in zip(canvas.names, walk.regions(position), strict=True)
    ]
    return data.decode(errors="replace"), regions


def _show(text: str, said: dict[str, Any], as_json: bool) -> None:
    typer.echo(json.dumps(said, ensure_ascii=False) if as_json else text)
