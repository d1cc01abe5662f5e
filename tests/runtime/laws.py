"""The laws of a compiled grammar, as checks of one state against the oracle's configuration of the same text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from structgen import bits
from structgen.ir.network import Network
from structgen.kernels.machine.layout import FAR
from structgen.limits import Limits
from structgen.masks import Vocabulary
from structgen.runtime import CompiledGrammar, Matcher
from tests.naive import Config, Naive, TooManyError
from tests.strategies import pick


class Pair:
    """A compiled grammar beside the oracle of its network.

    Args:
        exact: bounds are exact: the network has neither captures nor bans.
        refuses: some of its edges that capture lead nowhere after some texts.
    """

    def __init__(
        self,
        network: Network,
        tokens: Sequence[bytes | None],
        eos: Sequence[int] = (),
        limits: Limits | None = None,
        exact: bool = True,
        refuses: bool = False,
    ) -> None:
        self.vocab = Vocabulary(list(tokens), eos_token_ids=list(eos))
        self.grammar = CompiledGrammar(network, self.vocab, limits)
        self.naive = Naive(network)
        self.exact = exact
        self.refuses = refuses
        self.tokens = list(self.vocab.tokens)
        self.eos = list(eos)

    def ids(self, state: int) -> set[int]:
        return set(bits.ids(self.grammar.mask(state)).tolist())

    def check(self, state: int, config: Config) -> list[int]:
        """All laws that concern one state; returns the text tokens allowed."""
        grammar, naive = self.grammar, self.naive
        expected = naive.mask(config, self.tokens, self.eos)
        if not self.exact and (naive.dead_end or not naive.live(config, self.refuses)):
            raise TooManyError("bans that leave no way on: not a network that a front end may make")
        assert self.ids(state) == expected
        assert grammar.accepts(state) == naive.is_accepting(config)
        assert grammar.forced_bytes(state) == naive.forced_bytes(config)
        least, witness = naive.min_bytes(config), grammar.witness(state)
        if self.exact:
            assert grammar.min_bytes_left(state) == least == len(witness)
            assert naive.is_accepting(naive.run(config, witness))
        elif grammar.min_bytes_left(state) < FAR:  # else every end that is known of bans something
            assert least <= len(witness) <= grammar.min_bytes_left(state)
            assert naive.is_accepting(naive.run(config, witness))
        assert (grammar.min_tokens_left(state) == 0) == config.accepting
        assert set(grammar.next_bytes(state)) == naive.bytes_allowed(config)
        for token in range(len(self.tokens)):
            allowed = grammar.advance(state, token) >= 0
            assert allowed == (token in expected), self.tokens[token]
        return sorted(expected - set(self.eos))

    def walk(self, choices: Sequence[int], check: bool = True) -> list[tuple[int, Config]]:
        """Walk along allowed tokens; every state on the way is checked. Returns the states met."""
        state, config = self.grammar.start, self.naive.start_config
        met = [(state, config)]
        for choice in choices:
            allowed = self.check(state, config) if check else sorted(self.ids(state) - set(self.eos))
            if not allowed:
                break
            token = pick(choice, allowed)
            text = self.tokens[token]
            assert text is not None
            state = self.grammar.advance(state, token)
            after = self.naive.run(config, text)
            assert after is not None
            config = after
            met.append((state, config))
        if check:
            self.check(state, config)
        return met

    def budget_walk(self, choices: Sequence[int], spare: int) -> bytes:
        """Walk under ``budget_mask`` until EOS is chosen or the budget is used up; returns the text."""
        grammar = self.grammar
        state, left, text = grammar.start, grammar.min_tokens_left(grammar.start) + spare, b""
        step = 0
        while True:
            # the bound holds before each token, so a witness of it exists
            assert grammar.min_tokens_left(state) <= left
            mask = grammar.budget_mask(state, left)
            allowed = bits.ids(mask).tolist()
            assert set(allowed) <= self.ids(state)
            ends = [t for t in allowed if t in self.eos]
            assert bool(ends) == (bool(self.eos) and grammar.accepts(state))
            going_on = [t for t in allowed if t not in self.eos]
            for token in going_on:
                assert grammar.min_tokens_left(grammar.advance(state, token)) <= left - 1
            if left == 0:
                assert not going_on
                assert grammar.accepts(state)
                return text
            choice = choices[step % len(choices)] if choices else 0
            step += 1
            if not allowed:  # without EOS ids a complete text may have no way on
                assert grammar.accepts(state)
                return text
            token = pick(choice, allowed)
            if token in self.eos:
                return text
            piece = self.tokens[token]
            assert piece is not None
            text += piece
            state = grammar.advance(state, token)
            left -= 1

    def witness_walk(self, state: int) -> int:
        """How many tokens a walk takes that goes where the bound is least; each takes one off it at least."""
        grammar = self.grammar
        steps = 0
        while not grammar.accepts(state):
            here = grammar.min_tokens_left(state)
            following = [grammar.advance(state, t) for t in bits.ids(grammar.budget_mask(state, here)).tolist()]
            assert min(map(grammar.min_tokens_left, following)) <= here - 1
            state = min(following, key=grammar.min_tokens_left)
            steps += 1
        return steps

    def check_path_independence(self, text: bytes) -> None:
        """Every way of cutting ``text`` into tokens leads to one mask (and byte by byte does too)."""
        grammar = self.grammar
        frontier: dict[int, set[int]] = {0: {grammar.start}}
        for position in range(len(text) + 1):
            for state in frontier.get(position, ()):
                for token, piece in enumerate(self.tokens):
                    if piece and text.startswith(piece, position):
                        after = grammar.advance(state, token)
                        assert after >= 0
                        frontier.setdefault(position + len(piece), set()).add(after)
        whole = grammar.advance_bytes(grammar.start, text)
        for state in frontier.get(len(text), ()):
            assert np.array_equal(grammar.mask(state), grammar.mask(whole))
            assert grammar.accepts(state) == grammar.accepts(whole)
            assert grammar.min_bytes_left(state) == grammar.min_bytes_left(whole)

    def check_matcher(self, choices: Sequence[int]) -> None:
        """Forks are independent; rolling back and replaying changes nothing."""
        matcher = Matcher(self.grammar)
        rows, taken = [], []
        for choice in choices:
            row = np.zeros((2, self.grammar.width), dtype=np.int32)
            matcher.fill_next_token_bitmask(row, 1)
            assert not row[0].any()
            allowed = bits.ids(row[1]).tolist()
            assert np.array_equal(row[1], self.grammar.mask(matcher.state))
            refused = sorted(set(range(len(self.tokens))) - set(allowed))
            if refused:
                assert not matcher.accept_token(pick(choice, refused))
            if not allowed:
                break
            rows.append(row[1])
            fork = matcher.fork()
            token = pick(choice, allowed)
            assert fork.accept_token(token)
            assert np.array_equal(self.grammar.mask(matcher.state), row[1])
            assert matcher.accept_token(token)
            assert fork.state == matcher.state
            assert matcher.is_terminated() == (token in self.eos)
            taken.append(token)
            if token in self.eos:
                break
        for n in range(len(taken) + 1):
            back = matcher.fork()
            back.rollback(n)
            if n:
                assert np.array_equal(self.grammar.mask(back.state), rows[len(taken) - n])
            for token in taken[len(taken) - n :]:
                assert back.accept_token(token)
            assert back.state == matcher.state
        matcher.reset()
        assert matcher.state == self.grammar.start
