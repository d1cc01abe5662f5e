"""What the user writes: constraint objects. Plain records; nothing is parsed or compiled here.

The operators build an algebra: ``a & b``, ``a | b``, ``~a``, ``a - b``, ``a + b`` (one after the other).
Whether a combination can be honoured is decided when it is compiled.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from structgen.errors import InputError
from structgen.source import report as reports


class Constraint:
    """A set of texts. Compile it with :func:`structgen.compile`."""

    def __and__(self, other: Constraint) -> Constraint:
        return Intersection(self, _constraint(other))

    def __or__(self, other: Constraint) -> Constraint:
        return Union(self, _constraint(other))

    def __sub__(self, other: Constraint) -> Constraint:
        return Difference(self, _constraint(other))

    def __add__(self, other: Constraint) -> Constraint:
        return Concatenation(self, _constraint(other))

    def __invert__(self) -> Constraint:
        return Complement(self)


def _constraint(value: object) -> Constraint:
    if not isinstance(value, Constraint):
        raise InputError(
            f"constraints combine with constraints, not with {type(value).__name__}",
            hint="Wrap a string in sg.Regex or sg.Choice, a type or schema in sg.JsonSchema",
        )
    return value


@dataclass(frozen=True)
class Regex(Constraint):
    """Texts that match ``pattern`` as a whole.

    Attributes:
        pattern: the pattern text.
        dialect: ``"python"`` (the ``re`` module) or ``"ecma"`` (ECMA-262 with the ``u`` flag).
        flags: for the Python dialect, ``re`` flags such as ``re.IGNORECASE``.
    """

    pattern: str
    dialect: Literal["python", "ecma"] = field(default="python", kw_only=True)
    flags: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise InputError(f"a pattern is a str, not {type(self.pattern).__name__}")
        if self.dialect not in ("python", "ecma"):
            raise InputError(f"unknown regex dialect {self.dialect!r}", hint='Use "python" or "ecma"')


@dataclass(frozen=True, init=False)
class Choice(Constraint):
    """One of finitely many texts."""

    options: tuple[str, ...]

    def __init__(self, options: Iterable[str]) -> None:
        if isinstance(options, str):
            raise InputError("Choice takes a list of strings, not one string")
        values = tuple(options)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise InputError(f"choice {i} is {type(value).__name__}, not str")
        object.__setattr__(self, "options", values)


@dataclass(frozen=True, eq=False)
class JsonSchema(Constraint):
    """JSON texts that are valid under a schema.

    Attributes:
        schema: a dict or bool; JSON text; a path to a JSON file (``pathlib.Path``); a Pydantic model or any
            type that Pydantic's TypeAdapter takes.
        property_order: ``"schema"``: properties come in the order the schema names them; ``"any"``: any order.
        whitespace: ``"flexible"``: where JSON allows it, bounded; ``"compact"``: none; or a regex.
        formats: ``"assert"``: ``format`` is enforced; ``"annotation"``: it is ignored, as the standard says; or
            formats of your own by name, beside the known ones, or in place of one: a :class:`Regex`, a
            :class:`Choice` or a combination of them, or a str, which is an ECMA-262 pattern for the whole string.
        unknown_formats: what to do with formats structgen does not know: ``"annotation"`` or ``"error"``.
        registry: schemas by URI for ``$ref`` to other documents: a mapping or a ``referencing.Registry``.
            Nothing is ever fetched.
    """

    schema: Any
    property_order: Literal["schema", "any"] = field(default="schema", kw_only=True)
    whitespace: str = field(default="flexible", kw_only=True)
    formats: Literal["assert", "annotation"] | Mapping[str, Constraint | str] = field(default="assert", kw_only=True)
    unknown_formats: Literal["annotation", "error"] = field(default="annotation", kw_only=True)
    registry: Mapping[str, Any] | Any | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, allowed in (
            ("property_order", ("schema", "any")),
            ("unknown_formats", ("annotation", "error")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name}={getattr(self, name)!r}", hint=f"Use one of {allowed}")
        if isinstance(self.formats, Mapping):
            for name, language in self.formats.items():
                if not isinstance(name, str) or not isinstance(language, (Constraint, str)):
                    raise InputError(
                        f"formats: {name!r}: a format is a name and a constraint or a pattern",
                        hint='For example formats={"sku": sg.Regex("[A-Z]{2}-[0-9]{4}")}',
                    )
        elif self.formats not in ("assert", "annotation"):
            raise InputError(
                f"formats={self.formats!r}", hint='Use "assert", "annotation" or formats of your own by name'
            )

    def report(self) -> reports.Report:
        """What becomes of each keyword, with its JSON pointer: enforced, an annotation, or refused and why.

        Nothing is in a fourth state. ``print`` the report for a table; ``to_json`` gives it to programs.

        Raises:
            SourceSyntaxError, InputError: the schema is not JSON, or cannot be read.
            SchemaError, UnsupportedError: ``$schema`` is malformed, or names a draft that is not known.
        """
        return reports.make(self)


@dataclass(frozen=True, eq=False)
class Lark(Constraint):
    """Texts of a grammar in Lark's notation.

    Attributes:
        grammar: the grammar's text; or the path of a file (``pathlib.Path``, or a str that ends in ``.lark``).
        start: name of the start rule.
        lexer: ``"contextual"`` or ``"basic"``: what Lark's LALR parser with that lexer accepts (longest match,
            priorities, keywords before identifiers); ``"dynamic"``: no lexer: terminals follow each other in any
            way that fits.
        import_paths: folders to search for ``%import``.
        constraints: constraints by name of a ``%declare``'d terminal, which stands for their texts.
    """

    grammar: str | os.PathLike[str]
    start: str = field(default="start", kw_only=True)
    lexer: Literal["contextual", "basic", "dynamic"] = field(default="contextual", kw_only=True)
    import_paths: tuple[str | os.PathLike[str], ...] = field(default=(), kw_only=True)
    constraints: Mapping[str, Constraint] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.grammar, (str, os.PathLike)):
            raise InputError(
                f"a grammar is text or a path, not {type(self.grammar).__name__}",
                hint="Give the text of the grammar, or a pathlib.Path to its file",
            )
        if self.lexer not in ("contextual", "basic", "dynamic"):
            raise InputError(f"lexer={self.lexer!r}", hint='Use one of "contextual", "basic", "dynamic"')
        if isinstance(self.import_paths, (str, os.PathLike)):
            object.__setattr__(self, "import_paths", (self.import_paths,))
        else:
            object.__setattr__(self, "import_paths", tuple(self.import_paths))
        for name, inner in self.constraints.items():
            if not isinstance(inner, Constraint):
                raise InputError(
                    f"constraints[{name!r}] is {type(inner).__name__}, not a constraint",
                    hint="Wrap a pattern in sg.Regex, a schema or type in sg.JsonSchema, strings in sg.Choice",
                )

    @property
    def is_path(self) -> bool:
        """Is ``grammar`` the path of a file? (No grammar is one line that ends in ``.lark``.)"""
        if isinstance(self.grammar, str):
            return self.grammar.endswith(".lark") and "\n" not in self.grammar
        return True


@dataclass(frozen=True)
class Intersection(Constraint):
    """Texts in both."""

    left: Constraint
    right: Constraint


@dataclass(frozen=True)
class Union(Constraint):
    """Texts in either."""

    left: Constraint
    right: Constraint


@dataclass(frozen=True)
class Difference(Constraint):
    """Texts in the left one and not in the right one."""

    left: Constraint
    right: Constraint


@dataclass(frozen=True)
class Concatenation(Constraint):
    """A text of the left one followed by a text of the right one."""

    left: Constraint
    right: Constraint


@dataclass(frozen=True)
class Complement(Constraint):
    """Texts (valid UTF-8) that are not in the inner one."""

    inner: Constraint
