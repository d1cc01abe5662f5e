"""Compiled kernels and their references agree array by array."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata.symbols import BYTES, CODE_POINTS
from structgen.kernels import dfa as compiled
from structgen.kernels.dfa import naive
from tests.automata.drawn import dfas, partition_of, tables


def same(a: object, b: object) -> None:
    """Two results, or tuples of results, are equal in value, shape and type."""
    if isinstance(a, tuple):
        assert isinstance(b, tuple)
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


@given(tables(max_states=9))
@settings(max_examples=300)
def test_canonical(table: tuple[np.ndarray, np.ndarray]) -> None:
    same(compiled.canonical(*table), naive.canonical(*table))


@given(tables(), st.booleans())
def test_canonical_of_finite_languages(table: tuple[np.ndarray, np.ndarray], first_only: bool) -> None:
    """Where every edge leads to a later state, but perhaps for one loop where nothing ends."""
    delta, accept = table
    delta = np.where(delta > np.arange(len(delta), dtype=np.int32)[:, None], delta, np.int32(-1))
    if first_only:
        delta[0, 0] = 0
    same(compiled.canonical(delta, accept), naive.canonical(delta, accept))


@given(tables())
def test_equal_columns(table: tuple[np.ndarray, np.ndarray]) -> None:
    same(compiled.equal_columns(table[0]), naive.equal_columns(table[0]))


@given(dfas())
def test_distances(d) -> None:
    same(compiled.distances(d.delta, d.accept), naive.distances(d.delta, d.accept))


@given(st.data())
def test_refine_and_relabel(data: st.DataObject) -> None:
    a = data.draw(st.composite(partition_of)(CODE_POINTS))
    b = data.draw(st.composite(partition_of)(CODE_POINTS))
    args = (*a, int(a[1].max()) + 1, *b, int(b[1].max()) + 1)
    same(compiled.refine(*args), naive.refine(*args))
    width = int(a[1].max()) + 1
    columns = np.array(data.draw(st.lists(st.integers(0, 2), min_size=width, max_size=width)), np.int32)
    same(compiled.relabel(*a, columns), naive.relabel(*a, columns))


@st.composite
def set_lists(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Arguments of ``partition``: sets of disjoint ranges and their bounds."""
    sets = []
    for _ in range(draw(st.integers(0, 4))):
        marks = sorted(draw(st.sets(st.integers(0, 30), max_size=6)))
        marks = marks[: len(marks) // 2 * 2]
        sets.append([(marks[i], marks[i + 1] - 1) for i in range(0, len(marks), 2)])
    flat = [r for s in sets for r in s]
    bounds = sorted({0, *(x for lo, hi in flat for x in (lo, hi + 1))})
    first = np.cumsum([0, *map(len, sets)])
    lo, hi = ([r[i] for r in flat] for i in (0, 1))
    return tuple(np.array(x, np.int32) for x in (bounds, lo, hi, first))


@given(set_lists())
def test_partition(args: tuple[np.ndarray, ...]) -> None:
    same(compiled.partition(*args), naive.partition(*args))


@st.composite
def nfas(draw: st.DrawFn) -> tuple[np.ndarray | int, ...]:
    """Arguments of ``determinize`` but for the limits."""
    n, width, n_sets = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    sets = [sorted(draw(st.sets(st.integers(0, width - 1)))) for _ in range(n_sets)]
    rows = [draw(st.lists(st.tuples(st.integers(0, n_sets - 1), st.integers(0, n - 1)), max_size=3)) for _ in range(n)]
    empties = [draw(st.lists(st.integers(0, n - 1), max_size=2)) for _ in range(n)]
    final = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return (
        width,
        np.cumsum([0, *map(len, rows)]).astype(np.int32),
        np.array([s for row in rows for s, _ in row], np.int32),
        np.array([t for row in rows for _, t in row], np.int32),
        np.cumsum([0, *map(len, empties)]).astype(np.int32),
        np.array([t for row in empties for t in row], np.int32),
        np.cumsum([0, *map(len, sets)]).astype(np.int32),
        np.array([c for s in sets for c in s], np.int32),
        np.array(final, np.bool_),
    )


@given(nfas())
@settings(max_examples=300)
def test_determinize(args: tuple[np.ndarray | int, ...]) -> None:
    same(compiled.determinize(*args, 1000, 10**9), naive.determinize(*args, 1000, 10**9))
    status, n, _, _ = naive.determinize(*args, 1000, 10**9)
    assert status == 0
    assert compiled.determinize(*args, n, 10**9)[0] == 0
    if n > 1:
        assert compiled.determinize(*args, n - 1, 10**9)[0] == naive.determinize(*args, n - 1, 10**9)[0] == 1
        assert compiled.determinize(*args, 1000, 0)[0] == 2


@given(dfas(), dfas(), st.sampled_from([0b1000, 0b1110, 0b0100, 0b0110]))
@settings(max_examples=200)
def test_product(a, b, truth) -> None:
    _, _, left, right = compiled.refine(a.starts, a.classes, a.delta.shape[1], b.starts, b.classes, b.delta.shape[1])
    args = (a.delta, a.accept, b.delta, b.accept, left, right, truth)
    same(compiled.product(*args, 1000), naive.product(*args, 1000))
    n = naive.product(*args, 1000)[1]
    if n > 1:
        assert compiled.product(*args, n - 1)[0] == naive.product(*args, n - 1)[0] == 1


@given(st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=6))
def test_trie(words: list[list[int]]) -> None:
    codes = np.array([c for w in words for c in w], np.int32)
    ends = np.cumsum([0, *map(len, words)]).astype(np.int32)
    same(compiled.trie(codes, ends, 3, 1000), naive.trie(codes, ends, 3, 1000))
    n = naive.trie(codes, ends, 3, 1000)[0]
    assert compiled.trie(codes, ends, 3, n)[0] == n
    if n > 1:
        assert compiled.trie(codes, ends, 3, n - 1)[0] == naive.trie(codes, ends, 3, n - 1)[0] == -1


@given(dfas(), st.integers(1, 5), st.integers(1, 4), st.data())
def test_expand_tree(d, n_nodes, width, data) -> None:
    leaves = st.integers(0, d.delta.shape[1] - 1)
    # a node leads only to later ones, as in a tree without cycles
    child = np.array(
        [
            [
                data.draw(
                    st.one_of(
                        st.just(-(1 << 30)),
                        leaves,
                        *([st.integers(~(n_nodes - 1), ~(v + 1))] if v + 1 < n_nodes else []),
                    )
                )
                for _ in range(width)
            ]
            for v in range(n_nodes)
        ],
        np.int32,
    )
    same(compiled.expand_tree(d.delta, d.accept, child, 1000), naive.expand_tree(d.delta, d.accept, child, 1000))


@given(dfas(alphabet=BYTES))
def test_sparse_rows(d) -> None:
    args = (d.starts, d.classes, d.delta, BYTES)
    same(compiled.sparse_rows(*args), naive.sparse_rows(*args))
