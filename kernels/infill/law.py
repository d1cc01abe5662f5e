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
#: In a sum above this, of products of numbers up to 1, those that float64 cannot hold are NEGLIGIBLE.
SURE = 1e-200
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
def gather(logits, live, top, out):
    """``logits[live] - top`` into ``out``, float32[*]."""
    for i in range(len(live)):
        out[i] = logits[live[i]] - top


@njit(cache=True, nogil=True)
def class_sums(logits, live, live_class, top, weights, out):
    """For each class the log of its summed weights.

    Args:
        logits: float32[V]; one position.
        live, live_class: int32[*]; tokens, and the class of each.
        top: what sums are relative to.
        weights: float32[*]; ``exp(logits[live] - top)``, good enough for classes whose sum is not tiny.
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
    for i in range(len(live)):
        c = live_class[i]
        most[c] = max(most[c], np.float64(logits[live[i]]))
    for i in range(len(live)):
        c = live_class[i]
        if np.isnan(out[c]) and most[c] > -np.inf:
            total[c] += math.exp(np.float64(logits[live[i]]) - most[c])
    for c in range(len(out)):
        if np.isnan(out[c]):
            out[c] = most[c] - top + math.log(total[c]) if total[c] > 0.0 else -np.inf


@njit(cache=True, nogil=True)
def backward_sums(row_first, row_class, row_to, alive, fixed, weights, beta):
    """For each boundary and state the log of the weight of all ways to the end.

    Sums are over plain numbers, relative to the greatest of a boundary. Where one is so small that numbers under the
    least float64 may count, it is made again over logs.

    Args:
        row_first, row_class, row_to: the token graph by states.
        alive: bool[L + 1, n].
        fixed: int32[L]; the class of the token that is fixed at a position, or -1.
        weights: float64[L, classes]; log weights, not looked at where a position is fixed; -inf: not allowed.
        beta: float64[L + 1, n]; the last row is given, the others are filled; -inf where not alive.
    """
    n = beta.shape[1]
    ahead = np.empty(n)
    share = np.empty(weights.shape[1])
    top = relative(beta[len(fixed)], ahead)
    totals = np.zeros(n)
    for p in range(len(fixed) - 1, -1, -1):
        if fixed[p] < 0:
            top += relative(weights[p], share)
        else:
            share[:] = 0.0
            share[fixed[p]] = 1.0
        most = 0.0
        for s in range(n):
            total = 0.0
            beta[p, s] = -np.inf
            if alive[p, s]:
                for i in range(row_first[s], row_first[s + 1]):
                    total += share[row_class[i]] * ahead[row_to[i]]
                if total > SURE:
                    beta[p, s] = top + math.log(total)
                else:
                    beta[p, s] = log_sum(row_first, row_class, row_to, s, fixed[p], weights[p], beta[p + 1])
                    total = math.exp(beta[p, s] - top) if beta[p, s] > -np.inf else 0.0
            totals[s] = total
            most = max(most, total)
        if most > SURE:
            for s in range(n):
                ahead[s] = totals[s] / most
            top += math.log(most)
        else:
            top = relative(beta[p], ahead)


@njit(cache=True, nogil=True)
def relative(row, out):
    """``exp(row - max)`` into ``out``; returns the greatest, 0 where all are -inf."""
    top = -np.inf
    for s in range(len(row)):
        top = max(top, row[s])
    if top == -np.inf:
        out[:] = 0.0
        return 0.0
    for s in range(len(row)):
        out[s] = math.exp(row[s] - top)
    return top


@njit(cache=True, nogil=True)
def log_sum(row_first, row_class, row_to, s, fixed, weights, behind):
    """One number of ``backward_sums``, over logs; ``weights`` and ``behind`` are rows of its arguments."""
    top = -np.inf
    total = 0.0
    for i in range(row_first[s], row_first[s + 1]):
        c = row_class[i]
        x = behind[row_to[i]]
        if fixed < 0:
            x += weights[c]
        elif c != fixed:
            continue
        if x == -np.inf:
            continue
        if x > top:
            total = total * math.exp(top - x) + 1.0 if top - x > -NEGLIGIBLE else 1.0
            top = x
        elif x - top > -NEGLIGIBLE:
            total += math.exp(x - top)
    return top + math.log(total) if total > 0.0 else -np.inf


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
