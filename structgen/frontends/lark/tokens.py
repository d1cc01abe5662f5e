"""From what a lexer reads to terminals of the network: ignored text folded in behind, bans on the states.

Receives the pieces of a :class:`Lexicon`; returns :class:`structgen.ir.network.Terminal`. A terminal is a token and
then any ignored text: its automaton may end directly behind the token, under the ban of the token, or behind ignored
text, under the ban of that. A ban is kept only as far as something that may follow could break it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np

from structgen.automata import (
    CODE_POINTS,
    ByteDfa,
    Dfa,
    Nfa,
    concat,
    difference,
    epsilon,
    everything,
    intersect,
    literal,
    repeat_set,
    to_bytedfa,
    union,
    utf8,
)
from structgen.automata.dfa import make
from structgen.automata.nfa import determinize
from structgen.automata.symbols import every_symbol
from structgen.errors import UnsupportedError
from structgen.frontends.lark.lexing import Context, Lexicon
from structgen.frontends.lark.special import reached, spelled, spelled_dfa
from structgen.frontends.lark.threads import MARKS, Condition, Piece
from structgen.ir.network import Terminal

#: The first byte of the marks at the ends of words, which are surrogates. Other symbols begin with it too.
MARK = 0xED
#: A ban under way: its language and the state it is in.
_Pending = tuple[Dfa, int]
#: Its number where there is none.
NOTHING = 0


class Tokens:
    """Makes terminals; equal ones are one object.

    Args:
        lexicon: the terminals of the grammar.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.symbols = lexicon.symbols
        #: Are words left out that only the end of the text can follow? (They are in grammars with indentation,
        #: whose texts end with a newline.)
        self.goes_on = False
        self._known: dict[object, Terminal | None] = {}
        self._same: dict[object, Terminal] = {}
        self._stripped: dict[Dfa, tuple[ByteDfa, dict[int, list[int]]]] = {}
        self._rows: dict[Dfa, list[list[int]]] = {}
        #: Bans under way by number; sets of classes by number; the moves of an automaton, state by state.
        self._pending: list[_Pending | None] = [None]
        self._pending_numbers: dict[_Pending, int] = {}
        self._sets: list[tuple[int, ...]] = []
        self._set_numbers: dict[tuple[int, ...], int] = {}
        self._moves: dict[Dfa, list[list[tuple[int, int]]]] = {}
        self._shortest = lru_cache(maxsize=None)(_shortest_members)
        self._bytes = lru_cache(maxsize=None)(self._to_bytes)
        self._rests = lru_cache(maxsize=None)(self._rest)
        self._begun = lru_cache(maxsize=None)(self._begin_with)
        self._moved = lru_cache(maxsize=None)(self._find_moved)
        self._first = lru_cache(maxsize=None)(self._find_first)
        self._going_on = lru_cache(maxsize=None)(_with_anything)
        self._parts = lru_cache(maxsize=None)(_beginnings)
        self._last = lru_cache(maxsize=None)(self._is_last)

    def token(self, name: str, before: Context, after: Context, follow: frozenset[str]) -> Terminal | None:
        """A token and ignored text behind it.

        Args:
            name: the terminal.
            before: what the lexer tries where the token begins.
            after: what it tries behind the token.
            follow: the terminals that the grammar allows next.

        Returns:
            The terminal, or None: the lexer never reads it here.
        """
        return self.from_pieces(name, self.lexicon.tokens(name, before), self.lexicon.ignored(after), follow)

    def from_pieces(
        self, name: str, pieces: Sequence[Piece], ignored: Sequence[Piece], follow: frozenset[str]
    ) -> Terminal | None:
        """As :meth:`token`, for the pieces of the token and of what is ignored behind it."""
        if not pieces:
            return None
        return self.folded(self.lexicon.shown(name), self.lexicon.where(name), pieces, ignored, follow)

    def folded(
        self,
        shown: str,
        where: str | None,
        pieces: Sequence[Piece],
        ignored: Sequence[Piece],
        follow: frozenset[str],
        direct: bool = True,
    ) -> Terminal | None:
        """Some words and then ignored text; ``direct``: or no ignored text. None: there is no such text."""
        key = (shown, tuple(pieces), tuple(ignored), follow, direct)
        if key not in self._known:
            self._known[key] = self._fold(shown, where, pieces, ignored, follow, direct)
        return self._known[key]

    def simplified(self, name: str, context: Context, follow: frozenset[str]) -> tuple[Piece, ...]:
        """The pieces of a terminal with no more in their conditions than what may follow can decide."""
        firsts = self._first(follow)
        result = []
        for words, condition in self.lexicon.tokens(name, context):
            ban, doubt, needs = condition
            ban = None if ban is None else self._begun(ban, firsts)
            doubt = None if doubt is None else self._begun(doubt, firsts)
            needs = tuple(self._begun(need, firsts) for need in needs)
            if not any(need.is_empty() for need in needs):
                ban = None if ban is None or ban.is_empty() else self._shortest(ban)
                doubt = None if doubt is None or doubt.is_empty() else doubt
                result.append(Piece(words, Condition(ban, doubt, needs)))
        return tuple(sorted(result, key=_digests))

    def blank(self, ignored: Sequence[Piece], follow: frozenset[str]) -> Terminal | None:
        """Ignored text alone, where the text begins. None: nothing is ignored."""
        nothing = Piece(epsilon(CODE_POINTS), Condition(None))
        return self.folded("ignored text", None, [nothing], ignored, follow, direct=False)

    # ---- the automaton over code points ----------------------------------------------------------------

    def _fold(
        self,
        shown: str,
        where: str | None,
        pieces: Sequence[Piece],
        ignored: Sequence[Piece],
        follow: frozenset[str],
        direct: bool,
    ) -> Terminal | None:
        """Token and ignored text as one automaton: a place is (piece, its state, the ban under way)."""
        nfa = Nfa(1)
        parts = [*pieces, *ignored]
        accepts = [p.words.accept.tolist() for p in parts]
        ignored_firsts = self._first_of(ignored)
        numbers: dict[tuple[int, int, int], int] = {}
        todo: list[tuple[int, int, int]] = []
        ends: dict[Dfa | None, list[int]] = {}
        labels: dict[int, int] = {}

        def at(part: int, state: int, pending: int) -> int:
            place = (part, state, pending)
            number = numbers.get(place)
            if number is None:
                number = numbers[place] = nfa.state()
                todo.append(place)
            return number

        for i in range(len(pieces)):
            nfa.empty(0, at(i, 0, NOTHING))
        while todo:
            part, state, pending = place = todo.pop()
            source = numbers[place]
            if accepts[part][state]:
                condition = self._joined(parts[part].condition, self._pending[pending])
                ban = self._pruned(shown, where, condition, self._first(follow))
                if ban is not _NEVER and (direct or part >= len(pieces)):
                    if ban is not None:
                        ban = self._met(ban, follow)
                    ends.setdefault(ban, []).append(source)
                if self._pruned(shown, where, condition, ignored_firsts) is not _NEVER:
                    begun = NOTHING if condition.ban is None else self._under_way(condition.ban, 0)
                    for j in range(len(pieces), len(parts)):
                        nfa.empty(source, at(j, 0, begun))
            for target, classes in self._moves_of(parts[part].words)[state]:
                for following, some in self._moved(pending, classes):
                    nfa.edge(source, labels.setdefault(some, len(labels)), at(part, target, following))
        if self.goes_on:
            ends = {ban: sources for ban, sources in ends.items() if ban is None or not self._last(ban, follow)}
        if not ends:
            return None
        dfa, bans = self._with_bans(nfa, labels, ends)
        if bans and 0 in bans:  # the words may be empty, and then nothing must follow that could
            raise _undecided(shown, where)
        if not _endable(dfa, bans):
            raise self._stuck(bans, shown, where, follow)
        key = (dfa.digest, tuple((s, ban.digest) for s, ban in sorted(bans.items())))
        if key not in self._same:
            self._same[key] = Terminal(dfa, shown, where, bans)
        return self._same[key]

    def _under_way(self, ban: Dfa, state: int) -> int:
        """The number of a ban under way."""
        number = self._pending_numbers.setdefault((ban, state), len(self._pending))
        if number == len(self._pending):
            self._pending.append((ban, state))
        return number

    def _set(self, classes: tuple[int, ...]) -> int:
        """The number of a set of classes."""
        number = self._set_numbers.setdefault(classes, len(self._sets))
        if number == len(self._sets):
            self._sets.append(classes)
        return number

    def _moves_of(self, d: Dfa) -> list[list[tuple[int, int]]]:
        """For each state where it leads, each with the number of the set of classes that lead there."""
        if d not in self._moves:
            self._moves[d] = []
            for row in self._table(d):
                found: dict[int, list[int]] = {}
                for c, target in enumerate(row):
                    if target >= 0:
                        found.setdefault(target, []).append(c)
                self._moves[d].append([(target, self._set(tuple(classes))) for target, classes in found.items()])
        return self._moves[d]

    def _find_moved(self, pending: int, classes: int) -> list[tuple[int, int]]:
        """A ban under way after one more symbol of a set, for each part of the set that it allows."""
        under_way = self._pending[pending]
        if under_way is None:
            return [(NOTHING, classes)]
        ban, state = under_way
        row = self._table(ban)[state]
        found: dict[int, list[int]] = {}
        for c in self._sets[classes]:
            target = row[c]
            if target < 0 or not ban.accept[target]:
                found.setdefault(target, []).append(c)
        return [
            (NOTHING if target < 0 else self._under_way(ban, target), self._set(tuple(some)))
            for target, some in found.items()
        ]

    def _joined(self, condition: Condition, pending: _Pending | None) -> Condition:
        """The condition of a piece, and of a ban that is still under way at its end."""
        if pending is None:
            return condition
        rest = self._rests(*pending)
        return condition._replace(ban=rest if condition.ban is None else self._shortest(union(condition.ban, rest)))

    def _rest(self, ban: Dfa, state: int) -> Dfa:
        table = self._table(ban)
        order = [state, *(s for s in range(len(table)) if s != state)]
        new = {s: i for i, s in enumerate(order)} | {-1: -1}
        return self.symbols.dfa([[new[t] for t in table[s]] for s in order], [bool(ban.accept[s]) for s in order])

    def _table(self, d: Dfa) -> list[list[int]]:
        if d not in self._rows:
            self._rows[d] = self.symbols.rows(d)
        return self._rows[d]

    # ---- conditions ------------------------------------------------------------------------------------

    def _find_first(self, names: frozenset[str]) -> frozenset[int]:
        """The classes of symbols with which one of the terminals can begin."""
        return frozenset().union(*(self.lexicon.first[name] for name in names))

    def _first_of(self, pieces: Sequence[Piece]) -> frozenset[int]:
        return frozenset(c for p in pieces for c, t in enumerate(self._table(p.words)[0]) if t >= 0)

    def _pruned(self, shown: str, where: str | None, condition: Condition, firsts: frozenset[int]) -> Dfa | None:
        """The ban as far as what begins with one of the classes can break it; _NEVER: nothing may follow."""
        for need in condition.needs:
            if not self._begun(need, firsts).is_empty():
                raise _undecided(shown, where)
        if condition.needs:
            return _NEVER
        if condition.doubt is not None and not self._begun(condition.doubt, firsts).is_empty():
            raise _undecided(shown, where)
        if condition.ban is None:
            return None
        ban = self._begun(condition.ban, firsts)
        return None if ban.is_empty() else self._shortest(ban)

    def _met(self, ban: Dfa, follow: frozenset[str]) -> Dfa | None:
        """The members of a ban that a text can begin with, if it begins with one of the terminals."""
        if ban.max_length() == 1:
            return ban
        found = []
        for name in follow:
            words = self.lexicon.programs[name].words
            if not self._begun(ban, self.lexicon.first[name]).is_empty():
                found += [intersect(ban, self._parts(words)), intersect(ban, self._going_on(words))]
        ban = union(*found)
        return None if ban.is_empty() else self._shortest(ban)

    def _begin_with(self, words: Dfa, firsts: frozenset[int]) -> Dfa:
        """The words that begin with one of the classes."""
        table = [list(row) for row in self._table(words)]
        start = [t if c in firsts else -1 for c, t in enumerate(table[0])]
        if start == table[0]:
            return words
        shifted = [[t + 1 if t >= 0 else -1 for t in row] for row in [start, *table]]
        return self.symbols.dfa(shifted, [False, *words.accept.tolist()])

    # ---- bytes -----------------------------------------------------------------------------------------

    def _is_last(self, ban: Dfa, follow: frozenset[str]) -> bool:
        """Does a ban leave nothing of what may follow, so that only the end of the text can?"""
        banned = self._going_on(ban)
        return all(difference(self.lexicon.programs[name].words, banned).is_empty() for name in follow)

    def _stuck(
        self, bans: dict[int, ByteDfa], shown: str, where: str | None, follow: frozenset[str]
    ) -> UnsupportedError:
        for name in sorted(follow):
            first = self._bytes(self.lexicon.programs[name].words)
            starts = first.lo[: first.first[1]].tolist()
            if any(ban.step(0, byte) >= 0 for ban in bans.values() for byte in starts):
                break
        return UnsupportedError(
            f"terminal {self.lexicon.shown(name)} behind {shown}: a lexer would read them as one, "
            "and nothing that keeps them apart may stand between",
            where=where,
            hint='Let something be written between them (%ignore blanks), or use lexer="dynamic_complete"',
        )

    def _with_bans(
        self, nfa: Nfa, labels: dict[int, int], ends: dict[Dfa | None, list[int]]
    ) -> tuple[ByteDfa, dict[int, ByteDfa]]:
        """The byte automaton of words that end under different bans, and the bans by its states.

        The end of a word is marked with a symbol that no text has, another for each ban. Then the automaton is made
        minimal and turned into bytes, and the marks are taken off.
        """
        bans = list(ends)
        if len(bans) > MARKS:
            raise UnsupportedError("a terminal with too many different bans")
        final = nfa.state()
        size = len(nfa.sources)
        for mark, sources in zip(self.symbols.marks, ends.values(), strict=False):
            for source in sources:
                nfa.edge(source, labels.setdefault(self._set((mark,)), len(labels)), final)
        nfa.final = [final]
        words = determinize(
            nfa,
            CODE_POINTS,
            self.symbols.starts,
            self.symbols.classes,
            np.array([0, *accumulate(len(self._sets[label]) for label in labels)], dtype=np.int32),
            np.array([c for label in labels for c in self._sets[label]], dtype=np.int32),
            max_states=self.lexicon.max_states,
            what="a terminal with the ignored text behind it",
        )
        for moves in (nfa.sources, nfa.labels, nfa.targets):
            del moves[size:]
        if words not in self._stripped:
            self._stripped[words] = _strip(to_bytedfa(utf8(words)), self.lexicon.special)
        dfa, marked = self._stripped[words]
        found = {}
        for state, marks in marked.items():
            ban = self._either([bans[i] for i in marks])
            if ban is not None:
                found[state] = self._bytes(ban)
        return dfa, found

    def _to_bytes(self, d: Dfa) -> ByteDfa:
        made = to_bytedfa(utf8(d))
        return spelled_dfa(made, self.lexicon.special) if self.lexicon.special else made

    def _either(self, bans: list[Dfa | None]) -> Dfa | None:
        """What breaks each of several bans: the word may be read in several ways."""
        if None in bans:
            return None
        both = intersect(*(self._going_on(ban) for ban in bans if ban is not None))
        return None if both.is_empty() else self._shortest(both)


