"""``python -m structgen.studies alignment``: how close samplers come to the model's conditional law, at which cost.

Five tasks, three questions each. Every sampler draws a number of texts, in steps; after each step are noted the
forward passes it has used (contexts the model was asked about, what a run knows already not counted again), the
divergence of its samples from the target, their mean log-probability, and how many answer the question.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import structgen as sg
from structgen.sampling import Samples
from structgen.sampling.problem import Problem
from structgen.sampling.runs import Sampler
from structgen.sampling.sample import sampler_of
from structgen.studies import plots, tasks
from structgen.studies.bank import Bank
from structgen.studies.measures import divergence, mean_log_p, merged
from structgen.studies.models import Embedded, Toy
from structgen.studies.record import Record
from structgen.studies.results import curves, table
from structgen.studies.tasks import Question, Task

#: Texts drawn after which the samplers are compared.
_STEPS = (8, 16, 32, 64)
_PARTICLES = 8


class Method(NamedTuple):
    """A sampler under its name. ``weighted``: its samples count by weight; else each counts once."""

    make: Callable[[], Any]
    weighted: bool


METHODS = {
    "Masked": Method(sg.sampling.Masked, False),
    "Masked, weighted": Method(sg.sampling.Masked, True),
    "ASAp": Method(sg.sampling.ASAp, False),
    "CARS": Method(sg.sampling.CARS, False),
    "MCMC": Method(lambda: sg.sampling.MCMC(steps=10), False),
    "SMC": Method(lambda: sg.sampling.SMC(particles=_PARTICLES), True),
    "AWRS": Method(lambda: sg.sampling.AWRS(particles=_PARTICLES), True),
}


def main(arguments: list[str]) -> int:
    """Run the study, print its table, write the record and the plots."""
    parser = argparse.ArgumentParser(prog="python -m structgen.studies alignment", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a toy model and few samples: seconds")
    parser.add_argument("--record", type=Path, help="JSON file; runs that it holds are not made again")
    parser.add_argument("--plots", type=Path, help="folder for the plots")
    parser.add_argument("--tasks", nargs="*", default=list(tasks.NAMES), choices=tasks.NAMES)
    parser.add_argument("--questions", type=int, default=3, help="of each task, from the first on (3)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each sampler, with different seeds (1)")
    parser.add_argument("--passes", type=int, default=1500, help="most forward passes of a run (1500)")
    given = parser.parse_args(arguments)
    steps = _STEPS[:2] if given.quick else _STEPS
    passes = 300 if given.quick else given.passes
    models: Any = Toy() if given.quick else Embedded()
    settings = {"model": models.name, "steps": list(steps), "passes": passes}
    record = Record(given.record, settings)
    for name in given.tasks:
        task = tasks.load(name)
        for number, question in enumerate(task.questions[: 1 if given.quick else given.questions]):
            _question(record, models, task, number, question, 1 if given.quick else given.repeat, steps, passes)
    found = curves(record.runs)
    print(table(found))
    if given.plots is not None:
        given.plots.mkdir(parents=True, exist_ok=True)
        print(plots.alignment(found, given.plots / "alignment.png"))
    return 0


def _question(
    record: Record, models: Any, task: Task, number: int, question: Question, repeat: int, steps: tuple[int, ...],
    passes: int,
) -> None:  # fmt: skip
    """All samplers on one question."""
    wanted = [
        (f"{task.name}/{number}/{name}/{seed}", name, seed)
        for seed in range(repeat)
        for name in METHODS
        if f"{task.name}/{number}/{name}/{seed}" not in record.runs
    ]
    if not wanted:
        return
    asked = models.ask(task, question)
    grammar = sg.compile(task.constraint, asked.vocab)
    budget = task.max_tokens if not isinstance(models, Toy) else 3 * task.max_tokens
    bank = Bank(Problem(asked.model, grammar, asked.prompt, budget, cache_bytes=4 << 30))
    for key, name, seed in wanted:
        predicate = task.predicate() if task.predicate is not None else None
        problem = Problem(bank, grammar, asked.prompt, budget, predicate=predicate, max_passes=passes)
        method = METHODS[name]
        points, log_z = follow(problem, sampler_of(method.make()), method.weighted, steps, (seed,), task, question)
        record.put(key, {"points": points, "log_z": log_z})
        last = points[-1] if points else {}
        print(f"{key}: {last}", flush=True)


def follow(
    problem: Problem, sampler: Sampler, weighted: bool, steps: tuple[int, ...], seed: tuple[int, ...], task: Task,
    question: Question,
) -> tuple[list[dict[str, Any]], float | None]:  # fmt: skip
    """What a sampler has given after each step, and its estimate of log Z; None where it has none.

    A run that uses up its forward passes has fewer points.
    """
    parts: list[Samples] = []
    points: list[dict[str, Any]] = []
    drawn = 0
    for number, most in enumerate(steps):
        while drawn < most:
            part = sampler.run(problem, min(_PARTICLES, most - drawn), (*seed, number, drawn))
            parts.append(part)
            drawn += len(part)
            if part.outcome == "budget" or not len(part):
                break
        else:
            law = merged(parts, weighted)
            if law:
                points.append(
                    {
                        "samples": drawn,
                        "alive": sum(part.n_alive for part in parts),
                        "passes": problem.passes,
                        "attempts": sum(part.attempts for part in parts),
                        "predicate": problem.predicate.calls if problem.predicate is not None else 0,
                        "kl": round(divergence(law), 4),
                        "log_p": round(mean_log_p(law), 4),
                        "right": round(sum(s for s, _, t in law.values() if _right(task, question, t)), 4),
                    }
                )
            continue
        break
    estimates = np.array([part.log_z for part in parts if len(part)])
    if not len(estimates) or np.isnan(estimates).any() or estimates.max() == -np.inf:
        return points, None
    sizes = np.array([len(part) for part in parts if len(part)], dtype=np.float64)
    best = estimates.max()
    return points, float(best + np.log((sizes * np.exp(estimates - best)).sum() / sizes.sum()))


def _right(task: Task, question: Question, text: bytes) -> bool:
    return task.correct(text.decode(), question.reference)
