"""Samples of a generator: what they stand for, their weights, and ways to look at them."""

from __future__ import annotations

import html
import json
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from structgen.errors import InputError, OutputError
from structgen.frontends.values import value_of
from structgen.sampling import Samples
from structgen.source import Constraint


@dataclass(frozen=True)
class Sampled:
    """Weighted samples with the objects they stand for.

    Attributes:
        samples: tokens, weights, the estimate of log Z, forward passes, predicate calls; see
            :class:`structgen.sampling.Samples`.
        texts: the texts.
        values: for each text the Python object (types), JSON data (schemas) or the text itself; None for the dead,
            and for objects that a validator of the type refused.
        seconds: time of the whole run, compiling left out.
    """

    samples: Samples
    texts: list[str]
    values: list[Any]
    seconds: float

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def log_weights(self) -> np.ndarray:
        """``float64[n]``; -inf for the dead."""
        return self.samples.log_weights

    @property
    def log_z(self) -> float:
        """log of the estimated share of the model's mass that the constraint allows."""
        return self.samples.log_z

    def posterior(self) -> list[tuple[Any, float]]:
        """The different objects with the probability each got, likeliest first. Equal objects are merged."""
        merged: dict[Hashable, tuple[Any, float]] = {}
        for value, text, weight in zip(self.values, self.texts, self.samples.probabilities().tolist(), strict=True):
            if weight > 0.0 and value is not None:
                key = _name(value, text)
                merged[key] = (value, merged.get(key, (value, 0.0))[1] + weight)
        total = max(1.0, sum(share for _, share in merged.values()))  # sums may round to over 1
        return sorted(((value, share / total) for value, share in merged.values()), key=lambda pair: -pair[1])

    def pick(self, chance: float) -> int:
        """The index of a sample, by weight; ``chance``: a uniform number in [0, 1).

        Raises OutputError where no sample is alive.
        """
        weights = self.samples.probabilities()
        if not weights.any():
            raise OutputError(
                "no sample is alive", hint="The predicate may refuse everything the model writes; draw more samples"
            )
        return int(min(np.searchsorted(np.cumsum(weights), chance, side="right"), np.flatnonzero(weights)[-1]))

    def plot(self, path: str | Path | None = None) -> Any:
        """The weights of the samples and the effective size over the steps, as a matplotlib figure; saved if asked.

        Raises InputError where matplotlib is missing.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise InputError("plotting needs matplotlib", hint="pip install matplotlib") from None
        figure = Figure(figsize=(8, 3), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.bar(range(len(self)), np.sort(self.samples.probabilities())[::-1])
        left.set(xlabel="sample, by weight", ylabel="probability")
        for history in self.samples.ess:
            right.plot(range(1, len(history) + 1), history)
        right.set(xlabel="step", ylabel="effective sample size", ylim=(0, None))
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def html(self, path: str | Path | None = None) -> str:
        """A page with every sample, its weight as a bar, and the effective size over the steps; saved if asked."""
        weights = self.samples.probabilities()
        top = float(weights.max(initial=0.0)) or 1.0
        rows = [
            f'<tr><td>{i}</td>'
            f'<td><div class=bar style="width:{100 * weights[i] / top:.1f}%"></div>{weights[i]:.4f}</td>'
            f"<td>{_number(self.samples.log_probs[i])}</td><td><code>{html.escape(self.texts[i])}</code></td></tr>"
            for i in np.argsort(-weights, kind="stable").tolist()
        ]
        facts = (
            f"{len(self)} samples, {self.samples.n_alive} alive; log Z {_number(self.log_z)}; "
            f"effective size {self.samples.effective_size:.1f}; {self.samples.forward_passes} contexts asked about; "
            f"{self.samples.predicate_calls} predicate calls; {self.samples.outcome}"
        )
        page = _PAGE.format(facts=facts, ess=_lines(self.samples.ess), rows="\n".join(rows))
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page


def with_values(samples: Samples, constraint: Constraint | None, seconds: float) -> Sampled:
    """Samples with the objects that their texts stand for."""
    texts = [text.decode(errors="replace") for text in samples.texts]
    values: list[Any] = []
    for text, weight in zip(texts, samples.log_weights.tolist(), strict=True):
        value = None
        if weight > -np.inf:
            try:
                value = value_of(constraint, text)
            except OutputError:
                value = None
        values.append(value)
    return Sampled(samples, texts, values, seconds)


def _name(value: Any, text: str) -> Hashable:
    """What equal objects have in common: their JSON with sorted keys where it has one."""
    dump = getattr(value, "model_dump_json", None)
    try:
        data = json.loads(dump()) if dump is not None else value
        return json.dumps(data, sort_keys=True)
    except (TypeError, ValueError):
        return text


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "none"


def _lines(histories: list[list[float]]) -> str:
    """Effective sizes over steps as an inline drawing."""
    if not any(histories):
        return ""
    longest = max(len(history) for history in histories)
    highest = max(max(history, default=0.0) for history in histories) or 1.0
    lines = []
    for history in histories:
        points = " ".join(
            f"{600 * i / max(longest - 1, 1):.1f},{100 - 96 * size / highest:.1f}" for i, size in enumerate(history)
        )
        lines.append(f'<polyline points="{points}" fill="none" stroke="#369" stroke-opacity="0.6"/>')
    return f'<h2>Effective sample size</h2><svg viewBox="0 0 600 104" width="600">{"".join(lines)}</svg>'


_PAGE = """<!doctype html><meta charset="utf-8"><title>Samples</title>
<style>body{{font:14px sans-serif;margin:2em}}td{{padding:2px 8px;vertical-align:top}}code{{white-space:pre-wrap}}
.bar{{background:#9bd;height:6px}}</style>
<h1>Samples</h1><p>{facts}</p>{ess}
<table><tr><th>#</th><th>probability</th><th>log P</th><th>text</th></tr>
{rows}
</table>
"""
