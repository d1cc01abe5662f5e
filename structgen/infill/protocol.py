"""What a masked diffusion model offers, and what a decoding loop shows of its work. Data only.

A *canvas* is here a row of token ids, with :data:`MASK` where nothing is decided yet. A model gives for every position
of it a law over tokens; a loop chooses, writes tokens into the canvas (*unmasks*), may take some back (*remasks*), and
asks again. One call of ``logits`` is one forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Stands in a canvas where no token is decided. Models put the id of their own mask token in its place.
MASK = -1


class Denoiser(Protocol):
    """A masked diffusion model, for its canvas and whatever it was told besides."""

    def logits(self, canvas: NDArray[np.int32]) -> NDArray[np.float32]:
        """One forward pass.

        Args:
            canvas: int32[len]; token ids, MASK where none is decided. Not to be written to.

        Returns:
            float32[len, V], V the size of the vocabulary: row i holds the logits of the token at position i. Rows of
            positions that are not masked are looked at only by loops that remask. -inf forbids a token, where there
            is a choice; NaN is an error.
        """
        ...


@dataclass(frozen=True)
class Frame:
    """What happened between two forward passes.

    Attributes:
        step: how many forward passes there have been, from 1 on.
        canvas: the canvas afterwards, MASK where nothing is decided.
        placed: (position, token) that were written, in order; also those that were taken back in the same step.
        refused: (position, token) that the loop would have written, and the constraint forbade, in order.
        remasked: positions whose token was taken back.
        seconds: CPU time spent on the constraint.
    """

    step: int
    canvas: tuple[int, ...]
    placed: tuple[tuple[int, int], ...] = ()
    refused: tuple[tuple[int, int], ...] = ()
    remasked: tuple[int, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Denoised:
    """A canvas filled in.

    Attributes:
        tokens: the ids, EOS padding included.
        text: their bytes, EOS left out.
        log_likelihood: the sum over the positions filled of the log-probability that the model gave the token in the
            forward pass after which it was written (natural logarithm, over all tokens, at temperature 1).
        log_probabilities: the terms of that sum: for each position that was a slot its log-probability.
        forward_passes: calls of the model.
        seconds: CPU time spent on the constraint, the model's left out.
        frames: every step.
    """

    tokens: list[int]
    text: bytes
    log_likelihood: float
    forward_passes: int
    seconds: float
    frames: list[Frame] = field(default_factory=list, repr=False)
    log_probabilities: dict[int, float] = field(default_factory=dict, repr=False)


def as_row(canvas: Sequence[int | None]) -> NDArray[np.int32]:
    """A canvas with None or MASK for what is not decided, as int32[len] with MASK."""
    return np.array([MASK if token is None else token for token in canvas], dtype=np.int32)
