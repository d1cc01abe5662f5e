"""Random small automata, and languages as plain sets of words to judge them by."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from hypothesis import strategies as st

from structgen.automata import BYTES, CODE_POINTS, Dfa, make
from structgen.automata.symbols import normalize

#: Code points of one, two, three and four bytes, and both neighbours of the surrogates.
LETTERS = ("a", "b", "é", "\ud7ff", "\ue000", "😀")
LONGEST = 4
WORDS = tuple("".join(w) for n in range(LONGEST + 1) for w in product(LETTERS, repeat=n))


def language(accepts: Callable[[str], bool]) -> frozenset[str]:
    """The words over LETTERS up to LONGEST that a language holds."""
    return frozenset(w for w in WORDS if accepts(w))


def partition_of(draw: st.DrawFn, alphabet: int) -> tuple[np.ndarray, np.ndarray]:
    """Any partition of the alphabet in at most five classes, numbered by first appearance."""
    interesting = sorted({ord(c) + d for c in LETTERS for d in (0, 1)} | {1, 0x80, 0x800, 0x10000})
    bounds = sorted({0, *draw(st.lists(st.sampled_from([b for b in interesting if b < alphabet]), max_size=8))})
    if alphabet == CODE_POINTS:
        bounds = sorted({*bounds, 0xD800, 0xE000})
    raw = [draw(st.integers(0, 3)) if b != 0xD800 else -1 for b in bounds]
    known: dict[int, int] = {}
    classes = [known.setdefault(c, len(known)) for c in raw]
    return np.array(bounds, np.int32), np.array(classes, np.int32)


@st.composite
def tables(draw: st.DrawFn, max_states: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Any table and accepting states: neither minimal nor trimmed."""
    n = draw(st.integers(1, max_states))
    m = draw(st.integers(1, 4))
    delta = draw(st.lists(st.lists(st.integers(-1, n - 1), min_size=m, max_size=m), min_size=n, max_size=n))
    accept = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return np.array(delta, np.int32), np.array(accept, np.bool_)


@st.composite
def dfas(draw: st.DrawFn, alphabet: int = CODE_POINTS, max_states: int = 5) -> Dfa:
    """Any regular language with a small automaton."""
    starts, classes = partition_of(draw, alphabet)
    n = draw(st.integers(1, max_states))
    m = int(classes.max()) + 1
    delta = np.array(
        draw(st.lists(st.lists(st.integers(-1, n - 1), min_size=m, max_size=m), min_size=n, max_size=n)), np.int32
    )
    if alphabet == CODE_POINTS:
        delta[:, classes[np.searchsorted(starts, 0xD800)]] = -1
    accept = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.bool_)
    return make(alphabet, starts, classes, delta, accept)


def check_canonical(d: Dfa) -> None:
    """The promises of the class: minimal, trimmed, numbered breadth first, classes and intervals merged."""
    assert d.starts[0] == 0
    assert (np.diff(d.starts) > 0).all()
    assert (np.diff(d.classes) != 0).all()
    first_seen = list(dict.fromkeys(d.classes.tolist()))
    assert first_seen == list(range(d.delta.shape[1]))
    assert len({tuple(c) for c in d.delta.T.tolist()}) == d.delta.shape[1]
    assert d.starts.dtype == d.classes.dtype == d.delta.dtype == np.int32
    assert d.accept.dtype == np.bool_
    order = [0]
    for s in order:
        for t in d.delta[s].tolist():
            if t >= 0 and t not in order:
                assert t == len(order)
                order.append(t)
    assert len(order) == d.n_states
    if not d.is_empty():
        assert (d.distance < 1 << 30).all()
    if d.alphabet == CODE_POINTS:
        where = np.searchsorted(d.starts, [0xD800, 0xDFFF], side="right") - 1
        for i in range(where[0], where[1] + 1):
            assert (d.delta[:, d.classes[i]] == -1).all()
    # minimal: no two states have the same words ahead of them
    block = d.accept.astype(int).tolist()
    while True:
        names: dict[tuple[int, ...], int] = {}
        refined = [
            names.setdefault((block[s], *(block[t] if t >= 0 else -1 for t in row)), len(names))
            for s, row in enumerate(d.delta.tolist())
        ]
        if len(set(refined)) == len(set(block)):
            break
        block = refined
    assert len(set(refined)) == d.n_states


__all__ = ["BYTES", "CODE_POINTS", "LETTERS", "WORDS", "check_canonical", "dfas", "language", "normalize", "tables"]
