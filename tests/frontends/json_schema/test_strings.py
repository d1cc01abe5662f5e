"""StringSet: the algebra against Python sets, and the texts against the json module."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from structgen.automata import CODE_POINTS, complement, everything, literals, repeat_set
from structgen.automata.bytedfa import EXIT, TICK, ByteDfa, literal
from structgen.errors import LimitError, SourceSyntaxError, UnsupportedError
from structgen.frontends.json_schema import escapes as escapes_module
from structgen.frontends.json_schema.escapes import json_text
from structgen.frontends.json_schema.strings import StringSet

SAMPLES = ["".join(p) for n in range(4) for p in itertools.product("ab\u00e9", repeat=n)]
SAMPLES += ["abab", "aaaaaaaaa", "a" * 100, '"', "\\", "/", "\n", "\x7f", "\U0001f600", "\u2028", "\uffff"]

Set = tuple[StringSet, Callable[[str], bool]]


def _length(lo: int, hi: int | None) -> Set:
    return StringSet.length(lo, hi), lambda v: lo <= len(v) and (hi is None or len(v) <= hi)


def _matching(pattern: str) -> Set:
    return StringSet.matching(pattern), lambda v: re.search(pattern.replace("$", r"\Z"), v) is not None


atoms: st.SearchStrategy[Set] = st.one_of(
    st.builds(_length, st.integers(0, 4), st.none() | st.integers(0, 9)),
    st.frozensets(st.sampled_from(SAMPLES), max_size=5).map(lambda v: (StringSet.of(v), lambda x: x in v)),
    st.sampled_from(["^a*$", "^[ab]+$", "b", "^(ab)+$", "^[a-b]{1,20}$", "^a|b$", "^[^a]*$"]).map(_matching),
)
sets = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda a, b: (a[0] & b[0], lambda v: a[1](v) and b[1](v)), inner, inner),
        st.builds(lambda a, b: (a[0] | b[0], lambda v: a[1](v) or b[1](v)), inner, inner),
        st.builds(lambda a, b: (a[0] - b[0], lambda v: a[1](v) and not b[1](v)), inner, inner),
        inner.map(lambda a: (~a[0], lambda v: not a[1](v))),
    ),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None)
@given(sets)
def test_membership_follows_the_operations(pair: Set) -> None:
    """However a set was built, it holds what its definition says; so does its automaton."""
    strings, judge = pair
    dfa = strings.to_dfa()
    for v in SAMPLES:
        assert strings.contains(v) == judge(v), v
        assert dfa.accepts(v) == judge(v), v
    shortest = strings.shortest()
    assert (shortest is None) == strings.is_empty()
    if shortest is not None:
        assert strings.contains(shortest) and len(shortest) == dfa.min_length()
    values = strings.values(100)
    assert (values is None) == (dfa.count(100) is None)
    if values is not None:
        assert set(values) == set(dfa.words())


@settings(max_examples=150, deadline=None)
@given(sets, sets)
def test_one_form_for_one_language(a: Set, b: Set) -> None:
    """Sets are equal exactly when their automata are; disjoint and includes agree with them."""
    x, y = a[0], b[0]
    assert (x == y) == (x.to_dfa() == y.to_dfa())
    assert x.disjoint(y) == (x.to_dfa() & y.to_dfa()).is_empty()
    assert x.includes(y) == (y.to_dfa() - x.to_dfa()).is_empty()
    assert ~~x == x and hash(~~x) == hash(x)
    assert (x | ~x).is_all() and (x & ~x).is_empty()


def test_forms_stay_symbolic() -> None:
    """Huge lengths cost nothing, alone and with a set of characters."""
    huge = StringSet.length(1, 1_000_000_000)
    assert str(huge & StringSet.length(5)) == "5..1000000000 characters"
    assert str(huge & StringSet.matching("^[a-z]*$")) == "1..1000000000 of 1 ranges"
    assert huge & StringSet.matching("^(foo|bar)$") == StringSet.of(["foo", "bar"])
    bounded = StringSet.matching("^x?[yz]{2,9}w$")
    assert huge & bounded == bounded
    assert StringSet.all() - StringSet.of([""]) == StringSet.length(1)
    assert StringSet.matching("").is_all() and StringSet.matching("^.{0,3}$") != StringSet.length(0, 3)
    assert StringSet.matching("^[^]{2,3}$") == StringSet.length(2, 3)
    assert (~StringSet.length(3)) == StringSet.length(0, 2)
    assert StringSet.of(["\ud800"]).is_empty() and not StringSet.all().contains("\ud800")
    assert not StringSet.all().contains(1)


def test_limits_and_errors() -> None:
    """A product that is too large is refused; a pattern's error names its place."""
    with pytest.raises(LimitError, match="pattern of"):
        StringSet.matching("^(ab)+$") & StringSet.length(0, 10_000_000)
    with pytest.raises(SourceSyntaxError) as caught:
        StringSet.matching("(", where="#/pattern")
    assert caught.value.where == "#/pattern"
    assert StringSet.format("no such format") is None
    with pytest.raises(UnsupportedError, match="unknown format"):
        StringSet.format("no such format", unknown="error", where="#/format")
    for empty in (StringSet.nothing(), StringSet.length(2, 1)):
        with pytest.raises(ValueError):
            empty.texts()


