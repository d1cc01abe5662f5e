"""Masks of a context-free grammar over files: structgen's library beside other engines, each as far as it goes.

Receives the name of a grammar of the library, or a file in an engine's own notation, and texts. The worker
(``measure``) compiles the grammar and feeds it the texts token by token, the first of them to warm up; the parent
prints a table.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import structgen as sg
from jsonschemabench.engines import absent, load_engine
from jsonschemabench.engines.base import BenchVocabulary, EngineFailed, Refused
from jsonschemabench.tokenizers import load_vocabulary

#: Engines with a method ``grammar(source: str) -> Session``.
ENGINES = ("structgen", "llguidance", "xgrammar")
#: What is compiled before the clock starts.
TINY = 'start: (A | B)+\nA: /[a-z]+\\b/\nB: "if"\n%ignore / +/\n'


def sources(name: str, engine: str) -> str:
    """What an engine compiles under a name: a file's text, or for structgen the name of a grammar of its library."""
    path = Path(name)
    if path.suffix:
        return path.read_text(encoding="utf-8")
    return name if engine == "structgen" else str(sg.load_grammar(name).grammar)


def measure(engine: str, vocab: str, name: str, texts: Sequence[str]) -> dict[str, Any]:
    """Compile a grammar, then feed it texts: CPU times in seconds of ``compile`` (with the first mask) and ``masks``.

    The masks of the first text are left out if there are more; ``each`` has those of every text. ``refused`` says why
    an engine has none; ``wrong`` is how many texts it does not take; ``memory`` is in bytes, of what the grammar came
    to after all texts.
    """
    vocabulary = load_vocabulary(vocab)
    made = load_engine(engine, vocabulary, "any")
    figures: dict[str, Any] = {"engine": made.version, "wrong": 0, "masks": [], "each": []}
    source = sources(name, engine)
    row = np.zeros(vocabulary.words, dtype=np.int32)
    if engine == "structgen":  # kernels, and Lark's parser of grammars, are loaded once in a process
        made.grammar(TINY).mask(row)  # type: ignore[attr-defined]
    before = _resident()
    begun = time.process_time()
    try:
        session = made.grammar(source)  # type: ignore[attr-defined]
        session.mask(row)
    except (Refused, EngineFailed) as error:
        return figures | {"refused": " ".join(str(error).split())[:300]}
    figures["compile"] = time.process_time() - begun
    for i, text in enumerate(texts):
        session.reset()
        times: list[float] = []
        figures["wrong"] += not _fed(session, vocabulary, text, row, times)
        figures["each"].append(times)
        if i > 0 or len(texts) == 1:
            figures["masks"] += times
    return figures | {"memory": _resident() - before}


def _fed(session: Any, vocabulary: BenchVocabulary, text: str, row: Any, times: list[float]) -> bool:
    """Take a text token by token, each mask timed; is it accepted?"""
    clock = time.thread_time
    try:
        for token in vocabulary.encode(text):
            begun = clock()
            session.mask(row)
            times.append(clock() - begun)
            if not row[token >> 5] >> (token & 31) & 1 or not session.advance(token):
                return False
        return bool(session.accepts())
    except EngineFailed:
        return False


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def measured(
    name: str, texts: Sequence[str], engines: Sequence[str], vocab: str, memory: int
) -> Iterator[dict[str, Any]]:
    """What ``measure`` says of each engine, in a process of its own that may take so many bytes."""
    for engine in engines:
        missing = absent(engine)
        if missing is not None:
            yield {"engine": engine, "refused": missing}
            continue
        limit = (resource.RLIMIT_AS, (memory, memory))
        with ProcessPoolExecutor(1, get_context("spawn"), resource.setrlimit, limit) as pool:
            try:
                yield pool.submit(measure, engine, vocab, name, texts).result()
            except BrokenProcessPool:
                yield {"engine": engine, "refused": "its process ended"}


def table(results: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, an engine a row."""
    lines = [
        "| engine | compile, s | mask, mean / p50 / p99 / max, us | memory, MB | texts not taken |",
        "|---|--:|--:|--:|--:|",
    ]
    for result in results:
        if "refused" in result:
            lines.append(f"| {result['engine']} | {result['refused']} | | | |")
            continue
        lines.append(
            f"| {result['engine']} | {result['compile']:.2f} | {_spread(result['masks'])} | "
            f"{result['memory'] / 2**20:,.0f} | {result['wrong']} |"
        )
    return "\n".join(lines)


def table_of_each(result: dict[str, Any], names: Sequence[str]) -> str:
    """What one engine took for each text, in their order, as a Markdown table."""
    lines = [f"| text, {result['engine']} | tokens | mask, mean / p50 / p99 / max, us |", "|---|--:|--:|"]
    for name, times in zip(names, result.get("each", ()), strict=False):
        lines.append(f"| {name} | {len(times):,} | {_spread(times)} |")
    return "\n".join(lines)


def _spread(times: Sequence[float]) -> str:
    """Mean, median, 99th percentile and greatest of times in seconds, in microseconds."""
    us = np.array(times or [0.0]) * 1e6
    p50, p99 = np.percentile(us, [50, 99])
    return f"{us.mean():,.0f} / {p50:,.1f} / {p99:,.0f} / {us.max():,.0f}"
