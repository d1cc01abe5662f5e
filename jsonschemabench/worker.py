"""The worker process: one engine, many cases. Reads a case a line, writes a message a line.

Messages: ``{"ready": version}`` once the engine is set up and warm; for each case ``{"compiled": {...}}`` when the
first mask is there, then ``{"done": record}``. ``{"broken": reason}`` when the engine cannot be set up. Whatever
the engine prints goes to stderr, so that it cannot spoil the messages.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from typing import Any

from jsonschemabench.cases import Case, Instance, load_cases
from jsonschemabench.engines import load_engine
from jsonschemabench.measure import measure
from jsonschemabench.tokenizers import load_vocabulary


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--order", required=True)
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
    for case in load_cases(None):  # kernels load and caches that do not depend on the schema fill: not timed
        try:
            measure(engine, vocabulary, case, lambda message: None)
        except Exception as error:
            print(f"warming up on {case.id}: {type(error).__name__}: {error}", file=sys.stderr)
    send({"ready": engine.version})

    for line in sys.stdin:
        record = json.loads(line)
        case = Case(
            record["id"],
            record["split"],
            record["schema"],
            tuple(Instance(test["data"], test["valid"]) for test in record["tests"]),
            record["options"],
        )
        try:
            result = measure(engine, vocabulary, case, lambda message: send({"compiled": message}))
        except MemoryError:
            result = {"status": "refused", "reason": "out of memory"}
        except Exception as error:  # a crash of the engine is a result, not the end of the run
            result = {"status": "crashed", "reason": _crash(error)}
        send({"done": result})


def _crash(error: Exception) -> str:
    """What went wrong and in which line of code."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (in {frame.name}, {os.path.basename(frame.filename)}:{frame.lineno})"


if __name__ == "__main__":
    main()
