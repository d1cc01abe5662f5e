"""Canvases under a finite automaton: which states can stand at each boundary.

Receives a token graph and the steps of a canvas. Keeps for each boundary the states that the canvas before it can
lead to (*forward*) and those of them from which the canvas after it can be completed (*backward*). A token may stand
at a step if and only if it leads from a forward state before it to a backward state behind it, so every slot is
answered at once; a change moves both only as far as it is felt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.infill.gap import ANY, SLOT, TEXT, TOKEN, Step
from structgen.infill.graph import BoolArray, TokenGraph
from structgen.kernels import infill as kernels
from structgen.masks.vocabulary import Vocabulary


class FiniteSteps:
    """The steps of one canvas.

    Args:
        graph: the token graph of the grammar.
        vocab: its vocabulary.
        steps: see :mod:`structgen.infill.gap`.
        padding: may the tokens of gaps be EOS ids, where the text has ended?
    """

    def __init__(self, graph: TokenGraph, vocab: Vocabulary, steps: list[Step], padding: bool) -> None:
        self.graph = graph
        self.vocab = vocab
        self.steps = list(steps)
        self._near = graph.padded if padding else graph.texts
        #: bool[classes]: those that tokens of gaps may have.
        self.allowed = np.ones(graph.n_classes, dtype=np.bool_)
        self.allowed[-1] = padding
        # the steps as the kernels take them; texts that are the same have one row in the maps
        self._kinds = np.empty(len(steps), dtype=np.int8)
        self._values = np.empty(len(steps), dtype=np.int32)
        rows: dict[bytes, int] = {}
        for p, step in enumerate(self.steps):
            if isinstance(step.value, bytes):
                self._kinds[p], self._values[p] = TEXT, rows.setdefault(step.value, len(rows))
            else:
                self._note(p)
        n = graph.n_states
        self._maps = np.array([graph.text_map(text) for text in rows], dtype=np.int32).reshape(len(rows), n)
        # bits, see kernels.infill.steps
        self._forward = np.zeros((len(steps) + 1, (n + 7) // 8), dtype=np.uint8)
        self._forward[0, 0] = 1
        self._backward = np.zeros_like(self._forward)
        self._backward[-1] = np.packbits(graph.accept, bitorder="little")
        # the steps that have changed since the sets were right
        self._low, self._high = 0, len(self.steps) - 1
        # canvases that were begun alike before are not worked out again
        self._name = self._kinds.tobytes(), self._values.tobytes(), tuple(rows), padding
        self._fresh = True

    # ------------------------------------------------------------ changes

    def replace(self, position: int, step: Step) -> None:
        """Put another step, which is no text, in place of one."""
        if self.steps[position] != step:
            self.steps[position] = step
            self._fresh = False
            self._note(position)
            self._low, self._high = min(self._low, position), max(self._high, position)

    def _note(self, position: int) -> None:
        kind, value = self.steps[position]
        self._kinds[position] = kind
        self._values[position] = self.graph.token_class[value] if isinstance(value, int) else -1

    def _refresh(self) -> None:
        if self._high < 0:
            return
        graph = self.graph
        known = graph.begun.get(self._name) if self._fresh else None
        if known is not None:
            self._forward[:], self._backward[:] = known
        else:
            kernels.refresh(
                self._kinds, self._values, *self._near, graph.first, graph.states, graph.targets, *graph.rows,
                self._maps, self._forward, self._backward, self._low, self._high,
            )  # fmt: skip
        if self._fresh:
            graph.keep(self._name, (self._forward, self._backward))
        self._low, self._high, self._fresh = len(self.steps), -1, False

    # ------------------------------------------------------------ questions

    def completable(self) -> bool:
        self._refresh()
        return bool(self._backward[0, 0] & 1)

    def forward(self, boundary: int) -> NDArray[np.int32]:
        """The states that the canvas up to a boundary can lead to, ascending."""
        self._refresh()
        return np.flatnonzero(self._flags(self._forward[boundary])).astype(np.int32)

    def boundaries(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Forward and backward states of all boundaries, as bits: uint8[L + 1, ceil(n / 8)] each. Copies."""
        self._refresh()
        return self._forward.copy(), self._backward.copy()

    def fixed(self) -> NDArray[np.int32] | None:
        """int32[L]: the class of the token at each position, -1 for a slot; None where there are other steps."""
        if ((self._kinds != TOKEN) & (self._kinds != SLOT)).any():
            return None
        return np.where(self._kinds == TOKEN, self._values, -1).astype(np.int32)

    def allows(self, position: int, token: int) -> bool:
        """May the token stand at (or, where there may be any number, begin) this step, all others as they are?"""
        self._refresh()
        graph, c = self.graph, self.graph.token_class[token]
        if c < 0 or not self.allowed[c]:
            return False
        before, behind = self._forward[position], self._backward[self._behind(position)]
        return bool(kernels.leads(graph.first, graph.states, graph.targets, c, before, behind))

    def classes(self, position: int) -> BoolArray:
        """bool[classes]: the classes of the tokens that may stand at a step."""
        self._refresh()
        out = np.zeros(self.graph.n_classes, dtype=np.bool_)
        before, behind = self._flags(self._forward[position]), self._flags(self._backward[self._behind(position)])
        kernels.classes_between(*self.graph.rows, before, behind, out)
        return out & self.allowed

    def mask(self, position: int) -> NDArray[np.int32]:
        """The tokens that may stand at a step: int32[ceil(V / 32)]."""
        # the class of dead tokens is -1: it finds the flag added at the end
        return bits.pack(np.append(self.classes(position), False)[self.graph.token_class])

    def _behind(self, position: int) -> int:
        """The boundary behind a token at a step: a gap without bound may go on there."""
        return position if self.steps[position].kind == ANY else position + 1

    def _flags(self, packed: NDArray[np.uint8]) -> BoolArray:
        """bool[..., n]"""
        return np.unpackbits(packed, axis=-1, count=self.graph.n_states, bitorder="little").view(np.bool_)

    def witness(self) -> list[int] | None:
        """The tokens of one completion; None if there is none. Gaps are as short as they can be from where they are.

        Raises:
            VocabularyError: fixed text cannot be spelt.
        """
        if not self.completable():
            return None
        result: list[int] = []
        state = 0
        for p, step in enumerate(self.steps):
            behind = self._flags(self._backward[p + 1])
            if step.kind == TOKEN:
                assert isinstance(step.value, int)
                states, targets = self.graph.column(step.value)
                state = int(targets[np.flatnonzero(states == state)[0]])
                result.append(step.value)
            elif step.kind == TEXT:
                assert isinstance(step.value, bytes)
                state = int(self.graph.text_map(step.value)[state])
                result += self.vocab.spell(step.value)
            elif step.kind == SLOT or not behind[state]:
                state = self._walk(state, behind, result)
        return result

    def _walk(self, start: int, goal: BoolArray, result: list[int]) -> int:
        """The fewest tokens, at least one, from a state to one of ``goal``; the state reached."""
        first, row_class, row_to = self.graph.rows
        came: dict[int, tuple[int, int]] = {}
        layer = [start]
        while True:
            following = []
            for state in layer:
                for i in range(int(first[state]), int(first[state + 1])):
                    to = int(row_to[i])
                    if to in came or not self.allowed[row_class[i]]:
                        continue
                    came[to] = state, int(row_class[i])
                    following.append(to)
                    if goal[to]:
                        path = [self._token(came[to][1])]
                        at = state
                        while at != start:
                            at, c = came[at]
                            path.append(self._token(c))
                        result += reversed(path)
                        return to
            layer = following
            assert layer, "the goal was said to be reached"

    def _token(self, c: int) -> int:
        first, members = self.graph.members
        return int(members[first[c]])
