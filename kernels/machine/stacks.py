"""Stack cells: interned sets of (edge to go on with, parent cell, where its text begins); and the texts being read.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.tables import ask, mix, table_get, table_put


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def frames_hash(m, begin, n):
    """Hash of the frames at frames[begin : begin + n]."""
    h = np.int64(n)
    for k in range(begin, begin + n):
        h = mix(mix(h, np.int64(m.frames[k, L.F_EDGE])), np.int64(m.frames[k, L.F_PARENT]))
        if m.frames[k, L.F_OFFSET] >= 0:
            h = mix(h, np.int64(m.frames[k, L.F_OFFSET]))
    return h


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def intern_cell(m, begin, n):
    """Intern the cell whose frames lie at frames[begin : begin + n], past the used ones. -1: no room."""
    size = m.cellhash.shape[0]
    i = frames_hash(m, begin, n) & (size - 1)
    while m.cellhash[i] != 0:
        c = m.cellhash[i] - 1
        if m.cells[c, L.C_N] == n:
            first = m.cells[c, L.C_FIRST]
            same = True
            for k in range(n):
                if (
                    m.frames[first + k, L.F_EDGE] != m.frames[begin + k, L.F_EDGE]
                    or m.frames[first + k, L.F_PARENT] != m.frames[begin + k, L.F_PARENT]
                    or m.frames[first + k, L.F_OFFSET] != m.frames[begin + k, L.F_OFFSET]
                ):
                    same = False
                    break
            if same:
                return np.int64(c)
        i = (i + 1) & (size - 1)
    c = m.used[L.M_CELLS]
    if c >= m.cells.shape[0] or 2 * c >= size:
        return np.int64(-1)
    m.used[L.M_CELLS] = c + 1
    m.used[L.M_FRAMES] = begin + n
    m.cellhash[i] = c + 1
    m.cells[c, L.C_FIRST] = begin
    m.cells[c, L.C_N] = n
    m.cells[c, L.C_TAPE] = 0
    m.cells[c, L.C_BASE] = c
    opened = 0
    loops = 0
    least = np.int64(L.FAR)
    for k in range(begin, begin + n):
        e = m.frames[k, L.F_EDGE]
        if e < 0:
            least = np.int64(0)
        else:
            least = min(least, np.int64(m.edges[e, L.E_REST]) + m.cells[m.frames[k, L.F_PARENT], L.C_LEAST])
            if m.frames[k, L.F_OFFSET] >= 0 or m.cells[m.frames[k, L.F_PARENT], L.C_OPEN] == 1:
                opened = 1
            if m.cells[m.frames[k, L.F_PARENT], L.C_LOOPS] > 0:
                loops = 1
    m.cells[c, L.C_LEAST] = least
    m.cells[c, L.C_OPEN] = opened
    m.cells[c, L.C_LOOPS] = loops
    return c


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def cell_rehash(m, cellhash):
    size = cellhash.shape[0]
    for c in range(m.used[L.M_CELLS]):
        if m.cells[c, L.C_TAPE] > 0 or m.cells[c, L.C_LOOPS] == L.LOOP:
            continue
        i = frames_hash(m, np.int64(m.cells[c, L.C_FIRST]), np.int64(m.cells[c, L.C_N])) & (size - 1)
        while cellhash[i] != 0:
            i = (i + 1) & (size - 1)
        cellhash[i] = c + 1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def push_cell(m, edge, parent, offset):
    """The cell of the single frame (edge, parent, offset). -1: no room."""
    begin = m.used[L.M_FRAMES]
    if begin >= m.frames.shape[0]:
        return np.int64(-1)
    m.frames[begin, L.F_EDGE] = edge
    m.frames[begin, L.F_PARENT] = parent
    m.frames[begin, L.F_OFFSET] = offset
    return intern_cell(m, np.int64(begin), np.int64(1))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def view(m, cell, tape):
    """The view of an open cell with a tape; or L.ASK."""
    key = L.KEY_VIEW + np.int64(cell) * 4294967296 + tape
    c = table_get(m.next, key)
    if c >= 0:
        return c
    if 2 * m.used[L.M_NEXT] >= m.next.shape[0]:
        return ask(m, L.ASK_GROW, L.M_NEXT)
    c = m.used[L.M_CELLS]
    if c >= m.cells.shape[0]:
        return ask(m, L.ASK_GROW, L.M_CELLS)
    m.used[L.M_CELLS] = c + 1
    for k in range(m.cells.shape[1]):
        m.cells[c, k] = m.cells[cell, k]
    m.cells[c, L.C_TAPE] = tape
    table_put(m.next, key, c)
    m.used[L.M_NEXT] += 1
    return c


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def view_after(m, cell, byte):
    """The view of an open cell whose texts have read one more byte; or L.ASK."""
    tape = np.int64(m.cells[cell, L.C_TAPE])
    if tape == L.BLANK:
        return np.int64(cell)
    key = L.KEY_TAPE + tape * 256 + byte
    following = table_get(m.next, key)
    if following < 0:
        if 2 * m.used[L.M_NEXT] >= m.next.shape[0]:
            return ask(m, L.ASK_GROW, L.M_NEXT)
        following = m.used[L.M_TAPES]
        if following >= m.tapes.shape[0]:
            return ask(m, L.ASK_GROW, L.M_TAPES)
        m.used[L.M_TAPES] = following + 1
        m.tapes[following, L.P_PARENT] = tape
        m.tapes[following, L.P_BYTE] = byte
        m.tapes[following, L.P_LENGTH] = m.tapes[tape, L.P_LENGTH] + 1
        table_put(m.next, key, following)
        m.used[L.M_NEXT] += 1
    return view(m, np.int64(m.cells[cell, L.C_BASE]), np.int64(following))
