"""Byte automata whose arrays are made only where somebody asks for them: those that differ from others by a word, and
any of which the length of the least text is known.

Receives automata and words; returns :class:`ByteDfa`. A vocabulary's store of terminals takes them word by word: the
name of a property costs a state for each byte, and the names that have been written already are left out of "any name"
one at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from structgen.automata.bytedfa import ByteDfa, chain, from_edges, literal

_ARRAYS = ("first", "lo", "hi", "to", "accept")


class _Made(ByteDfa):
    """An automaton without a count, made when its arrays are asked for."""

    def __getattr__(self, name: str) -> Any:
        if name not in _ARRAYS:
            raise AttributeError(name)
        made = self.made()
        for each in _ARRAYS:
            object.__setattr__(self, each, getattr(made, each))
        return getattr(made, name)

    def made(self) -> ByteDfa:
        """The automaton with its arrays."""
        raise NotImplementedError


class Later(_Made):
    """What ``make`` returns, an automaton without a count whose shortest text has so many bytes."""

    def __init__(self, make: Callable[[], ByteDfa], least: int) -> None:
        object.__setattr__(self, "_make", make)
        object.__setattr__(self, "_least", least)

    _make: Callable[[], ByteDfa]
    _least: int

    def made(self) -> ByteDfa:
        return self._make()

    def min_length(self) -> int:
        return self._least


class Spelt(_Made):
    """``word``, then a text of ``then``.

    Raises:
        ValueError: ``then`` counts.
    """

    def __init__(self, word: bytes, then: ByteDfa) -> None:
        if then.counter is not None:
            raise ValueError("words are put in front of automata without a count only")
        object.__setattr__(self, "word", word)
        object.__setattr__(self, "then", then)

    word: bytes
    then: ByteDfa

    def made(self) -> ByteDfa:
        return chain(literal(self.word), self.then)

    @cached_property
    def digest(self) -> bytes:
        return hashlib.blake2b(b"spelt" + self.then.digest + self.word, digest_size=16).digest()

    def min_length(self) -> int:
        return len(self.word) + self.then.min_length()


class Without(_Made):
    """The texts of ``base`` that do not begin with ``word``; there are some.

    Raises:
        ValueError: ``base`` counts.
    """

    def __init__(self, base: ByteDfa, word: bytes) -> None:
        if base.counter is not None:
            raise ValueError("words are left out of automata without a count only")
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "word", word)

    base: ByteDfa
    word: bytes

    @cached_property
    def digest(self) -> bytes:
        return hashlib.blake2b(b"without" + self.base.digest + self.word, digest_size=16).digest()

    def made(self) -> ByteDfa:
        base: ByteDfa = self
        words = []
        while isinstance(base, Without):
            words.append(base.word)
            base = base.base
        edges = [list(_edges(base, state)) for state in range(base.n_states)]
        accept = base.accept.tolist()
        start = 0
        for word in words:
            start = _drop(edges, accept, start, word)
        return _tidy(edges, accept, start)


Row = list[tuple[int, int, int]]


def _edges(dfa: ByteDfa, state: int) -> Iterator[tuple[int, int, int]]:
    for i in range(int(dfa.first[state]), int(dfa.first[state + 1])):
        yield int(dfa.lo[i]), int(dfa.hi[i]), int(dfa.to[i])


def _drop(edges: list[Row], accept: list[bool], start: int, word: bytes) -> int:
    """The new start: states along the word are copied."""
    path = [start]
    for byte in word:
        following = next((to for lo, hi, to in edges[path[-1]] if lo <= byte <= hi), None)
        if following is None:
            return start
        path.append(following)
    new = len(edges)
    for i, byte in enumerate(word):
        row: Row = []
        for lo, hi, to in edges[path[i]]:
            if not lo <= byte <= hi:
                row.append((lo, hi, to))
                continue
            parts = [(lo, byte - 1, to), (byte + 1, hi, to)]
            if i + 1 < len(word):
                parts.append((byte, byte, new + i + 1))
            row += [part for part in parts if part[0] <= part[1]]
        edges.append(row)
        accept.append(accept[path[i]])
    return new


def _tidy(edges: list[Row], accept: list[bool], start: int) -> ByteDfa:
    """The automaton of the states that are reached from the start and reach an end."""
    into: dict[int, list[int]] = {}
    for state, row in enumerate(edges):
        for _, _, to in row:
            into.setdefault(to, []).append(state)
    live = {state for state, ends in enumerate(accept) if ends}
    todo = list(live)
    while todo:
        for state in into.get(todo.pop(), ()):
            if state not in live:
                live.add(state)
                todo.append(state)
    numbers = {start: 0}
    order = [start]
    for state in order:
        for _, _, to in edges[state]:
            if to in live and to not in numbers:
                numbers[to] = len(order)
                order.append(to)
    kept = [(numbers[s], lo, hi, numbers[to]) for s in order for lo, hi, to in edges[s] if to in live]
    return from_edges(len(order), kept, [numbers[s] for s in order if accept[s]])
