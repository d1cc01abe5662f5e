"""CARS: constrained adaptive rejection sampling, and the plainer rejection samplers that it improves on.

A text is begun from the model's own law, tokens outside the grammar included, and fails where it leaves the language;
what an attempt has met is never met again. Texts that come through are samples of the model's law conditioned on
the constraint: exactly, and from the first.

Source: "Constrained Adaptive Rejection Sampling" (2025), with its levels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from structgen.errors import InputError
from structgen.sampling.draws import Draws
from structgen.sampling.problem import Law, Prefix, Problem, Stop, log_mean, log_sum
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples
from structgen.sampling.theta import Node, Theta

Level = Literal["none", "first", "path", "full"]


@dataclass
class CARS:
    """Exact samples by rejection that learns.

    Attributes:
        learn: what a failed attempt teaches. ``"none"``: nothing (plain rejection). ``"first"``: only first tokens
            are masked. ``"path"``: the token that failed. ``"full"``: every token that the grammar refuses at the
            place where it failed.
        learnt: the trie; kept between runs of the same problem, to be saved and loaded (:class:`Theta`).
        max_attempts: texts begun for one sample before the run gives up.
        model_name: written into saved tries, and checked when they are used again.
    """

    learn: Level = "full"
    learnt: Theta = field(default_factory=Theta)
    max_attempts: int = 100_000
    model_name: str | None = None

    def __post_init__(self) -> None:
        if self.learn not in get_args(Level):
            raise InputError(f"learn={self.learn!r}", hint=f"It is one of {', '.join(get_args(Level))}")
        if self.max_attempts < 1:
            raise InputError(f"max_attempts={self.max_attempts}", hint="It is at least 1")

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """Draw ``n`` texts. All have the same weight: the estimate of Z, the mean over attempts of the mass that an
        attempt could still fall on, counted 0 where it failed."""
        self.learnt.bind(problem, self.model_name)
        record = Recorder(problem)
        begun: list[float] = []

        def finish() -> Samples:
            log_z = log_mean(np.array(begun))
            return record.samples(log_z, [log_z] * len(record.prefixes))

        with record.guard(finish):
            for row in range(n):
                draws = Draws((*seed, row))
                failures = 0
                while True:
                    if self.learn == "first":
                        self.learnt.root.learn(problem.law(problem.root))
                        self.learnt.root.settle()
                    before = self.learnt.root.log_theta
                    if before == -np.inf or failures >= self.max_attempts:
                        raise Stop("failed")
                    good, prefix, log_p = self._attempt(problem, draws)
                    record.attempts += 1
                    begun.append(before if good else -np.inf)
                    if good:
                        record.add(prefix, 0.0, log_p)
                        break
                    failures += 1
        return finish()

    def _attempt(self, problem: Problem, draws: Draws) -> tuple[bool, Prefix, float]:
        """One text from the model's law conditioned on avoiding what is known to be bad: did it end well?"""
        theta = self.learnt
        prefix, node = problem.root, theta.root
        path: list[Node] = []
        log_p = 0.0
        good = True
        while not prefix.ended and good:
            law = problem.law(prefix)
            path.append(node)
            i = self._next(problem, prefix, node, law, draws)
            if i < 0:
                good = False
                break
            log_p += float(law.logp[i])
            prefix = problem.extend(prefix, int(law.ids[i]))
            good = problem.good([prefix])[0]
            if self.learn in ("none", "first"):
                node = Node()
            elif not prefix.ended or not good:
                node = theta.step(node, law, i)
                if not good:
                    node.log_theta = -np.inf
        if self.learn in ("path", "full"):
            for visited in reversed(path):
                visited.settle()
        return good, prefix, log_p

    def _next(self, problem: Problem, prefix: Prefix, node: Node, law: Law, draws: Draws) -> int:
        """The index of the next token, or -1: the attempt failed here. Tokens known to be bad are not drawn."""
        if node.known:
            weights, total = node.weigh(law), node.log_theta
            inside = log_sum(weights)
        else:
            weights, total = law.logp, 0.0
            inside = law.log_mass
        fails = inside == -np.inf or not draws.happens(min(1.0, float(np.exp(inside - total))))
        if self.learn == "full":
            node.learn(law)
        elif self.learn == "path":
            self._learn_one(problem, prefix, node, law, draws, fails)
        return -1 if fails else draws.index(weights)

    def _learn_one(self, problem: Problem, prefix: Prefix, node: Node, law: Law, draws: Draws, fails: bool) -> None:
        """Where the attempt fails, draw the refused token that it fell on, and remember that one alone."""
        outside = problem.row(prefix).copy()
        outside[law.ids] = -np.inf
        outside[list(node.refused)] = -np.inf
        if fails and outside.max(initial=-np.inf) > -np.inf:
            token = draws.index(outside)
            node.refused.add(token)
            outside[token] = -np.inf
        node.learn(law, log_sum(outside))
