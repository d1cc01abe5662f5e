"""Rows of terminal states and masks, compiled or as plain Python, against the references beside the kernels."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from structgen import bits
from structgen.automata.bytedfa import EXIT, TICK, ByteDfa, Counter, from_edges
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from structgen.kernels.machine import cpu, naive
from structgen.kernels.machine import layout as L
from structgen.masks.terminals import TerminalStore
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar
from tests.strategies import byte_dfas, counted_dfas, examples

TOKENS: list[bytes | None] = [
    b"a", b"b", b"c", b"ab", b"ba", b"aa", b"aab", b"abab", b"bb", b"cab", b"a", None, b"", b"bbbb", b'"', b"xa",
    b'a"', b'"a', b"\xc3", b"\xa9", b"\xc3\xa9", b'\xa9"', b"\xc3\xa9\xc3", b'ab"', b'"ab"', b'"ab",', b'",', b",",
]  # fmt: skip


# these two kernels have no entry point for Python of their own


@njit
def delta(t: Any, q: int, byte: int) -> int:
    return cpu.delta(t, np.int64(q), np.int64(byte))


@njit
def row_state(t: Any, q: int, longest: int) -> int:
    return cpu.row_state(t, np.int64(q), longest)


class Automaton:
    """A byte automaton with its count, as a step function over (state, count)."""

    def __init__(self, dfa: ByteDfa) -> None:
        self.dfa = dfa

    def step(self, at: Hashable, byte: int) -> Hashable | None:
        assert isinstance(at, tuple)
        state, count = at
        for i in range(int(self.dfa.first[state]), int(self.dfa.first[state + 1])):
            if self.dfa.lo[i] <= byte <= self.dfa.hi[i]:
                counter = self.dfa.counter
                if counter is not None and counter.mark[i] == TICK:
                    if counter.hi is not None and count >= counter.hi:
                        return None
                    count += 1
                if counter is not None and counter.mark[i] == EXIT and count < counter.lo:
                    return None
                return int(self.dfa.to[i]), count
        return None

    def accepts(self, at: Hashable) -> bool:
        assert isinstance(at, tuple)
        return bool(self.dfa.accept[at[0]])


def row_of(store: TerminalStore, q: int, size: int) -> tuple[set[int], set[tuple[bytes, int]]]:
    """The row of a terminal state as the reference gives it: inner ids, remainders spelled out."""
    t = store.arrays
    inner = int(t.q[q, L.Q_INNER])
    if inner >= 0:
        ids = set(bits.ids(t.rows[inner]).tolist())
    else:
        first, n = t.sparse[-2 - inner]
        ids = set(t.sparselist[first : first + n].tolist())
    remainders: set[tuple[bytes, int]] = set()
    root = int(t.q[q, L.Q_REST])
    if root >= 0:
        first, n = int(t.rest[root, L.R_FIRST]), int(t.rest[root, L.R_N])
        for node in t.restlist[first : first + n].tolist():
            depth = int(t.trie[node, 2])
            for below in range(node + 1, int(t.trie[node, 1])):
                for token in t.tokens[t.trietok[below] : t.trietok[below + 1]].tolist():
                    text = TOKENS[token]
                    assert text is not None
                    remainders.add((text[depth:], token))
    assert max(ids, default=0) < size
    return ids, remainders


@given(st.one_of(byte_dfas(), counted_dfas()), st.binary(max_size=3))
@examples(150)
def test_a_row_is_what_stepping_every_token_says(dfa: ByteDfa, before: bytes) -> None:
    vocabulary = Vocabulary(TOKENS)
    store = TerminalStore(vocabulary, 1 << 30)
    automaton = Automaton(dfa)
    q = store.start(dfa)
    at: Hashable | None = (0, 0)
    for byte in before:
        following = automaton.step(at, byte)
        reached = int(delta(store.arrays, q, byte))
        assert (reached >= 0) == (following is not None)
        if following is None:
            break
        q, at = reached, following
    store.build_row(q)
    assert row_of(store, q, vocabulary.size) == naive.row(TOKENS, automaton.step, automaton.accepts, at)


@given(st.one_of(byte_dfas(), counted_dfas()))
@examples(60)
def test_the_mask_of_one_terminal(dfa: ByteDfa) -> None:
    vocabulary = Vocabulary([*TOKENS, *(bytes([b]) for b in range(256)), None], [len(TOKENS) + 256])
    grammar = CompiledGrammar(from_terminal(Terminal(dfa, "t")), vocabulary)
    automaton = Automaton(dfa)
    want = naive.mask(vocabulary.tokens, automaton.step, automaton.accepts, (0, 0), vocabulary.eos_token_ids)
    assert set(bits.ids(grammar.mask(grammar.start)).tolist()) == want


def test_counts_beyond_the_longest_token_share_one_row() -> None:
    # "[ab]{3,1000}" then "."
    plain = from_edges(2, [(0, 97, 98, 0), (0, 46, 46, 1)], [1])
    mark = np.array([EXIT, TICK], dtype=np.uint8)
    store = TerminalStore(Vocabulary(TOKENS), 1 << 30)
    long = ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(0, 1000, mark))
    longer = ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(0, 2000, mark))
    rows = {int(row_state(store.arrays, store.start(dfa), store.longest)) for dfa in (long, longer)}
    assert len(rows) == 1
    short = ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(0, 2, mark))
    assert int(row_state(store.arrays, store.start(short), store.longest)) not in rows
