"""The deterministic automaton of the language algebra, always in canonical form.

Receives tables; returns :class:`Dfa`: minimal, trimmed, numbered breadth first, symbols grouped into classes.
Two automata of the same language are equal array by array, so ``digest`` names the language. The operations
live in :mod:`structgen.automata.operations`; operators on Dfa call them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from structgen.automata.symbols import BYTES, CODE_POINTS
from structgen.errors import LimitError
from structgen.kernels import dfa as kernels

#: How many states an operation may make before it gives up, unless told otherwise.
MAX_STATES = 100_000

Word = str | bytes


class RandomSource(Protocol):
    """``random.Random`` and ``numpy.random.Generator`` are such sources."""

    def random(self) -> float: ...


class Dfa:
    """A regular language. Immutable; equal (``==``, hash) when the language and the alphabet are.

    State 0 is the start. Every state is reachable and can reach an accepting one, except in the automaton of
    the empty language, which is one state that does not accept. Surrogates are in no word over code points.

    Attributes:
        alphabet: ``BYTES`` (256) or ``CODE_POINTS`` (0x110000).
        starts: int32[k]; interval i is the symbols ``starts[i] .. starts[i+1] - 1``; neighbours differ.
        classes: int32[k]; the class of each interval, numbered by first appearance.
        delta: int32[n, m]; state x class -> state, -1 dead. No two columns are equal.
        accept: bool[n].
    """

    def __init__(
        self,
        alphabet: int,
        starts: NDArray[np.int32],
        classes: NDArray[np.int32],
        delta: NDArray[np.int32],
        accept: NDArray[np.bool_],
    ) -> None:
        """For arrays that are in canonical form already; otherwise use :func:`make`."""
        self.alphabet = alphabet
        self.starts = starts
        self.classes = classes
        self.delta = delta
        self.accept = accept

    @property
    def n_states(self) -> int:
        return len(self.accept)

    @cached_property
    def table(self) -> NDArray[np.int32]:
        """int32[n, k]: state x interval -> state, -1 dead."""
        return np.ascontiguousarray(self.delta[:, self.classes])

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that name the language: equal for equal languages over the same alphabet."""
        h = hashlib.blake2b(b"%d,%d,%d,%d;" % (self.alphabet, len(self.starts), *self.delta.shape), digest_size=16)
        for array in (self.starts, self.classes, self.delta, self.accept):
            h.update(array.tobytes())
        return h.digest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dfa):
            return NotImplemented
        return self is other or self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        name = "bytes" if self.alphabet == BYTES else "code points"
        shortest = self.shortest()
        return f"<Dfa over {name}: {self.n_states} states, {len(self.starts)} intervals, shortest {shortest!r}>"

    # ---- questions -------------------------------------------------------------------------------------

    def is_empty(self) -> bool:
        """Has the language no word at all?"""
        return len(self.accept) == 1 and not self.accept[0] and bool((self.delta < 0).all())

    def accepts(self, word: Word) -> bool:
        """Is ``word`` in the language? A str for code points, bytes for bytes.

        Raises:
            TypeError: the word is of the other alphabet.
        """
        starts, classes = self._lookup
        delta, state = self.delta, 0
        for symbol in _symbols(word, self.alphabet):
            state = int(delta[state, classes[bisect_right(starts, symbol) - 1]])
            if state < 0:
                return False
        return bool(self.accept[state])

    def shortest(self) -> Word | None:
        """The shortest word, the least one among those; None if there is none."""
        return next(self.words(1), None)

    def min_length(self) -> int | None:
        """Symbols in the shortest word; None if there is none."""
        return None if self.is_empty() else int(self.distance[0])

    def max_length(self) -> int | None:
        """Symbols in the longest word; None if there is no bound (or no word: ask ``is_empty`` first)."""
        order = self._topological
        if order is None or self.is_empty():
            return None
        longest = [0] * self.n_states
        for state in reversed(order):
            for target in set(self.delta[state].tolist()):
                if target >= 0:
                    longest[state] = max(longest[state], 1 + longest[target])
        return longest[0]

    def is_finite(self) -> bool:
        """Has the language finitely many words?"""
        return self._topological is not None

    def count(self, limit: int) -> int | None:
        """How many words there are; None if they are infinitely many or more than ``limit``."""
        order = self._topological
        if order is None:
            return None
        sizes = self.class_sizes
        ways = [0] * self.n_states
        for state in reversed(order):
            total = int(self.accept[state])
            for size, target in zip(sizes, self.delta[state].tolist(), strict=True):
                if target >= 0:
                    total += size * ways[target]
            ways[state] = total
        return ways[0] if ways[0] <= limit else None

    def words(self, limit: int | None = None) -> Iterator[Word]:
        """The words, shortest first and in symbol order within a length; at most ``limit`` of them."""
        from structgen.automata.enumeration import words

        return words(self, limit)

    def sample(self, rng: RandomSource) -> Word | None:
        """A random word (every word has a chance; long ones a small one); None if there is none."""
        from structgen.automata.enumeration import sample

        return sample(self, rng)

    def contains(self, other: Dfa) -> bool:
        """Is every word of ``other`` in this language?"""
        return (other - self).is_empty()

    def disjoint(self, other: Dfa) -> bool:
        """Have the two languages no word in common?"""
        return (self & other).is_empty()

    # ---- parts that several questions need -------------------------------------------------------------

    @cached_property
    def class_sizes(self) -> list[int]:
        """How many symbols each class holds (the class of dead symbols counts surrogates too)."""
        ends = [*self.starts.tolist()[1:], self.alphabet]
        sizes = [0] * self.delta.shape[1]
        for c, lo, hi in zip(self.classes.tolist(), self.starts.tolist(), ends, strict=True):
            sizes[c] += hi - lo
        return sizes

    @cached_property
    def distance(self) -> NDArray[np.int32]:
        """int32[n]: least symbols from each state to an accepting one."""
        return kernels.distances(self.delta, self.accept)

    @cached_property
    def _lookup(self) -> tuple[list[int], list[int]]:
        return self.starts.tolist(), self.classes.tolist()

    @cached_property
    def _topological(self) -> list[int] | None:
        """The states so that edges lead forward, or None if there is a cycle."""
        targets = [[t for t in set(row) if t >= 0] for row in self.delta.tolist()]
        incoming = [0] * self.n_states
        for row in targets:
            for t in row:
                incoming[t] += 1
        order = [s for s, count in enumerate(incoming) if count == 0]
        for s in order:
            for t in targets[s]:
                incoming[t] -= 1
                if incoming[t] == 0:
                    order.append(t)
        return order if len(order) == self.n_states else None

    # ---- operators -------------------------------------------------------------------------------------

    def __and__(self, other: Dfa) -> Dfa:
        from structgen.automata.operations import intersect

        return intersect(self, other)

    def __or__(self, other: Dfa) -> Dfa:
        from structgen.automata.operations import union

        return union(self, other)

    def __sub__(self, other: Dfa) -> Dfa:
        from structgen.automata.operations import difference

        return difference(self, other)

    def __add__(self, other: Dfa) -> Dfa:
        from structgen.automata.operations import concat

        return concat(self, other)

    def __invert__(self) -> Dfa:
        from structgen.automata.operations import complement

        return complement(self)


