"""A finite automaton over tokens as a list of dicts: the reference."""

from __future__ import annotations

from typing import Any


def edges(automaton: Any) -> list[dict[int, int]]:
    """The next state by token, of each state, out of the arrays as their description says."""
    first, tokens, after, row, default, table, rows, tables = (array.tolist() for array in automaton.arrays)
    result = []
    for s in range(len(row)):
        found: dict[int, int] = {}
        if table[s] >= 0:
            found = {t: to for t, to in enumerate(tables[table[s]]) if to >= 0}
        elif row[s] >= 0:
            bits = rows[row[s]]
            found = {t: default[s] for t in range(automaton.size) if bits[t // 32] >> (t % 32) & 1}
        found |= {tokens[e]: after[e] for e in range(first[s], first[s + 1])}
        result.append(found)
    return result


def advance(rows: list[dict[int, int]], states: list[int], tokens: list[int]) -> list[int]:
    return [s if s < -1 else -1 if s < 0 else rows[s].get(t, -1) for s, t in zip(states, tokens, strict=True)]
