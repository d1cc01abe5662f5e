"""Byte automata as the machine runs them: sparse rows of byte intervals. What terminals are made of.

Receives: arrays, or a :class:`structgen.automata.dfa.Dfa` over bytes. Returns: :class:`ByteDfa`, trimmed.
A literal costs one interval for each byte, so thousands of property names stay small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from structgen.kernels.words import distances, minimal

#: Marks of the edges of a counted automaton.
PLAIN, TICK, EXIT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Counter:
    """A count kept beside the state, so that ``X{lo,hi}`` needs no copies of X.

    The edges marked TICK begin one more iteration: they exist only while the count is under ``hi``. Edges
    marked EXIT leave the loop: they exist only once the count is ``lo`` or more. Every way from the start to
    an accepting state passes exactly one EXIT; ticks happen only before it; both leave from the same state
    (the *boundary*), and every state before the EXIT can reach the boundary.

    Attributes:
        lo, hi: bounds on the number of ticks; hi None: no upper bound. 0 <= lo <= hi.
        mark: uint8[m], PLAIN, TICK or EXIT for each edge of the automaton.
    """

    lo: int
    hi: int | None
    mark: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ByteDfa:
    """A deterministic byte automaton. State 0 is the start; every state is reachable and live.

    Attributes:
        first: int32[n + 1]; the edges of state s are ``first[s] .. first[s+1] - 1``.
        lo, hi: uint8[m]; the closed byte interval of each edge; within a state ascending and disjoint.
        to: int32[m]; target states.
        accept: bool[n].
        counter: a count beside the state, or None.
    """

    first: NDArray[np.int32]
    lo: NDArray[np.uint8]
    hi: NDArray[np.uint8]
    to: NDArray[np.int32]
    accept: NDArray[np.bool_]
    counter: Counter | None = None

    @property
    def n_states(self) -> int:
        return len(self.accept)

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that name the content: equal for equal arrays."""
        h = hashlib.blake2b(digest_size=16)
        for array in (self.first, self.lo, self.hi, self.to, self.accept):
            h.update(len(array).to_bytes(8, "little"))
            h.update(np.ascontiguousarray(array).tobytes())
        if self.counter is not None:
            h.update(f"{self.counter.lo},{self.counter.hi};".encode())
            h.update(self.counter.mark.tobytes())
        return h.digest()

    @cached_property
    def distance(self) -> NDArray[np.int32]:
        """int32[n]: least bytes from each state to an accepting one, counts left out (see ``min_length``)."""
        return _distances(self, self.accept)

    def distance_to(self, targets: NDArray[np.bool_]) -> NDArray[np.int32]:
        """int32[n]: least bytes from each state to one of the targets, counts left out; 1 << 30 where none is met."""
        return _distances(self, targets)

    def min_length(self) -> int:
        """The length in bytes of the shortest text accepted."""
        if self.counter is None:
            return int(self.distance[0])
        boundary = self.boundary
        to_boundary = _distances(self, np.arange(self.n_states) == boundary)
        return int(to_boundary[0]) + self.counter.lo * self.iteration + int(self.distance[boundary])

    @cached_property
    def boundary(self) -> int:
        """The state of a counted automaton from which ticks and the exit leave."""
        assert self.counter is not None
        exit_edge = int(np.flatnonzero(self.counter.mark == EXIT)[0])
        return int(np.searchsorted(self.first, exit_edge, side="right") - 1)

    @cached_property
    def before_exit(self) -> NDArray[np.bool_]:
        """bool[n]: the states of a counted automaton from which the boundary can be reached."""
        return _distances(self, np.arange(self.n_states) == self.boundary) < (1 << 30)

    @cached_property
    def iteration(self) -> int:
        """Least bytes of one iteration of a counted automaton."""
        assert self.counter is not None
        to_boundary = _distances(self, np.arange(self.n_states) == self.boundary)
        ticks = np.flatnonzero(self.counter.mark == TICK)
        return 1 + int(to_boundary[self.to[ticks]].min()) if len(ticks) else 0

    def step(self, state: int, byte: int) -> int:
        """The next state, or -1. Counts are not looked at. For tests and small jobs, not for hot loops."""
        a, b = int(self.first[state]), int(self.first[state + 1])
        i = a + int(np.searchsorted(self.hi[a:b], byte))
        return int(self.to[i]) if i < b and self.lo[i] <= byte else -1

    def accepts(self, data: bytes) -> bool:
        """Is ``data`` in the language? The reference for the kernels: counts included."""
        state, count = 0, 0
        for byte in data:
            a, b = int(self.first[state]), int(self.first[state + 1])
            edge = next((i for i in range(a, b) if self.lo[i] <= byte <= self.hi[i]), None)
            if edge is None:
                return False
            if self.counter is not None:
                mark = self.counter.mark[edge]
                if mark == TICK:
                    if self.counter.hi is not None and count >= self.counter.hi:
                        return False
                    count += 1
                elif mark == EXIT and count < self.counter.lo:
                    return False
            state = int(self.to[edge])
        return bool(self.accept[state])


