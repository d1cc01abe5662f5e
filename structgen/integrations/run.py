"""Running rows through a model until they end: alone, or several in lockstep."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

from structgen.errors import StructgenError
from structgen.integrations.decoding import Row
from structgen.integrations.forward import Lockstep, Single


def alone(model: Any, width: int, row: Row) -> Iterator[None]:
    """Run one row by itself; yields after each choice."""
    forward = Single(model, width)
    yield
    while row.reason is None:
        began = perf_counter()
        logits = forward.feed(row.to_feed())
        row.seconds_model += perf_counter() - began
        row.n_passes += 1
        row.take(logits)
        yield


def run(model: Any, width: int, rows: list[Row]) -> list[StructgenError | None]:
    """Run rows together to their ends; for each the error that stopped it, or None."""
    errors: list[StructgenError | None] = [None] * len(rows)
    if len(rows) > 1:
        _lockstep(model, width, rows, errors)
        return errors
    for i, row in enumerate(rows):
        try:
            for _ in alone(model, width, row):
                pass
        except StructgenError as error:
            errors[i] = error
    return errors


def _lockstep(model: Any, width: int, rows: list[Row], errors: list[StructgenError | None]) -> None:
    """One token per row per pass. Forced tokens wait in a queue, so that all rows stay in step."""
    forward = Lockstep(model, width)
    active = [i for i, row in enumerate(rows) if row.reason is None]
    queues = {i: rows[i].to_feed() for i in active}
    logits = None
    while active:
        began = perf_counter()
        if logits is None:
            prompts = [queues[i][: len(rows[i].prompt)] for i in active]
            logits = forward.start(prompts)
            for i in active:
                queues[i] = queues[i][len(rows[i].prompt) :]
        else:
            logits = forward.feed([queues[i].pop(0) for i in active])
        share = (perf_counter() - began) / len(active)
        for place, i in enumerate(active):
            rows[i].seconds_model += share
            rows[i].n_passes += 1
            if queues[i]:
                continue  # the next token is known
            try:
                rows[i].take(logits[place])
            except StructgenError as error:
                errors[i] = error
                continue
            if rows[i].reason is None:
                queues[i] = rows[i].to_feed()
        kept = [place for place, i in enumerate(active) if errors[i] is None and rows[i].reason is None]
        if kept and len(kept) < len(active):
            forward.keep(kept)
        active = [active[place] for place in kept]
