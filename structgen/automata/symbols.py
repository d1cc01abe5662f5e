"""Sets of symbols as ranges, and partitions of the alphabet into classes.

A set is a tuple of closed ranges ``(lo, hi)``, ascending, disjoint, not adjacent. Over code points it never
holds a surrogate (U+D800..U+DFFF): no text has one. A partition is two int32 arrays: ``starts`` (where the
intervals begin; the first is 0) and ``classes`` (the class of each, numbered as they first appear).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from structgen.kernels import dfa as kernels

BYTES = 256
CODE_POINTS = 0x110000
SURROGATES = (0xD800, 0xDFFF)

Ranges = tuple[tuple[int, int], ...]
Int32Array = NDArray[np.int32]

_ALL: dict[int, Ranges] = {BYTES: ((0, 255),), CODE_POINTS: ((0, 0xD7FF), (0xE000, 0x10FFFF))}


def every_symbol(alphabet: int) -> Ranges:
    """All symbols of an alphabet; surrogates are none."""
    return _ALL[alphabet]


def normalize(ranges: Iterable[tuple[int, int]], alphabet: int) -> Ranges:
    """Any ranges as a set: sorted, merged, surrogates taken out.

    Raises:
        ValueError: a range is empty or leaves the alphabet.
    """
    ordered = sorted(ranges)
    merged: list[tuple[int, int]] = []
    for lo, hi in ordered:
        if not 0 <= lo <= hi < alphabet:
            raise ValueError(f"range {lo}..{hi} is empty or outside 0..{alphabet - 1}")
        if merged and lo <= merged[-1][1] + 1:
            if hi > merged[-1][1]:
                merged[-1] = (merged[-1][0], hi)
        else:
            merged.append((lo, hi))
    if alphabet == CODE_POINTS:
        bottom, top = SURROGATES
        for i, (lo, hi) in enumerate(merged):
            if lo <= top and hi >= bottom:
                parts = [(a, b) for a, b in ((lo, bottom - 1), (top + 1, hi)) if a <= b]
                return normalize([*merged[:i], *parts, *merged[i + 1 :]], alphabet)
            # ranges that meet only across the gap stay apart, since they are not adjacent
    return tuple(merged)


def invert(ranges: Ranges, alphabet: int) -> Ranges:
    """The symbols that are not in the set."""
    gaps: list[tuple[int, int]] = []
    at = 0
    for lo, hi in ranges:
        if at < lo:
            gaps.append((at, lo - 1))
        at = hi + 1
    if at < alphabet:
        gaps.append((at, alphabet - 1))
    return normalize(gaps, alphabet)


def join(*sets: Ranges, alphabet: int) -> Ranges:
    """The symbols in any of the sets."""
    return normalize([r for ranges in sets for r in ranges], alphabet)


def common(a: Ranges, b: Ranges) -> Ranges:
    """The symbols in both sets."""
    result: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        lo, hi = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if lo <= hi:
            result.append((lo, hi))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def partition(sets: Sequence[Ranges], alphabet: int) -> tuple[Int32Array, Int32Array, Int32Array, Int32Array]:
    """The coarsest partition of the alphabet of which every set is a union of classes.

    Returns:
        starts: int32[k]; classes: int32[k]; set_first: int32[len(sets) + 1] and set_class: int32[...], the
        classes of set s being ``set_class[set_first[s] : set_first[s + 1]]``.
    """
    flat = [r for ranges in sets for r in ranges]
    first = [0]
    for ranges in sets:
        first.append(first[-1] + len(ranges))
    edges = {0}
    for lo, hi in flat:
        edges.add(lo)
        edges.add(hi + 1)
    edges.discard(alphabet)
    pairs = np.array(flat, dtype=np.int32).reshape(-1, 2)
    starts = np.array(sorted(edges), dtype=np.int32)
    classes, set_first, set_class = kernels.partition(
        starts,
        np.ascontiguousarray(pairs[:, 0]),
        np.ascontiguousarray(pairs[:, 1]),
        np.array(first, dtype=np.int32),
    )
    return starts, classes, set_first, set_class
