"""Proof that bans lead to no dead end: whatever has been written, the text can be completed.

Receives the grammar over terminals with bans. A ban is harmless if it dies on the way: whichever terminal follows,
wherever that can still come to an end in spite of the ban, it can come to one where the ban is dead and which has no
ban of its own (each of its states reaches one, by the contract of terminals). Then it can always be written so.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise

import numpy as np

from structgen.automata import BYTES, ByteDfa, Dfa
from structgen.automata.dfa import make
from structgen.errors import UnsupportedError
from structgen.frontends.lark.following import Rules, successors
from structgen.ir.cfg import Cfg, Symbol
from structgen.ir.network import Terminal

#: Bans under way: states of the automaton of all bans.
_Pending = frozenset[int]
#: The number of no bans at all.
NONE = 0


def check(cfg: Cfg) -> None:
    """Prove it.

    Raises:
        UnsupportedError: there is no proof; the message names two terminals that get in each other's way.
    """
    rules: Rules[Symbol] = cfg.rules
    behind = {s: frozenset(x for x in then if isinstance(x, Terminal)) for s, then in successors(rules).items()}
    bans = _Bans(s for found in rules.values() for alternative in found for s in alternative if isinstance(s, Terminal))
    seen: set[tuple[int, frozenset[Terminal]]] = set()
    met: set[tuple[int, Terminal]] = set()
    for terminal, following in behind.items():
        if not isinstance(terminal, Terminal):
            continue
        todo = [(bans.begun(ban), following) for ban in terminal.bans.values()]
        while todo:
            pending, then = todo.pop()
            if (pending, then) in seen:
                continue
            seen.add((pending, then))
            for second in then:
                if (pending, second) in met:
                    continue
                met.add((pending, second))
                left = bans.meet(pending, second)
                if left is None:
                    raise _conflict(terminal, second)
                if second in behind:
                    todo.extend((p, behind[second]) for p in left)


class _Bans:
    """The bans of a grammar as one minimal automaton, and what becomes of them: every answer is kept.

    Sets of bans under way are numbered; NONE is the empty one.
    """

    def __init__(self, terminals: Iterable[Terminal]) -> None:
        bans = {ban.digest: ban for terminal in terminals for ban in terminal.bans.values()}
        joint = _joint(list(bans.values()))
        self._table: list[list[int]] = joint.delta.tolist()
        self._broken: list[bool] = joint.accept.tolist()
        self._class: list[int] = np.repeat(joint.classes, np.diff(joint.starts, append=BYTES)).tolist()
        #: Where each ban begins.
        self._begin: dict[bytes, int] = {}
        for name, (head, tail) in zip(bans, map(_prefix, range(len(bans))), strict=True):
            self._begin[name] = self._table[self._table[0][self._class[head]]][self._class[tail]]
        self._sets: dict[_Pending, int] = {frozenset(): NONE}
        self._members: list[_Pending] = [frozenset()]
        self._moves: list[dict[tuple[int, int], tuple[int, ...]]] = [{}]
        self._edges: dict[bytes, list[list[tuple[int, int, int]]]] = {}
        self._met: dict[tuple[int, bytes], list[int] | None] = {}

    def begun(self, ban: ByteDfa, pending: int = NONE) -> int:
        """The number of a set of bans with one more, which has just begun."""
        return self._number(self._members[pending] | {self._begin[ban.digest]})

    def _number(self, pending: _Pending) -> int:
        number = self._sets.setdefault(pending, len(self._members))
        if number == len(self._members):
            self._members.append(pending)
            self._moves.append({})
        return number

    def meet(self, pending: int, second: Terminal) -> list[int] | None:
        """What is left of bans behind a terminal, one for each way; None: the bans can stop it half way."""
        key = (pending, second.digest)
        if key not in self._met:
            self._met[key] = self._meet(pending, second)
        return self._met[key]

    def _meet(self, pending: int, second: Terminal) -> list[int] | None:
        edges = self._edges.get(second.dfa.digest)
        if edges is None:
            edges = self._edges[second.dfa.digest] = _edges(second.dfa)
        start = (pending, 0)
        places = {start: 0}
        order = [start]
        out: list[list[int]] = []
        for bans, state in order:
            targets: set[int] = set()
            if bans != NONE:  # else harmless from here on
                known = self._moves[bans]
                for lo, hi, to in edges[state]:
                    moves = known.get((lo, hi))
                    if moves is None:
                        moves = known[lo, hi] = self._after(self._members[bans], lo, hi)
                    for after in moves:
                        number = places.setdefault((after, to), len(order))
                        if number == len(order):
                            order.append((after, to))
                        targets.add(number)
            out.append(list(targets))
        accept = second.dfa.accept.tolist()
        ends = [bans == NONE or accept[state] for bans, state in order]
        free = [bans == NONE for bans, _ in order]
        can_end, can_be_free = _back(out, ends), _back(out, free)
        if any(a and not b for a, b in zip(can_end, can_be_free, strict=True)):
            return None
        left = []
        for (bans, state), ok in zip(order, can_end, strict=True):
            if ok and bans != NONE and accept[state]:
                own = second.bans.get(state)
                left.append(bans if own is None else self.begun(own, bans))
        return left

    def _after(self, pending: _Pending, lo: int, hi: int) -> tuple[int, ...]:
        """The sets of bans after each byte of a range that they allow."""
        result = set()
        rows = [self._table[state] for state in pending]
        for c in set(self._class[lo : hi + 1]):
            after = {row[c] for row in rows} - {-1}
            if not any(self._broken[state] for state in after):
                result.add(frozenset(after))
        return tuple(map(self._number, result))


def _prefix(number: int) -> tuple[int, int]:
    """Two bytes in front of a ban that tell which one it is."""
    return divmod(number, BYTES)


def _joint(bans: list[ByteDfa]) -> Dfa:
    """The minimal automaton of all bans behind their prefixes: where two have the same rest, they share a state."""
    heads = 1 + len(bans) // BYTES
    base = list(accumulate((len(ban.accept) for ban in bans), initial=1 + heads))
    delta = np.full((base[-1], BYTES), -1, dtype=np.int32)
    accept = np.zeros(base[-1], dtype=np.bool_)
    delta[0, :heads] = np.arange(1, 1 + heads)
    for number, (ban, begin) in enumerate(zip(bans, base, strict=False)):
        head, tail = _prefix(number)
        delta[1 + head, tail] = begin
        accept[begin : begin + len(ban.accept)] = ban.accept
        for state, edges in enumerate(_edges(ban)):
            if state == 0 or not ban.accept[state]:  # what is broken stays broken
                for lo, hi, to in edges:
                    delta[begin + state, lo : hi + 1] = begin + to
    every = np.arange(BYTES, dtype=np.int32)
    return make(BYTES, every, every, delta, accept)


def _edges(dfa: ByteDfa) -> list[list[tuple[int, int, int]]]:
    """The edges of each state: (first byte, last byte, target)."""
    first = dfa.first.tolist()
    edges = list(zip(dfa.lo.tolist(), dfa.hi.tolist(), dfa.to.tolist(), strict=True))
    return [edges[a:b] for a, b in pairwise(first)]


def _back(out: list[list[int]], goal: list[bool]) -> list[bool]:
    sources: list[list[int]] = [[] for _ in out]
    for s, targets in enumerate(out):
        for t in targets:
            sources[t].append(s)
    result = list(goal)
    todo = [s for s, ok in enumerate(goal) if ok]
    while todo:
        for s in sources[todo.pop()]:
            if not result[s]:
                result[s] = True
                todo.append(s)
    return result


def _conflict(first: Terminal, second: Terminal) -> UnsupportedError:
    return UnsupportedError(
        f"terminal {second.name} behind {first.name}: a lexer may read them otherwise, "
        "and nothing that keeps them apart is sure to fit between",
        where=second.where or first.where,
        hint='Let something be written between them (%ignore blanks), or use lexer="dynamic_complete"',
    )
