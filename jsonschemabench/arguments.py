"""The command line of jsonschemabench: commands and their options."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from jsonschemabench import grammars, suite
from jsonschemabench.engines import ENGINES, ORDERS, known

_NAMES = ", ".join(ENGINES)


def parser() -> argparse.ArgumentParser:
    """All commands, with ``command`` set to the name of the one given."""
    whole = argparse.ArgumentParser(
        prog="python -m jsonschemabench",
        description="Constrained-decoding engines on JSON Schemas: what they get right, refuse, cost.",
    )
    commands = whole.add_subparsers(dest="command", required=True)

    one = commands.add_parser("run", help="measure engines on schemas")
    _engines(one)
    _data(one)
    one.add_argument("--stratify", type=positive, metavar="N", help="take N schemas of every split")
    _setting(one, "llama3", "4GB")
    one.add_argument("--jobs", type=positive, default=1, help="workers per engine; timings need 1")
    one.add_argument("--again", action="store_true", help="also compile every schema a second time")
    one.add_argument("--cold", type=int, default=0, metavar="N", help="compile N of the schemas in new processes too")
    one.add_argument("--out", type=Path, help="results as JSON lines")
    one.add_argument("--resume", action="store_true", help="go on with --out where it stopped")
    _record(one)

    report = commands.add_parser("report", help="the summary of results files")
    report.add_argument("results", type=Path, nargs="+")
    report.add_argument("--csv", action="store_true", help="as CSV, an engine a row")
    _record(report)

    both = commands.add_parser("compare", help="two records or results files; exit code 1 where a verdict got worse")
    both.add_argument("before", type=Path)
    both.add_argument("after", type=Path)

    picture = commands.add_parser("plot", help="results files as PNG")
    picture.add_argument("results", type=Path, nargs="+", help="of one vocabulary each, or several")
    picture.add_argument("--out", type=Path, default=Path("plots"), metavar="FOLDER")

    figures = commands.add_parser("table", help="the table of docs/benchmarks.md, of the engines that are installed")
    _engines(figures)
    _data(figures, every=10)
    _setting(figures, "llama3", "4GB", order=False)
    figures.add_argument("--cold", type=int, default=10, metavar="N", help="schemas for the figure of new processes")
    figures.add_argument("--out", type=Path, help="results as JSON lines")
    _record(figures)

    batch = commands.add_parser("serve", help="the masks of a server's batch, step by step")
    _engines(batch)
    _data(batch)
    _setting(batch, "llama3", "8GB")
    batch.add_argument("--batch", type=positive, default=256, metavar="B", help="sequences (default 256)")
    batch.add_argument("--schemas", type=positive, default=32, metavar="N", help="different schemas (default 32)")
    batch.add_argument("--steps", type=positive, default=100, metavar="N", help="tokens of each (default 100)")

    held = commands.add_parser("memory", help="resident memory with many compiled schemas at once")
    _engines(held)
    _data(held)
    _setting(held, "llama3", "16GB", seconds=120.0)
    held.add_argument("--n", type=positive, default=1000, help="how many schemas (default 1000)")

    tests = commands.add_parser("suite", help="test groups in the form of the JSON Schema Test Suite")
    tests.add_argument("--data", type=Path, default=suite.OWN, help="JSON file (may be gzip); default: our own")
    tests.add_argument("--engine", type=engine, default="structgen", help=f"{_NAMES}, or your module:Class")
    tests.add_argument("--order", choices=ORDERS, default="any", help="property order, for structgen")
    tests.add_argument("--every", type=positive, default=1, metavar="N", help="take every N-th group")
    tests.add_argument("--offset", type=int, default=0, metavar="K", help="starting from the K-th")
    tests.add_argument("--keyword", help="only groups whose keyword has this in it")
    tests.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a group may compile")
    tests.add_argument("--memory", type=memory, default=memory("2GB"), help="the worker's memory, such as 2GB")
    tests.add_argument("--ratchet", type=Path, metavar="FILE", help="verdicts on file; default: data/NAME.txt")
    deed = tests.add_mutually_exclusive_group()
    deed.add_argument("--check", action="store_true", help="exit code 1 where a verdict is worse than on file")
    deed.add_argument("--update", action="store_true", help="write the verdicts of this run to the file")

    walking = commands.add_parser("walks", help="random texts under structgen's masks, judged by jsonschema")
    walking.add_argument("--data", type=Path, help="schemas, as for run; default: shipped")
    walking.add_argument("--n", type=positive, default=1000, help="how many texts")
    walking.add_argument("--seed", type=int, default=0)
    walking.add_argument("--vocab", default="bytes", help="vocabulary (default bytes)")
    walking.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a schema may take")

    growing = commands.add_parser("families", help="schemas that grow with a number, as a Markdown table")
    growing.add_argument("--engine", type=engine, default="structgen", help=f"{_NAMES}, or your module:Class")
    growing.add_argument("--only", help="only families that have this in their name")
    _setting(growing, "llama3", "4GB")

    masks = commands.add_parser("grammars", help="masks of a context-free grammar over files, the first a warm-up")
    masks.add_argument("grammar", help="a grammar of the library by name, or a file in the engines' notation")
    masks.add_argument("texts", type=Path, nargs="+", metavar="FILE", help="texts of the language")
    masks.add_argument(
        "--engine", action="append", choices=grammars.ENGINES, help="repeatable; default: all that are installed"
    )
    masks.add_argument("--vocab", default="llama3", help="vocabulary (default llama3)")
    masks.add_argument("--memory", type=memory, default=memory("8GB"), help="a worker's memory, such as 2GB")
    masks.add_argument("--each", action="store_true", help="also the figures of each text")
    return whole


def memory(text: str) -> int:
    """Bytes, from a text such as 4GB or 500MB."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(GB|MB)", text, re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r}: write it as 4GB or 500MB")
    return int(float(match[1]) * (2**30 if match[2].upper() == "GB" else 2**20))


def engine(text: str) -> str:
    """The name of an engine."""
    if not known(text):
        raise argparse.ArgumentTypeError(
            f"{text!r}: known are {_NAMES}; or give module:Class; @any or @schema may follow"
        )
    return text


def positive(text: str) -> int:
    """A number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _engines(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--engine", action="append", type=engine,
        help=f"repeatable: {_NAMES}, or your module:Class; structgen@schema has the schema's order of properties",
    )  # fmt: skip


def _data(command: argparse.ArgumentParser, every: int = 1) -> None:
    command.add_argument("--data", type=Path, help="JSONL file (may be gzip) or folder of JSON files; default: shipped")
    command.add_argument("--every", type=positive, default=every, metavar="N", help="take every N-th schema")
    command.add_argument("--offset", type=int, default=0, metavar="K", help="starting from the K-th")


def _setting(
    command: argparse.ArgumentParser, vocab: str, size: str, order: bool = True, seconds: float = 20.0
) -> None:
    command.add_argument("--vocab", default=vocab, help=f"vocabulary (default {vocab}; 'bytes' is always there)")
    if order:
        command.add_argument("--order", choices=ORDERS, default="any", help="property order, for structgen")
    command.add_argument("--timeout", type=float, default=seconds, metavar="S", help="seconds a schema may compile")
    command.add_argument("--memory", type=memory, default=memory(size), help=f"a worker's memory (default {size})")


def _record(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--record", nargs="?", const="", metavar="FILE",
        help="also write a compact record; default: jsonschemabench/records/DAY-COMMIT-VOCABULARY.json",
    )  # fmt: skip
