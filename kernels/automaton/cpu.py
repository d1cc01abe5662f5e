"""Steps of a finite automaton over tokens: Numba kernels. The arrays are those of ``Automaton``."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def step(first, tokens, after, row, default, table, rows, tables, state, token):
    """The state after a token, -1 where it is not allowed. A state below -1 stays as it is."""
    if state < 0 or token < 0:
        return state if state < -1 else -1
    if table[state] >= 0:
        return tables[table[state], token] if token < tables.shape[1] else -1
    low, high = first[state], first[state + 1]
    while low < high:
        middle = (low + high) // 2
        if tokens[middle] < token:
            low = middle + 1
        else:
            high = middle
    if low < first[state + 1] and tokens[low] == token:
        return after[low]
    r = row[state]
    if r >= 0 and token >> 5 < rows.shape[1] and (rows[r, token >> 5] >> (token & 31)) & 1:
        return default[state]
    return -1


@njit(cache=True, nogil=True)
def advance(first, tokens, after, row, default, table, rows, tables, states, chosen, out):
    """One token for each sequence: int32[B] states and chosen tokens to int32[B]."""
    for b in range(len(states)):
        out[b] = step(first, tokens, after, row, default, table, rows, tables, states[b], chosen[b])


@njit(cache=True, nogil=True)
def fill_rows(first, tokens, after, row, default, table, rows, tables, n_rows, states, out):
    """Where each state's mask lies in ``rows``; those of listed edges are written to row n_rows + b."""
    for b in range(len(states)):
        s = states[b]
        if s < -1:
            out[b] = -1
        elif s >= 0 and row[s] >= 0:
            out[b] = row[s]
        else:
            out[b] = n_rows + b
            rows[n_rows + b, :] = 0
            if s >= 0:
                for e in range(first[s], first[s + 1]):
                    rows[n_rows + b, tokens[e] >> 5] |= np.int32(1) << np.int32(tokens[e] & 31)
