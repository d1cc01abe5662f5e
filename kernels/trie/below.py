"""Which bytes stand below each node of a trie, in classes: subtrees that a loop takes as a whole are found by them.

Bytes of UTF-8 characters are told apart from other bytes from 0x80 on, as seen from the node: a subtree whose bytes
are all in classes that lead a state back to itself need not be walked.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: The class of a byte from 0x80 on that is part of a UTF-8 character which begins below the node; of any other one, and
#: (besides its own) of a byte that breaks a character off.
UTF8, STRAY = 61, 62


def _classes() -> NDArray[np.uint8]:
    """uint8[128]: classes of the ASCII bytes. What patterns tell apart more often than not has a class of its own."""
    classes = np.zeros(128, dtype=np.uint8)  # 0: control characters
    for k, letters in enumerate((b"09", b"af", b"gz", b"AF", b"GZ"), start=1):
        classes[letters[0] : letters[1] + 1] = k
    alone = [9, 10, 13, 127, *(b for b in range(32, 127) if not chr(b).isalnum())]
    classes[alone] = np.arange(6, 6 + len(alone))
    return classes


#: uint8[128]
CLASSES = _classes()


def classes_within(some: NDArray[np.bool_]) -> np.uint64:
    """The classes all of whose bytes are among ``some``, bool[256]; of UTF8, the bytes that characters begin with."""
    within = [c for c in range(int(CLASSES.max()) + 1) if some[:128][c == CLASSES].all()]
    within += [UTF8] * bool(some[0xC2:0xF5].all()) + [STRAY] * bool(some[128:].all())
    return np.uint64(sum(1 << c for c in within))


@njit(cache=True, nogil=True)
def class_of(byte: int) -> int:
    """The class of an ASCII byte."""
    return int(CLASSES[byte])


@njit(cache=True, nogil=True)
def after(state: int, byte: int) -> int:
    """Where a byte leads in the reading of UTF-8, as Unicode's table 3-7 has it; -1: malformed.

    States: 0 between characters; 1, 2, 3: so many bytes owed, any; 4, 5, 6, 7: the byte to come is bounded, after E0,
    ED, F0, F4.
    """
    if state == 0:
        if byte < 0x80:
            return 0
        if byte < 0xC2 or byte > 0xF4:
            return -1
        if byte < 0xE0:
            return 1
        if byte < 0xF0:
            return 4 if byte == 0xE0 else (5 if byte == 0xED else 2)
        return 6 if byte == 0xF0 else (7 if byte == 0xF4 else 3)
    low, high = 0x80, 0xBF
    if state == 4:
        low = 0xA0
    elif state == 5:
        high = 0x9F
    elif state == 6:
        low = 0x90
    elif state == 7:
        high = 0x8F
    if byte < low or byte > high:
        return -1
    if state <= 3:
        return state - 1
    return 1 if state <= 5 else 2


@njit(cache=True, nogil=True)
def below(
    byte: NDArray[np.uint8], end: NDArray[np.int32], depth: NDArray[np.int16]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Sets of classes, uint64[k], and int32[m]: the set of the classes of the bytes below each node; set 0 is empty.

    Args:
        byte, end, depth: as in :class:`structgen.masks.trie.Trie`.
    """
    m = len(byte)
    one = np.uint64(1)
    found = np.zeros(m, dtype=np.uint64)  # what holds for a node and all above it
    here = np.zeros(m, dtype=np.uint64)  # what holds for a node alone
    longest = 0
    for i in range(m):
        longest = max(longest, depth[i])
    path = np.zeros(longest + 1, dtype=np.int64)
    state = np.zeros(longest + 1, dtype=np.int64)  # of the reading of UTF-8 after each node of the path
    begun = np.zeros(longest + 1, dtype=np.int64)  # the depth of the byte that its character began with
    for i in range(m):
        d = np.int64(depth[i])
        path[d] = i
        value = np.int64(byte[i])
        reached = after(state[d - 1], value) if d > 1 and state[d - 1] > 0 else -1
        if reached >= 0:  # the character goes on; from inside of it this is a stray byte
            state[d] = reached
            begun[d] = begun[d - 1]
            for k in range(begun[d], d):
                here[path[k]] |= one << np.uint64(STRAY)
            continue
        own = class_of(value) if value < 0x80 else UTF8
        state[d] = max(after(0, value), 0)
        begun[d] = d
        if value >= 0x80 and state[d] == 0:
            own = STRAY
        if d > 1:
            found[path[d - 1]] |= one << np.uint64(own)
            if state[d - 1] > 0:  # a character was begun
                found[path[d - 1]] |= one << np.uint64(STRAY)
    for i in range(m - 1, -1, -1):
        # the children of i have handed up what is below them
        child = i + 1
        while child < end[i]:
            found[i] |= found[child]
            child = int(end[child])
    for i in range(m):
        found[i] |= here[i]
    return _numbered(found)


@njit(cache=True, nogil=True)
def _numbered(values: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The different values, 0 the first of them, and for each value which of them it is."""
    m = len(values)
    size = 4
    while size < 2 * m + 2:
        size *= 2
    slots = np.zeros(size, dtype=np.int32)  # 1 + the number of the value there
    different = np.zeros(m + 1, dtype=np.uint64)
    which = np.zeros(m, dtype=np.int32)
    n = 1
    for i in range(m):
        value = values[i]
        if value == 0:
            continue
        slot = np.int64((value ^ (value >> np.uint64(29)) ^ (value >> np.uint64(47))) & np.uint64(size - 1))
        while slots[slot] != 0 and different[slots[slot] - 1] != value:
            slot = (slot + 1) & (size - 1)
        if slots[slot] == 0:
            different[n] = value
            n += 1
            slots[slot] = n
        which[i] = slots[slot] - 1
    return different[:n].copy(), which
