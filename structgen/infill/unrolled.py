"""The token graph of a grammar that nests without bound, as far as one canvas can see: an automaton of bounded depth.

Receives a compiled grammar and the steps of a canvas. A canvas of so many slots leads to finitely many states; where
they are few, they are all explored, layer by layer, and canvases under them get the answers of finite automata: every
slot at once, and product laws.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from structgen.infill.gap import ANY, MAYBE, TEXT, TOKEN, Step
from structgen.infill.graph import MOST_PAIRS, Int32Array, TokenGraph
from structgen.infill.nested import images_of
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import REFUSED, CompiledGrammar
from structgen.runtime.machine import FINISHED

#: No more states are explored, and no more states times tokens.
MOST_STATES = 3_000
MOST_CELLS = 6_000_000
#: So many canvases are remembered that have led to too many.
MOST_HOPELESS = 64


@dataclass(frozen=True, eq=False)
class Unrolled(TokenGraph):
    """A token graph without an automaton over bytes.

    Attributes:
        after: for each text of the canvas the state after it from each state, int32[n].
    """

    after: dict[bytes, Int32Array] = field(default_factory=dict)

    def text_map(self, text: bytes) -> Int32Array:
        return self.after[text]


def unrolled(grammar: CompiledGrammar, steps: list[Step]) -> Unrolled | None:
    """The states that a canvas can lead to, whatever its slots hold; None: too many of them, or without end."""
    if any(step.kind == ANY for step in steps):
        return None
    vocab = grammar.vocab
    most = min(MOST_STATES, MOST_CELLS // max(1, vocab.size))
    images = images_of(grammar)
    left = _bytes_left(steps, vocab)
    # with more room behind the same beginning there are more states
    if any(steps[: len(begun)] == begun and left[len(begun)] >= room for begun, room in _hopeless(grammar)):
        return None
    numbers = {grammar.start: 0}
    layer = {grammar.start}
    rows: dict[int, Int32Array] = {}
    near: dict[int, list[int]] = {}
    texts: dict[bytes, dict[int, int]] = {step.value: {} for step in steps if isinstance(step.value, bytes)}
    for p, (step, room) in enumerate(zip(steps, left[1:], strict=True)):
        following: set[int] = set()
        for state in sorted(layer):
            if step.kind == TOKEN:
                assert isinstance(step.value, int)
                following.add(grammar.advance(state, step.value))
            elif step.kind == TEXT:
                assert isinstance(step.value, bytes)
                to = texts[step.value][state] = grammar.advance_bytes(state, step.value)
                following.add(to)
            else:
                if state not in rows:
                    rows[state] = images.after(state)
                    near[state] = np.unique(rows[state]).tolist()
                following.update(near[state])
        # a state that needs more bytes than the canvas has room for is of no use from here on
        following -= {REFUSED, FINISHED}
        following = {state for state in following if grammar.min_bytes_left(state) <= room}
        if step.kind == MAYBE:
            following |= layer
        layer = following
        for state in sorted(layer):
            numbers.setdefault(state, len(numbers))
        if len(numbers) > most:
            _hopeless(grammar).append((steps[: p + 1], room))
            return None
    return _graph(grammar, numbers, rows, texts)


def _hopeless(grammar: CompiledGrammar) -> list[tuple[list[Step], int]]:
    """The beginnings of canvases that led to too many states, with the bytes that there was room for behind them."""
    found: list[tuple[list[Step], int]] = grammar.__dict__.setdefault("_hopeless", [])
    del found[:-MOST_HOPELESS]
    return found


def _bytes_left(steps: list[Step], vocab: Vocabulary) -> list[int]:
    """How many bytes the steps from each boundary on can write at most."""
    left = [0]
    for step in reversed(steps):
        if isinstance(step.value, bytes):
            size = len(step.value)
        elif isinstance(step.value, int):
            text = vocab.tokens[step.value] if step.value < len(vocab.tokens) else None
            size = len(text or b"")
        else:
            size = vocab.max_token_bytes
        left.append(left[-1] + size)
    return left[::-1]


def _graph(
    grammar: CompiledGrammar, numbers: dict[int, int], rows: dict[int, Int32Array], texts: dict[bytes, dict[int, int]]
) -> Unrolled | None:
    vocab, n = grammar.vocab, len(numbers)
    # the number of each state of the machine; REFUSED, at the end, and states left out have none
    local = np.full(max(numbers) + 2, -1, dtype=np.int32)
    local[list(numbers)] = list(numbers.values())
    table = np.full((vocab.size, n), -1, dtype=np.int32)
    for state, number in numbers.items():
        # fixed tokens are steps too: their columns are needed wherever they are asked for
        row = rows[state] if state in rows else images_of(grammar).after(state)
        table[:, number] = local[np.where(row < len(local) - 1, row, -1)]
    classes: dict[bytes, int] = {}
    token_class = np.full(vocab.size, -1, dtype=np.int32)
    columns = []
    for token in np.flatnonzero((table >= 0).any(axis=1)).tolist():
        name = table[token].tobytes()
        if name not in classes:
            classes[name] = len(classes)
            columns.append(np.flatnonzero(table[token] >= 0).astype(np.int32))
            columns[-1] = np.stack([columns[-1], table[token][columns[-1]]])
        token_class[token] = classes[name]
    if sum(column.shape[1] for column in columns) > MOST_PAIRS:
        return None
    accept = np.array([grammar.accepts(state) for state in numbers] + [True], dtype=np.bool_)
    ends = np.flatnonzero(accept).astype(np.int32)
    columns.append(np.stack([ends, np.full(len(ends), n, dtype=np.int32)]))
    token_class[list(vocab.eos_token_ids)] = len(columns) - 1
    pairs = np.concatenate(columns, axis=1)
    after = {}
    for text, found in texts.items():
        after[text] = np.full(n + 1, -1, dtype=np.int32)
        for state, to in found.items():
            after[text][numbers[state]] = numbers.get(to, -1)
    return Unrolled(
        accept=accept,
        token_class=token_class,
        first=np.cumsum([0] + [column.shape[1] for column in columns]).astype(np.int64),
        states=np.ascontiguousarray(pairs[0]),
        targets=np.ascontiguousarray(pairs[1]),
        delta=np.zeros((n, 0), dtype=np.int32),
        byte_class=np.zeros(256, dtype=np.int32),
        after=after,
    )
