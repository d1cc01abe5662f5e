"""Choosing the next token: logits, a mask, a sampler and a random stream in; one token out.

The order is fixed: grammar mask, temperature, top-k, top-p, min-p, draw. All arithmetic is float64 whatever the
model's dtype, and a draw takes exactly one uniform number (none where a single token is left), so a stream of
numbers and a sequence of logits determine a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError, ModelError
from structgen.sampling import truncation


@dataclass(frozen=True)
class Masked:
    """Locally constrained decoding: at each step, draw from the allowed tokens.

    Attributes:
        temperature: 0 takes the likeliest token (the lowest id of equals) and draws nothing.
        top_k: keep this many of the likeliest allowed tokens; None: all.
        top_p: of those, keep the fewest whose probabilities sum to this; None: all.
        min_p: of those, keep tokens at least this many times as likely as the likeliest; None: all.

    Raises InputError for values out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        for name in ("temperature", "top_k", "top_p", "min_p"):
            value = getattr(self, name)
            real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
            if not (real or (value is None and name != "temperature")):
                raise InputError(f"{name}={value!r}", hint="It is a number")
        if self.top_k is not None and not isinstance(self.top_k, (int, np.integer)):
            raise InputError(f"top_k={self.top_k!r}", hint="It is an integer, or None")
        if not 0.0 <= self.temperature < float("inf"):
            raise InputError(f"temperature={self.temperature}", hint="It is a number from 0 up")
        if self.top_k is not None and self.top_k < 1:
            raise InputError(f"top_k={self.top_k}", hint="It is at least 1, or None")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise InputError(f"top_p={self.top_p}", hint="It is above 0 and at most 1, or None")
        if self.min_p is not None and not 0.0 <= self.min_p <= 1.0:
            raise InputError(f"min_p={self.min_p}", hint="It is from 0 to 1, or None")


GREEDY = Masked(temperature=0.0)


def stream(seed: int | Sequence[int], row: int = 0) -> np.random.Generator:
    """The random numbers of one text.

    ``stream(seed, row)`` equals ``stream((seed, row))``: a row of a batch can be drawn again by itself.
    Raises InputError for a seed that is not made of integers from 0 up.
    """
    parts = list(seed) if isinstance(seed, (tuple, list)) else [seed, row]
    entropy = [int(part) for part in parts if isinstance(part, (int, np.integer)) and part >= 0]
    if not parts or len(entropy) < len(parts):
        raise InputError(f"seed={seed!r}", hint="A seed is an integer from 0 up, or a sequence of them")
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


class TokenLaw(NamedTuple):
    """A law over tokens.

    Attributes:
        ids: ``int64[n]``, ascending; n >= 1.
        scores: ``float64[n]``, log weights, the largest 0: the probabilities are ``exp(scores)`` over their sum.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float64]


def token_law(logits: NDArray[np.floating], allowed: NDArray[np.int64] | None, sampler: Masked) -> TokenLaw:
    """The law of the next token: of one token alone at temperature 0. Arguments and errors are those of
    :func:`choose`."""
    scores = (logits if allowed is None else logits[allowed]).astype(np.float64)
    best = int(scores.argmax()) if len(scores) else -1
    if best < 0 or not np.isfinite(scores[best]):  # argmax stops at the first NaN, so one look suffices
        raise _broken(scores)
    if sampler.temperature == 0.0 or len(scores) == 1:
        kept, scaled = np.array([best]), np.zeros(1)
    else:
        scaled = truncation.scale(scores, sampler.temperature)
        kept = truncation.keep(scaled, k=sampler.top_k, p=sampler.top_p, minimum=sampler.min_p)
        scaled = scaled[kept]
    return TokenLaw(kept if allowed is None else allowed[kept], scaled)


def choose(
    logits: NDArray[np.floating],
    allowed: NDArray[np.int64] | None,
    sampler: Masked,
    rng: np.random.Generator,
) -> int:
    """The next token's id.

    Args:
        logits: ``float[V]``, the model's.
        allowed: ids of the tokens the grammar allows, ascending, ``int64[n]``; None: all.
        sampler: how to draw.
        rng: the text's random stream; untouched where one token is left, as at temperature 0.

    Raises:
        ModelError: the logits are NaN, or give every allowed token probability 0.
    """
    law = token_law(logits, allowed, sampler)
    if len(law.ids) == 1:
        return int(law.ids[0])
    mass = np.cumsum(np.exp(law.scores))
    drawn = int(np.searchsorted(mass, rng.random() * mass[-1], side="right"))
    return int(law.ids[min(drawn, len(mass) - 1)])


def _broken(scores: NDArray[np.float64]) -> ModelError:
    if len(scores) == 0:
        return ModelError("no token is allowed here", hint="The grammar has reached a dead end: please report it")
    if np.isnan(scores).any():
        return ModelError("the model's logits are NaN", hint="Try another dtype, such as float32")
    if np.isposinf(scores).any():
        return ModelError("the model's logits are infinite", hint="Try another dtype, such as float32")
    return ModelError("the model gives every allowed token probability 0")
