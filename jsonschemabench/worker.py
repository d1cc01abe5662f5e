"""The worker process: one engine, many jobs. Reads a job a line, writes a message a line.

Messages: ``{"ready": version, "tokens": size of the vocabulary}`` once the engine is set up and, unless ``--cold``,
warm; ``{"broken": reason}`` when it cannot be set up. For a case ``{"compiled": {...}}`` when the first mask is there,
then ``{"done": record}``; other jobs (:mod:`jsonschemabench.serve`, :mod:`jsonschemabench.memory`) may also send
messages on the way. Whatever the engine prints goes to stderr, so that it cannot spoil the messages.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from jsonschemabench import memory, serve
from jsonschemabench.cases import from_message, load_cases
from jsonschemabench.engines import load_engine
from jsonschemabench.engines.base import BenchVocabulary, Engine
from jsonschemabench.measure import measure
from jsonschemabench.tokenizers import load_vocabulary


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--order", required=True)
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()

    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(message: dict[str, Any]) -> None:
        messages.write(json.dumps(message) + "\n")
        messages.flush()

    try:
        vocabulary = load_vocabulary(arguments.vocab)
        engine = load_engine(arguments.engine, vocabulary, arguments.order)
    except Exception as error:  # whatever went wrong, the parent reports it in one line
        send({"broken": f"{type(error).__name__}: {error}"})
        return
    # Kernels load and caches that do not depend on the schema fill: not timed.
    for case in [] if arguments.cold else load_cases(None):
        try:
            measure(engine, vocabulary, case, lambda message: None)
        except Exception as error:
            print(f"warming up on {case.id}: {type(error).__name__}: {error}", file=sys.stderr)
    # What has been loaded by now stays: collections need not look through it each time, which is what servers do too.
    gc.collect()
    gc.freeze()
    send({"ready": engine.version, "tokens": len(vocabulary.tokens)})

    for line in sys.stdin:
        try:
            result = _work(engine, vocabulary, json.loads(line), send)
        except MemoryError:
            result = {"status": "refused", "reason": "out of memory"}
        except Exception as error:  # a crash of the engine is a result, not the end of the run
            result = {"status": "crashed", "reason": _crash(error)}
        send({"done": result})


def _work(
    engine: Engine, vocabulary: BenchVocabulary, job: dict[str, Any], send: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    cases = [from_message(message) for message in job["cases"]]
    if job["kind"] == "case":
        try:
            return measure(engine, vocabulary, cases[0], lambda message: send({"compiled": message}), job["again"])
        finally:
            getattr(engine, "forget", _nothing)()
    if job["kind"] == "serve":
        return serve.steps(engine, vocabulary, cases, job["batch"], job["steps"])
    return memory.hold(engine, vocabulary, cases, send)


def _nothing() -> None:
    """Of engines that keep nothing."""


def _crash(error: Exception) -> str:
    """What went wrong and in which line of code."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (in {frame.name}, {os.path.basename(frame.filename)}:{frame.lineno})"


if __name__ == "__main__":
    main()
