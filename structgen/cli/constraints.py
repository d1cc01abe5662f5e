"""The options that name a constraint, the same for every command, and the constraint they make."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

import structgen as sg
from structgen.cli.console import read_bytes
from structgen.errors import InputError

_PANEL = "Constraint"

SchemaOption = Annotated[Path | None, typer.Option(help="A file with a JSON Schema.", rich_help_panel=_PANEL)]
ModelOption = Annotated[
    str | None,
    typer.Option(help="A type to import, as module:Name: a Pydantic model, dataclass, ...", rich_help_panel=_PANEL),
]
RegexOption = Annotated[
    str | None, typer.Option(help="A regular expression (Python's dialect).", rich_help_panel=_PANEL)
]
ChoiceOption = Annotated[list[str] | None, typer.Option(help="One of the texts allowed.", rich_help_panel=_PANEL)]
OrderOption = Annotated[
    str, typer.Option(help="Order of properties under a schema: schema or any.", rich_help_panel=_PANEL)
]
WhitespaceOption = Annotated[
    str,
    typer.Option(help="Whitespace between JSON's tokens: flexible, compact or a regex.", rich_help_panel=_PANEL),
]
FormatsOption = Annotated[
    str, typer.Option(help="What a schema's formats do: assert or annotation.", rich_help_panel=_PANEL)
]
GrammarOption = Annotated[
    Path | None,
    typer.Option(help="A file with a grammar: Lark's notation, or GBNF if it ends in .gbnf.", rich_help_panel=_PANEL),
]
StartOption = Annotated[str, typer.Option(help="Start rule of a Lark grammar.", rich_help_panel=_PANEL)]
LexerOption = Annotated[
    str,
    typer.Option(help="Its lexer: contextual, basic, dynamic, dynamic_complete.", rich_help_panel=_PANEL),
]
VocabOption = Annotated[
    str, typer.Option(help="The tokens: bytes, the name of a vocabulary, or a folder with a tokenizer.")
]


@dataclass
class Asked:
    """The constraint that a command is about, as its options say it."""

    schema: SchemaOption = None
    model: ModelOption = None
    regex: RegexOption = None
    choice: ChoiceOption = None
    grammar: GrammarOption = None
    start: StartOption = "start"
    lexer: LexerOption = "contextual"
    order: OrderOption = "schema"
    whitespace: WhitespaceOption = "flexible"
    formats: FormatsOption = "assert"

    @property
    def is_given(self) -> bool:
        """Is any constraint named?"""
        return any(value for value in (self.schema, self.model, self.regex, self.choice, self.grammar))

    @property
    def constraint(self) -> sg.Constraint:
        """The one constraint that is named. Raises InputError as :func:`constraint` does."""
        return constraint(
            self.schema,
            self.model,
            self.regex,
            self.choice,
            self.grammar,
            start=self.start,
            lexer=self.lexer,
            order=self.order,
            whitespace=self.whitespace,
            formats=self.formats,
        )


def constrained(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an argument ``asked``, as one that has the options of :class:`Asked` in its place."""
    names = [field.name for field in fields(Asked)]

    @functools.wraps(command)
    def run(**options: Any) -> None:
        asked = Asked(**{name: options.pop(name) for name in names})
        command(asked, **options)

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    theirs = list(inspect.signature(Asked, eval_str=True).parameters.values())
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [p.replace(kind=keyword) for p in [*own, *theirs]]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def constraint(
    schema: Path | None,
    model: str | None,
    regex: str | None,
    choice: list[str] | None,
    grammar: Path | None = None,
    *,
    start: str = "start",
    lexer: str = "contextual",
    order: str = "schema",
    whitespace: str = "flexible",
    formats: str = "assert",
) -> sg.Constraint:
    """The one constraint that the options name.

    Raises InputError for none or several, for a file that cannot be read, and for a type that cannot be imported.
    """
    given = {"--schema": schema, "--model": model, "--regex": regex, "--choice": choice or None}
    given["--grammar"] = grammar
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise InputError(
            "no constraint was given" if not names else f"several constraints were given: {', '.join(names)}",
            hint="Give one of --schema, --model, --regex, --choice and --grammar",
        )
    if regex is not None:
        return sg.Regex(regex)
    if choice:
        return sg.Choice(choice)
    if grammar is not None:
        if grammar.suffix == ".gbnf":
            return sg.Gbnf(_text(grammar))
        return sg.Lark(grammar, start=start, lexer=cast("Any", lexer))
    source: Any = schema if schema is not None else imported_type(model or "")
    return sg.JsonSchema(
        source,
        property_order=cast('Literal["schema", "any"]', order),
        whitespace=whitespace,
        formats=cast('Literal["assert", "annotation"]', formats),
    )


def _text(path: Path) -> str:
    """The text of a file. Raises InputError where it cannot be read or is not UTF-8."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the file is not UTF-8 at byte {error.start}", where=str(path)) from error


def imported_type(name: str) -> Any:
    """The object called ``module:Name``; modules are looked for in the working folder too. Raises InputError."""
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise InputError(f"--model {name}: not of the form module:Name", hint="For example --model shop.models:Invoice")
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        value: Any = importlib.import_module(module_name)
    except Exception as error:  # the user's module may fail in any way
        raise InputError(
            f"cannot import {module_name}: {type(error).__name__}: {error}",
            where=f"--model {name}",
            hint="Modules are found on Python's path and in the working folder",
        ) from error
    finally:
        sys.path.remove(folder)
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            raise InputError(f"{module_name} has nothing called {attribute}", where=f"--model {name}") from error
    return value
