"""``python -m structgen.studies genlm``: adaptive weighted rejection beside genlm-control's, in one run.

Both get the same model, the same condition on texts and as many particles; the model's answers are kept, so that
times are those of the samplers alone. structgen runs in three ways: with the whole condition as a predicate that is
asked about every candidate, as genlm-control does it; the same with the verdicts kept, as a predicate does unless told
otherwise; and as it is meant, with the grammar as a mask and only the rest of the condition as a predicate.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import structgen as sg
from structgen.errors import InputError
from structgen.studies import tasks
from structgen.studies.models import Asked, Embedded, Toy
from structgen.studies.record import Record
from structgen.studies.tasks import Task

_PARTICLES = 8
#: Refusals of one token after which its particle dies, with weights that account for it; the same for both.
_MAX_REJECTS = 200
#: Every text; conditions are then asked about each candidate.
_ANYTHING = sg.Regex("(?s:.*)")
_WAYS = "genlm-control", "structgen, predicate", "structgen, predicate, verdicts kept", "structgen, mask"


class Run(NamedTuple):
    """What one population gave. ``tokens``: of the texts that came out, EOS counted."""

    log_z: float
    calls: int
    tokens: int
    seconds: float


def main(arguments: list[str]) -> int:
    """Run the comparison and print its table. Raises InputError where genlm-control is not installed."""
    parser = argparse.ArgumentParser(prog="python -m structgen.studies genlm", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="toy models only, few runs: seconds")
    parser.add_argument("--record", type=Path, help="JSON file; runs that it holds are not made again")
    parser.add_argument("--tasks", nargs="*", default=list(tasks.NAMES), choices=tasks.NAMES)
    parser.add_argument("--runs", type=int, default=40, help="populations of each sampler (40)")
    given = parser.parse_args(arguments)
    peer = _peer()
    runs = 3 if given.quick else given.runs
    record = Record(given.record, {"particles": _PARTICLES, "runs": runs})
    asking: list[Any] = [Toy()] if given.quick else [Toy(), Embedded()]
    with _one_thread():
        for models in asking:
            for name in given.tasks:
                _compare(record, models, tasks.load(name), runs, peer)
    print(table(record.runs))
    return 0


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread: threads that wait for each other on a busy machine count as processor time of the peer."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _peer() -> Any:
    try:
        from genlm import control
    except ImportError as error:
        raise InputError(
            f"genlm-control is not installed ({error})", hint="pip install genlm-control; the study needs it"
        ) from None
    return control


class Rows:
    """A model that keeps every row it has given, in single precision."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._known: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def next_logprobs(self, contexts: list[list[int]]) -> NDArray[np.float64]:
        """``float64[len(contexts), V]``; contexts are without the prompt."""
        missing = [context for context in contexts if tuple(context) not in self._known]
        if missing:
            rows = self.asked.model.next_logprobs([self.asked.prompt + list(context) for context in missing])
            for context, row in zip(missing, rows, strict=True):
                self._known[tuple(context)] = np.asarray(row, dtype=np.float32)
        return np.array([self._known[tuple(context)] for context in contexts], dtype=np.float64)


class Condition:
    """Grammar and predicate of a task as one test of token sequences, counted."""

    def __init__(self, task: Task, grammar: sg.CompiledGrammar) -> None:
        self.grammar = grammar
        self.predicate = task.predicate() if task.predicate is not None else None
        self.calls = 0

    def __call__(self, text: bytes, finished: bool) -> bool:
        self.calls += 1
        state = self.grammar.advance_bytes(self.grammar.start, text)
        if state < 0 or (finished and not self.grammar.accepts(state)):
            return False
        return self.predicate is None or self.predicate([text], finished)[0]


def _compare(record: Record, models: Any, task: Task, runs: int, peer: Any) -> None:
    name = f"{models.name}/{task.name}"
    found: dict[str, dict[str, float]] = record.runs.get(name, {})
    if len(found) == len(_WAYS):
        return
    asked = models.ask(task, task.questions[0])
    rows = Rows(asked)
    grammar = sg.compile(task.constraint, asked.vocab)
    anything = sg.compile(_ANYTHING, asked.vocab)
    ways: tuple[Callable[[int], Run], ...] = (
        lambda seed: _theirs(peer, rows, task, grammar, seed),
        lambda seed: _ours(rows, task, grammar, anything, seed, remember=False),
        lambda seed: _ours(rows, task, grammar, anything, seed, remember=True),
        lambda seed: _masked(rows, task, grammar, seed),
    )
    for way, run in zip(_WAYS, ways, strict=True):
        if way in found:
            continue
        drawn = []
        for seed in range(runs):
            run(seed)  # all that the model is asked about by this seed is known then
            drawn.append(run(seed))
        z = np.exp([one.log_z for one in drawn])
        tokens = np.array([one.tokens for one in drawn], dtype=np.float64)
        calls = np.array([one.calls for one in drawn], dtype=np.float64)
        per_token = calls.sum() / tokens.sum()
        found[way] = {
            "z": float(z.mean()),
            "error": _error(z),
            "calls": float(per_token),
            "calls_error": _error(calls - per_token * tokens) / float(tokens.mean()),
            "ms": 1000.0 * sum(one.seconds for one in drawn) / float(tokens.sum()),
        }
        print(f"{name}, {way}: {found[way]}", flush=True)
        found = {way: found[way] for way in _WAYS if way in found}
        record.put(name, found)


