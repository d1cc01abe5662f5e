"""Atomic groups and possessive quantifiers: dropped where that provably changes nothing, else refused.

Receives a tree and returns one without :class:`~structgen.frontends.regex.ast.Atomic`. An atomic group gives up
all its matches but one; the language is that of the plain group in two cases that are easy to prove:

* no match of the group is a prefix of another, so there is only one to begin with;
* the group takes as much as it can (a possessive quantifier over a set), and what follows cannot begin with
  anything the group could still have taken, so shorter matches would have failed anyway.
"""

from __future__ import annotations

from collections.abc import Callable

from structgen.automata.symbols import CODE_POINTS, Ranges, common, join
from structgen.frontends.regex import ast
from structgen.frontends.regex.compile import plain

Refuse = Callable[[int], Exception]


def without_atomic(node: ast.Node, max_states: int, refuse: Refuse) -> ast.Node:
    """The same language without atomic groups.

    Args:
        node: any tree.
        max_states: limit on the automata made on the way.
        refuse: makes the error for a group at a position of the pattern that must be kept.

    Raises:
        the error that ``refuse`` makes.
    """
    if not _present(node):
        return node
    return _rewrite(node, ast.EMPTY, max_states, refuse)


def _present(node: ast.Node) -> bool:
    return isinstance(node, ast.Atomic) or any(map(_present, ast.children(node)))


def _rewrite(node: ast.Node, following: ast.Node | None, max_states: int, refuse: Refuse) -> ast.Node:
    """``following`` is what stands after the node up to the end of the text; None: not known."""
    if isinstance(node, ast.Atomic):
        body = _rewrite(node.body, None, max_states, refuse)
        if ast.has_assertions(body):
            raise refuse(node.position)
        if node.longest and following is not None and _stops(body, following):
            return body
        d = plain(body, max_states)
        if (d.delta[d.accept] < 0).all():
            return body
        raise refuse(node.position)
    if isinstance(node, ast.Seq):
        items = list(node.items)
        for i in range(len(items)):
            rest = None if following is None else ast.seq([*items[i + 1 :], following])
            items[i] = _rewrite(items[i], rest, max_states, refuse)
        return ast.seq(items)
    if isinstance(node, ast.Alt):
        return ast.alt(_rewrite(b, following, max_states, refuse) for b in node.branches)
    if isinstance(node, ast.Repeat):
        return ast.repeat(_rewrite(node.body, None, max_states, refuse), node.lo, node.hi)
    if isinstance(node, ast.Look):
        return ast.Look(_rewrite(node.body, None, max_states, refuse), node.ahead, node.negative)
    return node


def _stops(body: ast.Node, following: ast.Node) -> bool:
    """Is the body a repeated set, and can what follows not begin with a member of it?"""
    chars = body.body if isinstance(body, ast.Repeat) else body
    if not isinstance(chars, ast.Chars):
        return False
    first = _first(following)
    return first is not None and not common(chars.ranges, first[0])


def _first(node: ast.Node) -> tuple[Ranges, bool] | None:
    """The code points a node can begin with, and whether it can match nothing; None: not known."""
    if isinstance(node, ast.Chars):
        return node.ranges, False
    if isinstance(node, ast.Seq):
        found: list[Ranges] = []
        for item in node.items:
            part = _first(item)
            if part is None:
                return None
            found.append(part[0])
            if not part[1]:
                return join(*found, alphabet=CODE_POINTS), False
        return join(*found, alphabet=CODE_POINTS), True
    if isinstance(node, ast.Alt):
        parts = [_first(b) for b in node.branches]
        known = [p for p in parts if p is not None]
        if len(known) < len(parts):
            return None
        return join(*(p[0] for p in known), alphabet=CODE_POINTS), any(p[1] for p in known)
    if isinstance(node, ast.Repeat):
        part = _first(node.body)
        return None if part is None else (part[0], part[1] or node.lo == 0)
    if isinstance(node, ast.End):
        return (), True
    return None
