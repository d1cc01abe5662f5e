"""What all commands share: exit codes, one clean line for an error (and the place it is about), reading a text."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import typer

from structgen.errors import InputError, StructgenError

#: The text does not satisfy the constraint, or some rows of a batch failed.
NO = 1
#: The command could not be carried out: a refused constraint, a missing file, a wrong option.
CANNOT = 2

Command = TypeVar("Command", bound=Callable[..., None])


def reported(command: Command) -> Command:
    """Turn the errors of this package into a line on standard error, with the place pointed at, and exit code 2."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except StructgenError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(CANNOT) from None
        except BrokenPipeError:  # the reader of our output has gone: say nothing, not even when Python closes it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(CANNOT) from None

    return run  # type: ignore[return-value]


def read_bytes(path: Path) -> bytes:
    """A file's content. Raises InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", where=str(path)) from error


def given_text(text: str | None, file: Path | None) -> bytes:
    """The text a command is about: the argument, a file, or standard input.

    One line break at the end of a file or of standard input is the file's, not the text's. Raises InputError.
    """
    if text is not None:
        if file is not None:
            raise InputError("a text was given both as an argument and with --file", hint="Give one of them")
        return text.encode("utf-8", errors="surrogateescape")
    if file is None and sys.stdin.isatty():
        raise InputError("no text was given", hint="Give it as an argument, with --file, or on standard input")
    data = read_bytes(file) if file is not None else sys.stdin.buffer.read()
    return data.removesuffix(b"\n").removesuffix(b"\r")
