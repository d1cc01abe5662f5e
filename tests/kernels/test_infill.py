"""Token graphs and sets of states, against the references."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from structgen.kernels import infill
from structgen.kernels.infill import naive
from structgen.masks.vocabulary import Vocabulary
from tests.strategies import examples

words = st.lists(st.binary(min_size=1, max_size=4).map(lambda b: bytes(97 + x % 3 for x in b)), min_size=1, max_size=9)


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """int32[n, 3]: a random automaton over three bytes."""
    n = draw(st.integers(1, 5))
    cells = draw(st.lists(st.integers(-1, n - 1), min_size=3 * n, max_size=3 * n))
    return np.array(cells, dtype=np.int32).reshape(n, 3)


@examples(60)
@given(tables(), words, st.lists(st.booleans(), min_size=10, max_size=10))
def test_token_graph(delta: np.ndarray, tokens: list[bytes], chosen: list[bool]) -> None:
    n = len(delta)
    trie = Vocabulary(tokens).trie
    byte_class = np.zeros(256, dtype=np.int32)
    byte_class[97:100] = range(3)
    arrays = trie.byte, trie.end, trie.depth, trie.token_first, trie.tokens, trie.max_depth, len(tokens)
    token_class, first, states, targets = infill.token_columns(delta, byte_class, *arrays, 10_000)

    def step(state: int, byte: int) -> int | None:
        to = int(delta[state, byte - 97])
        return to if to >= 0 else None

    wanted = naive.edges(tokens, step, range(n))
    columns = [list(zip(states[a:b], targets[a:b], strict=True)) for a, b in itertools.pairwise(first)]
    got = {(s, t, to) for t, c in enumerate(token_class) if c >= 0 for s, to in columns[c]}
    assert got == wanted
    assert len({tuple(column) for column in columns}) == len(columns)

    row_first, row_class, row_to = infill.by_state(first, states, targets, n)
    assert {(s, c) for s in range(n) for c in row_class[row_first[s] : row_first[s + 1]]} == {
        (s, c) for c, column in enumerate(columns) for s, _ in column
    }
    near_first, near = infill.neighbours(row_first, row_to)
    after = {s: {to for a, _, to in wanted if a == s} for s in range(n)}
    assert {s: set(near[near_first[s] : near_first[s + 1]].tolist()) for s in range(n)} == after

    given_set = np.array(chosen[:n])
    members = set(np.flatnonzero(given_set).tolist())
    out = np.ones(n, dtype=np.bool_)
    assert infill.image(near_first, near, given_set, out) == out.any()
    assert set(np.flatnonzero(out).tolist()) == {to for s in members for to in after[s]}
    assert infill.preimage(near_first, near, given_set, out) == out.any()
    assert set(np.flatnonzero(out).tolist()) == {s for s in range(n) if after[s] & members}
    forward, backward = given_set.copy(), given_set.copy()
    infill.forward_closure(near_first, near, forward)
    infill.backward_closure(near_first, near, backward)
    reach = {s: {s} for s in range(n)}
    for _ in range(n):
        reach = {s: r.union(*(after[x] for x in r)) for s, r in reach.items()}
    assert set(np.flatnonzero(forward).tolist()) == {to for s in members for to in reach[s]}
    assert set(np.flatnonzero(backward).tolist()) == {s for s in range(n) if reach[s] & members}

    behind = np.array(chosen[n : 2 * n])
    classes = np.ones(len(columns), dtype=np.bool_)
    infill.classes_between(row_first, row_class, row_to, given_set, behind, classes)
    assert classes.tolist() == [any(given_set[s] and behind[to] for s, to in column) for column in columns]


def test_too_many_pairs() -> None:
    trie = Vocabulary([b"a", b"b"]).trie
    arrays = trie.byte, trie.end, trie.depth, trie.token_first, trie.tokens, trie.max_depth, 2
    delta = np.array([[0, 1], [1, -1]], dtype=np.int32)
    byte_class = (np.arange(256) == 98).astype(np.int32)
    assert len(infill.token_columns(delta, byte_class, *arrays, 2)[1]) == 0
    assert len(infill.token_columns(delta, byte_class, *arrays, 3)[1]) == 3
