"""Networks out of networks: languages by enumeration, and the contract at every node."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import Cfg, CfgNetwork
from structgen.ir.combine import concat, empty_text, from_terminal, optional, repeat, union, without_empty
from structgen.ir.network import Network, Terminal
from tests.ir.test_cfg import check_all
from tests.naive import Naive, TooManyError, dfa_words
from tests.strategies import SMALL_TERMINALS, byte_dfas, cfgs, counted_dfas, examples

LENGTH = 4


@st.composite
def networks(draw: st.DrawFn) -> Network:
    kind = draw(st.sampled_from(["terminal", "counted", "grammar", "grammar"]))
    if kind == "terminal":
        return from_terminal(Terminal(draw(byte_dfas()), "t"))
    if kind == "counted":
        return from_terminal(Terminal(draw(counted_dfas()), "t"))
    try:
        return CfgNetwork(draw(cfgs(most_rules=3)))
    except UnsatisfiableError:
        assume(False)
        raise


def words(network: Network) -> set[bytes]:
    check_all(network)
    try:
        return Naive(network).language(LENGTH)
    except TooManyError:
        assume(False)
        raise


def product(a: set[bytes], b: set[bytes]) -> set[bytes]:
    return {x + y for x in a for y in b if len(x) + len(y) <= LENGTH}


@examples(60)
@given(st.one_of(byte_dfas(), counted_dfas()))
def test_terminal(dfa: object) -> None:
    assert words(from_terminal(Terminal(dfa, "t"))) == dfa_words(dfa, LENGTH)  # type: ignore[arg-type]


@examples(60)
@given(st.lists(networks(), min_size=1, max_size=3))
def test_union(parts: list[Network]) -> None:
    assert words(union(*parts)) == set().union(*map(words, parts))


@examples(60)
@given(st.lists(networks(), max_size=3))
def test_concat(parts: list[Network]) -> None:
    expected = {b""}
    for part in parts:
        expected = product(expected, words(part))
    assert words(concat(*parts)) == expected


@examples(60)
@given(networks())
def test_optional(part: Network) -> None:
    assert words(optional(part)) == words(part) | {b""}


@examples(120)
@given(networks(), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3)))
def test_repeat(part: Network, lo: int, more: int | None) -> None:
    one = words(part)
    rounds, expected = {b""}, set()
    for n in range(lo + (LENGTH + 1 if more is None else more) + 1):
        if n >= lo:
            expected |= rounds
        rounds = product(rounds, one)
    assert words(repeat(part, lo, None if more is None else lo + more)) == expected


@examples(120)
@given(networks())
def test_without_empty(part: Network) -> None:
    expected = words(part) - {b""}
    try:
        rest = without_empty(part)
    except UnsatisfiableError:
        assert not expected
        assert part.least(part.start) == 0
        return
    assert words(rest) == expected
    assert rest.least(rest.start) > 0


def test_combinations_nest() -> None:
    a, b = (from_terminal(t) for t in SMALL_TERMINALS[:2])
    network = repeat(concat(union(a, optional(b)), b), 1, 2)
    assert words(network) == {b"ab", b"bb", b"b", b"abab", b"abbb", b"abb", b"bbab", b"bbbb", b"bbb", b"bab"}


def test_edges() -> None:
    assert words(empty_text()) == {b""}
    assert words(repeat(empty_text(), 2, None)) == {b""}
    with pytest.raises(UnsatisfiableError):
        union()
    with pytest.raises(UnsatisfiableError):
        without_empty(empty_text())
    with pytest.raises(ValueError, match="cannot repeat 3 to 2 times"):
        repeat(empty_text(), 3, 2)


def test_places_pass_through() -> None:
    network = CfgNetwork(Cfg("s", {"s": ((SMALL_TERMINALS[0],) * 2,)}, {"s": "line 7"}))
    for whole in (union(network, network), concat(network, network), repeat(network, 1, 2)):
        places = {
            whole.describe(key, edge.label)
            for key in check_all(whole)
            for edge in whole.expand(key).edges
            if isinstance(edge.symbol, Terminal)
        }
        assert places == {"line 7"}
    fresh = without_empty(CfgNetwork(Cfg("s", {"s": ((SMALL_TERMINALS[3],) * 2,)}, {"s": "line 7"})))
    for key in check_all(fresh):
        for edge in fresh.expand(key).edges:
            assert fresh.describe(key, edge.label) == "line 7"


def test_unbounded_repetition_has_as_many_nodes_as_its_lower_bound_needs() -> None:
    network = repeat(from_terminal(SMALL_TERMINALS[0]), 2, None)
    assert len(check_all(network)) == 4
