"""The cheapest edits that make a text valid.

Receives a compiled grammar and a text that is not in its language; returns edits of least cost after which it is:

- a byte that is put in: 1, behind another such 0.3;
- a character left out: 1.05, behind another such 0.25; where that joins a letter or digit to another, 0.5 more;
- a byte in place of a character: 0.5 where they are one letter in two cases, 0.7 where they are marks of one kind (both
  quote, or open, or close, or separate), else 1.3.

States of a grammar are integers, so this is a search for a shortest path (Dijkstra's) over (characters read, state,
kind of the last edit), as in Wagner, "Order-n Correction for Regular Languages" (1974).

A text is searched in windows: changes are sought from 200 characters before the first error on, and stand once 200
characters behind the error can be read with them; within that cost is least. Where names or items are remembered, each
spelling has a state of its own and states hardly ever meet again: not all bytes are tried, and windows are smaller.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from structgen.runtime.compiled import CompiledGrammar

#: Costs in twentieths.
PUT_IN, PUT_IN_MORE = 20, 6
LEFT_OUT, LEFT_OUT_MORE, JOINED = 21, 5, 10
OTHER_CASE, OTHER_MARK, OTHER = 10, 14, 26
_MARKS = [frozenset(text) for text in ("\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb", "([{<", ")]}>", ",;:=")]

#: Characters before and behind an error that are looked at together.
WINDOWS = (200, 50, 15)
#: Places looked at in one window, and states whose next bytes are tried there, before it is given up.
MAX_PLACES, MAX_TRIED = 20_000, 1_000
#: Where more bytes may come next and letters lead to different states, only the usual ones are tried.
MANY = 64
_USUAL = frozenset(b" \n\"'\\()[]{}<>,.:;=+-_/*aA0")

#: What was done last; _OUT_BEHIND: something was left out behind a letter or digit that stays.
_KEPT, _OUT, _OUT_BEHIND, _IN = range(4)


class Edit(NamedTuple):
    """Bytes of the old text that are replaced by others; one of the two may be empty."""

    start: int
    end: int
    text: bytes


class _Place(NamedTuple):
    """Where a search may stand: units read, state, kind of the last edit."""

    at: int
    state: int
    last: int


class _Step(NamedTuple):
    """How a place was reached: from where, and what was written for the unit that was read, if one was."""

    before: _Place
    written: bytes


def cheapest(grammar: CompiledGrammar, units: Sequence[bytes]) -> list[Edit] | None:
    """Edits of least cost that make a text valid, none where it is; None where the search is given up.

    Args:
        grammar: the constraint.
        units: the text in characters.
    """
    return _Search(grammar, units).run()


class _Search:
    def __init__(self, grammar: CompiledGrammar, units: Sequence[bytes]) -> None:
        self._grammar = grammar
        self._units = units
        self._inserts: dict[int, list[tuple[int, bytes]]] = {}

    def run(self) -> list[Edit] | None:
        end = len(self._units)
        places, written = self._kept([_Place(0, self._grammar.start, _KEPT)], [b""])
        while True:
            error = places[-1].at  # or the text stops too soon
            if error == end and self._grammar.accepts(places[-1].state):
                return self._edits(places, written)
            for size in WINDOWS:
                first = next(i for i, place in enumerate(places) if place.at >= max(0, error - size))
                found = self._window(places[first], min(end, error + size))
                if found is not None:
                    break
            else:
                return None
            places, written = places[: first + 1] + found[0], written[: first + 1] + found[1]
            places, written = self._kept(places, written)

    def _kept(self, places: list[_Place], written: list[bytes]) -> tuple[list[_Place], list[bytes]]:
        """A path and what of the text can be read as it is behind it."""
        at, state, _ = places[-1]
        for unit in self._units[at:]:
            state = self._grammar.advance_bytes(state, unit)
            if state < 0:
                break
            at += 1
            places.append(_Place(at, state, _KEPT))
            written.append(unit)
        return places, written

    def _window(self, start: _Place, goal: int) -> tuple[list[_Place], list[bytes]] | None:
        """The cheapest path to the goal, or to the end of the text if that is the goal."""
        end = len(self._units)
        best: dict[_Place, int] = {start: 0}
        steps: dict[_Place, _Step] = {}
        # further places first where the cost is the same; then in the order in which they were found
        queue: list[tuple[int, int, int, _Place]] = [(0, -start.at, 0, start)]
        most = len(self._inserts) + MAX_TRIED
        done: set[_Place] = set()
        while queue:
            cost, _, _, place = heapq.heappop(queue)
            if place in done:
                continue
            if place.at >= goal and (goal < end or self._grammar.accepts(place.state)):
                return _path(steps, start, place)
            done.add(place)
            if len(done) > MAX_PLACES or len(self._inserts) > most:
                return None
            for price, target, put in self._ways(place):
                if cost + price < best.get(target, 1 << 60):
                    best[target] = cost + price
                    steps[target] = _Step(place, put)
                    heapq.heappush(queue, (cost + price, -target.at, len(steps), target))
        return None

    def _ways(self, place: _Place) -> Iterator[tuple[int, _Place, bytes]]:
        """The edits from a place on: cost, the place after it, and what is written."""
        at, state, last = place
        put_in = self._put_in(state)
        price = PUT_IN_MORE if last == _IN else PUT_IN
        for after, byte in put_in:
            yield price, _Place(at, after, _IN), byte
        if at == len(self._units):
            return
        unit = self._units[at]
        after = self._grammar.advance_bytes(state, unit)
        if after >= 0:
            joined = last == _OUT_BEHIND and unit.isalnum()
            yield JOINED * joined, _Place(at + 1, after, _KEPT), unit
        if last in (_OUT, _OUT_BEHIND):
            yield LEFT_OUT_MORE, _Place(at + 1, state, last), b""
        else:
            behind = last == _KEPT and at > 0 and self._units[at - 1].isalnum()
            yield LEFT_OUT, _Place(at + 1, state, _OUT_BEHIND if behind else _OUT), b""
        for after, byte in put_in:
            yield _replacing(unit, byte), _Place(at + 1, after, _KEPT), byte

    def _put_in(self, state: int) -> list[tuple[int, bytes]]:
        """The states that one more byte leads to, each with such a byte."""
        known = self._inserts.get(state)
        if known is None:
            found: dict[int, bytes] = {}
            following = self._grammar.next_bytes(state)
            if len(following) > MANY and self._told_apart(state):
                following = [byte for byte in following if byte in _USUAL]
            for byte in following:
                text = bytes([byte])
                found.setdefault(self._grammar.advance_bytes(state, text), text)
            known = self._inserts[state] = list(found.items())
        return known

    def _told_apart(self, state: int) -> bool:
        return self._grammar.advance_bytes(state, b"q") != self._grammar.advance_bytes(state, b"z")

    def _edits(self, places: list[_Place], written: list[bytes]) -> list[Edit]:
        offsets = [0]
        for unit in self._units:
            offsets.append(offsets[-1] + len(unit))
        edits: list[Edit] = []
        for before, after, text in zip(places, places[1:], written[1:], strict=False):
            old = b"".join(self._units[before.at : after.at])
            if text == old:
                continue
            start, end = offsets[before.at], offsets[after.at]
            if edits and edits[-1].end == start:
                edits[-1] = Edit(edits[-1].start, end, edits[-1].text + text)
            else:
                edits.append(Edit(start, end, text))
        return edits


def _replacing(old: bytes, new: bytes) -> int:
    if old.lower() == new.lower():
        return OTHER_CASE
    mark, other = old.decode(errors="replace"), new.decode(errors="replace")
    return OTHER_MARK if any(mark in kind and other in kind for kind in _MARKS) else OTHER


def _path(steps: dict[_Place, _Step], start: _Place, place: _Place) -> tuple[list[_Place], list[bytes]]:
    places, written = [], []
    while place != start:
        step = steps[place]
        places.append(place)
        written.append(step.written)
        place = step.before
    return places[::-1], written[::-1]
