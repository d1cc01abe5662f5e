"""Lark's own lexers as judge: small grammars, every short text, and texts of the network."""

from __future__ import annotations

import itertools
import logging
from typing import Literal

import lark
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.errors import UnsatisfiableError, UnsupportedError
from structgen.frontends.lark.load import load
from structgen.frontends.lark.network import build
from structgen.ir.network import Network
from structgen.source import Lark
from tests.naive import Naive, TooManyError
from tests.strategies import examples

Lexer = Literal["basic", "contextual"]
LEXERS: tuple[Lexer, ...] = ("basic", "contextual")
ALPHABET = "ab1.= "


def network(text: str, lexer: Lexer) -> Network:
    return build(load(Lark(text, lexer=lexer)), lexer, 20_000)


def parser(text: str, lexer: Lexer) -> lark.Lark:
    logging.getLogger("lark").setLevel(logging.CRITICAL)
    return lark.Lark(text, parser="lalr", lexer=lexer)


def parses(judge: lark.Lark, text: str) -> bool:
    try:
        judge.parse(text)
    except lark.exceptions.LarkError:
        return False
    return True


def agree(text: str, lexer: Lexer, longest: int = 4, alphabet: str = ALPHABET) -> None:
    """Equal verdicts on all texts up to a length, and everything that can be begun can be completed."""
    judge = parser(text, lexer)
    naive = Naive(network(text, lexer))
    layer = [("", naive.start_config)]
    for size in range(longest + 1):
        following = []
        for written, config in layer:
            assert naive.live(config), (text, lexer, written)
            assert config.accepting == parses(judge, written), (text, lexer, written)
            for char in alphabet if size < longest else "":
                after = naive.run(config, char.encode())
                if after is not None:
                    following.append((written + char, after))
                else:
                    assert not parses(judge, written + char), (text, lexer, written + char)
        layer = following[:3000]
    for n in range(longest + 1):  # what the network does not even begin
        for parts in itertools.islice(itertools.product(alphabet, repeat=n), 3000):
            if naive.run(naive.start_config, "".join(parts).encode()) is None:
                assert not parses(judge, "".join(parts)), (text, lexer, parts)


TERMINALS = (
    '"a"', '"b"', '"ab"', '"="', '"=="', '"."', '".."', '"1"', '"a1"', '"A"i',
    "/[ab]+/", "/[ab][ab1]*/", "/1+/", r"/1+(\.1*)?/", r"/1*\.1+/", "/a.*?b/", r"/=[^=]*=/", r"/a\b/", "/1(?!1)/",
    "/b(a|ab)/", r"/(?<!a)b/", r"/[ab]+?/", r"/1+b?/", r"/\.+/",
)  # fmt: skip


@st.composite
def grammars(draw: st.DrawFn) -> str:
    """Two to five terminals with priorities, a few rules with operators, mostly with blanks ignored."""
    patterns = draw(st.lists(st.sampled_from(TERMINALS), min_size=2, max_size=5, unique=True))
    names = [f"T{i}" for i in range(len(patterns))]
    lines = []
    for name, pattern in zip(names, patterns, strict=True):
        priority = draw(st.sampled_from(["", "", "", ".1", ".2"]))
        lines.append(f"{name}{priority}: {pattern}")
    rules = ["start", "x", "y"]
    symbols = st.sampled_from([*names, *names, "x", "y"])
    for rule in rules:
        alternatives = []
        for _ in range(draw(st.integers(1, 3))):
            parts = draw(st.lists(symbols, min_size=1, max_size=3))
            mark = draw(st.sampled_from(["", "", "*", "+", "?"]))
            alternatives.append(" ".join(parts) + mark)
        lines.append(f"{rule}: " + " | ".join(alternatives))
    ignore = draw(st.sampled_from(["%ignore / +/", "%ignore / +/", '%ignore " "', "", "%ignore / |=1*/"]))
    return "\n".join([*lines, ignore])


@examples(80)
@given(grammars(), st.sampled_from(LEXERS))
def test_random_grammars(text: str, lexer: Lexer) -> None:
    try:
        parser(text, lexer)
    except lark.exceptions.LarkError:
        return
    try:
        agree(text, lexer)
    except UnsatisfiableError:
        judge = parser(text, lexer)
        assert not any(parses(judge, "".join(t)) for n in range(4) for t in itertools.product(ALPHABET, repeat=n))
    except (UnsupportedError, TooManyError):
        return


KEYWORDS = """
    start: stmt+
    stmt: "ab" NAME | NAME "=" value | NAME "==" value
    value: NAME | NUMBER | NUMBER ".." NUMBER
    NAME: /[ab]+/
    NUMBER: /1+(\\.1+)?/
    %ignore / +/
"""
CONTEXTS = """
    start: item+
    item: "a" WORD "." | "=" REST
    WORD: /[ab]+/
    REST: /[ab1.]+/
    %ignore " "
"""
DANGLING = """
    start: s
    s: "a" s | "a" s "b" s | "1"
    %ignore " "
"""
LAZY = """
    start: (TEXT | NUMBER)+
    TEXT: /a.*?b/
    NUMBER.1: /1/
    %ignore / /
"""


@pytest.mark.parametrize("lexer", LEXERS)
@pytest.mark.parametrize("text", [KEYWORDS, CONTEXTS, DANGLING, LAZY])
def test_grammars_in_use(text: str, lexer: Lexer) -> None:
    agree(text, lexer, 5)


def test_a_context_lets_a_keyword_be_a_name() -> None:
    text = 'start: "a" NAME "="\nNAME: /[ab]+/\n%ignore " "'
    assert Naive(network(text, "contextual")).accepts(b"a a=")
    assert not Naive(network(text, "basic")).accepts(b"a a=")


def test_terminals_that_nothing_can_keep_apart_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="B behind A") as caught:
        network("start: A B\nA: /a+/\nB: /a/", "basic")
    assert 'lexer="dynamic_complete"' in str(caught.value)
