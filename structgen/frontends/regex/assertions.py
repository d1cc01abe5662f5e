"""Assertions anywhere: inside repetitions, nested in one another, word boundaries in the middle.

Receives a tree; returns the :class:`~structgen.automata.dfa.Dfa` of the texts that match as a whole.

The text is read from left to right together with *bits*, one for each lookbehind: does it hold at this
position? An automaton over (class of code point, bits) describes what a part of the pattern matches, given the
bits (:class:`_Annotated`). Lookaheads become obligations: a configuration is a place in the pattern and a set
of states of the automata of the lookaheads passed so far, all of which must accept the rest of the text. A
negative lookahead is an obligation to the complement. Lookbehinds are then decided by running, beside the
pattern, one automaton each for "anything, then the body". A lookahead nested in a lookbehind is a bit too: it
is guessed at every position, and the guess is turned into an obligation.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from structgen.automata import CODE_POINTS, Dfa, Nfa, Ranges
from structgen.automata.dfa import limit_error, make
from structgen.automata.nfa import determinize
from structgen.automata.symbols import every_symbol, partition
from structgen.errors import LimitError
from structgen.frontends.regex import ast
from structgen.kernels import dfa as kernels

#: Distinct lookbehinds (and lookaheads inside them) in one pattern.
MAX_BITS = 8
#: Moves looked at for each state of the limit: a few seconds by default.
STEPS_PER_STATE = 15
#: Columns of the annotated automata: classes of code points times values of the bits.
MAX_LETTERS = 8192

_Obligations = frozenset[tuple[int, int]]


def with_assertions(node: ast.Node, max_states: int) -> Dfa:
    """The texts that the node matches as a whole, assertions anywhere.

    Raises:
        LimitError: more than ``max_states`` states, or too many distinct assertions.
    """
    return _Machine(node, max_states).run()


class _Annotated:
    """A deterministic automaton over annotated texts; state 0 is the start.

    Attributes:
        delta: int32[n, classes * values]; column ``c * values + v``: a code point of class c is read, the
            bits at the position before it being v. -1: dead.
        ends: bool[n, values]: may the text end here, the bits at its end being v?
        idle: bool[n]: whatever follows is accepted.
    """

    def __init__(self, delta: NDArray[np.int32], ends: NDArray[np.bool_]) -> None:
        self.delta = delta
        self.ends = ends
        everywhere = (delta == np.arange(len(delta))[:, None]).all(axis=1)
        self.idle: list[bool] = (everywhere & ends.all(axis=1)).tolist()
        self.rows: list[list[int]] = delta.tolist()
        self.end_rows: list[list[bool]] = ends.tolist()

    def complement(self) -> _Annotated:
        n, letters = self.delta.shape
        delta = np.full((n + 1, letters), n, dtype=np.int32)
        delta[:n] = np.where(self.delta < 0, n, self.delta)
        ends = np.ones((n + 1, self.ends.shape[1]), dtype=np.bool_)
        ends[:n] = ~self.ends
        return _minimal(delta, ends)


def _minimal(delta: NDArray[np.int32], ends: NDArray[np.bool_]) -> _Annotated:
    """Minimise: the end of the text becomes letters (one for each value) that lead to one last state."""
    n, letters = delta.shape
    values = ends.shape[1]
    table = np.full((n + 1, letters + values), -1, dtype=np.int32)
    table[:n, :letters] = delta
    table[:n, letters:] = np.where(ends, n, -1)
    accept = np.zeros(n + 1, dtype=np.bool_)
    accept[n] = True
    small, final, columns = kernels.canonical(table, accept)
    small = small[:, columns]
    last = np.flatnonzero(final)
    if len(last) == 0:
        return _Annotated(np.full((1, letters), -1, dtype=np.int32), np.zeros((1, values), dtype=np.bool_))
    # the last state has the highest number but may stand anywhere: move it out
    keep = np.flatnonzero(~final)
    renumber = np.full(len(final) + 1, -1, dtype=np.int32)
    renumber[keep] = np.arange(len(keep), dtype=np.int32)
    return _Annotated(np.ascontiguousarray(renumber[small[keep, :letters]]), small[keep, letters:] == last[0])


class _Graph:
    """The moves of a part of the pattern: Thompson's construction with guarded empty moves.

    ``chars[q]`` lists (set number, target); ``moves[q]`` lists (guard, target), a guard being None, ("bit",
    index, wanted) or ("ahead", number of an obligation automaton).
    """

    def __init__(self, machine: _Machine) -> None:
        self.machine = machine
        self.chars: list[list[tuple[int, int]]] = [[], []]
        self.moves: list[list[tuple[tuple[str, int, bool] | None, int]]] = [[], []]

    def state(self) -> int:
        if len(self.chars) > 20 * self.machine.max_states:
            raise limit_error("this regular expression", self.machine.max_states)
        self.chars.append([])
        self.moves.append([])
        return len(self.chars) - 1

    def add(self, node: ast.Node, start: int, end: int, behind: bool) -> None:
        """Moves that match ``node`` from ``start`` to ``end``; ``behind``: inside a lookbehind."""
        if isinstance(node, ast.Chars):
            if node.ranges:
                self.chars[start].append((self.machine.sets[node.ranges], end))
        elif isinstance(node, ast.Seq):
            for item in node.items[:-1]:
                middle = self.state()
                self.add(item, start, middle, behind)
                start = middle
            if node.items:
                self.add(node.items[-1], start, end, behind)
            else:
                self.moves[start].append((None, end))
        elif isinstance(node, ast.Alt):
            for branch in node.branches:
                self.add(branch, start, end, behind)
        elif isinstance(node, ast.Repeat):
            for i in range(node.lo if node.hi is None else node.hi):
                if i >= node.lo:
                    self.moves[start].append((None, end))
                middle = self.state()
                self.add(node.body, start, middle, behind)
                start = middle
            if node.hi is None:
                loop = self.state()
                self.moves[start].append((None, loop))
                self.add(node.body, loop, loop, behind)
                start = loop
            self.moves[start].append((None, end))
        else:
            self.moves[start].append((self.machine.guard(_as_look(node), behind), end))


def _as_look(node: ast.Node) -> ast.Look:
    if isinstance(node, ast.Start):
        return ast.Look(ast.ANY, ahead=False, negative=True)
    if isinstance(node, ast.End):
        return ast.Look(ast.ANY, ahead=True, negative=True)
    assert isinstance(node, ast.Look)
    return node


class _Machine:
    """The annotated automata of one pattern, and their product."""

    def __init__(self, node: ast.Node, max_states: int) -> None:
        self.node = node
        self.max_states = max_states
        self.steps_left = STEPS_PER_STATE * max_states
        every = every_symbol(CODE_POINTS)
        self.sets: dict[Ranges, int] = {every: 0}
        self._collect_sets(node)
        self.starts, self.classes, first, members = partition(list(self.sets), CODE_POINTS)
        self.width = int(self.classes.max()) + 1
        self.members = [members[first[s] : first[s + 1]].tolist() for s in range(len(self.sets))]
        # what the bits stand for, inner ones first: (body, is it ahead)
        self.bits: dict[tuple[ast.Node, bool], int] = {}
        self._collect_bits(node, False)
        self.values = 1 << len(self.bits)
        if len(self.bits) > MAX_BITS or self.width * self.values > MAX_LETTERS:
            raise LimitError(
                f"this regular expression has too many different assertions ({len(self.bits)} that look behind)",
                hint="Split it in two that must both match, or write some assertions as plain alternatives",
            )
        self.obligations: list[_Annotated] = []
        self._numbers: dict[tuple[ast.Node, bool, bool], int] = {}

    def _collect_sets(self, node: ast.Node) -> None:
        if isinstance(node, ast.Chars):
            self.sets.setdefault(node.ranges, len(self.sets))
        for child in ast.children(node):
            self._collect_sets(child)

    def _collect_bits(self, node: ast.Node, behind: bool) -> None:
        if isinstance(node, (ast.Look, ast.Start, ast.End)):
            look = _as_look(node)
            self._collect_bits(look.body, behind or not look.ahead)
            if behind or not look.ahead:
                self.bits.setdefault((look.body, look.ahead), len(self.bits))
        else:
            for child in ast.children(node):
                self._collect_bits(child, behind)

    def guard(self, look: ast.Look, behind: bool) -> tuple[str, int, bool]:
        """What must hold to pass a lookaround."""
        if behind or not look.ahead:
            return "bit", self.bits[look.body, look.ahead], not look.negative
        return "ahead", self.obligation(look.body, look.negative, behind), True

    def obligation(self, body: ast.Node, negative: bool, behind: bool) -> int:
        """The number of the automaton of the rests of a text at which a lookahead holds."""
        key = (body, negative, behind)
        if key not in self._numbers:
            positive = self.annotated(ast.seq([body, ast.ANY_TEXT]), behind)
            self.obligations.append(positive.complement() if negative else positive)
            self._numbers[key] = len(self.obligations) - 1
        return self._numbers[key]

    def step(self) -> None:
        """Count one move.

        Raises:
            LimitError: there were too many.
        """
        self.steps_left -= 1
        if self.steps_left < 0:
            raise LimitError(
                f"the assertions of this regular expression take more work than {self.max_states} states may",
                hint="Simplify it, or raise the limit max_states",
            )

    # ---- one part of the pattern, the bits being given -------------------------------------------------

    def annotated(self, node: ast.Node, behind: bool) -> _Annotated:
        """The automaton of a node over annotated texts."""
        graph = _Graph(self)
        graph.add(node, 0, 1, behind)
        n_letters = self.width * self.values
        sets_of: dict[tuple[int, ...], int] = {}
        nfa = Nfa()
        numbers: dict[tuple[int, _Obligations], int] = {(0, frozenset()): 0}
        todo = [(0, frozenset[tuple[int, int]]())]
        last = -1  # reached by the letters for the end of the text
        closures: dict[tuple[int, int], list[tuple[int, _Obligations]]] = {}
        for place, owed in todo:
            source = numbers[place, owed]
            found: dict[int, list[int]] = {}
            for value in range(self.values):
                if (place, value) not in closures:
                    closures[place, value] = self._closure(graph, place, value)
                for q, added in closures[place, value]:
                    together = owed | added
                    if q == 1 and all(self.obligations[i].end_rows[s][value] for i, s in together):
                        if last < 0:
                            last = nfa.state()
                        found.setdefault(last, []).append(n_letters + value)
                    for label, target in graph.chars[q]:
                        for c in self.members[label]:
                            self.step()
                            letter = c * self.values + value
                            rest = self._advance(together, letter)
                            if rest is None:
                                continue
                            config = (target, rest)
                            if config not in numbers:
                                numbers[config] = nfa.state()
                                todo.append(config)
                                if len(numbers) > self.max_states:
                                    raise limit_error("this regular expression", self.max_states)
                            found.setdefault(numbers[config], []).append(letter)
            for target, letters in found.items():
                nfa.edge(source, sets_of.setdefault(tuple(letters), len(sets_of)), target)
        if last < 0:
            return _minimal(np.full((1, n_letters), -1, dtype=np.int32), np.zeros((1, self.values), dtype=np.bool_))
        nfa.final = [last]
        return self._determinized(nfa, list(sets_of), n_letters)

    def _determinized(self, nfa: Nfa, sets: list[tuple[int, ...]], n_letters: int) -> _Annotated:
        # the letters stand in for symbols: a partition in which each is a class of its own
        total = n_letters + self.values
        each = np.arange(total, dtype=np.int32)
        first = np.array([0, *np.cumsum([len(s) for s in sets])], dtype=np.int32)
        flat = np.array([x for s in sets for x in s], dtype=np.int32)
        d = determinize(nfa, total, each, each, first, flat, max_states=self.max_states, what="this regular expression")
        table = d.delta[:, d.classes[np.searchsorted(d.starts, each, side="right") - 1]]
        last = d.accept
        n = len(last)
        ends = last[table[:, n_letters:]] & (table[:, n_letters:] >= 0)
        keep = np.flatnonzero(~last)
        renumber = np.full(n + 1, -1, dtype=np.int32)
        renumber[keep] = np.arange(len(keep), dtype=np.int32)
        return _Annotated(np.ascontiguousarray(renumber[table[keep, :n_letters]]), ends[keep])

    def _closure(self, graph: _Graph, place: int, value: int) -> list[tuple[int, _Obligations]]:
        """The places reached without reading, with the obligations taken on."""
        seen: set[tuple[int, _Obligations]] = {(place, frozenset())}
        todo = list(seen)
        while todo:
            q, added = todo.pop()
            for guard, target in graph.moves[q]:
                more = added
                if guard is not None:
                    kind, number, wanted = guard
                    if kind == "bit":
                        if bool(value >> number & 1) != wanted:
                            continue
                    elif not self.obligations[number].idle[0]:
                        more = added | {(number, 0)}
                if (target, more) not in seen:
                    seen.add((target, more))
                    todo.append((target, more))
        return [(q, added) for q, added in seen if q == 1 or graph.chars[q]]

    def _advance(self, owed: _Obligations, letter: int) -> _Obligations | None:
        """The obligations after a letter, or None if one of them has failed."""
        if not owed:
            return owed
        rest = set()
        for i, s in owed:
            automaton = self.obligations[i]
            t = automaton.rows[s][letter]
            if t < 0:
                return None
            if not automaton.idle[t]:
                rest.add((i, t))
        return frozenset(rest)

    # ---- the bits decided ------------------------------------------------------------------------------

    def run(self) -> Dfa:
        """The automaton over code points."""
        whole = self.annotated(self.node, False)
        if not self.bits:
            return make(CODE_POINTS, self.starts, self.classes, whole.delta, whole.ends[:, 0].copy())
        trackers: list[tuple[int, _Annotated]] = []
        guesses: list[tuple[int, int, int]] = []  # bit, obligation if it holds, obligation if not
        for (body, ahead), bit in self.bits.items():
            if ahead:
                yes = self.obligation(body, False, True)
                guesses.append((bit, yes, self.obligation(body, True, True)))
            else:
                trackers.append((bit, self.annotated(ast.seq([ast.ANY_TEXT, body]), True)))
        sets_of: dict[tuple[int, ...], int] = {}
        nfa = Nfa()
        begin = (0, frozenset[tuple[int, int]](), (0,) * len(trackers))
        numbers = {begin: 0}
        todo = [begin]
        for config in todo:
            state, owed, at = config
            found: dict[int, list[int]] = {}
            for choice in product((False, True), repeat=len(guesses)):
                value = 0
                together = set(owed)
                for holds, (bit, yes, no) in zip(choice, guesses, strict=True):
                    value |= holds << bit
                    together.add((yes if holds else no, 0))
                for (bit, tracker), t in zip(trackers, at, strict=True):  # inner ones come first
                    if t >= 0 and tracker.end_rows[t][value]:
                        value |= 1 << bit
                if whole.end_rows[state][value] and all(self.obligations[i].end_rows[s][value] for i, s in together):
                    nfa.final.append(numbers[config])
                for c in range(self.width):
                    self.step()
                    letter = c * self.values + value
                    following = whole.rows[state][letter]
                    if following < 0:
                        continue
                    rest = self._advance(frozenset(together), letter)
                    if rest is None:
                        continue
                    moved = tuple(
                        tracker.rows[t][letter] if t >= 0 else -1 for (_, tracker), t in zip(trackers, at, strict=True)
                    )
                    target = (following, rest, moved)
                    if target not in numbers:
                        numbers[target] = nfa.state()
                        todo.append(target)
                        if len(numbers) > self.max_states:
                            raise limit_error("this regular expression", self.max_states)
                    found.setdefault(numbers[target], []).append(c)
            for number, letters in found.items():
                label = sets_of.setdefault(tuple(dict.fromkeys(letters)), len(sets_of))
                nfa.edge(numbers[config], label, number)
        sets = list(sets_of)
        first = np.array([0, *np.cumsum([len(s) for s in sets])], dtype=np.int32)
        flat = np.array([x for s in sets for x in s], dtype=np.int32)
        return determinize(
            nfa,
            CODE_POINTS,
            self.starts,
            self.classes,
            first,
            flat,
            max_states=self.max_states,
            what="this regular expression",
        )
