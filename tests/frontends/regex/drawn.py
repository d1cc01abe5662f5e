"""Random regex trees that print to both dialects, and a judge that reads trees by definition."""

from __future__ import annotations

from functools import cache
from itertools import product

from hypothesis import strategies as st

from structgen.automata.symbols import CODE_POINTS, normalize
from structgen.frontends.regex import ast

LETTERS = "ab-\né"
TEXTS = (
    *("".join(t) for n in range(5) for t in product(LETTERS[:4], repeat=n)),
    *("é", "aé", "éb", "é\n", "😀", "abab-ab"),
)


def chars() -> st.SearchStrategy[ast.Node]:
    """Sets around LETTERS, inverted ones among them."""
    some = st.sets(st.sampled_from(LETTERS), min_size=1, max_size=3)

    def build(letters: set[str], inverted: bool) -> ast.Node:
        ranges = normalize([(ord(c), ord(c)) for c in letters], CODE_POINTS)
        return ast.Chars(ast.invert(ranges, CODE_POINTS) if inverted else ranges)

    return st.builds(build, some, st.booleans())


def _repeats(body: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    bounds = st.sampled_from([(0, None), (1, None), (0, 1), (2, 2), (0, 2), (1, 3), (2, None)])
    return st.builds(lambda node, b: ast.repeat(node, *b), body, bounds)


def plain_nodes() -> st.SearchStrategy[ast.Node]:
    """Trees without assertions."""
    return st.recursive(
        chars() | st.just(ast.EMPTY),
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(ast.seq),
            st.lists(inner, min_size=2, max_size=3).map(ast.alt),
            _repeats(inner),
        ),
        max_leaves=6,
    )


@st.composite
def nodes(draw: st.DrawFn, depth: int = 3) -> ast.Node:
    """Trees with assertions anywhere; bodies of lookbehinds have one length, as Python demands."""
    kind = draw(st.integers(0, 9)) if depth else 0
    if kind <= 2:
        return draw(chars())
    if kind <= 4:
        return ast.seq([draw(nodes(depth=depth - 1)) for _ in range(draw(st.integers(2, 3)))])
    if kind == 5:
        return ast.alt([draw(nodes(depth=depth - 1)) for _ in range(2)])
    if kind == 6:
        return draw(_repeats(nodes(depth=depth - 1)))
    if kind == 7:
        return draw(st.sampled_from([ast.Start(), ast.End()]))
    if kind == 8:
        return ast.Look(draw(nodes(depth=depth - 1)), ahead=True, negative=draw(st.booleans()))
    body = draw(nodes(depth=depth - 1).filter(lambda n: ast.width(n)[0] == ast.width(n)[1]))
    return ast.Look(body, ahead=False, negative=draw(st.booleans()))


def ends(node: ast.Node, text: str, i: int) -> frozenset[int]:
    """Where a match of the node that begins at i may end: the definition, position by position."""

    @cache
    def at(n: ast.Node, i: int) -> frozenset[int]:
        if isinstance(n, ast.Chars):
            inside = i < len(text) and any(lo <= ord(text[i]) <= hi for lo, hi in n.ranges)
            return frozenset({i + 1} if inside else ())
        if isinstance(n, ast.Seq):
            found = frozenset({i})
            for item in n.items:
                found = frozenset(k for j in found for k in at(item, j))
            return found
        if isinstance(n, ast.Alt):
            return frozenset(k for b in n.branches for k in at(b, i))
        if isinstance(n, ast.Repeat):
            layer, found = frozenset({i}), set()
            for count in range(n.lo + len(text) + 2 if n.hi is None else n.hi + 1):
                if count >= n.lo:
                    found |= layer
                layer = frozenset(k for j in layer for k in at(n.body, j))
            return frozenset(found)
        if isinstance(n, ast.Start):
            return frozenset({i} if i == 0 else ())
        if isinstance(n, ast.End):
            return frozenset({i} if i == len(text) else ())
        assert isinstance(n, ast.Look)
        holds = bool(at(n.body, i)) if n.ahead else any(i in at(n.body, j) for j in range(i + 1))
        return frozenset({i} if holds != n.negative else ())

    return at(node, i)