# Texts


def random_text(dfa: ByteDfa, rng: random.Random) -> bytes:
    """A random walk that turns home after a while; counts are respected."""
    state, count, out = 0, 0, bytearray()
    while not dfa.accept[state]:
        edges = []
        for e in range(int(dfa.first[state]), int(dfa.first[state + 1])):
            mark = dfa.counter.mark[e] if dfa.counter else 0
            full = dfa.counter is not None and dfa.counter.hi is not None and count >= dfa.counter.hi
            if not (mark == TICK and full) and not (mark == EXIT and count < dfa.counter.lo):
                edges.append(e)
        if len(out) > 30 and not (dfa.counter and count < dfa.counter.lo):
            edge = min(edges, key=lambda e: int(dfa.distance[dfa.to[e]]))
        else:
            edge = rng.choice(edges)
        count += dfa.counter is not None and dfa.counter.mark[edge] == TICK
        out.append(rng.randint(int(dfa.lo[edge]), int(dfa.hi[edge])))
        state = int(dfa.to[edge])
    return bytes(out)


@settings(max_examples=150, deadline=None)
@given(sets, st.randoms(use_true_random=False), st.sampled_from(["standard", "any"]))
@example((StringSet.all(), lambda v: True), random.Random(0), "standard")
@example((StringSet.length(2, 70), lambda v: 2 <= len(v) <= 70), random.Random(1), "standard")
@example((StringSet.matching("^[^a]{9,80}$"), lambda v: 9 <= len(v) <= 80 and "a" not in v), random.Random(2), "any")
def test_texts_denote_members_and_members_have_texts(pair: Set, rng: random.Random, escapes: str) -> None:
    """json.loads of every walk is a member; json.dumps of every member is accepted."""
    strings, judge = pair
    if strings.is_empty():
        return
    dfa = strings.texts(escapes)
    for _ in range(30):
        text = random_text(dfa, rng)
        assert dfa.accepts(text)
        value = json.loads(text)
        assert judge(value), text
        value.encode()  # no lone surrogates
    for v in SAMPLES:
        for text in (json.dumps(v), json.dumps(v, ensure_ascii=False), json.dumps(v).replace("/", "\\/")):
            if "\\u007f" not in text:
                assert dfa.accepts(text.encode()) == judge(v), text
        if escapes == "any" or strings.is_all():
            units = v.encode("utf-16-be").hex()
            text = '"' + "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)) + '"'
            assert dfa.accepts(text.encode()) == judge(v), text


