"""All states of a machine over all tokens, as the arrays of an automaton: a Numba kernel.

See ``machine/layout.py`` for the machine's arrays. The kernel is idempotent: where something is missing it returns a
request, which is served, and is called again; the state that it was at is then walked again.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from structgen.kernels.dfa.arrays import mix
from structgen.kernels.machine import layout as L
from structgen.kernels.machine.closures import step
from structgen.kernels.machine.handles import machine_of, terminals_of

#: What the kernel returns besides L.ASK.
DONE, MORE_STATES, MORE_EDGES, MORE_ROWS, MORE_TABLES, MORE_NUMBERS = 0, 1, 2, 3, 4, 5
U1 = np.uint64(1)
#: Places in ``Work.used``.
STATES, WALKED, EDGES, ROWS, TABLES, DEGREE = 0, 1, 2, 3, 4, 5


class Work(NamedTuple):
    """The automaton as it grows, and scratch."""

    used: Any  # int64[8]
    number: Any  # int32[*]: number of each configuration, -1
    config: Any  # int32[*]: configuration of each number
    first: Any  # int64[* + 1]
    row: Any  # int32[*]
    default: Any  # int32[*]
    table: Any  # int32[*]
    tally: Any  # int32[*]: zeros
    tokens: Any  # int32[*]
    after: Any  # int32[*]
    rows: Any  # int32[*, W]
    rowhash: Any  # int32[power of 2]: row + 1, 0 is free
    tables: Any  # int32[*, V]
    reached: Any  # int32[V]: -1
    found: Any  # int32[V]
    bits: Any  # int32[W]
    stack: Any  # int64[longest + 2, 3]
    child_first: Any  # int32[nodes + 2]: children of the root, then of each trie node
    child_byte: Any  # uint8[nodes]
    child: Any  # int32[nodes]


@njit(cache=True, nogil=True)
def children(end, byte):
    """The children of every trie node side by side, where a walk jumps from one to the next.

    (first int32[nodes + 2], byte uint8[nodes], node int32[nodes]); entry 0 of ``first`` is the root.
    """
    n = len(end)
    first = np.zeros(n + 2, np.int32)
    child_byte, child = np.empty(n, np.uint8), np.empty(n, np.int32)
    at = 0
    for parent in range(-1, n):
        i = parent + 1
        stop = n if parent < 0 else end[parent]
        while i < stop:
            child_byte[at], child[at] = byte[i], i
            at += 1
            i = end[i]
        first[parent + 2] = at
    return first, child_byte, child


@njit(cache=True, nogil=True)
def numbered(w, c):
    """The number of a configuration; -1 where there is no room."""
    n = w.number[c]
    if n < 0:
        n = np.int32(w.used[STATES])
        if n >= len(w.config):
            return np.int32(-1)
        w.number[c] = n
        w.config[n] = c
        w.used[STATES] = n + 1
    return n


@njit(cache=True, nogil=True)
def walk(t, m, w, c, size):
    """The next state of every token from configuration c into ``reached``, the tokens into ``found``.

    Returns how many, or L.ASK, or -10 - what there is no room for.
    """
    n = 0
    depth = 0 if c > 0 else -1  # nothing but EOS follows the finished configuration, 0
    w.stack[0, 0], w.stack[0, 1], w.stack[0, 2] = w.child_first[0], w.child_first[1], c
    while depth >= 0:
        k = w.stack[depth, 0]
        if k == w.stack[depth, 1]:
            depth -= 1
            continue
        w.stack[depth, 0] = k + 1
        byte = np.int64(w.child_byte[k])
        # asked here as well, for a call with so many arrays costs more than the answer
        if (m.configbytes[w.stack[depth, 2], byte >> 6] >> np.uint64(byte & 63)) & U1 == 0:
            continue
        r = step(t, m, w.stack[depth, 2], byte)
        if r == L.ASK:
            return np.int64(L.ASK)
        if r < 0:
            continue
        node = w.child[k]
        if t.trietok[node + 1] > t.trietok[node]:
            if r >= len(w.number):
                return np.int64(-10 - MORE_NUMBERS)
            to = numbered(w, r)
            if to < 0:
                return np.int64(-10 - MORE_STATES)
            for j in range(t.trietok[node], t.trietok[node + 1]):
                w.reached[t.tokens[j]] = to
                w.found[n] = t.tokens[j]
                n += 1
        if w.child_first[node + 2] > w.child_first[node + 1]:
            depth += 1
            w.stack[depth, 0], w.stack[depth, 1] = w.child_first[node + 1], w.child_first[node + 2]
            w.stack[depth, 2] = r
    if m.configs[c, L.K_ACCEPT] == 1:
        for j in range(t.eos.shape[0]):
            w.reached[t.eos[j]] = 0
            w.found[n] = t.eos[j]
            n += 1
    return np.int64(n)


@njit(cache=True, nogil=True)
def same_row(w):
    """The row that equals ``bits``, made if there is none; -1 where there is no room."""
    h = np.int64(1)
    for k in range(len(w.bits)):
        h = mix(h ^ (np.int64(w.bits[k]) & 0xFFFFFFFF))
    at = h & (len(w.rowhash) - 1)
    while w.rowhash[at] > 0:
        r = w.rowhash[at] - 1
        same = True
        for k in range(len(w.bits)):
            if w.rows[r, k] != w.bits[k]:
                same = False
                break
        if same:
            return np.int64(r)
        at = (at + 1) & (len(w.rowhash) - 1)
    r = w.used[ROWS]
    if r >= w.rows.shape[0]:
        return np.int64(-1)
    w.rows[r] = w.bits
    w.rowhash[at] = r + 1
    w.used[ROWS] = r + 1
    return np.int64(r)


@njit(cache=True, nogil=True)
def keep(w, s, n, size, first_layer):
    """Write the n edges of state s in the form that takes the least memory. Returns 0 or what there is no room for."""
    most = np.int32(-1)
    width = len(w.bits)
    listed = n
    best = 8 * n
    form = 0
    if n * 8 > width * 4:  # a row may pay
        for k in range(n):
            to = w.reached[w.found[k]]
            w.tally[to] += 1
            if most < 0 or w.tally[to] > w.tally[most]:
                most = to
        common = w.tally[most]
        for k in range(n):
            w.tally[w.reached[w.found[k]]] = 0
        if 4 * width + 8 * (n - common) < best:
            best, form, listed = 4 * width + 8 * (n - common), 1, n - common
        if 4 * width + 4 * size < best or (first_layer and n * 16 > size):
            form, listed = 2, 0
    if w.used[EDGES] + listed > len(w.tokens):
        return MORE_EDGES
    r = np.int64(-1)
    if form > 0:
        w.bits[:] = 0
        for k in range(n):
            w.bits[w.found[k] >> 5] |= np.int32(1) << np.int32(w.found[k] & 31)
        r = same_row(w)
        if r < 0:
            return MORE_ROWS
    if form == 2:
        k = w.used[TABLES]
        if k >= w.tables.shape[0]:
            return MORE_TABLES
        w.tables[k] = -1
        for j in range(n):
            w.tables[k, w.found[j]] = w.reached[w.found[j]]
        w.used[TABLES] = k + 1
    w.row[s] = r
    w.default[s] = most if form == 1 else -1
    w.table[s] = w.used[TABLES] - 1 if form == 2 else -1
    e = w.used[EDGES]
    if form < 2:
        w.found[:n].sort()
        for k in range(n):
            token = w.found[k]
            if form == 0 or w.reached[token] != most:
                w.tokens[e] = token
                w.after[e] = w.reached[token]
                e += 1
    w.first[s + 1] = e
    w.used[EDGES] = e
    w.used[DEGREE] = max(w.used[DEGREE], listed)
    return DONE


@njit(cache=True, nogil=True)
def explore(terminals, machine, w, size):
    """Walk every state that is numbered and not walked yet, and those found on the way.

    Returns DONE, L.ASK, or what there is no room for.
    """
    t, m = terminals_of(terminals), machine_of(machine)
    while w.used[WALKED] < w.used[STATES]:
        s = w.used[WALKED]
        n = walk(t, m, w, np.int64(w.config[s]), size)
        if n == L.ASK:
            return np.int64(L.ASK)
        if n < 0:
            return -10 - n
        missing = keep(w, s, n, size, s == 1)
        if missing != DONE:
            return np.int64(missing)
        w.used[WALKED] = s + 1
    return np.int64(DONE)


@njit(cache=True, nogil=True)
def rehash(w):
    """Fill a zeroed ``rowhash`` with the rows there are."""
    for r in range(w.used[ROWS]):
        h = np.int64(1)
        for k in range(len(w.bits)):
            h = mix(h ^ (np.int64(w.rows[r, k]) & 0xFFFFFFFF))
        at = h & (len(w.rowhash) - 1)
        while w.rowhash[at] > 0:
            at = (at + 1) & (len(w.rowhash) - 1)
        w.rowhash[at] = r + 1
