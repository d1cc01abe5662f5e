"""The minimal automaton of a sorted list of byte strings: Numba kernels.

Strings are added in order; what the next one does not share with the last one is closed, from its end on: a state
with the same edges is looked up in a register and taken in its place (Daciuk, Mihov, Watson and Watson,
"Incremental construction of minimal acyclic finite-state automata", 2000). So memory is that of the result.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.dfa.arrays import grown, mix


@njit(cache=True, nogil=True)
def hash_of(accepts, lo, hi, to, begin, end):
    """Hash of a state by its edges, under 2**32."""
    h = mix(np.int64(accepts) + 1)
    for k in range(begin, end):
        h = mix(h ^ (np.int64(to[k]) * 3 + 1))
        h = mix(h ^ (np.int64(lo[k]) * 256 + np.int64(hi[k])))
    return h


@njit(cache=True, nogil=True)
def minimal(data, start, order):
    """(first int32[n + 1], lo uint8[m], hi uint8[m], to int32[m], accept bool[n]) of the strings in ascending order.

    Args:
        data: uint8; string i is ``data[start[i] : start[i + 1]]``. order: int32[k], the strings ascending.
    """
    # closed states, in the order in which they were closed: children before parents
    first = np.zeros(1025, np.int64)
    accept = np.zeros(1024, np.bool_)
    lo, hi, to = np.empty(1024, np.uint8), np.empty(1024, np.uint8), np.empty(1024, np.int32)
    n = 0
    slots = np.full(4096, -1, np.int32)
    # edges of the open states, from the root down: those of depth d begin at opened[d]
    open_lo, open_hi, open_to = np.empty(1024, np.uint8), np.empty(1024, np.uint8), np.empty(1024, np.int32)
    longest = 0
    for i in range(len(order)):
        longest = max(longest, start[order[i] + 1] - start[order[i]])
    opened = np.zeros(longest + 2, np.int64)
    ends = np.zeros(longest + 1, np.bool_)
    top = 0
    depth = 0  # of the deepest open state
    last = np.int64(0)  # where the last string begins
    for i in range(len(order) + 1):
        if i < len(order):
            begin, length = start[order[i]], start[order[i] + 1] - start[order[i]]
            shared = 0
            while shared < length and shared < depth and data[begin + shared] == data[last + shared]:
                shared += 1
        else:
            begin, length, shared = np.int64(0), np.int64(0), -1
        while depth > shared:  # close the deepest state
            if top + 1 >= len(open_to):
                size = 2 * len(open_to)
                open_lo, open_hi, open_to = grown(open_lo, size), grown(open_hi, size), grown(open_to, size)
            a = opened[depth]
            h = hash_of(ends[depth], open_lo, open_hi, open_to, a, top)
            at = h & (len(slots) - 1)
            found = -1
            while slots[at] >= 0:
                s = slots[at]
                if first[s + 1] - first[s] == top - a and accept[s] == ends[depth]:
                    same = True
                    for k in range(top - a):
                        x = first[s] + k
                        if to[x] != open_to[a + k] or lo[x] != open_lo[a + k] or hi[x] != open_hi[a + k]:
                            same = False
                            break
                    if same:
                        found = s
                        break
                at = (at + 1) & (len(slots) - 1)
            if found < 0:
                m = first[n]
                if m + top - a > len(to):
                    size = max(2 * len(to), m + top - a)
                    lo, hi, to = grown(lo, size), grown(hi, size), grown(to, size)
                if n + 1 >= len(accept):
                    first, accept = grown(first, 2 * len(accept) + 1), grown(accept, 2 * len(accept))
                for k in range(top - a):
                    lo[m + k], hi[m + k], to[m + k] = open_lo[a + k], open_hi[a + k], open_to[a + k]
                accept[n] = ends[depth]
                first[n + 1] = m + top - a
                found = n
                slots[at] = n
                n += 1
                if 2 * n > len(slots):
                    slots = np.full(2 * len(slots), -1, np.int32)
                    for s in range(n):
                        at = hash_of(accept[s], lo, hi, to, first[s], first[s + 1]) & (len(slots) - 1)
                        while slots[at] >= 0:
                            at = (at + 1) & (len(slots) - 1)
                        slots[at] = s
            top = a
            depth -= 1
            if depth >= 0:  # the edge that leads to it; neighbours to one target are one interval
                byte = data[last + depth]
                if top > opened[depth] and open_to[top - 1] == found and np.int64(open_hi[top - 1]) + 1 == byte:
                    open_hi[top - 1] = byte
                else:
                    open_lo[top], open_hi[top], open_to[top] = byte, byte, found
                    top += 1
        if i < len(order):
            while depth < length:
                depth += 1
                opened[depth] = top
                ends[depth] = False
            ends[length] = True
            last = begin
    return reverse(first, lo, hi, to, accept, n)


@njit(cache=True, nogil=True)
def reverse(first, lo, hi, to, accept, n):
    """The states numbered from the last one down, so that the root is 0."""
    m = first[n]
    new_first = np.zeros(n + 1, np.int32)
    new_lo, new_hi, new_to = np.empty(m, np.uint8), np.empty(m, np.uint8), np.empty(m, np.int32)
    new_accept = np.empty(n, np.bool_)
    at = 0
    for s in range(n):
        old = n - 1 - s
        new_accept[s] = accept[old]
        for k in range(first[old], first[old + 1]):
            new_lo[at], new_hi[at], new_to[at] = lo[k], hi[k], n - 1 - to[k]
            at += 1
        new_first[s + 1] = at
    return new_first, new_lo, new_hi, new_to, new_accept


@njit(cache=True, nogil=True)
def distances(first, to, targets, far):
    """int32[n]: least edges from each state to one of the targets (bool[n]); ``far`` where there is no way.

    Breadth first, backwards over the edges sorted by their target.
    """
    n = len(targets)
    into = np.zeros(n + 1, np.int32)
    for e in range(len(to)):
        into[to[e] + 1] += 1
    for s in range(n):
        into[s + 1] += into[s]
    place = into[:n].copy()
    source = np.empty(len(to), np.int32)
    for s in range(n):
        for e in range(first[s], first[s + 1]):
            source[place[to[e]]] = s
            place[to[e]] += 1
    result = np.full(n, far, np.int32)
    queue = np.empty(n, np.int32)
    end = 0
    for s in range(n):
        if targets[s]:
            result[s] = 0
            queue[end] = s
            end += 1
    begin = 0
    while begin < end:
        s = queue[begin]
        begin += 1
        for k in range(into[s], into[s + 1]):
            p = source[k]
            if result[p] == far:
                result[p] = result[s] + 1
                queue[end] = p
                end += 1
    return result
