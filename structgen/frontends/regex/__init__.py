"""Regular expressions: Python's ``re`` and ECMA-262.

Receives a pattern, its dialect and flags; returns the language as a :class:`~structgen.automata.dfa.Dfa` over code
points. ``python`` and ``ecma`` parse to one tree (``ast``), in which dialect and flags are resolved; ``compile``
and ``assertions`` turn it into an automaton.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from structgen.automata import MAX_STATES, Dfa
from structgen.errors import ConstraintError, InputError, LimitError
from structgen.frontends.regex import ast
from structgen.frontends.regex.ast import unparse
from structgen.frontends.regex.atomic import without_atomic
from structgen.frontends.regex.compile import compile_node
from structgen.frontends.regex.ecma import EcmaParser
from structgen.frontends.regex.parser import Parser
from structgen.frontends.regex.python import PythonParser

__all__ = ["Dialect", "parse", "to_dfa", "unparse"]

Dialect = Literal["python", "ecma"]

_PARSERS: dict[str, type[Parser]] = {"python": PythonParser, "ecma": EcmaParser}
_KNOWN_FLAGS = {
    "python": re.A | re.I | re.L | re.M | re.S | re.U | re.X | re.DEBUG,
    "ecma": re.I | re.M | re.S | re.U,
}


def _parser(pattern: str, dialect: str, flags: int, where: str | None) -> Parser:
    if dialect not in _PARSERS:
        raise InputError(f"unknown regex dialect {dialect!r}", hint='Use "python" or "ecma"')
    if flags & ~int(_KNOWN_FLAGS[dialect]):
        raise InputError(
            f"flags {flags} mean nothing in the {dialect} dialect", hint="Use re.IGNORECASE, re.MULTILINE, re.DOTALL"
        )
    return _PARSERS[dialect](pattern, flags, where)


def parse(pattern: str, dialect: Dialect = "python", flags: int = 0, where: str | None = None) -> ast.Node:
    """The tree of a pattern.

    Args:
        pattern: the pattern text.
        dialect: ``"python"``, or ``"ecma"``: code points and properties as under the ``u`` flag.
        flags: flags of ``re``; for ECMA-262 IGNORECASE, MULTILINE and DOTALL stand for i, m and s.
        where: the place in the user's source that errors name.

    Raises:
        SourceSyntaxError: the pattern is malformed in this dialect.
        UnsupportedError: it has something that no finite automaton can do, or that is not provably regular.
        LimitError: groups nest too deep or a count is too large.
    """
    return _parser(pattern, dialect, int(flags), where).parse()


def to_dfa(
    pattern: str,
    *,
    dialect: Dialect = "python",
    flags: int = 0,
    search: bool = False,
    where: str | None = None,
    max_states: int = MAX_STATES,
) -> Dfa:
    """The language of a pattern, as an automaton over code points. Results are cached.

    Args:
        pattern, dialect, flags, where: as for :func:`parse`.
        search: False: the texts that match as a whole. True: the texts in which the pattern matches somewhere.
        max_states: limit on the automaton and on those made on the way.

    Raises:
        SourceSyntaxError, UnsupportedError: as for :func:`parse`.
        LimitError: more than ``max_states`` states.
    """
    try:
        return _cached(pattern, dialect, int(flags), search, max_states)
    except ConstraintError as error:
        # the cache does not know the place: name it here
        raise type(error)(error.message, where=where, hint=error.hint) from None


@lru_cache(maxsize=4096)
def _cached(pattern: str, dialect: str, flags: int, search: bool, max_states: int) -> Dfa:
    parser = _parser(pattern, dialect, flags, None)
    node = parser.parse()
    if search:
        node = ast.seq([ast.ANY_TEXT, node, ast.ANY_TEXT])

    def refuse(position: int) -> Exception:
        return parser.unsupported(
            "atomic group or possessive quantifier that may change what matches",
            position,
            "Use the plain group or quantifier if that is what you mean",
        )

    node = without_atomic(node, max_states, refuse)
    try:
        return compile_node(node, max_states)
    except LimitError as error:
        shown = pattern if len(pattern) <= 80 else pattern[:77] + "..."
        raise LimitError(f"{error.message}: {shown}", hint=error.hint) from None
