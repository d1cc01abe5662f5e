"""The algebra of regular languages: union, intersection, difference, complement, concatenation, repetition.

Receives and returns :class:`~structgen.automata.dfa.Dfa`. Boolean operations are products over the common
refinement of the classes; concatenation and repetition go through an :class:`~structgen.automata.nfa.Nfa`.
Every operation takes ``max_states`` and raises LimitError when an automaton on the way grows past it.
"""

from __future__ import annotations

import numpy as np

from structgen.automata.constructors import empty, epsilon, everything, repeat_set
from structgen.automata.dfa import MAX_STATES, Dfa, Word, limit_error, make
from structgen.automata.nfa import Nfa, determinize
from structgen.automata.symbols import Int32Array, Ranges
from structgen.kernels import dfa as kernels

# Truth tables over (in a, in b): bit 2 * a + b.
_AND, _OR, _MINUS = 0b1000, 0b1110, 0b0100


def _product(a: Dfa, b: Dfa, truth: int, max_states: int, what: str) -> Dfa:
    if a.alphabet != b.alphabet:
        raise ValueError("one language is over bytes, the other over code points: convert with utf8() first")
    starts, classes, left, right = kernels.refine(
        a.starts, a.classes, a.delta.shape[1], b.starts, b.classes, b.delta.shape[1]
    )
    status, n, table, accept = kernels.product(a.delta, a.accept, b.delta, b.accept, left, right, truth, max_states)
    if status:
        raise limit_error(what, max_states)
    return make(a.alphabet, starts, classes, table.reshape(n, len(left)), accept)


def union(*ds: Dfa, max_states: int = MAX_STATES) -> Dfa:
    """Words in any of the languages.

    Raises:
        LimitError: more than ``max_states`` states on the way.
        ValueError: no language is given, or the alphabets differ.
    """
    if not ds:
        raise ValueError("union needs at least one language; use empty(alphabet) for none")
    # in pairs, so that the intermediate results stay small
    layer = list(ds)
    while len(layer) > 1:
        paired = [_product(layer[i], layer[i + 1], _OR, max_states, "this union") for i in range(0, len(layer) - 1, 2)]
        layer = paired + layer[2 * len(paired) :]
    return layer[0]


def intersect(*ds: Dfa, max_states: int = MAX_STATES) -> Dfa:
    """Words in all of the languages.

    Raises:
        LimitError: more than ``max_states`` states on the way.
        ValueError: no language is given, or the alphabets differ.
    """
    if not ds:
        raise ValueError("intersect needs at least one language; use everything(alphabet) for none")
    result = ds[0]
    for d in ds[1:]:
        result = _product(result, d, _AND, max_states, "this intersection")
    return result


def difference(a: Dfa, b: Dfa, *, max_states: int = MAX_STATES) -> Dfa:
    """Words in a and not in b.

    Raises:
        LimitError: more than ``max_states`` states on the way.
        ValueError: the alphabets differ.
    """
    return _product(a, b, _MINUS, max_states, "this difference")


def complement(a: Dfa, *, max_states: int = MAX_STATES) -> Dfa:
    """Words not in a (over code points: without surrogates, as always).

    Raises:
        LimitError: more than ``max_states`` states on the way.
    """
    return _product(everything(a.alphabet), a, _MINUS, max_states, "this complement")


def witness_not_in(a: Dfa, b: Dfa, *, max_states: int = MAX_STATES) -> Word | None:
    """A shortest word of a that is not in b, or None if a is contained in b."""
    return difference(a, b, max_states=max_states).shortest()


def concat(*ds: Dfa, max_states: int = MAX_STATES) -> Dfa:
    """A word of the first language, then one of the second, and so on.

    Raises:
        LimitError: more than ``max_states`` states on the way.
        ValueError: no language is given, or the alphabets differ.
    """
    if not ds:
        raise ValueError("concat needs at least one language; use epsilon(alphabet) for none")
    if len({d.alphabet for d in ds}) > 1:
        raise ValueError("some languages are over bytes, others over code points: convert with utf8() first")
    alphabet = ds[0].alphabet
    if any(d.is_empty() for d in ds):
        return empty(alphabet)
    unit = epsilon(alphabet)
    parts = [d for d in ds if d is not unit and not (d.n_states == 1 and d.is_finite())]
    if len(parts) < 2:
        return parts[0] if parts else unit
    refined = _Refinement(parts)
    nfa = Nfa(0)
    ends: list[int] = []
    for i, d in enumerate(parts):
        base = refined.copy(nfa, i, d)
        for end in ends:
            nfa.empty(end, base)
        ends = [base + s for s in np.flatnonzero(d.accept).tolist()]
    nfa.final = ends
    return refined.determinize(nfa, alphabet, max_states, "this concatenation")


