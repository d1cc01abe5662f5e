"""The fused draw: Numba kernel. Same law and same noise as the Triton kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.noise import gumbel

#: Domains of the noise.
TOKEN, WHOLE_TILE = 0, 1


@njit(cache=True, nogil=True)
def cut_of(values, scale, k, p, least):
    """The least of ``values`` (float32[n], n > 0, not infinite) that top-k, then top-p, then min-p keep."""
    ordered = np.sort(values)[::-1]
    n = len(ordered)
    if 0 < k < n:
        while k < n and ordered[k] == ordered[k - 1]:  # ties are kept together
            k += 1
        n = k
    top = np.float64(ordered[0])
    if p < 1.0:
        total = 0.0
        for i in range(n):
            total += np.exp((np.float64(ordered[i]) - top) * scale)
        mass = 0.0
        for i in range(n):
            mass += np.exp((np.float64(ordered[i]) - top) * scale)
            if mass >= p * total:
                n = i + 1
                break
    cut = ordered[n - 1]
    if least > 0.0:
        lowest = top + np.log(least) / scale
        for i in range(n):
            if ordered[i] < lowest:
                break
            cut = ordered[i]
    return cut


@njit(cache=True, nogil=True)
def sample(
    logits, seeds, steps, rows, indices, temperature, top_k, top_p, min_p, mass, tile, tokens, logprobs, logmass, cuts
):
    """See :func:`structgen.kernels.sample.sample`; the last four are written.

    A tile is drawn by its sum with Gumbel noise, then a token in it by its logit with Gumbel noise: the Gumbel-max
    draw in two stages, so that noise is made for few numbers.
    """
    columns = logits.shape[1]
    kept = np.empty(columns, dtype=np.int32)
    values = np.empty(columns, dtype=np.float32)
    for b in range(logits.shape[0]):
        scale = 1.0 / np.float64(temperature[b]) if temperature[b] > 0.0 else 1.0
        n = 0
        bad = False
        best = -np.inf
        for t in range(columns):
            if indices[b] >= 0:
                word = rows[indices[b], t >> 5] if t >> 5 < rows.shape[1] else 0
                if (word >> (t & 31)) & 1 == 0:
                    continue
            x = logits[b, t]
            if np.isnan(x) or x == np.inf:
                bad = True
            if x > -np.inf:
                kept[n] = t
                values[n] = x
                best = max(best, x)
                n += 1
        tokens[b] = -1
        logprobs[b] = np.nan
        logmass[b] = np.nan
        cuts[b] = -np.inf
        if bad or n == 0:
            continue
        allowed = 0.0
        for i in range(n):
            allowed += np.exp((np.float64(values[i]) - best) * scale)
        norm = np.log(allowed) + best * scale
        if mass:
            logmass[b] = norm - log_sum(logits[b], scale)
        if temperature[b] == 0.0:
            for i in range(n):
                if values[i] == best:
                    tokens[b] = kept[i]
                    logprobs[b] = best - norm
                    break
            continue
        if 0 < top_k[b] or top_p[b] < 1.0 or min_p[b] > 0.0:
            cuts[b] = cut_of(values[:n], scale, np.int64(top_k[b]), np.float64(top_p[b]), np.float64(min_p[b]))
            allowed = 0.0
            for i in range(n):
                if values[i] >= cuts[b]:
                    allowed += np.exp((np.float64(values[i]) - best) * scale)
            norm = np.log(allowed) + best * scale
        # the tile
        first = last = 0
        chosen = -np.inf
        i = 0
        while i < n:
            number = kept[i] // tile
            begin = i
            total = 0.0
            while i < n and kept[i] // tile == number:
                if values[i] >= cuts[b]:
                    total += np.exp((np.float64(values[i]) - best) * scale)
                i += 1
            if total > 0.0:
                score = np.log(total) + gumbel(seeds[b], number, steps[b], WHOLE_TILE)
                if score > chosen:
                    chosen, first, last = score, begin, i
        # the token
        chosen = -np.inf
        for i in range(first, last):
            if values[i] >= cuts[b]:
                score = np.float64(values[i]) * scale + gumbel(seeds[b], kept[i], steps[b], TOKEN)
                if score > chosen:
                    chosen = score
                    tokens[b] = kept[i]
                    logprobs[b] = np.float64(values[i]) * scale - norm


@njit(cache=True, nogil=True)
def log_sum(values, scale):
    """log of the sum of exp(scale * values). NaN if one is NaN or infinity."""
    top = -np.inf
    for x in values:
        if np.isnan(x) or x == np.inf:
            return np.nan
        top = max(top, np.float64(x))
    total = 0.0
    for x in values:
        total += np.exp((np.float64(x) - top) * scale)
    return np.log(total) + top * scale
