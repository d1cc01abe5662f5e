"""Terminals of a grammar as automata, without a lexer: each is the set of texts that it matches by itself.

Receives :class:`LarkTerminal` records; returns :class:`~structgen.automata.dfa.Dfa` over code points. Lookaround
and word boundaries see the terminal's own text only; what can only be judged by the text around it is refused.
"""

from __future__ import annotations

from structgen import automata
from structgen.automata import Dfa
from structgen.errors import SourceSyntaxError, UnsupportedError
from structgen.frontends import regex
from structgen.frontends.lark.grammar import LarkTerminal
from structgen.frontends.regex import ast


def language(terminal: LarkTerminal, max_states: int) -> Dfa:
    """The texts of a terminal, over code points. It may be empty.

    Raises:
        SourceSyntaxError: the pattern is malformed, or matches the empty text (which Lark refuses).
        UnsupportedError: the pattern is not regular, or depends on the text around the terminal.
        LimitError: more than ``max_states`` states.
    """
    where = None if terminal.place is None else str(terminal.place)
    if terminal.kind == "str" and not terminal.flags:
        return automata.literal(terminal.pattern)
    node = regex.parse(terminal.regexp, where=where)
    problem = _beyond(node, 0, 0)
    if problem is not None:
        raise UnsupportedError(
            f"the terminal {terminal.shown} {problem}, so the text around it decides what it matches",
            where=where,
            hint="Leave that out, and say in the rules what may come before and after",
        )
    result = regex.to_dfa(terminal.regexp, where=where, max_states=max_states)
    if result.accept[0]:
        raise SourceSyntaxError(
            f"the terminal {terminal.shown} can be empty, which Lark does not allow",
            where=where,
            hint="Write + instead of *, and make it optional where it is used: [NAME] or NAME?",
        )
    return result


def _beyond(node: ast.Node, before: int, after: int) -> str | None:
    """How a pattern asks for what is outside of its own text, or None.

    Args:
        before, after: how many code points of the terminal's own text come before and after the node at least.
    """
    if isinstance(node, (ast.Start, ast.End)):
        return "asks whether it stands at the beginning or end of a text or line (^, $, \\A, \\Z)"
    if isinstance(node, ast.Look):
        if node.negative:
            return None
        need = ast.width(node.body)[0]
        if node.ahead and need > after:
            return "looks ahead past its end"
        if not node.ahead and need > before:
            return "looks back past its beginning"
        return _beyond(node.body, 1 << 30, 1 << 30)
    if isinstance(node, ast.Seq):
        least = [ast.width(item)[0] for item in node.items]
        for i, item in enumerate(node.items):
            found = _beyond(item, before + sum(least[:i]), after + sum(least[i + 1 :]))
            if found is not None:
                return found
        return None
    if isinstance(node, ast.Alt) and all(map(_is_half_boundary, node.branches)):
        return None
    return next((found for child in ast.children(node) if (found := _beyond(child, before, after))), None)


def _is_half_boundary(node: ast.Node) -> bool:
    r"""One of the two cases of ``\b`` or ``\B``: the same set asked for behind and ahead."""
    if not isinstance(node, ast.Seq) or len(node.items) != 2:
        return False
    behind, ahead = node.items
    return (
        isinstance(behind, ast.Look)
        and isinstance(ahead, ast.Look)
        and not behind.ahead
        and ahead.ahead
        and behind.body == ahead.body
    )
