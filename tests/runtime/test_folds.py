"""Masks by folds against masks by configurations, which share only the rows of terminals, on whole languages."""

from __future__ import annotations

import random

import numpy as np
import pytest

import structgen as sg
from structgen.compile import compile_network, lower
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from tests.grammars.corpus import examples

#: Examples of a language longer than this are left out: the other masks take long.
LONGEST = 120


def vocabulary(texts: list[bytes], rng: random.Random, n: int) -> Vocabulary:
    """Every byte, and pieces of the texts: most of them hold several terminals."""
    pieces: set[bytes] = set()
    for _ in range(n):
        text = rng.choice(texts)
        begin = rng.randrange(len(text))
        pieces.add(text[begin : begin + rng.randint(2, 9)])
    return Vocabulary([*(bytes([b]) for b in range(256)), *sorted(pieces), None], [256 + len(pieces)])


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("name", ["json", "python", "sql", "toml", "c"])
def test_both_ways_agree(name: str, small: bool) -> None:
    rng = random.Random(name)
    texts = [e.text.encode() for e in examples(name) if e.good and 1 < len(e.text) < LONGEST]
    words = vocabulary(texts, rng, 150)
    # with little room rows are dropped and made again
    limits = Limits(max_vocabulary_bytes=1 << 14, max_mask_bytes=1 << 12) if small else None
    folded, plain = lower(sg.load_grammar(name)), lower(sg.load_grammar(name))
    assert getattr(folded, "nested")  # noqa: B009
    setattr(plain, "nested", False)  # noqa: B010
    one = compile_network(folded, words, limits=limits)
    other = compile_network(plain, Vocabulary(words.tokens, words.eos_token_ids))
    for text in rng.sample(texts, 4):
        at, beside = one.start, other.start
        while at >= 0 and text:
            np.testing.assert_array_equal(one.mask(at), other.mask(beside), err_msg=repr(text))
            step = text[: rng.randint(1, 5)]
            text = text[len(step) :]
            at, beside = one.advance_bytes(at, step), other.advance_bytes(beside, step)
        assert one.accepts(at) and other.accepts(beside)
        np.testing.assert_array_equal(one.mask(at), other.mask(beside))
