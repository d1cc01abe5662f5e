"""What a lexer reads as a given terminal, and what must not follow: threads run in order of preference.

Receives the :class:`~structgen.frontends.lark.patterns.Program` of a terminal and those of its rivals, the terminals
that the lexer tries before it; returns :class:`Piece` s. A piece is a set of words with a *condition*, mostly a ban:
the word is read as that terminal if and only if no nonempty prefix of the following text is in the ban.

The state after a word is the list of threads still alive, the preferred ones first; a match cuts all threads below
it (Perl's rule, as in RE2's automata). The word is the lexer's choice if none of the threads above the match ever
matches later: what they could still match is the ban. A match that depends on a lookahead not yet decided is a
*ghost*: it stays in the list with its *dues*, and cuts what is below once they are paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.automata import CODE_POINTS, Dfa, Ranges, concat, difference, everything, intersect, repeat_set, union
from structgen.automata.dfa import limit_error, make
from structgen.automata.symbols import SURROGATES, every_symbol, normalize, partition
from structgen.errors import UnsupportedError
from structgen.frontends.lark.patterns import Assertion, Char, Check, Program, Split

#: So many surrogates, which are in no text, have classes of their own: they can mark the ends of words.
MARKS = 64


class Condition(NamedTuple):
    """What must hold of the text after a word for the word to be read.

    Attributes:
        ban: no nonempty prefix of it is in this language; None: whatever follows.
        doubt: if it begins with a member, whether the word is read depends on more than a ban can say. None: never.
        needs: to the end of the text, it must be a member of each of these languages.
    """

    ban: Dfa | None
    doubt: Dfa | None = None
    needs: tuple[Dfa, ...] = ()


class Piece(NamedTuple):
    """Words that a lexer reads as a terminal under one condition on what follows."""

    words: Dfa
    condition: Condition


#: Lookaheads under way: (number of the lookahead, state of its body's automaton).
Dues = frozenset[tuple[int, int]]
NO_DUES: Dues = frozenset()


class Thread(NamedTuple):
    """A place in a program. ``at`` is MATCHED for a ghost, ``fresh`` if its match is at this very position."""

    program: int
    at: int
    dues: Dues
    fresh: bool = False


MATCHED = -1
#: Where a thread goes on: its program, the place, its dues.
_Begun = tuple[int, int, Dues]


class State(NamedTuple):
    """Threads by preference.

    Attributes:
        behind: states of the lookbehinds' automata; ``read``: how many symbols were read, as far as they can see.
        threads: the threads alive.
        done: below all of them, the program of a match at this position; None: there is none.
        past: is there instead a match at an earlier position, which has become certain?
    """

    behind: tuple[int, ...]
    read: int
    threads: tuple[Thread, ...]
    done: int | None
    past: bool = False


class Symbols:
    """A partition of the code points of which every set that some programs read, and more, is a union of classes."""

    def __init__(self, programs: Iterable[Program], more: Iterable[Ranges] = ()) -> None:
        sets: dict[Ranges, None] = {every_symbol(CODE_POINTS): None, **dict.fromkeys(more)}
        marks: list[Ranges] = [((code, code),) for code in range(SURROGATES[0], SURROGATES[0] + MARKS)]
        sets.update(dict.fromkeys(marks))
        for program in programs:
            for instruction in program.code:
                if isinstance(instruction, Char):
                    sets.setdefault(instruction.ranges)
            for look in program.looks:
                for ranges in class_ranges(look.body):
                    sets.setdefault(ranges)
        ordered = [s for s in sets if s]
        self.starts, self.classes, first, members = partition(ordered, CODE_POINTS)
        self.width = int(self.classes.max()) + 1
        self.members: dict[Ranges, tuple[int, ...]] = {(): ()}
        for i, ranges in enumerate(ordered):
            self.members[ranges] = tuple(members[first[i] : first[i + 1]].tolist())
        #: The classes of symbols that no text has.
        self.marks = [self.members[mark][0] for mark in marks]
        #: The same as bits; all classes; those of symbols that texts have.
        self.bits = {ranges: sum(1 << c for c in found) for ranges, found in self.members.items()}
        self.all = (1 << self.width) - 1
        self.every = self.bits[every_symbol(CODE_POINTS)]
        self.listed = lru_cache(maxsize=None)(_listed)
        #: For each place in a program what is reached from it without reading, see ``leaves``.
        self._leaves: dict[tuple[int, int], tuple[int, ...] | None] = {}
        #: What races have found out about programs and lookarounds, for the next race in which they take part.
        self.found: dict[tuple[object, ...], Dfa] = {}
        self._samples = [0] * self.width
        for start, c in zip(self.starts.tolist(), self.classes.tolist(), strict=True):
            self._samples[c] = start

    def of(self, char: str) -> int:
        """The class of a character."""
        return int(self.classes[np.searchsorted(self.starts, ord(char), side="right") - 1])

    def rows(self, d: Dfa) -> list[list[int]]:
        """The table of an automaton over the classes."""
        table: list[list[int]] = self.table(d).tolist()
        return table

    def table(self, d: Dfa) -> NDArray[np.int32]:
        """The same as an array."""
        return d.delta[:, d.classes[np.searchsorted(d.starts, self._samples, side="right") - 1]]

    def leaves(self, program: Program, at: int) -> tuple[int, ...] | None:
        """Where a thread reads or matches next, in order of preference; None: it depends on lookarounds."""
        key = (id(program), at)
        if key not in self._leaves:
            self._leaves[key] = _find_leaves(program, at)
        return self._leaves[key]

    def dfa(self, table: NDArray[np.int32] | list[list[int]], accept: Sequence[bool] | NDArray[np.bool_]) -> Dfa:
        """The language of a table over the classes."""
        return make(
            CODE_POINTS,
            self.starts,
            self.classes,
            np.array(table, dtype=np.int32).reshape(len(table), self.width),
            np.array(accept, dtype=np.bool_),
        )


def _listed(bits: int) -> tuple[int, ...]:
    """The numbers of the bits that are set."""
    return tuple(i for i in range(bits.bit_length()) if bits >> i & 1)


def _find_leaves(program: Program, at: int) -> tuple[int, ...] | None:
    result: list[int] = []
    seen = set()
    todo = [at]
    while todo:
        place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        instruction = program.code[place]
        if isinstance(instruction, Check):
            return None
        if isinstance(instruction, Split):
            todo.extend(reversed(instruction.targets))
        else:
            result.append(place)
    return tuple(result)


@lru_cache(maxsize=256)
def class_ranges(d: Dfa) -> list[Ranges]:
    """The sets of code points that an automaton tells apart."""
    ends = [s - 1 for s in d.starts.tolist()[1:]] + [d.alphabet - 1]
    found: dict[int, list[tuple[int, int]]] = {}
    for c, lo, hi in zip(d.classes.tolist(), d.starts.tolist(), ends, strict=True):
        found.setdefault(c, []).append((lo, hi))
    return [normalize(ranges, d.alphabet) for ranges in found.values()]


class Race:
    """Programs tried in order, as the alternatives of one pattern.

    Args:
        programs: the preferred ones first; the last is the terminal in question.
        symbols: a partition that fits all of them.
        name: how to call the terminal in messages; ``where``: its place.
        max_states: limit on the states made.
    """

    def __init__(
        self, programs: Sequence[Program], symbols: Symbols, name: str, where: str | None, max_states: int
    ) -> None:
        self.programs = programs
        self.symbols = symbols
        self.name = name
        self.where = where
        self.max_states = max_states
        self.looks: list[Assertion] = []
        self.offsets = []
        for program in programs:
            self.offsets.append(len(self.looks))
            self.looks.extend(program.looks)
        #: What a thread leads to without reading; None: it depends on lookarounds.
        self._leads: dict[_Begun, list[Thread] | None] = {}
        self.rows = [symbols.rows(look.body) for look in self.looks]
        #: The states in which it is certain that a lookaround's body matches.
        self.accepts = [self._universal(look.body) if look.whole else look.body.accept.tolist() for look in self.looks]
        #: Sets of symbols that all lookarounds treat alike, as bits.
        self.alike = self._find_alike()
        self.behind = [i for i, look in enumerate(self.looks) if not look.ahead]
        self.farthest = max((self.looks[i].width for i in self.behind), default=0)

    def pieces(self) -> list[Piece]:
        """The words read as the last program, by what must not follow."""
        own = len(self.programs) - 1
        begin: list[_Begun] = [(i, 0, NO_DUES) for i in range(len(self.programs))]
        start = self._closed((0,) * len(self.behind), 0, begin)
        states, table = self._explore(start, own)
        found: dict[Condition, list[int]] = {}
        known: dict[tuple[object, ...], list[Condition]] = {}
        for number, state in enumerate(states):
            key = (state.behind, state.read, self._judged(state, own))
            if key not in known:
                known[key] = self._conditions(state, own)
            for condition in known[key]:
                found.setdefault(condition, []).append(number)
        pieces = []
        for condition, numbers in found.items():
            accept = [False] * len(states)
            for number in numbers:
                accept[number] = True
            pieces.append(Piece(self.symbols.dfa(table, accept), condition))
        return pieces

    def _judged(self, state: State, own: int) -> tuple[object, ...]:
        """What the conditions of a state depend on."""
        ends = [i for i, t in enumerate(state.threads) if t.at == MATCHED and t.program == own and t.fresh]
        if state.done == own:
            return state.threads, True
        return (state.threads[: ends[-1] + 1] if ends else ()), False

    # ---- conditions ------------------------------------------------------------------------------------

    def _conditions(self, state: State, own: int) -> list[Condition]:
        """One for every way in which the word read so far may be the terminal."""
        result: list[Condition | None] = []
        above: list[Thread] = []
        ghosts: list[Thread] = []
        for thread in state.threads:
            if thread.at != MATCHED:
                above.append(thread)
            elif thread.program == own and thread.fresh:
                result.append(self._condition(state, above, ghosts, thread.dues))
            else:
                ghosts.append(thread)
        if state.done == own:
            result.append(self._condition(state, above, ghosts, NO_DUES))
        return [condition for condition in result if condition is not None]

    def _condition(self, state: State, above: list[Thread], ghosts: list[Thread], dues: Dues) -> Condition | None:
        """Given what is preferred to a match, and the lookaheads it depends on; None: it never holds."""
        rest = everything(CODE_POINTS)
        # the rests of the text, to its end, with which the word is not read
        bad = [self._failing(look, at) for look, at in sorted(dues)]
        if above:
            bad.append(self._matches_later(state, above))
        for ghost in ghosts:  # a preferred match is taken unless one of its lookaheads fails
            bad.append(difference(rest, union(*(self._failing(look, at) for look, at in sorted(ghost.dues)))))
        if not bad:
            return Condition(None)
        refused = union(*bad)
        if refused == rest:
            return None
        certain = self._universal(refused)
        table = self.symbols.rows(refused)
        ban = self.symbols.dfa(table, certain)
        some = repeat_set(every_symbol(CODE_POINTS), 1, None, CODE_POINTS)
        undecided = self.symbols.dfa(table, [a and not c for a, c in zip(refused.accept, certain, strict=True)])
        doubt = intersect(undecided, some)
        needs = (intersect(difference(rest, refused), some),) if refused.accept[0] else ()
        return Condition(None if ban.is_empty() else ban, None if doubt.is_empty() else doubt, needs)

    def _failing(self, look: int, at: int) -> Dfa:
        """The rests of the text, to its end, with which a lookahead under way fails."""
        found = self.looks[look]
        key = (found.body, found.whole, found.negative, at)
        if key not in self.symbols.found:
            words = self.symbols.dfa(*_from(self.symbols.table(found.body), found.body.accept, at))
            rest = everything(CODE_POINTS)
            if not found.whole:
                words = concat(words, rest)
            self.symbols.found[key] = words if found.negative else difference(rest, words)
        return self.symbols.found[key]

    def _universal(self, d: Dfa) -> list[bool]:
        """The states of an automaton from which everything is accepted."""
        every = list(self.symbols.listed(self.symbols.every))
        stays = self.symbols.table(d)[:, every] == np.arange(d.n_states)[:, None]
        universal: list[bool] = (stays.all(axis=1) & d.accept).tolist()
        return universal

    def _matches_later(self, state: State, above: list[Thread]) -> Dfa:
        """The rests of the text, to its end, with which one of the threads matches."""
        key = self._named(state, above)
        if key not in self.symbols.found:
            self.symbols.found[key] = self._find_later(state, above)
        return self.symbols.found[key]

    def _named(self, state: State, above: list[Thread]) -> tuple[object, ...]:
        """The threads, and what their way depends on, in words that mean the same in every race."""
        taking = {t.program for t in above}
        looks = {self.offsets[p] + i for p in taking for i in range(len(self.programs[p].looks))}
        behind = tuple((id(self.looks[i]), s) for i, s in zip(self.behind, state.behind, strict=True) if i in looks)
        threads = tuple(
            (id(self.programs[t.program]), t.at, frozenset((id(self.looks[i]), s) for i, s in t.dues)) for t in above
        )
        return threads, behind, state.read if behind else 0

    def _find_later(self, state: State, above: list[Thread]) -> Dfa:
        start = State(state.behind, state.read, tuple(above), None)
        numbers = {start: 0}
        states = [start]
        table: list[list[int]] = []
        accept: list[bool] = []
        for number, current in enumerate(states):
            row = [-1] * self.symbols.width
            table.append(row)
            ended = current is not start and (current.done is not None or current.past)
            accept.append(ended or any(self._holds_at_end(t) for t in current.threads if t.at == MATCHED))
            if ended:
                for c in self.symbols.members[every_symbol(CODE_POINTS)]:
                    row[c] = number
            else:
                self._fill(current, row, numbers, states)
        return self.symbols.dfa(table, accept)

    def _holds_at_end(self, ghost: Thread) -> bool:
        """Would the match hold if the text ended here?"""
        for look, s in ghost.dues:
            matches = self.looks[look].whole and bool(self.looks[look].body.accept[s])
            if matches == self.looks[look].negative:
                return False
        return True

    # ---- states ----------------------------------------------------------------------------------------

    def _explore(self, start: State, own: int) -> tuple[list[State], list[list[int]]]:
        numbers = {start: 0}
        states = [start]
        table: list[list[int]] = []
        for state in states:
            row = [-1] * self.symbols.width
            table.append(row)
            if any(t.program == own for t in state.threads):
                self._fill(state, row, numbers, states)
        return states, table

    def _fill(self, state: State, row: list[int], numbers: dict[State, int], states: list[State]) -> None:
        ghosts = any(t.at == MATCHED for t in state.threads)
        symbols = self.symbols
        # the classes, as bits, by the threads that read them
        blocks: list[tuple[int, tuple[int, ...]]] = [(symbols.all, ())]
        for i, thread in enumerate(state.threads):
            if thread.at == MATCHED:
                continue
            instruction = self.programs[thread.program].code[thread.at]
            assert isinstance(instruction, Char)
            reads = symbols.bits[instruction.ranges]
            parted = []
            for block, moving in blocks:
                if block & reads:
                    parted.append((block & reads, (*moving, i)))
                if block & ~reads:
                    parted.append((block & ~reads, moving))
            blocks = parted
        for block, moving in blocks:
            if not moving:
                block = block & symbols.every if ghosts else 0
            for alike in self.alike:
                if not block & alike:
                    continue
                classes = symbols.listed(block & alike)
                after = self._after(state, classes[0], moving)
                if after is None:
                    continue
                number = numbers.setdefault(after, len(states))
                if number == len(states):
                    states.append(after)
                    if len(states) > self.max_states:
                        raise limit_error(f"terminal {self.name}", self.max_states)
                for c in classes:
                    row[c] = number

    def _find_alike(self) -> list[int]:
        numbers: dict[tuple[int, ...], int] = {}
        for c, column in enumerate(zip(*(row for rows in self.rows for row in rows), strict=True)):
            numbers[column] = numbers.get(column, 0) | 1 << c
        return list(numbers.values()) or [self.symbols.all]

    def _after(self, state: State, c: int, moving: tuple[int, ...]) -> State | None:
        behind = tuple(self.rows[look][s][c] for look, s in zip(self.behind, state.behind, strict=True))
        reading = set(moving)
        threads: list[_Begun] = []
        for i, (program, at, dues, _) in enumerate(state.threads):
            if at != MATCHED and i not in reading:
                continue
            left = self._paid(dues, c) if dues else dues
            if left is None:
                continue
            if at == MATCHED:
                threads.append((program, MATCHED, left))
            else:
                instruction = self.programs[program].code[at]
                assert isinstance(instruction, Char)
                threads.append((program, instruction.next, left))
        after = self._closed(behind, min(state.read + 1, self.farthest), threads)
        return after if after.threads or after.done is not None or after.past else None

    def _paid(self, dues: Dues, c: int) -> Dues | None:
        """The lookaheads after one more symbol; None if one of them has failed."""
        rest = set()
        for look, s in dues:
            t = self.rows[look][s][c]
            negative = self.looks[look].negative
            if t >= 0 and not self.accepts[look][t]:
                rest.add((look, t))
            elif (t >= 0) == negative:  # the body of a negative one matches, or a positive one cannot match
                return None
        return frozenset(rest)

    def _closed(self, behind: tuple[int, ...], read: int, begin: list[_Begun]) -> State:
        """Follow all moves that read nothing, in order of preference."""
        result: list[Thread] = []
        seen: dict[tuple[int, int], list[Dues]] = {}
        for program, at, dues in begin:
            if at == MATCHED:
                if not dues:  # an earlier match is certain now: all below is cut
                    return State(behind, read, tuple(result), None, past=True)
                result.append(Thread(program, MATCHED, dues))
                continue
            for thread in self._led(program, at, dues, behind, read):
                earlier = seen.setdefault((program, thread.at), [])
                if earlier and any(other <= thread.dues for other in earlier):
                    continue
                earlier.append(thread.dues)
                if isinstance(self.programs[program].code[thread.at], Char):
                    result.append(thread)
                elif not thread.dues:
                    return State(behind, read, tuple(result), program)
                else:
                    result.append(Thread(program, MATCHED, thread.dues, True))
        return State(behind, read, tuple(result), None)

    def _led(self, program: int, at: int, dues: Dues, behind: tuple[int, ...], read: int) -> Iterable[Thread]:
        """The places where a thread reads or matches next, and on what that depends, in order of preference."""
        key = (program, at, dues)
        if key not in self._leads:
            leaves = self.symbols.leaves(self.programs[program], at)
            self._leads[key] = None if leaves is None else [Thread(program, leaf, dues) for leaf in leaves]
        known = self._leads[key]
        return self._find_led(program, at, dues, behind, read) if known is None else known

    def _find_led(self, program: int, at: int, dues: Dues, behind: tuple[int, ...], read: int) -> Iterator[Thread]:
        code = self.programs[program].code
        seen: dict[int, list[Dues]] = {}
        todo = [(at, dues)]
        while todo:
            at, dues = todo.pop()
            earlier = seen.setdefault(at, [])
            if any(other <= dues for other in earlier):
                continue
            earlier.append(dues)
            instruction = code[at]
            if isinstance(instruction, Split):
                todo.extend([(t, dues) for t in reversed(instruction.targets)])
            elif isinstance(instruction, Check):
                more = self._checked(program, dues, instruction, behind, read)
                if more is not None:
                    todo.append((instruction.next, more))
            else:
                yield Thread(program, at, dues)

    def _checked(self, program: int, dues: Dues, check: Check, behind: tuple[int, ...], read: int) -> Dues | None:
        number = self.offsets[program] + check.look
        look = self.looks[number]
        if look.ahead:
            if self.accepts[number][0]:  # whatever comes, the body matches
                return None if look.negative else dues
            return dues | {(number, 0)}
        if read < look.width:
            raise UnsupportedError(
                f"terminal {self.name} looks behind its own beginning",
                where=self.where,
                hint='Leave out the lookbehind (or \\b, ^) at its beginning, or use lexer="dynamic_complete"',
            )
        state = behind[self.behind.index(number)]
        holds = state >= 0 and self.accepts[number][state]
        return dues if holds != look.negative else None


def _from(
    table: NDArray[np.int32], accept: NDArray[np.bool_], start: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The table with another start state: 0 and ``start`` change places."""
    swap = np.arange(len(table) + 1, dtype=np.int32)
    swap[0], swap[start], swap[-1] = start, 0, -1  # the last stands for -1
    return swap[table[swap[:-1]]], accept[swap[:-1]]
