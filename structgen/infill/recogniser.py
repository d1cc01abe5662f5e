"""Texts with holes that may hold anything: can they be completed, and how?

Receives the tables of a grammar and the fixed parts of a text; runs the kernels of :mod:`structgen.kernels.pushdown`
with enough room. All stacks are followed at once, so the answer is exact whatever the holes would have to hold,
indentation included.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from structgen.errors import LimitError
from structgen.kernels.first_use import announce
from structgen.kernels.pushdown import layout as L
from structgen.kernels.pushdown.gap import pass_gap
from structgen.kernels.pushdown.read import endings, keep_loops, open_text, read, read_any, read_up_to
from structgen.kernels.pushdown.stacks import cell
from structgen.kernels.pushdown.widths import place_of

#: In front of the byte that is repeated in a long hole there are up to so many.
FEW = 3
#: Rooms of up to this many times the first size are tried.
MOST_GROWTH = 1 << 10


@dataclass(frozen=True)
class Hole:
    """Any bytes, from ``least`` to ``most`` of them; None: as many as there may be."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Long:
    """A hole of at least so many bytes, as far as is soon seen: some of the texts that may be in it.

    A few bytes, then one byte again and again within a token (a blank, a letter of a name), then a few bytes; or, where
    ``most`` is None, any number in the end. ``most`` is FEW + 2 at least.
    """

    least: int
    most: int | None = None


