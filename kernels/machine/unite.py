"""One configuration for several, and where terminals can get: Numba kernels that only canvases ever compile."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.configs import intern_config
from structgen.kernels.machine.handles import machine_of, terminals_of
from structgen.kernels.machine.states import delta as delta_of
from structgen.kernels.machine.tables import ask, table_get, table_put, table_rehash


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def unite(terminals, machine, states):
    """The configuration with all items of all ``states`` (int32[*], none of them the one after EOS); or L.ASK.

    Its texts are those of any of them: a configuration is a set of items already, and cells that meet are united.
    """
    t, m = terminals_of(terminals), machine_of(machine)
    n = np.int64(0)
    accept = 0
    cap = m.work.shape[0]
    for i in range(len(states)):
        first = m.configs[states[i], L.K_FIRST]
        size = m.configs[states[i], L.K_N]
        if m.configs[states[i], L.K_ACCEPT] == 1:
            accept = 1
        if n + size > cap:
            return ask(m, L.ASK_GROW, L.M_WORK)
        for k in range(first, first + size):
            m.work[n, 0] = m.items[k, 0]
            m.work[n, 1] = m.items[k, 1]
            m.work[n, 2] = m.items[k, 2]
            n += 1
    return np.int64(intern_config(t, m, m.work, n, np.int64(accept)))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def intern_items(terminals, machine, items, accept):
    """The configuration of some items, int32[n, 3]; or L.ASK."""
    t, m = terminals_of(terminals), machine_of(machine)
    if len(items) > m.work.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    m.work[: len(items)] = items
    return np.int64(intern_config(t, m, m.work, np.int64(len(items)), np.int64(accept)))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def reach(t, q, at, delta):
    """Where a terminal may stand after some bytes of an automaton.

    Args:
        q: the terminal state.
        at: the state of the automaton.
        delta: int32[n, 256]; the automaton, -1 dead.

    Returns:
        True and pairs int32[*, 2] of terminal state and state of the automaton, after one byte or more; False: there
        is no room for a terminal state (grow T_Q and call again).
    """
    n = np.int64(delta.shape[0])
    table = np.zeros((64, 2), dtype=np.int64)
    pairs = np.empty((32, 2), dtype=np.int32)
    used = 0
    done = -1  # -1: the start, which is in the list only if it is met again
    while done < used:
        a = np.int64(q)
        b = np.int64(at)
        if done >= 0:
            a = np.int64(pairs[done, 0])
            b = np.int64(pairs[done, 1])
        done += 1
        for byte in range(256):
            if (t.qbytes[a, byte >> 6] >> np.uint64(byte & 63)) & np.uint64(1) == 0:
                continue
            then = np.int64(delta[b, byte])
            if then < 0:
                continue
            to = np.int64(delta_of(t, a, np.int64(byte)))
            if to == -2:
                return False, pairs[:0].copy()
            if to < 0:
                continue
            key = to * n + then
            if table_get(table, key) >= 0:
                continue
            if 2 * (used + 1) >= table.shape[0]:
                larger = np.zeros((4 * table.shape[0], 2), dtype=np.int64)
                table_rehash(table, larger)
                table = larger
            table_put(table, key, np.int64(used))
            if used >= pairs.shape[0]:
                more = np.empty((2 * used, 2), dtype=np.int32)
                more[:used] = pairs
                pairs = more
            pairs[used, 0] = to
            pairs[used, 1] = then
            used += 1
    return True, pairs[:used].copy()


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def restricted(t, q, ban):
    """What a ban leaves of a terminal state, -1: not known yet."""
    return np.int64(table_get(t.restnext, np.int64(L.KEY_BANNED) + np.int64(q) * 4294967296 + ban))
