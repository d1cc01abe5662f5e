"""Members of records: nodes that differ by the slots that have been filled, made without asking the caller.

See layout.py for the arrays, and ``Record`` in ir/network.py for what these nodes are. Every kernel is idempotent:
where something is missing it returns ASK, the caller serves the request and calls again.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.nodes import copy_edge, finish_node
from structgen.kernels.machine.tables import ask, mix, pair_get, pair_put

WORDS = L.MOST_SLOTS // 64


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def is_filled(m, s, slot):
    """Is a slot in set s?"""
    return (m.sets[s, L.S_BITS + (slot >> 6)] >> np.int64(slot & 63)) & 1 == 1


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def intern_set(m):
    """The set whose record and bits stand in the row of ``sets`` past the used ones; or L.ASK."""
    s = m.used[L.M_SETS]
    sets = m.sets
    record = sets[s, L.S_RECORD]
    h = np.int64(0)
    for w in range(L.S_BITS, L.S_COLS):
        h = mix(h, sets[s, w])
    key = record * 4294967296 + h
    head = pair_get(m.after, key, np.int64(L.KEY_SET))
    other = head
    while other >= 0:
        same = True
        for w in range(L.S_BITS, L.S_COLS):
            same = same and sets[other, w] == sets[s, w]
        if same:
            return other
        other = sets[other, L.S_CHAIN] - 1
    owed = np.int64(0)
    first = m.records[record, L.R_SLOTS]
    for slot in range(m.records[record, L.R_N]):
        if m.slots[first + slot, L.SLOT_REQUIRED] == 1 and not is_filled(m, s, slot):
            owed += m.slots[first + slot, L.SLOT_COST]
    sets[s, L.S_OWED] = min(owed, np.int64(L.FAR))
    if head >= 0:  # second in the chain
        sets[s, L.S_CHAIN] = sets[head, L.S_CHAIN]
        sets[head, L.S_CHAIN] = s + 1
    else:
        if 2 * m.used[L.M_AFTER] >= m.after.shape[0]:
            return ask(m, L.ASK_GROW, L.M_AFTER)
        sets[s, L.S_CHAIN] = 0
        pair_put(m.after, key, np.int64(L.KEY_SET), s)
        m.used[L.M_AFTER] += 1
    m.used[L.M_SETS] = s + 1
    return np.int64(s)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def with_slot(m, s, slot):
    """The set with one more slot, in the same record; or L.ASK."""
    new = m.used[L.M_SETS]
    if new >= m.sets.shape[0]:
        return ask(m, L.ASK_GROW, L.M_SETS)
    m.sets[new, L.S_RECORD] = m.sets[s, L.S_RECORD]
    for w in range(L.S_BITS, L.S_COLS):
        m.sets[new, w] = m.sets[s, w]
    m.sets[new, L.S_BITS + (slot >> 6)] |= np.int64(1) << np.int64(slot & 63)
    return intern_set(m)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def in_record(m, s, record):
    """The set of the same slots in another record of these; or L.ASK."""
    new = m.used[L.M_SETS]
    if new >= m.sets.shape[0]:
        return ask(m, L.ASK_GROW, L.M_SETS)
    m.sets[new, L.S_RECORD] = record
    for w in range(L.S_BITS, L.S_COLS):
        m.sets[new, w] = m.sets[s, w]
    return intern_set(m)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def least_after(m, s):
    """Least bytes from after BETWEEN to the end; FAR: nothing may follow."""
    record = m.sets[s, L.S_RECORD]
    lead = np.int64(m.records[record, L.R_LEAD])
    close = np.int64(m.records[record, L.R_CLOSE])
    if m.sets[s, L.S_OWED] > 0:
        return m.sets[s, L.S_OWED] + close - lead
    best = np.int64(m.records[record, L.R_SPARE])
    first = m.records[record, L.R_SLOTS]
    for k in range(m.records[record, L.R_N]):
        slot = m.slots[first + k, L.SLOT_CHEAP]
        if slot < 0:
            break
        if not is_filled(m, s, slot):
            best = min(best, m.slots[first + slot, L.SLOT_COST] + close - lead)
            break
    return best


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def member(t, m, s, place, slot):
    """The node at a place of set s (behind ``slot``, at VALUES and OUTLINE), made if it is new; or L.ASK."""
    key = np.int64(s) * 4294967296 + slot
    node = pair_get(m.after, key, np.int64(L.KEY_MEMBER - place))
    if node >= 0:
        return node
    record = m.records[m.sets[s, L.S_RECORD]]
    n = record[L.R_N]
    row = record[L.R_SLOTS] + slot
    room = n + record[L.R_NOWN] + 2
    if place >= L.VALUES:
        if m.slots[row, L.SLOT_FIRST] < 0:
            m.used[L.ASK_MORE] = slot
            return ask(m, L.ASK_VALUES, m.sets[s, L.S_RECORD])
        room = m.slots[row, L.SLOT_SIZE]
    if m.used[L.M_NODES] >= m.nodes.shape[0]:
        return ask(m, L.ASK_GROW, L.M_NODES)
    if m.used[L.M_EDGES] + 2 * room > m.edges.shape[0]:
        return ask(m, L.ASK_GROW, L.M_EDGES)
    if 2 * m.used[L.M_AFTER] >= m.after.shape[0]:
        return ask(m, L.ASK_GROW, L.M_AFTER)
    node = np.int64(m.used[L.M_NODES])
    m.used[L.M_NODES] = node + 1
    m.nodes[node, L.N_SET] = s + 1
    m.nodes[node, L.N_PLACE] = place
    m.nodes[node, L.N_SLOT] = slot
    begin = m.used[L.M_EDGES]
    end = begin
    owed = m.sets[s, L.S_OWED]
    if place == L.BETWEEN:
        more = least_after(m, s)
        if more < L.FAR:
            copy_edge(m.edges, np.int64(record[L.R_BETWEEN]), end, more)
            end += 1
        if owed == 0:
            copy_edge(m.edges, np.int64(record[L.R_BETWEEN]) + 1, end, np.int64(0))
            end += 1
    elif place == L.NAMES:
        for i in range(n):
            if not is_filled(m, s, i):
                copy_edge(m.edges, np.int64(record[L.R_NAMES]) + i, end, owed)
                end += 1
        for i in range(record[L.R_NOWN]):
            copy_edge(m.edges, np.int64(record[L.R_OWN]) + i, end, owed)
            end += 1
    else:
        more = owed + record[L.R_CLOSE]
        for i in range(m.slots[row, L.SLOT_SIZE]):
            copy_edge(m.edges, np.int64(m.slots[row, L.SLOT_FIRST]) + i, end, more)
            if place == L.OUTLINE:  # what follows depends on the text
                m.edges[end, L.E_TARGET] = L.TARGET_UNSURE
            end += 1
    finish_node(t, m, node, np.int64(0), np.int64(begin), np.int64(end))
    pair_put(m.after, key, np.int64(L.KEY_MEMBER - place), node)
    m.used[L.M_AFTER] += 1
    return node


@njit(inline="always")
def follow_slot(t, m, e):
    """Where an edge of a member leads, written into it; or L.ASK."""
    node = m.edges[e, L.E_NODE]
    slot = np.int64(L.TARGET_SLOT - m.edges[e, L.E_TARGET])
    s = np.int64(m.nodes[node, L.N_SET]) - 1
    place = m.nodes[node, L.N_PLACE]
    if place == L.BETWEEN:
        target = member(t, m, s, np.int64(L.NAMES), np.int64(0))
    elif place == L.VALUES:
        target = member(t, m, s, np.int64(L.BETWEEN), np.int64(0))
    elif m.edges[e, L.E_SHADOW] != L.SHADOW_NONE:
        record = m.sets[s, L.S_RECORD]
        blurred = np.int64(m.records[record, L.R_BLURRED])
        if blurred == L.BLURRED_UNKNOWN:
            return ask(m, L.ASK_BLURRED, record)
        if blurred >= 0:
            s = np.int64(in_record(m, s, blurred))
            if s < 0:
                return s
            target = member(t, m, s, np.int64(L.VALUES), slot)
        else:
            target = member(t, m, s, np.int64(L.OUTLINE), slot)
    else:
        s = np.int64(with_slot(m, s, slot))
        if s < 0:
            return s
        target = member(t, m, s, np.int64(L.VALUES), slot)
    if target >= 0:
        m.edges[e, L.E_TARGET] = target
    return np.int64(target)


@njit(inline="always")
def member_of(t, m, record, filled, place, slot):
    """The node at a place of a record whose filled slots are these (int64[WORDS]); or L.ASK."""
    new = m.used[L.M_SETS]
    if new >= m.sets.shape[0]:
        return ask(m, L.ASK_GROW, L.M_SETS)
    m.sets[new, L.S_RECORD] = record
    for w in range(WORDS):
        m.sets[new, L.S_BITS + w] = filled[w]
    s = intern_set(m)
    if s < 0:
        return s
    return member(t, m, np.int64(s), np.int64(place), np.int64(slot))
