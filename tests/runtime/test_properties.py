"""Compiled grammars against the oracle along random walks: masks bit for bit, and everything else a state knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.errors import UnsatisfiableError, VocabularyError
from structgen.ir.cfg import Cfg, CfgNetwork
from structgen.ir.combine import concat, from_terminal, repeat, union
from structgen.ir.network import Network
from tests.runtime.laws import Pair
from tests.strategies import ALPHABET, SMALL_TERMINALS, cfgs, examples, terminals, vocabularies, walks, within_reach

Tokens = tuple[list[bytes | None], list[int]]


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Terminals, grammars over two letters or over all terminals, and combinations of them."""
    kind = draw(st.sampled_from(["terminal", "small", "small", "large", "large", "combined"]))
    if kind == "terminal":
        return from_terminal(draw(terminals()))
    if kind == "combined":
        parts = [from_terminal(draw(terminals())), draw(grammars(False))]
        how = draw(st.sampled_from(["union", "concat", "repeat"]))
        if how == "repeat":
            lo = draw(st.integers(0, 2))
            return repeat(parts[0], lo, draw(st.sampled_from([None, lo + 1, lo + 3])))
        return union(*parts) if how == "union" else concat(*draw(st.permutations(parts)))
    return draw(grammars(kind == "large"))


@st.composite
def grammars(draw: st.DrawFn, large: bool) -> Network:
    cfg = draw(cfgs(terminals() if large else None))
    try:
        return CfgNetwork(cfg)
    except UnsatisfiableError:
        return CfgNetwork(cfg.with_rules({**cfg.rules, "s": (*cfg.rules["s"], (SMALL_TERMINALS[0],))}))


@examples(150)
@given(networks(), vocabularies(), walks())
@within_reach
def test_every_state_of_a_walk_agrees_with_the_oracle(network: Network, vocabulary: Tokens, choices: list[int]) -> None:
    Pair(network, *vocabulary).walk(choices)


@examples(20)
@given(networks(), vocabularies(whole=True), walks(5))
@within_reach
def test_with_a_vocabulary_of_all_bytes(network: Network, vocabulary: Tokens, choices: list[int]) -> None:
    Pair(network, *vocabulary).walk(choices)


@examples(60)
@given(networks(), vocabularies(), st.lists(st.lists(st.sampled_from(ALPHABET), max_size=8).map(bytes), max_size=8))
@within_reach
def test_bytes_advance_as_the_oracle_says(network: Network, vocabulary: Tokens, texts: list[bytes]) -> None:
    both = Pair(network, *vocabulary)
    grammar = both.grammar
    for text in texts:
        config = both.naive.run(both.naive.start_config, text)
        state = grammar.advance_bytes(grammar.start, text)
        assert (state >= 0) == both.naive.viable(config)
        if config is not None:
            assert grammar.accepts(state) == config.accepting
            assert both.ids(state) == both.naive.mask(config, both.tokens, both.eos)


@examples(60)
@given(networks(), vocabularies(), walks(16), st.integers(0, 6), st.booleans())
@within_reach
def test_walks_under_a_budget_end_in_the_language(
    network: Network, vocabulary: Tokens, choices: list[int], spare: int, whole: bool
) -> None:
    tokens, eos = vocabulary
    if whole:
        tokens = tokens + [bytes([b]) for b in range(256)]
    both = Pair(network, tokens, eos)
    text = both.budget_walk(choices, spare)
    assert both.naive.accepts(text)


@examples(60)
@given(networks(), vocabularies(), walks(6))
@within_reach
def test_min_tokens_is_a_bound_with_a_witness(network: Network, vocabulary: Tokens, choices: list[int]) -> None:
    both = Pair(network, *vocabulary)
    for state, config in both.walk(choices, check=False)[-2:]:
        bound = both.grammar.min_tokens_left(state)
        least = both.naive.min_tokens(config, both.tokens, both.eos, most=min(bound, 6))
        assert least is None or least <= bound
        assert both.witness_walk(state) <= bound


