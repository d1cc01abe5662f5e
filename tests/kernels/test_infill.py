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
@given(st.sampled_from([1, 3, 8, 11, 40]), st.integers(1, 4), st.integers(1, 6), st.data())
def test_states_of_a_canvas(n: int, n_classes: int, length: int, data: st.DataObject) -> None:
    """Sets at all boundaries, as steps change one or several at a time."""
    state = st.integers(0, n - 1)
    column = st.one_of(st.dictionaries(state, state), st.lists(state, min_size=n, max_size=n).map(enumerate).map(dict))
    pairs = [data.draw(column) for _ in range(n_classes)]
    row = st.lists(st.integers(-1, n - 1), min_size=n, max_size=n)
    maps = np.array(data.draw(st.lists(row, min_size=1, max_size=2)))
    columns = [sorted(column.items()) for column in pairs]
    first = np.cumsum([0, *map(len, columns)])
    states = np.array([s for column in columns for s, _ in column], dtype=np.int32)
    targets = np.array([to for column in columns for _, to in column], dtype=np.int32)
    rows = infill.by_state(first, states, targets, n)
    near = infill.neighbours(rows[0], rows[2])
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
        arrays = kinds, values, *near, first, states, targets, *rows, maps.astype(np.int32), forward, backward
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
            # of the states that cannot be reached nothing is asked
            if boundary < length:
                finishing &= sets[boundary + (steps[boundary][0] == infill.ANY)]
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


@examples(60)
@given(st.lists(st.dictionaries(st.integers(0, 6), st.integers(0, 2), max_size=7), min_size=3, max_size=6))
def test_bundles(edges: list[dict[int, int]]) -> None:
    """Each edge is in one bundle of its state and target, and no two bundles are the same."""
    n = len(edges)
    row_first = np.cumsum([0, *map(len, edges)]).astype(np.int64)
    row_class = np.array([c for row in edges for c in sorted(row)], dtype=np.int32)
    row_to = np.array([row[c] for row in edges for c in sorted(row)], dtype=np.int32)
    pair_first, pair_bundle, pair_to, first, classes = infill.bundles(row_first, row_class, row_to)
    members = [tuple(classes[a:b].tolist()) for a, b in itertools.pairwise(first)]
    assert len(set(members)) == len(members)
    for s in range(n):
        part = slice(int(pair_first[s]), int(pair_first[s + 1]))
        assert len(set(pair_to[part].tolist())) == len(pair_to[part])
        got = {
            (c, to)
            for b, to in zip(pair_bundle[part].tolist(), pair_to[part].tolist(), strict=True)
            for c in members[b]
        }
        assert got == set(edges[s].items())
    assert set(pair_bundle.tolist()) == set(range(len(members)))


