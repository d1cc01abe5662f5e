"""Mask rows of many states of a byte automaton: Numba kernel."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def build_rows(delta, classes, accept, states, text, start, eos, out):
    """See :func:`structgen.kernels.build_rows.build_rows`."""
    for i in range(len(states)):
        out[i, :] = 0
        for t in range(len(start) - 1):
            s = states[i]
            for k in range(start[t], start[t + 1]):
                s = delta[s, classes[text[k]]]
                if s < 0:
                    break
            if s >= 0 and start[t + 1] > start[t]:
                out[i, t >> 5] |= np.int32(1) << np.int32(t & 31)
        if accept[states[i]]:
            for t in eos:
                out[i, t >> 5] |= np.int32(1) << np.int32(t & 31)
