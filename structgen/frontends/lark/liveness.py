"""Proof that bans lead to no dead end: whatever has been written, the text can be completed.

Receives the grammar over terminals with bans. A ban is harmless if it dies on the way: whichever terminal follows,
wherever that can still come to an end in spite of the ban, it can come to one where the ban is dead and which has no
ban of its own (each of its states reaches one, by the contract of terminals). Then it can always be written so.
"""

from __future__ import annotations

from structgen.automata import ByteDfa
from structgen.errors import UnsupportedError
from structgen.frontends.lark.following import Rules, successors
from structgen.ir.cfg import Cfg, Symbol
from structgen.ir.network import Terminal

#: Bans under way, by number, each with the state it is in.
_Pending = frozenset[tuple[int, int]]


def check(cfg: Cfg) -> None:
    """Prove it.

    Raises:
        UnsupportedError: there is no proof; the message names two terminals that get in each other's way.
    """
    rules: Rules[Symbol] = cfg.rules
    behind = {s: [x for x in then if isinstance(x, Terminal)] for s, then in successors(rules).items()}
    bans = _Bans()
    seen: set[tuple[_Pending, Terminal]] = set()
    for terminal, following in behind.items():
        if not isinstance(terminal, Terminal):
            continue
        begun = {bans.number(ban) for ban in terminal.bans.values()}
        todo = [(frozenset({(ban, 0)}), s) for ban in begun for s in following]
        while todo:
            pending, second = todo.pop()
            if (pending, second) in seen:
                continue
            seen.add((pending, second))
            left = bans.meet(pending, second)
            if left is None:
                raise _conflict(terminal, second)
            todo.extend((p, s) for p in left for s in behind.get(second, ()))


class _Bans:
    """The bans of a grammar by number, equal ones once, and what becomes of them: every answer is kept."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._bans: list[ByteDfa] = []
        self._lists: dict[bytes, tuple[list[int], list[int], list[int], list[int]]] = {}
        self._moves: dict[tuple[_Pending, int, int], list[_Pending]] = {}
        self._met: dict[tuple[_Pending, bytes], list[_Pending] | None] = {}

    def number(self, ban: ByteDfa) -> int:
        """The number of a ban."""
        number = self._numbers.setdefault(ban.digest, len(self._bans))
        if number == len(self._bans):
            self._bans.append(ban)
        return number

    def meet(self, pending: _Pending, second: Terminal) -> list[_Pending] | None:
        """What is left of bans behind a terminal, one for each way; None: the bans can stop it half way."""
        key = (pending, second.digest)
        if key not in self._met:
            self._met[key] = self._meet(pending, second)
        return self._met[key]

    def _meet(self, pending: _Pending, second: Terminal) -> list[_Pending] | None:
        dfa = second.dfa
        first, lo, hi, to = self._edges(dfa)
        start = (0, pending)
        places = {start: 0}
        order = [start]
        out: list[list[int]] = []
        for state, bans in order:
            targets: set[int] = set()
            out.append([])
            if not bans:  # harmless from here on
                continue
            for e in range(first[state], first[state + 1]):
                for after in self._after(bans, lo[e], hi[e]):
                    place = (to[e], after)
                    if place not in places:
                        places[place] = len(order)
                        order.append(place)
                    targets.add(places[place])
            out[-1] = sorted(targets)
        accept = dfa.accept
        ends = [not bans or bool(accept[s]) for s, bans in order]
        free = [not bans for _, bans in order]
        can_end, can_be_free = _back(out, ends), _back(out, free)
        if any(a and not b for a, b in zip(can_end, can_be_free, strict=True)):
            return None
        left = []
        for (state, bans), ok in zip(order, can_end, strict=True):
            if ok and bans and accept[state]:
                own = second.bans.get(state)
                left.append(bans if own is None else bans | {(self.number(own), 0)})
        return left

    def _edges(self, dfa: ByteDfa) -> tuple[list[int], list[int], list[int], list[int]]:
        """The edges of an automaton as lists."""
        lists = self._lists.get(dfa.digest)
        if lists is None:
            lists = self._lists[dfa.digest] = (dfa.first.tolist(), dfa.lo.tolist(), dfa.hi.tolist(), dfa.to.tolist())
        return lists

    def _after(self, pending: _Pending, lo: int, hi: int) -> list[_Pending]:
        """The bans after each byte of a range that they allow."""
        key = (pending, lo, hi)
        known = self._moves.get(key)
        if known is None:
            known = self._moves[key] = list(self._each(pending, lo, hi))
        return known

    def _each(self, pending: _Pending, lo: int, hi: int) -> set[_Pending]:
        cuts = {lo}
        bans = [(number, self._bans[number], state) for number, state in pending]
        for _, ban, state in bans:
            a, b = int(ban.first[state]), int(ban.first[state + 1])
            cuts.update(x for x in ban.lo[a:b].tolist() if lo < x <= hi)
            cuts.update(x + 1 for x in ban.hi[a:b].tolist() if lo <= x < hi)
        result = set()
        for byte in cuts:
            after = [(number, ban, t) for number, ban, state in bans if (t := ban.step(state, byte)) >= 0]
            if not any(ban.accept[t] for _, ban, t in after):
                result.add(frozenset((number, t) for number, _, t in after))
        return result


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
