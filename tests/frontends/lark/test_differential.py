"""Random grammars against Lark's own parsers."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Literal

import lark
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import structgen as sg
from structgen.compile import lower
from structgen.errors import UnsatisfiableError, UnsupportedError
from structgen.frontends.lark import rules
from tests.frontends.lark.drawn import grammars
from tests.ir.test_cfg import check_all
from tests.naive import Naive, TooManyError, member
from tests.strategies import examples

ALPHABET = "abé B#\n"


def earley(text: str, lexer: str) -> Callable[[str], bool]:
    """Does Lark's Earley parser accept it with this lexer?"""
    parser = lark.Lark(text, parser="earley", lexer=lexer, ambiguity="forest")  # type: ignore[arg-type]

    def accepts(data: str) -> bool:
        try:
            parser.parse(data)
        except lark.exceptions.UnexpectedInput:
            return False
        return True

    return accepts


def agree(text: str, lexer: Literal["dynamic", "dynamic_complete"], seed: int) -> None:
    try:
        accepts = earley(text, lexer)
    except lark.exceptions.GrammarError:  # colliding optional parts
        assume(False)
    network = None
    try:
        network = lower(sg.Lark(text, lexer=lexer))
    except UnsatisfiableError:
        pass
    except UnsupportedError as error:
        assert lexer == "dynamic" and "a lexer would read them as one" in error.message  # noqa: PT017
        assume(False)
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


@examples(50)
@given(grammars(), st.integers(0, 2**32), st.sampled_from([0, 64]))
def test_any_way_to_cut_the_text(text: str, seed: int, chain: int) -> None:
    """``chain`` 0: every repetition is counted that can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "MAX_CHAIN", chain)
        agree(text, "dynamic_complete", seed)


@examples(25)
@given(grammars(), st.integers(0, 2**32))
def test_each_terminal_is_one_match(text: str, seed: int) -> None:
    agree(text, "dynamic", seed)


@pytest.mark.parametrize(
    "text",
    [
        'start: /a+/ "b" | /a|ab/ "c"',
        'start: A A\nA: /a+/\n%ignore " "',
        'start: A "b"\nA: /[ab]+?/',
        'start: S*\nS: /"[^"]*"/ | /\\w+/\n%ignore / +/',
        'start: (A "c" | B)*\nA: /b(?!a)/ \nB: /aa?/ "b"?',
    ],
)
def test_preferences_and_lookaheads(text: str) -> None:
    accepts, network = earley(text, "dynamic"), lower(sg.Lark(text, lexer="dynamic"))
    for n in range(5):
        for word in map("".join, itertools.product('abc "', repeat=n)):
            assert accepts(word) == member(network, word.encode()), word
