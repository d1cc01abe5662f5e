"""MCMC over texts: cut a text, write its end anew under masks, accept or refuse (Metropolis and Hastings).

Source: "Constrained Sampling for Language Models Should Be Easy: An MCMC Perspective" (2025); the moves are in
:mod:`structgen.sampling.texts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from structgen.errors import InputError
from structgen.sampling.draws import Draws
from structgen.sampling.problem import Problem, log_mean
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples
from structgen.sampling.texts import Cut, Text, grow, log_acceptance


@dataclass(frozen=True)
class MCMC:
    """Independent chains, each begun by masking; a sample is where its chain ends.

    Attributes:
        steps: proposals of each chain. With 0 the samples are those of masking.
        cut: where texts are cut: ``"uniform"``, by the ``"entropy"`` of what was allowed (proportional to
            exp(entropy) - 1), or always at the start (``"restart"``).
        max_attempts: texts begun before a chain gives up its search for a first good one (only with a predicate).
    """

    steps: int = 10
    cut: Cut = "uniform"
    max_attempts: int = 10_000

    def __post_init__(self) -> None:
        if self.steps < 0 or self.max_attempts < 1:
            raise InputError(f"steps={self.steps}, max_attempts={self.max_attempts}", hint="Both count texts")
        if self.cut not in get_args(Cut):
            raise InputError(f"cut={self.cut!r}", hint=f"It is one of {', '.join(get_args(Cut))}")

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` chains. log Z is estimated from the texts that were written from the start, by their weights."""
        record = Recorder(problem)
        fresh: list[float] = []

        def finish() -> Samples:
            log_z = log_mean(np.array(fresh)) if fresh else np.nan
            return record.samples(log_z, [log_z] * len(record.prefixes))

        with record.guard(finish):
            for row in range(n):
                draws = Draws((*seed, row))
                text = self.complete(problem, (), draws)
                before = len(fresh)
                while not text.good and len(fresh) - before < self.max_attempts:
                    fresh.append(-np.inf)
                    record.attempts += 1
                    text = self.complete(problem, (), draws)
                record.attempts += 1
                fresh.append(sum(text.log_p) - sum(text.log_q) if text.good else -np.inf)
                if not text.good:
                    record.outcome = "failed"
                    break
                for _ in range(self.steps):
                    other = self.complete(problem, text.tokens[: draws.index(text.log_cuts)], draws)
                    record.attempts += 1
                    if other.good and draws.happens(float(np.exp(log_acceptance(text, other)))):
                        text = other
                record.add(text.end, 0.0, sum(text.log_p))
        return finish()

    def complete(self, problem: Problem, kept: tuple[int, ...], draws: Draws) -> Text:
        """A text that begins with some tokens and goes on under masks to its end."""
        return grow(problem, [kept], [draws], cut=self.cut)[0]
