"""Configurations: interned sets of items.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.stacks import view
from structgen.kernels.machine.tables import ask, mix
from structgen.kernels.machine.union import united

U1 = np.uint64(1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def sort_items(work, n):
    """Shell sort of work[:n] by its three columns; the lists are short and mostly in order."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            a = work[i, 0]
            b = work[i, 1]
            c = work[i, 2]
            j = i
            while j >= gap and (
                work[j - gap, 0] > a
                or (
                    work[j - gap, 0] == a and (work[j - gap, 1] > b or (work[j - gap, 1] == b and work[j - gap, 2] > c))
                )
            ):
                work[j, 0] = work[j - gap, 0]
                work[j, 1] = work[j - gap, 1]
                work[j, 2] = work[j - gap, 2]
                j -= gap
            work[j, 0] = a
            work[j, 1] = b
            work[j, 2] = c
        gap //= 3


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def same_tape(m, work, k, i):
    """Which of the last items of work[:k] has the state, edge and tape of item i; -1: none."""
    tape = m.cells[work[i, 2], L.C_TAPE]
    j = k - 1
    while j >= 0 and work[j, 0] == work[i, 0] and work[j, 1] == work[i, 1]:
        if m.cells[work[j, 2], L.C_TAPE] == tape:
            return j
        j -= 1
    return -1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def intern_config(t, m, work, n, accept):
    """Sort, merge and intern work[:n]; returns the configuration or L.ASK."""
    sort_items(work, n)
    k = np.int64(0)
    again = False
    for i in range(n):
        new = True
        if k > 0 and work[k - 1, 0] == work[i, 0] and work[k - 1, 1] == work[i, 1]:
            new = work[k - 1, 2] != work[i, 2]
            if new:
                # rare: only ambiguous grammars come here
                j = same_tape(m, work, k, i)
                if j >= 0:
                    tape = np.int64(m.cells[work[i, 2], L.C_TAPE])
                    a = np.int64(m.cells[work[j, 2], L.C_BASE])
                    b = np.int64(m.cells[work[i, 2], L.C_BASE])
                    cell = np.int64(united(m, a, b))
                    if cell < 0:
                        return cell
                    if tape > 0:
                        cell = np.int64(view(m, cell, tape))
                        if cell < 0:
                            return np.int64(L.ASK)
                    work[j, 2] = cell
                    new = False
                again = True
        if new:
            work[k, 0] = work[i, 0]
            work[k, 1] = work[i, 1]
            work[k, 2] = work[i, 2]
            k += 1
    n = k
    if again:
        sort_items(work, n)
    h = np.int64(n * 2 + accept)
    for i in range(n):
        h = mix(mix(mix(h, np.int64(work[i, 0])), np.int64(work[i, 1])), np.int64(work[i, 2]))
    size = m.confighash.shape[0]
    slot = h & (size - 1)
    while m.confighash[slot] != 0:
        c = m.confighash[slot] - 1
        if m.configs[c, L.K_N] == n and m.configs[c, L.K_ACCEPT] == accept:
            first = m.configs[c, L.K_FIRST]
            same = True
            for i in range(n):
                if (
                    m.items[first + i, 0] != work[i, 0]
                    or m.items[first + i, 1] != work[i, 1]
                    or m.items[first + i, 2] != work[i, 2]
                ):
                    same = False
                    break
            if same:
                return np.int64(c)
        slot = (slot + 1) & (size - 1)
    c = m.used[L.M_CONFIGS]
    if c >= m.configs.shape[0] or 2 * c >= size:
        return ask(m, L.ASK_GROW, L.M_CONFIGS)
    first = m.used[L.M_ITEMS]
    if first + n > m.items.shape[0]:
        return ask(m, L.ASK_GROW, L.M_ITEMS)
    m.used[L.M_CONFIGS] = c + 1
    m.used[L.M_ITEMS] = first + n
    m.confighash[slot] = c + 1
    m.configs[c, L.K_FIRST] = first
    m.configs[c, L.K_N] = n
    m.configs[c, L.K_ACCEPT] = accept
    m.configs[c, L.K_WORST] = -1
    for w in range(4):
        m.configbytes[c, w] = 0
    least = np.int64(0) if accept else np.int64(L.FAR)
    for i in range(n):
        q = work[i, 0]
        m.items[first + i, 0] = q
        m.items[first + i, 1] = work[i, 1]
        m.items[first + i, 2] = work[i, 2]
        for w in range(4):
            m.configbytes[c, w] |= t.qbytes[q, w]
        d = np.int64(t.q[q, L.Q_DIST]) + m.edges[work[i, 1], L.E_REST] + m.cells[work[i, 2], L.C_LEAST]
        least = min(least, d)
    m.configs[c, L.K_MIN] = least
    return c


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def config_rehash(m, confighash):
    """Fill a larger, zeroed table with every configuration but the one after EOS."""
    size = confighash.shape[0]
    for c in range(1, m.used[L.M_CONFIGS]):
        n = m.configs[c, L.K_N]
        first = m.configs[c, L.K_FIRST]
        h = np.int64(n * 2 + m.configs[c, L.K_ACCEPT])
        for i in range(first, first + n):
            h = mix(mix(mix(h, np.int64(m.items[i, 0])), np.int64(m.items[i, 1])), np.int64(m.items[i, 2]))
        slot = h & (size - 1)
        while confighash[slot] != 0:
            slot = (slot + 1) & (size - 1)
        confighash[slot] = c + 1


@njit(inline="always")
def blank_config(t, m, c):
    """Configuration c with blanks for the texts being read; or L.ASK."""
    first = m.configs[c, L.K_FIRST]
    n = np.int64(m.configs[c, L.K_N])
    if n > m.work.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    for i in range(n):
        cell = np.int64(m.items[first + i, L.I_CELL])
        if m.cells[cell, L.C_TAPE] > 0:
            cell = np.int64(view(m, np.int64(m.cells[cell, L.C_BASE]), np.int64(L.BLANK)))
            if cell < 0:
                return np.int64(L.ASK)
        m.work[i, 0] = m.items[first + i, L.I_Q]
        m.work[i, 1] = m.items[first + i, L.I_EDGE]
        m.work[i, 2] = cell
    return np.int64(intern_config(t, m, m.work, n, np.int64(m.configs[c, L.K_ACCEPT])))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def allows(m, c, byte):
    return (m.configbytes[c, byte >> 6] >> np.uint64(byte & 63)) & U1 == U1
