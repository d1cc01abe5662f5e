"""Mask rows of many states of a byte automaton: the reference."""

from __future__ import annotations


def build_rows(
    delta: list[list[int]],
    classes: list[int],
    accept: list[bool],
    states: list[int],
    tokens: list[bytes],
    eos: list[int],
) -> list[list[int]]:
    """For each state the tokens that can be read from it, ascending, with ``eos`` where it accepts."""
    result = []
    for begin in states:
        row = set(eos) if accept[begin] else set()
        for number, token in enumerate(tokens):
            state = begin
            for byte in token:
                state = delta[state][classes[byte]] if state >= 0 else -1
            if token and state >= 0:
                row.add(number)
        result.append(sorted(row))
    return result