Part = bytes | Hole | Long
_Result = TypeVar("_Result")


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
        """Can the holes be filled so that the text is in the language?

        Returns:
            The answer; None: it is not worked out (a token in front of a gap that others might forbid to end).

        Raises:
            LimitError: it takes too much memory.
        """
        return self._with_room(lambda room: self._run(room, tidy(parts)))

    def fillings(self, parts: Sequence[Part]) -> list[bytes] | None:
        """A text for each hole of parts that can be completed, in order.

        The last hole has as few bytes as it can, whatever is in the others; then the one before it, and so on.

        Args:
            parts: no two holes stand next to each other. The text for a long hole may be longer than need be.

        Returns:
            The texts; None: they are not worked out.

        Raises:
            LimitError: it takes too much memory.
        """
        return self._with_room(lambda room: self._fillings(room, parts))

    def _with_room(self, task: Callable[[NDArray[np.int64]], _Result]) -> _Result | None:
        """Run a task with enough room. None: it came upon what is not worked out."""
        with self._lock:
            while True:
                room = self._fresh()
                result = task(room)
                if room[L.UNSURE]:
                    return None
                if not room[L.FULL]:
                    return result
                if self._size >= MOST_GROWTH:
                    raise LimitError("a text with gaps has too many readings")
                self._size *= 4
                self._room = None

    # ------------------------------------------------------------ can it be completed?

    def _run(self, room: NDArray[np.int64], parts: Sequence[Part]) -> bool:
        before = self._open(room, parts)
        for i, part in enumerate(parts):
            if not self._pass(room, part, self._follows(parts, i + 1), before and i == 0):
                return False
        return bool(room[L.ENDED])

    def _open(self, room: NDArray[np.int64], parts: Sequence[Part]) -> bool:
        """Begin a text. True: that is left to the gap it begins with."""
        first = self._follows(parts, 0)
        if first >= 0:
            open_text(self._tables, room, first)
        return first < 0

    def _follows(self, parts: Sequence[Part], i: int) -> int:
        """What the kernels are told of the byte with which part ``i`` begins."""
        if i == len(parts):
            return self._classes
        part = parts[i]
        if isinstance(part, bytes):
            return int(self._group[part[0]])
        return -1 if part == Hole() else self._classes + 1

    def _pass(self, room: NDArray[np.int64], part: Part, follows: int, opening: bool) -> bool:
        """Go through a part. Is anything left? Not told of gaps that did not fit into the room."""
        tables = self._tables
        if isinstance(part, bytes):
            return bool(read(tables, room, self._classes_of(part), follows))
        if isinstance(part, Long):
            read_up_to(tables, room, FEW)
            if not keep_loops(tables, room, -1 if part.most is None else self._classes + 1):
                return False
            part, opening = Hole(0, None if part.most is None else 2), False
        more = -1 if part.most is None else part.most - part.least
        behind = (-1, follows, self._classes + 1)[(more >= 0) + (more > 0)]
        if part.least and not read_any(tables, room, self._anything(part.least), behind):
            return False
        if more < 0:
            pass_gap(tables, room, opening)
        elif more:
            read_up_to(tables, room, more)
        return not (room[L.FULL] or room[L.UNSURE])

    def _classes_of(self, text: bytes) -> NDArray[np.int64]:
        return self._group[np.frombuffer(text, dtype=np.uint8)]

    def _anything(self, length: int) -> NDArray[np.bool_]:
        return np.ones((length, self._classes), dtype=np.bool_)

    # ------------------------------------------------------------ how?

    def _fillings(self, room: NDArray[np.int64], parts: Sequence[Part]) -> list[bytes]:
        """See ``fillings``. Of no use where the room was too small."""
        saved: dict[int, _Saved] = {}
        opening = self._open(room, parts)
        last = max((i for i, part in enumerate(parts) if not isinstance(part, bytes)), default=-1)
        for i, part in enumerate(parts[: last + 1]):
            if not isinstance(part, bytes):
                # texts in front of holes are read as in front of a gap
                saved[i] = _Saved(room)
                if i and part != Hole():
                    endings(self._tables, room, self._classes + 1, 0)
            if i < last:
                follows = -1 if isinstance(part, bytes) else self._follows(parts, i + 1)
                self._pass(room, part, follows, opening and i == 0)
        rest = b"".join(part for part in parts[last + 1 :] if isinstance(part, bytes))
        found: list[bytes] = []
        for i in range(last, -1, -1):
            part = parts[i]
            if not isinstance(part, bytes):
                saved[i].restore(room)
                if i:
                    endings(self._tables, room, self._classes + 1, 0)
                elif opening:
                    open_text(self._tables, room, self._classes + 1)
                part = self._long(room, part, rest) if isinstance(part, Long) else self._shortest(room, part, rest)
                found.append(part)
            rest = part + rest
        return found[::-1]

    def _shortest(self, room: NDArray[np.int64], hole: Hole, rest: bytes, loop: bool = False) -> bytes:
        """A shortest text for a hole in front of a text; there must be one.

        ``loop``: behind the hole one byte can be read again and again.
        """
        here = start = _Saved(room)
        length = 0
        while length < hole.least or not self._ends(room, rest, loop):
            if room[L.FULL] or room[L.UNSURE] or length == hole.most:
                return b""
            here.restore(room)
            read_any(self._tables, room, self._anything(1), self._classes + 1)
            here = _Saved(room)
            length += 1
        found = b""
        for left in range(length - 1, -1, -1):
            classes = self._by_beauty()
            while len(classes) > 1:
                half = classes[: (len(classes) + 1) // 2]
                start.restore(room)
                if not (self._one_of(room, half) and self._more(room, left) and self._ends(room, rest, loop)):
                    half = classes[len(half) :]
                classes = half
            start.restore(room)
            self._one_of(room, classes)
            start = _Saved(room)
            found += bytes([self._example(int(classes[0]))])
        return found

    def _long(self, room: NDArray[np.int64], hole: Long, rest: bytes) -> bytes:
        """A text for a long hole in front of a text; there must be one."""
        start = _Saved(room)
        read_up_to(self._tables, room, FEW)
        keep_loops(self._tables, room, self._classes + 1)
        end = self._shortest(room, Hole(), rest)
        start.restore(room)
        begin = self._shortest(room, Hole(0, FEW), end + rest, loop=True)
        times = max(0, hole.least - len(begin) - len(end))
        for c in self._by_beauty().tolist():
            text = begin + bytes([self._example(c)]) * times + end
            start.restore(room)
            if self._ends(room, text + rest):
                return text
        return b""

    def _ends(self, room: NDArray[np.int64], rest: bytes, loop: bool = False) -> bool:
        """Can the text end behind this?"""
        if loop and not keep_loops(self._tables, room, self._follows([rest] if rest else [], 0)):
            return False
        return (not rest or self._pass(room, rest, self._classes, False)) and bool(room[L.ENDED])

    def _more(self, room: NDArray[np.int64], length: int) -> bool:
        return not length or bool(read_any(self._tables, room, self._anything(length), self._classes + 1))

    def _one_of(self, room: NDArray[np.int64], classes: NDArray[np.int64]) -> bool:
        """Read one byte, of some classes."""
        mask = np.zeros((1, self._classes), dtype=np.bool_)
        mask[0, classes] = True
        return bool(read_any(self._tables, room, mask, self._classes + 1))

    def _example(self, c: int) -> int:
        """A byte of a class, a letter if there is one."""
        found = np.flatnonzero(self._group == c).tolist()
        return min(found, key=lambda byte: (not chr(byte).isalnum(), not 32 <= byte < 127, byte))

    def _by_beauty(self) -> NDArray[np.int64]:
        """The classes of bytes that texts can have, those with printable ones first."""
        found = np.unique(self._group[self.used]).tolist()
        return np.array(sorted(found, key=lambda c: (not 32 <= self._example(c) < 127, c)), dtype=np.int64)

    # ------------------------------------------------------------ room

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


class _Saved:
    """What the work space was at some place of the text, to go on from there again.

    Only what changes once it is there is copied. Sets of widths and of bans, and the time, go on.
    """

    def __init__(self, room: NDArray[np.int64]) -> None:
        self._header = room[: L.BEGIN].copy()
        self._rows = []
        for part in (L.CELLS, L.THREADS, L.VIEWS):
            at = int(room[L.AT + part])
            count = int(room[(L.ROOM if part == L.VIEWS else L.USED) + part])
            self._rows.append((at, room[at : at + count * L.ROWS[part]].copy()))

    def restore(self, room: NDArray[np.int64]) -> None:
        kept = [L.USED + L.SETS, L.USED + L.SET_SLOTS, L.USED + L.MIXED, L.NOW, L.FULL, L.UNSURE]
        values = room[kept]
        room[: L.BEGIN] = self._header
        room[kept] = values
        for at, rows in self._rows:
            room[at : at + len(rows)] = rows


def tidy(parts: Sequence[Part]) -> list[Part]:
    """The same with texts next to each other joined, and holes too; nothing of no bytes."""
    found: list[Part] = []
    for part in parts:
        if part in (b"", Hole(0, 0)):
            continue
        last = found[-1] if found else None
        if isinstance(part, Hole) and isinstance(last, Hole):
            most = None if part.most is None or last.most is None else part.most + last.most
            found[-1] = Hole(part.least + last.least, most)
        elif isinstance(part, bytes) and isinstance(last, bytes):
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
