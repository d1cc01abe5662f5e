"""Loads every kernel once, on an automaton of a few bytes, so that no mask pays for it later.

The first time on a machine this compiles them, and says so: on two cores where it can, in this process and in
helper processes that fill Numba's cache beside it. Later processes load them from there in a fraction of a second.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np

from structgen import automata
from structgen.automata.bytedfa import EXIT, TICK, ByteDfa, Counter, from_edges
from structgen.automata.spelt import Spelt, Without
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from structgen.kernels.first_use import announce, cached
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.kernels.spelling import spell
from structgen.limits import Limits
from structgen.masks.terminals import TerminalStore
from structgen.masks.trie import Trie
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.machine import Machine

_lock = threading.Lock()
_done = False


def warm_up() -> None:
    """Compile or load all kernels; does nothing after the first call in a process."""
    global _done  # noqa: PLW0603  (once in a process is what is wanted)
    with _lock:
        if _done:
            return
        if not cached():
            announce()
            _compile()
        load()
        _done = True


def load() -> None:
    """Run the machine through transitions, closures, witnesses, rows and masks."""
    vocabulary = Vocabulary([*(bytes([b]) for b in range(256)), b"ab", b'a"', b'"a'], [])
    trie = vocabulary.trie
    store = TerminalStore(vocabulary, 1 << 20)
    for dfa in (_counted(), _almost_anything()):
        machine = Machine(from_terminal(Terminal(dfa, "warm")), store, Limits())
        state = machine.advance(machine.start, np.frombuffer(bytearray(b"a"), dtype=np.uint8))
        for each in (machine.start, state):
            machine.forced(each)
            machine.witness(each)
            machine.row(each)
        machine.next_states(state, False, np.empty(vocabulary.size, dtype=np.int32))
        for arena in (L.M_CELLS, L.M_CONFIGS, L.M_NEXT, L.M_AFTER):
            machine.grow(arena)
        cpu.pair_put(machine.arrays.after, 0, -1, 0)
        _member(store.handle, machine.handle)
    for arena in (L.T_Q, L.T_RESTNEXT):
        store.grow(arena)
    _words(store)
    spell(np.frombuffer(bytearray(b"ab"), dtype=np.uint8), trie.byte, trie.end, trie.token_first, trie.root_child, 9)


def _compile() -> None:
    """Fill Numba's cache on two cores; what helpers could not do, ``load`` does."""
    beside = threading.Thread(target=_compile_beside)
    beside.start()
    compile_masks()
    beside.join()


def _member(t: Any, m: Any) -> None:
    """A node of a record without slots, which is not there; the machine is not used after it."""
    cpu.member(t, m, 0, np.zeros(L.MOST_SLOTS // 64, dtype=np.int64), L.BETWEEN, 0)


def _compile_beside() -> None:
    """What masks do not need, half of the work; what they share with it is in the cache by then."""
    for what, env in (("compile_rest", {"NUMBA_OPT": "1"}), ("compile_travel", {})):
        try:
            subprocess.run(
                [sys.executable, "-c", f"from {__name__} import {what}; {what}()"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**env, **os.environ},
                check=False,
            )
        except OSError:
            return


class _EmptyMachine:
    """No grammar at all: nothing else is compiled on the way to the large kernels."""

    def __init__(self) -> None:
        vocabulary = Vocabulary([b"a"])
        none = np.zeros(2, dtype=np.int32)
        vocabulary.__dict__["trie"] = Trie(
            np.zeros(1, np.uint8),
            np.ones(1, np.int32),
            np.ones(1, np.int16),
            none,
            none[:0],
            np.full(256, -1, np.int32),
            1,
        )
        store = TerminalStore(vocabulary, 1 << 20)
        arrays = Machine.empty_arrays()
        arrays.nodes[0, [L.N_READY, L.N_ACCEPT]] = 1
        arrays.frames[0] = (-1, -1, -1)
        # handles do not keep arrays alive
        self.kept = store, arrays
        self.width = store.width
        self.t, self.m = cpu.handle(store.arrays), cpu.handle(arrays)
        cpu.intern_cell(self.m, 0, 1)


def compile_masks() -> None:
    """Masks of configurations, and the states after all tokens."""
    machine = _EmptyMachine()
    cpu.mask(machine.t, machine.m, 0, 1, np.zeros(machine.width, dtype=np.int32))
    cpu.next_states(machine.t, machine.m, 0, 0, np.zeros(1, np.int32), np.zeros((2, 2), dtype=np.int64))


def compile_travel() -> None:
    """Steps through texts, and nodes of records."""
    machine = _EmptyMachine()
    cpu.closure(machine.t, machine.m, 0, 0, 0, L.EMPTY)
    cpu.travel(machine.t, machine.m, cpu.ADVANCE, 0, np.zeros(0, dtype=np.uint8), np.zeros(2, dtype=np.int64))
    _member(machine.t, machine.m)


def compile_rest() -> None:
    """Everything else: the automata algebra, tries, sharing of states, counted rows.

    None of it runs at every token, so it is optimised less, which saves a fifth of the time to compile it.
    """
    a = automata.literals(["ab", "ac", "d"])
    b = automata.complement(automata.concat(a, automata.symbols([(97, 0x20AC)], automata.CODE_POINTS)))
    dfa = automata.to_bytedfa(automata.utf8(automata.intersect(b, automata.repeat(a, 0, 3))))
    vocabulary = Vocabulary([*(bytes([b]) for b in range(256)), b"ab"], [])
    trie = vocabulary.trie
    store = TerminalStore(vocabulary, 1 << 20)
    store.start(dfa)
    _words(store)
    store.build_row(store.start(_counted()))
    store.grow(L.T_Q)
    spell(np.frombuffer(bytearray(b"ab"), dtype=np.uint8), trie.byte, trie.end, trie.token_first, trie.root_child, 9)


def _words(store: TerminalStore) -> None:
    """A word in front of an automaton, and one left out of it."""
    base = _almost_anything()
    store.start(Spelt(b"a", base))
    store.start(Without(base, b'b"'))


def _counted() -> ByteDfa:
    """``[ab]{1,3}"``, with a count."""
    plain = from_edges(2, [(0, 97, 98, 0), (0, 34, 34, 1)], [1])
    mark = np.array([EXIT, TICK], dtype=np.uint8)
    return ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(1, 3, mark))


def _almost_anything() -> ByteDfa:
    """Any bytes that end in a quote, but not ``ab"``: rows of the first states are made out of the last's."""
    rest = [(3, 0, 33, 3), (3, 35, 255, 3), (3, 34, 34, 4)]
    start = [(0, 97, 97, 1), (0, 0, 33, 3), (0, 35, 96, 3), (0, 98, 255, 3), (0, 34, 34, 4)]
    one = [(1, 98, 98, 2), (1, 0, 33, 3), (1, 35, 97, 3), (1, 99, 255, 3), (1, 34, 34, 4)]
    two = [(2, 0, 33, 3), (2, 35, 255, 3)]
    return from_edges(5, rest + start + one + two, [4])
