"""The canonical form of an automaton, and distances to acceptance.

Tables are int32[n, m]: state x class -> state, -1 dead; the start is state 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.dfa.classes import equal_columns

# The rows of a refinable partition, int32[6, size]: the elements, set after set with the marked ones in front;
# where each element stands in that list; the set of each element; and for each set where it begins, where it
# ends, and how many elements are marked. One array, because each array argument costs compile time.
ELEMENT, PLACE, SET, FIRST, PAST, MARKED = range(6)


@njit(cache=True, nogil=True, no_cpython_wrapper=True, inline="always")
def _split(parts, touched, n_touched, n_sets):
    """Part every touched set into its marked and unmarked elements; the smaller part becomes the new set."""
    for w in range(n_touched):
        s = touched[w]
        first = parts[FIRST, s]
        past = parts[PAST, s]
        middle = first + parts[MARKED, s]
        parts[MARKED, s] = 0
        if middle == past:
            continue
        if middle - first <= past - middle:
            parts[FIRST, s] = middle
            past = middle
        else:
            parts[PAST, s] = middle
            first = middle
        parts[FIRST, n_sets] = first
        parts[PAST, n_sets] = past
        for i in range(first, past):
            parts[SET, parts[ELEMENT, i]] = n_sets
        n_sets += 1
    return n_sets


@njit(cache=True, nogil=True, no_cpython_wrapper=True, inline="always")
def _mark(element, parts, touched, n_touched):
    """Move ``element`` to the marked front of its set; a set marked for the first time is listed as touched."""
    s = parts[SET, element]
    i = parts[PLACE, element]
    j = parts[FIRST, s] + parts[MARKED, s]
    if i < j:
        return n_touched
    other = parts[ELEMENT, j]
    parts[ELEMENT, i] = other
    parts[PLACE, other] = i
    parts[ELEMENT, j] = element
    parts[PLACE, element] = j
    if parts[MARKED, s] == 0:
        touched[n_touched] = s
        n_touched += 1
    parts[MARKED, s] += 1
    return n_touched


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def _index(head, n):
    """The edges by target: those into state t are ``order[first[t]] .. order[first[t + 1] - 1]``."""
    first = np.zeros(n + 2, np.int64)
    for t in head:
        first[t + 2] += 1
    for t in range(n):
        first[t + 2] += first[t + 1]
    order = np.empty(len(head), np.int32)
    for e in range(len(head)):
        t = head[e]
        order[first[t + 1]] = e
        first[t + 1] += 1
    return first, order


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def _reached(delta):
    """States in breadth-first order and the edges between them, grouped by class.

    Returns (states, tail, head, group): tail and head are places in ``states``, group is the class.
    """
    n, m = delta.shape
    number = np.full(n, -1, np.int32)
    states = np.empty(n, np.int32)
    number[0] = 0
    states[0] = 0
    k = 1
    done = 0
    at = np.zeros(m + 1, np.int64)
    while done < k:
        s = states[done]
        done += 1
        for c in range(m):
            t = delta[s, c]
            if t >= 0:
                at[c + 1] += 1
                if number[t] < 0:
                    number[t] = k
                    states[k] = t
                    k += 1
    for c in range(m):
        at[c + 1] += at[c]
    tail = np.empty(at[m], np.int32)
    head = np.empty(at[m], np.int32)
    group = np.empty(at[m], np.int32)
    for i in range(k):
        for c in range(m):
            t = delta[states[i], c]
            if t >= 0:
                e = at[c]
                at[c] += 1
                tail[e] = i
                head[e] = number[t]
                group[e] = c
    return states[:k], tail, head, group


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def _last_first(n, tail, n_edges, into, by_head):
    """The states of an automaton without cycles, each behind all to which its edges lead; fewer where there are any.

    Args:
        tail: sources of the edges, of which the first ``n_edges`` count.
        into, by_head: see :func:`_index`.
    """
    left = np.zeros(n, np.int32)
    for e in range(n_edges):
        left[tail[e]] += 1
    order = np.empty(n, np.int32)
    size = 0
    for s in range(n):
        if left[s] == 0:
            order[size] = s
            size += 1
    done = 0
    while done < size:
        t = order[done]
        done += 1
        for j in range(into[t], into[t + 1]):
            s = tail[by_head[j]]
            left[s] -= 1
            if left[s] == 0:
                order[size] = s
                size += 1
    return order[:size]


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def _merged(order, delta, rows, number, n_final):
    """The classes of equal states of an automaton without cycles, taken in an order in which targets come first.

    Args:
        order: see :func:`_last_first`.
        rows: int32[n], the row of each state in ``delta``.
        number: int32[*], the state of each row, -1 where it is not live.
        n_final: states below this accept.

    Returns the class of each state, and a state of each class. After D. Revuz, "Minimisation of acyclic deterministic
    automata in linear time", TCS 92 (1992), with a hash table in place of sorting.
    """
    n = len(order)
    m = delta.shape[1]
    classes = np.empty(n, np.int32)
    members = np.empty(n, np.int32)
    count = 0
    size = 16
    while size < 2 * n:
        size *= 2
    table = np.zeros(size, np.int32)
    row = np.empty(m, np.int32)
    for s in order:
        h = np.int64(s < n_final)
        for c in range(m):
            t = delta[rows[s], c]
            row[c] = classes[number[t]] if t >= 0 and number[t] >= 0 else -1
            h = (((h ^ (h >> 15)) * 739982445) + row[c] + 1) & 0x7FFFFFFF
        slot = h & (size - 1)
        while table[slot] > 0:
            other = members[table[slot] - 1]
            same = (s < n_final) == (other < n_final)
            for c in range(m):
                if not same:
                    break
                t = delta[rows[other], c]
                same = row[c] == (classes[number[t]] if t >= 0 and number[t] >= 0 else -1)
            if same:
                break
            slot = (slot + 1) & (size - 1)
        if table[slot] == 0:
            members[count] = s
            count += 1
            table[slot] = count
        classes[s] = table[slot] - 1
    return classes, members[:count]


@njit(cache=True, nogil=True, no_cpython_wrapper=True)
def _refined(n, n_final, tail, group, n_edges, into, by_head):
    """The classes of equal states: the class of each, and a state of each class.

    Partition refinement over the edges, which come group by group; see :func:`canonical`.
    """
    touched = np.empty(max(n, n_edges) + 2, np.int32)
    blocks = np.zeros((6, n + 2), np.int32)
    blocks[PAST, 0] = n_final
    n_blocks = 1
    if n > n_final:
        blocks[FIRST, 1] = n_final
        blocks[PAST, 1] = n
        n_blocks = 2
    for i in range(n):
        blocks[ELEMENT, i] = i
        blocks[PLACE, i] = i
        if i >= n_final:
            blocks[SET, i] = 1
    # the sets of edges: one for each class of symbols that has any
    edges = np.zeros((6, n_edges + 2), np.int32)
    n_sets = 0
    for e in range(n_edges):
        edges[ELEMENT, e] = e
        edges[PLACE, e] = e
        if e == 0 or group[e] != group[e - 1]:
            edges[FIRST, n_sets] = e
            n_sets += 1
        edges[PAST, n_sets - 1] = e + 1
        edges[SET, e] = n_sets - 1
    b = 1
    c = 0
    while c < n_sets:
        n_touched = 0
        for i in range(edges[FIRST, c], edges[PAST, c]):
            n_touched = _mark(tail[edges[ELEMENT, i]], blocks, touched, n_touched)
        n_blocks = _split(blocks, touched, n_touched, n_blocks)
        c += 1
        while b < n_blocks:
            n_touched = 0
            for i in range(blocks[FIRST, b], blocks[PAST, b]):
                s = blocks[ELEMENT, i]
                for j in range(into[s], into[s + 1]):
                    n_touched = _mark(by_head[j], edges, touched, n_touched)
            n_sets = _split(edges, touched, n_touched, n_sets)
            b += 1
    classes = np.empty(n, np.int32)
    members = np.empty(n_blocks, np.int32)
    for i in range(n):
        classes[i] = blocks[SET, i]
    for b in range(n_blocks):
        members[b] = blocks[ELEMENT, blocks[FIRST, b]]
    return classes, members


@njit(cache=True, nogil=True)
def canonical(delta, accept):
    """The minimal trimmed automaton, numbered breadth first, with equal columns merged.

    Partition refinement over the transitions that lie between live states, after A. Valmari, "Fast brief
    practical DFA minimization", IPL 112 (2012): O(transitions * log states), dead transitions cost nothing. Where the
    language is finite, live states are merged from the last ones on, in linear time.
    """
    m = delta.shape[1]
    states, tail, head, group = _reached(delta)
    k = len(states)
    into, by_head = _index(head, k)
    # live states, those from which an accepting one is reached, are listed: accepting ones first
    place = np.full(k, -1, np.int32)
    live = np.empty(k, np.int32)
    n = 0
    for i in range(k):
        if accept[states[i]]:
            place[i] = n
            live[n] = i
            n += 1
    n_final = n
    done = 0
    while done < n:
        t = live[done]
        done += 1
        for j in range(into[t], into[t + 1]):
            i = tail[by_head[j]]
            if place[i] < 0:
                place[i] = n
                live[n] = i
                n += 1
    if place[0] < 0:
        return np.full((1, 1), -1, np.int32), np.zeros(1, np.bool_), np.zeros(m, np.int32)
    n_edges = 0
    loops = False
    for e in range(len(tail)):
        if place[head[e]] >= 0:
            loops = loops or head[e] == tail[e]
            tail[n_edges] = place[tail[e]]
            head[n_edges] = place[head[e]]
            group[n_edges] = group[e]
            n_edges += 1
    into, by_head = _index(head[:n_edges], n)
    number = np.full(delta.shape[0], -1, np.int32)  # the live place of each state
    for i in range(k):
        number[states[i]] = place[i]
    order = live[:0] if loops else _last_first(n, tail, n_edges, into, by_head)
    if len(order) == n:
        blocks, members = _merged(order, delta, states[live[:n]], number, n_final)
    else:
        blocks, members = _refined(n, n_final, tail, group, n_edges, into, by_head)
    n_blocks = len(members)

    # number the blocks breadth first
    order = np.full(n_blocks, -1, np.int32)
    found = np.empty(n_blocks, np.int32)
    first = blocks[place[0]]
    order[first] = 0
    found[0] = first
    k = 1
    table = np.full((n_blocks, m), -1, np.int32)
    final = np.empty(n_blocks, np.bool_)
    for done in range(n_blocks):
        s = members[found[done]]
        final[done] = s < n_final
        s = states[live[s]]
        for c in range(m):
            t = delta[s, c]
            if t >= 0 and number[t] >= 0:
                block = blocks[number[t]]
                if order[block] < 0:
                    order[block] = k
                    found[k] = block
                    k += 1
                table[done, c] = order[block]
    columns = equal_columns(table)
    width = 0
    for c in columns:
        width = max(width, c + 1)
    if width == m:
        return table, final, columns
    small = np.empty((n_blocks, width), np.int32)
    for c in range(m):
        for i in range(n_blocks):
            small[i, columns[c]] = table[i, c]
    return small, final, columns


@njit(cache=True, nogil=True)
def distances(delta, accept):
    """Least symbols from each state to an accepting one; 2**30 where there is no way. int32[n].

    Every state must be reachable from state 0.
    """
    states, tail, head, _ = _reached(delta)
    into, by_head = _index(head, len(states))
    result = np.full(len(delta), 1 << 30, np.int32)
    queue = np.empty(len(states), np.int32)
    size = 0
    for i in range(len(states)):
        if accept[states[i]]:
            result[states[i]] = 0
            queue[size] = i
            size += 1
    done = 0
    while done < size:
        t = queue[done]
        done += 1
        for j in range(into[t], into[t + 1]):
            i = tail[by_head[j]]
            if result[states[i]] == 1 << 30:
                result[states[i]] = result[states[t]] + 1
                queue[size] = i
                size += 1
    return result
