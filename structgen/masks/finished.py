"""Finished masks: receives rows as they are worked out, keeps them by state while there is room.

States whose masks are equal share a row: in a program most states that are new differ from others in their stacks only.
Their memory comes in blocks that all grammars of a vocabulary share: a grammar that goes hands its blocks back, so that
the next one finds memory that the system need not clear first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Bytes of a block, as long as that is a row or more.
BLOCK = 1 << 17
#: Bytes of blocks that are kept for later.
SPARE = 32 << 20
#: What it costs to keep a row beside its words.
ROW_OVERHEAD = 200


class Blocks:
    """Blocks of rows: int32[n, width]. What is in one that is taken is arbitrary."""

    def __init__(self, width: int) -> None:
        self._shape = (max(1, BLOCK // (4 * width + ROW_OVERHEAD)), width)
        #: Bytes of one.
        self.nbytes = 4 * self._shape[0] * self._shape[1]
        #: Odd numbers, one for two words of a row: their sum, each times its words, is a hash of the row.
        pairs = np.arange(1, width // 2 + 1, dtype=np.uint64)
        self.weights = (pairs * np.uint64(0x9E3779B97F4A7C15) | 1).view(np.int64)
        self._most = SPARE // self.nbytes
        self._spare: list[NDArray[np.int32]] = []

    def take(self) -> NDArray[np.int32]:
        """A block that no one else has."""
        try:
            return self._spare.pop()
        except IndexError:
            return np.empty(self._shape, dtype=np.int32)

    def give(self, blocks: list[NDArray[np.int32]]) -> None:
        """Hand blocks back that no one looks at any more."""
        self._spare += blocks[: max(0, self._most - len(self._spare))]


class Finished:
    """The finished masks of one grammar.

    Attributes:
        rows: int32[width] by state. They never change, and are good as long as the grammar lives.
    """

    def __init__(self, blocks: Blocks, max_bytes: int) -> None:
        self._shared = blocks
        self._most = max_bytes
        self._blocks: list[NDArray[np.int32]] = []
        self._used = 0
        self.rows: dict[int, NDArray[np.int32]] = {}
        self._same: dict[tuple[int, int], NDArray[np.int32]] = {}

    def room(self) -> NDArray[np.int32]:
        """A row to write the next mask into."""
        full = not self._blocks or self._used >= len(self._blocks[-1])
        if self._blocks and self.nbytes + full * self._shared.nbytes > self._most:
            # someone may still read a row, so the blocks are not handed on
            self.rows.clear()
            self._same.clear()
            self._blocks.clear()
            full = True
        if full:
            self._blocks.append(self._shared.take())
            self._used = 0
        return self._blocks[-1][self._used]

    def keep(self, state: int, row: NDArray[np.int32]) -> NDArray[np.int32]:
        """The mask of a state is finished; ``row`` is the last that ``room`` gave. Returns the one that is kept."""
        weights = self._shared.weights
        name = int(np.dot(row[: 2 * len(weights)].view(np.int64), weights)), int(row[-1])
        same = self._same.setdefault(name, row)
        if same is row or same.tobytes() != row.tobytes():
            self._used += 1
            same = row
        self.rows[state] = same
        return same

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return len(self._blocks) * self._shared.nbytes + ROW_OVERHEAD * len(self.rows)

    def __del__(self) -> None:
        self._shared.give(self._blocks)