def from_edges(n_states: int, edges: Iterable[tuple[int, int, int, int]], accept: Iterable[int]) -> ByteDfa:
    """Build from ``(state, lo, hi, target)`` edges, in any order; they must be disjoint within a state."""
    rows: list[list[tuple[int, int, int]]] = [[] for _ in range(n_states)]
    for state, lo, hi, target in edges:
        rows[state].append((lo, hi, target))
    first, los, his, tos = [0], [], [], []
    for row in rows:
        row.sort()
        for lo, hi, target in row:
            los.append(lo)
            his.append(hi)
            tos.append(target)
        first.append(len(los))
    flags = np.zeros(n_states, dtype=np.bool_)
    flags[list(accept)] = True
    return ByteDfa(
        np.array(first, dtype=np.int32),
        np.array(los, dtype=np.uint8),
        np.array(his, dtype=np.uint8),
        np.array(tos, dtype=np.int32),
        flags,
    )


def literal(data: bytes) -> ByteDfa:
    """The automaton of exactly ``data``: one state for each byte and one more."""
    n = len(data)
    raw = np.frombuffer(data, dtype=np.uint8)
    accept = np.zeros(n + 1, dtype=np.bool_)
    accept[n] = True
    first = np.minimum(np.arange(n + 2, dtype=np.int32), n).astype(np.int32)
    return ByteDfa(first, raw, raw, np.arange(1, n + 1, dtype=np.int32), accept)


def choices(words: Iterable[bytes]) -> ByteDfa:
    """The minimal automaton of a finite set of byte strings. Repeats do not matter."""
    given = list(words)
    lengths = np.fromiter(map(len, given), dtype=np.int64, count=len(given))
    return choices_of(np.frombuffer(b"".join(given), dtype=np.uint8), lengths)


def choices_of(data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> ByteDfa:
    """As ``choices``, of strings that lie one after the other in ``data``: uint8[*], int64[n], n > 0."""
    start = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=start[1:])
    return ByteDfa(*minimal(data, start))


def chain(*parts: ByteDfa) -> ByteDfa:
    """Concatenation where it is deterministic as it stands: the join needs no determinising.

    Wherever a part may end, the bytes by which it may go on must be disjoint from the first bytes of what
    follows. At most one part may have a counter, and the joins may not make a second way out of its loop.

    Raises:
        ValueError: the join is not deterministic (use :func:`structgen.automata.concat` on Dfa instead).
    """
    result = parts[-1]
    for part in reversed(parts[:-1]):
        result = _chain2(part, result)
    return result


def _chain2(a: ByteDfa, b: ByteDfa) -> ByteDfa:
    if a.counter is not None and b.counter is not None:
        raise ValueError("only one part of a chain may count")
    mark_a = a.counter.mark if a.counter else np.zeros(len(a.to), np.uint8)
    mark_b = b.counter.mark if b.counter else np.zeros(len(b.to), np.uint8)
    # b's start state is kept only if something inside b leads back to it
    keep_start = bool((b.to == 0).any())
    shift = a.n_states - (0 if keep_start else 1)
    b0, b1 = int(b.first[0]), int(b.first[1])
    joins = np.flatnonzero(a.accept)
    # a's rows, with b's first row added where a may end; sorted within each row
    row = np.concatenate([np.repeat(np.arange(a.n_states), np.diff(a.first)), np.repeat(joins, b1 - b0)])
    lo = np.concatenate([a.lo, np.tile(b.lo[b0:b1], len(joins))])
    order = np.lexsort((lo, row))
    row, lo = row[order], lo[order]
    hi = np.concatenate([a.hi, np.tile(b.hi[b0:b1], len(joins))])[order]
    to = np.concatenate([a.to, np.tile(b.to[b0:b1] + shift, len(joins))])[order]
    mark = np.concatenate([mark_a, np.tile(mark_b[b0:b1], len(joins))])[order]
    clash = (row[1:] == row[:-1]) & (lo[1:] <= hi[:-1])
    if clash.any():
        raise ValueError(f"chain is not deterministic after state {row[int(clash.argmax())]}")
    skip = 0 if keep_start else 1
    tail = int(b.first[skip])
    counts = np.concatenate([np.bincount(row, minlength=a.n_states), np.diff(b.first[skip:])])
    accept_a = a.accept & bool(b.accept[0])
    counter = a.counter or b.counter
    if counter is not None:
        counter = Counter(counter.lo, counter.hi, np.concatenate([mark, mark_b[tail:]]))
    return ByteDfa(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        np.concatenate([lo, b.lo[tail:]]),
        np.concatenate([hi, b.hi[tail:]]),
        np.concatenate([to, b.to[tail:] + shift]).astype(np.int32),
        np.concatenate([accept_a, b.accept[skip:]]),
        counter,
    )


def _distances(dfa: ByteDfa, targets: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Least edges from each state to a target; a large number where there is no way."""
    return distances(dfa.first, dfa.to, targets, 1 << 30)
