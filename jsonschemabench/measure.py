"""One case on one engine: verdicts and times. Runs in the worker process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.cases import Case, Instance
from jsonschemabench.engines.base import BenchVocabulary, Empty, Engine, EngineFailed, Refused, Session

# What became of an instance.
RIGHT = "right"
REJECTS_VALID = "rejects_valid"
REJECTS_ORDER = "rejects_order"  # the same, but for nothing other than the order of its properties
ACCEPTS_INVALID = "accepts_invalid"
FAILED = "failed"  # the engine gave up in the middle
SKIPPED = "skipped"  # the instance has no UTF-8 form


def measure(
    engine: Engine,
    vocabulary: BenchVocabulary,
    case: Case,
    compiled: Callable[[dict[str, Any]], None],
    again: bool = False,
) -> dict[str, Any]:
    """Compile the schema and feed it every instance.

    ``compiled`` is called as soon as the first mask is there, so that a time limit can tell compiling from
    feeding. The record: ``status`` ("ok" or "refused"), ``reason``, ``ttfm_us``, ``mask_us`` (one figure for each
    mask), ``tests`` (one of the words above for each instance), ``notes`` (where and why, for those not right) and,
    of an engine that counts them, ``states`` (made in the end). With ``again``, also ``again_us``: the schema compiled
    once more, to its first mask, when the engine has seen all of it.

    An engine that says that nothing is valid under the schema has answered: it refuses every instance. Without
    instances it is counted as a refusal.
    """
    row = np.zeros(vocabulary.words, dtype=np.int32)
    schema = case.schema_text
    begin = time.perf_counter_ns()
    try:
        session = engine.compile(schema, **case.options)
        session.mask(row)
    except Empty as empty:
        if not case.tests:
            return {"status": "refused", "reason": str(empty), "compile_us": _us(begin)}
        words = [REJECTS_VALID if test.valid else RIGHT for test in case.tests]
        return {"status": "ok", "reason": str(empty), "compile_us": _us(begin), "tests": words}
    except Refused as refused:
        return {"status": "refused", "reason": str(refused), "compile_us": _us(begin)}
    except EngineFailed as failed:
        return {"status": "refused", "reason": f"first mask: {failed}", "compile_us": _us(begin)}
    ttfm = _us(begin)
    compiled({"ttfm_us": ttfm})
    mask_us: list[float] = []
    verdicts: list[str] = []
    notes: list[str] = []
    for number, instance in enumerate(case.tests):
        verdict, note = feed(session, vocabulary, instance, row, mask_us)
        verdicts.append(verdict)
        if note and verdict != RIGHT:
            notes.append(f"test {number}: {note}")
    record: dict[str, Any] = {"status": "ok", "ttfm_us": ttfm, "mask_us": mask_us, "tests": verdicts, "notes": notes}
    states = getattr(session, "states", None)
    if states is not None:
        record["states"] = states
    if again:
        begin = time.perf_counter_ns()
        engine.compile(schema, **case.options).mask(row)
        record["again_us"] = _us(begin)
    return record


def _us(begin: int) -> float:
    return round((time.perf_counter_ns() - begin) / 1000, 1)


def feed(
    session: Session, vocabulary: BenchVocabulary, instance: Instance, row: NDArray[np.int32], mask_us: list[float]
) -> tuple[str, str]:
    """Feed one instance to a session: the verdict, and where and why. The time of every mask goes to ``mask_us``."""
    text = instance.text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return SKIPPED, "lone surrogate"
    now = time.perf_counter_ns
    session.reset()
    tokens = vocabulary.encode(text)
    refused_at = None
    try:
        for position, token in enumerate(tokens):
            begin = now()
            session.mask(row)
            mask_us.append(round((now() - begin) / 1000, 1))
            if not (int(row[token >> 5]) >> (token & 31)) & 1:
                refused_at = position
                break
            if not session.advance(token):
                return FAILED, f"a token of the mask is refused: {_around(vocabulary, tokens, position)}"
        else:
            begin = now()
            session.mask(row)
            mask_us.append(round((now() - begin) / 1000, 1))
        accepted = refused_at is None and session.accepts()
        ends = bool((int(row[vocabulary.eos >> 5]) >> (vocabulary.eos & 31)) & 1)
    except EngineFailed as failed:
        return FAILED, str(failed)
    if refused_at is None and accepted != ends:
        return FAILED, f"accepts() is {accepted}, but EOS in the mask is {ends}"
    if accepted == instance.valid:
        return RIGHT, ""
    if accepted:
        return ACCEPTS_INVALID, ""
    in_order = getattr(session, "accepts_in_any_order", None)
    verdict = REJECTS_ORDER if in_order is not None and in_order(text) else REJECTS_VALID
    if refused_at is None:
        return verdict, "refuses to end"
    return verdict, f"refused token {refused_at}: {_around(vocabulary, tokens, refused_at)}"


def _around(vocabulary: BenchVocabulary, tokens: list[int], position: int) -> str:
    """The text near a token, with the token itself set off."""
    before = b"".join(vocabulary.tokens[t] or b"" for t in tokens[max(0, position - 10) : position])
    here = vocabulary.tokens[tokens[position]] or b""
    return f"{before.decode('utf-8', 'replace')} >>{here.decode('utf-8', 'replace')}<<"
