"""The command line. ``structgen --help`` lists the commands."""

from __future__ import annotations

import sys


def entry() -> None:
    """The ``structgen`` command. Its libraries are an extra, so say so where they are missing."""
    try:
        from structgen.cli.main import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        hint = 'Install it with: pip install "structgen[cli]"'
        print(f"error: the command line needs {error.name}. {hint}", file=sys.stderr)
        raise SystemExit(2) from None
    app()
