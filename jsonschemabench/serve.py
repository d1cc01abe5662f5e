"""The masks of a server's batch: many sequences over several schemas, filled together step by step.

Receives schemas with valid instances; returns the wall time of every step, and of its slowest row. The parent
(``chosen``, ``measured``) takes schemas that every engine takes; the worker (``steps``) measures one engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jsonschemabench.cases import BadData, Case
from jsonschemabench.engines.base import BenchVocabulary, Engine, Session
from jsonschemabench.measure import RIGHT
from jsonschemabench.pool import Limits, Stopped, Worker
from jsonschemabench.run import Options, run

#: A schema that takes some engine longer than this to its first mask (seconds) is left out: none would serve it.
SLOW = 2.0


@dataclass
class _Row:
    """One sequence: a cursor, and the texts that it writes one after the other."""

    session: Session
    texts: list[list[int]]
    text: int
    position: int = 0

    def step(self) -> None:
        """To the next token; behind the last one, to the next text."""
        if self.position == len(self.texts[self.text]):
            self.text = (self.text + 1) % len(self.texts)
            self.position = 0
            self.session.reset()
            return
        if not self.session.advance(self.texts[self.text][self.position]):
            raise AssertionError("a text is refused that was taken before")
        self.position += 1


def steps(engine: Engine, vocabulary: BenchVocabulary, cases: Sequence[Case], batch: int, count: int) -> dict[str, Any]:
    """Feed ``batch`` sequences for ``count`` steps, twice, each time with the schemas compiled anew.

    In the first pass the masks of a step are filled by one call (``fill``, where the engine has it), in the second row
    by row, for the slowest of them. Neighbours share a schema, and begin at different places of its texts.

    Returns: ``compile_us`` (all schemas, first pass), ``step_us`` and ``slowest_us`` (a figure a step), ``together``
    (has the engine a ``fill``?).
    """
    out = np.zeros((batch, vocabulary.words), dtype=np.int32)
    now = time.perf_counter_ns
    begin = now()
    rows = _rows(engine, vocabulary, cases, batch)
    compile_us = (now() - begin) / 1000
    fill = getattr(engine, "fill", None)
    step_us: list[float] = []
    for _ in range(count):
        sessions = [row.session for row in rows]
        begin = now()
        if fill is not None:
            fill(sessions, out)
        else:
            for i, session in enumerate(sessions):
                session.mask(out[i])
        step_us.append((now() - begin) / 1000)
        for row in rows:
            row.step()
    slowest_us: list[float] = []
    rows = _rows(engine, vocabulary, cases, batch)
    for _ in range(count):
        slowest = 0
        for i, row in enumerate(rows):
            begin = now()
            row.session.mask(out[i])
            slowest = max(slowest, now() - begin)
            row.step()
        slowest_us.append(slowest / 1000)
    return {
        "status": "ok",
        "compile_us": compile_us,
        "step_us": step_us,
        "slowest_us": slowest_us,
        "together": fill is not None,
    }


def _rows(engine: Engine, vocabulary: BenchVocabulary, cases: Sequence[Case], batch: int) -> list[_Row]:
    rows: list[_Row] = []
    for number, case in enumerate(cases):
        texts = [vocabulary.encode(test.text) for test in case.tests]
        copies = [i for i in range(batch) if i * len(cases) // batch == number]
        if not copies:
            continue
        first = engine.compile(case.schema_text, **case.options)
        for k in range(len(copies)):
            session: Any = first if k == 0 else first.twin()  # type: ignore[attr-defined]
            row = _Row(session, texts, k % len(texts))
            for _ in range(k * len(texts[row.text]) // len(copies)):
                row.step()
            rows.append(row)
    return rows


def chosen(cases: Sequence[Case], options: Options, n: int) -> list[Case]:
    """The first ``n`` cases that every engine compiles soon, with the valid instances that all of them take.

    Raises :class:`~jsonschemabench.cases.BadData` where there is none.
    """
    found: list[Case] = []
    by_id = {case.id: case for case in cases}
    records: dict[str, list[dict[str, Any]]] = {}
    for record in run(cases, options, set()):
        records.setdefault(record["id"], []).append(record)
        if len(records[record["id"]]) < len(options.engines):
            continue
        common = _common(by_id[record["id"]], records[record["id"]])
        if common is not None:
            found.append(common)
        if len(found) == n:
            break
    if not found:
        raise BadData("no schema with a valid instance that every engine takes")
    return found


def _common(case: Case, records: Sequence[dict[str, Any]]) -> Case | None:
    if any(record["status"] != "ok" or record.get("ttfm_us", 1e99) > SLOW * 1e6 for record in records):
        return None
    tests = tuple(
        test
        for i, test in enumerate(case.tests)
        if test.valid and all(record["tests"][i] == RIGHT for record in records)
    )
    return replace(case, tests=tests) if tests else None


def measured(
    cases: Sequence[Case], engines: Sequence[str], vocab: str, order: str, limits: Limits, batch: int, count: int
) -> Iterator[dict[str, Any]]:
    """What ``steps`` says of each engine, each in a worker of its own, one after the other; with its ``version``."""
    for engine in engines:
        with Worker(engine, vocab, order, limits) as worker:
            try:
                result = worker.ask("serve", cases, lambda message: None, batch=batch, steps=count)
            except Stopped as over:
                result = {"status": "stopped", "reason": str(over)}
            yield {"engine": engine, "version": worker.version, "batch": batch, **result}


def table(results: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, an engine a row. Steps in milliseconds, rows in microseconds."""
    lines = [
        "| engine | step p50, ms | p99 | longest | a row of it, mean, us | slowest row p50, us | p99 | compiling, ms |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        name = result["version"] or result["engine"]
        if result["status"] != "ok":
            lines.append(f"| {name} | {result['reason']} | | | | | | |")
            continue
        step = np.asarray(result["step_us"]) / 1000
        slowest = np.asarray(result["slowest_us"])
        cells = [
            f"{np.percentile(step, 50):,.2f}",
            f"{np.percentile(step, 99):,.2f}",
            f"{step.max():,.2f}",
            f"{1000 * step.mean() / result['batch']:,.1f}",
            f"{np.percentile(slowest, 50):,.0f}",
            f"{np.percentile(slowest, 99):,.0f}",
            f"{result['compile_us'] / 1000:,.0f}",
        ]
        lines.append(f"| {name}{'' if result['together'] else ', row by row'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
