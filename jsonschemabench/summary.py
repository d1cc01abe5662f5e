"""From records to tables: what JSONSchemaBench reports, and why schemas were refused."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jsonschemabench.measure import ACCEPTS_INVALID, FAILED, REJECTS_ORDER, REJECTS_VALID

#: Verdicts on an instance that make a schema not fully right, from the worst.
WRONG = (ACCEPTS_INVALID, FAILED, REJECTS_VALID, REJECTS_ORDER)

#: What can become of a schema, from best to worst: accepting what is invalid is what must never happen.
RANK = ("right", "refused", "stopped", "crashed", REJECTS_ORDER, REJECTS_VALID, FAILED, ACCEPTS_INVALID)


def category(record: dict[str, Any]) -> str:
    """The worst thing that happened on a case, a word of ``RANK``."""
    if record["status"] != "ok":
        return str(record["status"])
    words = {word for word in record.get("tests", []) if word in RANK}
    return max(words, key=RANK.index, default="right")


@dataclass
class Figures:
    """One engine's counts and times. Times in microseconds, over schemas that compiled."""

    version: str = ""
    schemas: int = 0
    right: int = 0
    with_tests: int = 0
    right_with_tests: int = 0
    refused: int = 0
    stopped: int = 0
    accepts_invalid: list[str] = field(default_factory=list)
    rejects_valid: list[str] = field(default_factory=list)
    rejects_order: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    mask_us: list[float] = field(default_factory=list)
    ttfm_us: list[float] = field(default_factory=list)
    again_us: list[float] = field(default_factory=list)
    cold_us: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, record: dict[str, Any]) -> None:
        """Count one record of a results file."""
        self.version = record.get("version") or self.version
        self.schemas += 1
        tests = record.get("tests", [])
        bad = {word for word in tests if word in WRONG}
        fully_right = record["status"] == "ok" and not bad
        self.right += fully_right
        if record["n_tests"]:
            self.with_tests += 1
            self.right_with_tests += fully_right
        if record["status"] == "refused":
            self.refused += 1
        elif record["status"] != "ok":
            self.stopped += 1
        if record["status"] != "ok":
            self.reasons[normal_reason(record["reason"])] += 1
        for word, ids in (
            (ACCEPTS_INVALID, self.accepts_invalid),
            (REJECTS_VALID, self.rejects_valid),
            (REJECTS_ORDER, self.rejects_order),
            (FAILED, self.failed),
        ):
            if word in bad:
                ids.append(record["id"])
        for name, times in (("ttfm_us", self.ttfm_us), ("again_us", self.again_us), ("cold_us", self.cold_us)):
            if name in record:
                times.append(record[name])
        self.mask_us += record.get("mask_us", [])


def collect(records: Iterable[dict[str, Any]]) -> dict[str, Figures]:
    """Figures by engine, in the order in which engines appear."""
    figures: dict[str, Figures] = {}
    for record in records:
        if record.get("kind") == "case":
            figures.setdefault(record["engine"], Figures()).add(record)
    return figures


def failures(records: Iterable[dict[str, Any]]) -> str:
    """Every schema that is not fully right, a line each: engine, verdict, id, reason; the worst first."""
    lines: list[tuple[int, str]] = []
    for record in records:
        if record.get("kind") != "case":
            continue
        words = [word for word in WRONG if word in record.get("tests", ())]
        if record["status"] != "ok":
            rank, verdict, why = len(WRONG), record["status"], record["reason"]
        elif words:
            rank, verdict = WRONG.index(words[0]), words[0]
            numbers = [i for i, word in enumerate(record["tests"]) if word == verdict]
            notes = dict(note.removeprefix("test ").split(": ", 1) for note in record.get("notes", ()) if ": " in note)
            why = f"tests {', '.join(map(str, numbers[:5]))}" + (", ..." if len(numbers) > 5 else "")
            note = notes.get(str(numbers[0]))
            why += f": {note}" if note else ""
        else:
            continue
        why = " ".join(why.split())
        lines.append((rank, f"- {record['engine']}: {verdict}: {record['id']}: {why}"))
    return "\n".join(line for _, line in sorted(lines, key=lambda line: line[0]))


def normal_reason(reason: str) -> str:
    """A reason without what differs from schema to schema: places, numbers and long quotations."""
    line = reason.strip().splitlines()[0] if reason.strip() else "no reason given"
    line = re.sub(r"\s*\(?\bat #\S*", "", line)
    line = re.sub(r"#/[^\s'\"\])]*", "#/...", line)
    line = re.sub(r"'[^']{25,}'|\"[^\"]{25,}\"", "'...'", line)
    line = re.sub(r"\d+", "N", line)
    return line if len(line) <= 110 else line[:107] + "..."


