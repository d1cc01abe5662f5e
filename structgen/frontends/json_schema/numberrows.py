"""Rows of the automata of number texts: interned states, and what may follow ``e``.

Receives keys and functions that list the edges of a state; returns a minimal :class:`~structgen.automata.dfa.Dfa`
over bytes. All machines of one number share one table, and so its exponents.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

from structgen.automata import BYTES, Dfa, make
from structgen.errors import LimitError

#: States of the texts of one number, before minimising, above which a schema is refused.
MAX_STATES = 200_000

#: lo..hi; None: no bound.
Interval = tuple[int | None, int | None]
#: (first byte, last byte, target) each; target -1: no edge.
Row = list[tuple[int, int, int]]


class Rows:
    """The states of all machines of one build: interned keys, rows filled breadth first."""

    def __init__(self) -> None:
        self.ids: dict[Hashable, int] = {}
        self.accept: list[bool] = []
        self.pending: list[Callable[[], Row]] = []

    def intern(self, key: Hashable, row: Callable[[], Row], accept: bool = False) -> int:
        """The state of a key; ``row`` is called later, once, for its edges (targets -1 are left out)."""
        state = self.ids.get(key)
        if state is None:
            if len(self.accept) >= MAX_STATES:
                raise LimitError(
                    f"the texts of a number need more than {MAX_STATES} states",
                    hint="Use a smaller multipleOf, or bounds with fewer digits",
                )
            state = self.ids[key] = len(self.accept)
            self.accept.append(accept)
            self.pending.append(row)
        return state

    def exponent(self, allowed: tuple[Interval, ...]) -> int:
        """The state after ``e``: an optional sign and the digits of an integer in ``allowed``."""
        up = _clipped(allowed)
        down = _clipped([(None if hi is None else -hi, None if lo is None else -lo) for lo, hi in reversed(allowed)])

        def row() -> Row:
            plus, minus = self._unsigned(up), self._unsigned(down)
            return [(ord("+"), ord("+"), plus), (ord("-"), ord("-"), minus), *self._unsigned_row(up, None)]

        return self.intern(("exponent", up, down), row)

    def _unsigned(self, allowed: tuple[Interval, ...]) -> int:
        if not allowed:
            return -1
        return self.intern(("unsigned", allowed), lambda: self._unsigned_row(allowed, None))

    def _unsigned_row(self, allowed: tuple[Interval, ...], value: int | None) -> Row:
        if not allowed:
            return []
        return [(48 + d, 48 + d, self._number(allowed, 10 * (value or 0) + d)) for d in range(10)]

    def _number(self, allowed: tuple[Interval, ...], value: int) -> int:
        largest = max((lo or 0) if hi is None else hi for lo, hi in allowed)
        endless = allowed[-1][1] is None
        if value > largest:
            return self.intern("digits", lambda: self._digits_row(), True) if endless else -1
        member = any((lo or 0) <= value and (hi is None or value <= hi) for lo, hi in allowed)
        if value * 10 > largest:
            if not endless:
                return self.intern("end", list, True) if member else -1
            return self.intern(("last", member), self._digits_row, member)
        return self.intern(
            ("number", allowed, value), lambda: self._unsigned_row(allowed, value), member
        )

    def _digits_row(self) -> Row:
        return [(48, 57, self.intern("digits", self._digits_row, True))]

    def language(self, start: int) -> Dfa:
        """Explore what is reachable and minimise."""
        table: list[list[int]] = []
        while len(table) < len(self.pending):
            row = [-1] * _WIDTH
            for lo, hi, target in self.pending[len(table)]():
                for byte in range(lo, hi + 1):
                    row[_COLUMN[byte]] = target
            table.append(row)
        delta = np.array(table, dtype=np.int32)
        order = np.arange(len(delta), dtype=np.int32)
        if start:  # the start is state 0
            order[[0, start]] = start, 0
            delta = delta[order]
            delta = np.where(delta < 0, delta, order[delta])
        accept = np.array(self.accept, dtype=np.bool_)[order]
        return make(BYTES, _STARTS, _CLASSES, np.ascontiguousarray(delta), accept)


def _clipped(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The part from 0 up."""
    return tuple((max(lo or 0, 0), hi) for lo, hi in intervals if hi is None or hi >= 0)


def _partition() -> tuple[NDArray[np.int32], NDArray[np.int32], dict[int, int]]:
    """The bytes of numbers, each a class but E and e: for ``make``."""
    starts, classes = [0], [0]
    column: dict[int, int] = {}
    for byte in sorted(b"+-.0123456789Ee"):
        if starts[-1] != byte:
            starts.append(byte)
            classes.append(0)
        lower = ord(chr(byte).lower())
        column[byte] = classes[-1] = column.get(ord("E"), len(column) + 1) if lower == ord("e") else len(column) + 1
        starts.append(byte + 1)
        classes.append(0)
    return np.array(starts, dtype=np.int32), np.array(classes, dtype=np.int32), column


_STARTS, _CLASSES, _COLUMN = _partition()
_WIDTH = max(_COLUMN.values()) + 1
