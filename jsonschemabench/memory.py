"""Resident memory with many compiled schemas held at once over one vocabulary.

Receives schemas; the worker (``hold``) compiles them one after the other and keeps them all, then feeds each its valid
instances; the parent (``measured``) reports what it came to, also where the worker was stopped on the way.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import psutil

from jsonschemabench.cases import Case
from jsonschemabench.engines.base import BenchVocabulary, Engine, EngineFailed, Refused, Session
from jsonschemabench.measure import feed
from jsonschemabench.pool import Limits, Stopped, Worker

#: How many schemas over the limits are left out of a measurement before it is given up.
RESTARTS = 3


def hold(
    engine: Engine, vocabulary: BenchVocabulary, cases: Sequence[Case], send: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Compile all cases to their first masks, and keep them.

    Returns: ``held`` and ``refused`` (schemas), and resident bytes ``before``, ``compiled`` (with first masks) and
    ``used`` (when the masks of all valid instances have been computed). Sends the same as it goes.
    """
    row = np.zeros(vocabulary.words, dtype=np.int32)
    kept: list[tuple[Session, Case]] = []
    figures: dict[str, Any] = {"status": "ok", "before": _resident(), "held": 0, "refused": 0}
    for case in cases:
        try:
            session = engine.compile(case.schema_text, **case.options)
            session.mask(row)
            kept.append((session, case))
        except (Refused, EngineFailed):
            figures["refused"] += 1
        figures["held"] = len(kept)
        figures["compiled"] = psutil.Process().memory_info().rss
        send(figures)
    figures["compiled"] = _resident()
    send(figures)
    for session, case in kept:
        for test in case.tests:
            if test.valid:
                feed(session, vocabulary, test, row, [])
        send(figures | {"used": psutil.Process().memory_info().rss})
    return figures | {"used": _resident()}


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def measured(
    cases: Sequence[Case], engines: Sequence[str], vocab: str, order: str, limits: Limits
) -> Iterator[dict[str, Any]]:
    """What ``hold`` says of each engine, in a worker of its own, and ``left_out``: schemas that went over the limits.

    Such a schema ends its worker; a new one begins again without it, ``RESTARTS`` times. Stopped once more: what the
    worker had said last.
    """
    for engine in engines:
        left_out: list[Case] = []
        with Worker(engine, vocab, order, limits) as worker:
            while True:
                last: dict[str, Any] = {"held": 0, "refused": 0}
                kept = [case for case in cases if case not in left_out]
                try:
                    result = worker.ask("hold", kept, last.update)
                except Stopped as over:
                    result = {**last, "status": "stopped", "reason": str(over)}
                    at = last["held"] + last["refused"]
                    if "used" not in last and at < len(kept) and len(left_out) < RESTARTS:
                        left_out.append(kept[at])
                        continue
                break
            ids = [case.id for case in left_out]
            yield {"engine": engine, "version": worker.version, "left_out": ids, **result}


def table(results: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, an engine a row. Megabytes are of 2**20 bytes, and above those of the process before."""
    lines = [
        "| engine | held | refused | over the limits | process before, MB | held, MB | KB each | after instances, MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        name = result["version"] or result["engine"]
        if "compiled" not in result:
            lines.append(f"| {name} | {result.get('reason', result['status'])} | | | | | | |")
            continue
        before, held = result["before"], result["held"]
        grown = result["compiled"] - before
        used = f"{(result['used'] - before) / 2**20:,.0f}" if "used" in result else ""
        stopped = f" (then {result['reason']})" if result["status"] != "ok" else ""
        each = f"{grown / 2**10 / held:,.0f}" if held else ""
        lines.append(
            f"| {name} | {held:,}{stopped} | {result['refused']:,} | {len(result['left_out']):,} "
            f"| {before / 2**20:,.0f} | {grown / 2**20:,.0f} | {each} | {used} |"
        )
    return "\n".join(lines)
