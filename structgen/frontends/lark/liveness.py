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

#: Bans under way, each with the state it is in.
_Pending = frozenset[tuple[ByteDfa, int]]


def check(cfg: Cfg) -> None:
    """Prove it.

    Raises:
        UnsupportedError: there is no proof; the message names two terminals that get in each other's way.
    """
    rules: Rules[Symbol] = cfg.rules
    behind = successors(rules)
    terminals = [s for s in behind if isinstance(s, Terminal)]
    seen: set[tuple[_Pending, Terminal]] = set()
    for terminal in terminals:
        following = [s for s in behind[terminal] if isinstance(s, Terminal)]
        todo: list[tuple[_Pending, Terminal]] = []
        for ban in set(terminal.bans.values()):
            todo.extend((frozenset({(ban, 0)}), s) for s in following)
        while todo:
            pending, second = todo.pop()
            if (pending, second) in seen:
                continue
            seen.add((pending, second))
            left = _meet(pending, second)
            if left is None:
                raise _conflict(terminal, second)
            todo.extend((p, s) for p in left for s in behind.get(second, ()) if isinstance(s, Terminal))


def _meet(pending: _Pending, second: Terminal) -> list[_Pending] | None:
    """What is left of bans behind a terminal, one for each way; None: the bans can stop it half way."""
    dfa = second.dfa
    first, lo, hi, to = (a.tolist() for a in (dfa.first, dfa.lo, dfa.hi, dfa.to))
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
            for after in _moves(bans, lo[e], hi[e]):
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
            left.append(bans if own is None else bans | {(own, 0)})
    return left


def _moves(bans: _Pending, lo: int, hi: int) -> set[_Pending]:
    """The bans after each byte of a range that they allow."""
    cuts = {lo}
    for ban, state in bans:
        a, b = int(ban.first[state]), int(ban.first[state + 1])
        cuts.update(x for x in ban.lo[a:b].tolist() if lo < x <= hi)
        cuts.update(x + 1 for x in ban.hi[a:b].tolist() if lo <= x < hi)
    result = set()
    for byte in cuts:
        after = {(ban, t) for ban, state in bans if (t := ban.step(state, byte)) >= 0}
        if not any(ban.accept[t] for ban, t in after):
            result.add(frozenset(after))
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
