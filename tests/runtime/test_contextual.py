"""Bans and captures: the laws of compiled grammars on random networks with both, and examples by hand."""

from __future__ import annotations

import random
from typing import Any

import pytest

import structgen
from structgen.automata import bytedfa
from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import Cfg, CfgNetwork
from structgen.ir.combine import concat, from_terminal, optional, repeat, union, without_empty
from structgen.ir.network import Network, Terminal, check_outline
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from tests.contextual import A, B, C, Echo, Judged, Twice, UniqueLists, WordList, random_symbols
from tests.naive import TooManyError, member
from tests.runtime.laws import Pair
from tests.strategies import COUNTED_TERMINALS, SMALL_TERMINALS, THOROUGH, random_cfg, random_vocabulary

SEEDS = range(10_000) if THOROUGH else range(120)
LETTERS: list[bytes | None] = [b"a", b"b", b"c", b" ", b"aa", b"ab", b"ca", b"cc", b"a ", b" a", b"bca", b"aab", None]


def random_network(rng: random.Random) -> Network:
    counted = rng.sample(COUNTED_TERMINALS, 2) if rng.random() < 0.3 else []
    symbols = [*random_symbols(rng, SMALL_TERMINALS), *counted]
    network: Network = CfgNetwork(random_cfg(rng, symbols, rng.choice([4, 4, 6])))
    if rng.random() < 0.7:
        network = Echo(network, rng, rng.choice([0.2, 0.5, 1.0]), rng.random() < 0.5)
    setattr(network, "nested", rng.random() < 0.7)  # masks by folds, or by configurations  # noqa: B010
    return network


@pytest.mark.parametrize("part", range(6))
def test_laws(part: int) -> None:
    done = 0
    for seed in SEEDS[part::6]:
        rng = random.Random(seed)
        try:
            network = random_network(rng)
            limits = Limits(max_mask_bytes=64, max_vocabulary_bytes=1 << 10) if rng.random() < 0.2 else None
            both = Pair(network, *random_vocabulary(rng, b"abc\xc3\xa9"), limits, exact=False)
            choices = [rng.randrange(1 << 16) for _ in range(12)]
            both.walk(choices)
            text = both.budget_walk(choices, rng.randint(0, 4))
            assert both.naive.accepts(text)
            both.check_path_independence(text[:12])
            both.check_matcher(choices)
        except (TooManyError, UnsatisfiableError):
            continue
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
        done += 1
    assert done > len(SEEDS) / 6 / 3


def all_texts(network: Network, tokens: list[bytes | None], steps: int, refuses: bool = False) -> Pair:
    """Check every state that is reached in some steps."""
    both = Pair(network, tokens, [len(tokens) - 1], exact=False, refuses=refuses)
    layer = {both.grammar.start: both.naive.start_config}
    for _ in range(steps):
        following = {}
        for state, config in layer.items():
            for token in both.check(state, config):
                after = both.naive.run(config, tokens[token] or b"")
                assert after is not None
                following[both.grammar.advance(state, token)] = after
        layer = following
    return both


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("outlined", [False, True])
def test_no_word_twice(nested: bool, joined: bool, outlined: bool) -> None:
    network = WordList([b"a", b"b", b"ab", b"bca"], 3, nested, joined, outlined)
    all_texts(network, LETTERS, 4)


def test_a_text_is_asked_for_once() -> None:
    network = WordList([b"a", b"b", b"ab", b"bca"], 3, outlined=True)
    grammar = Pair(network, LETTERS, [12], exact=False).grammar
    for text in (b"", b"a", b"ab", b"abc", b"abcb", b"abcbcac"):
        grammar.mask(grammar.advance_bytes(grammar.start, text))
    assert len(network.asked) == len(set(network.asked))


@pytest.mark.parametrize("outlined", [False, True])
def test_outlines_keep_their_promise(outlined: bool) -> None:
    words = WordList([b"a", b"b", b"ab", b"bca"], 3, outlined=outlined)
    key = words.start
    for text in (b"bca", b"a", b"ab"):
        (edge,) = words.expand(key).edges
        for word in words.words - key[1]:  # type: ignore[index]
            check_outline(words, key, edge, word)
        key = words.follow_text(key, edge.label, text)
        if words.expand(key).edges:
            key = words.follow(key, "separator")


@pytest.mark.parametrize("blurred", [False, True])
@pytest.mark.parametrize("good", [[], [b"a"], [b"ab", b"b"], [b"aab", b"bb", b"a", b"ba"]], ids=len)
def test_a_text_is_refused(good: list[bytes], blurred: bool) -> None:
    """What has been read decides whether anything may follow at all; another edge keeps its beginnings alive."""
    letters = [*LETTERS[:-1], b"ac", b"bcab", b"cab", b"abca", b"d", b"ad", b"cd", b"bcbd", b"c" * 2, None]
    both = all_texts(Judged(good, blurred), letters, 5, refuses=True)
    for seed in range(20):
        rng = random.Random(seed)
        text = both.budget_walk([rng.randrange(1 << 16) for _ in range(12)], rng.randint(0, 4))
        assert both.naive.accepts(text)


