"""The most probable text of a product law under a finite automaton: Numba kernels. See :mod:`.law` for the arrays."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def class_maxima(logits, slots, live, live_class, allowed, best, token):
    """For each slot and class the greatest logit and the token that has it (the lowest of equals).

    Args:
        logits: float32[L, V]. slots: int64[S].
        live, live_class: int32[*]; tokens, ascending so that memory is read in order, and the class of each.
        allowed: bool[classes].
        best: float64[S, classes]; gets the greatest logit, -inf for classes that are empty or not allowed.
        token: int32[S, classes]; gets the token, -1 where there is none above -inf.
    """
    best[:, :] = -np.inf
    token[:, :] = -1
    for r in range(len(slots)):
        row = logits[slots[r]]
        for i in range(len(live)):
            x = row[live[i]]
            c = live_class[i]
            if x > best[r, c] and allowed[c]:
                best[r, c] = x
                token[r, c] = live[i]


@njit(cache=True, nogil=True)
def bundle_maxima(best, bundle_first, bundle_class, top, which):
    """For each slot and bundle the greatest of its classes: top float64[S, bundles]; which int32[S, bundles]."""
    for r in range(best.shape[0]):
        for b in range(top.shape[1]):
            top[r, b] = -np.inf
            which[r, b] = -1
            for i in range(bundle_first[b], bundle_first[b + 1]):
                c = bundle_class[i]
                if best[r, c] > top[r, b]:
                    top[r, b] = best[r, c]
                    which[r, b] = c


@njit(cache=True, nogil=True)
def backward_maxima(
    pair_first, pair_bundle, pair_to, first, states, targets, forward, backward, fixed, top, beta, choice
):
    """For each boundary and state that is alive the weight of the best way to the end.

    Args:
        pair_first .. backward: as for ``backward_sums``.
        fixed: int32[L].
        top: float64[S, bundles].
        beta: float64[L + 1, n]; the last row is given, the others are filled where states are alive.
        choice: int32[L, n]; gets the pair taken, where a position is fixed the entry of the class's column; -1 none.
    """
    r = top.shape[0]
    for p in range(len(fixed) - 1, -1, -1):
        c = fixed[p]
        if c >= 0:
            for i in range(first[c], first[c + 1]):
                s = states[i]
                if (forward[p, s >> 3] & backward[p, s >> 3]) >> (s & 7) & 1:
                    beta[p, s] = beta[p + 1, targets[i]]
                    choice[p, s] = i
            continue
        r -= 1
        for w in range(forward.shape[1]):
            flags = forward[p, w] & backward[p, w]
            s = 8 * w
            while flags:
                if flags & 1:
                    most = -np.inf
                    edge = -1
                    for i in range(pair_first[s], pair_first[s + 1]):
                        to = pair_to[i]
                        if backward[p + 1, to >> 3] >> (to & 7) & 1:
                            x = top[r, pair_bundle[i]] + beta[p + 1, to]
                            if x > most:
                                most = x
                                edge = i
                    beta[p, s] = most
                    choice[p, s] = edge
                flags >>= 1
                s += 1


@njit(cache=True, nogil=True)
def best_path(pair_bundle, pair_to, targets, fixed, which, choice, classes):
    """The classes of the best text, from state 0: int32[L], filled."""
    s = 0
    r = -1
    for p in range(len(fixed)):
        edge = choice[p, s]
        if fixed[p] >= 0:
            classes[p] = fixed[p]
            s = targets[edge]
        else:
            r += 1
            classes[p] = which[r, pair_bundle[edge]]
            s = pair_to[edge]
