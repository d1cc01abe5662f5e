"""Canvases against every filling."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen import bits
from structgen.errors import InputError, VocabularyError
from structgen.infill import Canvas, Gap, completable, slot_mask, witness
from structgen.infill.finite import FiniteSteps
from structgen.infill.gap import ANY, MAYBE, SLOT
from structgen.infill.graph import token_graph
from structgen.infill.nested import Images, NestedSteps
from structgen.ir.network import Network
from structgen.runtime.compiled import CompiledGrammar
from tests.infill.toys import canvases, compiled, fillings, is_filling, nested_networks, networks, vocabularies
from tests.naive import Naive
from tests.strategies import examples, within_reach

Elements = list[int | bytes | Gap]


def check(network: Network, grammar: CompiledGrammar, elements: Elements, padding: bool) -> None:
    """All questions about a canvas, answered by enumeration."""
    vocab, naive = grammar.vocab, Naive(network)
    endless = any(isinstance(e, Gap) and e.most is None for e in elements)
    found = list(fillings(naive, vocab, elements, padding, 3))
    got = completable(grammar, elements, padding=padding)
    assert got or not found
    try:
        tokens = witness(grammar, elements, padding=padding)
    except VocabularyError:
        assert got
    else:
        assert (tokens is not None) == got
        assert tokens is None or is_filling(naive, vocab, elements, tokens, padding)
    if not endless:
        assert got == bool(found)
    for index, gap in enumerate(elements):
        if not isinstance(gap, Gap):
            continue
        for offset in range(max(1, gap.least)):
            allowed = set(bits.ids(slot_mask(grammar, elements, index, offset, padding=padding)).tolist())
            wanted = {filling[index][offset] for filling in found if len(filling[index]) > offset}
            if not endless:
                assert allowed == wanted
            assert wanted <= allowed
            for token in allowed - wanted:
                # longer than what the judge has tried: then the rest can be completed
                before = Gap(offset)
                behind = Gap(max(0, gap.least - offset - 1), None if gap.most is None else gap.most - offset - 1)
                rest = [*elements[:index], before, token, behind, *elements[index + 1 :]]
                assert completable(grammar, rest, padding=padding)


def with_engine(grammar: CompiledGrammar, nested: bool) -> CompiledGrammar:
    """Have a finite grammar answered as if it were not."""
    if nested:
        from structgen.infill import graph

        graph._graphs[grammar] = None
    return grammar


@examples(120)
@given(st.data(), networks(), vocabularies(), st.booleans())
@within_reach
def test_as_all_fillings_say(data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool) -> None:
    check(network, compiled(network, vocab), data.draw(canvases(vocab)), padding)


@examples(40)
@given(st.data(), nested_networks(), vocabularies(), st.booleans())
@within_reach
def test_nested_as_all_fillings_say(
    data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool
) -> None:
    grammar = compiled(network, vocab)
    assert token_graph(grammar) is None
    check(network, grammar, data.draw(canvases(vocab)), padding)


@examples(60)
@given(st.data(), networks(), vocabularies(), st.booleans())
@within_reach
def test_the_engines_agree(data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool) -> None:
    """A finite grammar answered as if it nested."""
    elements = data.draw(canvases(vocab))
    one, other = compiled(network, vocab), with_engine(compiled(network, vocab), True)
    a, b = Canvas(one, elements, padding=padding), Canvas(other, elements, padding=padding)
    assert isinstance(b.engine, NestedSteps)
    assert a.completable() == b.completable()
    for p, step in enumerate(a.engine.steps):
        if step.kind in (SLOT, MAYBE, ANY):
            assert a.mask(p).tolist() == b.mask(p).tolist()


@examples(60)
@given(st.data(), nested_networks(), vocabularies(), st.booleans())
@within_reach
def test_unrolled_as_nested(data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool) -> None:
    """Few states, all explored, against one united state for each boundary; before and after changes."""
    grammar = compiled(network, vocab)
    elements = data.draw(canvases(vocab, endless=False))
    a = Canvas(grammar, elements, padding=padding, unroll=True)
    b = Canvas(grammar, elements, padding=padding)
    assert isinstance(a.engine, FiniteSteps) and isinstance(b.engine, NestedSteps)
    slots = [p for p, step in enumerate(a.engine.steps) if step.kind == SLOT]
    for _ in range(3):
        assert a.completable() == b.completable()
        for p, step in enumerate(a.engine.steps):
            if step.kind in (SLOT, MAYBE):
                assert a.mask(p).tolist() == b.mask(p).tolist()
        if slots:
            p, t = data.draw(st.sampled_from(slots)), data.draw(st.integers(0, vocab.size - 1))
            a.fix(p, t)
            b.fix(p, t)


def test_canvases_with_too_many_states_are_known_by_their_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are explored once; then canvases that begin like them, with no less room, are known to have too many."""
    module = importlib.import_module("structgen.infill.unrolled")
    monkeypatch.setattr(module, "MOST_STATES", 6)
    grammar = sg.compile(sg.Lark('start: "a" start "b" | "ab"'), sg.Vocabulary([b"a", b"b", b"ab"]))
    assert not Canvas(grammar, [Gap(12)], unroll=True).finite

    def asked(*given: object) -> bool:
        raise AssertionError("a state was explored")

    with monkeypatch.context() as patched:
        patched.setattr(Images, "after", asked)
        assert not Canvas(grammar, [Gap(12)], unroll=True).finite
        assert not Canvas(grammar, [Gap(20), b"ab", Gap(3)], unroll=True).finite
        with pytest.raises(AssertionError, match="explored"):
            Canvas(grammar, [0, Gap(12)], unroll=True)
    assert Canvas(grammar, [Gap(2)], unroll=True).finite


