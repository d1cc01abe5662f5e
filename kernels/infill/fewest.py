"""The fewest tokens of gaps that complete a canvas, from each state: Numba kernels.

``ahead[s]`` is the number from the boundary behind a step, ``out[s]`` the one before it; NEVER: there is no way.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

#: Greater than any number of tokens, and safe to add to.
NEVER = np.int32(1 << 29)


@njit(cache=True, nogil=True)
def one_token(first, to, ahead, may_skip, out):
    """Before a step of one token: int32[n]. ``may_skip``: or of none. Reads each edge once."""
    for s in range(len(out)):
        least = ahead[s] if may_skip else NEVER
        for i in range(first[s], first[s + 1]):
            least = min(least, ahead[to[i]] + 1)
        out[s] = min(least, NEVER)


@njit(cache=True, nogil=True)
def any_tokens(first, to, ahead, out):
    """Before a step of any number of tokens: int32[n]. Reads the edges once for each token of the longest way."""
    out[:] = ahead
    changed = True
    while changed:
        changed = False
        for s in range(len(out)):
            for i in range(first[s], first[s + 1]):
                if out[to[i]] + 1 < out[s]:
                    out[s] = out[to[i]] + 1
                    changed = True
