"""Wrong arguments of canvases, laws, repairs, templates and denoising are refused with a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen import infill
from structgen.errors import ModelError
from structgen.infill import replay
from tests.test_bad_calls import VOCAB, allowed, grammar

Gap: Any = sg.Gap


class Flat:
    """Logits that are all the same number."""

    def __init__(self, value: float = 0.0, size: int = VOCAB.size) -> None:
        self.value, self.size = value, size

    def logits(self, canvas: np.ndarray) -> Any:
        return np.full((len(canvas), self.size), self.value)


def canvas(*elements: Any, **options: Any) -> Any:
    return infill.Canvas(grammar(), elements or [Gap(2)], **options)


def denoise(model: Any = None, elements: Any = None, **options: Any) -> Any:
    return infill.denoise(Flat() if model is None else model, grammar(), elements or [Gap(2)], **options)


#: Anything is passed: types are wrong on purpose.
do: Any = infill
CALLS: dict[str, Callable[[], Any]] = {
    "Gap(str)": lambda: Gap("2"),
    "Gap(1.5)": lambda: Gap(1.5),
    "Gap(True)": lambda: Gap(True),
    "Gap(-1)": lambda: Gap(-1),
    "Gap(3, 1)": lambda: Gap(3, 1),
    "Gap(1, str)": lambda: Gap(1, "2"),
    "completable(network)": lambda: do.completable(sg.Regex("a"), [Gap(2)]),
    "completable(None)": lambda: do.completable(grammar(), None),
    "completable(str)": lambda: do.completable(grammar(), "ab"),
    "completable(bytes)": lambda: do.completable(grammar(), b"ab"),
    "completable(int)": lambda: do.completable(grammar(), 3),
    "completable([str])": lambda: do.completable(grammar(), ["ab"]),
    "completable([None])": lambda: do.completable(grammar(), [None]),
    "completable([1.0])": lambda: do.completable(grammar(), [1.0]),
    "completable([-1])": lambda: do.completable(grammar(), [-1]),
    "completable([large])": lambda: do.completable(grammar(), [VOCAB.size]),
    "completable([[]])": lambda: do.completable(grammar(), [[Gap(1)]]),
    "completable(gap without end)": lambda: do.completable(grammar(), [Gap(10**9)]),
    "witness(None)": lambda: do.witness(grammar(), None),
    "slot_mask(index)": lambda: do.slot_mask(grammar(), [Gap(2)], 1),
    "slot_mask(index str)": lambda: do.slot_mask(grammar(), [Gap(2)], "0"),
    "slot_mask(index None)": lambda: do.slot_mask(grammar(), [Gap(2)], None),
    "slot_mask(no gap)": lambda: do.slot_mask(grammar(), [b"a", Gap(1)], 0),
    "slot_mask(offset)": lambda: do.slot_mask(grammar(), [Gap(2)], 0, 2),
    "slot_mask(offset -1)": lambda: do.slot_mask(grammar(), [Gap(2)], 0, -1),
    "slot_mask(offset str)": lambda: do.slot_mask(grammar(), [Gap(2)], 0, "1"),
    "Canvas(None)": lambda: do.Canvas(grammar(), None),
    "Canvas(no grammar)": lambda: do.Canvas(None, [Gap(2)]),
    "Canvas.fix(position)": lambda: canvas().fix(2, 97),
    "Canvas.fix(-1)": lambda: canvas().fix(-1, 97),
    "Canvas.fix(position str)": lambda: canvas().fix("0", 97),
    "Canvas.fix(token)": lambda: canvas().fix(0, VOCAB.size),
    "Canvas.fix(token -1)": lambda: canvas().fix(0, -1),
    "Canvas.fix(token str)": lambda: canvas().fix(0, "a"),
    "Canvas.fix(token None)": lambda: canvas().fix(0, None),
    "Canvas.allows(position)": lambda: canvas().allows(7, 97),
    "Canvas.allows(token)": lambda: canvas().allows(0, 10**6),
    "Canvas.mask(position)": lambda: canvas().mask(2),
    "Canvas.mask(None)": lambda: canvas().mask(None),
    "Canvas.unfix(position)": lambda: canvas().unfix(2),
    "Canvas.law(shape)": lambda: canvas().law(np.zeros((1, VOCAB.size), np.float32)),
    "Canvas.law(vocabulary)": lambda: canvas().law(np.zeros((2, 5), np.float32)),
    "Canvas.law(NaN)": lambda: canvas().law(np.full((2, VOCAB.size), np.nan, np.float32)),
    "Canvas.law(None)": lambda: canvas().law(None),
    "Canvas.law(unknown number of tokens)": lambda: canvas(Gap()).law(np.zeros((2, VOCAB.size), np.float32)),
    "repair(str)": lambda: do.repair(grammar(), "ab"),
    "repair(None)": lambda: do.repair(grammar(), None),
    "repair(no grammar)": lambda: do.repair(None, b"ab"),
    "Template.parse(None)": lambda: do.Template.parse(None),
    "Template.parse(bytes)": lambda: do.Template.parse(b"<hole>"),
    "Template.parse(no hole)": lambda: do.Template.parse("abc"),
    "Template.parse(word)": lambda: do.Template.parse("<hole>", word=3),
    "denoise(no model)": lambda: denoise(object()),
    "denoise(shape)": lambda: denoise(Flat(size=5)),
    "denoise(NaN)": lambda: denoise(Flat(np.nan)),
    "denoise(inf)": lambda: denoise(Flat(np.inf)),
    "denoise(too few slots)": lambda: denoise(None, [Gap(1)]),
    "denoise(unbounded)": lambda: denoise(None, [Gap()]),
    "denoise(bytes)": lambda: denoise(None, [b"a", Gap(1)]),
    "denoise(temperature nan)": lambda: denoise(temperature=float("nan")),
    "denoise(temperature str)": lambda: denoise(temperature="hot"),
    "denoise(order None)": lambda: denoise(order=None),
    "denoise(per_step 1.5)": lambda: denoise(per_step=1.5),
    "denoise(threshold str)": lambda: denoise(threshold="a"),
    "denoise(block str)": lambda: denoise(block="a"),
    "denoise(seed str)": lambda: denoise(seed="a"),
    "denoise(remask_below 2)": lambda: denoise(remask_below=2.0),
    "denoise(unknown option)": lambda: denoise(steps=3),
    "replay.html(None)": lambda: replay.html(None, VOCAB),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_call_raises_an_error_of_ours(name: str) -> None:
    with pytest.raises(Exception) as caught:
        CALLS[name]()
    assert allowed(caught.value), repr(caught.value)


def test_logits_may_be_tensors_of_any_dtype() -> None:
    torch = pytest.importorskip("torch")

    class Bfloat(Flat):
        def logits(self, canvas: np.ndarray) -> Any:
            rows = torch.zeros(len(canvas), VOCAB.size, dtype=torch.bfloat16, requires_grad=True)
            return rows + torch.nn.functional.one_hot(torch.tensor([98, 99]), VOCAB.size)

    assert denoise(Bfloat()).text == b"bc"
    with pytest.raises(ModelError, match="infinite"):
        denoise(Flat(np.inf))
