"""From a regex tree to the automaton of the texts that match as a whole.

Receives a tree of :mod:`structgen.frontends.regex.ast`; returns a :class:`~structgen.automata.dfa.Dfa` over code
points. Most patterns have no assertions but ``^`` and ``$`` at their ends: those are dropped where they always
hold, and what is left goes through one subset construction. Lookarounds that stand at the ends, or in a plain
sequence, become intersections and differences of languages. What remains (assertions inside repetitions, word
boundaries in the middle) is left to :mod:`structgen.frontends.regex.assertions`.
"""

from __future__ import annotations

from structgen.automata import (
    CODE_POINTS,
    Dfa,
    Nfa,
    Ranges,
    concat,
    difference,
    empty,
    epsilon,
    intersect,
    repeat_set,
    union,
)
from structgen.automata.dfa import limit_error
from structgen.frontends.regex import ast
from structgen.frontends.regex.assertions import with_assertions

#: Alternatives that hold anchors are multiplied out into whole sequences, up to this many.
MAX_EXPANDED = 200


def compile_node(node: ast.Node, max_states: int) -> Dfa:
    """The texts that the node matches from their first to their last code point.

    Raises:
        LimitError: more than ``max_states`` states.
    """
    if not ast.has_assertions(node):
        return plain(node, max_states)
    sequences = _expanded(node)
    if sequences is None:
        return with_assertions(node, max_states)
    without: list[ast.Node] = []
    parts = []
    for items in sequences:
        trimmed = _drop_ends(items)
        if trimmed is None:
            continue
        if any(map(ast.has_assertions, trimmed)):
            parts.append(_sequence(trimmed, max_states))
        else:
            without.append(ast.seq(trimmed))
    if without:
        parts.append(plain(ast.alt(without), max_states))
    return union(*parts, max_states=max_states) if parts else empty(CODE_POINTS)


def sequences(node: ast.Node) -> list[list[ast.Node]] | None:
    """The node as alternatives of sequences without ``^`` and ``$`` at their ends; None if it cannot be had so."""
    found = _expanded(node)
    if found is None:
        return None
    return [items for sequence in found if (items := _drop_ends(sequence)) is not None]


def plain(node: ast.Node, max_states: int) -> Dfa:
    """The automaton of a node without assertions."""
    if isinstance(node, ast.Chars):
        return repeat_set(node.ranges, 1, 1, CODE_POINTS)
    if isinstance(node, ast.Repeat) and isinstance(node.body, ast.Chars):
        return repeat_set(node.body.ranges, node.lo, node.hi, CODE_POINTS, max_states=max_states)
    if node == ast.EMPTY:
        return epsilon(CODE_POINTS)
    builder = Builder(max_states)
    end = builder.nfa.state()
    builder.add(node, 0, end)
    builder.nfa.final = [end]
    sets = [ranges for ranges, _ in sorted(builder.labels.items(), key=lambda item: item[1])]
    return builder.nfa.to_dfa(sets, CODE_POINTS, max_states=max_states, what="this regular expression")


