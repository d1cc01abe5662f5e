"""Bans and captures: the laws of compiled grammars on random networks with both, and examples by hand."""

from __future__ import annotations

import random

import pytest

from structgen.automata import bytedfa
from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import Cfg, CfgNetwork
from structgen.ir.network import Network, Terminal
from structgen.limits import Limits
from tests.contextual import A, B, C, random_symbols
from tests.naive import TooManyError
from tests.runtime.laws import Pair
from tests.strategies import COUNTED_TERMINALS, SMALL_TERMINALS, THOROUGH, random_cfg, random_vocabulary

SEEDS = range(10_000) if THOROUGH else range(120)
LETTERS: list[bytes | None] = [b"a", b"b", b"c", b" ", b"aa", b"ab", b"ca", b"cc", b"a ", b" a", b"bca", b"aab", None]


def random_network(rng: random.Random) -> Network:
    counted = rng.sample(COUNTED_TERMINALS, 2) if rng.random() < 0.3 else []
    symbols = [*random_symbols(rng, SMALL_TERMINALS), *counted]
    return CfgNetwork(random_cfg(rng, symbols, rng.choice([4, 4, 6])))


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


def all_texts(network: Network, tokens: list[bytes | None], steps: int) -> Pair:
    """Check every state that is reached in some steps."""
    both = Pair(network, tokens, [len(tokens) - 1], exact=False)
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
