"""A canvas written from left to right: which tokens may come next, given what is fixed further right.

Receives a compiled grammar, a canvas and a budget of tokens for its gaps; says after each token where in the canvas the
text can stand, and whether the rest can still be completed. Tokens of the model need not end where gaps end: a token
may hold the end of a gap without bound and the beginning of the fixed text behind it. (A gap of a given number of
tokens begins and ends with tokens.) As several readings of the text may fit the canvas, all of them are kept: places in
the canvas, as the states of an automaton that reads it. Every token allowed leaves at least one that can be completed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from structgen.errors import BudgetError, UnsatisfiableError, UnsupportedError, VocabularyError
from structgen.infill.canvas import Canvas
from structgen.infill.fewest import NEVER, ahead_of
from structgen.infill.gap import ANY, MAYBE, SLOT, TEXT, TOKEN, Element, Gap
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import REFUSED, CompiledGrammar


class Track(NamedTuple):
    """How a place was come to: tokens with a byte in a gap, and the offsets where gaps began and ended, in turn.

    Of two ways to one place the one of fewer tokens is kept, then the one whose gaps end sooner.
    """

    used: int
    marks: tuple[int, ...] = ()


#: A step of the canvas, and how many bytes of its text have been written.
Place = tuple[int, int]


class Position(NamedTuple):
    """Where a text stands.

    Attributes:
        state: of the text, among those of ``Walk.ahead``.
        offset: its bytes.
        places: where in the canvas it can be.
    """

    state: int
    offset: int
    places: dict[Place, Track]


class Walk:
    """A canvas, to be written from left to right.

    Args:
        grammar: the constraint.
        elements: the canvas.
        most: how many tokens may have bytes in gaps, all together.
        crossing: may a token hold bytes of a gap without bound and of the text behind it?

    Attributes:
        start: the position of the empty text.

    Raises:
        UnsatisfiableError: the canvas cannot be completed.
        BudgetError: not with so many tokens.
        VocabularyError: a fixed text cannot be spelt.
    """

    def __init__(
        self, grammar: CompiledGrammar, elements: Iterable[Element], most: int, *, crossing: bool = True
    ) -> None:
        self.canvas = Canvas(grammar, elements)
        self.vocab = grammar.vocab
        self.steps = self.canvas.engine.steps
        self.ahead = ahead_of(self.canvas.engine)
        self.most = most
        self._crossing = crossing
        self._events = [0] * (len(self.steps) + 1)
        for index, element in enumerate(self.canvas.elements):
            if isinstance(element, Gap):
                positions = self.canvas.positions(index)
                self._events[positions.start] += 1
                self._events[positions.stop] += 1
        self._spelt: dict[Place, bool] = {}
        for step in self.steps:
            if isinstance(step.value, bytes):
                self.vocab.spell(step.value)
        self._texts = self.vocab.tokens
        self._first_byte = _first_bytes(self.vocab)
        found: dict[Place, Track] = {}
        self._arrive(found, 0, Track(0), 0)
        self.start = Position(self.ahead.start, 0, found)
        if not self._kept(self.start.state, found):
            self._refuse()

    def _refuse(self) -> None:
        try:
            possible = self.canvas.completable()
        except UnsupportedError:
            possible = True
        if not possible:
            raise UnsatisfiableError(
                "the canvas cannot be completed: no text of the language has these fixed parts",
                hint="structgen check says where a text leaves the language; repair changes fixed parts",
            )
        raise BudgetError(
            f"the gaps of the canvas cannot be filled with {self.most} tokens", hint="Raise max_tokens"
        )

    # ------------------------------------------------------------ questions

    def complete(self, position: Position) -> bool:
        """Is the text finished, and nothing can follow?"""
        return list(position.places) == [(len(self.steps), 0)] or (
            self.may_end(position) and not (self.candidates(position)).any()
        )

    def may_end(self, position: Position) -> bool:
        """May the text end here?"""
        end = len(self.steps), 0
        return end in position.places and self._fits(end, position.places[end], position.state)

    def candidates(self, position: Position) -> NDArray[np.bool_]:
        """bool[V]: tokens that the grammar allows and that begin as the canvas may go on. The others are refused."""
        found = self.ahead.allowed(position.state).copy()
        kinds = {self._kind(p) for p, _ in position.places}
        if not kinds & {SLOT, MAYBE, ANY}:
            here = np.zeros_like(found)
            for p, j in position.places:
                value = self.steps[p].value if p < len(self.steps) else None
                if isinstance(value, bytes):
                    here |= self._first_byte == value[j]
                elif isinstance(value, int):
                    here[value] = True
            found &= here
        return found

    def token(self, position: Position, token: int) -> Position | None:
        """The position after a token; None where it is not allowed."""
        text = self._texts[token] if token < len(self._texts) else None
        state = self.ahead.step(position.state, token) if text else REFUSED
        if state == REFUSED or not text:
            return None
        found: dict[Place, Track] = {}
        for place, track in position.places.items():
            self._step(found, place, track, token, text, position.offset)
        kept = self._kept(state, found)
        return Position(state, position.offset + len(text), kept) if kept else None

    def forced(self, position: Position) -> bytes:
        """The fixed text that has to come next; empty where it is a gap's turn, or there are several readings."""
        if len(position.places) != 1:
            return b""
        ((p, j),) = position.places
        text = b""
        while self._kind(p) == TEXT:
            value = self.steps[p].value
            assert isinstance(value, bytes)
            text, p, j = text + value[j:], p + 1, 0
        return text

    def reaches_end(self, position: Position) -> bool:
        """Is what ``forced`` says the rest of the canvas?"""
        return all(step.kind == TEXT for step in self.steps[next(iter(position.places))[0] :])

    def regions(self, position: Position) -> list[tuple[int, int]]:
        """For each gap of the canvas the bytes of a finished text that fill it: from, to."""
        marks = position.places[len(self.steps), 0].marks
        return list(zip(marks[::2], marks[1::2], strict=True))

    # ------------------------------------------------------------ one gap by itself

    def inside(self, position: Position, token: int, end: int) -> Position | None:
        """The position after a token of the gap that ends at a boundary; None where it is not allowed there."""
        within = {place: track for place, track in position.places.items() if place[0] < end}
        after = self.token(position._replace(places=within), token)
        kept = {place: track for place, track in after.places.items() if place[0] <= end} if after else None
        return after._replace(places=kept) if after and kept else None

    def leave(self, position: Position, end: int) -> Position | None:
        """The position with the gap ended at a boundary and the text behind it written; None where it may not be."""
        track = position.places.get((end, 0))
        if track is None or not self._fits((end, 0), track, position.state):
            return None
        state, offset, at = position.state, position.offset, end
        while self._kind(at) in (TEXT, TOKEN):
            value = self.steps[at].value
            text = value if isinstance(value, bytes) else self.vocab.token_bytes([value or 0])
            state, offset, at = self.ahead.advance(state, text), offset + len(text), at + 1
            if self._kind(at) in (TEXT, TOKEN):  # gaps of no tokens may stand between
                track = Track(track.used, track.marks + (offset,) * self._events[at])
        places: dict[Place, Track] = {}
        # the gap's own marks were made when its end was reached
        self._arrive(places, at, track, offset, marked=at == end)
        return Position(state, offset, places)

    # ------------------------------------------------------------ what is behind, before what stands before it

    def from_boundary(self, boundary: int, spent: int) -> Position | None:
        """The position behind a boundary, whatever the canvas before it holds: all its texts together.

        So what is behind a gap can be written before the gap is. Offsets count from the boundary, the gaps before it
        have no bytes; for these ``spent`` tokens of the budget are kept. None where nothing can be written then.
        """
        state = self.ahead.front(boundary)
        if state == REFUSED:
            return None
        found: dict[Place, Track] = {}
        opened = sum(self._events[:boundary])
        self._arrive(found, boundary, Track(spent, (0,) * opened), 0)
        kept = self._kept(state, found)
        return Position(state, 0, kept) if kept else None

    # ------------------------------------------------------------ inside

    def _kind(self, p: int) -> int | None:
        return self.steps[p].kind if p < len(self.steps) else None

    def _arrive(self, found: dict[Place, Track], p: int, track: Track, offset: int, marked: bool = False) -> None:
        """Note a boundary, and those behind gaps that may be left out from there."""
        while True:
            if not marked and self._events[p]:
                track = Track(track.used, track.marks + (offset,) * self._events[p])
            if (p, 0) in found and found[p, 0] <= track:
                return
            found[p, 0] = track
            if self._kind(p) not in (MAYBE, ANY):
                return
            p, marked = p + 1, False

    def _step(
        self, found: dict[Place, Track], place: Place, track: Track, token: int, text: bytes, offset: int
    ) -> None:
        """Where a place leads by a whole token."""
        p = place[0]
        kind = self._kind(p)
        if kind == TOKEN:
            if self.steps[p].value == token:
                self._arrive(found, p + 1, track, offset + len(text))
        elif kind in (SLOT, MAYBE):
            self._arrive(found, p + 1, Track(track.used + 1, track.marks), offset + len(text))
        elif kind is not None:
            self._bytes(found, place, track, text, 0, offset, False)

    def _bytes(
        self, found: dict[Place, Track], place: Place, track: Track, text: bytes, i: int, offset: int, counted: bool
    ) -> None:
        """Where fixed text and gaps without bound lead by the bytes of a token from ``i`` on."""
        p, j = place
        step = self.steps[p]
        if step.kind == ANY:
            inside = Track(track.used + (not counted), track.marks)
            self._put(found, (p, 0), inside)
            # the gap may have been left before, or ends with this token
            self._arrive(found, p + 1, inside, offset + len(text))
            behind = self._kind(p + 1)
            if self._crossing and behind in (TEXT, MAYBE, ANY):
                begin = self.steps[p + 1].value
                for k in range(i + 1, len(text)):
                    if not isinstance(begin, bytes) or begin[0] == text[k]:
                        self._cross(found, p + 1, inside, text, k, offset, True)
            return
        assert isinstance(step.value, bytes)
        n = min(len(step.value) - j, len(text) - i)
        if step.value[j : j + n] != text[i : i + n]:
            return
        if j + n < len(step.value):
            self._put(found, (p, j + n), track)
        elif i + n == len(text):
            self._arrive(found, p + 1, track, offset + len(text))
        elif self._crossing or self._kind(p + 1) == TEXT:
            self._cross(found, p + 1, track, text, i + n, offset, counted)

    def _cross(
        self, found: dict[Place, Track], p: int, track: Track, text: bytes, i: int, offset: int, counted: bool
    ) -> None:
        """Go on behind a boundary in the middle of a token."""
        reached: dict[Place, Track] = {}
        self._arrive(reached, p, track, offset + i)
        for place, way in reached.items():
            if self._kind(place[0]) in (TEXT, ANY):
                self._bytes(found, place, way, text, i, offset, counted)

    @staticmethod
    def _put(found: dict[Place, Track], place: Place, track: Track) -> None:
        if place not in found or track < found[place]:
            found[place] = track

    def _kept(self, state: int, found: dict[Place, Track]) -> dict[Place, Track]:
        return {place: track for place, track in found.items() if self._fits(place, track, state)}

    def _fits(self, place: Place, track: Track, state: int) -> bool:
        """Can the canvas be completed from this place, within the budget?"""
        p, j = place
        left = self.most - track.used
        if left < 0:
            return False
        if j:
            value = self.steps[p].value
            assert isinstance(value, bytes)
            if not self._can_spell(place, value):
                return False
            state, p = self.ahead.advance(state, value[j:]), p + 1
            if state == REFUSED:
                return False
        return self.ahead.fewest(p, state, left) < NEVER

    def _can_spell(self, place: Place, value: bytes) -> bool:
        if not self.vocab.missing_bytes:
            return True
        if place not in self._spelt:
            try:
                self.vocab.spell(value[place[1] :])
                self._spelt[place] = True
            except VocabularyError:
                self._spelt[place] = False
        return self._spelt[place]


def _first_bytes(vocab: Vocabulary) -> NDArray[np.int16]:
    """int16[V]: the first byte of each token, -1 where it has none."""
    known = _FIRST.get(vocab)
    if known is None:
        known = np.full(vocab.size, -1, dtype=np.int16)
        for token, text in enumerate(vocab.tokens):
            if text:
                known[token] = text[0]
        _FIRST[vocab] = known
    return known


_FIRST: WeakKeyDictionary[Vocabulary, NDArray[np.int16]] = WeakKeyDictionary()
