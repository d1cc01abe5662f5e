"""Union of stack cells, and cells put together from frames in any order.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.stacks import intern_cell
from structgen.kernels.machine.tables import ask, table_get, table_put


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def frame_key(m, k):
    """What frames of a cell are sorted by."""
    return np.int64(m.frames[k, L.F_EDGE]) * 4294967296 + m.frames[k, L.F_OFFSET]


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
                            done2 = np.empty(2 * n, dtype=np.int64)
                            for k in range(n):
                                pairs2[k, 0] = pairs[k, 0]
                                pairs2[k, 1] = pairs[k, 1]
                                done2[k] = done[k]
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


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def united(m, a, b):
    """The union of two cells, memoised; or L.ASK."""
    pair = min(a, b) * 4294967296 + max(a, b)
    cell = table_get(m.next, L.KEY_UNION + pair)
    if cell < 0:
        if 2 * m.used[L.M_NEXT] >= m.next.shape[0]:
            return ask(m, L.ASK_GROW, L.M_NEXT)
        if m.cells[a, L.C_LOOPS] > 0 or m.cells[b, L.C_LOOPS] > 0:
            return ask(m, L.ASK_UNION, pair)
        cell = np.int64(union_cells(m, a, b))
        if cell < 0:
            return ask(m, L.ASK_GROW, L.M_CELLS)
        table_put(m.next, L.KEY_UNION + pair, cell)
        m.used[L.M_NEXT] += 1
    return cell


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def add_frames(m, n, edge, cell, offset):
    """Note (edge, cell, offset), or where edge is L.WHOLE all frames of the cell, as frame n of a cell to be made.

    They lie in ``calls``, from its end down. Returns how many there are then, or L.ASK. See :func:`intern_noted`.
    """
    calls = m.calls
    first = np.int64(m.cells[cell, L.C_FIRST])
    size = np.int64(m.cells[cell, L.C_N]) if edge == L.WHOLE else np.int64(1)
    at = calls.shape[0] - 1 - n
    if at - size < m.used[L.CALLS]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    if edge != L.WHOLE:
        calls[at, 0] = edge
        calls[at, 1] = cell
        calls[at, 2] = offset
        return np.int64(n + 1)
    for k in range(first, first + size):
        for w in range(3):
            calls[at, w] = m.frames[k, w]
        at -= 1
    return np.int64(n + size)


@njit(inline="always")
def intern_noted(m, n):
    """The cell of n frames noted in any order, or L.ASK. Frames alike but for their parents are united."""
    calls = m.calls
    end = calls.shape[0] - 1
    for i in range(end - 1, end - n, -1):
        edge = calls[i, 0]
        parent = calls[i, 1]
        offset = calls[i, 2]
        j = i
        while j < end and (calls[j + 1, 0] > edge or (calls[j + 1, 0] == edge and calls[j + 1, 2] > offset)):
            for w in range(3):
                calls[j, w] = calls[j + 1, w]
            j += 1
        calls[j, 0] = edge
        calls[j, 1] = parent
        calls[j, 2] = offset
    last = end
    for i in range(end - 1, end - n, -1):
        if calls[i, 0] != calls[last, 0] or calls[i, 2] != calls[last, 2]:
            last -= 1
            for w in range(3):
                calls[last, w] = calls[i, w]
        elif calls[i, 1] != calls[last, 1]:
            cell = united(m, calls[i, 1], calls[last, 1])
            if cell < 0:
                return cell
            calls[last, 1] = cell
    begin = np.int64(m.used[L.M_FRAMES])
    n = end - last + 1
    if begin + n > m.frames.shape[0]:
        return ask(m, L.ASK_GROW, L.M_CELLS)
    for k in range(n):
        for w in range(3):
            m.frames[begin + k, w] = calls[end - k, w]
    cell = intern_cell(m, begin, n)
    return cell if cell >= 0 else ask(m, L.ASK_GROW, L.M_CELLS)
