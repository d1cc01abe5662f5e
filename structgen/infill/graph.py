"""The token graph: a finite automaton whose letters are classes of tokens.

Receives a compiled grammar; returns a :class:`TokenGraph`, or None where the grammar has too many states for one (as
all do that nest without bound). Made once for each grammar.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from structgen.automata import Dfa
from structgen.errors import LimitError
from structgen.kernels import infill as kernels
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar
from structgen.runtime.explore import automaton

#: A grammar of more states, over bytes, is not taken for a finite automaton.
FINITE_STATES = 5_000
#: Nor one whose token graph has more pairs of a state and a class.
MOST_PAIRS = 20_000_000
#: The sets of so many canvases are kept for a graph, none of more bytes.
MOST_BEGUN = 16
MOST_BYTES = 1 << 20

Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TokenGraph:
    """A finite automaton over tokens. State 0 is the start; the last state is the one after EOS.

    Tokens that lead every state to the same state are one class; EOS ids are the last class, tokens that no state
    allows have class -1.

    Attributes:
        accept: bool[n]; where the text may end. True for the state after EOS.
        token_class: int32[V].
        first, states, targets: column c is the pairs ``(states[i], targets[i])`` for i from ``first[c]`` to
            ``first[c + 1] - 1``: class c leads the one to the other.
        delta: int32[n - 1, m]; the automaton over classes of bytes, -1 dead.
        byte_class: int32[256].
    """

    accept: BoolArray
    token_class: Int32Array
    first: Int64Array
    states: Int32Array
    targets: Int32Array
    delta: Int32Array
    byte_class: Int32Array

    #: The sets of states of canvases before anything was fixed in them, the last few; see ``FiniteSteps``.
    begun: dict[Any, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=dict, repr=False)

    def keep(self, name: Any, sets: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
        """Note the sets of a canvas; the oldest are dropped where these take too much room."""
        if name not in self.begun and sets[0].nbytes <= MOST_BYTES:
            while len(self.begun) >= MOST_BEGUN:
                self.begun.pop(next(iter(self.begun)))
            self.begun[name] = sets[0].copy(), sets[1].copy()

    @property
    def n_states(self) -> int:
        return len(self.accept)

    @property
    def n_classes(self) -> int:
        """EOS included."""
        return len(self.first) - 1

    @cached_property
    def rows(self) -> tuple[Int64Array, Int32Array, Int32Array]:
        """For each state its classes, ascending, and where they lead: int64[n + 1], int32[*], int32[*]."""
        rows: tuple[Int64Array, Int32Array, Int32Array] = kernels.by_state(
            self.first, self.states, self.targets, self.n_states
        )
        return rows

    @cached_property
    def bundles(self) -> tuple[Int64Array, Int32Array, Int32Array, Int64Array, Int32Array]:
        """The edges of each state by where they lead, and the classes of each such bundle; see the kernel.

        Where that would not shorten the sums over edges, each class is a bundle.
        """
        rows = self.rows
        found: tuple[Int64Array, Int32Array, Int32Array, Int64Array, Int32Array] = kernels.bundles(*rows)
        if len(found[1]) + len(found[4]) < len(rows[1]):
            return found
        classes = np.arange(self.n_classes + 1)
        return (*rows, classes, classes[:-1].astype(np.int32))

    @property
    def n_bundles(self) -> int:
        return len(self.bundles[3]) - 1

    @cached_property
    def padded(self) -> tuple[Int64Array, Int32Array]:
        """For each state the different states one token away: int64[n + 1], int32[*]."""
        first, _, to = self.rows
        found: tuple[Int64Array, Int32Array] = kernels.neighbours(first, to)
        return found

    @cached_property
    def texts(self) -> tuple[Int64Array, Int32Array]:
        """The same by tokens that have a text, EOS left out."""
        first, to = self.padded
        keep = to != self.n_states - 1
        before = np.concatenate([[0], np.cumsum(keep)])
        return before[first], np.ascontiguousarray(to[keep])

    @cached_property
    def live(self) -> tuple[Int32Array, Int32Array]:
        """The tokens that some state allows, ascending, and the class of each: int32[*], int32[*]."""
        found = np.flatnonzero(self.token_class >= 0).astype(np.int32)
        return found, self.token_class[found]

    @cached_property
    def members(self) -> tuple[Int64Array, Int32Array]:
        """The tokens of each class, ascending: int64[classes + 1], int32[*]."""
        order = np.argsort(self.token_class, kind="stable").astype(np.int32)
        order = order[int((self.token_class < 0).sum()) :]
        first = np.searchsorted(self.token_class[order], np.arange(self.n_classes + 1))
        return first.astype(np.int64), order

    def column(self, token: int) -> tuple[Int32Array, Int32Array]:
        """The states that allow a token, and where it leads each."""
        c = int(self.token_class[token])
        part = slice(0, 0) if c < 0 else slice(int(self.first[c]), int(self.first[c + 1]))
        return self.states[part], self.targets[part]

    def text_map(self, text: bytes) -> Int32Array:
        """int32[n]: the state after a text from each state, -1 dead. From the one after EOS there is none."""
        at = np.arange(self.n_states, dtype=np.int32)
        at[-1] = -1 if text else self.n_states - 1
        for byte in text:
            at = np.where(at >= 0, self.delta[at, self.byte_class[byte]], -1)
        return at


def token_graph(grammar: CompiledGrammar) -> TokenGraph | None:
    """The token graph of a grammar; None: it has too many states for one."""
    if grammar not in _graphs:
        try:
            dfa = automaton(grammar.network, grammar.limits, FINITE_STATES)
        except LimitError:
            _graphs[grammar] = None
        else:
            _graphs[grammar] = of_dfa(dfa, grammar.vocab)
    return _graphs[grammar]


_graphs: WeakKeyDictionary[CompiledGrammar, TokenGraph | None] = WeakKeyDictionary()


def of_dfa(dfa: Dfa, vocab: Vocabulary) -> TokenGraph | None:
    """The token graph of an automaton over bytes; None: it has more than MOST_PAIRS pairs."""
    trie = vocab.trie
    byte_class = np.repeat(dfa.classes, np.diff([*dfa.starts.tolist(), 256])).astype(np.int32)
    delta = np.ascontiguousarray(dfa.delta, dtype=np.int32)
    token_class, first, states, targets = kernels.token_columns(
        delta, byte_class, trie.byte, trie.end, trie.depth, trie.token_first, trie.tokens, trie.max_depth, vocab.size,
        MOST_PAIRS,
    )  # fmt: skip
    if len(first) == 0:
        return None
    n = dfa.n_states
    ends = np.append(np.flatnonzero(dfa.accept), n).astype(np.int32)
    token_class[list(vocab.eos_token_ids)] = len(first) - 1
    return TokenGraph(
        accept=np.append(dfa.accept, True),
        token_class=token_class,
        first=np.append(first, first[-1] + len(ends)),
        states=np.concatenate([states, ends]),
        targets=np.concatenate([targets, np.full(len(ends), n, dtype=np.int32)]),
        delta=delta,
        byte_class=byte_class,
    )
