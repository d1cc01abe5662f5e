"""Dfa: constructors, questions, canonical form."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata import (
    BYTES,
    CODE_POINTS,
    Dfa,
    empty,
    epsilon,
    everything,
    lengths,
    literal,
    literals,
    repeat_set,
    symbols,
)
from structgen.automata.symbols import common, invert, join, normalize
from structgen.errors import LimitError
from tests.automata.drawn import LETTERS, WORDS, check_canonical, dfas, language


@given(dfas())
def test_a_dfa_is_canonical(d: Dfa) -> None:
    check_canonical(d)


@given(dfas(), dfas())
def test_equal_means_equal_language(a: Dfa, b: Dfa) -> None:
    assert (a == b) == (a - b).is_empty() & (b - a).is_empty()
    if a == b:
        assert a.digest == b.digest
        assert hash(a) == hash(b)


@given(st.lists(st.text(st.sampled_from(LETTERS), max_size=4), max_size=6))
def test_literals_hold_their_words_and_no_others(words: list[str]) -> None:
    d = literals(words)
    check_canonical(d)
    assert sorted(d.words()) == sorted(set(words))
    assert d.count(100) == len(set(words))
    for word in words:
        assert d.contains(literal(word))


@given(st.text(st.sampled_from(LETTERS), max_size=6))
def test_a_literal_is_one_word(word: str) -> None:
    check_canonical(literal(word))
    assert list(literal(word).words()) == [word]
    assert list(literal(word.encode()).words()) == [word.encode()]


def test_words_with_surrogates_are_in_no_language() -> None:
    assert literal("a\ud800").is_empty()
    assert list(literals(["x", "\udfff"]).words()) == ["x"]
    assert symbols([(0xD800, 0xDFFF)], CODE_POINTS).is_empty()
    assert not everything(CODE_POINTS).accepts("\udc00")
    assert everything(CODE_POINTS).accepts("\ud7ff\ue000")


def test_literals_of_nothing_and_of_mixed_kinds() -> None:
    assert literals([]) == empty(CODE_POINTS)
    assert literals([], alphabet=BYTES) == empty(BYTES)
    assert literals([b"a", b""]).alphabet == BYTES
    with pytest.raises(TypeError):
        literals(["a", b"a"])


@given(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 4)), st.sampled_from([BYTES, CODE_POINTS]))
def test_repeat_set(lo: int, hi: int | None, alphabet: int) -> None:
    ranges = ((ord("a"), ord("a")), (0xE9, 0xE9))
    d = repeat_set(ranges, lo, hi, alphabet)
    check_canonical(d)
    texts = ["", "a", "é", "aé", "aaa", "éaéa", "aaaaa", "ab", "b"]
    for text in texts:
        expected = set(text) <= set("aé") and lo <= len(text) and (hi is None or len(text) <= hi)
        assert d.accepts(text if alphabet == CODE_POINTS else text.encode("latin-1")) == expected


@pytest.mark.parametrize("alphabet", [BYTES, CODE_POINTS])
def test_the_simplest_languages(alphabet: int) -> None:
    for d in (
        empty(alphabet),
        epsilon(alphabet),
        everything(alphabet),
        lengths(2, 3, alphabet),
        repeat_set((), 0, None, alphabet),
    ):
        check_canonical(d)
    assert empty(alphabet).is_empty()
    assert empty(alphabet).shortest() is None
    assert empty(alphabet).min_length() is None
    assert not epsilon(alphabet).is_empty()
    assert epsilon(alphabet).max_length() == 0
    assert repeat_set((), 0, None, alphabet) == epsilon(alphabet)
    assert repeat_set((), 1, None, alphabet) == empty(alphabet)
    assert lengths(2, 3, alphabet).min_length() == 2
    assert lengths(2, 3, alphabet).max_length() == 3
    assert lengths(2, None, alphabet).max_length() is None
    assert lengths(1, 1, BYTES).count(256) == 256
    assert lengths(1, 1, BYTES).count(255) is None
    assert lengths(1, 1, CODE_POINTS).count(10**7) == 0x110000 - 0x800


@given(dfas())
@settings(max_examples=50)
def test_words_come_shortest_first(d: Dfa) -> None:
    found = list(d.words(40))
    assert found == sorted(found, key=lambda w: (len(w), w))
    assert len(set(found)) == len(found)
    assert all(map(d.accepts, found))
    if len(found) < 40:
        assert d.count(1000) == len(found)
        if found:
            assert d.max_length() == len(found[-1])
    if found:
        assert d.shortest() == found[0]
        assert d.min_length() == len(found[0])


@given(dfas(), st.integers(0, 2**32))
def test_samples_are_words(d: Dfa, seed: int) -> None:
    word = d.sample(random.Random(seed))
    assert (word is None) == d.is_empty()
    assert word is None or d.accepts(word)


@given(dfas())
def test_finite_means_countable(d: Dfa) -> None:
    assert d.is_finite() == (d.max_length() is not None or d.is_empty())
    if not d.is_finite():
        assert d.count(10**30) is None


def test_the_alphabets_do_not_mix() -> None:
    with pytest.raises(TypeError):
        literal("a").accepts(b"a")
    with pytest.raises(TypeError):
        literal(b"a").accepts("a")
    assert literal(b"a") != literal("a")
    assert literal("a") != "a"


def test_limits_name_themselves() -> None:
    with pytest.raises(LimitError, match="more than 10 states"):
        lengths(0, 10, BYTES, max_states=10)
    with pytest.raises(LimitError):
        literals(["abc", "abd", "xyz"], max_states=3)


def test_ranges_outside_the_alphabet() -> None:
    with pytest.raises(ValueError, match="outside"):
        symbols([(0, 256)], BYTES)
    with pytest.raises(ValueError, match="empty"):
        symbols([(5, 4)], BYTES)


@given(
    st.lists(st.tuples(st.integers(0xD700, 0xE100), st.integers(0, 300)), max_size=5),
    st.lists(st.tuples(st.integers(0xD700, 0xE100), st.integers(0, 300)), max_size=5),
)
def test_set_algebra(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    x = normalize([(lo, lo + n) for lo, n in a], CODE_POINTS)
    y = normalize([(lo, lo + n) for lo, n in b], CODE_POINTS)

    def members(ranges: tuple[tuple[int, int], ...]) -> set[int]:
        return {c for lo, hi in ranges for c in range(max(lo, 0xD600), min(hi, 0xE400) + 1)}

    surrogates = set(range(0xD800, 0xE000))
    assert members(x) == {c for lo, n in a for c in range(lo, lo + n + 1)} - surrogates
    assert all(p[1] + 1 < q[0] for p, q in pairwise(x))
    assert members(join(x, y, alphabet=CODE_POINTS)) == members(x) | members(y)
    assert members(common(x, y)) == members(x) & members(y)
    assert members(invert(x, CODE_POINTS)) == set(range(0xD600, 0xE401)) - surrogates - members(x)
    assert invert(invert(x, CODE_POINTS), CODE_POINTS) == x


def test_repr_shows_a_word() -> None:
    assert "shortest 'ab'" in repr(literal("ab"))
    assert len(WORDS) == sum(len(LETTERS) ** n for n in range(5))
    assert language(everything(CODE_POINTS).accepts) == frozenset(WORDS)
