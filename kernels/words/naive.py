"""The minimal automaton of a finite set of byte strings: the reference, by the right languages of prefixes."""

from __future__ import annotations

from collections.abc import Iterable


def minimal(words: Iterable[bytes]) -> tuple[list[dict[int, int]], list[bool]]:
    """(edges of each state by byte, does it accept). State 0 is the start; the others come as they are met.

    Two prefixes lead to one state if and only if the same texts complete them.
    """
    every = frozenset(words)
    states = {every: 0}
    todo = [every]
    edges: list[dict[int, int]] = []
    for rest in todo:  # grows on the way
        row: dict[int, int] = {}
        for byte in sorted({text[0] for text in rest if text}):
            after = frozenset(text[1:] for text in rest if text[:1] == bytes([byte]))
            if after not in states:
                states[after] = len(states)
                todo.append(after)
            row[byte] = states[after]
        edges.append(row)
    return edges, [b"" in rest for rest in todo]


def distances(edges: list[list[int]], targets: list[bool], far: int) -> list[int]:
    """Least edges from each state to a target, by relaxation until nothing changes."""
    result = [0 if target else far for target in targets]
    while True:
        after = [
            min([d, *(1 + result[t] for t in row if result[t] < far)]) for d, row in zip(result, edges, strict=True)
        ]
        if after == result:
            return result
        result = after