@examples(40)
@given(networks(), vocabularies(), walks(4), walks(6))
@within_reach
def test_same_bytes_same_mask(network: Network, vocabulary: Tokens, choices: list[int], more: list[int]) -> None:
    both = Pair(network, *vocabulary)
    text = both.budget_walk([c for c in [*choices, *more] if c], 3)
    both.check_path_independence(text)


@examples(40)
@given(networks(), vocabularies(), walks())
@within_reach
def test_matcher_forks_and_rolls_back(network: Network, vocabulary: Tokens, choices: list[int]) -> None:
    Pair(network, *vocabulary).check_matcher(choices)


@examples(40)
@given(networks(), vocabularies(), walks())
@within_reach
def test_a_batch_of_masks_is_the_masks_one_by_one(network: Network, vocabulary: Tokens, choices: list[int]) -> None:
    both = Pair(network, *vocabulary)
    grammar = both.grammar
    states = [state for state, _ in both.walk(choices, check=False)] + [0]
    out = np.full((len(states) + 1, grammar.width), 0x55555555, dtype=np.int32)
    grammar.fill_masks(np.array(states, dtype=np.int32), out)
    for row, state in zip(out, states, strict=False):
        assert np.array_equal(row, grammar.mask(state))
    assert (out[-1] == 0x55555555).all()


@examples(40)
@given(networks(), vocabularies(), walks())
@within_reach
def test_order_of_questions_does_not_matter(network: Network, vocabulary: Tokens, choices: list[int]) -> None:
    """Masks asked for after a walk without masks are those of a fresh grammar asked along the way."""
    late, early = Pair(network, *vocabulary), Pair(network, *vocabulary)
    met = [state for state, _ in early.walk(choices, check=False)]
    masks = [early.grammar.mask(state) for state in met]
    state = late.grammar.start
    texts = []
    walked = early.grammar.start
    for choice in choices[: len(met) - 1]:
        token = sorted(early.ids(walked) - set(early.eos))
        token_id = token[choice % len(token)]
        texts.append(early.tokens[token_id])
        walked = early.grammar.advance(walked, token_id)
    states = [state]
    for text in texts:
        assert text is not None
        for byte in text:
            state = late.grammar.advance_bytes(state, bytes([byte]))
        states.append(state)
    for state, mask in reversed(list(zip(states, masks, strict=True))):
        assert np.array_equal(late.grammar.mask(state), mask)


@examples(40)
@given(cfgs(), vocabularies(), walks())
@within_reach
def test_grammars_of_one_language_have_one_mask(cfg: Cfg, vocabulary: Tokens, choices: list[int]) -> None:
    """Alternatives in another order and each rule behind another one: the masks do not change."""
    other = {name: tuple(reversed(alternatives)) for name, alternatives in cfg.rules.items()}
    other = {f"{name}'": tuple(tuple(s if not isinstance(s, str) else f"{s}''" for s in a) for a in alternatives)
             for name, alternatives in other.items()}  # fmt: skip
    other |= {f"{name}''": ((f"{name}'",),) for name in cfg.rules}
    first = Pair(CfgNetwork(cfg), *vocabulary)
    second = Pair(CfgNetwork(Cfg("s'", other)), *vocabulary)
    state = second.grammar.start
    here = first.grammar.start
    for choice in choices:
        assert np.array_equal(first.grammar.mask(here), second.grammar.mask(state))
        allowed = sorted(first.ids(here) - set(first.eos))
        if not allowed:
            break
        token = allowed[choice % len(allowed)]
        here, state = first.grammar.advance(here, token), second.grammar.advance(state, token)


def test_a_vocabulary_that_cannot_write_the_shortest_text_is_refused() -> None:
    with pytest.raises(VocabularyError, match="0x62"):
        Pair(from_terminal(SMALL_TERMINALS[1]), [b"a", b"c"])
