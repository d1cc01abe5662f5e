"""Random grammars against Lark's own parsers."""

from __future__ import annotations

import random
from collections.abc import Callable

import lark
from hypothesis import assume, given
from hypothesis import strategies as st

import structgen as sg
from structgen.compile import lower
from structgen.errors import UnsatisfiableError
from tests.frontends.lark.drawn import grammars
from tests.ir.test_cfg import check_all
from tests.naive import Naive, TooManyError, member
from tests.strategies import examples

ALPHABET = "abé B#\n"


def earley(text: str) -> Callable[[str], bool]:
    """Does Lark accept it, trying every way to cut the text into terminals?"""
    parser = lark.Lark(text, parser="earley", lexer="dynamic_complete", ambiguity="forest")

    def accepts(data: str) -> bool:
        try:
            parser.parse(data)
        except lark.exceptions.UnexpectedInput:
            return False
        return True

    return accepts


@examples(100)
@given(grammars(), st.integers(0, 2**32))
def test_same_texts_as_lark(text: str, seed: int) -> None:
    try:
        accepts = earley(text)
    except lark.exceptions.GrammarError:  # colliding optional parts
        assume(False)
    try:
        network = lower(sg.Lark(text, lexer="dynamic_complete"))
    except UnsatisfiableError:
        network = None
    rng = random.Random(seed)
    words = {""} | {"".join(rng.choices(ALPHABET, k=rng.randint(1, 5))) for _ in range(25)}
    if network is not None:
        check_all(network)
        try:
            ours = sorted(Naive(network).language(5))
        except TooManyError:
            assume(False)
        for data in rng.sample(ours, min(25, len(ours))):
            assert accepts(data.decode())
            cut = rng.randrange(len(data) + 1)
            words.add((data[:cut] + data[cut + 1 :]).decode(errors="ignore"))
    for word in words:
        assert accepts(word) == (network is not None and member(network, word.encode())), word