class Builder:
    """Thompson's construction: each node becomes moves between two states.

    A fragment adds no moves out of its end, and none into its start unless both are one state (a loop), so
    fragments may share their ends.
    """

    def __init__(self, max_states: int) -> None:
        self.nfa = Nfa()
        self.labels: dict[Ranges, int] = {}
        self._most = 20 * max_states

    def add(self, node: ast.Node, start: int, end: int) -> None:
        """Add the moves that match ``node`` from ``start`` to ``end``."""
        nfa = self.nfa
        if isinstance(node, ast.Chars):
            if node.ranges:
                nfa.edge(start, self.labels.setdefault(node.ranges, len(self.labels)), end)
        elif isinstance(node, ast.Seq):
            if not node.items:
                nfa.empty(start, end)
                return
            for item in node.items[:-1]:
                middle = nfa.state()
                self.add(item, start, middle)
                start = middle
            self.add(node.items[-1], start, end)
        elif isinstance(node, ast.Alt):
            for branch in node.branches:
                self.add(branch, start, end)
        elif isinstance(node, ast.Repeat):
            self._repeat(node, start, end)
        else:
            self.assertion(node, start, end)

    def assertion(self, node: ast.Node, start: int, end: int) -> None:
        """Moves that depend on what stands around: see :mod:`structgen.frontends.regex.assertions`."""
        raise AssertionError(f"{type(node).__name__} among plain nodes")

    def _repeat(self, node: ast.Repeat, start: int, end: int) -> None:
        nfa = self.nfa
        copies = node.lo if node.hi is None else node.hi
        if nfa.n_states + copies > self._most:
            raise limit_error("this regular expression", self._most // 20)
        if isinstance(node.body, ast.Chars) and copies > 1:
            start = self._chain(node.body, node.lo, node.hi, start, end)
        else:
            for _ in range(node.lo):
                middle = nfa.state()
                self.add(node.body, start, middle)
                start = middle
            for _ in range((node.hi or 0) - node.lo):
                nfa.empty(start, end)
                middle = nfa.state()
                self.add(node.body, start, middle)
                start = middle
                if nfa.n_states > self._most:
                    raise limit_error("this regular expression", self._most // 20)
        if node.hi is None:
            loop = nfa.state()
            nfa.empty(start, loop)
            self.add(node.body, loop, loop)
            start = loop
        nfa.empty(start, end)

    def _chain(self, body: ast.Chars, lo: int, hi: int | None, start: int, end: int) -> int:
        """The copies of one set, added as lists; returns the last state."""
        nfa = self.nfa
        copies = lo if hi is None else hi
        if not body.ranges:
            return nfa.state() if lo else start
        first = nfa.n_states
        states = [start, *range(first, first + copies)]
        nfa.n_states += copies
        nfa.sources.extend(states[:-1])
        nfa.targets.extend(states[1:])
        nfa.labels.extend([self.labels.setdefault(body.ranges, len(self.labels))] * copies)
        nfa.empty_sources.extend(states[lo:-1])
        nfa.empty_targets.extend([end] * (copies - lo))
        return states[-1]


# ---- assertions at the ends and in sequences ---------------------------------------------------------------


def _expanded(node: ast.Node) -> list[list[ast.Node]] | None:
    """The node as alternatives of sequences in which every assertion stands at the top; None if one cannot."""
    if not ast.has_assertions(node):
        return [list(node.items) if isinstance(node, ast.Seq) else [node]]
    if isinstance(node, (ast.Look, ast.Start, ast.End, ast.Atomic)):
        return [[node]]
    if isinstance(node, ast.Alt):
        found: list[list[ast.Node]] = []
        plain_branches = [b for b in node.branches if not ast.has_assertions(b)]
        if plain_branches:
            found.append([ast.alt(plain_branches)])
        for branch in node.branches:
            if ast.has_assertions(branch):
                more = _expanded(branch)
                if more is None:
                    return None
                found.extend(more)
        return found if len(found) <= MAX_EXPANDED else None
    if isinstance(node, ast.Seq):
        products: list[list[ast.Node]] = [[]]
        for item in node.items:
            more = _expanded(item) if ast.has_assertions(item) else [[item]]
            if more is None or len(products) * len(more) > MAX_EXPANDED:
                return None
            products = [left + right for left in products for right in more]
        return products
    if isinstance(node, ast.Repeat) and (node.lo, node.hi) == (0, 1):
        more = _expanded(node.body)
        return None if more is None else [[], *more]
    return None


def _drop_ends(items: list[ast.Node]) -> list[ast.Node] | None:
    """Drop ``Start`` and ``End``: what stands before a Start must match nothing. None if that cannot be."""
    starts = [i for i, item in enumerate(items) if isinstance(item, ast.Start)]
    ends = [i for i, item in enumerate(items) if isinstance(item, ast.End)]
    begin = starts[-1] + 1 if starts else 0
    end = ends[0] if ends else len(items)
    result: list[ast.Node] = []
    if end < begin:  # an End before a Start: the text is empty
        result = [ast.Start(), ast.End()]
    for i, item in enumerate(items):
        if isinstance(item, (ast.Start, ast.End)):
            continue
        if isinstance(item, ast.Look):
            result.append(item)
        elif begin <= i < end:
            result.append(item)
        elif not ast.nullable(item):
            return None
    if end < begin and len(result) == 2:
        return []
    while result and isinstance(last := result[-1], ast.Look) and last.ahead:
        if ast.width(last.body)[0] == 0:
            break
        if not last.negative:  # something must follow the end of the text
            return None
        result.pop()
    return result


def _sequence(items: list[ast.Node], max_states: int) -> Dfa:
    """The texts of a sequence whose assertions stand at its top level; ends are dropped already."""
    lookaheads: list[ast.Look] = []
    while items and isinstance(items[0], ast.Look):
        first = items[0]
        if not first.ahead:
            break
        lookaheads.append(first)
        items = items[1:]
    lookbehinds: list[ast.Look] = []
    while items and isinstance(items[-1], ast.Look) and not items[-1].ahead:
        lookbehinds.append(items[-1])
        items = items[:-1]
    middle = ast.seq(items)
    if not ast.has_assertions(middle):
        result = plain(middle, max_states)
    elif (segments := _segments(items)) is not None:
        result = concat(*(_segment(*segment, max_states) for segment in segments), max_states=max_states)
    elif all(_looks_ahead_only(item) for item in items):
        result = _right_to_left(items, max_states)
    else:
        result = with_assertions(middle, max_states)
    for look in lookaheads:
        result = _constrain(result, ast.seq([look.body, ast.ANY_TEXT]), look.negative, max_states)
    for look in lookbehinds:
        result = _constrain(result, ast.seq([ast.ANY_TEXT, look.body]), look.negative, max_states)
    return result


def _constrain(texts: Dfa, node: ast.Node, negative: bool, max_states: int) -> Dfa:
    language = compile_node(node, max_states)
    if negative:
        return difference(texts, language, max_states=max_states)
    return intersect(texts, language, max_states=max_states)


_Segment = tuple[list[ast.Node], list[ast.Look]]


def _segments(items: list[ast.Node]) -> list[_Segment] | None:
    """Cut a sequence at its lookarounds, where each of them sees no further than the segment beside it.

    Returns the segments with the lookarounds that constrain each; None if one might see across a segment. The
    first segment begins with the text and the last ends with it, so there sight is free.
    """
    segments: list[_Segment] = [([], [])]
    cuts: list[list[ast.Look]] = []
    for item in items:
        if not isinstance(item, ast.Look):
            if ast.has_assertions(item):
                return None
            if len(cuts) == len(segments):
                segments.append(([], []))
            segments[-1][0].append(item)
        elif ast.has_assertions(item.body):
            return None
        else:
            if len(cuts) < len(segments):
                cuts.append([])
            cuts[-1].append(item)
    if len(cuts) == len(segments):
        segments.append(([], []))
    for i, looks in enumerate(cuts):
        for look in looks:
            beside = i + 1 if look.ahead else i
            if 0 < beside < len(segments) - 1:
                sight = ast.width(look.body)[1]
                if sight is None or sight > ast.width(ast.seq(segments[beside][0]))[0]:
                    return None
            segments[beside][1].append(look)
    return segments


def _segment(items: list[ast.Node], looks: list[ast.Look], max_states: int) -> Dfa:
    result = plain(ast.seq(items), max_states)
    for look in looks:
        sides = [look.body, ast.ANY_TEXT] if look.ahead else [ast.ANY_TEXT, look.body]
        result = _constrain(result, ast.seq(sides), look.negative, max_states)
    return result


def _looks_ahead_only(node: ast.Node) -> bool:
    """Is the node plain, or a lookahead whose body never looks behind?"""
    if isinstance(node, ast.Look):
        return node.ahead and not _looks_behind(node.body)
    return not ast.has_assertions(node)


def _looks_behind(node: ast.Node) -> bool:
    if isinstance(node, ast.Start) or (isinstance(node, ast.Look) and not node.ahead):
        return True
    return any(map(_looks_behind, ast.children(node)))


def _right_to_left(items: list[ast.Node], max_states: int) -> Dfa:
    """Lookaheads only: a lookahead is an intersection with the language of what is left of the text."""
    rest = epsilon(CODE_POINTS)
    run: list[ast.Node] = []
    for item in reversed(items):
        if not isinstance(item, ast.Look):
            run.insert(0, item)
            continue
        if run:
            rest = concat(plain(ast.seq(run), max_states), rest, max_states=max_states)
            run = []
        rest = _constrain(rest, ast.seq([item.body, ast.ANY_TEXT]), item.negative, max_states)
    if run:
        rest = concat(plain(ast.seq(run), max_states), rest, max_states=max_states)
    return rest
