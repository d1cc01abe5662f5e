"""Random choices, each with a law that can be written down.

Samplers draw through :class:`Draws` only. Every method is one discrete choice with known probabilities, so a test
can put an enumeration in its place and compute expectations over all choices exactly, with no error of sampling.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from structgen.sampling import resampling
from structgen.sampling.choose import TokenLaw, stream

Float64Array = NDArray[np.float64]


class Draws:
    """The random choices of one text, one particle or one population.

    Args:
        seed, row: integers from 0 up; equal seeds give equal choices. See :func:`structgen.sampling.stream`.
    """

    def __init__(self, seed: int | Sequence[int], row: int = 0) -> None:
        self._rng = stream(seed, row)

    def beside(self) -> Draws:
        """A stream of its own, fixed by this one's seed, that takes no number from it."""
        other = object.__new__(type(self))
        other._rng = self._rng.spawn(1)[0]
        return other

    def index(self, log_weights: Float64Array) -> int:
        """An index with probability proportional to ``exp(log_weights)``, ``float64[n]``; some weight is above 0."""
        mass = np.cumsum(np.exp(log_weights - log_weights.max()))
        drawn = int(np.searchsorted(mass, self._rng.random() * mass[-1], side="right"))
        if drawn >= len(mass) or log_weights[drawn] == -np.inf:  # rounding, at the very end
            drawn = int(np.flatnonzero(log_weights > -np.inf)[-1])
        return drawn

    def remaining(self, log_weights: Float64Array) -> Remaining:
        """Draws from ``log_weights: float64[n]`` of which indices are dropped on the way."""
        return Remaining(log_weights, self._rng)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self._rng.random() < probability)

    def failures(self, probability: float, most: int) -> int:
        """How often something of this probability (above 0) fails before it happens, cut off at ``most``."""
        if probability >= 1.0:
            return 0
        return min(int(self._rng.geometric(probability)) - 1, most)

    def ancestors(self, kind: resampling.Kind, weights: Float64Array) -> list[int]:
        """``n`` indices into ``weights: float64[n]`` (they sum to 1); each comes ``n * weight`` times on average."""
        return resampling.ancestors(kind, weights, self._rng)

    def survivors(self, weights: Float64Array, n: int) -> list[tuple[int, float]]:
        """Optimal resampling to ``n`` of ``len(weights)``: indices with their new weights. See ``resampling``."""
        return resampling.survivors(weights, n, self._rng)


def token(law: TokenLaw, draws: Draws) -> int:
    """A token by its law. No number is drawn where the law has one token only."""
    return int(law.ids[0]) if len(law.ids) == 1 else int(law.ids[draws.index(law.scores)])


class Remaining:
    """Draws among indices that become fewer, each in about the time of one binary search.

    Indices that were dropped are drawn over again until half of the mass is gone; then the sums are made anew. So what
    is left is known to full precision, however little it is.
    """

    def __init__(self, log_weights: Float64Array, rng: np.random.Generator) -> None:
        self._log_weights = log_weights
        self._rng = rng
        self._alive = log_weights > -np.inf
        self._n_alive = int(self._alive.sum())
        self._sum()

    @property
    def log_left(self) -> float:
        """Log-sum of what is left; -inf of nothing."""
        return float(np.log(self._mass)) + self._shift if self._n_alive else -np.inf

    def draw(self) -> int:
        """An index that is left, by weight."""
        while True:
            at = int(np.searchsorted(self._sums, self._rng.random() * self._sums[-1], side="right"))
            i = int(self._ids[min(at, len(self._ids) - 1)])
            if self._alive[i]:
                return i

    def drop(self, i: int) -> None:
        """Leave an index out from now on."""
        self._alive[i] = False
        self._n_alive -= 1
        self._mass -= float(np.exp(self._log_weights[i] - self._shift))
        if self._n_alive and self._mass <= 0.5 * self._sums[-1]:
            self._sum()

    def _sum(self) -> None:
        self._ids = np.flatnonzero(self._alive)
        weights = self._log_weights[self._ids]
        self._shift = float(weights.max(initial=-np.inf))
        self._sums = np.cumsum(np.exp(weights - self._shift)) if self._n_alive else np.zeros(0)
        self._mass = float(self._sums[-1]) if self._n_alive else 0.0
