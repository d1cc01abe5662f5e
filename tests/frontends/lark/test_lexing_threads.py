"""What a terminal reads, by Python's re: every word and every following text, by brute force."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.errors import UnsupportedError
from structgen.frontends.lark.patterns import literal_program, program
from structgen.frontends.lark.threads import Piece, Race, Symbols
from tests.strategies import examples

ALPHABET = "ab1"
TEXTS = ["".join(t) for n in range(6) for t in itertools.product(ALPHABET, repeat=n)]

_atoms = st.sampled_from(["a", "b", "1", "[ab]", "[^a]", "\\d", "\\w", ".", "ab", "(?i:A)"])
_marks = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})"),
        st.tuples(inner, _marks).map(lambda p: f"(?:{p[0]}){p[1]}"),
    )


_bodies = st.recursive(_atoms, _grown, max_leaves=5)
_ends = st.sampled_from(["", "", "", "", r"\b", "(?!1)", "(?!ab)", r"(?<!a)"])
patterns = st.tuples(_bodies, _ends).map("".join).filter(lambda p: re.fullmatch(p, "") is None)


def pieces(names: list[str]) -> list[Piece]:
    programs = [program(p, 0, None, 10_000) for p in names]
    return Race(programs, Symbols(programs), "X", None, 10_000).pieces()


def reads(found: list[Piece], text: str, size: int) -> bool | None:
    """Is the first ``size`` characters of the text read as the terminal? None: it depends (there is a doubt)."""
    rest = [text[size:end] for end in range(size + 1, len(text) + 1)]
    doubted = False
    for words, (ban, doubt, needs) in found:
        if words.accepts(text[:size]) and not (ban and any(map(ban.accepts, rest))):
            if all(need.accepts(text[size:]) for need in needs):
                if doubt is None or not any(map(doubt.accepts, rest)):
                    return True
                doubted = True
    return None if doubted else False


def check(names: list[str]) -> None:
    found = pieces(names)
    whole = re.compile("|".join(f"(?P<t{i}>{p})" for i, p in enumerate(names)))
    for text in TEXTS:
        match = whole.match(text)
        expected = match.end() if match and match.lastgroup == f"t{len(names) - 1}" else -1
        for size in range(1, len(text) + 1):
            said = reads(found, text, size)
            assert said is None or said == (size == expected), (names, text, size, match)


@examples(60)
@given(st.lists(patterns, min_size=1, max_size=3))
def test_words_are_those_that_re_finds(names: list[str]) -> None:
    if any(re.match(p, "") for p in names):
        return  # Lark refuses terminals that match nothing at all
    try:
        check(names)
    except UnsupportedError:
        return


@pytest.mark.parametrize(
    "names",
    [
        [r"a+"],
        [r"a*?b"],
        [r"a|ab"],
        [r"ab|a"],
        [r"(a|ab)(1|b1)"],
        [r"ab1", r"[ab]+"],
        [r"ab\b", r"\w+"],
        [r"a\b", r"[ab]+"],
        [r"1+(?!a)"],
        [r"1(?:1)*(?!b)|a[1b]*"],
        [r"a((?!bb).)*?(?<!1)b"],
        [r"1+b1+", r"1+"],
        [r"a(?!b)", r"a"],
        [r"a(?=b)"],
        [r"ab(?=1)|a"],
        [r"a(?=b)", r"a|ab"],
        [r"a(?!b(?!1))"],
        [r"(?!(?:ab|b)\b)[ab]\w*"],
        [r"(?!(?:ab|b)\b)[ab]\w*", r"ab\b", r"b\b"],
    ],
)
def test_lexers_in_use(names: list[str]) -> None:
    check(names)


def test_a_number_before_a_range_is_read_with_a_ban() -> None:
    (piece,) = pieces([r"\d+\.\d+", r"\d+"])
    assert piece.words.accepts("12")
    assert piece.condition.ban is not None
    assert [piece.condition.ban.accepts(text) for text in (".5", "5", "..", ".")] == [True, True, False, False]


def test_a_literal_is_a_program_too() -> None:
    programs = [literal_program("=="), literal_program("=")]
    (piece,) = Race(programs, Symbols(programs), "X", None, 100).pieces()
    assert piece.words.accepts("=")
    assert piece.condition.ban is not None and piece.condition.ban.accepts("=")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([r"\ba"], "looks behind its own beginning"),
        ([r"(?>a|ab)"], "atomic group"),
        ([r"a(?!(?<!b)1)"], "looks behind the beginning of a lookahead"),
    ],
)
def test_what_no_condition_can_say_is_refused(names: list[str], message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        pieces(names)


def test_a_lookahead_past_the_end_is_a_need() -> None:
    (piece,) = pieces([r"a(?=b)"])
    (need,) = piece.condition.needs
    assert piece.words.accepts("a")
    assert [need.accepts(text) for text in ("b", "ba", "a", "")] == [True, True, False, False]
