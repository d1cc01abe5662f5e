"""From what a lexer reads to terminals of the network: ignored text folded in behind, bans on the states.

Receives the pieces of a :class:`Lexicon`; returns :class:`structgen.ir.network.Terminal`. A terminal is a token and
then any ignored text: its automaton may end directly behind the token, under the ban of the token, or behind ignored
text, under the ban of that. A ban is kept only as far as something that may follow could break it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from structgen.automata import (
    CODE_POINTS,
    ByteDfa,
    Dfa,
    Nfa,
    concat,
    difference,
    everything,
    intersect,
    literal,
    repeat_set,
    to_bytedfa,
    union,
    utf8,
)
from structgen.automata.bytedfa import from_edges
from structgen.automata.nfa import determinize
from structgen.automata.symbols import every_symbol
from structgen.errors import UnsupportedError
from structgen.frontends.lark.lexing import Context, Lexicon
from structgen.frontends.lark.threads import Condition, Piece
from structgen.ir.network import Terminal

#: A byte that no text has marks the ends of words while byte automata are made.
MARK = 0xFF
#: A ban under way: its language and the state it is in; None: there is none.
_Pending = tuple[Dfa, int] | None


class Tokens:
    """Makes terminals; equal ones are one object.

    Args:
        lexicon: the terminals of the grammar.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.symbols = lexicon.symbols
        self._known: dict[object, Terminal | None] = {}
        self._same: dict[object, Terminal] = {}
        self._rows: dict[Dfa, list[list[int]]] = {}
        self._shortest = lru_cache(maxsize=None)(_shortest_members)
        self._bytes = lru_cache(maxsize=None)(lambda d: to_bytedfa(utf8(d)))
        self._rests = lru_cache(maxsize=None)(self._rest)
        self._begun = lru_cache(maxsize=None)(self._begin_with)

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
        return self.from_pieces(name, self.lexicon.tokens(name, before), after, follow)

    def from_pieces(self, name: str, pieces: list[Piece], after: Context, follow: frozenset[str]) -> Terminal | None:
        """As :meth:`token`, for pieces that are known."""
        key = (name, tuple(pieces), tuple(self.lexicon.ignored(after)), follow)
        if key not in self._known:
            self._known[key] = self._fold(name, pieces, after, follow) if pieces else None
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

    def blank(self, context: Context, follow: frozenset[str]) -> Terminal | None:
        """Ignored text alone, where the text begins. None: nothing is ignored."""
        if not self.lexicon.ignored(context):
            return None
        return self._fold(None, [], context, follow)

    # ---- the automaton over code points ----------------------------------------------------------------

    def _fold(self, name: str | None, pieces: list[Piece], after: Context, follow: frozenset[str]) -> Terminal | None:
        """Token and ignored text as one automaton: a place is (piece, its state, the ban under way)."""
        nfa = Nfa(1)
        ignored = self.lexicon.ignored(after)
        parts = [*pieces, *ignored]
        accepts = [p.words.accept.tolist() for p in parts]
        ignored_firsts = self._first_of(ignored)
        numbers: dict[tuple[int, int, _Pending], int] = {}
        todo: list[tuple[int, int, _Pending]] = []
        ends: dict[Dfa | None, list[int]] = {}
        labels: dict[tuple[int, ...], int] = {}

        def at(place: tuple[int, int, _Pending]) -> int:
            if place not in numbers:
                numbers[place] = nfa.state()
                todo.append(place)
            return numbers[place]

        for i in range(len(pieces) if name is not None else len(parts)):
            nfa.empty(0, at((i, 0, None)))
        while todo:
            part, state, pending = place = todo.pop()
            source = numbers[place]
            if accepts[part][state]:
                condition = self._joined(parts[part].condition, pending)
                ban = self._pruned(name, condition, self._first(follow))
                if ban is not _NEVER:
                    if ban is not None:
                        ban = self._met(ban, follow)
                    ends.setdefault(ban, []).append(source)
                if self._pruned(name, condition, ignored_firsts) is not _NEVER:
                    begun = None if condition.ban is None else (condition.ban, 0)
                    for j in range(len(pieces), len(parts)):
                        nfa.empty(source, at((j, 0, begun)))
            found: dict[int, list[int]] = {}
            for c, target in enumerate(self._table(parts[part].words)[state]):
                if target >= 0:
                    following, allowed = self._moved(pending, c)
                    if allowed:
                        found.setdefault(at((part, target, following)), []).append(c)
            for number, classes in found.items():
                nfa.edge(source, labels.setdefault(tuple(classes), len(labels)), number)
        languages = self._languages(nfa, list(labels), ends)
        if not languages:
            return None
        shown = "ignored text" if name is None else self.lexicon.shown(name)
        where = None if name is None else self.lexicon.where(name)
        dfa, bans = self.with_bans(languages)
        if bans:
            self._check_ends(dfa, bans, shown, where, follow)
        key = (dfa.digest, tuple((s, ban.digest) for s, ban in sorted(bans.items())))
        if key not in self._same:
            self._same[key] = Terminal(dfa, shown, where, bans)
        return self._same[key]

    def _languages(
        self, nfa: Nfa, labels: list[tuple[int, ...]], ends: dict[Dfa | None, list[int]]
    ) -> list[tuple[Dfa, Dfa | None]]:
        first = np.array([0, *np.cumsum([len(label) for label in labels])], dtype=np.int32)
        flat = np.array([c for label in labels for c in label], dtype=np.int32)
        found = []
        for ban, final in ends.items():
            nfa.final = final
            words = determinize(
                nfa,
                CODE_POINTS,
                self.symbols.starts,
                self.symbols.classes,
                first,
                flat,
                max_states=self.lexicon.max_states,
                what="a terminal with the ignored text behind it",
            )
            if not words.is_empty():
                found.append((words, ban))
        return found

    def _moved(self, pending: _Pending, c: int) -> tuple[_Pending, bool]:
        """A ban under way after one more symbol, and whether it allows the symbol."""
        if pending is None:
            return None, True
        ban, state = pending
        target = self._table(ban)[state][c]
        if target < 0:
            return None, True
        return (ban, target), not ban.accept[target]

    def _joined(self, condition: Condition, pending: _Pending) -> Condition:
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

    def _first(self, names: Iterable[str]) -> frozenset[int]:
        """The classes of symbols with which one of the terminals can begin."""
        return frozenset().union(*(self.lexicon.first[name] for name in names))

    def _first_of(self, pieces: list[Piece]) -> frozenset[int]:
        return frozenset(c for p in pieces for c, t in enumerate(self._table(p.words)[0]) if t >= 0)

    def _pruned(self, name: str | None, condition: Condition, firsts: frozenset[int]) -> Dfa | None:
        """The ban as far as what begins with one of the classes can break it; _NEVER: nothing may follow."""
        for need in condition.needs:
            if not self._begun(need, firsts).is_empty():
                raise self._undecided(name)
        if condition.needs:
            return _NEVER
        if condition.doubt is not None and not self._begun(condition.doubt, firsts).is_empty():
            raise self._undecided(name)
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
                parts = Dfa(words.alphabet, words.starts, words.classes, words.delta, np.ones_like(words.accept))
                found += [intersect(ban, parts), intersect(ban, concat(words, everything(CODE_POINTS)))]
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

    def _undecided(self, name: str | None) -> UnsupportedError:
        shown = "ignored text" if name is None else f"terminal {self.lexicon.shown(name)}"
        return UnsupportedError(
            f"{shown}: whether it is read depends on a lookahead into the tokens behind it",
            where=None if name is None else self.lexicon.where(name),
            hint='Simplify the lookahead, or use lexer="dynamic_complete"',
        )

    # ---- bytes -----------------------------------------------------------------------------------------

    def _check_ends(
        self, dfa: ByteDfa, bans: dict[int, ByteDfa], shown: str, where: str | None, follow: frozenset[str]
    ) -> None:
        """Every state must reach an end without a ban, or the text could not be completed."""
        free = dfa.accept.copy()
        free[list(bans)] = False
        if (dfa.distance_to(free) < 1 << 30).all():
            return
        for name in sorted(follow):
            first = self._bytes(self.lexicon.programs[name].words)
            starts = first.lo[: first.first[1]].tolist()
            if any(ban.step(0, byte) >= 0 for ban in bans.values() for byte in starts):
                break
        raise UnsupportedError(
            f"terminal {self.lexicon.shown(name)} behind {shown}: a lexer would read them as one, "
            "and nothing that keeps them apart may stand between",
            where=where,
            hint='Let something be written between them (%ignore blanks), or use lexer="dynamic_complete"',
        )

    def with_bans(self, languages: list[tuple[Dfa, Dfa | None]]) -> tuple[ByteDfa, dict[int, ByteDfa]]:
        """One byte automaton for words with different bans: each word is marked with its ban, then made minimal."""
        if len(languages) == 1:
            words, ban = languages[0]
            dfa = self._bytes(words)
            if ban is None:
                return dfa, {}
            same = self._bytes(ban)
            return dfa, dict.fromkeys(np.flatnonzero(dfa.accept).tolist(), same)
        marked = [concat(utf8(words), literal(bytes([MARK, i]))) for i, (words, _) in enumerate(languages)]
        whole = to_bytedfa(union(*marked))
        ends: dict[int, list[int]] = {}
        inner: list[tuple[int, int, int, int]] = []
        first, lo, hi, to = (a.tolist() for a in (whole.first, whole.lo, whole.hi, whole.to))
        marks: dict[int, int] = {}
        for s in range(whole.n_states):
            for e in range(first[s], first[s + 1]):
                if lo[e] == MARK:
                    marks[s] = to[e]
                else:
                    inner.append((s, lo[e], hi[e], to[e]))
        for s, m in marks.items():
            ends[s] = [i for e in range(first[m], first[m + 1]) for i in range(lo[e], hi[e] + 1)]
        # breadth first, the states before the marks only
        order, queue = {0: 0}, [0]
        out: dict[int, list[int]] = {}
        for s, _, _, t in inner:
            out.setdefault(s, []).append(t)
        for s in queue:
            for t in out.get(s, ()):
                if t not in order:
                    order[t] = len(order)
                    queue.append(t)
        edges = [(order[s], a, b, order[t]) for s, a, b, t in inner if s in order]
        dfa = from_edges(len(order), edges, [order[s] for s in ends if s in order])
        bans = {}
        for s, options in ends.items():
            ban = self._either([languages[i][1] for i in options])
            if ban is not None and s in order:
                bans[order[s]] = self._bytes(ban)
        return dfa, bans

    def _either(self, bans: list[Dfa | None]) -> Dfa | None:
        """What breaks each of several bans: the word may be read in several ways."""
        if None in bans:
            return None
        rest = everything(CODE_POINTS)
        both = intersect(*(concat(ban, rest) for ban in bans if ban is not None))
        return None if both.is_empty() else self._shortest(both)


#: Stands for "nothing may follow, not even the end".
_NEVER = literal("\0never")


def _digests(piece: Piece) -> tuple[bytes, bytes]:
    return piece.words.digest, b"" if piece.condition.ban is None else piece.condition.ban.digest


def _shortest_members(d: Dfa) -> Dfa:
    """The words of which no proper prefix is in the language: as a ban, they say the same."""
    something = repeat_set(every_symbol(CODE_POINTS), 1, None, CODE_POINTS)
    return difference(d, concat(d, something))
