"""Sums and maxima over the texts of an automaton: the reference, by listing the texts."""

from __future__ import annotations

from collections.abc import Sequence


def texts(
    logps: Sequence[Sequence[float]], edges: Sequence[dict[int, int]], final: Sequence[float], start: int
) -> dict[tuple[int, ...], float]:
    """The log-weight of every text of ``len(logps)`` tokens that can be read from ``start``: sums of logps and final.

    Args:
        logps: [d][V]. edges: the next state by token, for each state. final: log-weight of ending in each state.
    """
    found: dict[tuple[int, ...], tuple[float, int]] = {(): (0.0, start)}
    for row in logps:
        found = {
            (*text, token): (weight + row[token], to)
            for text, (weight, state) in found.items()
            for token, to in edges[state].items()
        }
    return {text: weight + final[state] for text, (weight, state) in found.items() if weight + final[state] > -1e300}
