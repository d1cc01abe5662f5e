"""Texts step by step, written anew from a cut: what Metropolis-Hastings moves are made of.

Receives beginnings of texts; grows each under masks, all of them in lockstep; returns :class:`Text` with what a move's
chance depends on. The chance of a proposal sums over every cut that could have led to it, as detailed balance demands.
Source: "Constrained Sampling for Language Models Should Be Easy: An MCMC Perspective" (2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.local import propose
from structgen.sampling.problem import Law, Prefix, Problem, log_sum

Float64Array = NDArray[np.float64]
Cut = Literal["uniform", "entropy", "restart"]
_PLAIN = Masked()


class Text(NamedTuple):
    """A text, step by step; finished, or as long as the horizon.

    Attributes:
        tokens: ids, EOS included where it is finished.
        log_p, log_q: of each token: under the model, and under masking.
        log_cuts: log-probability of cutting before each token.
        end: the prefix after the last token.
        good: False where the predicate says no, or the model gives probability 0 to all that is allowed.
    """

    tokens: tuple[int, ...]
    log_p: tuple[float, ...]
    log_q: tuple[float, ...]
    log_cuts: Float64Array
    end: Prefix
    good: bool


class _Growing:
    """A text being written: first the tokens that are kept, then drawn ones."""

    def __init__(self, problem: Problem, kept: Sequence[int], draws: Draws) -> None:
        self.kept, self.draws = kept, draws
        self.prefix = problem.root
        self.tokens: list[int] = []
        self.log_p: list[float] = []
        self.log_q: list[float] = []
        self.entropies: list[float] = []
        self.good = True

    def unfinished(self, horizon: int | None) -> bool:
        return self.good and not self.prefix.ended and (horizon is None or len(self.tokens) < horizon)

    def step(self, problem: Problem, law: Law, entropy: bool) -> bool:
        """Take or draw the next token. True: it is new, and the predicate has not seen it."""
        if law.log_mass == -np.inf:
            self.good = False
            return False
        local = law.logp - law.log_mass
        new = len(self.tokens) >= len(self.kept)
        i = propose(law, _PLAIN, self.draws)[0] if new else int(np.searchsorted(law.ids, self.kept[len(self.tokens)]))
        if entropy:
            self.entropies.append(float(-(np.exp(local) * np.maximum(local, -1e300)).sum()))
        self.tokens.append(int(law.ids[i]))
        self.log_p.append(float(law.logp[i]))
        self.log_q.append(float(local[i]))
        self.prefix = problem.extend(self.prefix, self.tokens[-1])
        return new


def grow(
    problem: Problem,
    beginnings: Sequence[Sequence[int]],
    draws: Sequence[Draws],
    *,
    cut: Cut = "uniform",
    horizon: int | None = None,
) -> list[Text]:
    """Texts that begin with given tokens (which the predicate has passed) and go on under masks.

    Args:
        problem: model, grammar, predicate.
        beginnings: for each text the tokens kept, EOS included where it is finished.
        draws: for each text its random choices.
        cut: how texts will be cut; see :class:`structgen.sampling.MCMC`.
        horizon: texts stop after so many steps, EOS counted; None: where they end.
    """
    texts = [_Growing(problem, kept, own) for kept, own in zip(beginnings, draws, strict=True)]
    while moving := [text for text in texts if text.unfinished(horizon)]:
        laws = problem.laws([text.prefix for text in moving])
        new = [text for text, law in zip(moving, laws, strict=True) if text.step(problem, law, cut == "entropy")]
        for text, good in zip(new, problem.good([text.prefix for text in new]), strict=True):
            text.good = good
    return [
        Text(tuple(t.tokens), tuple(t.log_p), tuple(t.log_q), _cuts(cut, len(t.tokens), t.entropies), t.prefix, t.good)
        for t in texts
    ]


def _cuts(cut: Cut, length: int, entropies: list[float]) -> Float64Array:
    log_cuts = np.full(length, -np.inf)
    if cut == "uniform":
        log_cuts[:] = -np.log(max(length, 1))
    elif cut == "entropy":
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


def log_acceptance(x: Text, y: Text, log_ratio: float = 0.0) -> float:
    """``min(0, log of target(y) R(x|y) / (target(x) R(y|x)))``.

    The target is P times other factors; ``log_ratio`` is the log of theirs of y over theirs of x.
    """
    return min(0.0, sum(y.log_p) - sum(x.log_p) + log_ratio + log_proposal(y, x) - log_proposal(x, y))
