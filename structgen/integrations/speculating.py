"""Rows through a model with drafts: what a forward pass tests, what rows take of it, and how much is drafted next.

Receives rows (:class:`~structgen.integrations.decoding.Row`) and a :class:`Speculation`; runs the rows to their ends.
A row takes its tokens from the logits of one place after another, exactly as it does without drafts; a draft only
decides how many of these places one forward pass has been through. So masks, budgets, forced text, triggers and ends
inside a draft are the row's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from structgen.errors import StructgenError
from structgen.integrations.decoding import Row
from structgen.integrations.drafted import Drafted
from structgen.integrations.forward import Float32Array
from structgen.sampling.speculation import FREE, Draft, Pace, Sessions, Setting, Speculation, follow


@dataclass(frozen=True)
class Plan:
    """How rows run: the width of passes, and what is drafted, if anything is."""

    pass_width: int | None = None
    speculation: Speculation | None = None

    def begin(self, setting: Setting, row: Row, jumps: bool) -> Sessions | None:
        """The drafters for one row; ``jumps``: it appends what the grammar forces."""
        if self.speculation is None:
            return None
        return Sessions(self.speculation.drafters, setting, row.prompt, jumps=jumps, draws=row.beside)


@dataclass
class Drafting:
    """A row, the drafters at work on it, and the tokens that the model has not seen."""

    row: Row
    sessions: Sessions | None
    pending: list[int]


def run_drafted(
    model: Any,
    width: int,
    rows: Sequence[Row],
    sessions: Sequence[Sessions | None],
    plan: Plan,
    errors: list[StructgenError | None],
) -> Iterator[None]:
    """Run rows together to their ends; yields after each forward pass. ``errors[i]`` is set where row i is stopped."""
    active = [i for i, row in enumerate(rows) if row.reason is None]
    if not active:
        return
    forward = Drafted(model, width, len(active), plan.pass_width)
    pace = plan.speculation.pace(model, plan.pass_width, forward.padded) if plan.speculation else None
    work = {i: Drafting(rows[i], sessions[i], rows[i].to_feed()) for i in active}
    for item in work.values():
        if item.sessions is not None:
            item.sessions.extend(item.row.tokens)
    if plan.pass_width is not None:
        yield from _prompts(forward, active, work, errors)
    while active:
        drafts = [_grown(work[i], forward, pace, plan, len(active)) for i in active]
        began = perf_counter()
        logits = forward.feed([work[i].pending for i in active], drafts)
        seconds = perf_counter() - began
        if pace is not None:
            widest = max(len(work[i].pending) + len(draft) for i, draft in zip(active, drafts, strict=True))
            pace.passed(len(active), widest, seconds)
        kept = []
        for i, draft, found in zip(active, drafts, logits, strict=True):
            rows[i].seconds_model += seconds / len(active)
            rows[i].n_passes += 1
            kept.append(_taken(i, work[i], draft, found, pace, len(active), errors))
        active = _left(forward, active, work, kept, errors)
        yield


def _prompts(
    forward: Drafted, active: list[int], work: dict[int, Drafting], errors: list[StructgenError | None]
) -> Iterator[None]:
    """A pass over the prompts alone, so that its width has nothing to do with what comes after them."""
    began = perf_counter()
    logits = forward.start([work[i].row.prompt for i in active])
    share = (perf_counter() - began) / len(active)
    for i, found in zip(active, logits, strict=True):
        work[i].row.seconds_model += share
        work[i].row.n_passes += 1
        work[i].pending = work[i].pending[len(work[i].row.prompt) :]
        if not work[i].pending:
            _taken(i, work[i], Draft(), found, None, len(active), errors)
    active[:] = _left(forward, active, work, None, errors)
    yield


def _grown(item: Drafting, forward: Drafted, pace: Pace | None, plan: Plan, rows: int) -> Draft:
    """A draft for a row."""
    if item.sessions is None or pace is None or plan.speculation is None:
        return Draft()
    began = perf_counter()
    room = min(forward.room(len(item.pending), plan.speculation.most), item.row.tokens_left - 1)
    state = FREE if item.row.state is None else item.row.state
    draft = item.sessions.grow(state, pace, rows=rows, pending=len(item.pending), room=room)
    item.row.n_drafted += len(draft)
    item.row.seconds_drafting += perf_counter() - began
    return draft


def _taken(
    i: int,
    item: Drafting,
    draft: Draft,
    logits: Float32Array,
    pace: Pace | None,
    rows: int,
    errors: list[StructgenError | None],
) -> list[int]:
    """Let a row take its tokens from the logits after each place; the nodes that its text went through."""
    row, begin, chosen = item.row, len(item.row.tokens), 0

    def take(place: int) -> list[int]:
        nonlocal chosen
        if row.reason is not None:
            return []
        before = len(row.tokens)
        row.take(logits[place + 1], draft.branches.get(place))
        chosen += 1
        if pace is not None and place in draft.sources:
            guesses = draft.branches[place].tokens
            taken = row.tokens[before] if len(row.tokens) > before else None
            hit = taken in guesses if taken is not None else not row.eos.isdisjoint(guesses)
            pace.tested(draft.sources[place], hit)
        return row.tokens[before:]

    try:
        nodes = follow(draft, take).nodes
    except StructgenError as error:
        errors[i] = error
        return []
    row.was_fed(len(nodes))
    n_pending = len(item.pending)
    item.pending = row.to_feed()
    if item.sessions is not None:
        item.sessions.extend(row.tokens[begin:])
        if pace is not None:
            pace.settled(rows, n_pending, len(draft), chosen, item.sessions.seconds)
        item.sessions.seconds = 0.0
        if row.reason is not None:
            item.sessions.end()
    return nodes


def _left(
    forward: Drafted,
    active: list[int],
    work: dict[int, Drafting],
    kept: list[list[int]] | None,
    errors: list[StructgenError | None],
) -> list[int]:
    """Settle the pass, and drop the rows that have ended."""
    places = [at for at, i in enumerate(active) if errors[i] is None and work[i].row.reason is None]
    if places and kept is not None:
        forward.settle(kept)
    if places and len(places) < len(active):
        forward.select(places)
    return [active[at] for at in places]
