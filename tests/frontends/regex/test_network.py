"""Patterns too large for one automaton: networks that count in their nodes, against ``re``."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import structgen as sg
from structgen.compile import compile_network
from structgen.frontends.regex import parse
from structgen.frontends.regex.network import network_of

VOCAB = sg.Vocabulary([*(bytes([i]) for i in range(256)), None, b"ab", b"--", b"aaaa"], eos_token_ids=[256])
SMALL = [r"[ab]{1,9}", r"^(ab|c){2,7}$", r"a{2,6}b|c{0,3}", r"(a{0,3}-){0,4}b{2,}", r"[ab]{0,2}[a-c]{0,2}"]
LARGE = [r"[a-z]{1,1000000}", r"[a-c]{0,5000}[a-z]{0,5000}", r"^([a-z]{1,63}\.){1,10000}[a-z]{2,63}$"]


@pytest.mark.parametrize("pattern", SMALL)
@settings(max_examples=40)
@given(text=st.text("abc-", max_size=9))
def test_divided_patterns_have_the_same_texts(pattern: str, text: str) -> None:
    found = network_of(parse(pattern), 3)
    assert found is not None
    g = compile_network(found, VOCAB)
    state = g.advance_bytes(g.start, text.encode())
    assert (state >= 0 and g.accepts(state)) == (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize("pattern", LARGE)
def test_large_counts_compile_and_hold(pattern: str) -> None:
    g = sg.compile(sg.Regex(pattern), VOCAB)
    for text in ("a", "ab.cd", "abc" * 100, "abc." * 20 + "zz", "", "-", "ab-"):
        state = g.advance_bytes(g.start, text.encode())
        assert (state >= 0 and g.accepts(state)) == (re.fullmatch(pattern, text) is not None), text
    assert g.mask(g.start).any()
