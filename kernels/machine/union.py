"""Union of stack cells: Numba kernel, apart because only ambiguous grammars ever compile it."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.stacks import frame_key, intern_cell


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def union_cells(m, a, b):
    """The cell of all stacks in a or in b, deterministic: one frame for each edge and offset.

    -1: no room. Frames of equal edge and offset are merged by merging their parents. Done without recursion: all
    pairs to merge are found first, then merged, parents before the cells above them; results are found by
    interning, so an interrupted call is simply made again.
    """
    if a == b:
        return a
    # post-order over the pairs of parents; pairs[k] = (a, b), done[k] = result
    pairs = np.empty((64, 2), dtype=np.int64)
    done = np.empty(64, dtype=np.int64)
    n = 1
    pairs[0, 0] = a
    pairs[0, 1] = b
    done[0] = -1
    # discover all pairs reachable
    i = 0
    while i < n:
        x = pairs[i, 0]
        y = pairs[i, 1]
        p = m.cells[x, L.C_FIRST]
        pe = p + m.cells[x, L.C_N]
        r = m.cells[y, L.C_FIRST]
        re = r + m.cells[y, L.C_N]
        while p < pe and r < re:
            e1 = frame_key(m, p)
            e2 = frame_key(m, r)
            if e1 == e2:
                u = np.int64(m.frames[p, L.F_PARENT])
                v = np.int64(m.frames[r, L.F_PARENT])
                if u != v:
                    known = False
                    for k in range(n):
                        if pairs[k, 0] == u and pairs[k, 1] == v:
                            known = True
                            break
                    if not known:
                        if n == len(done):
                            pairs2 = np.empty((2 * n, 2), dtype=np.int64)
                            pairs2[:n] = pairs
                            done2 = np.empty(2 * n, dtype=np.int64)
                            done2[:n] = done
                            pairs = pairs2
                            done = done2
                        pairs[n, 0] = u
                        pairs[n, 1] = v
                        done[n] = -1
                        n += 1
                p += 1
                r += 1
            elif e1 < e2:
                p += 1
            else:
                r += 1
        i += 1
    # parents are older than the cells above them, so the pair whose greater cell is least goes first
    for _ in range(n):
        best = -1
        for k in range(n):
            if done[k] < 0 and (best < 0 or max(pairs[k, 0], pairs[k, 1]) < max(pairs[best, 0], pairs[best, 1])):
                best = k
        x = pairs[best, 0]
        y = pairs[best, 1]
        p = m.cells[x, L.C_FIRST]
        pe = p + m.cells[x, L.C_N]
        r = m.cells[y, L.C_FIRST]
        re = r + m.cells[y, L.C_N]
        begin = m.used[L.M_FRAMES]
        if begin + (pe - p) + (re - r) > m.frames.shape[0]:
            return np.int64(-1)
        w = begin
        while p < pe or r < re:
            if r >= re or (p < pe and frame_key(m, p) < frame_key(m, r)):
                m.frames[w, L.F_EDGE] = m.frames[p, L.F_EDGE]
                m.frames[w, L.F_OFFSET] = m.frames[p, L.F_OFFSET]
                m.frames[w, L.F_PARENT] = m.frames[p, L.F_PARENT]
                p += 1
            elif p >= pe or frame_key(m, r) < frame_key(m, p):
                m.frames[w, L.F_EDGE] = m.frames[r, L.F_EDGE]
                m.frames[w, L.F_OFFSET] = m.frames[r, L.F_OFFSET]
                m.frames[w, L.F_PARENT] = m.frames[r, L.F_PARENT]
                r += 1
            else:
                u = np.int64(m.frames[p, L.F_PARENT])
                v = np.int64(m.frames[r, L.F_PARENT])
                merged = u
                if u != v:
                    for k in range(n):
                        if pairs[k, 0] == u and pairs[k, 1] == v:
                            merged = done[k]
                            break
                m.frames[w, L.F_EDGE] = m.frames[p, L.F_EDGE]
                m.frames[w, L.F_OFFSET] = m.frames[p, L.F_OFFSET]
                m.frames[w, L.F_PARENT] = merged
                p += 1
                r += 1
            w += 1
        cell = intern_cell(m, begin, w - begin)
        if cell < 0:
            return np.int64(-1)
        done[best] = cell
    return done[0]
