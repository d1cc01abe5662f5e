"""Repair: an invalid text is opened where it is suspicious until it can be completed, and filled again.

Receives a compiled grammar, a text in units (characters, or a model's tokens), and how suspicious each unit is; returns
the canvas to fill: as much of the text as stays, and gaps. Opening more never makes a canvas impossible, so units are
opened from the most suspicious on, twice as many each time, and closed again as far as the canvas remains possible; a
unit that is closed may keep a gap on either side, since something may be missing there and nothing wrong. At worst all
is opened, so there is always a repair, unless the language is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from structgen.errors import InputError, UnsatisfiableError
from structgen.infill.canvas import completable, witness
from structgen.infill.edits import cheapest
from structgen.infill.gap import Element, Gap, check_grammar
from structgen.infill.template import Template
from structgen.infill.walk import Walk
from structgen.runtime.compiled import CompiledGrammar


@dataclass(frozen=True)
class Change:
    """A part of the text that was replaced.

    Attributes:
        start, end: the part, in bytes of the old text; empty where something was put in.
        before, after: the texts.
    """

    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True)
class Opened:
    """A text with gaps where it has to change.

    Attributes:
        elements: the canvas: what stays, and gaps.
        spans: for each gap what it stands for, in bytes of the text.
        checks: how many canvases were asked about.
    """

    elements: list[Element]
    spans: list[tuple[int, int]]
    checks: int

    def changes(self, text: bytes, fillings: Sequence[bytes]) -> tuple[Change, ...]:
        """What becomes of the text when the gaps are filled. Gaps filled with what stood there are no change."""
        found = []
        for (start, end), filling in zip(self.spans, fillings, strict=True):
            if text[start:end] != filling:
                before, after = (part.decode(errors="replace") for part in (text[start:end], filling))
                found.append(Change(start, end, before, after))
        return tuple(found)


def first_error(grammar: CompiledGrammar, text: bytes) -> int | None:
    """The offset of the first byte after which no text of the language goes on; its length where it only stops too
    soon; None: it is in the language."""
    low, high = 0, len(text)
    state = grammar.advance_bytes(grammar.start, text)
    if state >= 0:
        return None if grammar.accepts(state) else len(text)
    while high - low > 1:  # text[:low] goes on, text[:high] does not
        middle = (low + high) // 2
        low, high = (middle, high) if grammar.advance_bytes(grammar.start, text[:middle]) >= 0 else (low, middle)
    return low


def open_up(
    grammar: CompiledGrammar,
    units: Sequence[bytes],
    suspicion: Sequence[float] | None = None,
    *,
    room: int | None = None,
) -> Opened:
    """The canvas of a text that has to change.

    Args:
        grammar: the constraint.
        units: the text in parts, none empty.
        suspicion: of each unit, the greater the sooner it is opened; None: by how near it is to the first error. The
            unit with the first error comes first in any case.
        room: how many tokens a gap may have beyond those that stood there; None: any number.

    Raises:
        UnsatisfiableError: nothing fits, even with all units opened.
        UnsupportedError: ``room`` is None and the grammar has texts that must be remembered.
    """
    search = _Search(grammar, list(units), room)
    error = first_error(grammar, search.text)
    if error is None:
        return Opened([search.text], [], 0)
    at = sum(offset <= error for offset in search.offsets[:-1]) - 1
    at = len(units) if error == len(search.text) else at
    ranks = [float(-abs(i - at)) for i in range(len(units))] if suspicion is None else list(suspicion)
    order = sorted(range(len(units)), key=lambda i: (i != at, -ranks[i], i))
    search.open(order, at)
    search.close(order)
    elements, spans = search.canvas(search.opened, search.gaps)
    return Opened(elements, spans, search.checks)


@dataclass
class _Search:
    grammar: CompiledGrammar
    units: list[bytes]
    room: int | None
    checks: int = 0
    opened: set[int] = field(default_factory=set)
    gaps: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.offsets = [0]
        for unit in self.units:
            self.offsets.append(self.offsets[-1] + len(unit))
        self.text = b"".join(self.units)

    def possible(self, opened: set[int], gaps: set[int]) -> bool:
        self.checks += 1
        return completable(self.grammar, self.canvas(opened, gaps)[0])

    def open(self, order: list[int], at: int) -> None:
        """Open more and more units, with gaps beside them."""
        count = 0
        while True:
            self.opened = set(order[:count])
            self.gaps = {at} | {i + side for i in self.opened for side in (0, 1)}
            if self.possible(self.opened, self.gaps):
                return
            if count >= len(order):
                raise UnsatisfiableError(
                    "nothing fits in place of the text", hint="Give more room" if self.room is not None else None
                )
            count = min(len(order), max(1, 2 * count))

    def close(self, order: list[int]) -> None:
        """Close units, the least suspicious first and many together, then gaps beside closed ones."""
        remaining = [i for i in reversed(order) if i in self.opened]
        self._without(remaining, lambda part: (self.opened - part, self.gaps))
        self._without(sorted(self.gaps), lambda part: (self.opened, self.gaps - part))

    def _without(self, remaining: list[int], less: Callable[[set[int]], tuple[set[int], set[int]]]) -> None:
        """Leave out as many as can be: halves first, then halves of these."""
        todo = [remaining] if remaining else []
        while todo:
            part = todo.pop()
            opened, gaps = less(set(part))
            if self.possible(opened, gaps):
                self.opened, self.gaps = opened, gaps
            elif len(part) > 1:
                todo += [part[len(part) // 2 :], part[: len(part) // 2]]

    def canvas(self, opened: set[int], gaps: set[int]) -> tuple[list[Element], list[tuple[int, int]]]:
        elements: list[Element] = []
        spans: list[tuple[int, int]] = []

        def gap(start: int, end: int) -> None:
            if elements and isinstance(elements[-1], Gap):
                spans[-1] = spans[-1][0], end
            else:
                elements.append(Gap())
                spans.append((start, end))

        for i, unit in enumerate([*self.units, b""]):
            start = self.offsets[i]
            if i in gaps:
                gap(start, start)
            if i in opened:
                gap(start, self.offsets[i + 1])
            elif unit and elements and isinstance(last := elements[-1], bytes):
                elements[-1] = last + unit
            elif unit:
                elements.append(unit)
        if self.room is not None:
            sizes = iter(spans)
            for index, element in enumerate(elements):
                if isinstance(element, Gap):
                    start, end = next(sizes)
                    elements[index] = Gap(0, len(self.grammar.vocab.spell(self.text[start:end])) + self.room)
        return elements, spans


def characters(text: bytes) -> list[bytes]:
    """A text in characters of UTF-8; bytes that are none stand by themselves."""
    return [c.encode(errors="surrogateescape") for c in text.decode(errors="surrogateescape")]


def repair(grammar: CompiledGrammar, text: bytes) -> tuple[bytes, tuple[Change, ...]]:
    """A text of the language near a text that is none, without a model: the cheapest edits
    (:mod:`structgen.infill.edits`), or shortest fillings near the first error where that search is given up.

    Args:
        grammar: the constraint.
        text: what to repair. A text of the language comes back as it is.

    Returns:
        The text, and what was changed.

    Raises:
        InputError: the text is no bytes.
        UnsupportedError: the search was given up, and the grammar has texts that must be remembered.
    """
    check_grammar(grammar)
    if not isinstance(text, bytes):
        raise InputError(f"the text is given as bytes, not {type(text).__name__}", hint="Use text.encode()")
    units = characters(text)
    edits = cheapest(grammar, units)
    if edits is None:
        return fill_shortest(grammar, open_up(grammar, units), text)
    result, at, changes = b"", 0, []
    for edit in edits:
        result += text[at : edit.start] + edit.text
        at = edit.end
        before, after = (part.decode(errors="replace") for part in (text[edit.start : edit.end], edit.text))
        changes.append(Change(edit.start, edit.end, before, after))
    return result + text[at:], tuple(changes)


def fill_shortest(grammar: CompiledGrammar, opened: Opened, text: bytes) -> tuple[bytes, tuple[Change, ...]]:
    """The gaps of a canvas filled with few tokens, whatever they mean."""
    if not opened.spans:
        return text, ()
    tokens = witness(grammar, opened.elements)
    assert tokens is not None, "the canvas can be completed"
    result = grammar.vocab.token_bytes(tokens)
    walk = Walk(grammar, Template.of(opened.elements).elements, len(tokens))
    position = walk.start
    for token in tokens:
        after = walk.token(position, token)
        assert after is not None, "a completion keeps to its canvas"
        position = after
    return result, opened.changes(text, [result[start:end] for start, end in walk.regions(position)])
