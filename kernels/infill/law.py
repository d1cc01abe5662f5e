"""Product laws over positions, conditioned on a finite automaton: Numba kernels.

The slots of a canvas are numbered from left to right; slot r holds a token with log weight ``scale * (logits - top)``,
``top`` being the greatest of its row. States are alive at a boundary that are in both sets of bits, ``forward`` and
``backward`` (see :mod:`structgen.kernels.infill.steps`). A state's edges are pairs of a state behind it and a *bundle*
of classes that lead there (:func:`structgen.kernels.infill.graph.bundles`), so a class counts once for all states.

Sums are plain numbers relative to one scale for each boundary. What is so small beside the greatest that float64 might
lose it is kept as a logarithm, so that no way to the end is lost, however unlikely.
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
#: Logarithms from here on are plain numbers again.
PLAIN = -300.0


@njit(cache=True, nogil=True)
def gather(logits, slots, live, tops, scale, out):
    """``scale * (logits[slots, live] - tops)`` into ``out``, float32[S, *]; see ``class_sums``."""
    for r in range(len(slots)):
        row = logits[slots[r]]
        top = tops[r]
        if top == -np.inf:
            out[r, :] = -np.inf
            continue
        for i in range(len(live)):
            out[r, i] = (row[live[i]] - top) * scale


@njit(cache=True, nogil=True)
def class_sums(logits, slots, live, live_class, allowed, tops, scale, weights, sums, logs):
    """For each slot and class the summed weight.

    Args:
        logits: float32[L, V].
        slots: int64[S]; their positions.
        live, live_class: int32[*]; tokens, ascending so that memory is read in order, and the class of each.
        allowed: bool[classes]; others get no weight.
        tops: float32[S]; the greatest logit of each row. scale: a number above 0.
        weights: float32[S, *]; ``exp(scale * (logits[slots, live] - tops))``, for classes whose sum is not tiny.
        sums: float64[S, classes]; filled.
        logs: float64[S, classes]; zeros; gets the logarithms of tiny sums, -inf for empty ones.
    """
    n_classes = sums.shape[1]
    for r in range(len(slots)):
        row = sums[r]
        row[:] = 0.0
        for i in range(len(live)):
            row[live_class[i]] += weights[r, i]
        tiny = False
        for c in range(n_classes):
            if not allowed[c]:
                row[c] = 0.0
                logs[r, c] = -np.inf
            elif row[c] <= TINY:
                tiny = True
        if tiny:
            again(logits[slots[r]], live, live_class, allowed, np.float64(tops[r]), scale, row, logs[r])


@njit(cache=True, nogil=True)
def again(logits, live, live_class, allowed, top, scale, sums, logs):
    """Make the tiny sums of one slot again, over logarithms."""
    most = np.full(len(sums), -np.inf)
    total = np.zeros(len(sums))
    for i in range(len(live)):
        c = live_class[i]
        most[c] = max(most[c], np.float64(logits[live[i]]))
    for i in range(len(live)):
        c = live_class[i]
        if sums[c] <= TINY and most[c] > -np.inf:
            total[c] += math.exp(scale * (np.float64(logits[live[i]]) - most[c]))
    for c in range(len(sums)):
        if allowed[c] and sums[c] <= TINY:
            logs[c] = scale * (most[c] - top) + math.log(total[c]) if total[c] > 0.0 else -np.inf
            sums[c] = math.exp(logs[c]) if logs[c] > -700.0 else 0.0


@njit(cache=True, nogil=True)
def bundle_sums(sums, bundle_first, bundle_class, shares):
    """For each slot and bundle the sum of its classes: float64[S, bundles], filled."""
    for r in range(sums.shape[0]):
        for b in range(shares.shape[1]):
            total = 0.0
            for i in range(bundle_first[b], bundle_first[b + 1]):
                total += sums[r, bundle_class[i]]
            shares[r, b] = total


@njit(cache=True, nogil=True)
def class_log(sums, logs, c):
    """The logarithm of one class's sum; rows of one slot."""
    return math.log(sums[c]) if sums[c] > TINY else logs[c]


@njit(cache=True, nogil=True)
def bundle_log(share, sums, logs, bundle_first, bundle_class, b):
    """The logarithm of one bundle's sum; rows of one slot."""
    if share > TINY:
        return math.log(share)
    total = -np.inf
    for i in range(bundle_first[b], bundle_first[b + 1]):
        total = log_add(total, class_log(sums, logs, bundle_class[i]))
    return total


