"""Two records side by side: which verdicts got better or worse, and which times changed beyond noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.records import COLUMNS
from jsonschemabench.summary import RANK

_TIMES = (("first mask", "first_mask_us"), ("mask, mean", "mask_mean_us"), ("mask, p99", "mask_p99_us"))
_RESAMPLES = 1000


def compare(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, bool]:
    """Markdown, and whether any verdict got worse. Cases are matched by engine and id; only common ones count.

    Of two records with different engines, one each, those are compared.
    """
    pairs = [(engine, engine) for engine in before["cases"] if engine in after["cases"]]
    if not pairs and len(before["cases"]) == len(after["cases"]) == 1:
        pairs = [(next(iter(before["cases"])), next(iter(after["cases"])))]
    worse: list[str] = []
    better: list[str] = []
    times: list[str] = []
    total = 0
    for left, right in pairs:
        old, new = before["cases"][left], after["cases"][right]
        common = [name for name in old if name in new]
        total += len(common)
        title = left if left == right else f"{left} -> {right}"
        for name in common:
            a, b = _value(old[name], "verdict"), _value(new[name], "verdict")
            if a != b:
                why = _value(new[name], "why")
                change = f"- {title}: {name}: {a} -> {b}" + (f" ({why})" if why else "")
                (worse if RANK.index(b) > RANK.index(a) else better).append(change)
        times += _times(title, [(old[name], new[name]) for name in common])
    lines = [
        f"{side}: {origin}" for side, record in (("before", before), ("after", after)) if (origin := _origin(record))
    ]
    lines += [f"{total:,} cases in both; {len(worse):,} worse, {len(better):,} better"]
    for heading, changes in (("Worse:", worse), ("Better:", better)):
        if changes:
            lines += ["", heading, "", *changes]
    if times:
        lines += ["", "| engine | time, by schema | before p50, us | after p50, us | ratio | 95% interval | |",
                  "|---|---|--:|--:|--:|--:|---|", *times]  # fmt: skip
    return "\n".join(lines), bool(worse)


def _origin(record: dict[str, Any]) -> str:
    """Where a record comes from, in a line; empty where it does not say."""
    machine = record["header"].get("machine", {})
    commit = str(machine.get("commit"))[:8]
    parts = (machine.get("time"), f"commit {commit}", machine.get("processor"), f"load {machine.get('load')}")
    return ", ".join(map(str, parts)) if machine else ""


def _value(row: list[Any], column: str) -> Any:
    return row[COLUMNS.index(column)]


def _times(title: str, rows: list[tuple[list[Any], list[Any]]]) -> list[str]:
    lines = []
    for name, column in _TIMES:
        both = [(_value(a, column), _value(b, column)) for a, b in rows]
        measured = np.array([(a, b) for a, b in both if a and b], dtype=np.float64)
        if len(measured) < 5:
            continue
        ratio, low, high = ratio_of(measured[:, 0], measured[:, 1])
        word = "slower" if low > 1 else "faster" if high < 1 else "no change beyond noise"
        p50 = np.median(measured, axis=0)
        lines.append(
            f"| {title} | {name} | {p50[0]:,.1f} | {p50[1]:,.1f} | {ratio:.2f} | {low:.2f} to {high:.2f} | {word} |"
        )
    return lines


def ratio_of(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float, float]:
    """The median of after / before over the schemas, and its 95% interval by bootstrap over them.

    Each schema is its own control, so that what differs between schemas is no noise. What moves a whole run (a busy
    machine) is not in the interval: see whether another engine of the same two runs has moved with it.

    Efron, Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval).
    """
    logs = np.log(after) - np.log(before)
    draws = np.random.default_rng(0).integers(0, len(logs), size=(_RESAMPLES, len(logs)))
    low, high = np.percentile(np.median(logs[draws], axis=1), (2.5, 97.5))
    return float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high))
