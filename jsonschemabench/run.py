"""A run: every case on every engine, one after the other on the same case, so that they are measured side by side."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschemabench.cases import BadData, Case
from jsonschemabench.machine import describe
from jsonschemabench.pool import EngineUnavailable, Limits, Worker


@dataclass(frozen=True)
class Options:
    """How a run is taken; written into the header of its results.

    Attributes:
        again: also compile every schema a second time.
        cold: so many schemas are also compiled in a new process each.
    """

    engines: tuple[str, ...]
    vocab: str
    order: str
    limits: Limits
    jobs: int = 1
    again: bool = False
    cold: int = 0


class Results:
    """The JSONL file of a run: a header line, then a line for each case and engine, flushed as it comes."""

    def __init__(self, path: Path | None, header: dict[str, Any], resume: bool) -> None:
        self.records: list[dict[str, Any]] = []
        self.done: set[tuple[str, str]] = set()
        old: list[dict[str, Any]] = []
        if path is not None and resume and path.exists():
            old = read_results(path)
            data = path.read_bytes()
            os.truncate(path, data.rfind(b"\n") + 1)  # what a killed run left of its last line
        self._file = path.open("a" if old else "w", encoding="utf-8") if path is not None else None
        for record in old:
            if record["kind"] == "case":
                self.records.append(record)
                self.done.add((record["engine"], record["id"]))
        self._write(header)

    def add(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        self._write(record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, record: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
            self._file.flush()


def read_results(path: Path) -> list[dict[str, Any]]:
    """The lines of a results file. A last line cut off by a killed run is dropped. Raises :class:`BadData`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise BadData(f"cannot read {path}: {error.strerror}") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise BadData(f"{path}, line {number}: not a results file: {error}") from error
    return records


def header(options: Options, data: str, total: int) -> dict[str, Any]:
    """The first line of a results file."""
    return {
        "kind": "header",
        "machine": describe(),
        "data": data,
        "cases": total,
        "engines": list(options.engines),
        "vocab": options.vocab,
        "order": options.order,
        "seconds": options.limits.seconds,
        "memory": options.limits.memory,
        "jobs": options.jobs,
    }


def run(cases: Sequence[Case], options: Options, done: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield a record for each case and engine that is not ``done`` yet, in the order they finish.

    Raises :class:`~jsonschemabench.pool.EngineUnavailable` where an engine cannot be set up.
    """
    todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
    for case in cases:
        if any((engine, case.id) not in done for engine in options.engines):
            todo.put(case)
    chosen = {cases[k * len(cases) // options.cold].id for k in range(options.cold)} if cases else set()
    results: queue.SimpleQueue[dict[str, Any] | BaseException | None] = queue.SimpleQueue()
    stopping = threading.Event()

    def work() -> None:
        try:
            with ExitStack() as stack:
                workers = [
                    stack.enter_context(Worker(engine, options.vocab, options.order, options.limits))
                    for engine in options.engines
                ]
                while not stopping.is_set():
                    case = todo.get_nowait()
                    for worker in workers:
                        if (worker.engine, case.id) not in done:
                            results.put(_record(worker, case, options, case.id in chosen))
        except queue.Empty:
            results.put(None)
        except BaseException as error:  # handed to the thread that iterates
            results.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            result = results.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        stopping.set()


def _record(worker: Worker, case: Case, options: Options, cold: bool) -> dict[str, Any]:
    try:
        result = worker.run(case, options.again)
        if cold and result["status"] == "ok":
            with Worker(worker.engine, options.vocab, options.order, options.limits, cold=True) as fresh:
                first = fresh.run(case)
            if "ttfm_us" in first:
                result["cold_us"] = first["ttfm_us"]
    except EngineUnavailable as error:  # it had started before: a crash while coming back
        result = {"status": "crashed", "reason": str(error)}
    return {
        "kind": "case",
        "engine": worker.engine,
        "version": worker.version,
        "vocab": options.vocab,
        "tokens": worker.tokens,
        "id": case.id,
        "split": case.split,
        "schema_bytes": len(case.schema_text.encode("utf-8", "surrogatepass")),
        "n_tests": len(case.tests),
        **result,
    }
