"""Bans (follow restrictions): what they leave of a terminal.

Receives languages whose words must not come next, and states of a :class:`TerminalStore`; returns numbers of bans,
and the *restricted* terminal: the words of a terminal none of whose nonempty prefixes is banned. It is a product of
the terminal's states with the ban's, made only as far as the ban is still under way; from there on the terminal's own
states serve.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen import automata
from structgen.automata.bytedfa import EXIT, TICK, ByteDfa
from structgen.automata.dfa import Dfa
from structgen.errors import LimitError
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L

if TYPE_CHECKING:
    from structgen.masks.terminals import TerminalStore

#: More states than this of one terminal under one ban are refused.
MOST_STATES = 100_000


class Bans:
    """Bans by number. Equal ones have one number: 0 is the ban of nothing."""

    def __init__(self) -> None:
        nothing = automata.empty(automata.BYTES)
        self._bans: list[Dfa] = [nothing]
        self._numbers: dict[bytes, int] = {nothing.digest: 0}
        self._given: dict[bytes, int] = {}
        self._left: dict[tuple[int, int, int], int] = {}

    def __getitem__(self, number: int) -> Dfa:
        return self._bans[number]

    def __len__(self) -> int:
        return len(self._bans)

    def forbidden(self, number: int) -> NDArray[np.bool_]:
        """bool[256]: the bytes that a ban forbids at once."""
        language = self._bans[number]
        after = np.repeat(language.table[0], np.diff(np.append(language.starts, 256)))
        return np.where(after >= 0, language.accept[after], False)

    def number(self, dfa: ByteDfa) -> int:
        """The number of a ban as a front end gives it."""
        number = self._given.get(dfa.digest)
        if number is None:
            delta = np.full((dfa.n_states, 256), -1, dtype=np.int32)
            for state in range(dfa.n_states):
                for i in range(int(dfa.first[state]), int(dfa.first[state + 1])):
                    delta[state, dfa.lo[i] : int(dfa.hi[i]) + 1] = dfa.to[i]
            number = self._given[dfa.digest] = self._intern(_from_table(delta, dfa.accept))
        return number

    def left(self, own: int, ban: int, state: int) -> int:
        """The number of: ``own``, and what is left of a ban whose automaton is in a state."""
        known = self._left.get((own, ban, state))
        if known is None:
            dfa = self._bans[ban]
            table = dfa.table.copy()
            accept = dfa.accept.copy()
            # the state becomes the start: the two change names
            table[[0, state]] = table[[state, 0]]
            accept[[0, state]] = accept[[state, 0]]
            moved = np.where(table == 0, state, np.where(table == state, 0, table)).astype(np.int32)
            widths = np.diff(np.append(dfa.starts, 256))
            rest = _from_table(np.repeat(moved, widths, axis=1), accept)
            known = self._left[own, ban, state] = self._intern(automata.union(self._bans[own], rest))
        return known

    def _intern(self, language: Dfa) -> int:
        language = _least_words(language)
        number = self._numbers.get(language.digest)
        if number is None:
            number = self._numbers[language.digest] = len(self._bans)
            self._bans.append(language)
        return number


def _from_table(delta: NDArray[np.int32], accept: NDArray[np.bool_]) -> Dfa:
    """A language over bytes from int32[n, 256]."""
    every = np.arange(256, dtype=np.int32)
    return automata.make(automata.BYTES, every, every, np.ascontiguousarray(delta), accept.astype(np.bool_))


def _least_words(language: Dfa) -> Dfa:
    """The nonempty words without a shorter nonempty one as a prefix: the same ban, and one automaton for it."""
    widths = np.diff(np.append(language.starts, 256))
    table = np.repeat(language.table, widths, axis=1)
    start = table[0]
    table = np.where(language.accept[:, None], np.int32(-1), table)  # a ban does not go on beyond a word
    table = np.concatenate([start[None, :], table])
    table = np.where(table >= 0, table + 1, -1).astype(np.int32)
    return _from_table(table, np.concatenate([[False], language.accept]))


class Restricted(NamedTuple):
    """A terminal under a ban, in the form that states are shared in. State 0 is the start."""

    first: NDArray[np.int32]
    lo: NDArray[np.uint8]
    hi: NDArray[np.uint8]
    to: NDArray[np.int32]
    accept: NDArray[np.int32]
    distance: NDArray[np.int32]
    iters: NDArray[np.int32]
    known: NDArray[np.int32]  # the store's states that some stand for, -1 for those that are new


def restricted(store: TerminalStore, start: int, ban: int) -> Restricted | None:
    """The words that a terminal has from a state on, under a ban; None if there are none.

    Raises:
        LimitError: the product has more than ``MOST_STATES`` states.
    """
    language = store.bans[ban]
    table = language.table
    begins = language.starts.tolist()
    numbers: dict[tuple[int, int], int] = {(start, 0): 0}
    pairs = [(start, 0)]  # (state of the terminal, state of the ban); -1: the ban has come to nothing
    edges: list[list[tuple[int, int, int]]] = []
    for state, at in pairs:
        rows: list[tuple[int, int, int]] = []
        edges.append(rows)
        if at < 0:
            continue
        for lo, hi, to in _moves(store, state):
            i = int(np.searchsorted(language.starts, lo, side="right")) - 1
            while lo <= hi:
                end = min(hi, begins[i + 1] - 1 if i + 1 < len(begins) else 255)
                after = int(table[at, i])
                if after < 0 or not language.accept[after]:
                    pair = (to, after)
                    if pair not in numbers:
                        numbers[pair] = len(pairs)
                        pairs.append(pair)
                        if len(pairs) > MOST_STATES:
                            raise LimitError(f"what a ban leaves of a terminal has more than {MOST_STATES} states")
                    target = numbers[pair]
                    if rows and rows[-1][1] == lo - 1 and rows[-1][2] == target:
                        rows[-1] = (rows[-1][0], end, target)
                    else:
                        rows.append((lo, end, target))
                lo = end + 1
                i += 1
    q = store.arrays.q
    accept = [0 if at < 0 or q[state, L.Q_ACCEPT] == 0 else 1 for state, at in pairs]
    distance = _distances(edges, {i: int(q[state, L.Q_DIST]) for i, (state, at) in enumerate(pairs) if at < 0})
    keep = _alive(edges, [i for i, (_, at) in enumerate(pairs) if at < 0 or accept[i]])
    if 0 not in keep:
        return None
    order = {old: new for new, old in enumerate(sorted(keep))}
    kept = [[(lo, hi, order[to]) for lo, hi, to in edges[old] if to in order] for old in order]
    flat = [edge for row in kept for edge in row]
    known = [pairs[old][0] if pairs[old][1] < 0 else -1 for old in order]
    ends = [
        1 + store.bans.left(int(q[pairs[old][0], L.Q_ACCEPT]) - 1, ban, pairs[old][1]) if accept[old] else 0
        for old in order
    ]
    counting = any(state >= 0 and q[state, L.Q_BASE] != state for state in known)
    return Restricted(
        np.cumsum([0, *map(len, kept)]).astype(np.int32),
        np.array([lo for lo, _, _ in flat], dtype=np.uint8),
        np.array([hi for _, hi, _ in flat], dtype=np.uint8),
        np.array([to for _, _, to in flat], dtype=np.int32),
        np.array(ends, dtype=np.int32),
        np.array([distance[old] for old in order], dtype=np.int32),
        np.full(len(order), -1 if counting else 0, dtype=np.int32),
        np.array(known, dtype=np.int32),
    )


def _moves(store: TerminalStore, state: int) -> list[tuple[int, int, int]]:
    """The ways out of a state of the store, counts obeyed: (lo, hi, next state)."""
    t = store.arrays
    base, need, left = (int(x) for x in t.q[state, [L.Q_BASE, L.Q_NEED, L.Q_LEFT]])
    while t.q[base, L.Q_IV] < 0 and not cpu.load(store.handle, base):
        store.grow(L.T_Q)
        t = store.arrays
    first, n = (int(x) for x in t.q[base, [L.Q_IV, L.Q_NIV]])
    result = []
    for lo, hi, to, mark in t.iv[first : first + n, [L.IV_LO, L.IV_HI, L.IV_TO, L.IV_MARK]].tolist():
        if need == 0 and left == L.INF:
            result.append((lo, hi, to))
        elif mark == EXIT:
            if need == 0:
                result.append((lo, hi, to))
        elif mark != TICK:
            result.append((lo, hi, _counted(store, to, need, left)))
        elif left > 0:
            less = left if left == L.INF else left - 1
            result.append((lo, hi, _counted(store, to, max(0, need - 1), less)))
    return result


def _counted(store: TerminalStore, base: int, need: int, left: int) -> int:
    while (state := int(cpu.counted_state(store.handle, base, need, left))) < 0:
        store.grow(L.T_Q)
    return state


def _alive(edges: list[list[tuple[int, int, int]]], ends: list[int]) -> set[int]:
    """The states from which one of the ends is reached."""
    back: list[list[int]] = [[] for _ in edges]
    for source, row in enumerate(edges):
        for _, _, to in row:
            back[to].append(source)
    alive, todo = set(ends), list(ends)
    while todo:
        for source in back[todo.pop()]:
            if source not in alive:
                alive.add(source)
                todo.append(source)
    return alive


def _distances(edges: list[list[tuple[int, int, int]]], ends: dict[int, int]) -> list[int]:
    """Least bytes to the end of the terminal, given those of some states (Dijkstra 1959)."""
    back: list[list[int]] = [[] for _ in edges]
    for source, row in enumerate(edges):
        for _, _, to in row:
            back[to].append(source)
    result = [L.FAR] * len(edges)
    heap = []
    for state, length in ends.items():
        result[state] = min(length, L.FAR)
        heap.append((result[state], state))
    heapq.heapify(heap)
    while heap:
        length, state = heapq.heappop(heap)
        for source in back[state]:
            if length + 1 < result[source]:
                result[source] = length + 1
                heapq.heappush(heap, (length + 1, source))
    return result