def table(figures: dict[str, Figures]) -> str:
    """The summary as a Markdown table, an engine a column."""
    columns = list(figures.values())
    rows: list[tuple[str, list[str]]] = [
        ("schemas fully right", [_share(f.right, f.schemas) for f in columns]),
        ("the same, of schemas that have tests", [_share(f.right_with_tests, f.with_tests) for f in columns]),
        ("refused at compile", [f"{f.refused:,}" for f in columns]),
        ("over the limits, or crashed", [f"{f.stopped:,}" for f in columns]),
        ("schemas that accept an invalid instance", [f"{len(f.accepts_invalid):,}" for f in columns]),
        ("schemas that reject a valid instance", [f"{len(f.rejects_valid):,}" for f in columns]),
        ("schemas that reject one for its order of properties alone", [f"{len(f.rejects_order):,}" for f in columns]),
        ("schemas on which the engine gave up in a text", [f"{len(f.failed):,}" for f in columns]),
        ("masks", [f"{len(f.mask_us):,}" for f in columns]),
        ("mask: mean / p50 / p99, us", [_times(f.mask_us, mean=True) for f in columns]),
        ("time to first mask: p50 / p99, us", [_times(f.ttfm_us, mean=False) for f in columns]),
    ]
    if any(f.again_us for f in columns):
        rows.append(("the same schema again: p50 / p99, us", [_times(f.again_us, mean=False) for f in columns]))
    if any(f.cold_us for f in columns):
        rows.append(("first mask of a new process: p50 / p99, us", [_times(f.cold_us, mean=False) for f in columns]))
    lines = [
        "| | " + " | ".join(f.version or name for name, f in figures.items()) + " |",
        "|---|" + "---|" * len(columns),
    ]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return "\n".join(lines)


def numbers(figures: Figures) -> dict[str, str | int | float | None]:
    """The table's figures by name, for programs: counts, and times in microseconds (None where there are none)."""
    out: dict[str, str | int | float | None] = {
        "version": figures.version,
        "schemas": figures.schemas,
        "right": figures.right,
        "with_tests": figures.with_tests,
        "right_with_tests": figures.right_with_tests,
        "refused": figures.refused,
        "stopped": figures.stopped,
        "accepts_invalid": len(figures.accepts_invalid),
        "rejects_valid": len(figures.rejects_valid),
        "rejects_order": len(figures.rejects_order),
        "failed": len(figures.failed),
        "masks": len(figures.mask_us),
        "mask_mean_us": round(float(np.mean(figures.mask_us)), 1) if figures.mask_us else None,
    }
    for name, times in (
        ("mask", figures.mask_us),
        ("first_mask", figures.ttfm_us),
        ("again", figures.again_us),
        ("cold", figures.cold_us),
    ):
        for p in (50, 99):
            out[f"{name}_p{p}_us"] = round(float(np.percentile(times, p)), 1) if times else None
    return out


def as_csv(figures: dict[str, Figures]) -> str:
    """The summary as CSV, an engine a row, with a heading."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for i, (name, each) in enumerate(figures.items()):
        row = {"engine": name, **numbers(each)}
        if i == 0:
            writer.writerow(row)
        writer.writerow("" if value is None else value for value in row.values())
    return file.getvalue().rstrip("\n")


def reasons(figures: dict[str, Figures], limit: int = 30) -> str:
    """Reasons of refusal by count, an engine after the other, as Markdown lists."""
    parts = []
    for name, f in figures.items():
        if not f.reasons:
            continue
        lines = [f"Not compiled by {f.version or name}:", ""]
        lines += [f"- {count:,} x {reason}" for reason, count in f.reasons.most_common(limit)]
        rest = f.reasons.most_common()[limit:]
        if rest:
            lines.append(f"- {sum(count for _, count in rest):,} in {len(rest):,} other ways")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" + (f" ({100 * part / whole:.1f}%)" if whole else "")


def _times(values: Sequence[float], *, mean: bool) -> str:
    if not values:
        return "-"
    array = np.asarray(values)
    figures = ([float(array.mean())] if mean else []) + [float(np.percentile(array, p)) for p in (50, 99)]
    return " / ".join(f"{x:,.1f}" if x < 100 else f"{x:,.0f}" for x in figures)
