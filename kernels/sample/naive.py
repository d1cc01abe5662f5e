"""The fused draw: the reference, in float64 with torch and plain Python integers. For CPU tensors."""

from __future__ import annotations

import math
from typing import Any


def philox(seed: int, index: int, step: int, domain: int) -> int:
    """The first 32 bits of Philox 4x32-10 (Salmon et al., SC 2011)."""
    low = (1 << 32) - 1
    k0, k1 = seed & low, (seed >> 32) & low
    c = [index & low, step & low, domain, 0]
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & low, (a >> 32) ^ c[3] ^ k1, a & low]
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c[0]


def gumbel(seed: int, index: int, step: int, domain: int) -> float:
    return -math.log(-math.log1p(-(philox(seed, index, step, domain) + 0.5) / 2**32))


def law(logits: Any, allowed: Any, temperature: float, k: int, p: float, least: float) -> Any:
    """float64[C]: log-probabilities of the law of one sequence; minus infinity where a token is not in it.

    Temperature, mask, top-k, top-p of what is left, min-p of what is left; ties are kept together.
    """
    scaled = logits.double() / (temperature or 1.0)
    scaled[~allowed] = float("-inf")
    if temperature == 0.0:
        return scaled.log_softmax(0)
    if 0 < k < int(allowed.sum()):
        scaled[scaled < scaled.sort(descending=True).values[k - 1]] = float("-inf")
    if p < 1.0:
        ordered = scaled.sort(descending=True).values
        mass = ordered.softmax(0).cumsum(0)
        last = int((mass < p).sum().clamp(max=len(mass) - 1))
        scaled[scaled < ordered[last]] = float("-inf")
    if least > 0.0:
        scaled[scaled < scaled.max() + math.log(least)] = float("-inf")
    return scaled.log_softmax(0)


def log_mass(logits: Any, allowed: Any, temperature: float) -> float:
    """log of the sum of the probabilities of the allowed tokens at this temperature (0: at temperature 1)."""
    scaled = logits.double() / (temperature or 1.0)
    return float(scaled[allowed].logsumexp(0) - scaled.logsumexp(0))


def draw(log_law: Any, seed: int, step: int, tile: int) -> tuple[int, float]:
    """A token of the law, and how close the draw was: the least lead of a winner over the next."""
    tiles = list(log_law.split(tile))
    sums = [float(part.logsumexp(0)) + gumbel(seed, i, step, 1) for i, part in enumerate(tiles)]
    chosen = max(range(len(sums)), key=sums.__getitem__)
    scores = [float(x) + gumbel(seed, chosen * tile + i, step, 0) for i, x in enumerate(tiles[chosen])]
    best = max(range(len(scores)), key=scores.__getitem__)
    leads = [a[-1] - a[-2] for a in (sorted(sums), sorted(scores)) if len(a) > 1]
    return chosen * tile + best, min(leads, default=math.inf)