def test_what_is_not_unrolled() -> None:
    """Gaps without bound, and canvases with too many states."""
    vocab = sg.testing.byte_vocabulary()
    nested = sg.Lark('start: "(" start ")" | "[" start "]" | "x"', lexer="dynamic_complete")
    grammar = sg.compile(nested, vocab)
    assert Canvas(grammar, [Gap(12)], unroll=True).finite
    assert not Canvas(grammar, [Gap(60)], unroll=True).finite
    assert not Canvas(grammar, [Gap()], unroll=True).finite
    for size in (1, 9, 60):
        canvas = Canvas(grammar, [Gap(size)], padding=True, unroll=True)
        assert canvas.completable()
        found = canvas.witness()
        assert found is not None and len(found) == size
    with pytest.raises(InputError, match="few states"):
        Canvas(grammar, [Gap(60)], unroll=True).law(np.zeros((60, vocab.size), dtype=np.float32))


@examples(60)
@given(st.data(), st.one_of(networks(), nested_networks()), vocabularies(whole=True), st.booleans())
@within_reach
def test_changes_one_by_one_equal_a_new_canvas(
    data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool
) -> None:
    """Fixing and unfixing in any order, and ``allows`` is what ``mask`` says."""
    grammar = compiled(network, vocab)
    size = data.draw(st.integers(1, 6))
    elements: Elements = data.draw(st.lists(st.sampled_from([b"a", b"ab"]), max_size=1)) + [Gap(1)] * size
    canvas = Canvas(grammar, elements, padding=padding)
    first = len(elements) - size
    now = list(elements)
    for _ in range(data.draw(st.integers(1, 8))):
        p = data.draw(st.integers(first, len(elements) - 1))
        if data.draw(st.booleans()):
            t = data.draw(st.integers(0, vocab.size - 1))
            canvas.fix(p, t)
            now[p] = t
        else:
            canvas.unfix(p)
            now[p] = Gap(1)
        if data.draw(st.booleans()):
            continue  # several changes before the next question
        scratch = Canvas(grammar, now, padding=padding)
        assert canvas.completable() == scratch.completable()
        assert canvas.witness() == scratch.witness() or isinstance(canvas.engine, NestedSteps)
        for q in range(first, len(elements)):
            if isinstance(now[q], Gap):
                mask = canvas.mask(q)
                assert mask.tolist() == scratch.mask(q).tolist()
                assert [canvas.allows(q, t) for t in range(vocab.size)] == bits.unpack(mask, vocab.size).tolist()


