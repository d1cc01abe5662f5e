"""``structgen compile``: does a constraint compile, how large is it, how long does it take?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

import structgen as sg
from structgen import bits
from structgen.cli.console import CANNOT, reported
from structgen.cli.constraints import Asked, VocabOption, constrained
from structgen.cli.vocabularies import vocabulary
from structgen.errors import InputError
from structgen.source.special import unmarked


@reported
@constrained
def compile_command(
    asked: Asked,
    file: Annotated[Path | None, typer.Argument(help="A file with a JSON Schema; the same as --schema.")] = None,
    report: Annotated[bool, typer.Option("--report", help="List what becomes of every keyword of a schema.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
    vocab: VocabOption = "bytes",
) -> None:
    """Does a constraint compile? Exit code 2, and a line with the place and the reason, where it is refused.

    With --report: every keyword of a schema, with its JSON pointer: enforced, an annotation, or refused and why.
    """
    if file is not None:
        if asked.schema is not None:
            raise InputError("two schemas were given: as an argument and with --schema", hint="Give one of them")
        asked.schema = file
    wanted = asked.constraint
    if report or as_json:
        if not isinstance(wanted, sg.JsonSchema):
            raise InputError("a report is about a schema", hint="Give a schema's file, or --model")
        made = wanted.report()
        typer.echo(made.to_json() if as_json else str(made))
        if not made.compiles:
            raise typer.Exit(CANNOT)
        return
    words = vocabulary(vocab)
    warm = sg.compile(sg.Choice(["x"]), words)  # loads the kernels and the vocabulary's trie: not the question
    warm.mask(warm.start)
    begin = time.perf_counter()
    grammar = sg.compile(wanted, words)
    compiled = time.perf_counter()
    mask = grammar.mask(grammar.start)
    first = time.perf_counter()
    shortest = grammar.witness(grammar.start)
    typer.echo("compiles: yes, exactly")
    typer.echo(f"time to compile: {1e3 * (compiled - begin):.2f} ms, first mask: {1e3 * (first - compiled):.2f} ms")
    typer.echo(f"size: {grammar.nbytes / 1024:,.0f} KB, {grammar.n_states:,} states so far; more are made when reached")
    typer.echo(f"first mask: {len(bits.ids(mask)):,} of {words.size:,} tokens")
    typer.echo(
        f"shortest text: {len(shortest)} bytes, {grammar.min_tokens_left(grammar.start)} tokens: "
        + _cut(unmarked(shortest).decode("utf-8", "replace"))
    )


def _cut(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else text[:limit] + "..."
