"""What the runs of the alignment study say together: means over questions and seeds, as curves and as a table.

Receives the runs of a record, by ``task/question/sampler/seed``; each has ``points``, one for each step, and
``log_z``, the run's estimate or None.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

#: Samplers whose estimates of Z have no bias (CARS's is the mean over its attempts).
UNBIASED = ("Masked, weighted", "CARS", "SMC", "AWRS")

Point = dict[str, float]


def targets(runs: dict[str, Any]) -> dict[str, float]:
    """log Z of each question, by ``task/question``: the mean of the estimates of all runs that have an unbiased one."""
    found: dict[str, list[float]] = {}
    for key, run in runs.items():
        task, question, sampler, _ = key.split("/")
        if sampler in UNBIASED and run["log_z"] is not None:
            found.setdefault(f"{task}/{question}", []).append(run["log_z"])
    return {name: float(np.logaddexp.reduce(values) - np.log(len(values))) for name, values in found.items()}


def curves(runs: dict[str, Any]) -> dict[str, dict[str, list[Point]]]:
    """For each task and sampler a point for each step, its ``kl`` to the target itself.

    A step that some run has not reached (its passes were used up, or nothing was alive yet) is left out: means over
    the others would not compare.
    """
    log_z = targets(runs)
    groups: dict[str, dict[str, list[dict[float, Point]]]] = {}
    for key, run in runs.items():
        task, question, sampler, _ = key.split("/")
        moved = [point | {"kl": point["kl"] + log_z[f"{task}/{question}"]} for point in run["points"]]
        steps = {point["samples"]: point for point in moved}
        groups.setdefault(task, {}).setdefault(sampler, []).append(steps)
    return {
        task: {
            sampler: [_mean(run[step] for run in found) for step in found[0] if all(step in run for run in found)]
            for sampler, found in samplers.items()
        }
        for task, samplers in groups.items()
    }


def _mean(points: Iterable[Point]) -> Point:
    points = list(points)
    return {field: float(np.mean([point[field] for point in points])) for field in points[0]}


def table(found: dict[str, dict[str, list[Point]]]) -> str:
    """The last points of curves as a table in Markdown."""
    lines = [
        "| task | sampler | texts | alive | forward passes | predicate calls | KL to the target | mean log P | right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for task, samplers in found.items():
        for sampler, points in samplers.items():
            if not points:
                lines.append(f"| {task} | {sampler} | none | | | | | | |")
                continue
            p = points[-1]
            lines.append(
                f"| {task} | {sampler} | {p['samples']:.0f} | {p['alive']:.0f} | {p['passes']:.0f} "
                f"| {p['predicate']:.0f} | {p['kl']:.2f} | {p['log_p']:.2f} | {p['right']:.0%} |"
            )
    return "\n".join(lines)
