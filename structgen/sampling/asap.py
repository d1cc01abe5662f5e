"""ASAp: adaptive sampling with approximate expected futures. Park et al., "Grammar-Aligned Decoding" (2024).

Each text is drawn by ``P(t|u) theta(ut)``, where theta over-estimates the chance of a good end; what the text met
on its way improves theta. The first text is drawn as by masking, later ones approach the model's conditional law.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from structgen.errors import InputError
from structgen.sampling.draws import Draws
from structgen.sampling.problem import Problem, Stop, log_sum
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples
from structgen.sampling.theta import Node, Theta


@dataclass
class ASAp:
    """Samples with expected futures learnt on the way.

    The texts follow no common law: each is drawn by what was known then. Its weight says so, and makes averages over
    all of them right; to use late texts as if they were samples of the target is right in the limit only.

    Attributes:
        learnt: the trie; kept between runs of the same problem, to be saved and loaded (:class:`Theta`).
        max_attempts: texts begun for one sample before the run gives up; only a predicate makes texts fail.
        model_name: written into saved tries, and checked when they are used again.
    """

    learnt: Theta = field(default_factory=Theta)
    max_attempts: int = 10_000
    model_name: str | None = None

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InputError(f"max_attempts={self.max_attempts}", hint="It is at least 1")

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """Draw ``n`` texts. Weights are scaled by the share of texts that did not fail, so their mean estimates Z."""
        self.learnt.bind(problem, self.model_name)
        record = Recorder(problem)

        def finish() -> Samples:
            share = np.log(len(record.prefixes) / record.attempts) if record.prefixes else 0.0
            return record.samples(log_weights=[weight + share for weight in record.log_weights])

        with record.guard(finish):
            for row in range(n):
                draws = Draws((*seed, row))
                began = record.attempts
                while not self._attempt(problem, draws, record):
                    if record.attempts - began >= self.max_attempts or self.learnt.root.log_theta == -np.inf:
                        raise Stop("failed")
        return finish()

    def _attempt(self, problem: Problem, draws: Draws, record: Recorder) -> bool:
        theta = self.learnt
        prefix, node = problem.root, theta.root
        path: list[Node] = []
        log_p = log_q = 0.0
        good = True
        while not prefix.ended and good:
            law = problem.law(prefix)
            node.learn(law)
            path.append(node)
            weights = node.weigh(law)
            total = log_sum(weights)
            if total == -np.inf:
                good = False
                break
            i = draws.index(weights)
            log_p += float(law.logp[i])
            log_q += float(weights[i]) - total
            prefix = problem.extend(prefix, int(law.ids[i]))
            good = problem.good([prefix])[0]
            if not prefix.ended or not good:
                node = theta.step(node, law, i)
                if not good:
                    node.log_theta = -np.inf
        for visited in reversed(path):
            visited.settle()
        record.attempts += 1
        if good:
            record.add(prefix, log_p - log_q, log_p)
        return good
