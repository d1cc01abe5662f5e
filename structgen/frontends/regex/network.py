"""Patterns whose automaton is too large, as lazy networks: counts are kept in nodes, which are made when reached.

Receives a tree; returns a network of the same texts, or says that it cannot. Exact whatever the pattern, since a
network may be ambiguous; an ambiguous one costs more while it is used.
"""

from __future__ import annotations

from structgen.automata import to_bytedfa, utf8
from structgen.errors import LimitError
from structgen.frontends.regex import ast
from structgen.frontends.regex.compile import plain, sequences
from structgen.ir import combine
from structgen.ir.network import Network, Terminal

#: By default parts of a pattern become one terminal up to so many states.
TERMINAL_STATES = 5_000


def network_of(node: ast.Node, max_states: int = TERMINAL_STATES) -> Network | None:
    """The network of a tree's texts; None where assertions stand inside it, or it has no text.

    Raises:
        LimitError: a set of alternatives or a sequence that cannot be divided is too large.
    """
    found = sequences(node)
    if found is None or any(map(ast.has_assertions, (item for items in found for item in items))):
        return None
    parts = [part for items in found if (part := _part(ast.seq(items), max_states)) is not None]
    return combine.union(*parts) if parts else None


def _part(node: ast.Node, max_states: int) -> Network | None:
    """The network of a plain node, divided where its automaton is too large; None: it has no text."""
    try:
        dfa = plain(node, max_states)
    except LimitError:
        if isinstance(node, ast.Repeat):
            body = _part(node.body, max_states)
            if body is None:
                return combine.empty_text() if node.lo == 0 else None
            return combine.repeat(body, node.lo, node.hi)
        parts = [_part(child, max_states) for child in ast.children(node)]
        alive = [part for part in parts if part is not None]
        if isinstance(node, ast.Alt) and alive:
            return combine.union(*alive)
        if isinstance(node, ast.Seq):
            return combine.concat(*alive) if len(alive) == len(parts) else None
        raise
    if dfa.is_empty():
        return None
    return combine.from_terminal(Terminal(to_bytedfa(utf8(dfa)), f"/{ast.unparse(node, 'python')[:60]}/"))
