"""References for the machine's kernels, on Python sets and byte strings."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

Step = Callable[[Hashable, int], "Hashable | None"]


def row(
    tokens: Sequence[bytes | None], step: Step, accepts: Callable[[Hashable], bool], start: Hashable
) -> tuple[set[int], set[tuple[bytes, int]]]:
    """What one terminal state allows.

    Returns:
        The ids of the tokens that stay inside the terminal, and the remainders: pairs of the non-empty bytes
        that are left after the terminal may have ended inside a token, and the token's id.
    """
    inner: set[int] = set()
    remainders: set[tuple[bytes, int]] = set()
    for token, text in enumerate(tokens):
        if not text:
            continue
        state: Hashable | None = start
        for i, byte in enumerate(text):
            state = step(state, byte)
            if state is None:
                break
            if i + 1 == len(text):
                inner.add(token)
            elif accepts(state):
                remainders.add((text[i + 1 :], token))
    return inner, remainders


def mask(
    tokens: Sequence[bytes | None], step: Step, accepts: Callable[[Hashable], bool], state: Hashable, eos: Sequence[int]
) -> set[int]:
    """The mask of a configuration by stepping every token byte by byte."""
    allowed = set(eos) if accepts(state) else set()
    for token, text in enumerate(tokens):
        if not text:
            continue
        reached: Hashable | None = state
        for byte in text:
            reached = step(reached, byte)
            if reached is None:
                break
        if reached is not None:
            allowed.add(token)
    return allowed
