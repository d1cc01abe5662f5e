"""Automata in Numba. Every function takes plain arrays and numbers; ``naive.py`` says what each must return.

Tables are int32[n, m]: state x class -> state, -1 dead; the start is state 0. Hashes stay under 2**60, so that
the same code runs without overflow when Numba is switched off.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _mix(x):
    """A number under 2**32 that depends on every bit of x (x under 2**40)."""
    x = (x ^ (x >> 16)) & 0xFFFFFFFF
    x = (x * 0x45D9F3B) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return x ^ (x >> 16)


@njit(cache=True, nogil=True)
def _grown(array, size):
    """A copy of a one-dimensional array with room for ``size`` entries."""
    result = np.empty(size, array.dtype)
    for i in range(len(array)):
        result[i] = array[i]
    return result


@njit(cache=True, nogil=True)
def equal_columns(table):
    """For each column, the number of its content; contents are numbered as they first appear."""
    n, m = table.shape
    result = np.empty(m, np.int32)
    hashes = np.zeros(m, np.int64)
    for i in range(n):
        for c in range(m):
            hashes[c] = (hashes[c] * 1000003 + table[i, c] + 1) & 0xFFFFFFFFFF
    size = 4
    while size < 2 * m:
        size *= 2
    slots = np.full(size, -1, np.int32)
    known = 0
    for c in range(m):
        slot = _mix(hashes[c]) & (size - 1)
        while True:
            other = slots[slot]
            if other < 0:
                slots[slot] = c
                result[c] = known
                known += 1
                break
            if hashes[other] == hashes[c]:
                same = True
                for i in range(n):
                    if table[i, other] != table[i, c]:
                        same = False
                        break
                if same:
                    result[c] = result[other]
                    break
            slot = (slot + 1) & (size - 1)
    return result


@njit(cache=True, nogil=True)
def _split(elements, place, set_of, first, past, marked, touched, n_touched, n_sets):
    """Part every touched set into its marked and unmarked elements; the smaller part becomes the new set."""
    for w in range(n_touched):
        s = touched[w]
        middle = first[s] + marked[s]
        marked[s] = 0
        if middle == past[s]:
            continue
        if middle - first[s] <= past[s] - middle:
            first[n_sets] = first[s]
            past[n_sets] = middle
            first[s] = middle
        else:
            past[n_sets] = past[s]
            first[n_sets] = middle
            past[s] = middle
        for i in range(first[n_sets], past[n_sets]):
            set_of[elements[i]] = n_sets
        marked[n_sets] = 0
        n_sets += 1
    return n_sets


@njit(cache=True, nogil=True)
def _mark(element, elements, place, set_of, first, marked, touched, n_touched):
    """Move ``element`` to the marked front of its set."""
    s = set_of[element]
    i = place[element]
    j = first[s] + marked[s]
    if i < j:
        return n_touched
    other = elements[j]
    elements[i] = other
    place[other] = i
    elements[j] = element
    place[element] = j
    if marked[s] == 0:
        touched[n_touched] = s
        n_touched += 1
    marked[s] += 1
    return n_touched


@njit(cache=True, nogil=True)
def canonical(delta, accept):
    """The minimal trimmed automaton, numbered breadth first, with equal columns merged.

    Partition refinement over the transitions that lie between live states, after A. Valmari, "Fast brief
    practical DFA minimization", IPL 112 (2012): O(transitions * log states), dead transitions cost nothing.
    """
    n, m = delta.shape
    number = np.full(n, -1, np.int32)
    queue = np.empty(n, np.int32)
    number[0] = 0
    queue[0] = 0
    k = 1
    done = 0
    n_edges = 0
    while done < k:
        s = queue[done]
        done += 1
        for c in range(m):
            t = delta[s, c]
            if t >= 0:
                n_edges += 1
                if number[t] < 0:
                    number[t] = k
                    queue[k] = t
                    k += 1
    # edges grouped by their class, and an index of them by target
    tail = np.empty(n_edges, np.int32)
    head = np.empty(n_edges, np.int32)
    group = np.empty(n_edges, np.int32)
    at = np.zeros(m + 1, np.int64)
    for i in range(k):
        s = queue[i]
        for c in range(m):
            if delta[s, c] >= 0:
                at[c + 1] += 1
    for c in range(m):
        at[c + 1] += at[c]
    into = np.zeros(k + 2, np.int64)
    for i in range(k):
        s = queue[i]
        for c in range(m):
            t = delta[s, c]
            if t >= 0:
                e = at[c]
                at[c] += 1
                tail[e] = i
                head[e] = number[t]
                group[e] = c
                into[number[t] + 2] += 1
    for i in range(k + 1):
        into[i + 1] += into[i]
    by_head = np.empty(n_edges, np.int32)
    for e in range(n_edges):
        by_head[into[head[e] + 1]] = e
        into[head[e] + 1] += 1
    # live states: those from which an accepting one is reached
    live = np.zeros(k, np.bool_)
    stack = np.empty(k, np.int32)
    depth = 0
    for i in range(k):
        if accept[queue[i]]:
            live[i] = True
            stack[depth] = i
            depth += 1
    while depth > 0:
        depth -= 1
        i = stack[depth]
        for j in range(into[i], into[i + 1]):
            p = tail[by_head[j]]
            if not live[p]:
                live[p] = True
                stack[depth] = p
                depth += 1
    if not live[0]:
        return np.full((1, 1), -1, np.int32), np.zeros(1, np.bool_), np.zeros(m, np.int32)
    # The edges into dead states stay in their sets but are never marked from a live block: give them up by
    # compacting the list, then index again.
    kept = 0
    for e in range(n_edges):
        if live[head[e]]:
            tail[kept] = tail[e]
            head[kept] = head[e]
            group[kept] = group[e]
            kept += 1
    if kept < n_edges:
        n_edges = kept
        into[:] = 0
        for e in range(n_edges):
            into[head[e] + 2] += 1
        for i in range(k + 1):
            into[i + 1] += into[i]
        for e in range(n_edges):
            by_head[into[head[e] + 1]] = e
            into[head[e] + 1] += 1

    # the blocks of states: accepting, other live ones, dead ones
    size = max(k, n_edges) + 2
    touched = np.empty(size, np.int32)
    b_elements = np.empty(k, np.int32)
    b_place = np.empty(k, np.int32)
    b_set = np.zeros(k, np.int32)
    b_first = np.zeros(k + 2, np.int32)
    b_past = np.zeros(k + 2, np.int32)
    b_marked = np.zeros(k + 2, np.int32)
    for i in range(k):
        b_elements[i] = i
        b_place[i] = i
    b_past[0] = k
    n_blocks = 1
    n_touched = 0
    for i in range(k):
        if accept[queue[i]]:
            n_touched = _mark(i, b_elements, b_place, b_set, b_first, b_marked, touched, n_touched)
    n_blocks = _split(b_elements, b_place, b_set, b_first, b_past, b_marked, touched, n_touched, n_blocks)
    n_touched = 0
    for i in range(k):
        if not live[i]:
            n_touched = _mark(i, b_elements, b_place, b_set, b_first, b_marked, touched, n_touched)
    n_blocks = _split(b_elements, b_place, b_set, b_first, b_past, b_marked, touched, n_touched, n_blocks)
    # the sets of edges: one for each class that has any
    e_elements = np.empty(n_edges, np.int32)
    e_place = np.empty(n_edges, np.int32)
    e_set = np.zeros(n_edges, np.int32)
    e_first = np.zeros(n_edges + 2, np.int32)
    e_past = np.zeros(n_edges + 2, np.int32)
    e_marked = np.zeros(n_edges + 2, np.int32)
    n_sets = 0
    for e in range(n_edges):
        e_elements[e] = e
        e_place[e] = e
        if e == 0 or group[e] != group[e - 1]:
            e_first[n_sets] = e
            n_sets += 1
        e_past[n_sets - 1] = e + 1
        e_set[e] = n_sets - 1
    b = 1
    c = 0
    while c < n_sets:
        n_touched = 0
        for i in range(e_first[c], e_past[c]):
            n_touched = _mark(tail[e_elements[i]], b_elements, b_place, b_set, b_first, b_marked, touched, n_touched)
        n_blocks = _split(b_elements, b_place, b_set, b_first, b_past, b_marked, touched, n_touched, n_blocks)
        c += 1
        while b < n_blocks:
            n_touched = 0
            for i in range(b_first[b], b_past[b]):
                s = b_elements[i]
                for j in range(into[s], into[s + 1]):
                    n_touched = _mark(by_head[j], e_elements, e_place, e_set, e_first, e_marked, touched, n_touched)
            n_sets = _split(e_elements, e_place, e_set, e_first, e_past, e_marked, touched, n_touched, n_sets)
            b += 1

    # number the live blocks breadth first
    order = np.full(n_blocks, -1, np.int32)
    found = np.empty(n_blocks, np.int32)
    order[b_set[0]] = 0
    found[0] = b_set[0]
    k = 1
    done = 0
    table = np.full((n_blocks, m), -1, np.int32)
    while done < k:
        s = queue[b_elements[b_first[found[done]]]]
        for c in range(m):
            t = delta[s, c]
            if t >= 0 and live[number[t]]:
                block = b_set[number[t]]
                if order[block] < 0:
                    order[block] = k
                    found[k] = block
                    k += 1
                table[done, c] = order[block]
        done += 1
    final = np.empty(k, np.bool_)
    for i in range(k):
        final[i] = accept[queue[b_elements[b_first[found[i]]]]]
    columns = equal_columns(table[:k])
    width = 0
    for c in range(m):
        if columns[c] >= width:
            width = columns[c] + 1
    if width == m and k == n_blocks:
        return table, final, columns
    small = np.empty((k, width), np.int32)
    for c in range(m):
        for i in range(k):
            small[i, columns[c]] = table[i, c]
    return small, final, columns


@njit(cache=True, nogil=True)
def relabel(starts, classes, columns):
    """The intervals after class c has become columns[c]: neighbours of equal class are merged."""
    k = len(starts)
    new_starts = np.empty(k, np.int32)
    new_classes = np.empty(k, np.int32)
    size = 0
    for i in range(k):
        c = columns[classes[i]]
        if size == 0 or new_classes[size - 1] != c:
            new_starts[size] = starts[i]
            new_classes[size] = c
            size += 1
    return new_starts[:size].copy(), new_classes[:size].copy()


@njit(cache=True, nogil=True)
def refine(starts_a, classes_a, width_a, starts_b, classes_b, width_b):
    """The common refinement of two partitions of the alphabet.

    Returns (starts, classes, left, right): class c lies in class left[c] of a and right[c] of b; classes are
    numbered as they first appear.
    """
    na, nb = len(starts_a), len(starts_b)
    starts = np.empty(na + nb, np.int32)
    classes = np.empty(na + nb, np.int32)
    left = np.empty(na + nb, np.int32)
    right = np.empty(na + nb, np.int32)
    pair = np.full(width_a * width_b, -1, np.int32)
    i = 0
    j = 0
    size = 0
    known = 0
    while i < na or j < nb:
        if j >= nb or (i < na and starts_a[i] <= starts_b[j]):
            at = starts_a[i]
            if j < nb and starts_b[j] == at:
                j += 1
            i += 1
        else:
            at = starts_b[j]
            j += 1
        code = classes_a[i - 1] * width_b + classes_b[j - 1]
        if pair[code] < 0:
            pair[code] = known
            left[known] = classes_a[i - 1]
            right[known] = classes_b[j - 1]
            known += 1
        starts[size] = at
        classes[size] = pair[code]
        size += 1
    return starts[:size].copy(), classes[:size].copy(), left[:known].copy(), right[:known].copy()


@njit(cache=True, nogil=True)
def partition(bounds, lo, hi, first):
    """Classes of symbols that the sets do not tell apart.

    Set s is the union of the closed ranges lo[i]..hi[i], first[s] <= i < first[s+1], ascending and disjoint.
    ``bounds`` holds 0, every lo and every hi + 1, ascending. Returns (classes, set_first, set_class): the
    class of the interval from each bound, and the classes of each set.
    """
    k = len(bounds)
    n_sets = len(first) - 1
    inside = np.zeros((n_sets + 1, k), np.int32)
    for s in range(n_sets):
        b = 0
        for i in range(first[s], first[s + 1]):
            step = k - b  # binary search for lo[i]
            low = b
            high = k - 1
            while low < high:
                step = (low + high) // 2
                if bounds[step] < lo[i]:
                    low = step + 1
                else:
                    high = step
            b = low
            while b < k and bounds[b] <= hi[i]:
                inside[s, b] = 1
                b += 1
    classes = equal_columns(inside)
    width = 0
    for b in range(k):
        if classes[b] >= width:
            width = classes[b] + 1
    sample = np.zeros(width, np.int32)
    for b in range(k):
        sample[classes[b]] = b
    set_first = np.zeros(n_sets + 1, np.int32)
    for s in range(n_sets):
        count = 0
        for c in range(width):
            count += inside[s, sample[c]]
        set_first[s + 1] = set_first[s] + count
    set_class = np.empty(set_first[n_sets], np.int32)
    i = 0
    for s in range(n_sets):
        for c in range(width):
            if inside[s, sample[c]] == 1:
                set_class[i] = c
                i += 1
    return classes, set_first, set_class


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
        mixed[q] = _mix(q + 1)
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
                            cell_to = _grown(cell_to, 2 * n_cells)
                            cell_next = _grown(cell_next, 2 * n_cells)
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
            slot = _mix(h & 0xFFFFFFFFFF) & (n_slots - 1)
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
                    hashes = _grown(hashes, capacity)
                    begin = _grown(begin, capacity + 1)
                    table = _grown(table, capacity * width)
                if begin[n] + size > len(members):
                    members = _grown(members, 2 * (begin[n] + size))
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
                        slot = _mix(hashes[i] & 0xFFFFFFFFFF) & (n_slots - 1)
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
            slot = _mix((np.int64(p + 1) * side + q + 1) & 0xFFFFFFFFFF) & (n_slots - 1)
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
                    first = _grown(first, capacity)
                    second = _grown(second, capacity)
                    table = _grown(table, capacity * width)
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
                        slot = _mix(code & 0xFFFFFFFFFF) & (n_slots - 1)
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
def distances(delta, accept):
    """Least symbols from each state to an accepting one; 2**30 where there is no way. int32[n]."""
    n, m = delta.shape
    into = np.zeros(n + 2, np.int64)
    for s in range(n):
        for c in range(m):
            if delta[s, c] >= 0:
                into[delta[s, c] + 2] += 1
    for s in range(n + 1):
        into[s + 1] += into[s]
    sources = np.empty(into[n + 1], np.int32)
    for s in range(n):
        for c in range(m):
            t = delta[s, c]
            if t >= 0:
                sources[into[t + 1]] = s
                into[t + 1] += 1
    result = np.full(n, 1 << 30, np.int32)
    queue = np.empty(n, np.int32)
    size = 0
    for s in range(n):
        if accept[s]:
            result[s] = 0
            queue[size] = s
            size += 1
    done = 0
    while done < size:
        t = queue[done]
        done += 1
        for i in range(into[t], into[t + 1]):
            s = sources[i]
            if result[s] == 1 << 30:
                result[s] = result[t] + 1
                queue[size] = s
                size += 1
    return result


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
                            table = _grown(table, capacity * width)
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


@njit(cache=True, nogil=True)
def sparse_rows(starts, classes, delta, alphabet):
    """The edges of each state as intervals of symbols, neighbours with equal targets merged.

    Returns (first, lo, hi, to): int32[n + 1] and int32[m] each.
    """
    n = delta.shape[0]
    k = len(starts)
    first = np.zeros(n + 1, np.int32)
    for s in range(n):
        count = 0
        previous = -1
        for i in range(k):
            t = delta[s, classes[i]]
            if t >= 0 and t != previous:
                count += 1
            previous = t
        first[s + 1] = first[s] + count
    size = first[n]
    lo = np.empty(size, np.int32)
    hi = np.empty(size, np.int32)
    to = np.empty(size, np.int32)
    e = -1
    for s in range(n):
        previous = -1
        for i in range(k):
            t = delta[s, classes[i]]
            if t >= 0:
                if t != previous:
                    e += 1
                    lo[e] = starts[i]
                    to[e] = t
                if i + 1 < k:
                    hi[e] = starts[i + 1] - 1
                else:
                    hi[e] = alphabet - 1
            previous = t
    return first, lo, hi, to
