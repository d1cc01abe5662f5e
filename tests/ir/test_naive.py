"""The oracle judged by a second reading of the same contract, and by hand."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import assume, given

from structgen.automata import bytedfa
from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import Cfg, CfgNetwork
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from tests.contextual import A, B, C, Echo, Twice, WordList, random_symbols
from tests.naive import Naive, TooManyError, dfa_least, dfa_words, is_prefix, member
from tests.strategies import SMALL_TERMINALS, byte_dfas, cfgs, counted_dfas, examples, random_cfg


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


def words_of(letters: bytes, most: int) -> list[bytes]:
    return [bytes(word) for n in range(most + 1) for word in itertools.product(letters, repeat=n)]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_no_word_twice(nested: bool, joined: bool) -> None:
    network = WordList([b"a", b"ab", b"b"], 2, nested, joined)
    glue = b"" if joined else b"c"
    pairs = itertools.permutations(network.words, 2)
    expected = {*network.words, *(glue.join(pair) for pair in pairs)}
    assert Naive(network).language(6) == expected
    for text in words_of(b"abc", 5):
        assert member(network, text) == (text in expected)
        assert is_prefix(network, text) == any(word.startswith(text) for word in expected)


def test_as_many_again() -> None:
    """The texts ``a^n b^n``, by capture: context-free, but of one terminal."""
    some = Terminal(bytedfa.from_edges(1, [(0, 97, 97, 0)], [0]), "a*")
    naive = Naive(Twice(some, lambda text: b"b" * len(text), 3))
    assert naive.language(6) == {b"", b"ab", b"aabb", b"aaabbb"}
    assert naive.forced_bytes(naive.run(naive.start_config, b"aab") or naive.start_config) == b"b"


def test_maximal_munch() -> None:
    """Names and blanks: after a name that could be longer no letter follows, whatever rule it comes from."""
    name = bytedfa.from_edges(3, [(0, 97, 98, 1), (1, 97, 98, 1), (1, 32, 32, 2)], [1, 2])
    terminal = Terminal(name, "name", None, {1: bytedfa.choices([b"a", b"b"])})
    network = CfgNetwork(Cfg("s", {"s": ((terminal, "s"), (terminal, C))}))
    for text in words_of(b"abc ", 5):
        *blanks, last = text.split(b" ")
        expected = text.endswith(b"c") and text.count(b"c") == 1 and all(blanks) and (last != b"c" or bool(blanks))
        assert Naive(network).accepts(text) == member(network, text) == expected, text


def test_a_ban_outlives_a_short_terminal() -> None:
    start = Terminal(bytedfa.choices([b"c", b"cc"]), "c", None, {1: bytedfa.literal(b"aab")})
    network = CfgNetwork(Cfg("s", {"s": ((start, A, A, "t"),), "t": ((A,), (B,), (A, B))}))
    expected = {b"ccaaa", b"ccaab", b"ccaaab", b"caaa", b"caaab"}
    assert Naive(network).language(7) == expected
    for text in words_of(b"abc", 6):
        assert member(network, text) == (text in expected)
        assert is_prefix(network, text) == any(word.startswith(text) for word in expected)


@pytest.mark.parametrize("seed", range(60))
def test_configurations_agree_with_the_chart_where_texts_matter(seed: int) -> None:
    rng = random.Random(seed)
    try:
        inner = CfgNetwork(random_cfg(rng, random_symbols(rng, SMALL_TERMINALS, 5), 4))
        network = Echo(inner, rng, rng.choice([0.0, 0.5, 1.0]), rng.random() < 0.5)
        naive = Naive(network, max_items=600)
        for text in words_of(b"abc", 4):
            config = naive.run(naive.start_config, text)
            if not naive.live(config):
                break  # the bans leave no way on: not a network that a front end may make
            assert naive.is_accepting(config) == member(network, text), text
            assert naive.viable(config) == is_prefix(network, text), text
    except (UnsatisfiableError, TooManyError):
        return
