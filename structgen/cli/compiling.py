"""``structgen compile``: does a constraint compile, how large is it, how long does it take?"""

from __future__ import annotations

import time

import typer

import structgen as sg
from structgen import bits
from structgen.cli.console import reported
from structgen.cli.constraints import (
    ChoiceOption,
    FormatsOption,
    ModelOption,
    OrderOption,
    RegexOption,
    SchemaOption,
    VocabOption,
    WhitespaceOption,
    constraint,
)
from structgen.cli.vocabularies import vocabulary


@reported
def compile_command(
    vocab: VocabOption = "bytes",
    schema: SchemaOption = None,
    model: ModelOption = None,
    regex: RegexOption = None,
    choice: ChoiceOption = None,
    order: OrderOption = "schema",
    whitespace: WhitespaceOption = "flexible",
    formats: FormatsOption = "assert",
) -> None:
    """Does a constraint compile? Exit code 2, and a line with the place and the reason, where it is refused."""
    asked = constraint(schema, model, regex, choice, order=order, whitespace=whitespace, formats=formats)
    words = vocabulary(vocab)
    warm = sg.compile(sg.Choice(["x"]), words)  # loads the kernels and the vocabulary's trie: not the question
    warm.mask(warm.start)
    begin = time.perf_counter()
    grammar = sg.compile(asked, words)
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
        + _cut(shortest.decode("utf-8", "replace"))
    )


def _cut(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else text[:limit] + "..."
