"""Minimal automata of finite sets of words, against the reference."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from structgen.automata.bytedfa import ByteDfa, choices, from_edges
from structgen.kernels.words import distances, naive

WORDS = st.lists(st.lists(st.sampled_from([0, 97, 98, 255]), max_size=5).map(bytes), min_size=1, max_size=30)
FAR = 1 << 30


def by_byte(dfa: ByteDfa) -> list[dict[int, int]]:
    rows: list[dict[int, int]] = []
    for s in range(dfa.n_states):
        row: dict[int, int] = {}
        for e in range(dfa.first[s], dfa.first[s + 1]):
            assert e == dfa.first[s] or int(dfa.lo[e]) > int(dfa.hi[e - 1]) + (dfa.to[e] == dfa.to[e - 1])
            row.update(dict.fromkeys(range(int(dfa.lo[e]), int(dfa.hi[e]) + 1), int(dfa.to[e])))
        rows.append(row)
    return rows


@given(WORDS)
def test_as_the_reference(words: list[bytes]) -> None:
    """The same automaton, up to the numbers of its states."""
    dfa = choices(words)
    edges, accept = naive.minimal(words)
    rows = by_byte(dfa)
    same = {0: 0}
    todo = [0]
    for s in todo:  # grows on the way
        assert rows[s].keys() == edges[same[s]].keys()
        assert bool(dfa.accept[s]) == accept[same[s]]
        for byte, to in rows[s].items():
            if to not in same:
                todo.append(to)
            assert same.setdefault(to, edges[same[s]][byte]) == edges[same[s]][byte]
    assert len(same) == len(set(same.values())) == len(edges) == dfa.n_states


@given(WORDS)
def test_equal_sets_give_equal_arrays(words: list[bytes]) -> None:
    assert choices(words).digest == choices([*sorted(words, reverse=True), words[0]]).digest


@given(st.data())
def test_distances(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    rows = [data.draw(st.lists(st.integers(0, n - 1), max_size=3)) for _ in range(n)]
    targets = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    dfa = from_edges(n, [(s, i, i, to) for s, row in enumerate(rows) for i, to in enumerate(row)], [])
    got = distances(dfa.first, dfa.to, np.array(targets), FAR)
    assert got.tolist() == naive.distances(rows, targets, FAR)


def test_many_words_make_the_register_grow() -> None:
    """10,000 words of 6 digits, and one that is long: all are read, and nothing else is."""
    rng = np.random.default_rng(2)
    numbers = sorted(set(rng.integers(0, 10**6, 10_000).tolist()))
    words = [b"%06d" % number for number in numbers] + [b"9" * 3000]
    dfa = choices(words)
    assert dfa.n_states < 20_000
    known = set(words)
    for word in [*words[::97], words[-1], b"", b"12345", b"0000000", *(b"%06d" % k for k in range(0, 10**6, 9973))]:
        assert dfa.accepts(word) == (word in known)
