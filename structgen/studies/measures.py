"""How far samples are from the target, and how good they are.

Receives samples with weights; returns numbers. ``KL(samples || P)`` of the samples' own law to the model's is
``KL(samples || pi) - log Z``: the distance to the target up to a constant of the problem, which is added when log Z
is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from structgen.sampling import Samples


def merged(samples: Sequence[Samples], weighted: bool) -> dict[tuple[int, ...], tuple[float, float, bytes]]:
    """The law of samples over token sequences: for each its share, its log P, its text. The dead are left out.

    ``weighted``: by their weights; else every sample alive counts once.
    """
    log_weights = np.concatenate([np.zeros(0), *(part.log_weights for part in samples)])
    if not weighted:
        log_weights = np.where(log_weights > -np.inf, 0.0, -np.inf)
    best = log_weights.max(initial=-np.inf)
    if best == -np.inf:
        return {}
    shares = np.exp(log_weights - best)
    shares /= shares.sum()
    law: dict[tuple[int, ...], tuple[float, float, bytes]] = {}
    rows = [row for part in samples for row in zip(part.tokens, part.log_probs.tolist(), part.texts, strict=True)]
    for (tokens, log_p, text), share in zip(rows, shares.tolist(), strict=True):
        if share > 0.0:
            before = law.get(tuple(tokens), (0.0, log_p, text))[0]
            law[tuple(tokens)] = (before + share, log_p, text)
    return law


def divergence(law: dict[tuple[int, ...], tuple[float, float, bytes]]) -> float:
    """``KL(law || P)`` in nats: log Z less than the divergence from the target."""
    return float(sum(share * (np.log(share) - log_p) for share, log_p, _ in law.values()))


def mean_log_p(law: dict[tuple[int, ...], tuple[float, float, bytes]]) -> float:
    """The mean of log P under a law."""
    return float(sum(share * log_p for share, log_p, _ in law.values()))
