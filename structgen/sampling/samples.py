"""What a run of a sampler returns."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from structgen.sampling.problem import log_sum
from structgen.sampling.resampling import effective_size

Float64Array = NDArray[np.float64]
#: ``"done"``: all that were asked for. ``"budget"``: ``max_passes`` was used up. ``"interrupted"``: Ctrl-C.
#: ``"failed"``: the sampler gave up (all particles dead, too many attempts).
Outcome = Literal["done", "budget", "interrupted", "failed"]


@dataclass
class Samples:
    """Weighted samples of the model's law under a constraint.

    ``exp(log_weights)`` are weights for the *unnormalised* target ``P(w) 1[w in L]``: the mean of weight times f(w)
    estimates ``sum of P(w) f(w) over L``, and the mean weight estimates Z. Weights relative to each other are what
    averages need: :meth:`probabilities`.

    Attributes:
        tokens: token ids of each sample, EOS left out. A sample that died (weight 0) keeps what it had.
        texts: their bytes.
        log_weights: ``float64[n]``; -inf: dead.
        log_probs: ``float64[n]``: log P of each sample, EOS included; NaN for the dead.
        log_z: log of the estimate of Z; NaN where the sampler gives none.
        forward_passes: contexts the model was asked about.
        predicate_calls: texts the predicate was asked about.
        attempts: texts begun, successes included.
        ess: effective sample size after each step, where a population moves together; one list for each population.
        outcome: why the run ended.
    """

    tokens: list[list[int]]
    texts: list[bytes]
    log_weights: Float64Array
    log_probs: Float64Array
    log_z: float
    forward_passes: int = 0
    predicate_calls: int = 0
    attempts: int = 0
    ess: list[list[float]] = field(default_factory=list)
    outcome: Outcome = "done"

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def n_alive(self) -> int:
        """Samples with a weight above 0."""
        return int((self.log_weights > -np.inf).sum())

    @property
    def acceptance(self) -> float:
        """Samples alive for each text begun."""
        return self.n_alive / self.attempts if self.attempts else 0.0

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size of the weights."""
        return effective_size(self.log_weights)

    def probabilities(self) -> Float64Array:
        """Normalised weights, ``float64[n]``; all 0 where every sample is dead."""
        total = log_sum(self.log_weights)
        if total == -np.inf:
            return np.zeros(len(self))
        return np.exp(self.log_weights - total)

    def posterior(self, key: Any = None) -> dict[Hashable, float]:
        """Weights of equal samples added up, likeliest first.

        ``key`` maps a sample's text (bytes) to what is compared, parsed JSON with sorted keys, say; None: the text.
        """
        found: dict[Hashable, float] = {}
        for text, weight in zip(self.texts, self.probabilities().tolist(), strict=True):
            if weight > 0.0:
                name = text if key is None else key(text)
                found[name] = found.get(name, 0.0) + weight
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))