@examples(80)
@given(tables(), st.lists(st.booleans(), min_size=5, max_size=5), st.integers(1, 4), st.data())
def test_sums_and_maxima_over_paths(delta: np.ndarray, ends: list[bool], length: int, data: st.DataObject) -> None:
    """Classes are the three letters; weights far apart, some -inf; a position may be fixed."""
    n = len(delta)
    accept = np.array(ends[:n])
    rows = [[(c, int(to)) for c, to in enumerate(row) if to >= 0] for row in delta]
    columns = [np.flatnonzero(delta[:, c] >= 0).astype(np.int32) for c in range(3)]
    states = np.concatenate(columns)
    targets = np.concatenate([delta[column, c] for c, column in enumerate(columns)]).astype(np.int32)
    by_class = np.cumsum([0, *map(len, columns)]).astype(np.int64), states, targets
    row = infill.by_state(*by_class, n)
    pairs = infill.bundles(*row)
    weight = st.sampled_from([-np.inf, 0.0, -1.0, 2.5, -40.0, -800.0, 300.0])
    weights = np.array(data.draw(st.lists(weight, min_size=3 * length, max_size=3 * length))).reshape(length, 3)
    fixed = np.array(data.draw(st.lists(st.sampled_from([-1, -1, 0, 2]), min_size=length, max_size=length)), np.int32)
    allowed = [
        {int(f): 0.0} if f >= 0 else {c: w for c, w in enumerate(weights[p].tolist()) if w > -np.inf}
        for p, f in enumerate(fixed)
    ]
    wanted = naive.paths(lambda s: rows[s], accept.tolist(), allowed)
    total = float(np.logaddexp.reduce([w for _, w in wanted])) if wanted else -np.inf
    everything = np.full((length + 1, (n + 7) // 8), 255, dtype=np.uint8)
    everything[:, -1] = 0xFF >> -n % 8

    logits = weights.astype(np.float32)
    slots = np.flatnonzero(fixed < 0)
    tops = logits[slots].max(axis=1)
    live = np.arange(3, dtype=np.int32)
    every = np.ones(3, dtype=np.bool_)
    sums, logs = np.empty((len(slots), 3)), np.zeros((len(slots), 3))
    relative = np.empty((len(slots), 3), dtype=np.float32)
    infill.gather(logits, slots, live, tops, np.float32(1.0), relative)
    infill.class_sums(logits, slots, live, live, every, tops, 1.0, np.exp(relative), sums, logs)
    shares = np.empty((len(slots), len(pairs[3]) - 1))
    infill.bundle_sums(sums, *pairs[3:], shares)
    values, far, scales = np.zeros((length + 1, n)), np.zeros((length + 1, n)), np.zeros(length + 1)
    values[-1] = accept
    infill.backward_sums(
        *pairs, *by_class, everything, everything, fixed, sums, logs, shares, values, far, scales
    )
    with np.errstate(divide="ignore"):
        beta = np.where(far < 0, far, np.log(values)) + scales[:, None]
        class_logs = np.where(logs < 0, logs, np.log(sums))
    base = float(tops[tops > -np.inf].astype(np.float64).sum())
    np.testing.assert_allclose(beta[0, 0] + base, total, rtol=1e-6, atol=1e-6)

    best, token = np.empty((len(slots), 3)), np.empty((len(slots), 3), dtype=np.int32)
    infill.class_maxima(logits, slots, live, live, every, best, token)
    top, which = np.empty(shares.shape), np.empty(shares.shape, dtype=np.int32)
    infill.bundle_maxima(best, *pairs[3:], top, which)
    # all states are called alive, also those without the class of a fixed token, which are left as they are
    most, choice = np.full_like(beta, -np.inf), np.full((length, n), -1, dtype=np.int32)
    most[-1] = np.where(accept, 0.0, -np.inf)
    infill.backward_maxima(*pairs[:3], *by_class, everything, everything, fixed, top, most, choice)
    np.testing.assert_allclose(most[0, 0], max((w for _, w in wanted), default=-np.inf))
    if not wanted:
        return
    classes = np.empty(length, dtype=np.int32)
    infill.best_path(pairs[1], pairs[2], targets, fixed, which, choice, classes)
    assert dict(wanted)[tuple(classes.tolist())] == max(w for _, w in wanted)
    spread = np.zeros((length, 3))
    spread[slots] = class_logs
    alpha, mass = np.full_like(beta, -np.inf), np.empty((length, 3))
    alpha[0, 0] = 0.0
    infill.forward_sums(*row, fixed, spread, beta, alpha, mass)
    for p in range(length):
        for c in range(3):
            here = [w for path, w in wanted if path[p] == c]
            got = np.logaddexp.reduce(here) if here else -np.inf
            np.testing.assert_allclose(mass[p, c] + base, got, rtol=1e-6, atol=1e-6)
    uniforms = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.3, 0.6, 0.999]), min_size=8, max_size=8)))
    infill.draw_path(*pairs, *by_class, fixed, sums, logs, shares, values, far, uniforms.reshape(4, 2), classes)
    assert tuple(classes.tolist()) in {path for path, _ in wanted}


def test_tiny_sums_are_not_lost() -> None:
    logits = np.array([[9.0] * 4, [0.0, -200.0, -201.0, -np.inf]], dtype=np.float32)
    live, classes = np.arange(4, dtype=np.int32), np.array([0, 1, 1, 2], dtype=np.int32)
    slots, every = np.array([1]), np.array([True, True, True, False])
    sums, logs = np.empty((1, 4)), np.zeros((1, 4))
    tops = np.zeros(1, dtype=np.float32)
    infill.class_sums(logits, slots, live, classes, every, tops, 2.0, np.exp(2 * logits[1:]), sums, logs)
    np.testing.assert_allclose(logs[0], [0.0, -400 + np.log1p(np.exp(-2)), -np.inf, -np.inf])
    np.testing.assert_allclose(sums[0], [1.0, np.exp(-400) * (1 + np.exp(-2)), 0.0, 0.0], rtol=1e-6)
    best, token = np.empty((1, 4)), np.empty((1, 4), dtype=np.int32)
    every[0] = False
    infill.class_maxima(logits, slots, live, classes, every, best, token)
    assert best.tolist() == [[-np.inf, -200.0, -np.inf, -np.inf]] and token.tolist() == [[-1, 1, -1, -1]]


def test_tokens_of_a_class_are_drawn_by_their_weights() -> None:
    logits = np.array([[0.0, 1.0, -np.inf, 5.0]], dtype=np.float32)
    first, members = np.array([0, 3, 4]), np.array([0, 1, 2, 3], dtype=np.int32)
    weights = np.array([1.0, np.exp(2.0)])
    for uniform in (0.0, 0.05, 0.1, 0.13, 0.5, 0.9999999999):
        tokens = np.full(1, -1)
        infill.draw_tokens(
            logits, np.array([0]), np.zeros(1, np.int32), first, members, 2.0, np.array([uniform]), tokens
        )
        assert tokens[0] == np.searchsorted(np.cumsum(weights) / weights.sum(), uniform, side="right")
    infill.draw_tokens(logits, np.array([0]), np.ones(1, np.int32), first, members, 2.0, np.array([0.7]), tokens)
    assert tokens[0] == 3


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
