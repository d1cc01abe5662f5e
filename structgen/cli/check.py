"""``structgen check``: does this text satisfy the constraint, and if not, where does it break?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import structgen as sg
from structgen.cli.console import NO, given_text, reported
from structgen.cli.constraints import Asked, constrained
from structgen.cli.position import follow, report
from structgen.cli.vocabularies import byte_vocabulary


@reported
@constrained
def check(
    asked: Asked,
    text: Annotated[str | None, typer.Argument(help="The text; default: standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the text from a file.")] = None,
) -> None:
    """Does a text satisfy a constraint? Exit code 0: yes; 1: no, and the output says where it breaks.

    A line break at the end of a file or of standard input is not part of the text.
    """
    wanted = asked.constraint
    data = given_text(text, file)
    grammar = sg.compile(wanted, byte_vocabulary())
    place = follow(grammar, data)
    if place.offset == len(data) and grammar.accepts(place.state):
        typer.echo("yes: the text satisfies the constraint")
        return
    typer.echo(report(grammar, place))
    if isinstance(wanted, sg.JsonSchema) and asked.order == "schema" and _fits_in_any_order(wanted, data):
        typer.echo("with its properties in another order it would fit: use --order any")
    raise typer.Exit(NO)


def _fits_in_any_order(asked: sg.JsonSchema, data: bytes) -> bool:
    try:
        grammar = sg.compile(replace(asked, property_order="any"), byte_vocabulary())
    except sg.errors.StructgenError:
        return False
    state = grammar.advance_bytes(grammar.start, data)
    return state >= 0 and grammar.accepts(state)
