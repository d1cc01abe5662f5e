"""The command line, put together from one module for each command."""

from __future__ import annotations

from typing import Annotated

import typer

import structgen as sg
from structgen.cli import models
from structgen.cli.check import check
from structgen.cli.compiling import compile_command
from structgen.cli.explain import explain
from structgen.cli.generate import generate
from structgen.cli.grammar_tests import grammar_command
from structgen.cli.infill import infill, repair

app = typer.Typer(
    name="structgen",
    help="Texts that satisfy a constraint: generate them, check them, explain them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("generate")(generate)
app.command("infill")(infill)
app.command("repair")(repair)
app.command("check")(check)
app.command("explain")(explain)
app.command("compile")(compile_command)
app.command("test-grammar")(grammar_command)
app.add_typer(models.app, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"structgen {sg.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass
