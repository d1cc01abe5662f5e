"""Texts with gaps that may hold anything: can they be completed, and how?

Receives the tables of a grammar and the fixed parts of a text; runs the kernels of :mod:`structgen.kernels.pushdown`
with enough room. All stacks are followed at once, so the answer is exact whatever the gaps would have to hold,
indentation included.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from structgen.errors import LimitError
from structgen.kernels.first_use import announce
from structgen.kernels.pushdown import layout as L
from structgen.kernels.pushdown.gap import pass_gap
from structgen.kernels.pushdown.read import open_text, read, read_any
from structgen.kernels.pushdown.stacks import cell
from structgen.kernels.pushdown.widths import place_of

#: Rooms of up to this many times the first size are tried.
MOST_GROWTH = 1 << 10

#: A text; None: any bytes; bool[k, c]: k bytes, of which only sets of classes are known.
Part = bytes | NDArray[np.bool_] | None


class Recogniser:
    """Answers for one grammar. Safe to share between threads.

    Args:
        tables: see :func:`structgen.infill.tables.tables_of`.

    Attributes:
        used: bool[256]; the bytes that some text of the language may have.
    """

    def __init__(self, tables: NDArray[np.int64]) -> None:
        announce(pass_gap, "the kernels of gaps", 20)
        self._tables, self._group = tables[:-256].copy(), tables[-256:].copy()
        self._classes = int(tables[L.CLASSES])
        self._lock = threading.Lock()
        self._size = 1
        self._room: NDArray[np.int64] | None = None
        begin, end = int(tables[L.DELTA]), int(tables[L.TERMINALS])
        states = self._states = int(tables[tables[L.STARTS] + end])
        moves = tables[begin : begin + states * self._classes].reshape(states, self._classes)
        blank = tables[tables[L.COLUMNS] : tables[L.COLUMNS] + self._classes] > 0
        self.used: NDArray[np.bool_] = ((moves >= 0).any(axis=0) | blank)[self._group]

    def completable(self, parts: Sequence[Part]) -> bool | None:
        """Can the gaps be filled so that the text is in the language?

        Returns:
            The answer; None: it is not worked out (a token in front of a gap that others might forbid to end).

        Raises:
            LimitError: it takes too much memory.
        """
        with self._lock:
            while True:
                room = self._fresh()
                answer = self._run(room, tidy(parts))
                if room[L.UNSURE]:
                    return None
                if not room[L.FULL]:
                    return answer
                if self._size >= MOST_GROWTH:
                    raise LimitError("a text with gaps has too many readings")
                self._size *= 4
                self._room = None

    def shortest(self, before: bytes, behind: Sequence[Part]) -> bytes:
        """A shortest text that can stand between two others; there must be one."""
        anything = np.ones((1, self._classes), dtype=np.bool_)
        length = 0
        while not self.completable([before, np.repeat(anything, length, axis=0), *behind]):
            length += 1
        found = before
        for left in range(length - 1, -1, -1):
            rest = np.repeat(anything, left, axis=0)
            classes = self._by_beauty()
            while len(classes) > 1:
                half = classes[: (len(classes) + 1) // 2]
                mask = np.zeros((1, self._classes), dtype=np.bool_)
                mask[0, half] = True
                if not self.completable([found, np.concatenate([mask, rest]), *behind]):
                    half = classes[len(half) :]
                classes = half
            found += bytes([self._example(int(classes[0]))])
        return found[len(before) :]

    def _example(self, c: int) -> int:
        """A byte of a class, a letter if there is one."""
        found = np.flatnonzero(self._group == c).tolist()
        return min(found, key=lambda byte: (not chr(byte).isalnum(), not 32 <= byte < 127, byte))

    def _by_beauty(self) -> NDArray[np.int64]:
        """The classes of bytes that texts can have, those with printable ones first."""
        found = np.unique(self._group[self.used]).tolist()
        return np.array(sorted(found, key=lambda c: (not 32 <= self._example(c) < 127, c)), dtype=np.int64)

    def _first(self, part: Part) -> int:
        """What the kernels are told of the byte with which a part begins."""
        if part is None:
            return -1
        return int(self._group[part[0]]) if isinstance(part, bytes) else self._classes + 1

    def _run(self, room: NDArray[np.int64], parts: list[Part]) -> bool:
        tables = self._tables
        following = [*map(self._first, parts), self._classes]
        if following[0] >= 0:
            open_text(tables, room, following[0])
        for i, part in enumerate(parts):
            if part is None:
                pass_gap(tables, room, i == 0)
                if room[L.FULL] or room[L.UNSURE]:
                    return False
            elif isinstance(part, bytes):
                if not read(tables, room, self._group[np.frombuffer(part, dtype=np.uint8)], following[i + 1]):
                    return False
            elif not read_any(tables, room, part, following[i + 1]):
                return False
        return bool(room[L.ENDED])

    def _fresh(self) -> NDArray[np.int64]:
        """Work space, empty."""
        tables, room = self._tables, self._room
        if room is None:
            room = self._room = _room(int(tables[L.NODES]), self._states, self._size)
        now = int(room[L.NOW])
        room[L.USED : L.BEGIN] = 0
        room[L.NOW] = now
        for part in (L.SET_SLOTS, L.VIEWS):
            at, size = int(room[L.AT + part]), int(room[L.ROOM + part]) * L.ROWS[part]
            room[at : at + size] = 0
        widths = place_of(room, 1, 0, 0, 0) if tables[tables[L.CARRY] + tables[L.START]] else L.NO_SET
        room[L.ROOT] = cell(room, tables[L.START], widths, -1, -1)
        return room


def tidy(parts: Sequence[Part]) -> list[Part]:
    """The same with texts next to each other joined, and gaps too; nothing of no bytes."""
    found: list[Part] = []
    for part in parts:
        if part is not None and not len(part):
            continue
        last = found[-1] if found else b""
        if found and part is None and last is None:
            continue
        if found and isinstance(part, bytes) and isinstance(last, bytes):
            found[-1] = last + part
        else:
            found.append(part)
    return found


def _room(nodes: int, states: int, size: int) -> NDArray[np.int64]:
    rows = {
        L.CELLS: 1 << 13,
        L.EDGES: 1 << 15,
        L.SETS: 1 << 10,
        L.SET_SLOTS: 1 << 12,
        L.VIEWS: 1 << 13,
        L.KEYS: 1 << 15,
        L.ITEMS: 1 << 13,
        L.THREADS: 1 << 13,
        L.NEXT: 1 << 13,
        L.GROUPS: 1 << 13,
        L.CONTS: 1 << 15,
        L.PAIRS: 1 << 13,
        L.LINKS: 1 << 13,
        L.MIXED: 1 << 7,
        L.STORED: 1 << 15,
    }
    rows = {part: size * count for part, count in rows.items()}
    rows[L.KEYS] += L.SMALL
    rows |= {L.SEEN: states, L.STORED_FIRST: 8 * size * (nodes + 1), L.MARKS: 5 * nodes}
    room = np.zeros(L.BEGIN + sum(count * L.ROWS[part] for part, count in rows.items()), dtype=np.int64)
    at = L.BEGIN
    for part, count in rows.items():
        room[L.AT + part], room[L.ROOM + part] = at, count
        at += count * L.ROWS[part]
    room[L.NOW] = 1  # nothing is known
    return room
