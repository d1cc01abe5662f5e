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


def paths(
    edges_of: Callable[[int], Sequence[tuple[int, int]]],
    accept: Sequence[bool],
    allowed: Sequence[dict[int, float]],
    state: int = 0,
) -> list[tuple[tuple[int, ...], float]]:
    """All ways from a state through positions to an accepting state: the classes, and their summed log weight.

    Args:
        edges_of: (class, state after it) of a state.
        accept: for each state.
        allowed: for each position the classes that may stand there, with log weights.
    """
    if not allowed:
        return [((), 0.0)] if accept[state] else []
    return [
        ((c, *rest), weight + allowed[0][c])
        for c, to in edges_of(state)
        if c in allowed[0]
        for rest, weight in paths(edges_of, accept, allowed[1:], to)
    ]


def fewest(
    edges_of: Callable[[int], Sequence[int]], ahead: Sequence[int], least: int, most: int, never: int
) -> list[int]:
    """For each state the least of n plus ``ahead`` of a state n edges on, over all n from ``least`` to ``most``."""
    found = []
    for state in range(len(ahead)):
        reached, best = {state}, never
        for n in range(most + 1):
            if n >= least:
                best = min([best, *(n + ahead[s] for s in reached)])
            reached = {to for s in reached for to in edges_of(s)}
        found.append(best)
    return found


def after(
    given: set[int], step: tuple[int, int], pairs: Sequence[set[tuple[int, int]]], maps: Sequence[dict[int, int]]
) -> set[int]:
    """The states behind a step; its kind: 0 a token of a class, 1 a text, 2 any class, 3 that or none, 4 any number.

    Args:
        given: the states before it.
        step: kind and value.
        pairs: for each class (state, state after it).
        maps: for each text the state after each state, -1 none.
    """
    kind, value = step
    if kind == 0:
        return {to for s, to in (pairs[value] if value >= 0 else set()) if s in given}
    if kind == 1:
        return {maps[value][s] for s in given if maps[value][s] >= 0}
    near = {to for s, to in set().union(*pairs) if s in given}
    if kind == 4:
        return given if near <= given else after(given | near, step, pairs, maps)
    return near | given if kind == 3 else near
