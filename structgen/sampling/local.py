"""Locally constrained decoding as a sampler: at each step draw from the allowed tokens, and keep the weight.

A text drawn so has probability ``q(w)``, not ``pi(w)``: what the masks cut away is given to the tokens that are left,
step by step. The weight ``P(w) / q(w)``, which is the product of the allowed masses where nothing else is changed,
makes up for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from structgen.sampling import truncation
from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.problem import Law, Prefix, Problem, log_sum
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples


def propose(law: Law, how: Masked, draws: Draws) -> tuple[int, float]:
    """Draw from a law as ``how`` says: the index into the law, and the log-probability with which it was drawn."""
    best = int(law.logp.argmax())
    if how.temperature == 0.0 or len(law.ids) == 1:
        return best, 0.0
    scaled = truncation.scale(law.logp, how.temperature)
    kept = truncation.keep(scaled, k=how.top_k, p=how.top_p, minimum=how.min_p)
    scores = scaled[kept]
    i = draws.index(scores)
    return int(kept[i]), float(scores[i]) - log_sum(scores)


def descend(problem: Problem, prefix: Prefix, how: Masked, draws: Draws) -> tuple[Prefix, float, float]:
    """Go on from a prefix to the end of the text: the text, log P and log q of what was added.

    log P is -inf where the text died: the model gives all that is allowed probability 0, or the predicate says no.
    """
    log_p = log_q = 0.0
    while not prefix.ended:
        law = problem.law(prefix)
        if law.log_mass == -np.inf:
            return prefix, -np.inf, log_q
        i, log_chance = propose(law, how, draws)
        log_p += float(law.logp[i])
        log_q += log_chance
        prefix = problem.extend(prefix, int(law.ids[i]))
        if not problem.good([prefix])[0]:
            return prefix, -np.inf, log_q
    return prefix, log_p, log_q


@dataclass(frozen=True)
class Local:
    """``Masked`` with the face of the other samplers."""

    how: Masked

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` independent texts with their importance weights.

        The weights are proper where the proposal can reach whatever the target can: not at temperature 0, and not
        where top-k, top-p or min-p cut tokens off.
        """
        record = Recorder(problem)
        with record.guard():
            for row in range(n):
                record.attempts += 1
                prefix, log_p, log_q = descend(problem, problem.root, self.how, Draws((*seed, row)))
                record.add(prefix, log_p - log_q, log_p)
        return record.samples()
