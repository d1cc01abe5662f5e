"""A file of prompts: rows that work are kept, rows that do not say why, and a stopped run goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import structgen as sg
from structgen.cli.console import read_bytes
from structgen.errors import InputError, StructgenError


@dataclass(frozen=True)
class Job:
    """A row to generate.

    Attributes:
        number: of its line, from 0; with the seed it fixes the row's random numbers.
        id: as given, or the line number from 1.
        error: why the row cannot be used at all, or None.
    """

    number: int
    id: str | int
    prompt: str
    constraint: Any
    max_tokens: int
    error: StructgenError | None = None


def read_jobs(path: Path, common: sg.Constraint | None, max_tokens: int) -> list[Job]:
    """The rows of a file. A row that cannot be used becomes a job with an ``error``, and stops no other.

    Raises InputError where the file cannot be read, or two rows have the same id.
    """
    jobs = []
    seen: dict[str | int, int] = {}
    for number, line in enumerate(read_bytes(path).split(b"\n")):
        if not line.strip():
            continue
        job = _job(number, line, common, max_tokens)
        if job.id in seen:
            raise InputError(
                f"lines {seen[job.id] + 1} and {number + 1} have the same id {job.id!r}",
                where=str(path),
                hint="Results are told apart by their ids",
            )
        seen[job.id] = number
        jobs.append(job)
    return jobs


def _job(number: int, line: bytes, common: sg.Constraint | None, max_tokens: int) -> Job:
    where = f"line {number + 1}"
    key: str | int = number + 1
    try:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"not JSON: {error}", where=where) from error
        if not isinstance(row, dict):
            raise InputError("a row is a JSON object", where=where)
        if "id" in row:
            if isinstance(row["id"], bool) or not isinstance(row["id"], (str, int)):
                raise InputError("an id is a string or an integer", where=where)
            key = row["id"]
        if not isinstance(row.get("prompt"), str):
            raise InputError('a row needs a "prompt", a string', where=where)
        budget = row.get("max_tokens", max_tokens)
        if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
            raise InputError("max_tokens is an integer from 1 up", where=where)
        return Job(number, key, row["prompt"], _constraint(row, common, where), budget)
    except StructgenError as error:
        return Job(number, key, "", None, max_tokens, error)


def _constraint(row: dict[str, Any], common: sg.Constraint | None, where: str) -> Any:
    own = [name for name in ("schema", "regex", "choices") if name in row]
    if len(own) > 1:
        raise InputError(f"a row has one constraint, not {' and '.join(own)}", where=where)
    if own == ["schema"]:
        return sg.JsonSchema(row["schema"])
    if own == ["regex"]:
        return sg.Regex(row["regex"])
    if own == ["choices"]:
        return sg.Choice(row["choices"])
    if common is None:
        raise InputError(
            "the row has no constraint", where=where, hint='Give --schema or the like, or "schema" in the row'
        )
    return common


def run(
    jobs: Sequence[Job], make: Callable[[list[Job]], list[Any]], out: Path, *, size: int, retry: bool = False
) -> int:
    """Generate the rows that ``out`` does not have yet, ``size`` at a time, and append the results as they come.

    Args:
        make: the values of some jobs, a StructgenError in the place of a value that could not be made; where it
            raises one, the jobs are tried one by one.
        retry: try rows again whose last result is an error.

    Returns:
        How many of the rows tried have failed. Raises InputError where ``out`` cannot be written, or is not ours.
    """
    done = _finished(out, retry)
    todo = [job for job in jobs if job.id not in done]
    good = [job for job in todo if job.error is None]
    failed = 0
    note = TextColumn("{task.fields[note]}")
    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), note)
    try:
        file = out.open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write the file: {error.strerror}", where=str(out)) from error
    with file, Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task("rows", total=len(jobs), completed=len(jobs) - len(todo), note="")

        def write(job: Job, result: dict[str, Any]) -> None:
            nonlocal failed
            failed += "error" in result
            file.write(json.dumps({"id": job.id, **result}, ensure_ascii=False) + "\n")
            file.flush()
            progress.update(task, advance=1, note=f"{failed} failed" if failed else "")

        for job in todo:
            if job.error is not None:
                write(job, {"error": _described(job.error)})
        for begin in range(0, len(good), size):
            rows = good[begin : begin + size]
            for job, result in zip(rows, _results(rows, make), strict=True):
                write(job, result)
    skipped = f", {len(jobs) - len(todo)} were there already" if len(todo) < len(jobs) else ""
    typer.echo(f"{len(todo) - failed} rows generated, {failed} failed{skipped}", err=True)
    return failed


def _results(rows: list[Job], make: Callable[[list[Job]], list[Any]]) -> list[dict[str, Any]]:
    """A result for each row. One bad row must not cost the others theirs."""
    try:
        return [_outcome(value) for value in make(rows)]
    except StructgenError as error:
        if len(rows) == 1:
            return [{"error": _described(error)}]
    return [_results([job], make)[0] for job in rows]


def _outcome(value: Any) -> dict[str, Any]:
    if isinstance(value, StructgenError):
        return {"error": _described(value)}
    return {"output": to_jsonable_python(value)}


def _described(error: StructgenError) -> dict[str, str | None]:
    return {"kind": type(error).__name__, "message": error.message, "where": error.where, "hint": error.hint}


def _finished(out: Path, retry: bool) -> set[str | int]:
    """Ids that ``out`` has. A last line that a stopped run left unfinished is cut off."""
    if not out.exists():
        return set()
    data = read_bytes(out)
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(out, whole)
    state: dict[str | int, bool] = {}
    for number, line in enumerate(data[:whole].splitlines(), 1):
        try:
            row = json.loads(line)
            state[row["id"]] = "error" not in row
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"line {number} is not a result", where=str(out), hint="Give --out a new file, or one of an earlier run"
            ) from error
    return {key for key, worked in state.items() if worked or not retry}
