"""Random schemas of every keyword and draft against two judges: ``python -m tests.thorough --cases 100000``.

A case is a schema with values near to satisfying it, each written in several ways. structgen must accept a text if
and only if jsonschema and jsonschema-rs call its value valid. Where the two differ from each other, nobody is right:
those are counted apart, and shown with ``--judges``. Exit code 1 where structgen differs from both.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from tests.json_strategies import Schema, as_read, instance, is_valid, spellings
from tests.json_wide import second_judge, wide_schema
from tests.test_differential import Refused, accepts, compiled

VALUES = 8
SECONDS = 20


@dataclass(frozen=True)
class Outcome:
    """What became of a case: "agrees", "refused", "differs", "judges differ" or "too long"."""

    seed: int
    kind: str
    schema: Schema
    text: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.kind}: {self.detail}\n  {json.dumps(self.schema)}\n  {self.text}"


def case(seed: int) -> Outcome:
    """One random case."""
    rng = random.Random(seed)
    schema = wide_schema(rng)
    try:
        grammar = compiled(schema, property_order="any")
    except Refused as refused:
        return Outcome(seed, "refused", schema, detail=str(refused))
    odd: Outcome | None = None
    for _ in range(VALUES):
        try:
            value = instance(rng, schema, schema)
            first, second = is_valid(schema, value), second_judge(schema, value)
        except (RecursionError, ValueError):  # references without end
            continue
        for text in spellings(rng, value):
            shown = as_read(schema, value, text)
            if shown is not value:
                first, second = is_valid(schema, shown), second_judge(schema, shown)
            verdict = grammar is not None and accepts(grammar, text.encode())
            if first != second:
                odd = Outcome(seed, "judges differ", schema, text, f"jsonschema {first}, jsonschema-rs {second}")
            elif verdict != first:
                return Outcome(seed, "differs", schema, text, f"structgen {verdict}, both judges {first}")
    return odd or Outcome(seed, "agrees", schema)


class _TooLong(Exception):
    pass


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _TooLong


def outcomes(seeds: range, seconds: float) -> Iterator[Outcome]:
    """The cases, each stopped after ``SECONDS``, all after ``seconds``."""
    end = time.monotonic() + seconds
    signal.signal(signal.SIGALRM, _alarm)
    for seed in seeds:
        if time.monotonic() > end:
            return
        signal.alarm(SECONDS)
        try:
            yield case(seed)
        except _TooLong:
            yield Outcome(seed, "too long", wide_schema(random.Random(seed)))
        except Exception as error:  # a crash is a finding: the next case goes on
            if isinstance(error, SystemError):  # the alarm rang inside a kernel
                yield Outcome(seed, "too long", wide_schema(random.Random(seed)))
                continue
            yield Outcome(seed, "differs", wide_schema(random.Random(seed)), "", f"{type(error).__name__}: {error}")
        finally:
            signal.alarm(0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.thorough", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--judges", action="store_true", help="show where the judges differ")
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    begin = time.monotonic()
    for outcome in outcomes(range(options.start, options.start + options.cases), options.seconds):
        counts[outcome.kind] += 1
        if outcome.kind in ("differs", "too long") or (options.judges and outcome.kind == "judges differ"):
            print(outcome, flush=True)
        if counts.total() % 1000 == 0:
            print(f"{counts.total():,} cases, {time.monotonic() - begin:,.0f} s: {dict(counts)}", flush=True)
    print(f"{counts.total():,} cases from seed {options.start}: {dict(counts)}")
    return int(counts["differs"] > 0)


if __name__ == "__main__":
    sys.exit(main())
