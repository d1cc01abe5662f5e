"""The token graph of a byte automaton: Numba kernels.

Tokens that lead every state to the same state are one *class*. The trie is walked once for all states: at each node
stand the pairs (state it began in, state it is in now) that are still alive.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

M31 = np.int64(0x7FFFFFFF)


@njit(cache=True, nogil=True)
def mix(h, x):
    """Take x (under 2**31) into a 31-bit hash h. Products stay under 2**62, so plain Python computes the same."""
    h = (h ^ x) * np.int64(0x61C88647)
    h = (h ^ (h >> np.int64(31))) & M31
    h = h * np.int64(0x45D9F3B1)
    return (h ^ (h >> np.int64(31))) & M31


@njit(cache=True, nogil=True)
def token_columns(delta, classes, byte, end, depth, token_first, tokens, max_depth, size, max_pairs):
    """The classes of tokens and what each does to every state.

    Args:
        delta: int32[n, m]; state x class of bytes -> state, -1 dead.
        classes: int32[256]; the class of each byte.
        byte, end, depth, token_first, tokens: the trie, see structgen.masks.trie.
        max_depth: the greatest depth.
        size: number of ids.
        max_pairs: give up when the columns hold more pairs than this.

    Returns:
        token_class int32[size]: -1 where no state allows the token; first int64[k + 1]; states, targets int32[*]:
        column c is the pairs (states[i], targets[i]) for i in first[c] .. first[c + 1] - 1, states ascending.
        An empty ``first`` means that there were too many pairs.
    """
    n = delta.shape[0]
    token_class = np.full(size, -1, dtype=np.int32)
    origin = np.empty((max_depth + 1, n), dtype=np.int32)
    at = np.empty((max_depth + 1, n), dtype=np.int32)
    count = np.zeros(max_depth + 1, dtype=np.int64)
    for s in range(n):
        origin[0, s] = s
        at[0, s] = s
    count[0] = n
    states = np.empty(1024, dtype=np.int32)
    targets = np.empty(1024, dtype=np.int32)
    first = np.zeros(65, dtype=np.int64)
    hashes = np.zeros(64, dtype=np.int64)
    slots = np.full(256, -1, dtype=np.int32)
    k = 0
    i = 0
    n_nodes = len(byte)
    while i < n_nodes:
        d = depth[i]
        c = classes[byte[i]]
        alive = 0
        for j in range(count[d - 1]):
            to = delta[at[d - 1, j], c]
            if to >= 0:
                origin[d, alive] = origin[d - 1, j]
                at[d, alive] = to
                alive += 1
        count[d] = alive
        if alive == 0:
            i = end[i]
            continue
        if token_first[i + 1] > token_first[i]:
            h = np.int64(alive & 0x7FFFFFFF)
            for j in range(alive):
                h = mix(mix(h, np.int64(origin[d, j])), np.int64(at[d, j]))
            slot = h & (len(slots) - 1)
            found = -1
            while slots[slot] >= 0:
                other = slots[slot]
                if hashes[other] == h and first[other + 1] - first[other] == alive:
                    same = True
                    base = first[other]
                    for j in range(alive):
                        if states[base + j] != origin[d, j] or targets[base + j] != at[d, j]:
                            same = False
                            break
                    if same:
                        found = other
                        break
                slot = (slot + 1) & (len(slots) - 1)
            if found < 0:
                base = first[k]
                if base + alive > max_pairs:
                    return token_class, first[:0], states[:0], targets[:0]
                while base + alive > len(states):
                    more = np.empty(2 * len(states), dtype=np.int32)
                    more[: len(states)] = states
                    states = more
                    more = np.empty(2 * len(targets), dtype=np.int32)
                    more[: len(targets)] = targets
                    targets = more
                states[base : base + alive] = origin[d, :alive]
                targets[base : base + alive] = at[d, :alive]
                found = k
                slots[slot] = k
                hashes[k] = h
                k += 1
                first[k] = base + alive
                if k + 1 >= len(hashes):
                    wider = np.zeros(2 * len(hashes), dtype=np.int64)
                    wider[: len(hashes)] = hashes
                    hashes = wider
                    wider = np.zeros(2 * len(hashes) + 1, dtype=np.int64)
                    wider[: k + 1] = first[: k + 1]
                    first = wider
                if 4 * k > len(slots):
                    slots = np.full(4 * len(slots), -1, dtype=np.int32)
                    for other in range(k):
                        slot = hashes[other] & (len(slots) - 1)
                        while slots[slot] >= 0:
                            slot = (slot + 1) & (len(slots) - 1)
                        slots[slot] = other
            for j in range(token_first[i], token_first[i + 1]):
                token_class[tokens[j]] = found
        i += 1
    return token_class, first[: k + 1], states[: first[k]], targets[: first[k]]


@njit(cache=True, nogil=True)
def by_state(first, states, targets, n):
    """The columns as rows: for each state its classes, ascending, and where they lead.

    Returns row_first int64[n + 1], row_class int32[*], row_to int32[*].
    """
    k = len(first) - 1
    row_first = np.zeros(n + 1, dtype=np.int64)
    for i in range(len(states)):
        row_first[states[i] + 1] += 1
    for s in range(n):
        row_first[s + 1] += row_first[s]
    fill = row_first[:-1].copy()
    row_class = np.empty(len(states), dtype=np.int32)
    row_to = np.empty(len(states), dtype=np.int32)
    for c in range(k):
        for i in range(first[c], first[c + 1]):
            at = fill[states[i]]
            row_class[at] = c
            row_to[at] = targets[i]
            fill[states[i]] = at + 1
    return row_first, row_class, row_to


@njit(cache=True, nogil=True)
def neighbours(row_first, row_to):
    """For each state the different states that its edges lead to.

    Returns first int64[n + 1], to int32[*].
    """
    n = len(row_first) - 1
    first = np.zeros(n + 1, dtype=np.int64)
    to = np.empty(len(row_to), dtype=np.int32)
    seen = np.full(n, -1, dtype=np.int32)
    used = 0
    for s in range(n):
        for i in range(row_first[s], row_first[s + 1]):
            if seen[row_to[i]] != s:
                seen[row_to[i]] = s
                to[used] = row_to[i]
                used += 1
        first[s + 1] = used
    return first, to[:used].copy()


@njit(cache=True, nogil=True)
def bundles(row_first, row_class, row_to):
    """The edges of each state by where they lead; classes that lead from one state to another are a bundle.

    Many pairs of states have the same bundle, which is kept once.

    Returns:
        pair_first int64[n + 1], pair_bundle int32[*], pair_to int32[*]: for each state its different targets;
        bundle_first int64[k + 1], bundle_class int32[*]: the classes of each bundle, ascending.
    """
    n = len(row_first) - 1
    edges = len(row_to)
    pair_first = np.zeros(n + 1, dtype=np.int64)
    pair_to = np.empty(edges, dtype=np.int32)
    pair_of = np.empty(edges, dtype=np.int32)
    sizes = np.zeros(edges + 1, dtype=np.int64)
    hashes = np.zeros(edges, dtype=np.int64)
    seen = np.full(n, -1, dtype=np.int32)
    used = 0
    for s in range(n):
        for i in range(row_first[s], row_first[s + 1]):
            pair = seen[row_to[i]]
            if pair < pair_first[s]:
                pair = seen[row_to[i]] = used
                pair_to[used] = row_to[i]
                used += 1
            pair_of[i] = pair
            sizes[pair + 1] += 1
            hashes[pair] = (hashes[pair] * 1000003 + row_class[i] + 1) & 0x3FFFFFFF
        pair_first[s + 1] = used
    for pair in range(used):
        sizes[pair + 1] += sizes[pair]
    fill = sizes[:used].copy()
    classes = np.empty(edges, dtype=np.int32)
    for i in range(edges):
        classes[fill[pair_of[i]]] = row_class[i]
        fill[pair_of[i]] += 1
    size = 16
    while size < 4 * used:
        size *= 2
    slots = np.full(size, -1, dtype=np.int32)  # of a bundle: the first pair that has it
    number = np.full(max(used, 1), -1, dtype=np.int32)
    pair_bundle = np.empty(used, dtype=np.int32)
    bundle_first = np.zeros(used + 1, dtype=np.int64)
    bundle_class = np.empty(edges, dtype=np.int32)
    k = 0
    for pair in range(used):
        begin = sizes[pair]
        length = sizes[pair + 1] - begin
        slot = hashes[pair] & (size - 1)
        while slots[slot] >= 0:
            other = slots[slot]
            same = hashes[other] == hashes[pair] and sizes[other + 1] - sizes[other] == length
            j = 0
            while same and j < length:
                same = classes[sizes[other] + j] == classes[begin + j]
                j += 1
            if same:
                break
            slot = (slot + 1) & (size - 1)
        if slots[slot] < 0:
            slots[slot] = pair
            number[pair] = k
            for j in range(length):
                bundle_class[bundle_first[k] + j] = classes[begin + j]
            bundle_first[k + 1] = bundle_first[k] + length
            k += 1
        pair_bundle[pair] = number[slots[slot]]
    return (
        pair_first, pair_bundle, pair_to[:used].copy(), bundle_first[: k + 1].copy(),
        bundle_class[: bundle_first[k]].copy(),
    )  # fmt: skip