@njit(cache=True, nogil=True)
def state_log(values, far, s):
    """The logarithm of what a state's ways to the end weigh, relative to the scale of its boundary."""
    if values[s] > 0.0:
        return math.log(values[s])
    return far[s] if far[s] < 0.0 else -np.inf


@njit(cache=True, nogil=True)
def log_sum(pair_first, pair_bundle, pair_to, bundle_first, bundle_class, s, share, sums, logs, values, far):
    """What one state's ways weigh, as a logarithm; rows of a slot and of the boundary behind it."""
    total = -np.inf
    for i in range(pair_first[s], pair_first[s + 1]):
        x = state_log(values, far, pair_to[i])
        if x > -np.inf:
            b = pair_bundle[i]
            total = log_add(total, x + bundle_log(share[b], sums, logs, bundle_first, bundle_class, b))
    return total


@njit(cache=True, nogil=True)
def backward_sums(
    pair_first, pair_bundle, pair_to, bundle_first, bundle_class, first, states, targets, forward, backward, fixed,
    sums, logs, shares, values, far, scales,
):  # fmt: skip
    """For each boundary and state the weight of all ways to the end.

    Args:
        pair_first .. bundle_class: the token graph by states, see ``bundles``.
        first, states, targets: the same by classes.
        forward, backward: uint8[L + 1, *].
        fixed: int32[L]; the class of the token that is fixed at a position, or -1 for a slot.
        sums, logs, shares: of the slots.
        values: float64[L + 1, n], zeros but for the last row; filled.
        far: float64[L + 1, n], zeros; gets the logarithms, negative, of what has no place in ``values``.
        scales: float64[L + 1]; the logarithm of what both are relative to; the last is given, the others are filled.
    """
    r = shares.shape[0]
    for p in range(len(fixed) - 1, -1, -1):
        scales[p] = scales[p + 1]
        here = values[p]
        ahead = values[p + 1]
        c = fixed[p]
        if c >= 0:
            for i in range(first[c], first[c + 1]):
                s = states[i]
                if (forward[p, s >> 3] & backward[p, s >> 3]) >> (s & 7) & 1:
                    here[s] = ahead[targets[i]]
                    if here[s] == 0.0:
                        far[p, s] = far[p + 1, targets[i]]
            continue
        r -= 1
        share = shares[r]
        most = 0.0
        lost = False
        for w in range(forward.shape[1]):
            flags = forward[p, w] & backward[p, w]
            s = 8 * w
            while flags:
                if flags & 1:
                    total = 0.0
                    for i in range(pair_first[s], pair_first[s + 1]):
                        total += share[pair_bundle[i]] * ahead[pair_to[i]]
                    here[s] = total
                    most = max(most, total)
                    lost |= total <= SURE
                flags >>= 1
                s += 1
        if lost:
            mend(
                pair_first, pair_bundle, pair_to, bundle_first, bundle_class, forward[p], backward[p], share, sums[r],
                logs[r], here, ahead, far[p], far[p + 1], scales, p,
            )  # fmt: skip
        elif most < 1e-50 or most > 1e50:
            for s in range(len(here)):
                here[s] /= most
            scales[p] += math.log(most)


@njit(cache=True, nogil=True)
def mend(
    pair_first, pair_bundle, pair_to, bundle_first, bundle_class, forward, backward, share, sums, logs, here, ahead,
    far_here, far_ahead, scales, p,
):  # fmt: skip
    """Make one boundary of ``backward_sums`` again where some sums may have lost terms."""
    top = -np.inf
    for s in range(len(here)):
        far_here[s] = 0.0
        if (forward[s >> 3] & backward[s >> 3]) >> (s & 7) & 1:
            if here[s] > SURE:
                far_here[s] = math.log(here[s])
            else:
                far_here[s] = log_sum(
                    pair_first, pair_bundle, pair_to, bundle_first, bundle_class, s, share, sums, logs, ahead, far_ahead
                )
            top = max(top, far_here[s])
    for s in range(len(here)):
        here[s] = 0.0
        if (forward[s >> 3] & backward[s >> 3]) >> (s & 7) & 1:
            x = far_here[s] - top if far_here[s] > -np.inf else -np.inf
            far_here[s] = 0.0
            if x > PLAIN:
                here[s] = math.exp(x)
            elif x > -np.inf:
                far_here[s] = x
    if top > -np.inf:
        scales[p] += top


