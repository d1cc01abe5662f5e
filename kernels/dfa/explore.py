"""Automata made state by state: subset construction, products, tries, expansion of symbols to strings.

Tables come back flat: int32[n * width], state x class -> state, -1 dead; the start is state 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.dfa.arrays import grown, mix


@njit(cache=True, nogil=True)
def determinize(
    width, edge_first, edge_set, edge_to, eps_first, eps_to, set_first, set_class, final, max_states, max_work
):
    """Subset construction. State 0 is the start; state q has the edges edge_first[q]..edge_first[q+1]-1, each
    over the classes of set edge_set[e] to edge_to[e], and the empty moves eps_first[q]..eps_first[q+1]-1.

    Returns (status, n, table, accept): table is flat, n * width. Status 0: done; 1: over max_states; 2: over
    max_work elementary steps.
    """
    n_nfa = len(final)
    mixed = np.empty(n_nfa, np.int64)
    matters = np.empty(n_nfa, np.bool_)  # has an edge or is final: the rest need not be in the sets
    for q in range(n_nfa):
        mixed[q] = mix(q + 1)
        matters[q] = final[q] or edge_first[q + 1] > edge_first[q]
    stamp = np.zeros(n_nfa, np.int64)
    clock = 0
    stack = np.empty(n_nfa, np.int32)
    made = np.empty(n_nfa, np.int32)
    capacity = 16
    members = np.empty(max(64, 2 * n_nfa), np.int32)
    begin = np.zeros(capacity + 1, np.int64)
    hashes = np.empty(capacity, np.int64)
    table = np.empty(capacity * width, np.int32)
    n_slots = 32
    slots = np.full(n_slots, -1, np.int32)
    head = np.empty(width, np.int32)
    cell_next = np.empty(64, np.int32)
    cell_to = np.empty(64, np.int32)
    n = 0
    work = 0
    status = 0
    current = -1  # the state whose moves are being followed; -1: the start set is being made
    while True:
        # the moves of `current` as one list of targets for each class
        for c in range(width):
            head[c] = -1
        n_cells = 0
        if current >= 0:
            for i in range(begin[current], begin[current + 1]):
                q = members[i]
                for e in range(edge_first[q], edge_first[q + 1]):
                    s = edge_set[e]
                    for j in range(set_first[s], set_first[s + 1]):
                        if n_cells == len(cell_to):
                            cell_to = grown(cell_to, 2 * n_cells)
                            cell_next = grown(cell_next, 2 * n_cells)
                        cell_to[n_cells] = edge_to[e]
                        cell_next[n_cells] = head[set_class[j]]
                        head[set_class[j]] = n_cells
                        n_cells += 1
            work += n_cells + 1
        last = -1  # the class before this one that had targets
        for c in range(width):
            if current < 0:
                if c > 0:
                    break
            else:
                if head[c] < 0:
                    table[current * width + c] = -1
                    continue
                if last >= 0:  # classes often come in runs with the same targets
                    a = head[c]
                    b = head[last]
                    while a >= 0 and b >= 0 and cell_to[a] == cell_to[b]:
                        a = cell_next[a]
                        b = cell_next[b]
                    if a < 0 and b < 0:
                        table[current * width + c] = table[current * width + last]
                        continue
                last = c
            # the closure of the targets
            clock += 1
            depth = 0
            if current < 0:
                stack[0] = 0
                depth = 1
                stamp[0] = clock
            else:
                a = head[c]
                while a >= 0:
                    q = cell_to[a]
                    if stamp[q] != clock:
                        stamp[q] = clock
                        stack[depth] = q
                        depth += 1
                    a = cell_next[a]
            size = 0
            h = 0
            while depth > 0:
                depth -= 1
                q = stack[depth]
                work += 1
                if matters[q]:
                    made[size] = q
                    size += 1
                    h += mixed[q]
                for j in range(eps_first[q], eps_first[q + 1]):
                    t = eps_to[j]
                    if stamp[t] != clock:
                        stamp[t] = clock
                        stack[depth] = t
                        depth += 1
            # `made` may list states that `stamp` also marks for skipped ones: compare by membership and size
            slot = mix(h & 0xFFFFFFFFFF) & (n_slots - 1)
            found = -1
            while slots[slot] >= 0:
                other = slots[slot]
                if hashes[other] == h and begin[other + 1] - begin[other] == size:
                    same = True
                    for i in range(begin[other], begin[other + 1]):
                        if stamp[members[i]] != clock:
                            same = False
                            break
                    work += size
                    if same:
                        found = other
                        break
                slot = (slot + 1) & (n_slots - 1)
            if found < 0:
                if n >= max_states:
                    status = 1
                    break
                if n == capacity:
                    capacity *= 2
                    hashes = grown(hashes, capacity)
                    begin = grown(begin, capacity + 1)
                    table = grown(table, capacity * width)
                if begin[n] + size > len(members):
                    members = grown(members, 2 * (begin[n] + size))
                for i in range(size):
                    members[begin[n] + i] = made[i]
                begin[n + 1] = begin[n] + size
                hashes[n] = h
                slots[slot] = n
                found = n
                n += 1
                if 2 * n > n_slots:
                    n_slots *= 4
                    slots = np.full(n_slots, -1, np.int32)
                    for i in range(n):
                        slot = mix(hashes[i] & 0xFFFFFFFFFF) & (n_slots - 1)
                        while slots[slot] >= 0:
                            slot = (slot + 1) & (n_slots - 1)
                        slots[slot] = i
            if current >= 0:
                table[current * width + c] = found
        if status == 0 and work > max_work:
            status = 2
        current += 1
        if status != 0 or current >= n:
            break
    accept = np.zeros(n, np.bool_)
    for s in range(n):
        for i in range(begin[s], begin[s + 1]):
            if final[members[i]]:
                accept[s] = True
    return status, n, table[: n * width].copy(), accept


@njit(cache=True, nogil=True)
def product(delta_a, accept_a, delta_b, accept_b, left, right, truth, max_states):
    """The reachable product of two automata over joint classes (see ``refine``).

    ``truth`` is a table of four bits: bit 2 * (in a) + (in b) says whether such a word is accepted; bit 0 is 0.
    Returns (status, n, table, accept) as ``determinize`` does.
    """
    width = len(left)
    side = len(accept_b) + 1
    need_a = (truth & 2) == 0  # no word outside a is accepted
    need_b = (truth & 4) == 0
    capacity = 16
    first = np.empty(capacity, np.int32)
    second = np.empty(capacity, np.int32)
    table = np.empty(capacity * width, np.int32)
    n_slots = 32
    slots = np.full(n_slots, -1, np.int32)
    n = 0
    status = 0
    current = -1
    while True:
        for c in range(width):
            if current < 0:
                if c > 0:
                    break
                p = 0
                q = 0
            else:
                p = -1
                q = -1
                if first[current] >= 0:
                    p = delta_a[first[current], left[c]]
                if second[current] >= 0:
                    q = delta_b[second[current], right[c]]
                if (p < 0 and (need_a or q < 0)) or (q < 0 and need_b):
                    table[current * width + c] = -1
                    continue
            slot = mix((np.int64(p + 1) * side + q + 1) & 0xFFFFFFFFFF) & (n_slots - 1)
            found = -1
            while slots[slot] >= 0:
                other = slots[slot]
                if first[other] == p and second[other] == q:
                    found = other
                    break
                slot = (slot + 1) & (n_slots - 1)
            if found < 0:
                if n >= max_states:
                    status = 1
                    break
                if n == capacity:
                    capacity *= 2
                    first = grown(first, capacity)
                    second = grown(second, capacity)
                    table = grown(table, capacity * width)
                first[n] = p
                second[n] = q
                slots[slot] = n
                found = n
                n += 1
                if 2 * n > n_slots:
                    n_slots *= 4
                    slots = np.full(n_slots, -1, np.int32)
                    for i in range(n):
                        code = (np.int64(first[i]) + 1) * side + second[i] + 1
                        slot = mix(code & 0xFFFFFFFFFF) & (n_slots - 1)
                        while slots[slot] >= 0:
                            slot = (slot + 1) & (n_slots - 1)
                        slots[slot] = i
            if current >= 0:
                table[current * width + c] = found
        current += 1
        if status != 0 or current >= n:
            break
    accept = np.zeros(n, np.bool_)
    for s in range(n):
        code = 0
        if first[s] >= 0 and accept_a[first[s]]:
            code += 2
        if second[s] >= 0 and accept_b[second[s]]:
            code += 1
        accept[s] = (truth >> code) & 1 == 1
    return status, n, table[: n * width].copy(), accept


@njit(cache=True, nogil=True)
def trie(codes, ends, width, max_states):
    """The tree of words given as classes: word w is codes[ends[w] : ends[w + 1]].

    Returns (n, table, accept) with table flat; n is -1 if there would be more than max_states nodes.
    """
    capacity = min(max_states, len(codes) + 1)
    table = np.full(capacity * width, -1, np.int32)
    accept = np.zeros(capacity, np.bool_)
    n = 1
    for w in range(len(ends) - 1):
        s = 0
        for i in range(ends[w], ends[w + 1]):
            t = table[s * width + codes[i]]
            if t < 0:
                if n == capacity:
                    return -1, table, accept
                t = n
                n += 1
                table[s * width + codes[i]] = t
            s = t
        accept[s] = True
    return n, table[: n * width].copy(), accept[:n].copy()


@njit(cache=True, nogil=True)
def expand_tree(delta, accept, child, max_states):
    """Replace each symbol of an automaton by the strings that a tree spells for its class.

    child[v, c]: what class c of the new alphabet leads to from tree node v: a class of ``delta`` (>= 0), ~w for
    node w, or less than -2**29 for nothing. Node 0 is the root. Returns (status, n, table, accept) as
    ``product`` does.
    """
    n_old = len(accept)
    n_nodes, width = child.shape
    # A node below which all is dead for a state is not entered: `alive` is made state by state.
    number = np.full(n_nodes, -1, np.int32)  # new state of (current old state, node)
    capacity = n_old + 16
    table = np.full(capacity * width, -1, np.int32)
    n = n_old
    todo = np.empty(n_nodes, np.int32)
    for s in range(n_old):
        size = 1
        todo[0] = 0
        number[0] = s
        done = 0
        while done < size:
            v = todo[done]
            done += 1
            row = number[v] * width
            for c in range(width):
                w = child[v, c]
                if w >= 0:
                    table[row + c] = delta[s, w]
                elif w > -(1 << 29):
                    w = ~w
                    if number[w] < 0:
                        if n >= max_states:
                            return 1, n, table, accept
                        if n == capacity:
                            old = capacity * width
                            capacity *= 2
                            table = grown(table, capacity * width)
                            for i in range(old, capacity * width):
                                table[i] = -1
                        number[w] = n
                        n += 1
                        todo[size] = w
                        size += 1
                    table[row + c] = number[w]
        for i in range(size):
            number[todo[i]] = -1
    final = np.zeros(n, np.bool_)
    for s in range(n_old):
        final[s] = accept[s]
    return 0, n, table[: n * width].copy(), final