def repeat(a: Dfa, lo: int, hi: int | None, *, max_states: int = MAX_STATES) -> Dfa:
    """``lo`` to ``hi`` words of a, one after the other (None: no upper bound).

    Raises:
        LimitError: more than ``max_states`` states on the way.
        ValueError: lo is negative or greater than hi.
    """
    if lo < 0 or (hi is not None and lo > hi):
        raise ValueError(f"cannot repeat {lo} to {hi} times")
    if hi == 0:
        return epsilon(a.alphabet)
    if (lo, hi) == (1, 1):
        return a
    if a.is_empty():
        return epsilon(a.alphabet) if lo == 0 else a
    single = _single_symbols(a)
    if single is not None:
        return repeat_set(single, lo, hi, a.alphabet, max_states=max_states)
    if a.accept[0]:
        lo = 0  # a holds the empty word: fewer iterations are iterations too
    copies = max(lo, 1) if hi is None else hi
    if copies * max(1, a.n_states - 1) > 50 * max_states:
        raise limit_error("this repetition", max_states)
    refined = _Refinement([a])
    nfa = Nfa(1)
    finals = np.flatnonzero(a.accept).tolist()
    joints = [0]
    for _ in range(copies):
        base = refined.copy(nfa, 0, a)
        end = nfa.state()
        nfa.empty(joints[-1], base)
        for s in finals:
            nfa.empty(base + s, end)
        joints.append(end)
    if hi is None:
        nfa.empty(joints[-1], joints[-2])  # the last copy may run again
    nfa.final = joints[lo:]
    return refined.determinize(nfa, a.alphabet, max_states, "this repetition")


def _single_symbols(a: Dfa) -> Ranges | None:
    """The symbols of a language whose words all have length 1, else None."""
    if a.n_states != 2 or a.accept[0] or (a.delta[1] >= 0).any() or (a.delta[0] == 0).any():
        return None
    ends = [s - 1 for s in a.starts.tolist()[1:]] + [a.alphabet - 1]
    row = a.table[0].tolist()
    return tuple((lo, hi) for lo, hi, to in zip(a.starts.tolist(), ends, row, strict=True) if to == 1)


class _Refinement:
    """The common refinement of several automata, and copies of them as parts of one Nfa over its classes."""

    def __init__(self, parts: list[Dfa]) -> None:
        first = parts[0]
        self.starts: Int32Array = first.starts
        self.classes: Int32Array = first.classes
        width = first.delta.shape[1]
        maps: list[Int32Array] = [np.arange(width, dtype=np.int32)]  # joint class -> class of part i
        for d in parts[1:]:
            self.starts, self.classes, left, right = kernels.refine(
                self.starts, self.classes, width, d.starts, d.classes, d.delta.shape[1]
            )
            width = len(left)
            maps = [m[left] for m in maps]
            maps.append(right)
        # set number offsets[i] + c stands for the joint classes inside class c of part i
        self.offsets = [0]
        lists: list[Int32Array] = []
        for d, m in zip(parts, maps, strict=True):
            lists.extend(np.flatnonzero(m == c).astype(np.int32) for c in range(d.delta.shape[1]))
            self.offsets.append(len(lists))
        self.set_first = np.array([0, *np.cumsum([len(x) for x in lists])], dtype=np.int32)
        self.set_class = np.concatenate(lists)
        self._edges = [self._list_edges(d) for d in parts]

    @staticmethod
    def _list_edges(d: Dfa) -> tuple[list[int], list[int], list[int]]:
        sources, labels = np.nonzero(d.delta >= 0)
        return sources.tolist(), labels.tolist(), d.delta[sources, labels].tolist()

    def copy(self, nfa: Nfa, i: int, d: Dfa) -> int:
        """Add a copy of part i to the Nfa; returns its start state."""
        base = nfa.n_states
        nfa.n_states += d.n_states
        offset = self.offsets[i]
        sources, labels, targets = self._edges[i]
        nfa.sources.extend([base + s for s in sources])
        nfa.labels.extend([offset + c for c in labels])
        nfa.targets.extend([base + t for t in targets])
        return base

    def determinize(self, nfa: Nfa, alphabet: int, max_states: int, what: str) -> Dfa:
        return determinize(
            nfa,
            alphabet,
            self.starts,
            self.classes,
            self.set_first,
            self.set_class,
            max_states=max_states,
            what=what,
        )
