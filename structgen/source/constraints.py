"""What the user writes: constraint objects. Plain records; nothing is parsed or compiled here.

The operators build an algebra: ``a & b``, ``a | b``, ``~a``, ``a - b``, ``a + b`` (one after the other), ``a * 3``
and ``a * (1, 3)`` (so many times). Whether a combination can be honoured is decided when it is compiled.
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
        return self.inner if isinstance(self, Complement) else Complement(self)

    def __mul__(self, times: int | tuple[int, int | None]) -> Constraint:
        if isinstance(times, tuple) and len(times) == 2:
            return Repetition(self, *times)
        if isinstance(times, int):
            return Repetition(self, times, times)
        raise InputError(
            f"a constraint is repeated an int or (lo, hi) times, not {times!r}", hint="hi None: no upper bound"
        )


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
        if not isinstance(self.flags, int):
            raise InputError(
                f"flags are an int, not {type(self.flags).__name__}", hint="Join flags of re, as re.I | re.S"
            )


@dataclass(frozen=True, init=False)
class Choice(Constraint):
    """One of finitely many texts."""

    options: tuple[str, ...]

    def __init__(self, options: Iterable[str]) -> None:
        if isinstance(options, (str, bytes)) or not isinstance(options, Iterable):
            given = "one string" if isinstance(options, str) else type(options).__name__
            raise InputError(f"Choice takes a list of strings, not {given}")
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
        numbers: ``"double"``: with exponents that a double has room for; ``"plain"``: without exponents;
            ``"any"``: with any exponent, so also 1e999, which Python reads as infinity.
        escapes: ``"standard"``: characters are escaped where an encoder may escape them; ``"any"``: everywhere.
        registry: schemas by URI for ``$ref`` to other documents: a mapping or a ``referencing.Registry``.
            Nothing is ever fetched.
    """

    schema: Any
    property_order: Literal["schema", "any"] = field(default="schema", kw_only=True)
    whitespace: str = field(default="flexible", kw_only=True)
    formats: Literal["assert", "annotation"] | Mapping[str, Constraint | str] = field(default="assert", kw_only=True)
    unknown_formats: Literal["annotation", "error"] = field(default="annotation", kw_only=True)
    numbers: Literal["double", "plain", "any"] = field(default="double", kw_only=True)
    escapes: Literal["standard", "any"] = field(default="standard", kw_only=True)
    registry: Mapping[str, Any] | Any | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, allowed in (
            ("property_order", ("schema", "any")),
            ("unknown_formats", ("annotation", "error")),
            ("numbers", ("double", "plain", "any")),
            ("escapes", ("standard", "any")),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(f"{name}={getattr(self, name)!r}", hint=f"Use one of {allowed}")
        if not isinstance(self.whitespace, str):
            raise InputError(
                f"whitespace={self.whitespace!r}", hint='Use "flexible", "compact" or a regular expression, as a str'
            )
        _check_registry(self.registry)
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


def _check_registry(registry: object) -> None:
    """Refuse what is neither None, nor a ``referencing.Registry``, nor a mapping from URIs to schemas."""
    if registry is None or hasattr(registry, "with_resources"):
        return
    if not isinstance(registry, Mapping):
        raise InputError(f"registry is a mapping or a referencing.Registry, not {type(registry).__name__}")
    for uri, value in registry.items():
        if not isinstance(uri, str):
            raise InputError(f"a URI in the registry is {type(uri).__name__}, not str", where=f"registry[{uri!r}]")
        if not isinstance(value, (dict, bool)) and not hasattr(value, "contents"):
            text = isinstance(value, (str, bytes))
            raise InputError(
                f"a schema in the registry is {type(value).__name__}, not a dict or a bool",
                where=f"registry[{uri!r}]",
                hint="Parse the text first, with json.loads" if text else None,
            )


@dataclass(frozen=True, eq=False)
class Lark(Constraint):
    """Texts of a grammar in Lark's notation.

    Attributes:
        grammar: the grammar's text; or the path of a file (``pathlib.Path``, or a str that ends in ``.lark``).
        start: name of the start rule.
        lexer: ``"contextual"`` or ``"basic"``: what Lark's LALR parser with that lexer accepts (longest match,
            priorities, keywords before identifiers). ``"dynamic"``: what Lark's Earley parser accepts: no lexer, each
            terminal is the match of its pattern. ``"dynamic_complete"``: no lexer, each terminal is any text of
            its pattern, whatever follows.
        import_paths: folders to search for ``%import``.
        constraints: constraints by name of a ``%declare``'d terminal, which stands for their texts.
        postlex: for grammars with indentation: ``"indent"`` (the names of Lark's PythonIndenter: _NEWLINE, _INDENT,
            _DEDENT, LPAR and so on, a tab being 8 columns), or a subclass of ``lark.indenter.Indenter``. Only with the
            first two lexers.
    """

    grammar: str | os.PathLike[str]
    start: str = field(default="start", kw_only=True)
    lexer: Literal["contextual", "basic", "dynamic", "dynamic_complete"] = field(default="contextual", kw_only=True)
    import_paths: tuple[str | os.PathLike[str], ...] = field(default=(), kw_only=True)
    constraints: Mapping[str, Constraint] = field(default_factory=dict, kw_only=True)
    postlex: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.grammar, (str, os.PathLike)):
            raise InputError(
                f"a grammar is text or a path, not {type(self.grammar).__name__}",
                hint="Give the text of the grammar, or a pathlib.Path to its file",
            )
        if self.lexer not in ("contextual", "basic", "dynamic", "dynamic_complete"):
            raise InputError(
                f"lexer={self.lexer!r}", hint='Use one of "contextual", "basic", "dynamic", "dynamic_complete"'
            )
        if self.postlex is not None:
            named = ("NL_type", "INDENT_type", "DEDENT_type", "OPEN_PAREN_types", "CLOSE_PAREN_types", "tab_len")
            if self.postlex != "indent" and not all(hasattr(self.postlex, name) for name in named):
                raise InputError(
                    f"postlex={self.postlex!r}", hint='Use "indent", or a subclass of lark.indenter.Indenter'
                )
            if self.lexer not in ("contextual", "basic"):
                raise InputError(
                    f"postlex with lexer={self.lexer!r}", hint='Indentation needs lexer="contextual" or "basic"'
                )
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
class Gbnf(Constraint):
    """Texts of a grammar in GBNF, the notation of llama.cpp. They begin with the rule ``root``.

    Attributes:
        grammar: the grammar's text.
    """

    grammar: str

    def __post_init__(self) -> None:
        if not isinstance(self.grammar, str):
            raise InputError(f"a grammar is a str, not {type(self.grammar).__name__}", hint="Read the file first")


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
class Repetition(Constraint):
    """``lo`` to ``hi`` texts of the inner one, one after the other; hi None: no upper bound."""

    inner: Constraint
    lo: int
    hi: int | None

    def __post_init__(self) -> None:
        _constraint(self.inner)
        for value in (self.lo, self.hi):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
                raise InputError(f"repeated {value!r} times", hint="Counts are integers from 0 up; hi may be None")
        if self.lo is None or (self.hi is not None and self.hi < self.lo):
            raise InputError(f"cannot repeat {self.lo} to {self.hi} times", hint="lo is at most hi")


def repeat(constraint: Constraint, lo: int, hi: int | None = None) -> Constraint:
    """``lo`` to ``hi`` texts of a constraint, one after the other; hi None: no upper bound. Also ``a * (lo, hi)``.

    Raises:
        InputError: not a constraint, or not 0 <= lo <= hi.
    """
    return Repetition(constraint, lo, hi)


@dataclass(frozen=True)
class Complement(Constraint):
    """Texts (valid UTF-8) that are not in the inner one."""

    inner: Constraint


def operands(constraint: Constraint) -> list[Constraint]:
    """The parts of a combination, in order. Chains of ``&``, ``|`` or ``+`` are taken as one, however long."""
    if isinstance(constraint, (Complement, Repetition)):
        return [constraint.inner]
    if isinstance(constraint, Difference):
        return [constraint.left, constraint.right]
    found: list[Constraint] = []
    todo = [constraint]
    while todo:
        part = todo.pop()
        if type(part) is type(constraint) and isinstance(part, (Intersection, Union, Concatenation)):
            todo += [part.right, part.left]
        else:
            found.append(part)
    return found
