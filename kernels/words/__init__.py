"""The minimal automaton of a finite set of byte strings, as sparse rows. ``cpu`` is Numba, ``naive`` the reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structgen.kernels.trie import cpu as trie
from structgen.kernels.words import cpu
from structgen.kernels.words.cpu import distances

#: first int32[n + 1], lo uint8[m], hi uint8[m], to int32[m], accept bool[n]
Rows = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int32], NDArray[np.bool_]]


def minimal(data: NDArray[np.uint8], start: NDArray[np.int64]) -> Rows:
    """The least deterministic automaton of the strings ``data[start[i] : start[i + 1]]``, in any order, repeats or not.

    State 0 is the start, and edges lead to greater states only. Equal sets give equal arrays.
    """
    order = trie.order(data, start, trie.heads(data, start))
    return cpu.minimal(data, start, order)


__all__ = ["distances", "minimal"]