def _error(values: NDArray[np.float64]) -> float:
    """Standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


def _ours(
    rows: Rows, task: Task, grammar: sg.CompiledGrammar, anything: sg.CompiledGrammar, seed: int, remember: bool
) -> Run:
    condition = Condition(task, grammar)
    predicate = sg.Predicate(
        lambda text: condition(text, False),
        lambda text: condition(text, True),
        raw=True,
        remembered=65_536 if remember else 0,
    )
    run = _timed(rows, anything, task, predicate, seed)
    return run._replace(calls=condition.calls)


def _masked(rows: Rows, task: Task, grammar: sg.CompiledGrammar, seed: int) -> Run:
    predicate = task.predicate() if task.predicate is not None else None
    return _timed(rows, grammar, task, predicate, seed)


def _timed(rows: Rows, grammar: sg.CompiledGrammar, task: Task, predicate: sg.Predicate | None, seed: int) -> Run:
    began = process_time()
    samples = sg.sampling.sample(
        rows, grammar, n=_PARTICLES, sampler=sg.sampling.AWRS(max_rejects=_MAX_REJECTS), max_tokens=task.max_tokens,
        seed=seed, predicate=predicate,
    )  # fmt: skip
    seconds = process_time() - began
    return Run(samples.log_z, samples.predicate_calls, sum(len(text) + 1 for text in samples.tokens), seconds)


def _theirs(peer: Any, rows: Rows, task: Task, grammar: sg.CompiledGrammar, seed: int) -> Run:
    import torch

    np.random.seed(seed)  # genlm-control resamples by it
    torch.manual_seed(seed)
    condition = Condition(task, grammar)
    language_model, boolean = _potentials(peer, rows, condition)
    sampler = peer.AWRS(language_model, boolean, seed=seed, max_rejects=_MAX_REJECTS)

    async def run() -> Any:
        return await sampler.smc(
            n_particles=_PARTICLES, ess_threshold=0.5, max_tokens=task.max_tokens + 1, resampling_method="systematic"
        )

    began = process_time()
    sequences = asyncio.run(run())
    seconds = process_time() - began
    return Run(float(sequences.log_ml), condition.calls, sum(map(len, sequences.contexts)), seconds)


def _potentials(peer: Any, rows: Rows, condition: Condition) -> tuple[Any, Any]:
    """The model and the condition as genlm-control's potentials over token ids."""
    vocab = rows.asked.vocab
    eos = sorted(vocab.eos_token_ids)
    ids = [i for i, text in enumerate(vocab.tokens) if text and i not in vocab.eos_token_ids]

    class Language(peer.Potential):
        def row(self, context: list[int]) -> NDArray[np.float64]:
            row = rows.next_logprobs([context])[0]
            return np.append(row[ids], np.logaddexp.reduce(row[eos]))

        async def prefix(self, context: list[int]) -> float:
            return float(sum(self.row(context[:i])[self.lookup[token]] for i, token in enumerate(context)))

        async def complete(self, context: list[int]) -> float:
            return float(await self.prefix(context) + self.row(context)[-1])

        async def logw_next(self, context: list[int]) -> Any:
            return self.make_lazy_weights(self.row(context))

        async def logw_eos(self, context: list[int]) -> float:
            return float(self.row(context)[-1])

        async def batch_logw_next(self, contexts: list[list[int]]) -> Any:
            found = rows.next_logprobs(contexts)
            ends = np.logaddexp.reduce(found[:, eos], axis=1)
            return self.make_lazy_weights(np.concatenate([found[:, ids], ends[:, None]], axis=1))

    class Boolean(peer.Potential):
        def test(self, context: list[int], finished: bool) -> float:
            text = b"".join(vocab.tokens[token] or b"" for token in context)
            return 0.0 if condition(text, finished) else -np.inf

        async def prefix(self, context: list[int]) -> float:
            return self.test(context, False)

        async def complete(self, context: list[int]) -> float:
            return self.test(context, True)

        async def logw_eos(self, context: list[int]) -> float:
            # asked where the last token is spent; by itself it would test every token of the vocabulary
            return self.test(context, True)

    return Language(ids), Boolean(ids)


def table(runs: dict[str, dict[str, dict[str, float]]]) -> str:
    """All comparisons as a table in Markdown."""
    lines = [
        "| model, task | sampler | Z | predicate calls per token | ms per token |",
        "|---|---|---|---|---|",
    ]
    for name, ways in runs.items():
        for way, run in ways.items():
            z = f"{run['z']:.2e} ± {run['error']:.0e}"
            calls = f"{run['calls']:.2f} ± {run['calls_error']:.2f}"
            lines.append(f"| {name} | {way} | {z} | {calls} | {run['ms']:.2f} |")
    return "\n".join(lines)
