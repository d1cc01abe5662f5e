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
def hash_of(accepts, edges, begin, end):
    """Hash of a state by its edges, under 2**32."""
    h = mix(np.int64(accepts) + 1)
    for k in range(begin, end):
        h = mix(h ^ edges[k])
    return h


@njit(cache=True, nogil=True)
def tag_of(h):
    """One byte of a hash, not zero, from other bits than those that say where it is looked for first."""
    return np.uint8(h >> 25) | np.uint8(1)


@njit(cache=True, nogil=True)
def minimal(data, start, order):
    """(first int32[n + 1], lo uint8[m], hi uint8[m], to int32[m], accept bool[n]) of the strings in ascending order.

    Args:
        data: uint8; string i is ``data[start[i] : start[i + 1]]``. order: int32[k], the strings ascending.
    """
    heads, edges, n = closed(data, start, order)
    return reverse(heads, edges, n)


@njit(cache=True, nogil=True)
def closed(data, start, order):
    """(heads int64[>= n + 1], edges int64[*], n): the states in the order in which they were closed, children first.

    State s has the edges ``heads[s] >> 1`` to ``heads[s + 1] >> 1`` and accepts if ``heads[s] & 1``; an edge is
    ``target << 16 | lo << 8 | hi``. So that a state is met by few accesses to memory: those are most of the time.
    """
    heads = np.zeros(1025, np.int64)
    edges = np.empty(1024, np.int64)
    n = 0
    slots, tags = np.empty(4096, np.int32), np.zeros(4096, np.uint8)  # tag 0: a free slot
    # edges of the open states, from the root down: those of depth d begin at opened[d]
    open_edges = np.empty(1024, np.int64)
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
            if top + 1 >= len(open_edges):
                open_edges = grown(open_edges, 2 * len(open_edges))
            a = opened[depth]
            accepts = np.int64(ends[depth])
            h = hash_of(accepts, open_edges, a, top)
            tag = tag_of(h)
            at = h & (len(tags) - 1)
            found = -1
            while tags[at] != 0:
                if tags[at] == tag:
                    s = np.int64(slots[at])
                    first = heads[s] >> 1
                    if heads[s] & 1 == accepts and (heads[s + 1] >> 1) - first == top - a:
                        same = True
                        for k in range(top - a):
                            if edges[first + k] != open_edges[a + k]:
                                same = False
                                break
                        if same:
                            found = s
                            break
                at = (at + 1) & (len(tags) - 1)
            if found < 0:
                m = heads[n] >> 1
                if m + top - a > len(edges):
                    edges = grown(edges, max(2 * len(edges), m + top - a))
                if n + 2 >= len(heads):
                    heads = grown(heads, 2 * len(heads))
                for k in range(top - a):
                    edges[m + k] = open_edges[a + k]
                heads[n] |= accepts
                heads[n + 1] = (m + top - a) << 1
                found = n
                slots[at] = n
                tags[at] = tag
                n += 1
                if 2 * n > len(tags):
                    slots, tags = np.empty(2 * len(tags), np.int32), np.zeros(2 * len(tags), np.uint8)
                    for s in range(n):
                        h = hash_of(heads[s] & 1, edges, heads[s] >> 1, heads[s + 1] >> 1)
                        at = h & (len(tags) - 1)
                        while tags[at] != 0:
                            at = (at + 1) & (len(tags) - 1)
                        slots[at] = s
                        tags[at] = tag_of(h)
            top = a
            depth -= 1
            if depth >= 0:  # the edge that leads to it; neighbours to one target are one interval
                byte = np.int64(data[last + depth])
                if top > opened[depth] and open_edges[top - 1] >> 16 == found:
                    if (open_edges[top - 1] & 255) + 1 == byte:
                        open_edges[top - 1] += 1
                        continue
                open_edges[top] = found << 16 | byte << 8 | byte
                top += 1
        if i < len(order):
            while depth < length:
                depth += 1
                opened[depth] = top
                ends[depth] = False
            ends[length] = True
            last = begin
    return heads, edges, n


@njit(cache=True, nogil=True)
def reverse(heads, edges, n):
    """The states numbered from the last one down, so that the root is 0. See ``minimal`` for the result."""
    m = heads[n] >> 1
    first = np.zeros(n + 1, np.int32)
    lo, hi, to = np.empty(m, np.uint8), np.empty(m, np.uint8), np.empty(m, np.int32)
    accept = np.empty(n, np.bool_)
    at = 0
    for s in range(n):
        old = n - 1 - s
        accept[s] = heads[old] & 1 == 1
        for k in range(heads[old] >> 1, heads[old + 1] >> 1):
            lo[at], hi[at], to[at] = (edges[k] >> 8) & 255, edges[k] & 255, n - 1 - (edges[k] >> 16)
            at += 1
        first[s + 1] = at
    return first, lo, hi, to, accept


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
