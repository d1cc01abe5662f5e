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

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from structgen.automata import CODE_POINTS, Dfa, Ranges, concat, difference, everything, union
from structgen.automata.dfa import limit_error, make
from structgen.automata.symbols import SURROGATES, every_symbol, normalize, partition
from structgen.errors import UnsupportedError
from structgen.frontends.lark.patterns import Assertion, Char, Check, Match, Program, Split

#: So many surrogates, which are in no text, have classes of their own: they can mark the ends of words.
MARKS = 64


class Condition(NamedTuple):
    """What must hold of the text after a word for the word to be read.

    Attributes:
        ban: no nonempty prefix of it is in this language; None: whatever follows.
        doubt: if it begins with a member, whether the word is read depends on more than a ban can say. None: never.
        needs: for each of these languages, it must begin with a member.
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
        self._samples = [0] * self.width
        for start, c in zip(self.starts.tolist(), self.classes.tolist(), strict=True):
            self._samples[c] = start

    def rows(self, d: Dfa) -> list[list[int]]:
        """The table of an automaton over the classes."""
        columns = d.classes[np.searchsorted(d.starts, self._samples, side="right") - 1]
        table: list[list[int]] = d.delta[:, columns].tolist()
        return table

    def dfa(self, table: list[list[int]], accept: Sequence[bool]) -> Dfa:
        """The language of a table over the classes."""
        return make(
            CODE_POINTS,
            self.starts,
            self.classes,
            np.array(table, dtype=np.int32).reshape(len(table), self.width),
            np.array(accept, dtype=np.bool_),
        )


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
        self.rows = [symbols.rows(look.body) for look in self.looks]
        self.accepts = [look.body.accept.tolist() for look in self.looks]
        self.behind = [i for i, look in enumerate(self.looks) if not look.ahead]
        self.farthest = max((self.looks[i].width for i in self.behind), default=0)

    def pieces(self) -> list[Piece]:
        """The words read as the last program, by what must not follow."""
        own = len(self.programs) - 1
        begin = [Thread(i, 0, NO_DUES) for i in range(len(self.programs))]
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
        bans: list[Dfa] = []
        doubt: Dfa | None = None
        needs: list[Dfa] = []
        for look, at in sorted(dues):
            (bans if self.looks[look].negative else needs).append(self._rest(look, at))
        if above:
            sure, loose = self._matches_later(state, above)
            if not sure.is_empty():
                bans.append(sure)
            if loose != sure:
                doubt = difference(loose, sure)
        ban = union(*bans) if bans else None
        for ghost in ghosts:  # a preferred match is taken unless one of its lookaheads fails
            fails = [self._rest(look, at) for look, at in sorted(ghost.dues) if self.looks[look].negative]
            if len(fails) < len(ghost.dues):
                raise UnsupportedError(
                    f"terminal {self.name}: whether it is read depends on a lookahead past its end",
                    where=self.where,
                    hint='Simplify the lookahead, or use lexer="dynamic_complete"',
                )
            need = union(*fails)
            if ban is not None:
                need = difference(need, concat(ban, everything(CODE_POINTS)))
            if need.is_empty():
                return None
            needs.append(need)
        return Condition(ban, doubt, tuple(needs))

    def _rest(self, look: int, at: int) -> Dfa:
        """What a lookahead's body still has to match."""
        return self.symbols.dfa(*_from(self.rows[look], self.accepts[look], at))

    def _matches_later(self, state: State, above: list[Thread]) -> tuple[Dfa, Dfa]:
        """What can follow so that one of the threads matches: for certain, and depending on what follows that."""
        start = State(state.behind, state.read, tuple(above), None)
        numbers = {start: 0}
        states = [start]
        table: list[list[int]] = []
        sure: list[bool] = []
        loose: list[bool] = []
        for current in states:
            row = [-1] * self.symbols.width
            table.append(row)
            ended = current is not start and (current.done is not None or current.past)
            sure.append(ended)
            loose.append(ended or (current is not start and any(t.at == MATCHED and t.fresh for t in current.threads)))
            if ended:
                continue
            self._fill(current, row, numbers, states)
        return self.symbols.dfa(table, sure), self.symbols.dfa(table, loose)

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
        every = self.symbols.members[every_symbol(CODE_POINTS)] if ghosts else ()
        readers: dict[int, list[int]] = {c: [] for c in every}
        for i, thread in enumerate(state.threads):
            if thread.at == MATCHED:
                continue
            instruction = self.programs[thread.program].code[thread.at]
            assert isinstance(instruction, Char)
            for c in self.symbols.members[instruction.ranges]:
                readers.setdefault(c, []).append(i)
        plain = not ghosts and not self.behind and not any(t.dues for t in state.threads)
        done: dict[tuple[int, ...], int] = {}
        for c, moving in readers.items():
            key = tuple(moving)
            if plain and key in done:
                row[c] = done[key]
                continue
            after = self._after(state, c, moving)
            if after is None:
                continue
            if after not in numbers:
                numbers[after] = len(states)
                states.append(after)
                if len(states) > self.max_states:
                    raise limit_error(f"terminal {self.name}", self.max_states)
            row[c] = done[key] = numbers[after]

    def _after(self, state: State, c: int, moving: list[int]) -> State | None:
        behind = tuple(self.rows[look][s][c] for look, s in zip(self.behind, state.behind, strict=True))
        reading = set(moving)
        threads: list[Thread] = []
        for i, thread in enumerate(state.threads):
            if thread.at != MATCHED and i not in reading:
                continue
            dues = self._paid(thread.dues, c)
            if dues is None:
                continue
            if thread.at == MATCHED:
                threads.append(Thread(thread.program, MATCHED, dues))
            else:
                instruction = self.programs[thread.program].code[thread.at]
                assert isinstance(instruction, Char)
                threads.append(Thread(thread.program, instruction.next, dues))
        after = self._closed(behind, min(state.read + 1, self.farthest), threads)
        return after if after.threads or after.done is not None or after.past else None

    def _paid(self, dues: Dues, c: int) -> Dues | None:
        """The lookaheads after one more symbol; None if one of them has failed."""
        if not dues:
            return dues
        rest = set()
        for look, s in dues:
            t = self.rows[look][s][c]
            negative = self.looks[look].negative
            if t >= 0 and not self.accepts[look][t]:
                rest.add((look, t))
            elif (t >= 0) == negative:  # the body of a negative one matches, or a positive one cannot match
                return None
        return frozenset(rest)

    def _closed(self, behind: tuple[int, ...], read: int, begin: list[Thread]) -> State:
        """Follow all moves that read nothing, in order of preference."""
        result: list[Thread] = []
        seen: dict[tuple[int, int], list[Dues]] = {}
        todo = begin[::-1]
        while todo:
            thread = todo.pop()
            if thread.at == MATCHED:
                if not thread.dues:  # an earlier match is certain now: all below is cut
                    return State(behind, read, tuple(result), None, past=True)
                result.append(thread)
                continue
            earlier = seen.setdefault((thread.program, thread.at), [])
            if any(dues <= thread.dues for dues in earlier):
                continue
            earlier.append(thread.dues)
            instruction = self.programs[thread.program].code[thread.at]
            if isinstance(instruction, Char):
                result.append(thread)
            elif isinstance(instruction, Split):
                todo.extend(thread._replace(at=t) for t in reversed(instruction.targets))
            elif isinstance(instruction, Check):
                dues = self._checked(thread, instruction, behind, read)
                if dues is not None:
                    todo.append(thread._replace(at=instruction.next, dues=dues))
            else:
                assert isinstance(instruction, Match)
                if not thread.dues:
                    return State(behind, read, tuple(result), thread.program)
                result.append(Thread(thread.program, MATCHED, thread.dues, True))
        return State(behind, read, tuple(result), None)

    def _checked(self, thread: Thread, check: Check, behind: tuple[int, ...], read: int) -> Dues | None:
        number = self.offsets[thread.program] + check.look
        look = self.looks[number]
        if look.ahead:
            if look.body.accept[0]:  # the body matches the empty text
                return None if look.negative else thread.dues
            return thread.dues | {(number, 0)}
        if read < look.width:
            raise UnsupportedError(
                f"terminal {self.name} looks behind its own beginning",
                where=self.where,
                hint='Leave out the lookbehind (or \\b, ^) at its beginning, or use lexer="dynamic_complete"',
            )
        state = behind[self.behind.index(number)]
        holds = state >= 0 and self.accepts[number][state]
        return thread.dues if holds != look.negative else None


def _from(rows: list[list[int]], accept: list[bool], start: int) -> tuple[list[list[int]], list[bool]]:
    """The table with another start state: 0 and ``start`` change places."""

    def swap(s: int) -> int:
        return start if s == 0 else 0 if s == start else s

    order = [swap(i) for i in range(len(rows))]
    return [[swap(t) for t in rows[i]] for i in order], [accept[i] for i in order]
