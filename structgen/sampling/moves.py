"""One step of a particle: the next token, and what it does to the weight.

Every move is *properly weighted*: the expectation of weight times 1{token = x} is the target's own factor for x. That
is all that sequential Monte Carlo asks of it, and what the tests check by enumeration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from structgen.errors import InputError
from structgen.sampling import awrs
from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.hmm import Futures
from structgen.sampling.local import propose
from structgen.sampling.problem import Law, Prefix, Problem, log_sum

#: The allowed tokens by the model's own law.
PLAIN = Masked()


class Moved(NamedTuple):
    """Where a particle went.

    Attributes:
        prefix: its new prefix (the old one where it died).
        log_weight: the factor of its weight; -inf: dead.
        log_p: the model's log-probability of the token.
        tested: the predicate has been asked already.
    """

    prefix: Prefix
    log_weight: float
    log_p: float
    tested: bool = False


class Move(Protocol):
    """Draws the next token after a prefix. ``log_p``: log P of the prefix."""

    def __call__(self, problem: Problem, prefix: Prefix, law: Law, log_p: float, draws: Draws) -> Moved: ...


@dataclass(frozen=True)
class MaskedMove:
    """From the allowed tokens, as ``how`` says; the weight is P over the chance of the draw."""

    how: Masked = PLAIN

    def __call__(self, problem: Problem, prefix: Prefix, law: Law, log_p: float, draws: Draws) -> Moved:
        i, log_chance = propose(law, self.how, draws)
        step = float(law.logp[i])
        return Moved(problem.extend(prefix, int(law.ids[i])), step - log_chance, step)


@dataclass(frozen=True)
class GuidedMove:
    """From the allowed tokens by ``P(t|u)`` times the chance that an HMM sees for a good end after t."""

    futures: Futures

    def __call__(self, problem: Problem, prefix: Prefix, law: Law, log_p: float, draws: Draws) -> Moved:
        log_futures = self.futures.log_futures(prefix, law)
        weights = law.logp + log_futures
        i = draws.index(weights)
        return Moved(
            problem.extend(prefix, int(law.ids[i])), log_sum(weights) - float(log_futures[i]), float(law.logp[i])
        )


@dataclass(frozen=True)
class RejectionMove:
    """From the allowed tokens that also pass the predicate, by AWRS: few of them are tested."""

    accepts: int = 2
    max_rejects: int | None = None

    def __call__(self, problem: Problem, prefix: Prefix, law: Law, log_p: float, draws: Draws) -> Moved:
        def ok(i: int) -> bool:
            return problem.good([problem.extend(prefix, int(law.ids[i]))])[0]

        drawn = awrs.draw(law.logp, ok, draws, self.accepts, self.max_rejects)
        if drawn.place < 0 or drawn.log_weight == -np.inf:
            return Moved(prefix, -np.inf, 0.0, True)
        token = int(law.ids[drawn.place])
        return Moved(problem.extend(prefix, token), drawn.log_weight, float(law.logp[drawn.place]), True)


@dataclass(frozen=True)
class PowerMove:
    """Towards ``P(w) ** alpha``: the proposal of least variance, with alpha raised along the text.

    Azizi et al., "Power-SMC" (2026). The factor is ``log sum of p ** a_t`` over the allowed tokens, and the catching
    up ``(a_t - a_{t-1}) log P`` of what is written already.
    """

    alpha: float
    ramp: int

    def power(self, position: int) -> float:
        """The exponent for the token at a position."""
        if position < self.ramp:
            return 1.0 + (self.alpha - 1.0) * (position + 1) / (self.ramp + 1)
        return self.alpha

    def __call__(self, problem: Problem, prefix: Prefix, law: Law, log_p: float, draws: Draws) -> Moved:
        position = len(prefix.tokens)
        now = self.power(position)
        before = self.power(position - 1) if position else now
        raised = np.where(law.logp > -np.inf, now * law.logp, -np.inf)
        i = draws.index(raised)
        step = float(law.logp[i])
        log_weight = log_sum(raised) + ((now - before) * log_p if position else 0.0)
        moved = problem.extend(prefix, int(law.ids[i]))
        if moved.ended:
            log_weight += (self.alpha - now) * (log_p + step)
        return Moved(moved, log_weight, step)


def check_awrs(accepts: int, max_rejects: int | None) -> None:
    """Raises InputError for values AWRS cannot work with."""
    if accepts < 2:
        raise InputError(f"accepts={accepts}", hint="A weight needs at least 2")
    if max_rejects is not None and max_rejects < 1:
        raise InputError(f"max_rejects={max_rejects}", hint="It is at least 1, or None")
