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


@examples(80)
@given(st.integers(1, 11), st.integers(1, 4), st.integers(1, 6), st.data())
def test_states_of_a_canvas(n: int, n_classes: int, length: int, data: st.DataObject) -> None:
    """Sets at all boundaries, as steps change one or several at a time."""
    state = st.integers(0, n - 1)
    pairs = [data.draw(st.dictionaries(state, state)) for _ in range(n_classes)]
    row = st.lists(st.integers(-1, n - 1), min_size=n, max_size=n)
    maps = np.array(data.draw(st.lists(row, min_size=1, max_size=2)))
    columns = [sorted(column.items()) for column in pairs]
    first = np.cumsum([0, *map(len, columns)])
    states = np.array([s for column in columns for s, _ in column], dtype=np.int32)
    targets = np.array([to for column in columns for _, to in column], dtype=np.int32)
    row_first, _, row_to = infill.by_state(first, states, targets, n)
    near = infill.neighbours(row_first, row_to)
    step = st.one_of(
        st.tuples(st.just(infill.TOKEN), st.integers(-1, n_classes - 1)),
        st.tuples(st.just(infill.TEXT), st.integers(0, len(maps) - 1)),
        st.sampled_from([(infill.SLOT, -1), (infill.MAYBE, -1), (infill.ANY, -1)]),
    )
    steps = data.draw(st.lists(step, min_size=length, max_size=length))
    accept = data.draw(st.sets(state))

    def packed(members: set[int]) -> np.ndarray:
        flags = np.zeros(n, dtype=np.bool_)
        flags[list(members)] = True
        return np.packbits(flags, bitorder="little")

    kinds, values = np.zeros(length, dtype=np.int8), np.zeros(length, dtype=np.int32)
    forward = np.zeros((length + 1, (n + 7) // 8), dtype=np.uint8)
    backward = np.zeros_like(forward)
    forward[0], backward[-1] = packed({0}), packed(accept)
    changed = range(length)
    tables = [dict(enumerate(row)) for row in maps.tolist()]
    for _ in range(3):
        for p in changed:
            kinds[p], values[p] = steps[p]
        arrays = kinds, values, *near, first, states, targets, maps.astype(np.int32), forward, backward
        infill.refresh(*arrays, min(changed), max(changed))
        judged = [set(c.items()) for c in pairs]
        sets = [{0}]
        for p in range(length):
            sets.append(naive.after(sets[p], steps[p], judged, tables))
        assert forward.tolist() == [packed(members).tolist() for members in sets]
        for boundary in range(length + 1):
            finishing = set()
            for s in range(n):
                at = {s}
                for each in steps[boundary:]:
                    at = naive.after(at, each, judged, tables)
                if at & accept:
                    finishing.add(s)
            assert backward[boundary].tolist() == packed(finishing).tolist()
        for p, c in itertools.product(range(length), range(n_classes)):
            behind = {s for s in range(n) if backward[p + 1][s // 8] >> s % 8 & 1}
            wanted = any(s in sets[p] and to in behind for s, to in judged[c])
            assert infill.leads(first, states, targets, c, forward[p], backward[p + 1]) == wanted
        changed = data.draw(st.lists(st.integers(0, length - 1), min_size=1, max_size=2))
        for p in changed:
            steps[p] = data.draw(step)


def test_too_many_pairs() -> None:
    trie = Vocabulary([b"a", b"b"]).trie
    arrays = trie.byte, trie.end, trie.depth, trie.token_first, trie.tokens, trie.max_depth, 2
    delta = np.array([[0, 1], [1, -1]], dtype=np.int32)
    byte_class = (np.arange(256) == 98).astype(np.int32)
    assert len(infill.token_columns(delta, byte_class, *arrays, 2)[1]) == 0
    assert len(infill.token_columns(delta, byte_class, *arrays, 3)[1]) == 3


@examples(80)
@given(tables(), st.lists(st.booleans(), min_size=5, max_size=5), st.integers(1, 4), st.data())
def test_sums_and_maxima_over_paths(delta: np.ndarray, ends: list[bool], length: int, data: st.DataObject) -> None:
    """Classes are the three letters; weights far apart, some -inf; a position may be fixed."""
    n = len(delta)
    accept = np.array(ends[:n])
    rows = [[(c, int(to)) for c, to in enumerate(row) if to >= 0] for row in delta]
    first = np.cumsum([0, *(len(row) for row in rows)]).astype(np.int64)
    row_class = np.array([c for row in rows for c, _ in row], dtype=np.int32)
    row_to = np.array([to for row in rows for _, to in row], dtype=np.int32)
    weight = st.sampled_from([-np.inf, 0.0, -1.0, 2.5, -800.0, 300.0])
    weights = np.array(data.draw(st.lists(weight, min_size=3 * length, max_size=3 * length))).reshape(length, 3)
    fixed = np.array(data.draw(st.lists(st.sampled_from([-1, -1, 0, 2]), min_size=length, max_size=length)), np.int32)
    allowed = [
        {int(f): 0.0} if f >= 0 else {c: w for c, w in enumerate(weights[p].tolist()) if w > -np.inf}
        for p, f in enumerate(fixed)
    ]
    wanted = naive.paths(lambda s: rows[s], accept.tolist(), allowed)
    total = float(np.logaddexp.reduce([w for _, w in wanted])) if wanted else -np.inf
    graph = first, row_class, row_to
    alive = np.ones((length + 1, n), dtype=np.bool_)
    beta = np.empty((length + 1, n))
    beta[-1] = np.where(accept, 0.0, -np.inf)
    infill.backward_sums(*graph, alive, fixed, weights, beta)
    np.testing.assert_allclose(beta[0, 0], total)
    best, choice = np.empty_like(beta), np.empty((length, n), dtype=np.int32)
    best[-1] = beta[-1]
    infill.backward_maxima(*graph, alive, fixed, weights, best, choice)
    np.testing.assert_allclose(best[0, 0], max((w for _, w in wanted), default=-np.inf))
    if not wanted:
        return
    alpha, mass = np.full_like(beta, -np.inf), np.empty((length, 3))
    alpha[0, 0] = 0.0
    infill.forward_sums(*graph, fixed, weights, beta, alpha, mass)
    for p in range(length):
        for c in range(3):
            here = [w for path, w in wanted if path[p] == c]
            np.testing.assert_allclose(mass[p, c], np.logaddexp.reduce(here) if here else -np.inf)
    classes = np.empty(length, dtype=np.int32)
    infill.draw_path(*graph, fixed, weights, beta, np.array([0.3, 0.99, 0.0, 0.6][:length]), classes)
    assert tuple(classes.tolist()) in {path for path, _ in wanted}


def test_tiny_sums_are_not_lost() -> None:
    logits = np.array([0.0, -200.0, -201.0, -np.inf], dtype=np.float32)
    live, classes = np.arange(4, dtype=np.int32), np.array([0, 1, 1, 2], dtype=np.int32)
    out, best, token = np.empty(4), np.empty(4), np.empty(4, dtype=np.int32)
    relative = np.empty(4, dtype=np.float32)
    infill.gather(logits, live[::-1].copy(), np.float32(0.5), relative)
    assert relative.tolist() == [-np.inf, -201.5, -200.5, -0.5]
    infill.class_sums(logits, live, classes, 0.0, np.exp(logits), out)
    np.testing.assert_allclose(out, [0.0, -200 + np.log1p(np.exp(-1)), -np.inf, -np.inf])
    infill.class_maxima(logits, live, classes, best, token)
    assert best.tolist() == [0.0, -200.0, -np.inf, -np.inf] and token.tolist() == [0, 1, -1, -1]


@examples(100)
@given(st.data(), st.integers(1, 6))
def test_fewest_tokens(data: st.DataObject, n: int) -> None:
    """One step: no token or one, or exactly one; and any number, of which n - 1 lead as far as more do."""
    never = int(infill.NEVER)
    after = [sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=3))) for _ in range(n)]
    ahead = data.draw(st.lists(st.one_of(st.just(never), st.integers(0, 9)), min_size=n, max_size=n))
    first = np.cumsum([0, *map(len, after)]).astype(np.int32)
    to = np.array([t for targets in after for t in targets], dtype=np.int32)
    given_ahead, out = np.array(ahead, dtype=np.int32), np.zeros(n, dtype=np.int32)
    for may_skip in (False, True):
        infill.one_token(first, to, given_ahead, may_skip, out)
        assert out.tolist() == naive.fewest(after.__getitem__, ahead, int(not may_skip), 1, never)
    infill.any_tokens(first, to, given_ahead, out)
    assert out.tolist() == naive.fewest(after.__getitem__, ahead, 0, n, never)