def make(
    alphabet: int,
    starts: NDArray[np.int32],
    classes: NDArray[np.int32],
    delta: NDArray[np.int32],
    accept: NDArray[np.bool_],
) -> Dfa:
    """Any deterministic table in canonical form.

    Args:
        alphabet: ``BYTES`` or ``CODE_POINTS``.
        starts, classes: int32[k], a partition (see :mod:`structgen.automata.symbols`); classes must be
            numbered as they first appear, and surrogates must be dead.
        delta: int32[n, m], C-contiguous: state x class -> state or -1; state 0 is the start.
        accept: bool[n].
    """
    small, final, columns = kernels.canonical(delta, accept)
    starts, classes = kernels.relabel(starts, classes, columns)
    return Dfa(alphabet, starts, classes, small, final)


def limit_error(what: str, max_states: int) -> LimitError:
    """The error for an automaton that grows past its limit."""
    return LimitError(
        f"{what} needs an automaton of more than {max_states} states",
        hint="Simplify it, or raise the limit max_states",
    )


def _symbols(word: Word, alphabet: int) -> Iterator[int]:
    if isinstance(word, str):
        if alphabet != CODE_POINTS:
            raise TypeError("this language is over bytes: give bytes, not str")
        return map(ord, word)
    if alphabet != BYTES:
        raise TypeError("this language is over code points: give a str, not bytes")
    return iter(word)
