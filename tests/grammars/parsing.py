"""The grammars of the library in Lark itself, the first judge of them."""

from __future__ import annotations

from functools import cache

import lark
import lark.lexer
from lark.indenter import PythonIndenter

from structgen.source.library import read_entry

# Lark looks for terminals that overlap where interegular is installed: minutes for classes of Unicode.
lark.lexer.has_interegular = False


@cache
def parser(name: str) -> lark.Lark:
    """Lark's parser for a grammar: LALR where it has a lexer, Earley where it has none."""
    entry = read_entry(name)
    options = entry.options
    if options["lexer"] == "dynamic_complete":
        # terminals end wherever they may, as in a grammar without a lexer
        return lark.Lark(entry.text, parser="earley", lexer="dynamic_complete", start=options["start"])
    postlex = PythonIndenter() if options.get("postlex") == "indent" else None
    return lark.Lark(
        entry.text,
        parser="lalr",
        lexer=options["lexer"],
        start=options["start"],
        postlex=postlex,
    )


def refusal(name: str, text: str) -> str | None:
    """Why Lark refuses the text, or None."""
    try:
        parser(name).parse(text)
    except lark.exceptions.UnexpectedInput as error:
        return f"line {error.line}, column {error.column}: {type(error).__name__}"
    except lark.indenter.DedentError as error:
        return str(error)
    except AssertionError:  # PythonIndenter, on a closing bracket without its opening one
        return "brackets do not match"
    return None


def accepts(name: str, text: str) -> bool:
    """Does Lark accept the text?"""
    return refusal(name, text) is None
