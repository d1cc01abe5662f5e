"""The states of Lark's LALR parser for a grammar: what its contextual lexer goes by.

Receives a :class:`LarkGrammar`; returns :class:`Lalr`: which terminals each state accepts, where symbols lead, and
which reductions lose a conflict. What Lark's own analysis finds, on numbers and sets of bits.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from structgen.errors import UnsupportedError
from structgen.frontends.lark.following import nullable
from structgen.frontends.lark.grammar import LarkGrammar, LarkRule

#: Lark's name for the end of the text, and a name that no rule has.
END_OF_TEXT = "$END"
_ROOT = "$root"
M = TypeVar("M", bound=Hashable)


@dataclass(frozen=True)
class Lalr:
    """The automaton. States are numbers.

    Attributes:
        start: the state before the text.
        goto: for each state, where terminals and rules lead, by name.
        accepts: for each state, the terminals for which the parser has an action there.
        lost: for each state, by rule that may be reduced there, the terminals for which something else is done.
    """

    start: int
    goto: Sequence[Mapping[str, int]]
    accepts: Sequence[frozenset[str]]
    lost: Sequence[Mapping[LarkRule, frozenset[str]]]

    @property
    def has_conflicts(self) -> bool:
        """Does the parser refuse texts that the grammar would allow?"""
        return any(any(lost.values()) for lost in self.lost)


def analyse(grammar: LarkGrammar) -> Lalr:
    """The automaton of a grammar.

    Raises:
        UnsupportedError: Lark's LALR parser refuses the grammar (two rules could be reduced at one place).
    """
    rules = list({(rule.origin, rule.expansion): rule for rule in grammar.rules}.values())
    heads = [rule.origin for rule in rules]
    bodies = [tuple(s.name for s in rule.expansion) for rule in rules]
    goto, reduced = _states([*heads, _ROOT], [*bodies, (grammar.start,)])
    names = [END_OF_TEXT, *(name for name in dict.fromkeys(s for way in goto for s in way) if name not in set(heads))]
    behind = _lookaheads(heads, bodies, goto, {name: 1 << i for i, name in enumerate(names)}, grammar.start)
    accepts = []
    lost = []
    collisions = []
    for state, way in enumerate(goto):
        shifted = {s for s in way if s in names}
        ahead = {r: _members(behind.get((state, r), 0), names) for r in reduced[state] if r < len(rules)}
        accepts.append(frozenset(shifted.union(*ahead.values())))
        losing = {rules[r]: found & shifted for r, found in ahead.items() if found}
        for name in sorted(set().union(*(a & b for a, b in combinations(ahead.values(), 2)))):
            several = [rules[r] for r, found in ahead.items() if name in found]
            best, second = sorted((rule.priority or 0 for rule in several), reverse=True)[:2]
            if best == second:
                collisions.append((name, several))
            for rule in several:
                losing[rule] |= {name} if (rule.priority or 0) < best else set()
        lost.append({rule: frozenset(found) for rule, found in losing.items()})
    if collisions:
        shown = (f"{name} ends either of {', '.join(map(_shown, several))}" for name, several in collisions)
        raise UnsupportedError(
            f"Lark's LALR parser cannot take this grammar: Reduce/Reduce collision: {'; '.join(shown)}",
            where=grammar.file,
            hint='Make it unambiguous with one token of lookahead, or use lexer="dynamic_complete"',
        )
    return Lalr(0, goto, accepts, lost)


def _shown(rule: LarkRule) -> str:
    return f"<{rule.origin} : {' '.join(s.name for s in rule.expansion)}>"


def _members(mask: int, names: Sequence[str]) -> set[str]:
    found = set()
    while mask:
        found.add(names[(mask & -mask).bit_length() - 1])
        mask &= mask - 1
    return found


def _states(heads: Sequence[str], bodies: Sequence[tuple[str, ...]]) -> tuple[list[dict[str, int]], list[list[int]]]:
    """The LR(0) automaton: for each state, where symbols lead, and the rules that end there. The last rule begins."""
    by_head: dict[str, list[int]] = {}
    for r, head in enumerate(heads):
        by_head.setdefault(head, []).append(r)
    begun: dict[str, list[int]] = {}
    for name in by_head:  # the rules that may begin where a rule may
        found, todo = {name}, [name]
        while todo:
            for r in by_head[todo.pop()]:
                first = bodies[r][0] if bodies[r] else None
                if first in by_head and first not in found:
                    found.add(first)
                    todo.append(first)
        begun[name] = [r for other in found for r in by_head[other]]
    kernels: list[frozenset[tuple[int, int]]] = [frozenset({(len(heads) - 1, 0)})]
    numbers = {kernels[0]: 0}
    goto: list[dict[str, int]] = []
    reduced: list[list[int]] = []
    for kernel in kernels:
        items = set(kernel)
        for r, dot in kernel:
            if dot < len(bodies[r]):
                items.update((other, 0) for other in begun.get(bodies[r][dot], ()))
        moved: dict[str, list[tuple[int, int]]] = {}
        for r, dot in sorted(items):
            if dot < len(bodies[r]):
                moved.setdefault(bodies[r][dot], []).append((r, dot + 1))
        reduced.append(sorted(r for r, dot in items if dot == len(bodies[r])))
        goto.append({})
        for symbol, advanced in moved.items():
            following = frozenset(advanced)
            if following not in numbers:
                numbers[following] = len(kernels)
                kernels.append(following)
            goto[-1][symbol] = numbers[following]
    return goto, reduced


def _lookaheads(
    heads: Sequence[str],
    bodies: Sequence[tuple[str, ...]],
    goto: Sequence[Mapping[str, int]],
    bits: Mapping[str, int],
    start: str,
) -> dict[tuple[int, int], int]:
    """The terminals that may follow each reduction (state, rule), as sets of bits (DeRemer and Pennello 1982)."""
    by_head: dict[str, list[int]] = {}
    for r, head in enumerate(heads):
        by_head.setdefault(head, []).append(r)
    empty = nullable({head: [bodies[r] for r in found] for head, found in by_head.items()})
    follow: dict[tuple[int, str], int] = {}  # of moves by a rule: (state, rule's name)
    flows: dict[tuple[int, str], list[tuple[int, str]]] = {}  # what follows the one may follow the others
    lookback: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for state, way in enumerate(goto):
        for name, target in way.items():
            if name not in by_head:
                continue
            move = state, name
            follow[move] = sum(bits[s] for s in goto[target] if s in bits)
            for other in goto[target]:
                if other in empty:
                    flows.setdefault((target, other), []).append(move)
    follow[0, start] |= bits[END_OF_TEXT]
    reads = _spread(follow, flows)
    flows = {}
    for state, name in reads:
        for r in by_head[name]:
            at, path = state, []
            for symbol in bodies[r]:
                path.append(at)
                at = goto[at][symbol]
            lookback.setdefault((at, r), []).append((state, name))
            for symbol, before in zip(reversed(bodies[r]), reversed(path), strict=True):
                if symbol in by_head:
                    flows.setdefault((state, name), []).append((before, symbol))
                if symbol not in empty:
                    break
    follow = _spread(reads, flows)
    result = {}
    for reduction, moves in lookback.items():
        result[reduction] = 0
        for move in moves:
            result[reduction] |= follow[move]
    return result


def _spread(sets: Mapping[M, int], flows: Mapping[M, Sequence[M]]) -> dict[M, int]:
    """The least sets that hold the given ones and all that flows into them."""
    result = dict(sets)
    todo = [move for move in flows if result[move]]
    while todo:
        move = todo.pop()
        for other in flows.get(move, ()):
            if result[move] | result[other] != result[other]:
                result[other] |= result[move]
                todo.append(other)
    return result


def quotient(lalr: Lalr, outputs: Sequence[Hashable]) -> tuple[Lalr, list[int]]:
    """The automaton with states merged that cannot be told apart by their outputs, now or later.

    Symbols for which a state has no way are not held against it: no text takes such a way.

    Args:
        lalr: the automaton.
        outputs: what is seen of each state; equal ones must have equal ``lost``.

    Returns:
        The smaller automaton (``accepts`` united), and for each of its states one of those that it stands for.
    """
    numbers: dict[Hashable, int] = {}
    group = [numbers.setdefault(output, len(numbers)) for output in outputs]
    while True:
        # a group is split where its states go to different groups by one symbol
        ways: dict[tuple[int, str], set[int]] = {}
        for state, goto in enumerate(lalr.goto):
            for symbol, target in goto.items():
                ways.setdefault((group[state], symbol), set()).add(group[target])
        torn: dict[int, list[str]] = {}
        for (number, symbol), targets in ways.items():
            if len(targets) > 1:
                torn.setdefault(number, []).append(symbol)
        if not torn:
            break
        numbers = {}
        group = [
            numbers.setdefault(
                (number, *(group[goto[s]] if s in goto else -1 for s in torn.get(number, ()))), len(numbers)
            )
            for number, goto in zip(group, lalr.goto, strict=True)
        ]
    size = max(group) + 1
    goto_of: list[dict[str, int]] = [{} for _ in range(size)]
    accepts: list[frozenset[str]] = [frozenset()] * size
    lost: list[Mapping[LarkRule, frozenset[str]]] = [{}] * size
    sample = [0] * size
    for state, number in enumerate(group):
        sample[number] = state
        goto_of[number].update((symbol, group[target]) for symbol, target in lalr.goto[state].items())
        accepts[number] |= lalr.accepts[state]
        lost[number] = lalr.lost[state] if any(lalr.lost[state].values()) else {}
    return Lalr(group[lalr.start], goto_of, accepts, lost), sample
