"""Lossless accept and reject of drafted tokens: Numba kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def target_law(logits, rows, row, heat, cut, out):
    """Probabilities of one place: float64[C] into out; all 0 where no token has a chance."""
    best = -np.inf
    at = -1
    for t in range(len(logits)):
        allowed = row < 0 or (t >> 5 < rows.shape[1] and (rows[row, t >> 5] >> (t & 31)) & 1 != 0)
        out[t] = logits[t] if allowed and logits[t] >= cut else -np.inf
        if out[t] > best:
            best = out[t]
            at = t
    if heat == 0.0:
        out[:] = 0.0
        if at >= 0:
            out[at] = 1.0
        return
    normalised(out, 1.0 / heat, best)


@njit(cache=True, nogil=True)
def normalised(out, scale, best):
    """exp(scale * (out - best)), summing to 1, in place; 0 where best is minus infinity."""
    total = 0.0
    for t in range(len(out)):
        out[t] = np.exp((out[t] - best) * scale) if out[t] > -np.inf else 0.0
        total += out[t]
    if total > 0.0:
        for t in range(len(out)):
            out[t] /= total


@njit(cache=True, nogil=True)
def accept(
    logits, tokens, parents, uniforms, draft, sure, rows, indices, temperature, cuts, counts, chosen_nodes, chosen
):
    """See :func:`structgen.kernels.accept.accept`; the last three are written."""
    nodes = tokens.shape[1]
    law = np.empty(logits.shape[2], dtype=np.float64)
    other = np.zeros(logits.shape[2], dtype=np.float64)
    for b in range(len(tokens)):
        at = -1
        count = 0
        chosen_nodes[b, :] = -1
        chosen[b, :] = -1
        target_law(logits[b, 0], rows, np.int64(indices[b, 0]), np.float64(temperature[b]), cuts[b, 0], law)
        for i in range(nodes):
            token = tokens[b, i]
            if token < 0 or parents[b, i] != at:
                continue
            if sure:
                other[:] = 0.0
                other[token] = 1.0
            else:
                other[:] = draft[b, i]
                normalised(other, 1.0, other.max())
            taken = uniforms[b, i] * other[token] < law[token]
            if not taken:
                total = 0.0
                for t in range(len(law)):
                    total += max(law[t] - other[t], 0.0)
                if total > 0.0:
                    for t in range(len(law)):
                        law[t] = max(law[t] - other[t], 0.0) / total
                else:  # the laws are equal, and rounding alone rejected
                    taken = law[token] > 0.0
            if taken:
                at = i
                chosen_nodes[b, count] = i
                chosen[b, count] = token
                count += 1
                place = i + 1
                target_law(
                    logits[b, place], rows, np.int64(indices[b, place]), np.float64(temperature[b]), cuts[b, place], law
                )
        counts[b] = count
        goal = np.float64(uniforms[b, nodes]) * law.sum()
        total = 0.0
        for t in range(len(law)):
            total += law[t]
            if law[t] > 0.0:
                chosen[b, count] = t
                if total > goal:
                    break
