"""The library of grammars: Lark files by name, each with a header line that says how to read it.

Receives a name; returns the :class:`~structgen.source.Lark` constraint. The files lie in ``structgen.grammars``; the
first line of each is ``// structgen: start=NAME lexer=basic|contextual|dynamic_complete [postlex=indent]``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from structgen.errors import InputError, SourceSyntaxError
from structgen.source.constraints import Lark

_HEADER = re.compile(r"// structgen:((?: [a-z]+=\w+)+)\s*")
_OPTIONS = {"start", "lexer", "postlex"}


@dataclass(frozen=True)
class Entry:
    """A grammar of the library.

    Attributes:
        name: the file's name without ``.lark``.
        text: the grammar.
        options: ``start``, ``lexer`` and perhaps ``postlex``, as the header line gives them.
    """

    name: str
    text: str
    options: dict[str, str]


@cache
def _files() -> dict[str, Traversable]:
    found = [f for f in files("structgen.grammars").iterdir() if f.name.endswith(".lark")]
    return {f.name[: -len(".lark")]: f for f in sorted(found, key=lambda f: f.name)}


def list_grammars() -> list[str]:
    """The names that :func:`load_grammar` takes, sorted."""
    return list(_files())


def read_entry(name: str) -> Entry:
    """A grammar's text and options.

    Raises:
        InputError: there is no grammar of this name.
        SourceSyntaxError: the file's header line is malformed.
    """
    known = _files()
    if name not in known:
        near = difflib.get_close_matches(str(name), known, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}"
        raise InputError(f"the library has no grammar {name!r}", hint=hint)
    text = known[name].read_text(encoding="utf-8")
    header = _HEADER.fullmatch(text.split("\n", 1)[0])
    options = dict(option.split("=", 1) for option in header[1].split()) if header else {}
    if not {"start", "lexer"} <= options.keys() <= _OPTIONS:
        raise SourceSyntaxError(
            "the first line of a grammar of the library names its start rule and lexer",
            where=f"{name}.lark, line 1",
            hint="Write: // structgen: start=start lexer=contextual",
        )
    return Entry(name, text, options)


def load_grammar(name: str) -> Lark:
    """The constraint of a grammar of the library, by its file name without ``.lark``: ``"json"``, ``"python"``.

    What each grammar covers is said at its top and in ``docs/library.md``.

    Raises:
        InputError: there is no grammar of this name.
    """
    entry = read_entry(name)
    return Lark(entry.text, **entry.options)  # type: ignore[arg-type]
