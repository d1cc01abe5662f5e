"""Words of a language, one by one: in order of length, or at random.

Receives a :class:`~structgen.automata.dfa.Dfa`; returns words: str over code points, bytes over bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from structgen.automata.symbols import BYTES

if TYPE_CHECKING:
    from structgen.automata.dfa import Dfa, RandomSource, Word


def _word(dfa: Dfa, symbols: list[int]) -> Word:
    return bytes(symbols) if dfa.alphabet == BYTES else "".join(map(chr, symbols))


def _rows(dfa: Dfa) -> list[list[tuple[int, int, int]]]:
    """For each state its edges (lo, hi, target), by symbol."""
    starts = dfa.starts.tolist()
    ends = [s - 1 for s in starts[1:]] + [dfa.alphabet - 1]
    classes = dfa.classes.tolist()
    return [
        [(lo, hi, row[c]) for lo, hi, c in zip(starts, ends, classes, strict=True) if row[c] >= 0]
        for row in dfa.delta.tolist()
    ]


def words(dfa: Dfa, limit: int | None) -> Iterator[Word]:
    """The words, shortest first, in symbol order within a length; at most ``limit`` of them."""
    left = limit
    if dfa.is_empty():
        return
    rows = _rows(dfa)
    accept = dfa.accept.tolist()
    # reach[j]: the states from which some word of exactly j more symbols is accepted
    reach = [{s for s in range(len(rows)) if accept[s]}]
    longest = dfa.max_length()
    length = 0
    while longest is None or length <= longest:
        if 0 in reach[length]:
            for symbols in _of_length(rows, reach, length):
                if left is not None:
                    if left <= 0:
                        return
                    left -= 1
                yield _word(dfa, symbols)
        previous = reach[length]
        reach.append({s for s, row in enumerate(rows) if any(t in previous for _, _, t in row)})
        length += 1


def _of_length(rows: list[list[tuple[int, int, int]]], reach: list[set[int]], length: int) -> Iterator[list[int]]:
    """The words of exactly ``length`` symbols, in order, without recursion."""
    prefix: list[int] = []

    def choices(state: int, left: int) -> Iterator[tuple[int, int]]:
        for lo, hi, target in rows[state]:
            if target in reach[left]:
                for symbol in range(lo, hi + 1):
                    yield symbol, target

    if length == 0:
        yield prefix
        return
    open_choices = [choices(0, length - 1)]
    while open_choices:
        step = next(open_choices[-1], None)
        if step is None:
            open_choices.pop()
            if prefix:
                prefix.pop()
            continue
        symbol, target = step
        prefix.append(symbol)
        left = length - len(prefix)
        if left == 0:
            yield prefix
            prefix.pop()
        else:
            open_choices.append(choices(target, left - 1))


def sample(dfa: Dfa, rng: RandomSource) -> Word | None:
    """A random walk: at an accepting state it may stop; after a while it only heads for the end."""
    if dfa.is_empty():
        return None
    rows = _rows(dfa)
    distance = dfa.distance.tolist()
    symbols: list[int] = []
    state = 0
    patience = 4 + int(60 * rng.random())
    while True:
        row = rows[state]
        hurry = len(symbols) >= patience
        if dfa.accept[state] and (not row or hurry or rng.random() < 0.25):
            return _word(dfa, symbols)
        if hurry:
            row = [edge for edge in row if distance[edge[2]] < distance[state]]
        lo, hi, state = row[int(rng.random() * len(row))]
        symbols.append(lo + int(rng.random() * (hi - lo + 1)))
