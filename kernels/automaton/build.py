"""Automata over tokens: of all states of a machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen.kernels.automaton import Automaton
from structgen.kernels.automaton import explore as kernel

_ARENAS = {
    kernel.MORE_STATES: ("config", "first", "row", "default", "table", "tally"),
    kernel.MORE_EDGES: ("tokens", "after"),
    kernel.MORE_ROWS: ("rows", "rowhash"),
    kernel.MORE_TABLES: ("tables",),
    kernel.MORE_NUMBERS: ("number",),
}
_BLANK = {"number": -1}


class TooLarge(Exception):
    """What there would be too much of: ("states" or "bytes", the limit)."""


def of_machine(
    run: Callable[..., int],
    start: int,
    size: int,
    trie: NDArray[np.int32],
    max_states: int,
    max_bytes: int,
    growing: Callable[[], None],
) -> Automaton:
    """The automaton of all configurations that can be reached.

    Args:
        run: calls a kernel with the machine's arrays and serves what it asks for.
        start: the start configuration. size: tokens of the vocabulary. trie: int32[nodes, 3], as the machine has it.
        growing: called whenever the number of states has doubled; may raise.

    Raises:
        TooLarge: it has more than ``max_states`` states, or takes more than ``max_bytes``.
    """
    width = (size + 31) // 32
    child_first, child_byte, child = kernel.children(trie[:, 1], trie[:, 0])

    def blank(*shape: int) -> NDArray[np.int32]:
        return np.zeros(shape, dtype=np.int32)

    work = kernel.Work(
        used=np.zeros(8, dtype=np.int64),
        number=np.full(max(1024, start + 1), -1, dtype=np.int32),
        config=blank(256),
        first=np.zeros(257, dtype=np.int64),
        row=blank(256),
        default=blank(256),
        table=blank(256),
        tally=blank(256),
        tokens=blank(max(4096, 2 * size)),
        after=blank(max(4096, 2 * size)),
        rows=blank(8, width),
        rowhash=blank(32),
        tables=blank(2, size),
        reached=blank(size),
        found=blank(size + 1),
        bits=blank(width),
        stack=np.zeros((int(trie[:, 2].max(initial=0)) + 2, 3), dtype=np.int64),
        child_first=child_first,
        child_byte=child_byte,
        child=child,
    )
    work.config[1] = start
    work.number[0], work.number[start] = 0, 1
    work.used[kernel.STATES] = 2
    while (missing := run(kernel.explore, work, size)) != kernel.DONE:
        if missing == kernel.MORE_STATES:
            growing()
            if len(work.config) >= max_states:
                raise TooLarge("states", max_states)
        work = _grown(work, missing)
        if sum(array.nbytes for array in work) > 2 * max_bytes or _bytes(work) > max_bytes:
            raise TooLarge("bytes", max_bytes)
    n, e, r, k = (int(work.used[i]) for i in (kernel.STATES, kernel.EDGES, kernel.ROWS, kernel.TABLES))
    if n > max_states:
        raise TooLarge("states", max_states)
    if _bytes(work) > max_bytes:
        raise TooLarge("bytes", max_bytes)
    return Automaton(
        work.first[: n + 1].astype(np.int32), work.tokens[:e].copy(), work.after[:e].copy(), work.row[:n].copy(),
        work.default[:n].copy(), work.table[:n].copy(), work.rows[:r].copy(), work.tables[:k].copy(),
        1, size, r, int(work.used[kernel.DEGREE]),
    )  # fmt: skip


def _bytes(work: kernel.Work) -> int:
    used = work.used
    return int(
        16 * used[kernel.STATES]
        + 8 * used[kernel.EDGES]
        + used[kernel.ROWS] * work.rows.shape[1] * 4
        + used[kernel.TABLES] * work.tables.shape[1] * 4
    )


def _grown(work: kernel.Work, arena: int) -> kernel.Work:
    new: dict[str, Any] = {}
    for name in _ARENAS[arena]:
        old = getattr(work, name)
        if name == "rowhash":
            new[name] = np.zeros(2 * len(old), dtype=np.int32)
            continue
        shape = (2 * len(old) - (name == "first"), *old.shape[1:])
        new[name] = np.full(shape, _BLANK.get(name, 0), dtype=old.dtype)
        new[name][: len(old)] = old
    work = work._replace(**new)
    if "rowhash" in new:
        kernel.rehash(work)
    return work
