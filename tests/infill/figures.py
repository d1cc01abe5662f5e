"""The figures of ``docs/infilling.md``: ``python -m tests.infill.figures``. CPU time of one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

import structgen as sg
from jsonschemabench.vocabularies import load
from structgen.infill.graph import token_graph

FIELDS: list[dict[str, Any]] = [
    {"type": "string", "maxLength": 20}, {"type": "integer"}, {"enum": ["red", "green", "blue"]}, {"type": "boolean"},
    {"type": "string", "format": "date"}, {"type": "number"}, {"type": "array", "items": {"type": "integer"}},
]  # fmt: skip


def milliseconds(call: Callable[[], object], times: int = 20) -> str:
    call()
    begin = time.process_time()
    for _ in range(times):
        call()
    return f"{(time.process_time() - begin) / times * 1e3:8.2f} ms"


def laws(name: str, constraint: sg.Constraint, vocab: sg.Vocabulary, length: int) -> None:
    """One forward pass over a canvas of open slots."""
    grammar = sg.compile(constraint, vocab)
    begin = time.process_time()
    graph = token_graph(grammar)
    made = time.process_time() - begin
    assert graph is not None
    size = f"{graph.n_states} states, {graph.n_classes} classes"
    print(f"{name}: {size}, V={vocab.size}, canvas {length}; made in {made:.2f} s")
    canvas = sg.infill.Canvas(grammar, [sg.Gap(length)], padding=True)
    logits = np.random.default_rng(0).normal(size=(length, vocab.size)).astype(np.float32)
    rng = np.random.default_rng(1)
    text = canvas.law(logits).best()
    middle = length // 2

    def change() -> None:
        canvas.fix(middle, text[middle])
        assert canvas.completable()
        canvas.unfix(middle)

    print("  most probable text", milliseconds(lambda: canvas.law(logits).best()))
    print("  exact sample      ", milliseconds(lambda: canvas.law(logits).sample(rng)))
    print("  fix, check, unfix ", milliseconds(change))
    print("  mask of one slot  ", milliseconds(lambda: canvas.mask(middle)))


def main() -> None:
    llama = load("llama3")[0]
    words = sg.Regex(r"([a-z]{1,8} ){1,100}\d{4}-\d{2}")
    laws("words and a date", words, llama, 32)
    names = [f"field{i}" for i in range(len(FIELDS))]
    properties = dict(zip(names, FIELDS, strict=True))
    schema = {"type": "object", "properties": properties, "required": names, "additionalProperties": False}
    constraint = sg.JsonSchema(schema, whitespace="compact")
    laws("JSON", constraint, llama, 128)
    pieces = [text for text in llama.tokens if text and len(text) <= 4 and text.isascii()][:768]
    small = [*(bytes([i]) for i in range(256)), *(p for p in pieces if len(p) > 1)]
    laws("JSON", constraint, sg.Vocabulary([*small, None], eos_token_ids=[len(small)]), 128)


if __name__ == "__main__":
    main()
