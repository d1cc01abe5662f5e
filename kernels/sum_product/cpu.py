"""Sums and maxima over the texts of an automaton: Numba kernels."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def backward(logps, first, tokens, after, beta, back, best):
    """See :func:`structgen.kernels.sum_product.backward`; beta[:, d] is given, the rest written. O(B d edges)."""
    length = logps.shape[1]
    for b in range(len(logps)):
        for i in range(length - 1, -1, -1):
            for s in range(beta.shape[2]):
                top = -np.inf
                edge = -1
                for e in range(first[s], first[s + 1]):
                    value = np.float64(logps[b, i, tokens[e]]) + np.float64(beta[b, i + 1, after[e]])
                    if value > top:
                        top = value
                        edge = e
                back[b, i, s] = edge
                if edge >= 0 and not best:
                    total = 0.0
                    for e in range(first[s], first[s + 1]):
                        value = np.float64(logps[b, i, tokens[e]]) + np.float64(beta[b, i + 1, after[e]])
                        total += np.exp(value - top)
                    top += np.log(total)
                beta[b, i, s] = top


@njit(cache=True, nogil=True)
def trace(start, back, tokens, after, out):
    """See :func:`structgen.kernels.sum_product.trace`."""
    for b in range(len(start)):
        s = start[b]
        for i in range(back.shape[1]):
            e = back[b, i, s] if s >= 0 else -1
            out[b, i] = tokens[e] if e >= 0 else -1
            s = after[e] if e >= 0 else -1


@njit(cache=True, nogil=True)
def draw(logps, first, tokens, after, beta, start, uniforms, out):
    """See :func:`structgen.kernels.sum_product.draw`."""
    for b in range(len(start)):
        s = np.int64(start[b])
        for i in range(out.shape[1]):
            out[b, i] = -1
            if s < 0 or beta[b, i, s] == -np.inf:
                s = np.int64(-1)
                continue
            total = 0.0
            edge = -1
            for e in range(first[s], first[s + 1]):
                value = np.float64(logps[b, i, tokens[e]]) + np.float64(beta[b, i + 1, after[e]])
                if value > -np.inf:
                    edge = e
                    total += np.exp(value - np.float64(beta[b, i, s]))
                    if total > uniforms[b, i]:
                        break
            out[b, i] = tokens[edge]
            s = np.int64(after[edge])
