"""References for the kernels of infilling, on Python sets and byte strings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: The state after a byte, or None.
StepFunction = Callable[[int, int], "int | None"]


def edges(tokens: Sequence[bytes | None], step: StepFunction, states: Sequence[int]) -> set[tuple[int, int, int]]:
    """All (state, token, state after it), for tokens that have a text."""
    found = set()
    for state in states:
        for token, text in enumerate(tokens):
            at: int | None = state
            for byte in text or b"":
                at = None if at is None else step(at, byte)
            if text and at is not None:
                found.add((state, token, at))
    return found
