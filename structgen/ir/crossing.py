"""A byte automaton read along with terminals: where it may stand when a terminal has ended.

Receives an automaton and terminals; returns, for each state in which the automaton may stand as a terminal begins, the
states in which it may stand as it ends, and the terminals that lead from the one to the other. Bans become part of the
state: what a terminal forbids of the text behind it is carried along, so the terminals that come out of a crossing ban
nothing. Counts are written out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from structgen.automata import BYTES, make, to_bytedfa
from structgen.automata.bytedfa import EXIT, TICK, ByteDfa
from structgen.errors import LimitError
from structgen.ir.network import Terminal


class State(NamedTuple):
    """Where the automaton stands, and the bans under way, as numbers of :class:`_Bans`."""

    at: int
    bans: frozenset[int]


@dataclass
class Crossed:
    """A terminal read along with the automaton from one state on.

    Attributes:
        edges: (state, lowest byte, highest byte, target) of the product; state 0 is its start.
        ends: for each state that the automaton may stand in at the end: the states of the product where it does.
        cost: least bytes up to each of these.
    """

    edges: list[tuple[int, int, int, int]] = field(default_factory=list)
    ends: dict[int, list[int]] = field(default_factory=dict)
    cost: dict[int, int] = field(default_factory=dict)


class Crossing:
    """All that is known of one automaton and the terminals met so far.

    Args:
        dfa: the automaton.
        most: how many states may be made in all.

    Attributes:
        states: the states by number; 0 is the start.
    """

    def __init__(self, dfa: ByteDfa, most: int) -> None:
        self.dfa = dfa
        self.states: list[State] = []
        self._numbers: dict[State, int] = {}
        self._bans = _Bans()
        self._most = most
        self._made = 0
        self._crossed: dict[tuple[bytes, int], Crossed] = {}
        self._terminals: dict[tuple[bytes, int, int], Terminal] = {}
        self._row = lru_cache(maxsize=None)(lambda at: _row(dfa, at))
        self._number(State(0, frozenset()))

    def accepts(self, number: int) -> bool:
        """May the text end in this state? Bans under way do not matter then."""
        return bool(self.dfa.accept[self.states[number].at])

    def run(self, terminal: Terminal, number: int) -> Crossed:
        """The terminal read from a state on.

        Raises:
            LimitError: too many states in all.
        """
        key = (terminal.digest, number)
        if key not in self._crossed:
            self._crossed[key] = self._run(terminal, number)
        return self._crossed[key]

    def between(self, terminal: Terminal, number: int, end: int) -> Terminal:
        """The texts of a terminal that take the automaton from one state to another; there must be one."""
        key = (terminal.digest, number, end)
        if key not in self._terminals:
            crossed = self.run(terminal, number)
            dfa = _trimmed(crossed.edges, crossed.ends[end])
            self._terminals[key] = Terminal(dfa, terminal.name, terminal.where)
        return self._terminals[key]

    def _number(self, state: State) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self.states)
            self.states.append(state)
        return self._numbers[state]

    def _run(self, terminal: Terminal, number: int) -> Crossed:
        dfa, result = terminal.dfa, Crossed()
        at, bans = self.states[number]
        # (the terminal's state, its count, the automaton's state, the bans under way)
        begin = (0, 0, at, bans)
        numbers, depth, todo = {begin: 0}, [0], deque([begin])
        while todo:
            place = todo.popleft()
            state, count, at, bans = place
            source = numbers[place]
            if dfa.accept[state]:
                ban = terminal.bans.get(state)
                after = bans if ban is None else bans | {self._bans.number(ban, 0)}
                end = self._number(State(at, after))
                result.ends.setdefault(end, []).append(source)
                result.cost.setdefault(end, depth[source])
            for lo, hi, target, counted in _moves(dfa, state, count):
                for a, b, reached, under_way in self._steps(at, bans, lo, hi):
                    following = (target, counted, reached, under_way)
                    if following not in numbers:
                        numbers[following] = len(depth)
                        depth.append(depth[source] + 1)
                        todo.append(following)
                        self._count()
                    result.edges.append((source, a, b, numbers[following]))
        return result

    def _steps(self, at: int, bans: frozenset[int], lo: int, hi: int) -> list[tuple[int, int, int, frozenset[int]]]:
        """The automaton's moves on the bytes of an interval, as far as no ban forbids them."""
        found: list[tuple[int, int, int, frozenset[int]]] = []
        for a, b, target in self._row(at):
            a, b = max(a, lo), min(b, hi)
            if a > b:
                continue
            if not bans:
                found.append((a, b, target, bans))
                continue
            borders = sorted({a, *(c for ban in bans for c in self._bans.borders(ban) if a < c <= b)})
            for c, after in zip(borders, [*(c - 1 for c in borders[1:]), b], strict=True):
                moved = self._bans.moved(bans, c)
                if moved is not None:
                    found.append((c, after, target, moved))
        return found

    def _count(self) -> None:
        self._made += 1
        if self._made > self._most:
            raise LimitError(
                f"the terminals of the grammar, crossed with the regular language, have more than {self._most} states",
                hint="Make the regular language or the terminals simpler, or raise Limits(max_automaton_states=...)",
            )


