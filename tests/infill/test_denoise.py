"""Decoding loops: whatever the model, the order and the method, the text is in the language and fits the canvas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import InputError, ModelError, UnsatisfiableError
from structgen.infill import MASK, Canvas, Gap, denoise, frames
from structgen.infill.denoise import METHODS, ORDERS
from structgen.ir.network import Network
from tests.infill.toys import compiled, is_filling, nested_networks, networks, vocabularies
from tests.naive import Naive
from tests.strategies import examples, within_reach


class Hashed:
    """Logits that depend on the whole canvas."""

    def __init__(self, size: int, seed: int, scale: float = 2.0) -> None:
        self.size, self.seed, self.scale = size, seed, scale
        self.asked: list[tuple[int, ...]] = []

    def logits(self, canvas: np.ndarray) -> np.ndarray:
        self.asked.append(tuple(canvas.tolist()))
        rng = np.random.default_rng([self.seed, *(canvas + 1).tolist()])
        return rng.normal(size=(len(canvas), self.size), scale=self.scale).astype(np.float32)


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    method = draw(st.sampled_from(METHODS))
    return {
        "method": method,
        "order": draw(st.sampled_from(ORDERS)),
        "per_step": draw(st.integers(1, 4)),
        "block": draw(st.sampled_from([None, None, 1, 2, 3])),
        "threshold": draw(st.sampled_from([None, None, 0.0, 0.5])),
        "remask_below": draw(st.sampled_from([None, None, 0.3, 1.0])),
        "temperature": draw(st.sampled_from([0.5, 1.0] if method == "sample" else [0.0, 1.0])),
        "seed": draw(st.integers(0, 9)),
    }


@examples(120)
@given(st.data(), st.one_of(networks(), nested_networks()), vocabularies(), st.booleans(), plans())
@within_reach
def test_texts_are_in_the_language_and_fit(
    data: st.DataObject, network: Network, vocab: sg.Vocabulary, padding: bool, plan: dict[str, Any]
) -> None:
    grammar = compiled(network, vocab)
    tokens = st.integers(0, vocab.size - 1)
    elements = data.draw(st.lists(st.one_of(st.just(Gap(1)), st.just(Gap(2)), tokens), min_size=1, max_size=5))
    model = Hashed(vocab.size, data.draw(st.integers(0, 99)))
    if not Canvas(grammar, elements, padding=padding).completable():
        with pytest.raises(UnsatisfiableError):
            denoise(model, grammar, elements, padding=padding, **plan)
        return
    result = denoise(model, grammar, elements, padding=padding, **plan)
    assert is_filling(Naive(network), vocab, elements, result.tokens, padding)
    assert result.text == vocab.token_bytes(result.tokens)
    assert result.forward_passes == len(model.asked) == len(result.frames)
    n_slots = sum(e.least for e in elements if isinstance(e, Gap))
    again = 2 if plan["remask_below"] is not None else 1
    assert result.forward_passes <= again * n_slots
    check_frames(result, model, plan, n_slots)


def check_frames(result: sg.infill.Denoised, model: Hashed, plan: dict[str, Any], n_slots: int) -> None:
    for before, frame in zip(model.asked, result.frames, strict=True):
        now = list(before)
        for p in frame.remasked:
            assert now[p] != MASK
            now[p] = MASK
        assert frame.placed
        for p, token in frame.placed:
            assert now[p] == MASK
            now[p] = token
        assert tuple(now) == frame.canvas
        if plan["threshold"] is None:
            assert len(frame.placed) <= plan["per_step"]
        if plan["block"] is None and plan["threshold"] == 0.0 and plan["method"] in ("viterbi", "sample"):
            assert MASK not in frame.canvas
    if result.frames:
        assert list(result.frames[-1].canvas) == result.tokens


def test_without_a_constraint_the_likeliest_is_taken() -> None:
    vocab = sg.Vocabulary([b"a", b"b", b"c"])
    grammar = sg.compile(sg.Regex("[abc]*"), vocab)
    model = Hashed(3, 0)
    result = denoise(model, grammar, [Gap(6)], per_step=6)
    logits = Hashed(3, 0).logits(np.full(6, MASK, dtype=np.int32))
    assert result.tokens == logits.argmax(axis=1).tolist() and result.forward_passes == 1
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert result.log_likelihood == pytest.approx(float(log_p.max(axis=1).sum()), abs=1e-4)


def test_orders() -> None:
    """From left to right; blocks one after the other; the surest first."""
    vocab = sg.Vocabulary([b"a", b"b"])
    grammar = sg.compile(sg.Regex("[ab]*"), vocab)
    placed = [f.placed[0][0] for f in frames(Hashed(2, 1), grammar, [Gap(5)], order="left")]
    assert placed == [0, 1, 2, 3, 4]
    blocks = [f.placed[0][0] // 2 for f in frames(Hashed(2, 1), grammar, [Gap(6)], block=2, order="random")]
    assert blocks == [0, 0, 1, 1, 2, 2]
    logits = Hashed(2, 1).logits(np.full(5, MASK, dtype=np.int32))
    gaps = np.abs(logits[:, 0] - logits[:, 1])
    for order in ("confidence", "margin", "entropy"):
        first = next(iter(frames(Hashed(2, 1), grammar, [Gap(5)], order=order)))
        assert first.placed[0][0] == gaps.argmax()


def test_logits_that_forbid_every_text() -> None:
    """They are overruled: the text is in the language all the same."""
    vocab = sg.Vocabulary([b"a", b"b"])
    grammar = sg.compile(sg.Regex("a*"), vocab)

    class Stubborn:
        def logits(self, canvas: np.ndarray) -> np.ndarray:
            return np.tile(np.array([-np.inf, 0.0], dtype=np.float32), (len(canvas), 1))

    for method in ("viterbi", "greedy", "sample"):
        result = denoise(Stubborn(), grammar, [Gap(3)], method=method, temperature=1.0)
        assert result.text == b"aaa" and result.log_likelihood == -np.inf


def test_batches_leave_out_the_offenders_only() -> None:
    vocab = sg.Vocabulary([b"a", b"b"])
    grammar = sg.compile(sg.Regex("ab?a*"), vocab)

    class Bs:
        def logits(self, canvas: np.ndarray) -> np.ndarray:
            return np.tile(np.array([0.0, 1.0], dtype=np.float32), (len(canvas), 1))

    result = denoise(Bs(), grammar, [Gap(3)], method="greedy", per_step=3)
    assert result.text == b"aba" and result.forward_passes == 1
    assert result.frames[0].refused == ((0, 1), (2, 1))


def test_bad_calls() -> None:
    vocab = sg.Vocabulary([b"a", b"b"])
    grammar = sg.compile(sg.Regex("a*"), vocab)
    model = Hashed(2, 0)
    for wrong in (
        {"order": "up"}, {"method": "x"}, {"per_step": 0}, {"block": -1}, {"threshold": 2}, {"temperature": -1.0},
        {"method": "sample"}, {"seed": -1},
    ):  # fmt: skip
        with pytest.raises(InputError):
            denoise(model, grammar, [Gap(2)], **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="given number"):
        denoise(model, grammar, [Gap()])
    with pytest.raises(ModelError, match="are \\(2, 3\\)"):
        denoise(Hashed(3, 0), grammar, [Gap(2)])

    class NotANumber:
        def logits(self, canvas: np.ndarray) -> np.ndarray:
            return np.full((len(canvas), 2), np.nan, dtype=np.float32)

    with pytest.raises(ModelError, match="NaN"):
        denoise(NotANumber(), grammar, [Gap(2)])
