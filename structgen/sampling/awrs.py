"""AWRS: adaptive weighted rejection sampling of one token, against a condition that is dear to test.

Lipkin et al., "Fast Controlled Generation from Language Models with Adaptive Weighted Rejection Sampling" (2025).
Both functions draw a token from ``p`` restricted to those that pass, testing as few as they can and none twice after it
was refused, and return a weight that is right on average: ``E[weight * 1{token = x}] = p(x) * 1{x passes}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.sampling.draws import Draws
from structgen.sampling.problem import log_sum

Float64Array = NDArray[np.float64]
#: Probability of the likeliest token from which on the geometric form needs fewer tests.
_PEAKED = 2.0 / 3.0


class Drawn(NamedTuple):
    """The place of a token, or -1 where nothing passed; the log weight (-inf: dead); how many were tested."""

    place: int
    log_weight: float
    tested: int


def draw(
    logp: Float64Array, ok: Callable[[int], bool], draws: Draws, accepts: int = 2, max_rejects: int | None = None
) -> Drawn:
    """Draw by the form that tests less: geometric for peaked laws or where more accepts are asked for.

    Args:
        logp: ``float64[n]``, log-probabilities, of any sum; their sum goes into the weight.
        ok: does the token at an index pass?
        draws: random choices.
        accepts: tokens that must pass before the geometric form stops; more make the weight steadier.
        max_rejects: give up after this many refusals, with a weight that accounts for it; None: never.
    """
    log_mass = log_sum(logp)
    if log_mass == -np.inf:
        return Drawn(-1, -np.inf, 0)
    if accepts > 2 or logp.max() - log_mass >= np.log(_PEAKED):
        return geometric(logp, ok, draws, accepts, max_rejects)
    return recursive(logp, ok, draws, max_rejects)


def recursive(
    logp: Float64Array, ok: Callable[[int], bool], draws: Draws, max_rejects: int | None = None
) -> Drawn:
    """Without replacement: the first that passes, and one more test for the weight.

    With q the chance of the token that passed among those left, ``Z = q + (1 - q) E[next passes]``.
    """
    left = draws.remaining(logp)
    rejects = tested = 0
    while (log_left := left.log_left) > -np.inf:
        x = left.draw()
        left.drop(x)
        tested += 1
        if not ok(x):
            rejects += 1
            if rejects == max_rejects:
                break
            continue
        if left.log_left == -np.inf or (max_rejects is not None and rejects == max_rejects - 1):
            return Drawn(x, log_left, tested)
        tested += 1
        passes = ok(left.draw())
        return Drawn(x, log_left if passes else float(logp[x]), tested)
    return Drawn(-1, -np.inf, tested)


def geometric(
    logp: Float64Array, ok: Callable[[int], bool], draws: Draws, accepts: int = 2, max_rejects: int | None = None
) -> Drawn:
    """As if with replacement until ``accepts`` have passed: refusals that repeat are counted, not tested.

    The weight is the mean of "the first draw passed" given the counts, which is unbiased for Z (Haldane's
    estimator), also where it stops at ``max_rejects``.
    """
    left = draws.remaining(logp)
    log_mass = left.log_left
    known: dict[int, bool] = {}
    first, passed, refused = -1, 0, 0
    most = max_rejects if max_rejects is not None else 1 << 62
    while passed < accepts and refused < most:
        log_left = left.log_left
        if log_left == -np.inf:
            break
        refused += draws.failures(float(np.exp(min(0.0, log_left - log_mass))), most - refused)
        if refused >= most:
            break
        x = left.draw()
        if x not in known:
            known[x] = ok(x)
        if known[x]:
            passed += 1
            first = x if first < 0 else first
        else:
            refused += 1
            left.drop(x)
    if passed == 0:
        return Drawn(-1, -np.inf, len(known))
    log_weight = float(np.log(min(accepts - 1, passed)) - np.log(passed + refused - 1)) if accepts > 1 else -np.inf
    return Drawn(first, log_weight + log_mass, len(known))
