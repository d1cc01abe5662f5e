"""What leads a terminal state back to itself: classes of bytes, and UTF-8 characters.

Below a trie node where only such bytes stand nothing is to be walked: all tokens stay inside the terminal, in this one
state (or, at the end of a token, in the middle of a character). See layout.py for the arrays.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np
from numba import njit

from structgen.kernels.machine import layout as L
from structgen.kernels.machine.states import lookup
from structgen.kernels.trie.below import STRAY, UTF8, class_of

U1 = np.uint64(1)
#: The bit of a state that has been looked at.
KNOWN = np.uint64(1 << 63)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def lead_of(t, q, low, high):
    """The state that all bytes from low to high lead to, or -1."""
    to = np.int64(lookup(t, q, low)) >> 2
    for byte in range(low + 1, high + 1):
        if np.int64(lookup(t, q, np.int64(byte))) >> 2 != to:
            return np.int64(-1)
    return to


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def characters_lead_back(t, q):
    """Does every character from U+0080 on lead a state back to itself, the terminal ending in the middle of none?"""
    done = np.int64(-1)  # where the last byte looked at led, which began a character that leads back
    for byte in range(0xC2, 0xF5):
        s = np.int64(lookup(t, q, np.int64(byte))) >> 2
        bounded = byte == 0xE0 or byte == 0xED or byte == 0xF0 or byte == 0xF4
        if s < 0:
            return False
        if s == done and not bounded and byte != 0xE1 and byte != 0xEE and byte != 0xF1:
            continue
        done = s
        low = np.int64(0xA0 if byte == 0xE0 else (0x90 if byte == 0xF0 else 0x80))
        high = np.int64(0x9F if byte == 0xED else (0x8F if byte == 0xF4 else 0xBF))
        for _ in range(1 if byte < 0xE0 else (2 if byte < 0xF0 else 3)):
            if t.q[s, L.Q_ACCEPT] > 0:
                return False
            s = np.int64(lead_of(t, s, low, high))
            if s < 0:
                return False
            low, high = np.int64(0x80), np.int64(0xBF)
        if s != q:
            return False
    return True


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, no_cpython_wrapper=True)
def loops_of(t, q):
    """uint64: the classes (trie/below.py) whose bytes lead state q back to itself, and KNOWN; none of counted ones."""
    loops = t.loops[q]
    if loops != 0:
        return loops
    if t.q[q, L.Q_BASE] != q or t.q[q, L.Q_ITER] < 0:
        t.loops[q] = KNOWN
        return KNOWN
    if t.q[q, L.Q_IV] < 0:  # a state of a large automaton: not known yet
        return np.uint64(0)
    loops = ~np.uint64(0)
    some = False
    for byte in range(128):
        if np.int64(lookup(t, q, np.int64(byte))) >> 2 == q:
            some = True
        else:
            loops &= ~(U1 << np.uint64(class_of(byte)))
    if lead_of(t, q, np.int64(128), np.int64(255)) != q:
        loops &= ~(U1 << np.uint64(STRAY))
        if not some or not characters_lead_back(t, q):
            loops &= ~(U1 << np.uint64(UTF8))
    loops |= KNOWN
    t.loops[q] = loops
    return loops
