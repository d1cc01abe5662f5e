"""Resampling: which particles go on, and how often.

Receives normalised weights and uniform numbers; returns ancestors. For every kind the expected number of copies of
particle i is ``n * weights[i]``. Sources: Douc and Cappe, "Comparison of resampling schemes for particle filtering"
(2005); Fearnhead and Clifford, "On-line inference for hidden Markov models via particle filters" (2003) for
:func:`survivors`.
"""

from __future__ import annotations

from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Kind = Literal["multinomial", "stratified", "systematic", "residual"]
KINDS: tuple[str, ...] = get_args(Kind)


class Uniforms(Protocol):
    """What gives numbers in [0, 1): ``numpy.random.Generator`` does."""

    def random(self) -> float: ...


def ancestors(kind: Kind, weights: Float64Array, rng: Uniforms) -> list[int]:
    """``n`` ancestors, ascending, for weights ``float64[n]`` that sum to 1."""
    n = len(weights)
    if kind == "residual":
        copies = np.floor(n * weights + 1e-12).astype(np.int64)
        kept = np.repeat(np.arange(n), copies)
        left = n - len(kept)
        if left <= 0:
            return [int(i) for i in kept[:n]]
        rest = np.maximum(n * weights - copies, 0.0)
        drawn = _pick(rest / rest.sum(), [rng.random() for _ in range(left)])
        return sorted([int(i) for i in kept] + drawn)
    if kind == "multinomial":
        points = [rng.random() for _ in range(n)]
    elif kind == "stratified":
        points = [(i + rng.random()) / n for i in range(n)]
    else:
        u = rng.random()
        points = [(i + u) / n for i in range(n)]
    return sorted(_pick(weights, points))


def survivors(weights: Float64Array, n: int, rng: Uniforms) -> list[tuple[int, float]]:
    """At most ``n`` distinct particles out of ``float64[m]`` weights (any sum), with unbiased new weights.

    With c such that ``sum(min(1, c * w)) == n``, particles with ``c * w >= 1`` are kept with their weight; of the
    others, stratified draws keep as many as are left, each with weight ``1 / c``.
    """
    alive = np.flatnonzero(weights > 0.0)
    if len(alive) <= n:
        return [(int(i), float(weights[i])) for i in alive]
    ordered = np.sort(weights[alive])[::-1]
    tail = np.cumsum(ordered[::-1])[::-1]
    # keep the k heaviest, such that c = (n - k) / (sum of the others) leaves every other one below 1
    k = next(k for k in range(n) if (n - k) * ordered[k] < tail[k] * (1.0 + 1e-15))
    c = (n - k) / tail[k]
    by_weight = alive[np.argsort(-weights[alive], kind="stable")]
    kept = [(int(i), float(weights[i])) for i in by_weight[:k]]
    light = np.sort(by_weight[k:])
    chances = weights[light] * c
    u = rng.random()
    # systematic over the light ones: each has a chance below 1, so none comes twice
    points = [(j + u) / (n - k) for j in range(n - k)]
    kept += [(int(light[i]), 1.0 / c) for i in dict.fromkeys(_pick(chances / chances.sum(), points))]
    return sorted(kept)


def _pick(weights: Float64Array, points: list[float]) -> list[int]:
    """For each point in [0, 1) the index whose part of the cumulated weights it falls into."""
    mass = np.cumsum(weights)
    found = np.searchsorted(mass, np.array(points) * mass[-1], side="right")
    last = int(np.flatnonzero(weights > 0.0)[-1])
    return [min(int(i), last) for i in found]


def effective_size(log_weights: Float64Array) -> float:
    """Kish's effective sample size, ``(sum w)^2 / sum w^2``, of log weights ``float64[n]``; 0 where all are dead."""
    best = log_weights.max(initial=-np.inf)
    if best == -np.inf:
        return 0.0
    weights = np.exp(log_weights - best)
    return float(weights.sum() ** 2 / (weights**2).sum())
