"""Masks of configurations, and ways through them.

See layout.py for the arrays. Every kernel is idempotent: where something is missing it returns ASK, the caller
serves the request and calls again; whatever was interned before stays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.closures import after, step
from structgen.kernels.machine.configs import blank_config
from structgen.kernels.machine.folds import add_row
from structgen.kernels.machine.groups import mask_by_groups
from structgen.kernels.machine.large import load
from structgen.kernels.machine.remainders import pair_row
from structgen.kernels.machine.rows import make_row
from structgen.kernels.machine.stacks import view
from structgen.kernels.machine.states import delta, row_state
from structgen.kernels.machine.tables import ask

#: Modes of travel.
ADVANCE, FORCED, WITNESS = 0, 1, 2
U1 = np.uint64(1)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def set_bit(row, token):
    row[token >> 5] |= np.int32(1) << np.int32(token & 31)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def unsure(t, m, k):
    """Is there a way on from configuration k that the text of a capture decides? (See closure.)"""
    return m.configs[k, L.K_N] > 0 and m.items[m.configs[k, L.K_FIRST], L.I_Q] == L.NOTHING


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def note_exact(t, m, r, n):
    """Note the trie nodes of remainder r; returns how many are noted, or L.ASK."""
    begin = t.rest[r, L.R_FIRST]
    for x in range(begin, begin + t.rest[r, L.R_N]):
        if n >= m.exact.shape[0]:
            return ask(m, L.ASK_GROW, L.M_EXACT)
        m.exact[n] = t.restlist[x]
        n += 1
    return np.int64(n)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def note_doubts(t, m, r, k, n):
    """Note where the text of a capture decides about the tokens of remainder r in configuration k.

    Where it does so about a few first bytes only (see E_CALL), the trie nodes of these. Else all of r.

    Returns how many are noted, or L.ASK, and 1 if it decides about all bytes.
    """
    first = m.configs[k, L.K_FIRST]
    end = first + m.configs[k, L.K_N]
    for i in range(first, end):
        if m.items[i, L.I_Q] != L.NOTHING:
            break
        e = m.items[i, L.I_EDGE]
        if m.edges[e, L.E_Q0] != L.NOTHING or m.edges[e, L.E_CALL] < 0:
            return note_exact(t, m, r, n), 1
    for i in range(first, end):
        if m.items[i, L.I_Q] != L.NOTHING:
            break
        q = np.int64(m.edges[m.items[i, L.I_EDGE], L.E_CALL])
        begin = t.rest[r, L.R_FIRST]
        for x in range(begin, begin + t.rest[r, L.R_N]):
            byte = t.bytes[t.restlist[x]]
            if (t.qbytes[q, byte >> 6] >> np.uint64(byte & 63)) & U1 == 0:
                continue
            if n >= m.exact.shape[0]:
                return ask(m, L.ASK_GROW, L.M_EXACT), 0
            m.exact[n] = t.restlist[x]
            n += 1
    return np.int64(n), 0


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def push_rests(t, m, root, e, cell, top, fresh):
    """Put remainder roots with the configurations after edge e above a cell on the stack; its height or L.ASK."""
    while root >= 0:
        k = after(t, m, e, cell, np.int64(t.rest[root, L.R_BAN]), fresh)
        if k < 0:
            return np.int64(k)
        if top >= m.stack.shape[0]:
            return ask(m, L.ASK_GROW, L.M_WORK)
        m.stack[top, 0] = root
        m.stack[top, 1] = k
        top += 1
        root = np.int64(t.rest[root, L.R_NEXT])
    return np.int64(top)


@njit(inline="always")
def walk_rests(t, m, top, longest, fresh, out, worst):
    """Set the tokens of remainder tries that may follow in configurations: both lie on the stack, ``top`` high.

    For each item of a configuration: the row of its terminal state over the remainder (see ``pair_row``), then what
    remains of that after the item's terminal. Where the text of a capture decides what follows, the trie nodes are
    noted in ``exact``.

    Returns how many are noted, or L.ASK, and ``worst`` or a bound on L.K_MIN after a token.
    """
    noted = np.int64(0)
    while top > 0:
        top -= 1
        r = m.stack[top, 0]
        k = m.stack[top, 1]
        if unsure(t, m, k):
            noted, everything = note_doubts(t, m, r, k, noted)
            if noted < 0:
                return noted, worst
            if everything == 1:
                continue
        first = m.configs[k, L.K_FIRST]
        for i in range(first, first + m.configs[k, L.K_N]):
            q = np.int64(m.items[i, L.I_Q])
            common = np.uint64(0)
            for w in range(4):
                common |= t.restbytes[r, w] & t.qbytes[q, w]
            if common == 0:
                continue
            s = np.int64(row_state(t, q, longest))
            if s < 0:
                return ask(m, L.ASK_GROW_T, L.T_Q), worst
            p = pair_row(t, r, s)
            if p < 0:
                return ask(m, L.ASK_GROW_T, -1 - p), worst
            add_row(t, np.int64(t.pairs[p, L.P_INNER]), out)
            e = m.items[i, L.I_EDGE]
            cell = np.int64(m.items[i, L.I_CELL])
            rest = np.int64(m.edges[e, L.E_REST]) + m.cells[cell, L.C_LEAST]
            worst = max(worst, rest + t.pairs[p, L.P_MAXD] + t.q[q, L.Q_DIST] - t.q[s, L.Q_DIST])
            if t.pairs[p, L.P_REST] >= 0:
                top = push_rests(t, m, np.int64(t.pairs[p, L.P_REST]), e, cell, top, fresh)
                if top < 0:
                    return np.int64(L.ASK), worst
    return noted, worst


@njit(inline="always")
def walk_below(t, m, c, y, longest, out, worst):
    """Set the tokens of trie node y and below that may follow in configuration c, byte by byte.

    Returns L.ASK or ``worst``, or the greatest L.K_MIN after such a token.
    """
    if longest + 2 > m.stack.shape[0]:
        return ask(m, L.ASK_GROW, L.M_WORK)
    m.stack[0, 0] = c
    end = t.trie[y, 1]
    i = np.int64(0)
    while i < end:
        if t.trie[i, 1] <= y:
            i = np.int64(t.trie[i, 1])
            continue
        depth = t.trie[i, 2]
        k = step(t, m, m.stack[depth - 1, 0], np.int64(t.trie[i, 0]))
        if k == L.ASK:
            return np.int64(L.ASK)
        if k < 0:
            i = np.int64(t.trie[i, 1])
            continue
        m.stack[depth, 0] = k
        if i >= y and t.trietok[i + 1] > t.trietok[i]:
            for j in range(t.trietok[i], t.trietok[i + 1]):
                set_bit(out, t.tokens[j])
            worst = max(worst, np.int64(m.configs[k, L.K_MIN]))
        i += 1
    return worst


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def all_set(t, y, out):
    """Are all tokens of trie node y and below set?"""
    for j in range(t.trietok[y], t.trietok[t.trie[y, 1]]):
        token = t.tokens[j]
        if (out[token >> 5] >> np.int32(token & 31)) & 1 == 0:
            return False
    return True


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def walk_exact(t, m, c, longest, out, worst):
    """Set the tokens of the trie nodes in ``exact`` and below that may follow, from used[RESUME_EXACT] - 1 on.

    Where all of them are set already there is nothing to walk: ``worst`` is a bound for them, since another way on can
    only make L.K_MIN less.

    Returns L.ASK or ``worst``, or the greatest L.K_MIN after such a token.
    """
    for j in range(m.used[L.RESUME_EXACT] - 1, m.used[L.M_EXACT]):
        m.used[L.RESUME_WORST] = worst
        m.used[L.RESUME_EXACT] = j + 1
        if (j > 0 and m.exact[j] == m.exact[j - 1]) or all_set(t, m.exact[j], out):
            continue
        worst = np.int64(walk_below(t, m, c, m.exact[j], longest, out, worst))
        if worst < 0:
            break
    return np.int64(worst)


@njit(inline="always")
def mask(t, m, c, longest, out):
    """The exact mask of configuration c into out: int32[W]. Returns 0 or L.ASK.

    For each item: OR the inner row of its terminal state; then take the remainder tries of the state (one for each
    ban with which it may end) together with the configurations after the terminal. Where folds are used, all that is
    done by groups of items. Remainders merge texts, so captures are blank there; where their text decides how tokens
    go on, those are walked from c.
    configs[c, L.K_WORST] gets a bound on L.K_MIN after any allowed token.
    """
    first = m.configs[c, L.K_FIRST]
    begin_at = m.used[L.RESUME]
    worst = np.int64(0)
    if begin_at == 0 and m.used[L.RESUME_EXACT] == 0:
        out[:] = 0
    else:
        worst = m.used[L.RESUME_WORST]
    fresh = np.int64(L.BLANK if m.used[L.CAPTURES] == 1 else L.EMPTY)
    previous = np.int64(-1)
    if m.used[L.FOLDS] == 1:
        if m.used[L.RESUME_EXACT] == 0:
            if mask_by_groups(t, m, c, longest, out) != 0:
                return L.ASK
            m.used[L.RESUME_EXACT] = 1
            worst = m.used[L.RESUME_WORST]
            m.exact[: m.used[L.M_EXACT]].sort()
        begin_at = np.int64(m.configs[c, L.K_N])
        worst = walk_exact(t, m, c, longest, out, worst)
        if worst < 0:
            return L.ASK
    for i in range(first + begin_at, first + m.configs[c, L.K_N]):
        m.used[L.RESUME] = i - first
        m.used[L.RESUME_WORST] = worst
        if m.used[L.RESUME_EXACT] == 0:
            q = m.items[i, L.I_Q]
            e = m.items[i, L.I_EDGE]
            cell = np.int64(m.items[i, L.I_CELL])
            s = np.int64(row_state(t, np.int64(q), longest))
            if s < 0:
                return ask(m, L.ASK_GROW_T, L.T_Q)
            if t.q[s, L.Q_INNER] == -1:
                if t.q[s, L.Q_BASE] != s and t.q[t.q[s, L.Q_BASE], L.Q_ITER] > 0:
                    return ask(m, L.ASK_ROW, s)
                full = make_row(t, s)
                if full < 0:
                    return ask(m, L.ASK_GROW_T, -1 - full)
            # items are sorted by state: the next may have the same row
            if q != previous:
                add_row(t, np.int64(t.q[s, L.Q_INNER]), out)
            previous = np.int64(q)
            rest = np.int64(m.edges[e, L.E_REST]) + m.cells[cell, L.C_LEAST]
            worst = max(worst, rest + t.q[s, L.Q_MAXD] + t.q[q, L.Q_DIST] - t.q[s, L.Q_DIST])
            root = np.int64(t.q[s, L.Q_REST])
            if root >= 0 and m.cells[cell, L.C_TAPE] > 0:
                cell = np.int64(view(m, np.int64(m.cells[cell, L.C_BASE]), np.int64(L.BLANK)))
                if cell < 0:
                    return L.ASK
            top = push_rests(t, m, root, e, cell, np.int64(0), fresh)
            if top < 0:
                return L.ASK
            noted, worst = walk_rests(t, m, top, longest, fresh, out, worst)
            if noted < 0:
                return L.ASK
            m.used[L.M_EXACT] = noted
            m.used[L.RESUME_EXACT] = 1
        worst = walk_exact(t, m, c, longest, out, worst)
        if worst < 0:
            return L.ASK
        m.used[L.RESUME_EXACT] = 0
    if m.configs[c, L.K_ACCEPT] == 1:
        for j in range(t.eos.shape[0]):
            set_bit(out, t.eos[j])
    m.configs[c, L.K_WORST] = min(worst, np.int64(L.FAR))
    return 0


@njit(inline="always")
def next_states(t, m, c, blank, states, stack):
    """The configuration after every token: int32[V], -1 where not allowed. Walks the whole trie.

    Args:
        blank: 1: texts being read are taken for blank. That makes the configurations few; they hold some of the items
            of the real ones, so their L.K_MIN is a bound, and -1 may also mean that the text decides.
        stack: int64[*, 2] scratch.

    Returns 0 or L.ASK; on L.ASK call again from the start.
    """
    states[:] = -1
    c = np.int64(c)
    if blank == 1:
        c = blank_config(t, m, c)
        if c < 0:
            return L.ASK
    stack[0, 0] = c
    n_nodes = t.trie.shape[0]
    i = 0
    while i < n_nodes:
        depth = t.trie[i, 2]
        r = step(t, m, stack[depth - 1, 0], np.int64(t.trie[i, 0]))
        if r == L.ASK:
            return L.ASK
        if r < 0:
            i = t.trie[i, 1]
            continue
        stack[depth, 0] = r
        for j in range(t.trietok[i], t.trietok[i + 1]):
            states[t.tokens[j]] = r
        i += 1
    return 0


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def only_byte(m, c):
    """The byte that alone may follow; -1 where the text may end or go two ways."""
    if m.configs[c, L.K_ACCEPT] == 1:
        return np.int64(-1)
    byte = np.int64(-1)
    for w in range(4):
        bits = m.configbytes[c, w]
        if bits != 0:
            if byte >= 0 or bits & (bits - U1) != 0:
                return np.int64(-1)
            byte = np.int64(w * 64)
            while bits > U1:
                bits >>= U1
                byte += 1
    return byte


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def witness_byte(t, m, c):
    """The byte that begins the witness; -1 where the text may end, -2: no room.

    Of the bytes that begin a shortest completion the least, those that are tokens by themselves before others.

    It depends on the language of the configuration alone, so the witness after a prefix of the witness is
    the rest of it.
    """
    least = np.int64(m.configs[c, L.K_MIN])
    if least == 0:
        return np.int64(-1)
    best = np.int64(1024)
    first = m.configs[c, L.K_FIRST]
    for i in range(first, first + m.configs[c, L.K_N]):
        q = m.items[i, L.I_Q]
        d = np.int64(t.q[q, L.Q_DIST])
        rest = np.int64(m.edges[m.items[i, L.I_EDGE], L.E_REST]) + m.cells[m.items[i, L.I_CELL], L.C_LEAST]
        if d == 0 or d + rest != least:
            continue
        base = np.int64(t.q[q, L.Q_BASE])
        if t.q[base, L.Q_IV] < 0 and not load(t, base):
            return np.int64(-2)
        for k in range(t.q[base, L.Q_IV], t.q[base, L.Q_IV] + t.q[base, L.Q_NIV]):
            byte = np.int64(t.iv[k, L.IV_PICK])
            if byte >= best:
                continue
            r = delta(t, np.int64(q), byte & 255)
            if r == -2:
                return np.int64(-2)
            if r >= 0 and t.q[r, L.Q_DIST] == d - 1:
                best = byte
    return best & 255


@njit(inline="always")
def travel(t, m, mode, c, data, result):
    """Follow bytes from configuration c.

    Args:
        mode: ADVANCE: feed data (uint8[*]). FORCED: follow the bytes that can only come, WITNESS: follow a
            shortest completion; both write what they follow into data, until it is full or there is no more.
        result: int64[2], gets the configuration reached and the number of bytes.

    Returns the configuration reached, L.DEAD (ADVANCE only), or L.ASK.
    """
    c = np.int64(c)
    n = 0
    r = c
    while n < len(data):
        if mode == ADVANCE:
            byte = np.int64(data[n])
        elif mode == FORCED:
            byte = only_byte(m, c)
        else:
            byte = witness_byte(t, m, c)
            if byte == -2:
                r = ask(m, L.ASK_GROW_T, L.T_Q)
                break
        if byte < 0:
            break
        r = step(t, m, c, byte)
        if r < 0:
            break
        if mode != ADVANCE:
            data[n] = byte
        c = r
        n += 1
    result[0] = c
    result[1] = n
    return r
