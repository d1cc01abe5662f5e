"""Fewest tokens that spell a byte string: the reference."""

from __future__ import annotations

from collections.abc import Iterable


def spell(text: bytes, tokens: Iterable[bytes], never: int) -> list[int]:
    """For each i of ``range(len(text) + 1)`` the least number of tokens that make ``text[i:]``."""
    words = {token for token in tokens if token}
    costs = [never] * len(text) + [0]
    for i in range(len(text) - 1, -1, -1):
        for word in words:
            if text.startswith(word, i):
                costs[i] = min(costs[i], costs[i + len(word)] + 1)
    return costs
