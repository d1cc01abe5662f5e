"""Product laws under a language, against the enumeration of all texts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import InputError, UnsatisfiableError
from structgen.infill import Canvas, Gap
from structgen.infill.finite import FiniteSteps
from structgen.infill.law import BlockLaw
from structgen.ir.network import Network
from tests.infill.toys import compiled, fillings, networks, vocabularies
from tests.naive import Naive
from tests.strategies import examples, within_reach


def steps_of(canvas: Canvas) -> FiniteSteps:
    assert isinstance(canvas.engine, FiniteSteps)
    return canvas.engine


@st.composite
def rows(draw: st.DrawFn, length: int, size: int) -> np.ndarray:
    """Logits, some of them far apart, a few -inf."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    logits = rng.normal(size=(length, size), scale=draw(st.sampled_from([0.5, 3.0, 300.0])))
    if draw(st.booleans()):
        logits[rng.random((length, size)) < 0.1] = -np.inf
    return logits.astype(np.float32)


@examples(120)
@given(st.data(), networks(False), vocabularies(), st.booleans())
@within_reach
def test_as_the_enumeration_says(data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool) -> None:
    grammar = compiled(network, vocab)
    tokens = st.integers(0, vocab.size - 1)
    elements = data.draw(st.lists(st.one_of(st.just(Gap(1)), st.just(Gap(1)), tokens), min_size=1, max_size=5))
    logits = data.draw(rows(len(elements), vocab.size))
    canvas = Canvas(grammar, elements, padding=padding)
    texts = [[t for part in f for t in part] for f in fillings(Naive(network), vocab, elements, padding)]
    if not texts:
        with pytest.raises(UnsatisfiableError):
            BlockLaw(steps_of(canvas), logits)
        return
    law = BlockLaw(steps_of(canvas), logits)
    wide = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        log_p = wide - np.logaddexp.reduce(wide, axis=1, keepdims=True)
    slots = [p for p, e in enumerate(elements) if isinstance(e, Gap)]
    weights = np.array([sum(log_p[p, text[p]] for p in slots) for text in texts])
    if not (weights > -np.inf).any():
        assert law.log_z == -math.inf
        for call in (law.most_probable, lambda: law.sample(np.random.default_rng(0)), lambda: law.marginal(slots[0])):
            with pytest.raises(UnsatisfiableError):
                call()
        return
    log_z = float(np.logaddexp.reduce(weights))
    assert law.log_z == pytest.approx(log_z, rel=1e-4, abs=1e-4)
    best, value = law.most_probable()
    assert best in texts
    assert weights[texts.index(best)] == pytest.approx(weights.max(), rel=1e-4, abs=1e-4)
    assert value == pytest.approx(weights.max(), rel=1e-4, abs=1e-4)
    assert law.log_probability(best) == pytest.approx(value - log_z, rel=1e-3, abs=1e-3)
    share = np.exp(weights - log_z)
    for p in range(len(elements)):
        wanted = np.zeros(vocab.size)
        np.add.at(wanted, [text[p] for text in texts], share)
        np.testing.assert_allclose(law.marginal(p), wanted, atol=1e-4)
    drawn = law.sample(np.random.default_rng(data.draw(st.integers(0, 99))))
    assert drawn in texts and weights[texts.index(drawn)] > -np.inf


def test_samples_have_their_law() -> None:
    """Chi-square over 20,000 samples."""
    vocab = sg.Vocabulary([b"a", b"b", b"ab", b"ba", b"a", None], eos_token_ids=[5])
    elements: list[int | bytes | Gap] = [Gap(2), 1, Gap(2)]
    grammar = sg.compile(sg.Regex("(ab|ba|bb)*a?"), vocab)
    logits = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    canvas = Canvas(grammar, elements, padding=True)
    law = BlockLaw(steps_of(canvas), logits)
    rng = np.random.default_rng(0)
    n = 20_000
    texts = [tuple(t for part in f for t in part) for f in fillings(Naive(grammar.network), vocab, elements, True)]
    expected = {text: n * math.exp(law.log_probability(list(text))) for text in texts}
    assert sum(expected.values()) == pytest.approx(n, rel=1e-6)
    # rare texts are counted together
    rare: tuple[int, ...] = ()
    counts = {text if expected[text] >= 20 else rare: 0 for text in texts}
    wanted = dict.fromkeys(counts, 0.0)
    for text in texts:
        wanted[text if expected[text] >= 20 else rare] += expected[text]
    for _ in range(n):
        text = tuple(law.sample(rng))
        counts[text if expected[text] >= 20 else rare] += 1
    statistic = sum((counts[t] - wanted[t]) ** 2 / wanted[t] for t in counts)
    freedom = len(counts) - 1
    assert freedom > 20
    # Wilson and Hilferty: the cube root of chi-square is nearly normal; p > 1e-4
    z = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    assert z < 3.72


def test_everything_allowed_changes_nothing() -> None:
    vocab = sg.Vocabulary([b"a", b"b"])
    grammar = sg.compile(sg.Regex("[ab]*"), vocab)
    logits = np.random.default_rng(2).normal(size=(6, 2)).astype(np.float32)
    law = BlockLaw(steps_of(Canvas(grammar, [Gap(6)])), logits)
    assert law.most_probable()[0] == logits.argmax(axis=1).tolist()
    assert law.log_z == pytest.approx(0.0, abs=1e-6)


def test_bad_calls() -> None:
    vocab = sg.Vocabulary([b"a", b"b"])
    grammar = sg.compile(sg.Regex("a*"), vocab)
    with pytest.raises(InputError, match="are \\(2, 2\\)"):
        BlockLaw(steps_of(Canvas(grammar, [Gap(3)])), np.zeros((2, 2), dtype=np.float32))
    with pytest.raises(InputError, match="given number"):
        BlockLaw(steps_of(Canvas(grammar, [b"a", Gap(1)])), np.zeros((2, 2), dtype=np.float32))
    with pytest.raises(InputError, match="NaN"):
        BlockLaw(steps_of(Canvas(grammar, [Gap(1)])), np.full((1, 2), np.nan, dtype=np.float32))
