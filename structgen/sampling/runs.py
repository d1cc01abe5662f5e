"""The running of samplers: seeds, populations, and what is kept when a run ends early.

Receives what a sampler draws, one text after the other; returns :class:`Samples`. A run that is interrupted, or
whose bound on forward passes is reached, returns what it has; an error, of a predicate or a model say, is given what
was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from structgen.errors import StructgenError
from structgen.sampling.problem import Prefix, Problem, Stop, log_mean
from structgen.sampling.samples import Outcome, Samples


class Sampler(Protocol):
    """A way to sample. ``seed`` is a tuple of integers, the root of all random choices of the run."""

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples: ...


class Recorder:
    """Collects samples while a sampler draws them."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.prefixes: list[Prefix] = []
        self.log_weights: list[float] = []
        self.log_probs: list[float] = []
        self.attempts = 0
        self.ess: list[list[float]] = []
        self.outcome: Outcome = "done"
        self._passes = problem.passes
        self._calls = problem.predicate.calls if problem.predicate is not None else 0

    def add(self, prefix: Prefix, log_weight: float, log_prob: float) -> None:
        """One more sample: its log weight for the unnormalised target, and log P."""
        self.prefixes.append(prefix)
        self.log_weights.append(log_weight)
        self.log_probs.append(log_prob if log_weight > -np.inf else np.nan)

    @contextmanager
    def guard(self, finish: Callable[[], Samples] | None = None) -> Iterator[None]:
        """Around the drawing: what ends it early is recorded instead of losing the samples.

        ``finish`` makes the samples that an error is given; None: :meth:`samples`.
        """
        try:
            yield
        except Stop as stop:
            self.outcome = "failed" if stop.reason == "failed" else "budget"
        except KeyboardInterrupt:
            self.outcome = "interrupted"
        except StructgenError as error:
            error.samples = self.samples() if finish is None else finish()
            raise

    def samples(self, log_z: float | None = None, log_weights: Sequence[float] | None = None) -> Samples:
        """All samples so far. ``log_z``: None takes the log of the mean weight."""
        problem = self.problem
        weights = np.array(self.log_weights if log_weights is None else log_weights, dtype=np.float64)
        outcome = self.outcome
        if outcome == "done" and self.attempts > 0 and not (weights > -np.inf).any():
            outcome = "failed"
        return Samples(
            tokens=[list(prefix.tokens) for prefix in self.prefixes],
            texts=[problem.text(prefix) for prefix in self.prefixes],
            log_weights=weights,
            log_probs=np.array(self.log_probs, dtype=np.float64),
            log_z=log_mean(weights) if log_z is None else log_z,
            forward_passes=problem.passes - self._passes,
            predicate_calls=problem.predicate.calls - self._calls if problem.predicate is not None else 0,
            attempts=self.attempts,
            ess=self.ess,
            outcome=outcome,
        )
