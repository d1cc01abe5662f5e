"""Plots of records. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from structgen.errors import InputError


def figure(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    """A matplotlib figure and its panels, ``[rows, columns]``. Raises InputError where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("plots need matplotlib", hint="pip install matplotlib, or leave out --plots") from None
    made = Figure(figsize=(width, height), layout="constrained")
    return made, made.subplots(rows, columns, squeeze=False)


def alignment(curves: dict[str, dict[str, list[dict[str, float]]]], path: Path) -> Path:
    """Divergence and mean log-probability against forward passes, a panel for each task.

    Args:
        curves: by task and sampler the points: ``passes``, ``kl``, ``log_p``.
        path: the file that is written.
    """
    made, panels = figure(2, len(curves), 2.6 * len(curves), 5.0)
    for column, (task, methods) in enumerate(curves.items()):
        for row, (field, label) in enumerate((("kl", "KL to the target, nats"), ("log_p", "mean log P"))):
            panel = panels[row, column]
            for number, (name, points) in enumerate(methods.items()):
                x = [point["passes"] for point in points]
                y = [point[field] for point in points]
                panel.plot(x, y, marker="osd^v<>"[number % 7], markersize=3, linewidth=1, label=name)
            panel.set_xscale("log", base=2)
            panel.xaxis.set_major_formatter("{x:.0f}")
            panel.tick_params(labelsize=7)
            if row == 0:
                panel.set_title(task, fontsize=9)
                shown = [point["kl"] for points in methods.values() for point in points]
                panel.set_ylim(0.0, float(np.max(shown, initial=1.0)) * 1.05)
            else:
                panel.set_xlabel("forward passes", fontsize=8)
            if column == 0:
                panel.set_ylabel(label, fontsize=8)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    made.savefig(path, dpi=80)
    return path
