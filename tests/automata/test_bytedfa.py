"""ByteDfa: what terminals are made of, against the algebra and against plain sets of words."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata import BYTES, Dfa, bytedfa, concat, literals, to_bytedfa
from structgen.automata.bytedfa import EXIT, PLAIN, TICK, ByteDfa, Counter, chain, choices, from_edges, literal
from tests.automata.drawn import dfas

WORDS = [bytes(w) for n in range(5) for w in product(b"ab,", repeat=n)]
words = st.lists(st.lists(st.sampled_from(b"ab,"), max_size=3).map(bytes), min_size=1, max_size=4)


def check(d: ByteDfa) -> None:
    """Rows are ascending and disjoint; every state is reachable and live."""
    assert d.first[0] == 0
    assert d.first[-1] == len(d.to) == len(d.lo) == len(d.hi)
    reached = [0]
    for s in reached:
        i, j = int(d.first[s]), int(d.first[s + 1])
        assert (d.lo[i:j] <= d.hi[i:j]).all()
        assert (d.lo[i + 1 : j] > d.hi[i : j - 1]).all()
        reached += [t for t in dict.fromkeys(d.to[i:j].tolist()) if t not in reached]
    assert sorted(reached) == list(range(d.n_states))
    assert (d.distance < 1 << 30).all()


@given(words)
def test_choices_and_literals(given_words: list[bytes]) -> None:
    d = choices(given_words)
    check(d)
    assert {w for w in WORDS if d.accepts(w)} == set(given_words)
    assert d.min_length() == min(map(len, given_words))
    check(literal(given_words[0]))
    assert [w for w in WORDS if literal(given_words[0]).accepts(w)] == [given_words[0]]
    assert (literal(given_words[0]).digest == literal(given_words[-1]).digest) == (given_words[0] == given_words[-1])


@given(st.lists(dfas(alphabet=BYTES, max_states=4).filter(lambda d: not d.is_empty()), min_size=1, max_size=3))
@settings(max_examples=200)
def test_a_chain_is_a_concatenation_or_refused(parts: list[Dfa]) -> None:
    try:
        d = chain(*map(to_bytedfa, parts))
    except ValueError:
        return
    check(d)
    expected = concat(*parts)
    for word in [*WORDS, *expected.words(100)]:
        assert d.accepts(word) == expected.accepts(word)
    assert d.min_length() == expected.min_length()


@given(words, words)
def test_a_chain_behind_a_comma_always_works(left: list[bytes], right: list[bytes]) -> None:
    d = chain(choices(left), literal(b";"), choices(right))
    check(d)
    expected = {u + b";" + v for u in left for v in right}
    assert {u + b";" + v for u in WORDS for v in WORDS[:13] if d.accepts(u + b";" + v)} == {
        w for w in expected if len(w.split(b";")[1]) < 3
    }


def test_a_chain_that_would_have_to_choose_is_refused() -> None:
    with pytest.raises(ValueError, match="not deterministic"):
        chain(choices([b"a", b"ab"]), literal(b"b"))


def counted(lo: int, hi: int | None) -> ByteDfa:
    """``[ab]`` lo to hi times in quotes."""
    edges = [(0, 34, 34, 1), (1, 97, 98, 1), (1, 34, 34, 2)]
    d = from_edges(3, edges, [2])
    mark = np.array([PLAIN, EXIT, TICK], np.uint8)
    return ByteDfa(d.first, d.lo, d.hi, d.to, d.accept, Counter(lo, hi, mark))


@pytest.mark.parametrize(("lo", "hi"), [(0, None), (0, 0), (1, 2), (3, 3), (2, None)])
def test_counts(lo: int, hi: int | None) -> None:
    d = chain(literal(b","), counted(lo, hi), literal(b","))
    check(d)
    for n in range(5):
        for text in (b'"' + b"ab" * 3, b'"' + b"b" * 9):
            assert d.accepts(b"," + text[: n + 1] + b'",') == (lo <= n and (hi is None or n <= hi))
    assert d.min_length() == lo + 4
    assert d.boundary == 2
    assert d.iteration == 1
    assert counted(lo, hi).digest != counted(lo + 1, None).digest
    with pytest.raises(ValueError, match="one part"):
        chain(d, d)


def test_from_edges_sorts() -> None:
    d = from_edges(2, [(0, 98, 99, 1), (0, 97, 97, 0)], [1])
    assert d.lo.tolist() == [97, 98]
    assert d.accepts(b"aac")
    assert d.step(0, 100) == d.step(1, 97) == -1
    assert to_bytedfa(literals([b"x"])).digest == bytedfa.literal(b"x").digest
