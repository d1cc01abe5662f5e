"""Truncation of a token distribution: temperature, top-k, top-p, min-p.

Each function receives ``logits: float64[n]`` of the tokens still possible and returns a new array or a boolean
array of those it keeps; :func:`keep` applies all of them in the one declared order. Ties are kept together, and
the most likely token is always kept, so that no truncation can empty the choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def scale(logits: Float64Array, temperature: float) -> Float64Array:
    """Logits at a temperature above 0, shifted so that the largest is 0 (which changes no probability)."""
    return (logits - logits.max()) / temperature


def top_k(logits: Float64Array, k: int) -> BoolArray:
    """Keep the ``k`` largest, and whatever equals the smallest of them."""
    if k >= len(logits):
        return np.ones(len(logits), dtype=np.bool_)
    return logits >= np.partition(logits, -k)[-k]


def top_p(logits: Float64Array, p: float) -> BoolArray:
    """Keep the fewest likeliest tokens whose probabilities sum to at least ``p``, and ties with the last."""
    if p >= 1.0:
        return np.ones(len(logits), dtype=np.bool_)
    ordered = np.sort(logits)[::-1]
    mass = np.cumsum(np.exp(ordered - ordered[0]))
    last = int(np.searchsorted(mass, p * mass[-1]))
    return logits >= ordered[last]


def min_p(logits: Float64Array, p: float) -> BoolArray:
    """Keep tokens at least ``p`` times as likely as the likeliest."""
    if p <= 0.0:
        return np.ones(len(logits), dtype=np.bool_)
    return logits >= logits.max() + np.log(p)


def keep(
    logits: Float64Array, *, k: int | None = None, p: float | None = None, minimum: float | None = None
) -> NDArray[np.int64]:
    """Indices kept by top-k, then top-p of what is left, then min-p of what is left: ``int64[m]``, ascending."""
    kept = np.arange(len(logits))
    if k is not None:
        kept = kept[top_k(logits[kept], k)]
    if p is not None:
        kept = kept[top_p(logits[kept], p)]
    if minimum is not None:
        kept = kept[min_p(logits[kept], minimum)]
    return kept