#: Stands for "nothing may follow, not even the end".
_NEVER = literal("\0never")


def _undecided(shown: str, where: str | None) -> UnsupportedError:
    return UnsupportedError(
        f"{shown}: whether it is read depends on a lookahead into the tokens behind it",
        where=where,
        hint='Simplify the lookahead, or use lexer="dynamic_complete"',
    )


def _endable(dfa: ByteDfa, bans: dict[int, ByteDfa]) -> bool:
    """Does every state reach an end without a ban? Else the text could not be completed."""
    free = dfa.accept.copy()
    free[list(bans)] = False
    return not bans or bool((dfa.distance_to(free) < 1 << 30).all())


def _strip(whole: ByteDfa, special: Sequence[str]) -> tuple[ByteDfa, dict[int, list[int]]]:
    """Take the marks off: the automaton of the words, and the marks that stood behind each accepting state."""
    first, lo, hi, to = (a.tolist() for a in (whole.first, whole.lo, whole.hi, whole.to))
    rows = [[(lo[e], hi[e], to[e]) for e in range(first[s], first[s + 1])] for s in range(whole.n_states)]
    (final,) = np.flatnonzero(whole.accept).tolist()
    # a mark is three bytes: the last tells which
    third = {s: [b - 0x80 for x, y, t in row if t == final for b in range(x, y + 1)] for s, row in enumerate(rows)}
    third = {s: marks for s, marks in third.items() if marks}
    second = {s: third[t] for s, row in enumerate(rows) for _, _, t in row if t in third}
    ends: dict[int, list[int]] = {}
    for s, row in enumerate(rows):
        for x, y, t in row:
            if x <= MARK <= y and t in second:
                ends[s] = second[t]
    kept = [[e for e in row if e[2] not in third] for row in rows]
    if special:
        kept = spelled(kept, special)
    live = _live(kept, set(ends))
    dfa, order = reached([[e for e in row if e[2] in live] for row in kept], list(ends))
    return dfa, {order[s]: marks for s, marks in ends.items()}


def _live(rows: list[list[tuple[int, int, int]]], goal: set[int]) -> set[int]:
    """The states from which one of the goal can be reached."""
    sources: dict[int, list[int]] = {}
    for s, row in enumerate(rows):
        for _, _, t in row:
            sources.setdefault(t, []).append(s)
    found, todo = set(goal), list(goal)
    while todo:
        for s in sources.get(todo.pop(), ()):
            if s not in found:
                found.add(s)
                todo.append(s)
    return found


def _with_anything(d: Dfa) -> Dfa:
    """The words, each with anything behind it."""
    return concat(d, everything(CODE_POINTS))


def _beginnings(d: Dfa) -> Dfa:
    """The beginnings of words."""
    return make(d.alphabet, d.starts, d.classes, d.delta, np.ones_like(d.accept))


def _digests(piece: Piece) -> tuple[bytes, bytes]:
    return piece.words.digest, b"" if piece.condition.ban is None else piece.condition.ban.digest


def _shortest_members(d: Dfa) -> Dfa:
    """The words of which no proper prefix is in the language: as a ban, they say the same."""
    something = repeat_set(every_symbol(CODE_POINTS), 1, None, CODE_POINTS)
    return difference(d, concat(d, something))
