"""Texts drawn under masks, from a vocabulary in which tokens cross the ends of terminals."""

from __future__ import annotations

import random
from collections.abc import Iterable

import structgen as sg
from structgen import bits

#: Pieces of texts that become tokens.
MOST_PIECES = 400


def vocabulary(texts: Iterable[str], rng: random.Random) -> sg.Vocabulary:
    """All bytes, and pieces of two to five characters of the texts."""
    pieces = {text[i : i + n].encode() for text in texts for n in range(2, 6) for i in range(len(text) - n + 1)}
    longer = [piece for piece in sorted(pieces) if len(piece) > 1]
    some = rng.sample(longer, min(len(longer), MOST_PIECES))
    tokens: list[bytes | None] = [*(bytes([i]) for i in range(256)), *some, None]
    return sg.Vocabulary(tokens, [len(tokens) - 1])


def drawn(grammar: sg.CompiledGrammar, rng: random.Random, spare: int) -> str:
    """A text drawn under masks, of at most ``spare`` tokens more than the least."""
    state, data, left = grammar.start, b"", grammar.min_tokens_left(grammar.start) + spare
    (end,) = grammar.vocab.eos_token_ids
    while left and not (grammar.accepts(state) and rng.random() < 0.05):
        tokens = [t for t in bits.ids(grammar.budget_mask(state, left)).tolist() if t != end]
        if not tokens:
            break
        # letters are most of the tokens: another kind of byte is chosen as often
        raw = {t: grammar.vocab.tokens[t] or b"" for t in tokens}
        plain = [t for t in tokens if raw[t].isascii() and not raw[t].isalnum()]
        token = rng.choice(plain if plain and rng.random() < 0.5 else tokens)
        state, data, left = grammar.advance(state, token), data + raw[token], left - 1
    assert grammar.accepts(state), data
    return data.decode()