@examples(40)
@given(st.data(), st.one_of(networks(), nested_networks()), vocabularies(), st.booleans())
@within_reach
def test_random_fills_never_die(data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool) -> None:
    """A token of the mask at any slot, in any order: in the end the text is in the language."""
    grammar = compiled(network, vocab)
    canvas = Canvas(grammar, [Gap(data.draw(st.integers(1, 7)))], padding=padding)
    if not canvas.completable():
        return
    for p in data.draw(st.permutations(range(len(canvas)))):
        allowed = bits.ids(canvas.mask(p)).tolist()
        assert allowed
        canvas.fix(p, data.draw(st.sampled_from(allowed)))
        assert canvas.completable()
    tokens = canvas.tokens()
    assert is_filling(Naive(network), vocab, tokens, tokens, padding)  # type: ignore[arg-type]


def test_gaps() -> None:
    gaps = [Gap(), Gap(3), Gap(2, 5), Gap(2, None)]
    assert [(g.least, g.most) for g in gaps] == [(0, None), (3, 3), (2, 5), (2, None)]
    assert [repr(g) for g in gaps] == ["Gap()", "Gap(3)", "Gap(2, 5)", "Gap(2, None)"]
    assert Gap(2) == Gap(2, 2) and len({Gap(2), Gap(2, 2), Gap(0)}) == 2
    for wrong in [(-1,), (3, 2), ("x",)]:
        with pytest.raises(InputError):
            Gap(*wrong)


def test_bad_calls() -> None:
    g = sg.compile(sg.Regex("a+"), sg.Vocabulary([b"a", None], eos_token_ids=[1]))
    for wrong in (["a"], [7], [True], "a", [None], 3):
        with pytest.raises(InputError):
            completable(g, wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no gap at index 0"):
        slot_mask(g, [0, Gap(1)], 0)
    with pytest.raises(InputError, match="no token 1"):
        slot_mask(g, [Gap(1)], 0, 1)
    canvas = Canvas(g, [0, Gap(1), Gap()])
    for call in (lambda: canvas.mask(0), lambda: canvas.fix(2, 0), lambda: canvas.fix(9, 0), lambda: canvas.fix(1, 2)):
        with pytest.raises(InputError):
            call()
    with pytest.raises(sg.errors.LimitError, match="steps at most"):
        completable(g, [Gap(1 << 20)])


def test_the_end_of_the_text() -> None:
    """EOS may be fixed; with padding, gaps may hold it; behind it there is nothing but EOS."""
    g = sg.compile(sg.Regex("ab?"), sg.Vocabulary([b"a", b"b", None], eos_token_ids=[2]))
    assert isinstance(Canvas(g, []).engine, FiniteSteps)
    assert not completable(g, [Gap(3)]) and completable(g, [Gap(3)], padding=True)
    assert completable(g, [0, 2, 2]) and not completable(g, [0, 2, 1]) and not completable(g, [0, 2, Gap(1)])
    assert completable(g, [0, 2, Gap(0, 4)]) and not completable(g, [2])
    assert bits.ids(slot_mask(g, [0, Gap(1)], 1, padding=True)).tolist() == [1, 2]
    assert bits.ids(slot_mask(g, [0, Gap(1)], 1)).tolist() == [1]


def test_names_of_the_package() -> None:
    assert sg.Gap is Gap and sg.infill.completable is completable
