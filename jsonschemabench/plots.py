"""Pictures of results files, as PNG: how times are distributed, what passes by split, and how times grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jsonschemabench.cases import BadData
from jsonschemabench.summary import category

# The points of a distribution that are drawn: from all to one in ten thousand.
_QUANTILES = 1 - np.geomspace(1, 1e-4, 400)


def plot(records: Iterable[dict[str, Any]], folder: Path) -> list[Path]:
    """Draw what the records hold; returns the files written.

    ``mask.png`` and ``first_mask.png``: distributions on a log axis; ``splits.png``: schemas fully right by split;
    ``schema_size.png``: times against the length of the schema; ``vocabulary_size.png``, when the records are of
    more than one vocabulary: times against its size.

    Raises :class:`BadData` where there is nothing to draw, or matplotlib is not installed.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise BadData(f"plots need matplotlib: pip install 'structgen[bench]' ({error})") from error
    cases = [record for record in records if record["kind"] == "case"]
    if not cases:
        raise BadData("no results to draw")
    folder.mkdir(parents=True, exist_ok=True)
    largest = _by_engine(cases, max((c.get("tokens", 0), c.get("vocab", "")) for c in cases))
    written: list[Path] = []

    def page(name: str, width: float, height: float, panels: int = 1) -> Any:
        figure, axes = pyplot.subplots(1, panels, figsize=(width, height), squeeze=False)
        written.append(folder / name)
        return figure, axes[0]

    def done(figure: Any) -> None:
        figure.tight_layout()
        figure.savefig(written[-1], dpi=120)
        pyplot.close(figure)

    for name, title, column in (
        ("mask.png", "time of a mask, us", "mask_us"),
        ("first_mask.png", "time to first mask, us", "ttfm_us"),
    ):
        figure, (axis,) = page(name, 7, 4)
        _distribution(axis, {engine: _times(group, column) for engine, group in largest.items()}, title)
        done(figure)

    figure, (axis,) = page("splits.png", 9, 4.5)
    _splits(axis, largest)
    done(figure)

    figure, axes = page("schema_size.png", 11, 4.5, panels=2)
    for axis, (title, column) in zip(
        axes, (("time to first mask, us", "ttfm_us"), ("mean time of a mask, us", "mask_us")), strict=True
    ):
        _against_size(axis, largest, column)
        axis.set(xlabel="schema, bytes", ylabel=title)
    done(figure)

    sizes = {(case.get("tokens", 0), case.get("vocab", "")) for case in cases}
    if len(sizes) > 1:
        figure, axes = page("vocabulary_size.png", 11, 4.5, panels=2)
        for axis, (title, column) in zip(
            axes, (("time to first mask, us", "ttfm_us"), ("time of a mask, us", "mask_us")), strict=True
        ):
            _against_vocabulary(axis, {size: _by_engine(cases, size) for size in sorted(sizes)}, column)
            axis.set(xlabel="tokens in the vocabulary", ylabel=title)
        done(figure)
    return written


def _by_engine(cases: Sequence[dict[str, Any]], size: tuple[int, str]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        if (case.get("tokens", 0), case.get("vocab", "")) == size:
            groups.setdefault(case.get("version") or case["engine"], []).append(case)
    return groups


def _times(group: Iterable[dict[str, Any]], column: str) -> list[float]:
    times: list[float] = []
    for case in group:
        value = case.get(column)
        times += value if isinstance(value, list) else [] if value is None else [value]
    return times


def _distribution(axis: Any, times: dict[str, list[float]], title: str) -> None:
    for engine, values in times.items():
        if values:
            axis.plot(np.quantile(values, _QUANTILES), 1 - _QUANTILES, label=engine)
    axis.set(xscale="log", yscale="log", ylim=(1e-4, 1), xlabel=title, ylabel="share that takes longer")
    axis.grid(True, which="major", alpha=0.3)
    axis.legend()


def _splits(axis: Any, groups: dict[str, list[dict[str, Any]]]) -> None:
    splits = sorted({case["split"] for group in groups.values() for case in group})
    width = 0.8 / max(1, len(groups))
    for i, (engine, group) in enumerate(groups.items()):
        right: dict[str, list[bool]] = defaultdict(list)
        for case in group:
            right[case["split"]].append(category(case) == "right")
        shares = [100 * float(np.mean(right[split])) if split in right else 0.0 for split in splits]
        axis.bar(np.arange(len(splits)) + (i + 0.5) * width - 0.4, shares, width, label=engine)
    counts = {split: len({case["id"] for group in groups.values() for case in group if case["split"] == split})
              for split in splits}  # fmt: skip
    names = [f"{split or 'no split'} ({counts[split]:,})" for split in splits]
    axis.set_xticks(np.arange(len(splits)), names, rotation=30, ha="right")
    axis.set(ylabel="schemas fully right, %", ylim=(0, 100))
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _against_size(axis: Any, groups: dict[str, list[dict[str, Any]]], column: str) -> None:
    """A dot for each schema, and the median of each fifth of the schemas by length."""
    for engine, group in groups.items():
        points = sorted(
            (case["schema_bytes"], float(np.mean(case[column])))
            for case in group
            if case.get("schema_bytes") and case.get(column)
        )
        if not points:
            continue
        xy = np.array(points)
        (dots,) = axis.plot(xy[:, 0], xy[:, 1], ".", markersize=3, alpha=0.4)
        fifths = [part for part in np.array_split(xy, 5) if len(part)]
        middles = np.array([np.median(part, axis=0) for part in fifths])
        axis.plot(middles[:, 0], middles[:, 1], "o-", color=dots.get_color(), label=engine)
    axis.set(xscale="log", yscale="log")
    axis.legend()


def _against_vocabulary(
    axis: Any, by_size: dict[tuple[int, str], dict[str, list[dict[str, Any]]]], column: str
) -> None:
    """Medians as lines, 99th percentiles as broken lines."""
    for engine in dict.fromkeys(engine for groups in by_size.values() for engine in groups):
        sizes, p50, p99 = [], [], []
        for (tokens, _), groups in by_size.items():
            times = _times(groups.get(engine, ()), column)
            if times:
                sizes.append(tokens)
                p50.append(float(np.percentile(times, 50)))
                p99.append(float(np.percentile(times, 99)))
        (line,) = axis.plot(sizes, p50, "o-", label=f"{engine}, p50")
        axis.plot(sizes, p99, "o--", color=line.get_color(), label=f"{engine}, p99")
    axis.set(xscale="log", yscale="log")
    axis.legend()
