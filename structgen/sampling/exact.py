"""Exact sampling by backward sums, and exact log Z: for small languages, and as the judge of all other samplers.

Hidden Markov models are summed by :mod:`structgen.sampling.hmm`, under any grammar. Of the others, one that has
``state_key(context)`` (a hashable value on which alone its law depends, as the last word of a bigram model) lets
prefixes that agree in it, in the grammar's state and in what is left of the budget be summed once.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from structgen.errors import LimitError
from structgen.sampling.draws import Draws
from structgen.sampling.hmm import HMM, Futures
from structgen.sampling.problem import Law, Prefix, Problem, log_sum
from structgen.sampling.runs import Recorder
from structgen.sampling.samples import Samples


@dataclass(frozen=True)
class Exact:
    """Independent samples of the target itself.

    Attributes:
        max_prefixes: prefixes (or classes of them) looked at before it gives up with a LimitError.
    """

    max_prefixes: int = 200_000

    def run(self, problem: Problem, n: int, seed: tuple[int, ...]) -> Samples:
        """``n`` samples, each of weight Z."""
        record = Recorder(problem)
        log_z = np.nan
        with record.guard(lambda: record.samples(log_z)):
            sums = _sums(problem, self.max_prefixes)
            log_z = sums.log_z
            for row in range(n if log_z > -np.inf else 0):
                record.attempts += 1
                prefix, log_p = draw(problem, sums, Draws((*seed, row)))
                record.add(prefix, log_z, log_p)
            if n and log_z == -np.inf:
                record.outcome = "failed"
        return record.samples(log_z)


class Sums(Protocol):
    """The mass of all good endings. ``log_z``: of the empty prefix."""

    log_z: float

    def weights(self, prefix: Prefix, law: Law) -> np.ndarray:
        """For each token t of the law ``log P(t|u)`` and the log of the mass of good endings after it, added."""
        ...


def _sums(problem: Problem, most: int) -> Sums:
    model = problem.model
    if isinstance(model, HMM) and problem.predicate is None and problem.temperature == 1.0:
        return Futures(model, problem, problem.prompt, most)
    return BackwardSums(problem, most)


def draw(problem: Problem, sums: Sums, draws: Draws) -> tuple[Prefix, float]:
    """A text by the target's law, and its log P."""
    prefix, log_p = problem.root, 0.0
    while not prefix.ended:
        law = problem.law(prefix)
        i = draws.index(sums.weights(prefix, law))
        log_p += float(law.logp[i])
        prefix = problem.extend(prefix, int(law.ids[i]))
    return prefix, log_p


class BackwardSums:
    """For each prefix the log of the mass of its good endings.

    Attributes:
        log_z: that of the empty prefix.
    """

    def __init__(self, problem: Problem, max_prefixes: int) -> None:
        self.problem = problem
        self._key = getattr(problem.model, "state_key", None)
        self._sums: dict[Hashable, float] = {}
        levels: list[list[Prefix]] = [[problem.root]]
        seen = {self._name(problem.root)}
        while levels[-1]:
            following: list[Prefix] = []
            for prefix, law in zip(levels[-1], problem.laws(levels[-1]), strict=True):
                grown = [problem.extend(prefix, int(token)) for token in law.ids[law.logp > -np.inf]]
                for after, good in zip(grown, problem.good(grown), strict=True):
                    name = self._name(after)
                    if not good:
                        self._sums[name] = -np.inf
                    elif after.ended:
                        self._sums[name] = 0.0
                    elif name not in seen:
                        seen.add(name)
                        following.append(after)
            if len(seen) > max_prefixes:
                raise LimitError(
                    f"the language has more than {max_prefixes} prefixes within the budget",
                    hint="Raise max_prefixes, lower max_tokens, or use CARS, which is exact too",
                )
            levels.append(following)
        for level in reversed(levels):
            for prefix, law in zip(level, problem.laws(level), strict=True):
                self._sums[self._name(prefix)] = log_sum(self.weights(prefix, law))
        self.log_z = self._sums[self._name(problem.root)]

    def weights(self, prefix: Prefix, law: Law) -> np.ndarray:
        """As :class:`Sums`."""
        after = [self._sums.get(self._name(self.problem.extend(prefix, int(token))), -np.inf) for token in law.ids]
        return law.logp + np.array(after)

    def _name(self, prefix: Prefix) -> Hashable:
        if self._key is None or self.problem.predicate is not None:
            return (prefix.tokens, prefix.ended)
        context = [*self.problem.prompt, *prefix.tokens]
        return (self._key(context), prefix.state, len(prefix.tokens), prefix.ended)
