"""A compiled grammar of finitely many states as an automaton over tokens, which a device can keep.

Receives a :class:`CompiledGrammar`; returns arrays (:class:`structgen.kernels.automaton.Automaton`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from structgen.errors import InputError, LimitError
from structgen.kernels.automaton import Automaton, build
from structgen.kernels.machine import layout as L
from structgen.runtime.machine import Machine

if TYPE_CHECKING:
    from structgen.runtime.compiled import CompiledGrammar

#: Limits unless told otherwise.
MAX_STATES, MAX_BYTES = 4_000_000, 1 << 30
#: Texts remembered (of formats and names that are judged when they end) before it is said that they have no end.
MAX_TEXTS = 50_000


def tabulate(grammar: CompiledGrammar, *, max_states: int = MAX_STATES, max_bytes: int = MAX_BYTES) -> Automaton:
    """The automaton of all states of a grammar. State 0 is the finished one, 1 the start.

    Args:
        max_states: how many states it may have. max_bytes: how much memory its arrays may take.

    Raises:
        LimitError: it nests without bound, has more states, or takes more memory.
    """
    for name, value in (("max_states", max_states), ("max_bytes", max_bytes)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name}={value!r}", hint="It is an integer, at least 1")
    with grammar._lock:
        machine = grammar._machine
        nesting = _Nesting(machine)
        try:
            return build.of_machine(
                machine.run, grammar.start, grammar.vocab.size, machine.store.arrays.trie, max_states,
                max_bytes, nesting.check,
            )  # fmt: skip
        except build.TooLarge as error:
            what, most = error.args
            if what == "states":
                raise LimitError(
                    f"the constraint has more than {most} states over this vocabulary, perhaps without end: a device "
                    "keeps constraints of finitely many states only",
                    hint="Bound what nests or repeats in it, raise max_states, or use masks of the host",
                ) from None
            raise LimitError(
                f"the tables of the constraint take more than {most} bytes over this vocabulary",
                hint="Raise max_bytes, or use masks of the host; states in free text are the large ones",
            ) from None


class _Nesting:
    """Finds stacks that hold one edge twice: what was called between can be called again, so they have no end."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._below: list[frozenset[int]] = []

    def check(self) -> None:
        """Look at the stack cells that are new. Raises LimitError."""
        m = self._machine.arrays
        for cell in range(len(self._below), int(m.used[L.M_CELLS])):
            first, n = int(m.cells[cell, L.C_FIRST]), int(m.cells[cell, L.C_N])
            below: set[int] = set()
            for edge, parent in m.frames[first : first + n, [L.F_EDGE, L.F_PARENT]].tolist():
                if edge < 0:
                    continue
                under = self._below[parent] if parent < len(self._below) else frozenset()
                if edge in under:
                    node, content = self._machine.edge(edge)
                    where = self._machine.network.describe(self._machine.key(node), content.label)
                    raise LimitError(
                        "the constraint nests without bound: a device keeps constraints of finitely many states only",
                        where=where,
                        hint="Bound what nests in it, or use masks of the host",
                    )
                below.add(edge)
                below |= under
            self._below.append(frozenset(below))
        if int(m.used[L.M_TAPES]) > MAX_TEXTS:
            raise LimitError(
                "what may come next depends on text written before (host names, indentation, names or items that must "
                f"differ), and there are more than {MAX_TEXTS} such texts: a device keeps few states",
                hint="Use masks of the host",
            )
