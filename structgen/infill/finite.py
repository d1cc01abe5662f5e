"""Canvases under a finite automaton: which states can stand at each boundary.

Receives a token graph and the steps of a canvas. Keeps for each boundary the states that the canvas before it can
lead to (*forward*) and those from which the canvas after it can be completed (*backward*). A token may stand at a
step if and only if it leads from a forward state before it to a backward state behind it, so every slot is answered
at once; a change moves both only as far as it is felt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.infill.gap import ANY, MAYBE, SLOT, TEXT, TOKEN, Step
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
        n = graph.n_states
        start = np.zeros(n, dtype=np.bool_)
        start[0] = True
        self._forward: list[BoolArray] = [start]
        self._backward: list[BoolArray] = [graph.accept]
        for step in self.steps:
            self._forward.append(self._after(step, self._forward[-1]))
        for step in reversed(self.steps):
            self._backward.append(self._before(step, self._backward[-1]))
        self._backward.reverse()
        # the steps that have changed since the sets were right
        self._low, self._high = len(self.steps), -1

    # ------------------------------------------------------------ changes

    def replace(self, position: int, step: Step) -> None:
        """Put another step in place of one."""
        if self.steps[position] != step:
            self.steps[position] = step
            self._low, self._high = min(self._low, position), max(self._high, position)

    def _refresh(self) -> None:
        low, high = self._low, self._high
        if high < 0:
            return
        for p in range(low, len(self.steps)):
            new = self._after(self.steps[p], self._forward[p])
            if p >= high and np.array_equal(new, self._forward[p + 1]):
                break
            self._forward[p + 1] = new
        for p in range(high, -1, -1):
            new = self._before(self.steps[p], self._backward[p + 1])
            if p <= low and np.array_equal(new, self._backward[p]):
                break
            self._backward[p] = new
        self._low, self._high = len(self.steps), -1

    # ------------------------------------------------------------ questions

    def completable(self) -> bool:
        self._refresh()
        return bool(self._backward[0][0])

    def forward(self, boundary: int) -> BoolArray:
        """bool[n]: the states to which the steps before a boundary can lead."""
        self._refresh()
        return self._forward[boundary]

    def backward(self, boundary: int) -> BoolArray:
        """bool[n]: the states from which the steps behind a boundary can be completed."""
        self._refresh()
        return self._backward[boundary]

    def allows(self, position: int, token: int) -> bool:
        """May the token stand at (or, where there may be any number, begin) this step, all others as they are?"""
        self._refresh()
        c = self.graph.token_class[token]
        if c < 0 or not self.allowed[c]:
            return False
        states, targets = self.graph.column(token)
        return bool((self._forward[position][states] & self._behind(position)[targets]).any())

    def classes(self, position: int) -> BoolArray:
        """bool[classes]: the classes of the tokens that may stand at a step."""
        self._refresh()
        out = np.zeros(self.graph.n_classes, dtype=np.bool_)
        kernels.classes_between(*self.graph.rows, self._forward[position], self._behind(position), out)
        return out & self.allowed

    def mask(self, position: int) -> NDArray[np.int32]:
        """The tokens that may stand at a step: int32[ceil(V / 32)]."""
        # the class of dead tokens is -1: it finds the flag added at the end
        return bits.pack(np.append(self.classes(position), False)[self.graph.token_class])

    def _behind(self, position: int) -> BoolArray:
        return self._backward[position if self.steps[position].kind == ANY else position + 1]

    def witness(self) -> list[int] | None:
        """The tokens of one completion; None if there is none. Gaps are as short as they can be from where they are.

        Raises:
            VocabularyError: fixed text cannot be spelt.
        """
        self._refresh()
        if not self._backward[0][0]:
            return None
        result: list[int] = []
        state = 0
        for p, step in enumerate(self.steps):
            behind = self._backward[p + 1]
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

    # ------------------------------------------------------------ one step

    def _after(self, step: Step, given: BoolArray) -> BoolArray:
        out = np.zeros_like(given)
        if step.kind == TOKEN:
            assert isinstance(step.value, int)
            states, targets = self.graph.column(step.value)
            out[targets[given[states]]] = True
        elif step.kind == TEXT:
            assert isinstance(step.value, bytes)
            reached = self.graph.text_map(step.value)[given]
            out[reached[reached >= 0]] = True
        elif step.kind == ANY:
            out |= given
            kernels.forward_closure(*self._near, out)
        else:
            kernels.image(*self._near, given, out)
            if step.kind == MAYBE:
                out |= given
        return given if np.array_equal(out, given) else out

    def _before(self, step: Step, given: BoolArray) -> BoolArray:
        out = np.zeros_like(given)
        if step.kind == TOKEN:
            assert isinstance(step.value, int)
            states, targets = self.graph.column(step.value)
            out[states[given[targets]]] = True
        elif step.kind == TEXT:
            assert isinstance(step.value, bytes)
            reached = self.graph.text_map(step.value)
            out[(reached >= 0) & given[reached]] = True
        elif step.kind == ANY:
            out |= given
            kernels.backward_closure(*self._near, out)
        else:
            kernels.preimage(*self._near, given, out)
            if step.kind == MAYBE:
                out |= given
        return given if np.array_equal(out, given) else out
