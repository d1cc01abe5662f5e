"""``python -m jsonschemabench run | report | compare | suite | walks | families``."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschemabench import families, ratchet, suite
from jsonschemabench.cases import SHIPPED, BadData, load_cases
from jsonschemabench.compare import compare
from jsonschemabench.engines import ENGINES, known
from jsonschemabench.pool import EngineUnavailable, Limits
from jsonschemabench.run import Options, Results, header, read_results, run
from jsonschemabench.summary import collect, failures, reasons, table


def _memory(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(GB|MB)", text, re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r}: write it as 4GB or 500MB")
    return int(float(match[1]) * (2**30 if match[2].upper() == "GB" else 2**20))


def _engine(text: str) -> str:
    if not known(text):
        raise argparse.ArgumentTypeError(f"{text!r}: known are {', '.join(ENGINES)}; or give module:Class")
    return text


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jsonschemabench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="measure engines on schemas")
    one.add_argument("--data", type=Path, help="JSONL file (may be gzip) or folder of JSON files; default: shipped")
    names = ", ".join(ENGINES)
    one.add_argument("--engine", action="append", type=_engine, help=f"repeatable: {names}, or your module:Class")
    one.add_argument("--every", type=_positive, default=1, metavar="N", help="take every N-th schema")
    one.add_argument("--offset", type=int, default=0, metavar="K", help="starting from the K-th")
    one.add_argument("--vocab", default="llama3", help="vocabulary (default llama3; 'bytes' is always there)")
    one.add_argument("--order", choices=["any", "schema"], default="any", help="property order, for structgen")
    one.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a schema may compile")
    one.add_argument("--memory", type=_memory, default=_memory("4GB"), help="a worker's memory, such as 4GB")
    one.add_argument("--jobs", type=_positive, default=1, help="workers per engine; timings need 1")
    one.add_argument("--out", type=Path, help="results as JSON lines")
    one.add_argument("--resume", action="store_true", help="go on with --out where it stopped")
    report = commands.add_parser("report", help="the summary of results files")
    report.add_argument("results", type=Path, nargs="+")
    both = commands.add_parser("compare", help="two results files; exit code 1 where something got worse")
    both.add_argument("before", type=Path)
    both.add_argument("after", type=Path)
    tests = commands.add_parser("suite", help="test groups in the form of the JSON Schema Test Suite")
    tests.add_argument("--data", type=Path, default=suite.OWN, help="JSON file (may be gzip); default: our own")
    tests.add_argument("--engine", type=_engine, default="structgen", help=f"{names}, or your module:Class")
    tests.add_argument("--order", choices=["any", "schema"], default="any", help="property order, for structgen")
    tests.add_argument("--every", type=_positive, default=1, metavar="N", help="take every N-th group")
    tests.add_argument("--offset", type=int, default=0, metavar="K", help="starting from the K-th")
    tests.add_argument("--keyword", help="only groups whose keyword has this in it")
    tests.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a group may compile")
    tests.add_argument("--memory", type=_memory, default=_memory("2GB"), help="the worker's memory, such as 2GB")
    tests.add_argument("--ratchet", type=Path, metavar="FILE", help="verdicts on file; default: data/NAME.txt")
    deed = tests.add_mutually_exclusive_group()
    deed.add_argument("--check", action="store_true", help="exit code 1 where a verdict is worse than on file")
    deed.add_argument("--update", action="store_true", help="write the verdicts of this run to the file")
    walking = commands.add_parser("walks", help="random texts under structgen's masks, judged by jsonschema")
    walking.add_argument("--data", type=Path, help="schemas, as for run; default: shipped")
    walking.add_argument("--n", type=_positive, default=1000, help="how many texts")
    walking.add_argument("--seed", type=int, default=0)
    walking.add_argument("--vocab", default="bytes", help="vocabulary (default bytes)")
    walking.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a schema may take")
    growing = commands.add_parser("families", help="schemas that grow with a number, as a Markdown table")
    growing.add_argument("--engine", type=_engine, default="structgen", help=f"{names}, or your module:Class")
    growing.add_argument("--vocab", default="llama3", help="vocabulary (default llama3)")
    growing.add_argument("--order", choices=["any", "schema"], default="any", help="property order, for structgen")
    growing.add_argument("--only", help="only families that have this in their name")
    growing.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a schema may compile")
    growing.add_argument("--memory", type=_memory, default=_memory("4GB"), help="a worker's memory, such as 4GB")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code: 0 good, 1 got worse (compare), 2 cannot be done."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            return _run(options)
        if options.command == "report":
            return _summarise([record for path in options.results for record in read_results(path)])
        if options.command == "suite":
            return _suite(options)
        if options.command == "walks":
            return _walks(options)
        if options.command == "families":
            limits = Limits(options.timeout, options.memory)
            for row in families.rows(options.engine, options.vocab, options.order, limits, options.only):
                print(row, flush=True)
            return 0
        text, worse = compare(read_results(options.before), read_results(options.after))
        print(text)
        return int(worse)
    except (BadData, EngineUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has gone: say nothing, not even when Python closes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2


def _run(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    if options.resume and options.out is None:
        raise BadData("--resume needs --out, the file to go on with")
    cases = load_cases(options.data, options.every, options.offset)
    if not cases:
        raise BadData("no schemas: is --offset below --every?")
    engines = tuple(dict.fromkeys(options.engine or ["structgen"]))
    plan = Options(engines, options.vocab, options.order, Limits(options.timeout, options.memory), options.jobs)
    data = f"{(options.data or SHIPPED).name}, every {options.every} from {options.offset}"
    results = Results(options.out, header(plan, data, len(cases)), options.resume)
    wanted = {(engine, case.id) for engine in engines for case in cases}
    already = len(wanted & results.done)
    try:
        records = run(cases, plan, results.done)
        total = len(wanted) - already
        console = Console(stderr=True)
        quiet = not console.is_terminal
        for record in track(records, description="schemas", total=total, console=console, disable=quiet):
            results.add(record)
    finally:
        results.close()
    print(f"{data}; {plan.vocab} vocabulary; {len(cases):,} schemas\n")
    return _summarise(record for record in results.records if (record["engine"], record["id"]) in wanted)


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


def _summarise(records: Iterable[dict[str, Any]]) -> int:
    kept = list(records)
    figures = collect(kept)
    print(table(figures))
    for part in (reasons(figures), failures(kept)):
        if part:
            print("\n" + part)
    return 0


if __name__ == "__main__":
    sys.exit(main())