def test_the_free_names_of_objects_have_outlines() -> None:
    source = {
        "type": "object",
        "properties": {"a": {}},
        "patternProperties": {"^b": {"type": "integer"}},
        "additionalProperties": {"type": "string"},
        "minProperties": 2,
        "maxProperties": 4,
    }
    network: Any = structgen.compile(source, Vocabulary([bytes([b]) for b in range(256)])).network
    start = network.start
    (opening,) = [e for e in network.expand(start).edges if e.symbol.dfa.accepts(b"{")]
    key = network.follow(start, opening.label)
    tested = 0
    for _ in range(3):
        key = network.follow(key, network.expand(key).edges[0].label)  # past the quote
        for edge in network.expand(key).edges:
            if edge.capture:
                names = [b"%s%d" % (letter, n) for letter in (b"b", b"c") for n in range(30)] + [b"", b"b", b"c"]
                for name in names:
                    text = b'%s":' % name
                    if edge.symbol.dfa.accepts(text):
                        check_outline(network, key, edge, text)
                        tested += 1
                        after = network.follow_text(key, edge.label, text)
        key = network.follow(after, network.expand(after).edges[0].label)
    assert tested > 100


def test_states_after_a_capture_are_shared() -> None:
    """What has been read matters as far as the network says: after ``a^n`` and its echo all is one again."""
    letters = Terminal(bytedfa.from_edges(3, [(0, 97, 98, 1), (1, 97, 98, 1), (1, 99, 99, 2)], [2]), "[ab]+c")
    network = Twice(letters, lambda text: b"b" * (len(text) % 2), 1)
    grammar = Pair(network, LETTERS, [12], exact=False).grammar
    states = {grammar.advance_bytes(grammar.start, text) for text in (b"ac", b"bc", b"abac", b"bbac")}
    assert len(states) == 1
    assert len({grammar.advance_bytes(grammar.start, text) for text in (b"a", b"b", b"ab")}) == 3


def test_copies() -> None:
    """The texts ``w c w``, which no context-free grammar has."""
    word = Terminal(bytedfa.from_edges(2, [(0, 97, 98, 0), (0, 99, 99, 1)], [1]), "[ab]*c")
    both = all_texts(Twice(word, lambda text: text[:-1][:3], 3), LETTERS, 4)
    grammar = both.grammar
    assert grammar.forced_bytes(grammar.advance_bytes(grammar.start, b"abc")) == b"ab"


def test_a_capture_in_a_capture() -> None:
    """Lists of lists: no letter twice in a list, no list twice in the whole."""
    both = all_texts(UniqueLists(), LETTERS, 6)
    for text, expected in [(b"acb ", True), (b"acbb", False), (b"abca", True), (b"abcab", False), (b"abcba", True)]:
        assert (both.grammar.advance_bytes(both.grammar.start, text) >= 0) == expected, text


def test_combinations_hand_captures_and_bans_on() -> None:
    words = WordList([b"a", b"ab"], 2, nested=True)
    some = Twice(SMALL_TERMINALS[6], lambda text: b"a" * len(text[:2]), 2)
    maybe = Twice(Terminal(bytedfa.from_edges(1, [(0, 97, 97, 0)], [0]), "a*"), lambda text: b"b" * len(text[:2]), 2)
    ban = Terminal(bytedfa.choices([b"b", b"bc"]), "b", None, {1: bytedfa.literal(b"a")})
    for network in (
        union(words, some),
        concat(some, from_terminal(ban), words),
        repeat(some, 1, 3),
        repeat(maybe, 0, 2),
        repeat(maybe, 2, None),
        without_empty(maybe),
        concat(optional(words), maybe),
        without_empty(concat(maybe, optional(from_terminal(ban)))),
    ):
        naive = all_texts(network, LETTERS, 3).naive
        for text in (b"", b"a", b"ab", b"aca", b"acab", b"bba", b"aabb", b"abba"):
            assert naive.accepts(text) == member(network, text)


def test_maximal_munch() -> None:
    """Names with blanks between: a token that would glue two names together is not offered."""
    name = bytedfa.from_edges(3, [(0, 97, 98, 1), (1, 97, 98, 1), (1, 32, 32, 2)], [1, 2])
    terminal = Terminal(name, "name", None, {1: bytedfa.choices([b"a", b"b"])})
    network = CfgNetwork(Cfg("s", {"s": ((terminal, "s"), (terminal, C))}))
    both = all_texts(network, LETTERS, 4)
    grammar = both.grammar
    state = grammar.advance_bytes(grammar.start, b"ab")
    assert grammar.min_bytes_left(state) <= 2
    assert grammar.advance_bytes(state, b"c") > 0
    assert grammar.n_states < 20


def test_a_ban_outlives_short_terminals_and_rules() -> None:
    start = Terminal(bytedfa.choices([b"c", b"cc"]), "c", None, {1: bytedfa.literal(b"aab")})
    rules = {"s": ((start, "x", "t"),), "x": ((A, "y"),), "y": ((A,),), "t": ((A,), (B,), (A, B))}
    both = all_texts(CfgNetwork(Cfg("s", rules)), LETTERS, 6)
    assert both.naive.language(7) == {b"ccaaa", b"ccaab", b"ccaaab", b"caaa", b"caaab"}


def test_a_ban_may_leave_nothing_of_a_terminal() -> None:
    start = Terminal(bytedfa.choices([b"c", b"cc"]), "c", None, {1: bytedfa.literal(b"a")})
    both = all_texts(CfgNetwork(Cfg("s", {"s": ((start, A), (start, B))})), LETTERS, 3)
    assert both.naive.language(4) == {b"cb", b"ccb", b"cca"}


def test_where_a_ban_may_be() -> None:
    ban = {0: bytedfa.literal(b"a")}
    with pytest.raises(ValueError, match="start"):
        Terminal(bytedfa.choices([b"", b"a"]), "t", None, ban)
    with pytest.raises(ValueError, match="without a ban"):
        Terminal(bytedfa.literal(b"a"), "t", None, {1: bytedfa.literal(b"a")})
    with pytest.raises(ValueError, match="counts"):
        Terminal(COUNTED_TERMINALS[0].dfa, "t", None, {1: bytedfa.literal(b"a")})
