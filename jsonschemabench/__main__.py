"""``python -m jsonschemabench run | report | compare | plot | table | serve | memory | suite | walks | families |
grammars``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jsonschemabench import families, grammars, memory, ratchet, records, serve, suite
from jsonschemabench.arguments import parser
from jsonschemabench.cases import SHIPPED, BadData, Case, load_cases, stratified
from jsonschemabench.compare import compare
from jsonschemabench.engines import absent
from jsonschemabench.pool import EngineUnavailable, Limits
from jsonschemabench.run import Options, Results, header, read_results, run
from jsonschemabench.summary import as_csv, collect, failures, reasons, table

#: The columns of ``table``.
TABLE = ("structgen@any", "structgen@schema", "llguidance", "xgrammar")

#: What ``serve`` and ``memory`` measure unless told.
BATCHED = ("structgen", "llguidance", "xgrammar")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code: 0 good, 1 got worse (compare), 2 cannot be done."""
    options = parser().parse_args(arguments)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": _run, "report": _report, "compare": _compare, "plot": _plot, "table": _table, "serve": _serve,
        "memory": _memory, "suite": _suite, "walks": _walks, "families": _families,
        "grammars": _grammars,
    }  # fmt: skip
    try:
        return commands[options.command](options)
    except (BadData, EngineUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has gone: say nothing, not even when Python closes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.resume and options.out is None:
        raise BadData("--resume needs --out, the file to go on with")
    cases = _cases(options)
    if options.stratify is not None:
        cases = stratified(cases, options.stratify)
    engines = tuple(dict.fromkeys(options.engine or ["structgen"]))
    limits = Limits(options.timeout, options.memory)
    plan = Options(engines, options.vocab, options.order, limits, options.jobs, options.again, options.cold)
    data = _named(options) + (f", {options.stratify} of every split" if options.stratify else "")
    lines = _measure(cases, plan, data, options.out, options.resume)
    print(f"{data}; {plan.vocab} vocabulary; {len(cases):,} schemas\n")
    return _summarise(lines, options.record)


def _measure(
    cases: Sequence[Case], plan: Options, data: str, out: Path | None, resume: bool = False
) -> list[dict[str, Any]]:
    """The header of a run, and the lines of its cases and engines; all in ``out`` as well."""
    first = header(plan, data, len(cases))
    results = Results(out, first, resume)
    wanted = {(engine, case.id) for engine in plan.engines for case in cases}
    already = len(wanted & results.done)
    try:
        for record in _tracked(run(cases, plan, results.done), len(wanted) - already):
            results.add(record)
    finally:
        results.close()
    return [first, *(record for record in results.records if (record["engine"], record["id"]) in wanted)]


def _tracked(records: Iterable[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """The same, with a progress bar where standard error is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(records, description="schemas", total=total, console=console, disable=not console.is_terminal)


def _cases(options: argparse.Namespace) -> list[Case]:
    cases = load_cases(options.data, options.every, options.offset)
    if not cases:
        raise BadData("no schemas: is --offset below --every?")
    return cases


def _named(options: argparse.Namespace) -> str:
    return f"{(options.data or SHIPPED).name}, every {options.every} from {options.offset}"


def _report(options: argparse.Namespace) -> int:
    lines = [record for path in options.results for record in read_results(path)]
    if options.csv:
        print(as_csv(collect(lines)))
        return 0
    return _summarise(lines, options.record)


def _compare(options: argparse.Namespace) -> int:
    text, worse = compare(records.read(options.before), records.read(options.after))
    print(text)
    return int(worse)


def _plot(options: argparse.Namespace) -> int:
    from jsonschemabench.plots import plot

    lines = [record for path in options.results for record in read_results(path)]
    for picture in plot(lines, options.out):
        print(picture)
    return 0


def _table(options: argparse.Namespace) -> int:
    cases = _cases(options)
    limits = Limits(options.timeout, options.memory)
    engines = _installed(options.engine or TABLE)
    plan = Options(engines, options.vocab, "any", limits, again=True, cold=min(options.cold, len(cases)))
    lines = _measure(cases, plan, _named(options), options.out)
    print(f"{_named(options)}; {plan.vocab} vocabulary; {len(cases):,} schemas\n")
    print(table(collect(lines)))
    _recorded(lines, options.record)
    return 0


def _installed(engines: Sequence[str]) -> tuple[str, ...]:
    """The engines that are installed; says of the others why not. Raises where none is."""
    found: list[str] = []
    for engine in dict.fromkeys(engines):
        missing = absent(engine)
        if missing is None:
            found.append(engine)
        else:
            print(f"left out: {missing}", file=sys.stderr)
    if not found:
        raise BadData("none of the engines is installed")
    return tuple(found)


def _serve(options: argparse.Namespace) -> int:
    cases = _cases(options)
    limits = Limits(options.timeout, options.memory)
    engines = _installed(options.engine or BATCHED)
    chosen = serve.chosen(cases, Options(engines, options.vocab, options.order, limits), options.schemas)
    print(
        f"{_named(options)}; {options.vocab} vocabulary; {options.batch:,} sequences over {len(chosen):,} schemas, "
        f"{options.steps:,} steps, one thread\n"
    )
    whole = Limits(max(600.0, options.timeout), options.memory)
    results = serve.measured(chosen, engines, options.vocab, options.order, whole, options.batch, options.steps)
    print(serve.table(list(_tracked(results, len(engines)))))
    return 0


def _memory(options: argparse.Namespace) -> int:
    cases = _cases(options)[: options.n]
    limits = Limits(options.timeout, options.memory)
    engines = _installed(options.engine or BATCHED)
    print(f"{_named(options)}, the first {len(cases):,}; {options.vocab} vocabulary\n")
    results = memory.measured(cases, engines, options.vocab, options.order, limits)
    print(memory.table(list(_tracked(results, len(engines)))))
    return 0


def _families(options: argparse.Namespace) -> int:
    limits = Limits(options.timeout, options.memory)
    for row in families.rows(options.engine, options.vocab, options.order, limits, options.only):
        print(row, flush=True)
    return 0


def _grammars(options: argparse.Namespace) -> int:
    try:
        texts = [path.read_bytes().decode() for path in options.texts]
        results = grammars.measured(
            options.grammar, texts, _installed(options.engine or grammars.ENGINES), options.vocab, options.memory
        )
        print(f"{options.grammar}; {options.vocab} vocabulary; {len(texts)} texts\n")
        found = list(results)
        for result in found if options.each else ():
            print(grammars.table_of_each(result, [path.name for path in options.texts]) + "\n")
        print(grammars.table(found))
    except OSError as error:
        raise BadData(str(error)) from error
    return 0


def _suite(options: argparse.Namespace) -> int:
    everything = suite.load_groups(options.data)
    groups = [
        group
        for i, group in enumerate(everything)
        if i % options.every == options.offset and (options.keyword or "") in group.keyword
    ]
    if options.update and len(groups) < len(everything):
        raise BadData("--update takes all groups: leave out --every and --keyword")
    limits = Limits(options.timeout, options.memory)
    verdicts = list(suite.judge(groups, options.engine, options.order, limits))
    print(f"{options.data.name}; {options.engine}, {options.order} order; {len(groups):,} groups\n")
    print(suite.table(verdicts))
    rest = suite.listing(verdicts)
    if rest:
        print("\n" + rest)
    path = options.ratchet or ratchet.default_path(options.data)
    if options.update:
        ratchet.update(path, verdicts)
    if options.check:
        change = ratchet.check(path, verdicts, [name for group in everything for name in group.names])
        print(f"\n{change}")
        return int(bool(change.worse))
    return 0


def _walks(options: argparse.Namespace) -> int:
    from jsonschemabench import walks
    from jsonschemabench.tokenizers import load_vocabulary

    counts: Counter[str] = Counter()
    seen: set[str] = set()
    every = max(1, options.n // 10)
    for walk in walks.walks(
        load_cases(options.data), load_vocabulary(options.vocab), options.n, options.seed, options.timeout
    ):
        counts[walk.kind] += 1
        seen.add(walk.id)
        if walk.kind in walks.FAULTS:
            print(f"- {walk.kind}: {walk.id}: {walk.detail}: {walk.text!r}", flush=True)
        if counts.total() % every == 0 and counts.total() < options.n:
            print(walks.summary(counts, len(seen)), file=sys.stderr, flush=True)
    print(walks.summary(counts, len(seen)))
    return int(any(counts[kind] for kind in walks.FAULTS))


def _summarise(lines: Sequence[dict[str, Any]], record: str | None) -> int:
    figures = collect(lines)
    print(table(figures))
    for part in (reasons(figures), failures(lines)):
        if part:
            print("\n" + part)
    _recorded(lines, record)
    return 0


def _recorded(lines: Sequence[dict[str, Any]], where: str | None) -> None:
    """Write the record that was asked for: None for none, "" for the place by default."""
    if where is None:
        return
    made = records.compact(lines)
    path = Path(where) if where else records.default_path(made)
    records.write(made, path)
    print(f"\nrecorded in {path}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
