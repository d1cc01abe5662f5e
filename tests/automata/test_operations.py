"""The algebra against plain sets of words, and UTF-8 against ``str.encode``."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.automata import (
    BYTES,
    CODE_POINTS,
    Dfa,
    complement,
    concat,
    difference,
    empty,
    epsilon,
    everything,
    intersect,
    lengths,
    literal,
    literals,
    repeat,
    symbols,
    to_bytedfa,
    union,
    utf8,
    witness_not_in,
)
from structgen.errors import LimitError
from tests.automata.drawn import LETTERS, LONGEST, WORDS, check_canonical, dfas, language


@given(dfas(), dfas())
@settings(max_examples=60)
def test_boolean_operations(a: Dfa, b: Dfa) -> None:
    x, y = language(a.accepts), language(b.accepts)
    for d, expected in (
        (a & b, x & y),
        (a | b, x | y),
        (a - b, x - y),
        (~a, frozenset(WORDS) - x),
    ):
        check_canonical(d)
        assert language(d.accepts) == expected


@given(dfas(max_states=3), dfas(max_states=3))
@settings(max_examples=60)
def test_concatenation(a: Dfa, b: Dfa) -> None:
    x, y = language(a.accepts), language(b.accepts)
    d = a + b
    check_canonical(d)
    assert language(d.accepts) == {u + v for u in x for v in y if len(u + v) <= LONGEST}


@given(dfas(max_states=3), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3)))
@settings(max_examples=80)
def test_repetition(a: Dfa, lo: int, more: int | None) -> None:
    hi = None if more is None else lo + more
    base = language(a.accepts)
    power, expected = frozenset({""}), set()
    for i in range((lo + LONGEST + 1 if hi is None else hi) + 1):
        if i >= lo:
            expected |= power
        power = frozenset(u + v for u in power for v in base if len(u + v) <= LONGEST)
    d = repeat(a, lo, hi)
    check_canonical(d)
    assert language(d.accepts) == expected


@given(dfas(), dfas(), dfas())
@settings(max_examples=60)
def test_laws(a: Dfa, b: Dfa, c: Dfa) -> None:
    assert ~~a == a
    assert ~(a | b) == ~a & ~b
    assert a - b == a & ~b
    assert a & (b | c) == (a & b) | (a & c)
    assert union(a, b, c) == (a | b) | c
    assert intersect(a, b, c) == a & (b & c)
    assert concat(a, b, c) == a + (b + c)
    assert a + (b | c) == (a + b) | (a + c)
    assert concat(a, epsilon(CODE_POINTS)) == a
    assert concat(a, empty(CODE_POINTS)) == empty(CODE_POINTS)
    assert repeat(a, 0, None) == repeat(repeat(a, 0, 1), 0, None)
    assert repeat(a, 2, 4) == concat(a, a, repeat(a, 0, 2))
    assert repeat(a, 1, None) == a + repeat(a, 0, None)


@given(dfas(), dfas())
def test_containment_and_witnesses(a: Dfa, b: Dfa) -> None:
    word = witness_not_in(a, b)
    assert (word is None) == b.contains(a) == ((a & b) == a)
    if word is not None:
        assert a.accepts(word)
        assert not b.accepts(word)
    assert a.disjoint(b) == (a & b).is_empty()


def test_operations_need_something_and_one_alphabet() -> None:
    for operation in (union, intersect, concat):
        with pytest.raises(ValueError, match="at least one"):
            operation()
        with pytest.raises(ValueError, match="bytes"):
            operation(literal("a"), literal(b"a"))
    with pytest.raises(ValueError, match="repeat"):
        repeat(literal("a"), 2, 1)
    with pytest.raises(ValueError, match="repeat"):
        repeat(literal("a"), -1, None)


def test_single_operands() -> None:
    a = literal("a")
    assert union(a) is a
    assert intersect(a) is a
    assert concat(a) is a
    assert repeat(a, 1, 1) is a
    assert repeat(a, 0, 0) == epsilon(CODE_POINTS)
    assert repeat(empty(CODE_POINTS), 0, 5) == epsilon(CODE_POINTS)
    assert repeat(empty(CODE_POINTS), 2, 5) == empty(CODE_POINTS)
    assert repeat(symbols([(0x61, 0x7A)], CODE_POINTS), 2, 2).count(10**6) == 26**2


def test_every_operation_obeys_its_limit() -> None:
    a, b = lengths(0, 30, BYTES), repeat(literals([b"abc", b"xy"]), 0, None)
    for run in (
        lambda: union(a, b, max_states=20),
        lambda: intersect(a, b, max_states=20),
        lambda: difference(a, b, max_states=20),
        lambda: complement(a, max_states=20),
        lambda: concat(a, b, max_states=20),
        lambda: repeat(literals([b"ab", b"c"]), 0, 30, max_states=20),
        lambda: repeat(literals([b"ab", b"c"]), 0, 10**6, max_states=20),
        lambda: utf8(lengths(0, 30, CODE_POINTS), max_states=20),
        lambda: utf8(lengths(0, 30, CODE_POINTS), max_states=31),
    ):
        with pytest.raises(LimitError) as caught:
            run()
        assert caught.value.hint is not None
        assert "max_states" in caught.value.hint


def test_too_much_work_is_a_limit_too() -> None:
    # few states, but each stands for very many places
    with pytest.raises(LimitError, match="work"):
        repeat(
            repeat(symbols([(0, 9)], BYTES), 0, 900) + repeat(symbols([(5, 20)], BYTES), 0, 1), 0, 90, max_states=3000
        )


# ---- UTF-8 and byte automata -------------------------------------------------------------------------------


@given(dfas())
@settings(max_examples=80)
def test_utf8_holds_the_encodings(d: Dfa) -> None:
    encoded = utf8(d)
    check_canonical(encoded)
    assert {w for w in WORDS if encoded.accepts(w.encode())} == language(d.accepts)
    for word in encoded.words(50):
        assert d.accepts(word.decode())
    assert encoded.is_empty() == d.is_empty()
    assert encoded.count(10**12) == d.count(10**12)


def test_utf8_of_every_single_code_point() -> None:
    one = utf8(lengths(1, 1, CODE_POINTS))
    assert one.count(1 << 21) == 0x110000 - 0x800
    valid = {b"".join(p) for p in ()}
    for lead in (
        0x00,
        0x7F,
        0x80,
        0xBF,
        0xC0,
        0xC1,
        0xC2,
        0xDF,
        0xE0,
        0xE1,
        0xEC,
        0xED,
        0xEE,
        0xEF,
        0xF0,
        0xF1,
        0xF3,
        0xF4,
        0xF5,
        0xFF,
    ):
        for second, third, fourth in product((0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0), repeat=3):
            for text in (
                bytes([lead]),
                bytes([lead, second]),
                bytes([lead, second, third]),
                bytes([lead, second, third, fourth]),
            ):
                if text in valid:
                    continue
                try:
                    expected = len(text.decode()) == 1
                except UnicodeDecodeError:
                    expected = False
                assert one.accepts(text) == expected, text
                valid.add(text)


@given(st.sets(st.integers(0, 0x10FFFF).filter(lambda c: not 0xD800 <= c <= 0xDFFF), min_size=1, max_size=8))
def test_utf8_of_scattered_code_points(codes: set[int]) -> None:
    d = utf8(symbols([(c, c) for c in codes], CODE_POINTS))
    assert sorted(d.words()) == sorted(chr(c).encode() for c in codes)
    assert utf8(literals([chr(c) * 2 for c in codes])) == literals([(chr(c) * 2).encode() for c in codes])


@given(dfas(alphabet=BYTES))
def test_to_bytedfa_keeps_states_and_language(d: Dfa) -> None:
    if d.is_empty():
        with pytest.raises(ValueError, match="no word"):
            to_bytedfa(d)
        return
    b = to_bytedfa(d)
    assert b.n_states == d.n_states
    assert b.min_length() == d.min_length()
    for state in range(d.n_states):
        for byte in range(256):
            expected = int(d.table[state, int((d.starts <= byte).sum()) - 1])
            assert b.step(state, byte) == expected
    assert b.accept.tolist() == d.accept.tolist()
    for s in range(b.n_states):  # intervals are as long as can be
        i, j = int(b.first[s]), int(b.first[s + 1])
        for e in range(i, j - 1):
            assert b.to[e] != b.to[e + 1] or b.hi[e] + 1 < b.lo[e + 1]


def test_conversions_check_the_alphabet() -> None:
    with pytest.raises(ValueError, match="over bytes"):
        utf8(literal(b"a"))
    with pytest.raises(ValueError, match="utf8"):
        to_bytedfa(literal("a"))


def test_everything_is_valid_utf8() -> None:
    d = utf8(everything(CODE_POINTS))
    assert d.accepts("aé€😀".encode())
    assert not d.accepts(b"\xed\xa0\x80")
    assert not d.accepts(b"\xff")
    assert d.n_states <= 9
    assert LETTERS[3] == "\ud7ff"
