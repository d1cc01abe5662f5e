"""Texts of few strings and of all but a few: against the automata made from partitions of the code points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.automata import ByteDfa, complement, literals, to_bytedfa
from structgen.frontends.json_schema.escapes import Escapes, json_text, quoted
from structgen.frontends.json_schema.separators import Terminals
from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.json_schema.wordtexts import least_text, texts_of, texts_of_all_but
from tests.strategies import examples

WORDS = st.sets(st.text('ab0/"\\\n\x01\x7f\u00e9\u0e09\uffff\U0001f600\U0001f601', max_size=4), max_size=5)
ESCAPES: st.SearchStrategy[Escapes] = st.sampled_from(["standard", "any"])


def edges(dfa: ByteDfa, state: int) -> dict[int, int]:
    some = slice(int(dfa.first[state]), int(dfa.first[state + 1]))
    rows = zip(dfa.lo[some].tolist(), dfa.hi[some].tolist(), dfa.to[some].tolist(), strict=True)
    return {byte: to for lo, hi, to in rows for byte in range(lo, hi + 1)}


def same_language(a: ByteDfa, b: ByteDfa) -> bool:
    """Both have live states only, so languages differ where edges or ends do."""
    todo, met = [(0, 0)], {(0, 0)}
    while todo:
        p, q = todo.pop()
        ours, theirs = edges(a, p), edges(b, q)
        if a.accept[p] != b.accept[q] or ours.keys() != theirs.keys():
            return False
        for byte, to in ours.items():
            pair = to, theirs[byte]
            if pair not in met:
                met.add(pair)
                todo.append(pair)
    return True


@given(WORDS.filter(bool), ESCAPES)
@examples(60)
def test_texts_of_words_are_minimal(words: set[str], escapes: Escapes) -> None:
    wanted = quoted(to_bytedfa(json_text(literals(sorted(words)), escapes)))
    found = texts_of(words, escapes)
    assert same_language(found, wanted)
    assert found.n_states == wanted.n_states


@given(WORDS, ESCAPES)
@examples(60)
def test_texts_of_all_but_words(words: set[str], escapes: Escapes) -> None:
    others = complement(literals(sorted(words))) if words else complement(literals([]))
    assert same_language(texts_of_all_but(words, escapes), quoted(to_bytedfa(json_text(others, escapes))))


def test_no_words() -> None:
    with pytest.raises(ValueError, match="no string"):
        texts_of([], "standard")


def test_an_escape_in_either_case() -> None:
    dfa = texts_of(["\u00ab"], "standard")
    assert all(dfa.accepts(text) for text in (b'"\xc2\xab"', b'"\\u00ab"', b'"\\u00AB"', b'"\\u00aB"'))
    assert not dfa.accepts(b'"\\u00ac"')


def test_many_long_words_take_no_recursion() -> None:
    dfa = texts_of(["/" + "x" * 5000], "standard")
    assert dfa.accepts(b'"\\/' + b"x" * 5000 + b'"')
    assert dfa.accept.sum() == 1 and np.diff(dfa.first).max() == 2


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-c]{2,5}$", "\\n+", '["\\\\]x', "[\u00e9-\u00fc]+$", "^\U0001f600", r"^\d{3}-\d{4}$", "^(ab|\x01)*\t$",
        "^(?=.*\x02)[^a]{3}$", "^([\ud7ff-\ue000]|zzzzz)$", "^$",
    ],
)  # fmt: skip
def test_the_least_text_of_a_pattern(pattern: str) -> None:
    strings = StringSet.matching(pattern)
    for escapes in ("standard", "any"):
        assert least_text(strings.to_dfa()) == strings.texts(escapes).min_length()  # type: ignore[arg-type]


def test_texts_of_patterns_are_made_when_they_are_needed() -> None:
    words = Terminals("flexible")
    for top in (True, False):
        terminal = words.strings(StringSet.matching("^a.{2,4}b$"), top)
        assert terminal.min_length() == 6
        assert "first" not in vars(terminal.dfa)
        assert terminal.dfa.distance[0] == 6
        assert terminal.dfa.accepts(b'"axxb"')
        assert "first" in vars(terminal.dfa)