@pytest.mark.parametrize(
    ("strings", "accepted", "refused"),
    [
        (
            StringSet.all(),
            ['""', '"\\u0041"', '"\\ud83d\\uDE00"', '"\U0001f600"', '"\\/"', '"/"', '"\x7f"'],
            ['"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\n"', '"\\x41"', '"\\u00"', '"', "''", '"\\U0041"'],
        ),
        (StringSet.of(["A/\u00e9"]), ['"A/\u00e9"', '"A\\/\\u00E9"', '"A/\\u00e9"'], ['"\\u0041/\u00e9"', '"A"']),
        (StringSet.of(["\b\t\x01"]), ['"\\b\\t\\u0001"', '"\\u0008\\u0009\\u0001"'], ['"\\b\\t\x01"', '"\\b\\t\\1"']),
        (StringSet.matching("^[A-Z]{2,3}$"), ['"AB"', '"ABC"'], ['"A"', '"ABCD"', '"\\u0041B"', '"ab"']),
        (StringSet.of(["\U0001f600"]), ['"\\uD83d\\ude00"', '"\U0001f600"'], ['"\\ud83d\\ude01"', '"\\ud83e\\ude00"']),
    ],
)
def test_forms_of_texts(strings: StringSet, accepted: list[str], refused: list[str]) -> None:
    """The forms of the documentation, one by one."""
    dfa = strings.texts()
    assert [t for t in accepted if not dfa.accepts(t.encode())] == []
    assert [t for t in refused if dfa.accepts(t.encode())] == []


def test_lone_surrogates_are_no_utf8_text() -> None:
    """The three bytes of a surrogate and overlong forms are refused."""
    dfa = StringSet.all().texts()
    for raw in (b"\xed\xa0\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf4\x90\x80\x80", b"\xff", b"\xf0\x8f\xbf\xbf"):
        assert not dfa.accepts(b'"' + raw + b'"')
    assert dfa.accepts(b'"\xf4\x8f\xbf\xbf\xee\x80\x80"')


def counted_contract(dfa: ByteDfa) -> None:
    """What the docstring of Counter asks for."""
    assert dfa.counter is not None
    sources = np.repeat(np.arange(dfa.n_states), np.diff(dfa.first))
    marked = dfa.counter.mark != 0
    assert set(sources[marked]) == {dfa.boundary}
    assert (dfa.counter.mark == EXIT).sum() >= 1
    assert set(sources[dfa.counter.mark == EXIT]) == {dfa.boundary}


@pytest.mark.parametrize(
    "strings", [StringSet.length(3), StringSet.length(0, 65535), StringSet.matching("^[a-z]{2,64}$")]
)
def test_counted_terminals(strings: StringSet) -> None:
    """Lengths are counted beside the state: few states, one boundary, also between a prefix and a suffix."""
    terminal = strings.to_terminal(literal(b" "), literal(b" :"), name="s", where="#")
    counted_contract(terminal.dfa)
    assert terminal.dfa.n_states < 40
    for n in (0, 1, 2, 3, 63, 64, 65, 65535, 65536):
        assert terminal.dfa.accepts(b' "' + b"a" * n + b'" :') == strings.contains("a" * n)
    assert terminal.dfa.min_length() == 5 + len(strings.shortest() or "")


def test_terminals_of_words_are_literals() -> None:
    """An ASCII name costs one state for each byte."""
    dfa = StringSet.of(["name"]).to_terminal(literal(b""), literal(b":")).dfa
    assert dfa.n_states == 8 and len(dfa.to) == 7 and dfa.accepts(b'"name":')


def test_sharing_gives_the_same_automaton(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two ways of running states through the tree agree."""
    letters = repeat_set(((0, 0x40), (0x100, 0x2FF), (0x4E00, 0xD7FF), (0xE000, 0x10FFF)), 0, 3, CODE_POINTS)
    for d in (letters, complement(literals(["\u00e9", "\U0001f600a", "\n"])), everything(CODE_POINTS)):
        for mode in ("standard", "any"):
            copied = json_text(d, mode)
            monkeypatch.setattr(escapes_module, "_COPIED", 0)
            assert json_text(d, mode) == copied
            monkeypatch.undo()
