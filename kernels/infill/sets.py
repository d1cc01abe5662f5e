"""Sets of states along a token graph: Numba kernels. A set is bool[n]."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def forward_closure(first, to, given):
    """Add to ``given`` all states that edges lead to from it, in place."""
    n = len(given)
    stack = np.empty(n, dtype=np.int32)
    top = 0
    for s in range(n):
        if given[s]:
            stack[top] = s
            top += 1
    while top > 0:
        top -= 1
        s = stack[top]
        for i in range(first[s], first[s + 1]):
            if not given[to[i]]:
                given[to[i]] = True
                stack[top] = to[i]
                top += 1


@njit(cache=True, nogil=True)
def backward_closure(first, to, given):
    """Add to ``given`` all states from which edges lead into it, in place."""
    n = len(given)
    incoming = np.zeros(n + 1, dtype=np.int64)
    for i in range(len(to)):
        incoming[to[i] + 1] += 1
    for s in range(n):
        incoming[s + 1] += incoming[s]
    fill = incoming[:-1].copy()
    source = np.empty(len(to), dtype=np.int32)
    for s in range(n):
        for i in range(first[s], first[s + 1]):
            source[fill[to[i]]] = s
            fill[to[i]] += 1
    forward_closure(incoming, source, given)


@njit(cache=True, nogil=True)
def classes_between(row_first, row_class, row_to, before, after, out):
    """Which classes lead from a state of ``before`` to one of ``after``: into ``out``, bool[classes], cleared."""
    out[:] = False
    for s in range(len(before)):
        if before[s]:
            for i in range(row_first[s], row_first[s + 1]):
                if after[row_to[i]]:
                    out[row_class[i]] = True
