"""MCMC over texts: cut a text, write its end anew under masks, accept or refuse (Metropolis and Hastings).

Source: "Constrained Sampling for Language Models Should Be Easy: An MCMC Perspective" (2025). The chance of a
proposal sums over every cut that could have led to it, as detailed balance demands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError
from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.local import propose
from structgen.sampling.problem import Prefix, Problem, log_sum
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples

Float64Array = NDArray[np.float64]
Cut = Literal["uniform", "entropy", "restart"]
_PLAIN = Masked()


class Text(NamedTuple):
    """A finished text, step by step, EOS the last.

    Attributes:
        tokens: ids, EOS included.
        prefixes: the prefix before each token.
        log_p, log_q: of each token: under the model, and under masking.
        log_cuts: log-probability of cutting before each token.
        end: the finished prefix.
        good: False where the predicate says no.
    """

    tokens: tuple[int, ...]
    prefixes: tuple[Prefix, ...]
    log_p: tuple[float, ...]
    log_q: tuple[float, ...]
    log_cuts: Float64Array
    end: Prefix
    good: bool


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
        with record.guard():
            for row in range(n):
                draws = Draws((*seed, row))
                text = self.complete(problem, (), draws)
                while not text.good and len(fresh) < self.max_attempts:
                    fresh.append(-np.inf)
                    record.attempts += 1
                    text = self.complete(problem, (), draws)
                record.attempts += 1
                fresh.append(sum(text.log_p) - sum(text.log_q) if text.good else -np.inf)
                if not text.good:
                    record.outcome = "failed"
                    break
                for _ in range(self.steps):
                    i = draws.index(text.log_cuts)
                    other = self.complete(problem, tuple(zip(text.tokens[:i], text.prefixes[:i], strict=True)), draws)
                    record.attempts += 1
                    if other.good and draws.happens(float(np.exp(self.log_acceptance(text, other)))):
                        text = other
                record.add(text.end, 0.0, sum(text.log_p))
        log_z = log_sum(np.array(fresh)) - np.log(len(fresh)) if fresh else np.nan
        return record.samples(float(log_z), [float(log_z)] * len(record.prefixes))

    def log_acceptance(self, x: Text, y: Text) -> float:
        """``min(0, log of P(y) R(x|y) / (P(x) R(y|x)))``."""
        return min(0.0, sum(y.log_p) - sum(x.log_p) + log_proposal(y, x) - log_proposal(x, y))

    def complete(self, problem: Problem, kept: tuple[tuple[int, Prefix], ...], draws: Draws) -> Text:
        """A text that begins with some tokens and goes on under masks."""
        prefix = problem.root
        tokens: list[int] = []
        prefixes: list[Prefix] = []
        log_p: list[float] = []
        log_q: list[float] = []
        entropies: list[float] = []
        good = True
        while not prefix.ended and good:
            law = problem.law(prefix)
            if law.log_mass == -np.inf:
                good = False
                break
            local = law.logp - law.log_mass
            if len(tokens) < len(kept):
                i = int(np.searchsorted(law.ids, kept[len(tokens)][0]))
            else:
                i, _ = propose(law, _PLAIN, draws)
            if self.cut == "entropy":
                entropies.append(float(-(np.exp(local) * np.maximum(local, -1e300)).sum()))
            tokens.append(int(law.ids[i]))
            prefixes.append(prefix)
            log_p.append(float(law.logp[i]))
            log_q.append(float(local[i]))
            prefix = problem.extend(prefix, tokens[-1])
            good = problem.good([prefix])[0]
        return Text(
            tuple(tokens), tuple(prefixes), tuple(log_p), tuple(log_q), self._cuts(len(tokens), entropies), prefix, good
        )

    def _cuts(self, length: int, entropies: list[float]) -> Float64Array:
        log_cuts = np.full(length, -np.inf)
        if self.cut == "uniform":
            log_cuts[:] = -np.log(max(length, 1))
        elif self.cut == "entropy":
            weights = np.expm1(np.array(entropies))
            if weights.sum() > 0.0:
                log_cuts = np.where(weights > 0.0, np.log(np.maximum(weights, 1e-300) / weights.sum()), -np.inf)
            elif length:
                log_cuts[0] = 0.0
        elif length:
            log_cuts[0] = 0.0
        return log_cuts


def log_proposal(x: Text, y: Text) -> float:
    """log of the chance that ``y`` is proposed from ``x``: over all cuts that leave a common beginning."""
    shared = 0
    while shared < min(len(x.tokens), len(y.tokens)) and x.tokens[shared] == y.tokens[shared]:
        shared += 1
    last = min(shared, len(x.tokens) - 1, len(y.tokens) - 1)
    tails = np.cumsum(np.array(y.log_q)[::-1])[::-1]
    return log_sum(x.log_cuts[: last + 1] + tails[: last + 1])
