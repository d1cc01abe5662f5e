"""What the canvases of the study say together: tables and a plot.

Receives the runs of a record, by ``kind/length/method/order``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from structgen.studies.plots import figure

#: Kinds that nest without bound.
NESTED = ("tree", "arithmetic", "program")

Runs = dict[str, dict[str, Any]]


def valid(run: dict[str, Any]) -> bool:
    """In the language and within the canvas."""
    return bool(run["in language"] and run["fits"])


def chosen(runs: Runs, *, method: str | None = None, order: str | None = None, length: int | None = None) -> Runs:
    """The runs of a method, an order, a length."""
    wanted = (None, None if length is None else str(length), method, order)
    return {
        key: run
        for key, run in runs.items()
        if all(w is None or w == part for w, part in zip(wanted, key.split("/"), strict=True))
    }


def names(runs: Runs, place: int) -> list[str]:
    """The different parts of the keys at a place, in the order in which they come."""
    return list(dict.fromkeys(key.split("/")[place] for key in runs))


def report(runs: Runs) -> str:
    """The tables of the kinds that nest to a fixed depth, and of those that nest without bound."""
    parts = []
    for title, wanted in (("Finite kinds", False), ("Kinds that nest without bound", True)):
        part = {key: run for key, run in runs.items() if (key.split("/")[0] in NESTED) == wanted}
        if part:
            parts.append(f"{title}:\n\n{tables(part)}")
    return "\n\n".join(parts)


def tables(runs: Runs) -> str:
    """Two tables in Markdown: by method and order, and share valid by method and length."""
    lines = [
        "| method | order | canvases | valid | in the language | dead ends | log-likelihood per slot "
        "| forward passes | refused | constraint, ms per pass | of the model's pass |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for method in names(runs, 2):
        for order in names(chosen(runs, method=method), 3):
            found = list(chosen(runs, method=method, order=order).values())
            n = len(found)
            passes = sum(run["passes"] for run in found)
            constraint = sum(run["constraint s"] for run in found)
            model = sum(run["model s"] for run in found)
            likely = [run["log likelihood"] for run in found if run["log likelihood"] is not None]
            lines.append(
                f"| {method} | {order} | {n} | {_share(valid(r) for r in found)} "
                f"| {_share(r['in language'] for r in found)} | {sum(r['dead'] for r in found)} "
                f"| {share(likely):.3f} | {passes / n:.1f} "
                f"| {sum(r['refused'] for r in found) / n:.1f} | {1000 * constraint / passes:.2f} "
                f"| {constraint / model:.1%} |"
            )
    lengths = sorted({int(length) for length in names(runs, 1)})
    lines += ["", "| valid | " + " | ".join(f"{length} slots" for length in lengths) + " |"]
    lines.append("|---" * (len(lengths) + 1) + "|")
    for method in names(runs, 2):
        cells = [_share(valid(r) for r in chosen(runs, method=method, length=n).values()) for n in lengths]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(runs: Runs, path: Path) -> Path:
    """Share valid by length, and log-likelihood against the share valid, for each method and order."""
    made, panels = figure(1, 2, 9.0, 3.6)
    left, right = panels[0]
    lengths = sorted({int(length) for length in names(runs, 1)})
    for number, method in enumerate(names(runs, 2)):
        mark = "osd^v<>"[number % 7]
        shares = [share([valid(r) for r in chosen(runs, method=method, length=n).values()]) for n in lengths]
        left.plot(lengths, shares, marker=mark, label=method)
        for order in names(chosen(runs, method=method), 3):
            found = chosen(runs, method=method, order=order).values()
            likely = share([r["log likelihood"] for r in found if r["log likelihood"] is not None])
            at = share([valid(r) for r in found]), likely
            right.plot(*at, mark, color=f"C{number}")
            right.annotate(order, at, fontsize=6, alpha=0.7)
    left.set_xscale("log", base=2)
    left.set_xticks(lengths, [str(n) for n in lengths])
    left.set_xlabel("slots of the canvas", fontsize=8)
    left.set_ylabel("share valid", fontsize=8)
    left.set_ylim(-0.02, 1.05)
    right.set_xlabel("share valid", fontsize=8)
    right.set_ylabel("log-likelihood per slot, nats", fontsize=8)
    for panel in (left, right):
        panel.tick_params(labelsize=7)
    handles, labels = left.get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    made.savefig(path, dpi=80)
    return path


def share(values: list[float]) -> float:
    """The mean; NaN of none."""
    return float(np.mean(values)) if values else float("nan")


def _share(flags: Any) -> str:
    found = list(flags)
    return f"{np.mean(found):.0%}" if found else ""
