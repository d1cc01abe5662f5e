"""``python -m structgen.studies particles``: the time of several particles against that of one sequence.

Both write the same constraint after the same prompt with the embedded model: one text by masking, and a population by
SMC in batches with a shared prompt. Runs are interleaved, and what counts is the ratio within each pair, so that a
busy machine slows both.
"""

from __future__ import annotations

import argparse
import statistics
from time import perf_counter, process_time

import structgen as sg
from structgen.studies.models import Embedded
from structgen.studies.tasks import load


def main(arguments: list[str]) -> int:
    """Time the pairs and print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m structgen.studies particles", description=__doc__)
    parser.add_argument("--particles", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=7, help="pairs of runs (7)")
    parser.add_argument("--task", default="logic", help="whose prompt and constraint are used (logic)")
    given = parser.parse_args(arguments)
    models = Embedded()
    task = load(given.task)
    asked = models.ask(task, task.questions[0])
    grammar = sg.compile(task.constraint, asked.vocab)

    def run(n: int, seed: int) -> tuple[float, float, int]:
        """Seconds by the clock and of the processor, and the tokens of the longest text."""
        models.model.forget()
        sampler = sg.sampling.SMC() if n > 1 else sg.sampling.Masked()
        began, busy = perf_counter(), process_time()
        samples = sg.sampling.sample(
            models.model, grammar, prompt=asked.prompt, n=n, sampler=sampler, max_tokens=task.max_tokens, seed=seed
        )
        return perf_counter() - began, process_time() - busy, max(map(len, samples.tokens)) + 1

    run(given.particles, 0)
    clock, busy, per_step = [], [], []
    for seed in range(1, given.pairs + 1):
        one, many = run(1, seed), run(given.particles, seed)
        clock.append(many[0] / one[0])
        busy.append(many[1] / one[1])
        per_step.append(many[1] / many[2] / (one[1] / one[2]))
        print(
            f"one: {one[1]:.2f} s, {one[2]} steps; {given.particles} particles: {many[1]:.2f} s, {many[2]} steps; "
            f"ratio {busy[-1]:.2f}",
            flush=True,
        )
    for name, ratios in (("time", clock), ("processor time", busy), ("processor time per step", per_step)):
        print(
            f"{given.particles} particles over one sequence, {name}: median {statistics.median(ratios):.2f}, "
            f"{min(ratios):.2f} to {max(ratios):.2f}"
        )
    return 0
