"""Self-infilling: a model trained to fill in the middle puts off what it is not sure of until it has written the end.

Receives a model and a canvas under a constraint; returns the text written. The model writes from left to right. Where
it is uncertain in a gap it is *interrupted*: it first writes what comes behind that gap, then the rest of the gap, with
both sides in view. The two can be written anew in turn, in *rounds*. (Zheng et al., "Self-Infilling Code Generation",
2023.) There a middle may fail to meet its suffix. Here nothing is written behind a gap that no filling of it within the
budget leads to, so the text is always whole and in the language: what the canvas up to a boundary can be, whatever the
gap holds, is one state (``Walk.from_boundary``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structgen.errors import BudgetError, UnsatisfiableError
from structgen.infill.canvas import Canvas
from structgen.infill.fewest import NEVER, ahead_of
from structgen.infill.gap import ANY, MAYBE, SLOT, Element, Gap
from structgen.infill.walk import Position, Walk
from structgen.integrations.fim import FillInTheMiddle, Order
from structgen.integrations.infilled import Written
from structgen.integrations.infilling_loops import (
    Setting,
    Stop,
    encoded,
    fixed_text,
    shown,
    write_middle,
    write_through,
)
from structgen.runtime.compiled import REFUSED
from structgen.sampling.jumpforward import whole_characters

#: So many tokens more than it needs are kept for the middle, where the budget has them, while the end is written.
SPARE = 8


@dataclass(frozen=True)
class Interruptions:
    """When and how a model is interrupted.

    Attributes:
        threshold: where it gives none of the tokens that the grammar allows so much of their probability.
        suffix: how the end of the canvas's last gap begins; None: it is not interrupted in that gap.
        rounds: how often the end and the middle are written.
    """

    threshold: float
    suffix: str | None
    rounds: int


@dataclass(frozen=True)
class Split:
    """A text to be written in another order: what is behind a gap, then the rest of the gap.

    Attributes:
        at: where the gap begins, in bytes.
        spans: of the gaps before it.
        whole, gap: what it may hold, and what it may still hold.
        used: tokens that the text so far has in gaps.
        behind: the text behind the gap, up to the next one.
        opening: how many tokens of that the user does not see as fixed (the beginning of the suffix).
        rest: the elements behind that.
        joined: whether the gap was the last one, so that the next one holds its end.
        walk, position: of the text behind ``behind``, whatever the gap holds.
    """

    at: int
    spans: list[tuple[int, int]]
    whole: Gap
    gap: Gap
    used: int
    behind: bytes
    opening: int
    rest: list[Element]
    joined: bool
    walk: Walk
    position: Position


class SelfInfilling:
    """One canvas, written by self-infilling. :meth:`write` does it.

    Args:
        walk: of the canvas; tokens may cross the ends of gaps.
        order: of the parts that the model reads when it writes a middle.
    """

    def __init__(
        self, setting: Setting, walk: Walk, fim: FillInTheMiddle, order: Order | None, rule: Interruptions
    ) -> None:
        self._setting = setting
        self._walk = walk
        self._fim = fim
        self._order = order
        self._rule = rule
        self._split: Split | None = None
        self._parts: list[Written] = []

    def write(self) -> tuple[Written, list[tuple[int, int]], int | None]:
        """The text, where the gaps of the canvas lie in it, and where the model was interrupted (None: nowhere)."""
        fim, walk = self._fim, self._walk
        head, position = self._through(walk, walk.start, [*fim.begin, fim.prefix], self._stop)
        split = self._split
        if split is None:
            return head, walk.regions(position), None
        lead, inner = _cut(walk, head, split.at)
        used = split.used - len(inner.tokens)
        prompt = [*fim.begin, fim.prefix, *self._ids(head.text), fim.suffix, *self._ids(split.behind)]
        end, position = self._through(split.walk, split.position, prompt)
        spans = split.walk.regions(position)[1:]
        spent = split.opening + _used(position) - _used(split.position)
        middle = self._middle(head.text, split.gap, split.behind + end.text, used + len(inner.tokens) + spent)
        inner = _joined(inner, middle)
        # a token that the gap shares with the text before it stays as it is
        gap = split.whole if len(lead.text) == split.at else Gap()
        for _ in range(self._rule.rounds - 1):
            before = end.tokens, inner.tokens
            known = lead.text + inner.text + split.behind
            walk = self._new_walk([known, *split.rest], used + len(inner.tokens) + split.opening)
            start = walk.from_boundary(1 if known else 0, 0)
            assert start is not None, "the end that was there is one"
            end, position = self._through(walk, start, [*fim.begin, *self._ids(known)])
            spans = walk.regions(position)
            spent = split.opening + _used(position)
            inner = self._middle(lead.text, gap, split.behind + end.text, used + spent)
            if self._setting.sampler.temperature == 0.0 and (end.tokens, inner.tokens) == before:
                break
        base = len(lead.text) + len(inner.text) + len(split.behind)
        behind = [(base + first, base + last) for first, last in spans]
        if split.joined:
            this, behind = (split.at, behind[0][1]), behind[1:]
        else:
            this = (split.at, base - len(split.behind))
        fixed = Written(encoded(self._setting, self._walk, split.behind), [], split.behind)
        done = _joined(lead, inner, fixed, end)
        for part in self._parts:
            done.passes += part.passes
            done.seconds_model += part.seconds_model
            done.seconds_constraint += part.seconds_constraint
        return done, [*split.spans, this, *behind], len(head.text)

    # ------------------------------------------------------------ parts

    def _through(
        self, walk: Walk, start: Position, prompt: list[int], stop: Stop | None = None
    ) -> tuple[Written, Position]:
        """Write from left to right. The model may end its text as it ends a suffix too."""
        ends = (*self._fim.ends, self._fim.middle)
        done, position = write_through(self._setting, walk, prompt, start=start, ends=ends, stop=stop)
        self._parts.append(done)
        return done, position

    def _middle(self, before: bytes, gap: Gap, behind: bytes, used: int) -> Written:
        """Write one gap with the text on both sides in view. Offsets count from its beginning."""
        done = Written([], [])
        if gap.most == 0:
            return done
        walk = self._new_walk([before, gap, behind], used, crossing=False)
        position = walk.start if not before else walk.leave(walk.start, 0)
        assert position is not None, "the text before the gap is allowed"
        prompt = self._fim.ids(shown(before), shown(behind), self._setting.encode, self._order)
        boundary = walk.canvas.positions(1 if before else 0).stop
        _, done.text = write_middle(self._setting, walk, position, boundary, prompt, self._fim.ends, done)
        done.chosen = [(first - len(before), last - len(before), logp) for first, last, logp in done.chosen]
        self._parts.append(done)
        return done

    def _new_walk(self, elements: list[Element], used: int, crossing: bool = True) -> Walk:
        elements = [element for element in elements if element != b""]
        return Walk(self._walk.canvas.grammar, elements, self._walk.most - used, crossing=crossing)

    def _ids(self, text: bytes) -> list[int]:
        return self._setting.encode(shown(text))

    # ------------------------------------------------------------ interruptions

    def _stop(self, position: Position, logits: NDArray[np.float32], tokens: list[int]) -> bool:
        """Is the model uncertain, in a gap behind which there is something to be written first?"""
        if self._confidence(position, logits) < self._rule.threshold:
            self._split = self._split_at(position, self._walk.vocab.token_bytes(tokens))
        return self._split is not None

    def _confidence(self, position: Position, logits: NDArray[np.float32]) -> float:
        """The greatest probability of a token, among those that the grammar allows."""
        candidates = self._walk.candidates(position)
        if self._walk.may_end(position):
            candidates[[*self._fim.ends, self._fim.middle]] = True
        scores = logits[candidates].astype(np.float64)
        top = float(scores.max())
        return 1.0 / float(np.exp(scores - top).sum()) if top > -np.inf else 1.0

    def _split_at(self, position: Position, text: bytes) -> Split | None:
        """How the text is written in two parts from here; None where it cannot be.

        Of several readings of the text the one that is furthest is taken. None either where that one has begun with
        fixed text, where the text ends within a character, and where no middle and end fit the budget.
        """
        walk, elements = self._walk, self._walk.canvas.elements
        place = max((p for p in position.places if self._kind(p) in (SLOT, MAYBE, ANY)), default=None)
        if place is None or any(p > place and p[1] for p in position.places) or whole_characters(text) != text:
            return None
        index = next(i for i in range(len(elements)) if place[0] in walk.canvas.positions(i))
        whole = elements[index]
        assert isinstance(whole, Gap)
        rest = elements[index + 1 :]
        opening = 0
        joined = not any(isinstance(element, Gap) for element in rest)
        if joined:
            if self._rule.suffix is None or whole.most is not None:
                return None
            opening = len(self._setting.encode(self._rule.suffix))
            rest = [self._rule.suffix.encode(), Gap(), *rest]
        fixed = next(i for i, element in enumerate(rest) if isinstance(element, Gap))
        behind = b"".join(fixed_text(walk, element) for element in rest[:fixed])
        taken = place[0] - walk.canvas.positions(index).start
        most = None if whole.most is None else whole.most - taken
        gap = Gap(max(0, whole.least - taken), most)
        track = position.places[place]
        found = self._begun(text, gap, [behind, *rest[fixed:]], track.used + opening)
        if found is None:
            return None
        marks = track.marks
        spans = list(zip(marks[:-1:2], marks[1::2], strict=True))
        return Split(marks[-1], spans, whole, gap, track.used, behind, opening, rest[fixed:], joined, *found)

    def _begun(self, text: bytes, gap: Gap, rest: list[Element], used: int) -> tuple[Walk, Position] | None:
        """The walk of what is behind a gap that is still open, and where it begins; None where the budget is too small.

        Tokens are kept for the gap: the fewest with which anything fits and some to spare, or fewer.
        """
        left = self._walk.most - used
        if left < 0:
            return None
        needed = self._needed(text, gap, rest, left)
        if needed > left:
            return None
        spare = min(SPARE, (left - 2 * needed) // 2)
        for kept in [needed + spare] * (spare > 0) + list(range(needed, -1, -1)):
            size = kept if gap.most is None else min(kept, gap.most)
            if size < gap.least:
                continue
            elements = [text, Gap(gap.least, size), *rest]
            try:
                walk = self._new_walk(elements, used)
            except (BudgetError, UnsatisfiableError):
                continue
            boundary = sum(bool(part) for part in (text, rest[0])) + size
            position = walk.from_boundary(boundary, size)
            if position is not None:
                return walk, position
        return None

    def _needed(self, text: bytes, gap: Gap, rest: list[Element], left: int) -> int:
        """The fewest tokens in gaps that complete a text; over ``left`` where there are too few."""
        canvas = Canvas(self._walk.canvas.grammar, [element for element in (gap, *rest) if element != b""])
        ahead = ahead_of(canvas.engine)
        state = ahead.advance(ahead.start, text)
        return ahead.fewest(0, state, left) if state != REFUSED else NEVER

    def _kind(self, place: tuple[int, int]) -> int | None:
        return self._walk.steps[place[0]].kind if place[0] < len(self._walk.steps) else None


def _used(position: Position) -> int:
    """The tokens in gaps, by the furthest reading."""
    return position.places[max(position.places)].used


def _cut(walk: Walk, done: Written, at: int) -> tuple[Written, Written]:
    """A text in two, at a byte or behind the token that holds it."""
    offset, n = 0, 0
    while offset < at:
        offset += len(walk.vocab.token_bytes([done.tokens[n]]))
        n += 1
    first = [entry for entry in done.chosen if entry[1] <= offset]
    second = [(start - offset, end - offset, logp) for start, end, logp in done.chosen if end > offset]
    return Written(done.tokens[:n], first, done.text[:offset]), Written(done.tokens[n:], second, done.text[offset:])


def _joined(*parts: Written) -> Written:
    """Texts one after the other."""
    done = Written([], [])
    for part in parts:
        size = len(done.text)
        done.chosen += [(start + size, end + size, logp) for start, end, logp in part.chosen]
        done.tokens += part.tokens
        done.text += part.text
    return done