@njit(cache=True, nogil=True)
def forward_sums(row_first, row_class, row_to, fixed, weights, beta, alpha, mass):
    """The log weights of all ways from the start, and of all texts with a class at a position.

    Args:
        row_first, row_class, row_to: the token graph by states, class by class.
        weights: float64[L, classes]; logarithms.
        beta: float64[L + 1, n]; logarithms of what ``backward_sums`` finds.
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
def draw_path(
    pair_first, pair_bundle, pair_to, bundle_first, bundle_class, first, states, targets, fixed, sums, logs, shares,
    values, far, uniforms, classes,
):  # fmt: skip
    """Draw the classes of one text, from state 0.

    Args:
        others: as for ``backward_sums``, which has filled them; there is a text.
        uniforms: float64[L, 2], in [0, 1).
        classes: int32[L]; filled.
    """
    s = 0
    r = -1
    for p in range(len(fixed)):
        c = fixed[p]
        if c >= 0:
            classes[p] = c
            for i in range(first[c], first[c + 1]):
                if states[i] == s:
                    s = targets[i]
                    break
            continue
        r += 1
        ahead = values[p + 1]
        behind = far[p + 1]
        share = shares[r]
        total = 0.0
        for i in range(pair_first[s], pair_first[s + 1]):
            total += share[pair_bundle[i]] * ahead[pair_to[i]]
        plain = total > SURE
        whole = 0.0
        if not plain:
            whole = log_sum(
                pair_first, pair_bundle, pair_to, bundle_first, bundle_class, s, share, sums[r], logs[r], ahead, behind
            )
            total = 1.0
        left = uniforms[p, 0] * total
        chosen = -1
        for i in range(pair_first[s], pair_first[s + 1]):
            b = pair_bundle[i]
            if plain:
                weight = share[b] * ahead[pair_to[i]]
            else:
                x = state_log(ahead, behind, pair_to[i])
                weight = 0.0
                if x > -np.inf:
                    x += bundle_log(share[b], sums[r], logs[r], bundle_first, bundle_class, b)
                    weight = math.exp(x - whole)
            if weight > 0.0:
                chosen = i  # of the last one on, rounding is left over
                left -= weight
                if left < 0.0:
                    break
        s = pair_to[chosen]
        b = pair_bundle[chosen]
        classes[p] = draw_class(share[b], sums[r], logs[r], bundle_first, bundle_class, b, uniforms[p, 1])


@njit(cache=True, nogil=True)
def draw_class(share, sums, logs, bundle_first, bundle_class, b, uniform):
    """One of the classes of a bundle by their weights; rows of one slot."""
    plain = share > TINY
    whole = 0.0 if plain else bundle_log(share, sums, logs, bundle_first, bundle_class, b)
    left = uniform * share if plain else uniform
    chosen = -1
    for i in range(bundle_first[b], bundle_first[b + 1]):
        c = bundle_class[i]
        weight = sums[c] if plain else math.exp(class_log(sums, logs, c) - whole)
        if weight > 0.0:
            chosen = c
            left -= weight
            if left < 0.0:
                break
    return chosen


@njit(cache=True, nogil=True)
def draw_tokens(logits, slots, classes, member_first, members, scale, uniforms, tokens):
    """For each slot one of the tokens of a class by their weights.

    Args:
        logits: float32[L, V]. slots: int64[S]. classes: int32[L]; of all positions.
        member_first, members: the tokens of each class.
        uniforms: float64[S], in [0, 1).
        tokens: int64[L]; filled at the slots.
    """
    for r in range(len(slots)):
        row = logits[slots[r]]
        c = classes[slots[r]]
        begin = member_first[c]
        end = member_first[c + 1]
        top = -np.inf
        for i in range(begin, end):
            top = max(top, np.float64(row[members[i]]))
        total = 0.0
        if end - begin > 1:
            for i in range(begin, end):
                total += math.exp(scale * (np.float64(row[members[i]]) - top))
        left = uniforms[r] * total
        chosen = members[begin]
        for i in range(begin, end):
            if end - begin == 1:
                break
            weight = math.exp(scale * (np.float64(row[members[i]]) - top))
            if weight > 0.0:
                chosen = members[i]
                left -= weight
                if left < 0.0:
                    break
        tokens[slots[r]] = chosen
