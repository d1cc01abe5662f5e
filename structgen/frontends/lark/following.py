"""Which symbols can stand next to each other in a context-free grammar.

Receives rules, as sequences of symbols; returns the pairs. A symbol is a rule if it has rules, else a terminal.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

S = TypeVar("S", bound=Hashable)

#: Mappings are invariant in their keys, hence Any.
Rules = Mapping[Any, Sequence[Sequence[S]]]


def nullable(rules: Rules[S]) -> set[S]:
    """The rules that derive the empty text."""
    result: set[S] = set()
    changed = True
    while changed:
        changed = False
        for name, alternatives in rules.items():
            if name not in result and any(all(s in result for s in a) for a in alternatives):
                result.add(name)
                changed = True
    return result


def firsts(rules: Rules[S], empty: set[S], backwards: bool = False) -> dict[S, set[S]]:
    """The terminals with which the texts of each rule begin (or end)."""
    result: dict[S, set[S]] = {name: set() for name in rules}
    changed = True
    while changed:
        changed = False
        for name, alternatives in rules.items():
            mine = result[name]
            before = len(mine)
            for alternative in alternatives:
                for symbol in reversed(alternative) if backwards else alternative:
                    if symbol in result:
                        mine |= result[symbol]
                    else:
                        mine.add(symbol)
                    if symbol not in empty:
                        break
            changed = changed or len(mine) > before
    return result


def successors(rules: Rules[S]) -> dict[S, set[S]]:
    """For each terminal the terminals that may stand directly behind it."""
    empty = nullable(rules)
    first, last = firsts(rules, empty), firsts(rules, empty, backwards=True)
    result: dict[S, set[S]] = {}
    for alternatives in rules.values():
        for alternative in alternatives:
            for i, symbol in enumerate(alternative):
                behind: set[S] = set()
                for following in alternative[i + 1 :]:
                    behind |= first.get(following, {following})
                    if following not in empty:
                        break
                if behind:
                    for terminal in last.get(symbol, {symbol}):
                        result.setdefault(terminal, set()).update(behind)
    return result
