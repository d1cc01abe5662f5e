"""What infilling returns: the text, what stands in each gap, and how likely the model finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from structgen.errors import InputError
from structgen.infill.gap import Element
from structgen.infill.template import Template


@dataclass(frozen=True)
class Region:
    """A gap that has been filled.

    Attributes:
        text: what stands in it.
        start, end: where, in bytes of the whole text.
        log_probability: the sum of what the model gave its tokens (natural logarithm, over all tokens, before any
            constraint, at temperature 1). A token that lies in it in part counts in full.
        name: of the hole in a template, if it has one.
    """

    text: str
    start: int
    end: int
    log_probability: float
    name: str | None = None


@dataclass(frozen=True)
class Infilled:
    """A canvas with its gaps filled.

    Attributes:
        value: the object for a type, JSON data for a schema, else the text.
        text: the whole text.
        regions: the gaps, in order.
        tokens: of the whole text, as they were written.
        log_probability: the sum over the tokens that the model chose.
        passes: forward passes.
        seconds_model, seconds_constraint: time.
        interrupted: by self-infilling, where the model was interrupted, in bytes of the text; None: nowhere.
    """

    value: Any
    text: str
    regions: tuple[Region, ...]
    tokens: tuple[int, ...]
    log_probability: float
    passes: int
    seconds_model: float
    seconds_constraint: float
    interrupted: int | None = None

    def __getitem__(self, name: str) -> str:
        """The text in the hole of this name."""
        for region in self.regions:
            if region.name == name:
                return region.text
        raise KeyError(name)


@dataclass
class Written:
    """A text in the making, or done: its tokens, and where those lie that the model chose, with log-probabilities.

    Attributes:
        chosen: (first byte, byte behind the last, log-probability).
    """

    tokens: list[int]
    chosen: list[tuple[int, int, float]]
    text: bytes = b""
    passes: int = 0
    seconds_model: float = 0.0
    seconds_constraint: float = 0.0


def infilled(
    written: Written,
    spans: Sequence[tuple[int, int]],
    names: Sequence[str | None],
    value: Any,
    interrupted: int | None = None,
) -> Infilled:
    """The result for a text whose gaps lie at ``spans``."""
    regions = []
    for (start, end), name in zip(spans, names, strict=True):
        inside = sum(logp for first, last, logp in written.chosen if first < end and start < last)
        regions.append(Region(written.text[start:end].decode(errors="replace"), start, end, inside, name))
    return Infilled(
        value=value,
        text=written.text.decode(errors="replace"),
        regions=tuple(regions),
        tokens=tuple(written.tokens),
        log_probability=sum(logp for *_, logp in written.chosen),
        passes=written.passes,
        seconds_model=written.seconds_model,
        seconds_constraint=written.seconds_constraint,
        interrupted=interrupted,
    )


def as_template(canvas: Any) -> Template:
    """A canvas as it may be given: a text with holes, a Template, or a list of texts, tokens and gaps.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(canvas, str):
        return Template.parse(canvas)
    if isinstance(canvas, Template):
        return canvas
    if not isinstance(canvas, Sequence) or isinstance(canvas, (bytes, bytearray)):
        raise InputError(
            f"a canvas is a text with holes or a list of texts, tokens and gaps, not {type(canvas).__name__}",
            hint='For example \'{"name": "<hole>"}\', or ["{", sg.Gap(), "}"]',
        )
    elements: list[Element] = [element.encode() if isinstance(element, str) else element for element in canvas]
    return Template.of(elements)
