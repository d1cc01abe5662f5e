"""The oracle judged by a second reading of the same contract, and by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given

from structgen.automata import bytedfa
from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import Cfg, CfgNetwork
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from tests.naive import Naive, TooManyError, dfa_least, dfa_words, is_prefix, member
from tests.strategies import SMALL_TERMINALS, byte_dfas, cfgs, counted_dfas, examples

A, B = SMALL_TERMINALS[:2]


def nested() -> CfgNetwork:
    """The texts ``a^n b^n``."""
    return CfgNetwork(Cfg("s", {"s": ((A, "s", B), ())}))


def test_nested_pairs() -> None:
    naive = Naive(nested())
    assert naive.language(6) == {b"", b"ab", b"aabb", b"aaabbb"}
    config = naive.run(naive.start_config, b"aa")
    assert config is not None
    assert not naive.is_accepting(config)
    assert naive.viable(config)
    assert naive.bytes_allowed(config) == {ord("a"), ord("b")}
    assert naive.min_bytes(config) == 2
    assert naive.forced_bytes(config) == b""
    after = naive.step(config, ord("b"))
    assert after is not None
    assert naive.forced_bytes(after) == b"b"
    assert naive.step(after, ord("a")) is None


def test_mask_holds_tokens_that_can_go_on_and_eos_where_the_text_may_end() -> None:
    naive = Naive(nested())
    tokens = [b"a", b"b", b"ab", b"bb", b"bbb", None, b"", b"ba", b"a"]
    assert naive.mask(naive.start_config, tokens, [8]) == {0, 2, 8}
    config = naive.run(naive.start_config, b"aa")
    assert config is not None
    assert naive.mask(config, tokens, [8]) == {0, 1, 2, 3}
    assert naive.min_tokens(config, tokens) == 1
    assert naive.min_tokens(config, [b"b"]) == 2
    assert naive.min_tokens(config, [b"a"], most=5) is None


@pytest.mark.parametrize("hi", [2, 4, None])
def test_counted_terminals_follow_their_docstring(hi: int | None) -> None:
    plain = bytedfa.from_edges(2, [(0, 97, 97, 0), (0, 99, 99, 1)], [1])
    marks = bytedfa.np.array([bytedfa.TICK, bytedfa.EXIT], dtype=bytedfa.np.uint8)
    dfa = bytedfa.ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, bytedfa.Counter(2, hi, marks))
    words = {b"a" * n + b"c" for n in range(2, 6) if hi is None or n <= hi}
    assert dfa_words(dfa, 6) == words
    assert Naive(from_terminal(Terminal(dfa, "counted"))).language(6) == words


@examples(60)
@given(byte_dfas())
def test_words_of_an_automaton_are_what_it_accepts(dfa: bytedfa.ByteDfa) -> None:
    words = dfa_words(dfa, 4)
    for n in range(5):
        for letters in itertools.product(b"ab", repeat=n):
            assert (bytes(letters) in words) == dfa.accepts(bytes(letters))
    assert dfa_least(dfa) == dfa.min_length()


@examples(60)
@given(counted_dfas())
def test_words_of_a_counted_automaton_are_what_it_accepts(dfa: bytedfa.ByteDfa) -> None:
    words = dfa_words(dfa, 6)
    for n in range(7):
        for letters in itertools.product(b"abc", repeat=min(n, 5)):
            assert (bytes(letters) in words) == dfa.accepts(bytes(letters))
    assert dfa_least(dfa) == dfa.min_length()


@examples(60)
@given(cfgs())
def test_configurations_agree_with_the_chart(cfg: Cfg) -> None:
    try:
        network = CfgNetwork(cfg)
        naive = Naive(network)
        for n in range(5):
            for letters in itertools.product(b"ab", repeat=n):
                text = bytes(letters)
                config = naive.run(naive.start_config, text)
                assert naive.is_accepting(config) == member(network, text)
                assert naive.viable(config) == is_prefix(network, text)
    except (UnsatisfiableError, TooManyError):
        assume(False)
