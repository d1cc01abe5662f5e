"""Compact results, small enough to keep beside the code: no figure for each mask, but quantiles for each schema.

Receives the lines of a results file; returns one JSON object: ``header`` (machine, versions, commit, options),
``summary`` (the table's figures by engine), and ``cases``: for each engine and schema the values named by ``COLUMNS``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from jsonschemabench.cases import BadData
from jsonschemabench.run import read_results
from jsonschemabench.summary import category, collect, normal_reason, numbers

#: Where records are kept.
FOLDER = Path(__file__).parent / "records"

#: What a record says of a schema, in this order; times in microseconds, null where there are none.
COLUMNS = (
    "verdict", "split", "schema_bytes", "first_mask_us", "masks", "mask_mean_us", "mask_p50_us", "mask_p99_us", "why"
)  # fmt: skip


def compact(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The record of a run."""
    lines = list(lines)
    headers = [line for line in lines if line["kind"] == "header"]
    cases: dict[str, dict[str, list[Any]]] = {}
    for line in lines:
        if line["kind"] == "case":
            cases.setdefault(line["engine"], {})[line["id"]] = _row(line)
    return {
        "kind": "record",
        "header": headers[-1] if headers else {},
        "summary": {engine: numbers(figures) for engine, figures in collect(lines).items()},
        "columns": list(COLUMNS),
        "cases": cases,
    }


def _row(line: dict[str, Any]) -> list[Any]:
    masks = line.get("mask_us") or []
    mean, p50, p99 = (
        [round(float(x), 1) for x in (np.mean(masks), *np.percentile(masks, (50, 99)))] if masks else [None] * 3
    )
    why = normal_reason(line["reason"]) if line["status"] != "ok" else None
    return [
        category(line), line.get("split", ""), line.get("schema_bytes"), line.get("ttfm_us"), len(masks),
        mean, p50, p99, why,
    ]  # fmt: skip


def write(record: dict[str, Any], path: Path) -> None:
    """Write a record, a schema a line, so that two of them differ by lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {name: value for name, value in record.items() if name != "cases"}
    parts = []
    for engine, cases in record["cases"].items():
        rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in cases.items())
        parts.append(f"{json.dumps(engine)}: {{\n{rows}\n}}")
    text = json.dumps(head, indent=1).rstrip("}").rstrip() + ',\n "cases": {\n' + ",\n".join(parts) + "\n}}\n"
    path.write_text(text, encoding="utf-8")


def default_path(record: dict[str, Any]) -> Path:
    """Where a record goes that is given no name: day, commit, vocabulary."""
    header = record["header"]
    machine = header.get("machine", {})
    commit = (machine.get("commit") or "unknown").replace("+changes", "x")
    return FOLDER / f"{machine.get('time', '')[:10]}-{commit[:8]}-{header.get('vocab', '')}.json"


def read(path: Path) -> dict[str, Any]:
    """A record, from its own file or from a results file. Raises :class:`BadData`."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.readline().strip() != "{" and read_results(path)
        if lines:
            return compact(lines)
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"cannot read {path}: {error}") from error
    if record.get("kind") != "record" or record.get("columns") != list(COLUMNS):
        raise BadData(f"not a record of this version: {path}")
    return record