class _Bans:
    """Bans under way by number: equal numbers for equal languages, if their automata are minimal."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        self._places: dict[tuple[int, int], int] = {}
        self._alive: list[tuple[ByteDfa, int]] = []
        self._kept: list[ByteDfa] = []  # an id stands for its object only while that lives

    def number(self, ban: ByteDfa, state: int) -> int:
        """The number of a ban of which ``state`` has been reached."""
        place = (id(ban), state)
        if place not in self._places:
            number = self._known.setdefault(_shape(ban, state), len(self._alive))
            if number == len(self._alive):
                self._alive.append((ban, state))
            self._places[place] = number
            self._kept.append(ban)
        return self._places[place]

    def borders(self, number: int) -> list[int]:
        """The bytes at which the ban's moves change."""
        ban, state = self._alive[number]
        return sorted({c for lo, hi, _ in _row(ban, state) for c in (lo, hi + 1)})

    def moved(self, numbers: frozenset[int], byte: int) -> frozenset[int] | None:
        """The bans still under way after a byte; None if one of them forbids it."""
        left = set()
        for number in numbers:
            ban, state = self._alive[number]
            target = ban.step(state, byte)
            if target >= 0:
                if ban.accept[target]:
                    return None
                left.add(self.number(ban, target))
        return frozenset(left)


def _row(dfa: ByteDfa, state: int) -> list[tuple[int, int, int]]:
    a, b = int(dfa.first[state]), int(dfa.first[state + 1])
    return list(zip(dfa.lo[a:b].tolist(), dfa.hi[a:b].tolist(), dfa.to[a:b].tolist(), strict=True))


def _moves(dfa: ByteDfa, state: int, count: int) -> list[tuple[int, int, int, int]]:
    """(lowest byte, highest byte, target, count after it) of a terminal's state."""
    row, counter = _row(dfa, state), dfa.counter
    if counter is None:
        return [(lo, hi, to, 0) for lo, hi, to in row]
    found = []
    for i, (lo, hi, to) in enumerate(row, int(dfa.first[state])):
        after = count
        if counter.mark[i] == TICK:
            if counter.hi is not None and count >= counter.hi:
                continue
            after = count + 1 if counter.hi is not None else min(count + 1, counter.lo)
        elif counter.mark[i] == EXIT:
            if count < counter.lo:
                continue
            after = 0
        found.append((lo, hi, to, after))
    return found


def _shape(ban: ByteDfa, state: int) -> object:
    """The part of an automaton that is reached from a state, its states numbered in the order of a walk."""
    numbers, todo, rows = {state: 0}, [state], []
    for s in todo:  # grows on the way
        row = _row(ban, s)
        for _, _, to in row:
            if to not in numbers:
                numbers[to] = len(todo)
                todo.append(to)
        rows.append((bool(ban.accept[s]), tuple((lo, hi, numbers[to]) for lo, hi, to in row)))
    return tuple(rows)


def _trimmed(edges: list[tuple[int, int, int, int]], ends: list[int]) -> ByteDfa:
    """The minimal automaton of the words that lead from state 0 to one of the ends."""
    into: dict[int, list[int]] = {}
    for source, _, _, target in edges:
        into.setdefault(target, []).append(source)
    live, todo = set(ends), list(ends)
    while todo:
        for source in into.get(todo.pop(), ()):
            if source not in live:
                live.add(source)
                todo.append(source)
    numbers = {s: i for i, s in enumerate(sorted(live))}
    table = np.full((len(numbers), 256), -1, dtype=np.int32)
    for source, lo, hi, target in edges:
        if source in live and target in live:
            table[numbers[source], lo : hi + 1] = numbers[target]
    accept = np.zeros(len(numbers), dtype=np.bool_)
    accept[[numbers[s] for s in ends]] = True
    each = np.arange(256, dtype=np.int32)
    return to_bytedfa(make(BYTES, each, each, table, accept))
