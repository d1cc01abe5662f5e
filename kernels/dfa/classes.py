"""Partitions of the alphabet: equal columns, common refinements, classes of sets; rows as intervals."""

from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.dfa.arrays import mix


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
        slot = mix(hashes[c]) & (size - 1)
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
