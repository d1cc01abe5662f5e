"""Nondeterministic automata with empty moves, and the subset construction.

Receives states, edges over sets of symbols, and empty moves, added one by one to an :class:`Nfa`; returns a
canonical :class:`~structgen.automata.dfa.Dfa`. Both the algebra and the regex front end build through this.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from structgen.automata.dfa import MAX_STATES, Dfa, limit_error, make
from structgen.automata.symbols import Int32Array, Ranges, partition
from structgen.errors import LimitError
from structgen.kernels import dfa as kernels

#: Elementary steps of the subset construction allowed for each state of the limit: about a second by default.
WORK_PER_STATE = 800
#: Table entries an automaton may have while it is built (4 bytes each).
MAX_CELLS = 1 << 27


class Nfa:
    """An automaton under construction. State 0 is the start; ``final`` are the accepting states.

    Edges carry a *set number*: what a set is, is said when the automaton is determinised, by ranges of symbols
    (:meth:`to_dfa`) or by classes of a known partition (:func:`determinize`).
    """

    def __init__(self, n_states: int = 1) -> None:
        self.n_states = n_states
        self.sources: list[int] = []
        self.labels: list[int] = []
        self.targets: list[int] = []
        self.empty_sources: list[int] = []
        self.empty_targets: list[int] = []
        self.final: list[int] = []

    def state(self) -> int:
        """A new state."""
        self.n_states += 1
        return self.n_states - 1

    def edge(self, source: int, label: int, target: int) -> None:
        """An edge over set number ``label``."""
        self.sources.append(source)
        self.labels.append(label)
        self.targets.append(target)

    def empty(self, source: int, target: int) -> None:
        """An empty move."""
        self.empty_sources.append(source)
        self.empty_targets.append(target)

    def to_dfa(
        self, sets: Sequence[Ranges], alphabet: int, *, max_states: int = MAX_STATES, what: str = "this language"
    ) -> Dfa:
        """Determinise and minimise; ``sets[i]`` is the set that label i stands for.

        Raises:
            LimitError: more than ``max_states`` states; ``what`` names the culprit in the message.
        """
        starts, classes, set_first, set_class = partition(sets, alphabet)
        return determinize(self, alphabet, starts, classes, set_first, set_class, max_states=max_states, what=what)


def determinize(
    nfa: Nfa,
    alphabet: int,
    starts: Int32Array,
    classes: Int32Array,
    set_first: Int32Array,
    set_class: Int32Array,
    *,
    max_states: int = MAX_STATES,
    what: str = "this language",
) -> Dfa:
    """The canonical automaton of an Nfa whose label i stands for the classes of set i of a partition.

    Raises:
        LimitError: more than ``max_states`` states, or as much work as so many states may take.
    """
    n = nfa.n_states
    edge_first, order = _grouped(nfa.sources, n)
    eps_first, eps_order = _grouped(nfa.empty_sources, n)
    final = np.zeros(n, dtype=np.bool_)
    final[nfa.final] = True
    width = int(classes.max()) + 1
    status, n_made, flat, accept = kernels.determinize(
        width,
        edge_first,
        np.array(nfa.labels, dtype=np.int32)[order],
        np.array(nfa.targets, dtype=np.int32)[order],
        eps_first,
        np.array(nfa.empty_targets, dtype=np.int32)[eps_order],
        set_first,
        set_class,
        final,
        min(max_states, 1 + MAX_CELLS // width),
        WORK_PER_STATE * max_states,
    )
    if status == 1:
        raise limit_error(what, min(max_states, 1 + MAX_CELLS // width))
    if status == 2:
        raise LimitError(
            f"{what} takes more work to make deterministic than {max_states} states may",
            hint="Simplify it (long overlapping repetitions are the usual cause), or raise the limit max_states",
        )
    return make(alphabet, starts, classes, flat.reshape(n_made, width), accept)


def _grouped(sources: list[int], n: int) -> tuple[Int32Array, NDArray[np.int64]]:
    """Where the edges of each state begin once they are sorted by source, and the order that sorts them."""
    counts = [0] * (n + 1)
    for s in sources:
        counts[s + 1] += 1
    first = np.array(list(accumulate(counts)), dtype=np.int32)
    return first, np.argsort(np.array(sources, dtype=np.int32), kind="stable")
