"""What one terminal state allows over the whole vocabulary: inner rows, and what remains of the other tokens.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.large import load
from structgen.kernels.machine.loops import loops_of
from structgen.kernels.machine.remainders import (
    IN_CHARACTER,
    changed_rest,
    forbids,
    keep_rests,
    keep_row,
    note_below,
    note_id,
    note_ids,
    rest_behind,
    row_room,
)
from structgen.kernels.machine.states import ABSENT, lookup

TICK, EXIT = 1, 2
#: A row is made out of another one only where the two states have more bytes than this in common.
MOST_BYTES = 31
#: And where they differ in no more than one in so many of the trie's nodes, beside a few.
SMALL_PART = 64
FEW_NODES = 100
#: It cannot be made out of the other.
UNLIKE = -100


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def build_row(t, q):
    """Walk the vocabulary trie from terminal state q, once: the inner tokens and the remainder root.

    Reads three int32 for each trie node visited and one table entry; writes an id or a bit for each token found.
    Subtrees all of which leads a state back to itself are taken as a whole.
    Returns 0, or -1 - arena where an arena of the terminals is full.
    """
    n_nodes = t.trie.shape[0]
    full = row_room(t)
    if full < 0:
        return full
    stack = t.path
    row = t.rows[t.used[L.T_ROWS]]
    found = t.found
    bans = t.others
    n_ids = np.int64(0)
    n_found = np.int64(0)
    maxd = np.int64(0)
    stack[0, 0] = t.q[q, L.Q_BASE]
    stack[0, 1] = t.q[q, L.Q_NEED]
    stack[0, 2] = t.q[q, L.Q_LEFT]
    counted = stack[0, 1] != 0 or stack[0, 2] != L.INF or t.q[q, L.Q_ITER] < 0
    i = np.int64(0)
    while i < n_nodes:
        depth = t.trie[i, 2]
        before = np.int64(stack[depth - 1, 0])
        byte = np.int64(t.trie[i, 0])
        e = lookup(t, before, byte)
        if e == ABSENT:
            if not load(t, before):
                return np.int64(-1 - L.T_Q)
            continue
        ban = np.int64(t.q[before, L.Q_ACCEPT]) - 1
        if ban >= 0 and depth > 1 and not forbids(t, ban, byte):
            found[n_found] = i
            bans[n_found] = ban
            n_found += 1
        if e < 0:
            i = np.int64(t.trie[i, 1])
            continue
        to = np.int64(e >> 2)
        need = 0
        left = L.INF
        if counted:
            mark = e & 3
            need = stack[depth - 1, 1]
            left = stack[depth - 1, 2]
            if mark == TICK:
                if left == 0:
                    i = np.int64(t.trie[i, 1])
                    continue
                if need > 0:
                    need -= 1
                if left != L.INF:
                    left -= 1
            elif mark == EXIT:
                if need > 0:
                    i = np.int64(t.trie[i, 1])
                    continue
                left = L.INF
            if t.q[to, L.Q_BASE] != to:  # counting begins here
                need = t.q[to, L.Q_NEED]
                left = t.q[to, L.Q_LEFT]
                to = np.int64(t.q[to, L.Q_BASE])
            stack[depth, 1] = need
            stack[depth, 2] = left
        elif t.trie[i, 3] != 0 and t.below[t.trie[i, 3]] & ~loops_of(t, to) == 0:
            end = np.int64(t.trie[i, 1])
            n_ids = np.int64(note_ids(t, row, n_ids, np.int64(t.trietok[i]), np.int64(t.trietok[end])))
            maxd = max(maxd, np.int64(t.q[to, L.Q_DIST]) + IN_CHARACTER)
            n_found = np.int64(note_below(t, i, to, found, bans, n_found))
            i = end
            continue
        stack[depth, 0] = to
        a = t.trietok[i]
        b = t.trietok[i + 1]
        if b > a:
            maxd = max(maxd, np.int64(t.q[to, L.Q_DIST]) + np.int64(need) * t.q[to, L.Q_ITER])
            for j in range(a, b):
                note_id(t.ids, row, n_ids, t.tokens[j])
                n_ids += 1
        i += 1
    root = np.int64(keep_rests(t, found, bans, n_found, 1))
    if root < -1:
        return root + 1
    t.q[q, L.Q_REST] = root
    t.q[q, L.Q_INNER] = keep_row(t, n_ids)
    t.q[q, L.Q_MAXD] = min(maxd, np.int64(L.FAR))
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def count_ticks(t, base, ticks, found_ticks, result):
    """Walk the vocabulary trie from a counted state with no bounds, noting the iterations each token begins.

    Args:
        base: a state before the exit, without its count.
        ticks: int16[V], filled with -1 by the caller: gets 2 * iterations, plus 1 where the token leaves the loop.
        found_ticks: int16[trie nodes]: gets the iterations up to each node where the terminal may end inside a token;
            the nodes are left in ``t.found``.
        result: int64[2]: gets the number of nodes found and the greatest distance after a token, counts left out.
    """
    n_nodes = t.trie.shape[0]
    stack, found = t.path, t.found
    n_found = 0
    farthest = np.int64(0)
    stack[0, 0] = base
    stack[0, 1] = 0
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        e = lookup(t, np.int64(stack[depth - 1, 0]), np.int64(t.trie[i, 0]))
        if e < 0:
            i = t.trie[i, 1]
            continue
        to = e >> 2
        mark = e & 3
        count = stack[depth - 1, 1]
        if mark == TICK:
            count += 2
        elif mark == EXIT:
            count += 1
        stack[depth, 0] = to
        stack[depth, 1] = count
        a = t.trietok[i]
        b = t.trietok[i + 1]
        for j in range(a, b):
            ticks[t.tokens[j]] = count
        if b > a:
            farthest = max(farthest, np.int64(t.q[to, L.Q_DIST]))
        if t.q[to, L.Q_ACCEPT] > 0 and t.trie[i, 1] > i + 1:
            found[n_found] = i
            found_ticks[n_found] = count >> 1
            n_found += 1
        i += 1
    result[0] = n_found
    result[1] = farthest


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def stack_rows(tokens, first, rows):
    """rows[k] holds the tokens of the groups 0 to k; group g is tokens[first[g] : first[g + 1]]."""
    for k in range(rows.shape[0]):
        if k > 0:
            rows[k] = rows[k - 1]
        for j in range(first[k], first[k + 1]):
            rows[k, tokens[j] >> 5] |= np.int32(1) << np.int32(tokens[j] & 31)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_row(t, q, rows, leaving, first, farthest):
    """The inner row of a counted state out of its base's profile.

    Args:
        q: the state; its row is written to the terminals' rows. Room is the caller's care.
        rows: int32[K, W]: row k holds the tokens that stay in the loop and begin at most k iterations.
        leaving, first: tokens that leave the loop, grouped by iterations.
        farthest: the greatest distance after a token of the base.

    Copies one row and writes a bit for each token that leaves the loop within the bounds.
    """
    need = t.q[q, L.Q_NEED]
    left = t.q[q, L.Q_LEFT]
    r = t.used[L.T_ROWS]
    t.used[L.T_ROWS] = r + 1
    row = t.rows[r]
    row[:] = rows[min(left, rows.shape[0] - 1)]
    groups = len(first) - 1
    if need < groups:
        for j in range(first[need], first[min(left, groups - 1) + 1]):
            row[leaving[j] >> 5] |= np.int32(1) << np.int32(leaving[j] & 31)
    t.q[q, L.Q_INNER] = r
    t.q[q, L.Q_MAXD] = min(np.int64(farthest) + np.int64(need) * t.q[q, L.Q_ITER], np.int64(L.FAR))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def counted_rest(t, nodes, first, need, left):
    """The remainder behind the nodes whose iterations lie in need..left; -1: none, or -2 - arena."""
    groups = len(first) - 1
    if need >= groups:
        return np.int64(-1)
    a = first[need]
    b = first[min(left, groups - 1) + 1]
    if a >= b:
        return np.int64(-1)
    return np.int64(rest_behind(t, nodes[a:b], np.int64(b - a)))


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def like_state(t, q):
    """A state whose row is nearly that of q: where most bytes lead, if the same bytes lead back to it; else -1.

    Not where a count comes into it: those rows are built by themselves.
    """
    if t.q[q, L.Q_ITER] < 0:
        return np.int64(-1)
    best = np.int64(-1)
    most = np.int64(MOST_BYTES)
    first = t.q[q, L.Q_IV]
    n = t.q[q, L.Q_NIV]
    if first < 0:  # a state of a large automaton
        return np.int64(-1)
    for k in range(first, first + n):
        to = t.iv[k, L.IV_TO]
        width = np.int64(0)
        for j in range(first, first + n):
            if t.iv[j, L.IV_TO] == to:
                width += t.iv[j, L.IV_HI] - t.iv[j, L.IV_LO] + 1
        if width > most:
            most = width
            best = np.int64(to)
    if best < 0 or best == q or t.q[best, L.Q_IV] < 0:
        return np.int64(-1)
    width = np.int64(0)
    for k in range(t.q[best, L.Q_IV], t.q[best, L.Q_IV] + t.q[best, L.Q_NIV]):
        if t.iv[k, L.IV_TO] == best:
            width += t.iv[k, L.IV_HI] - t.iv[k, L.IV_LO] + 1
    return best if width > MOST_BYTES else np.int64(-1)


@njit(inline="always")
def build_row_like(t, q, like):
    """The row of q out of the dense row of a state that is nearly the same.

    The trie is walked with both states at once, and a subtree is left as soon as they are one: states are
    shared by their futures, so what follows is the same. Visits only where the two differ.

    Returns 0; -1 - arena where an arena of the terminals is full; UNLIKE where a large automaton is met.
    """
    if t.used[L.T_ROWS] >= t.rows.shape[0]:
        return np.int64(-1 - L.T_ROWS)
    n_nodes = t.trie.shape[0]
    stack, added, added_bans = t.path, t.found, t.others
    removed = np.empty(64, dtype=np.int32)
    removed_bans = np.empty(64, dtype=np.int32)
    row = t.rows[t.used[L.T_ROWS]]
    row[:] = t.rows[t.q[like, L.Q_INNER]]
    farthest = np.int64(t.q[like, L.Q_MAXD])
    n_added = 0
    n_removed = 0
    stack[0, 0] = q
    stack[0, 1] = like
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        byte = np.int64(t.trie[i, 0])
        a = np.int64(stack[depth - 1, 0])
        b = np.int64(stack[depth - 1, 1])
        if depth > 1:  # what comes after an end of the terminal
            ends_a = np.int64(t.q[a, L.Q_ACCEPT]) if a >= 0 else np.int64(0)
            ends_b = np.int64(t.q[b, L.Q_ACCEPT]) if b >= 0 else np.int64(0)
            if ends_a != ends_b:
                if ends_a > 0 and not forbids(t, ends_a - 1, byte):
                    added[n_added] = i
                    added_bans[n_added] = ends_a - 1
                    n_added += 1
                if ends_b > 0 and not forbids(t, ends_b - 1, byte):
                    if n_removed == len(removed):
                        removed = np.concatenate((removed, removed))
                        removed_bans = np.concatenate((removed_bans, removed_bans))
                    removed[n_removed] = i
                    removed_bans[n_removed] = ends_b - 1
                    n_removed += 1
        if a >= 0:
            a = np.int64(lookup(t, a, byte))
            if a >= 0:
                a = a >> 2
        if b >= 0:
            b = np.int64(lookup(t, b, byte))
            if b >= 0:
                b = b >> 2
        if a == ABSENT or b == ABSENT:
            return np.int64(UNLIKE)
        if a == b:
            i = t.trie[i, 1]
            continue
        stack[depth, 0] = a
        stack[depth, 1] = b
        begin = t.trietok[i]
        end = t.trietok[i + 1]
        for j in range(begin, end):
            token = t.tokens[j]
            bit = np.int32(1) << np.int32(token & 31)
            if a >= 0:
                row[token >> 5] |= bit
            else:
                row[token >> 5] &= ~bit
        if a >= 0 and end > begin:
            farthest = max(farthest, np.int64(t.q[a, L.Q_DIST]))
        i += 1
    root = np.int64(t.q[like, L.Q_REST])
    if n_added > 0 or n_removed > 0:
        root = changed_rest(t, root, added, added_bans, n_added, removed, removed_bans, n_removed)
        if root < -1:
            return root + 1
    t.q[q, L.Q_INNER] = t.used[L.T_ROWS]
    t.used[L.T_ROWS] += 1
    t.q[q, L.Q_MAXD] = min(farthest, np.int64(L.FAR))
    t.q[q, L.Q_REST] = root
    return np.int64(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def nearly_alike(t, q, like):
    """Do two states differ in a small part of the trie? Visits that part, as far as it is small."""
    n_nodes = t.trie.shape[0]
    left = FEW_NODES + n_nodes // SMALL_PART
    stack = t.path
    stack[0, 0] = q
    stack[0, 1] = like
    i = np.int64(0)
    while i < n_nodes:
        depth = t.trie[i, 2]
        byte = np.int64(t.trie[i, 0])
        a = np.int64(stack[depth - 1, 0])
        b = np.int64(stack[depth - 1, 1])
        if a >= 0:
            a = np.int64(lookup(t, a, byte)) >> 2
        if b >= 0:
            b = np.int64(lookup(t, b, byte)) >> 2
        if a == b:
            i = np.int64(t.trie[i, 1])
            continue
        left -= 1
        if left < 0:
            return False
        stack[depth, 0] = a
        stack[depth, 1] = b
        i += 1
    return True


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def make_row(t, q):
    """The row of a state that does not count: out of one that is nearly the same, or by itself. 0 or -1 - arena."""
    like = like_state(t, np.int64(q))
    if like >= 0 and nearly_alike(t, np.int64(q), like):
        if t.q[like, L.Q_INNER] == -1:
            full = build_row(t, like)
            if full < 0:
                return full
        if t.q[like, L.Q_INNER] >= 0:
            full = np.int64(build_row_like(t, np.int64(q), like))
            if full != UNLIKE:
                return full
    return np.int64(build_row(t, np.int64(q)))
