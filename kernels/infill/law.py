"""Product laws over positions, conditioned on a finite automaton: Numba kernels.

Position p holds a token with log weight ``logits[p]``; ``alive[p]`` are the states in which a text of the language can
be before position p. All sums are in the log domain, so that no way to the end is lost, however unlikely.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np
from numba import njit

#: Terms below the greatest by so much (natural logarithm) do not change a float64.
NEGLIGIBLE = 40.0
#: A sum of float32 under this may have lost terms.
TINY = 1e-25


@njit(cache=True, nogil=True)
def class_maxima(logits, live, live_class, best, token):
    """For each class its greatest logit and the token that has it (the lowest of equals).

    Args:
        logits: float32[V]; one position.
        live, live_class: int32[*]; tokens, ascending so that memory is read in order, and the class of each.
        best: float64[classes]; gets the greatest logit, -inf for empty classes.
        token: int32[classes]; gets the token, -1 where there is none above -inf.
    """
    best[:] = -np.inf
    token[:] = -1
    for i in range(len(live)):
        x = logits[live[i]]
        c = live_class[i]
        if x > best[c]:
            best[c] = x
            token[c] = live[i]


@njit(cache=True, nogil=True)
def class_sums(logits, top, weights, live_class, out):
    """For each class the log of its summed weights.

    Args:
        logits: float32[*]; of the live tokens at one position.
        top: what they are relative to.
        weights: float32[*]; ``exp(logits - top)``, good enough for classes whose sum is not tiny.
        live_class: int32[*]; the class of each token.
        out: float64[classes]; gets the log of the sum of ``exp(logits - top)``.
    """
    out[:] = 0.0
    for i in range(len(weights)):
        out[live_class[i]] += weights[i]
    tiny = False
    for c in range(len(out)):
        if out[c] > TINY:
            out[c] = math.log(out[c])
        else:
            tiny = True
            out[c] = np.nan
    if not tiny:
        return
    most = np.full(len(out), -np.inf)
    total = np.zeros(len(out))
    for i in range(len(logits)):
        c = live_class[i]
        most[c] = max(most[c], np.float64(logits[i]))
    for i in range(len(logits)):
        c = live_class[i]
        if np.isnan(out[c]) and most[c] > -np.inf:
            total[c] += math.exp(np.float64(logits[i]) - most[c])
    for c in range(len(out)):
        if np.isnan(out[c]):
            out[c] = most[c] - top + math.log(total[c]) if total[c] > 0.0 else -np.inf


@njit(cache=True, nogil=True)
def backward_sums(row_first, row_class, row_to, alive, fixed, weights, beta):
    """For each boundary and state the log of the weight of all ways to the end.

    Args:
        row_first, row_class, row_to: the token graph by states.
        alive: bool[L + 1, n].
        fixed: int32[L]; the class of the token that is fixed at a position, or -1.
        weights: float64[L, classes]; log weights, not looked at where a position is fixed; -inf: not allowed.
        beta: float64[L + 1, n]; the last row is given, the others are filled; -inf where not alive.
    """
    length = len(fixed)
    for p in range(length - 1, -1, -1):
        for s in range(beta.shape[1]):
            beta[p, s] = -np.inf
            if not alive[p, s]:
                continue
            top = -np.inf
            total = 0.0
            for i in range(row_first[s], row_first[s + 1]):
                behind = beta[p + 1, row_to[i]]
                if behind == -np.inf:
                    continue
                c = row_class[i]
                if fixed[p] >= 0:
                    if c != fixed[p]:
                        continue
                    x = behind
                else:
                    x = behind + weights[p, c]
                    if x == -np.inf:
                        continue
                if x > top:
                    total = total * math.exp(top - x) + 1.0 if top - x > -NEGLIGIBLE else 1.0
                    top = x
                elif x - top > -NEGLIGIBLE:
                    total += math.exp(x - top)
            if total > 0.0:
                beta[p, s] = top + math.log(total)


@njit(cache=True, nogil=True)
def forward_sums(row_first, row_class, row_to, fixed, weights, beta, alpha, mass):
    """The log weights of all ways from the start, and of all texts with a class at a position.

    Args:
        beta: of ``backward_sums``.
        alpha: float64[L + 1, n]; the first row is given, the others are filled.
        mass: float64[L, classes]; filled.
    """
    length = len(fixed)
    for p in range(length):
        alpha[p + 1, :] = -np.inf
        mass[p, :] = -np.inf
        for s in range(alpha.shape[1]):
            if alpha[p, s] == -np.inf or beta[p, s] == -np.inf:
                continue
            for i in range(row_first[s], row_first[s + 1]):
                to = row_to[i]
                if beta[p + 1, to] == -np.inf:
                    continue
                c = row_class[i]
                if fixed[p] >= 0:
                    if c != fixed[p]:
                        continue
                    x = alpha[p, s]
                else:
                    x = alpha[p, s] + weights[p, c]
                    if x == -np.inf:
                        continue
                alpha[p + 1, to] = log_add(alpha[p + 1, to], x)
                mass[p, c] = log_add(mass[p, c], x + beta[p + 1, to])


@njit(cache=True, nogil=True)
def log_add(a, b):
    """log(exp(a) + exp(b))"""
    if a < b:
        a, b = b, a
    if b == -np.inf or b - a < -NEGLIGIBLE:
        return a
    return a + math.log1p(math.exp(b - a))


@njit(cache=True, nogil=True)
def backward_maxima(row_first, row_class, row_to, alive, fixed, weights, beta, choice):
    """As ``backward_sums`` with the greatest instead of the sum; choice int32[L, n]: the edge taken, -1 none."""
    length = len(fixed)
    for p in range(length - 1, -1, -1):
        for s in range(beta.shape[1]):
            beta[p, s] = -np.inf
            choice[p, s] = -1
            if not alive[p, s]:
                continue
            top = -np.inf
            for i in range(row_first[s], row_first[s + 1]):
                behind = beta[p + 1, row_to[i]]
                if behind == -np.inf:
                    continue
                c = row_class[i]
                if fixed[p] >= 0:
                    if c != fixed[p]:
                        continue
                    x = behind
                else:
                    x = behind + weights[p, c]
                if x > top:
                    top = x
                    choice[p, s] = i
            beta[p, s] = top


@njit(cache=True, nogil=True)
def draw_path(row_first, row_class, row_to, fixed, weights, beta, uniforms, classes):
    """Draw the classes of one text: uniforms float64[L] in [0, 1), classes int32[L] filled; from state 0."""
    s = 0
    for p in range(len(fixed)):
        left = uniforms[p]
        chosen = -1
        for i in range(row_first[s], row_first[s + 1]):
            behind = beta[p + 1, row_to[i]]
            c = row_class[i]
            if behind == -np.inf:
                continue
            if fixed[p] >= 0:
                if c == fixed[p]:
                    chosen = i
                    break
                continue
            if weights[p, c] == -np.inf:
                continue
            chosen = i  # of the last one on, rounding is left over
            left -= math.exp(weights[p, c] + behind - beta[p, s])
            if left < 0.0:
                break
        classes[p] = row_class[chosen]
        s = row_to[chosen]
