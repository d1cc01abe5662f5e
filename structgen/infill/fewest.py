"""The fewest tokens in gaps that complete a canvas, from a boundary and a state of the text so far.

Receives the steps of a canvas under one of the two engines. Whoever fills a canvas from left to right within a budget
asks before each token whether the rest can still be done: one table for finite automata, and for grammars that nest
without bound the texts with no token of a gap, with one, with two, ... each set of them kept as one united state.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from structgen.errors import UnsupportedError
from structgen.infill.finite import FiniteSteps
from structgen.infill.gap import ANY, MAYBE, SLOT, TEXT, TOKEN
from structgen.infill.nested import Front, NestedSteps, images_of
from structgen.kernels import infill as kernels
from structgen.runtime.compiled import REFUSED

#: The number where there is no completion.
NEVER = int(kernels.NEVER)
#: With so many tokens a completion is looked for first, before it is asked whether there is any at all.
AT_ONCE = 4


class Ahead(Protocol):
    """States of the text so far, and what is left to do from them. Texts that have ended are no states here.

    A state may stand for several texts: it goes on as any of them does.
    """

    start: int

    def allowed(self, state: int) -> NDArray[np.bool_]:
        """bool[V]: the tokens that have a text and may come next. Not to be written to."""
        ...

    def step(self, state: int, token: int) -> int:
        """The state after one of the tokens allowed; -1 for others."""
        ...

    def front(self, boundary: int) -> int:
        """The state of all texts that the canvas up to a boundary can be; -1: there is none."""
        ...

    def advance(self, state: int, text: bytes) -> int:
        """The state after a text, or -1."""
        ...

    def fewest(self, boundary: int, state: int, most: int) -> int:
        """The fewest tokens of gaps with which the steps behind a boundary are completed; NEVER: none, or over most."""
        ...


class FiniteAhead:
    """Of a finite automaton: a table, made once for a canvas. A set of its states has a number behind theirs."""

    def __init__(self, steps: FiniteSteps) -> None:
        graph = self._graph = steps.graph
        self._engine = steps
        self.start = 0
        self._sets: list[NDArray[np.int32]] = []
        self._numbers: dict[bytes, int] = {}
        self._allowed: dict[int, NDArray[np.bool_]] = {}
        near = graph.texts
        n = graph.n_states
        table = [np.where(graph.accept, 0, NEVER).astype(np.int32)]
        table[0][-1] = NEVER
        for step in reversed(steps.steps):
            ahead, out = table[-1], np.full(n, NEVER, dtype=np.int32)
            if step.kind == TOKEN:
                assert isinstance(step.value, int)
                if step.value not in steps.vocab.eos_token_ids:
                    states, targets = graph.column(step.value)
                    out[states] = ahead[targets]
            elif step.kind == TEXT:
                assert isinstance(step.value, bytes)
                to = graph.text_map(step.value)
                out[to >= 0] = ahead[to[to >= 0]]
            elif step.kind == ANY:
                kernels.any_tokens(*near, ahead, out)
            else:
                kernels.one_token(*near, ahead, step.kind == MAYBE, out)
            table.append(out)
        self._table = table[::-1]

    def allowed(self, state: int) -> NDArray[np.bool_]:
        known = self._allowed.get(state)
        if known is None:
            graph = self._graph
            first, row_class, _ = graph.rows
            # one more at the end: the class of dead tokens is -1. The last class is that of EOS
            classes = np.zeros(graph.n_classes + 1, dtype=np.bool_)
            for member in self._members(state).tolist():
                classes[row_class[int(first[member]) : int(first[member + 1])]] = True
            classes[graph.n_classes - 1] = False
            known = self._allowed[state] = classes[graph.token_class]
        return known

    def step(self, state: int, token: int) -> int:
        if not self.allowed(state)[token]:
            return REFUSED
        states, targets = self._graph.column(token)
        return self._numbered(targets[np.isin(states, self._members(state))])

    def advance(self, state: int, text: bytes) -> int:
        delta, byte_class = self._graph.delta, self._graph.byte_class
        if state < self._graph.n_states:
            for byte in text:
                state = int(delta[state, byte_class[byte]])
                if state < 0:
                    return REFUSED
            return state
        members = self._members(state)
        for byte in text:
            members = delta[members, byte_class[byte]]
            members = members[members >= 0]
        return self._numbered(members)

    def front(self, boundary: int) -> int:
        states = self._engine.forward(boundary)
        return self._numbered(states[states < self._graph.n_states - 1])

    def fewest(self, boundary: int, state: int, most: int) -> int:
        found = int(self._table[boundary][self._members(state)].min())
        return found if found <= most else NEVER

    def _members(self, state: int) -> NDArray[np.int32]:
        n = self._graph.n_states
        return np.array([state], dtype=np.int32) if state < n else self._sets[state - n]

    def _numbered(self, states: NDArray[np.int32]) -> int:
        """The number of a set: of a state by itself its own."""
        states = np.unique(states).astype(np.int32)
        if len(states) < 2:
            return int(states[0]) if len(states) else REFUSED
        name = states.tobytes()
        if name not in self._numbers:
            self._numbers[name] = self._graph.n_states + len(self._sets)
            self._sets.append(states)
        return self._numbers[name]


class NestedAhead:
    """Of a grammar that nests without bound: all texts with so many tokens in gaps, as one state for each boundary."""

    def __init__(self, steps: NestedSteps) -> None:
        self._engine = steps
        self._grammar = steps.grammar
        self._steps = steps.steps
        self._images = images_of(steps.grammar)
        self._eos = frozenset(steps.grammar.vocab.eos_token_ids)
        self.start = steps.grammar.start
        # by boundary and state: the number, or that it is over so many
        self._known: dict[tuple[int, int], int] = {}
        self._over: dict[tuple[int, int], int] = {}

    def allowed(self, state: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self._images.after(state) >= 0
        return found

    def step(self, state: int, token: int) -> int:
        return REFUSED if token in self._eos else self._grammar.advance(state, token)

    def front(self, boundary: int) -> int:
        return self._engine.front(boundary).state

    def advance(self, state: int, text: bytes) -> int:
        return self._grammar.advance_bytes(state, text)

    def fewest(self, boundary: int, state: int, most: int) -> int:
        key = boundary, state
        known = self._known.get(key)
        if known is None and self._over.get(key, -1) < most:
            found = self._search(boundary, state, most)
            if found <= most:
                known = self._known[key] = found
            else:
                self._over[key] = most
        return known if known is not None and known <= most else NEVER

    def _search(self, boundary: int, state: int, most: int) -> int:
        reached = self._fixed({boundary: {state}})
        for count in range(most + 1):
            if count == AT_ONCE and not self._ever(boundary, state):
                break
            last = reached.get(len(self._steps))
            if last is not None and self._grammar.accepts(last):
                return count
            reached = self._one_more(reached)
            if not reached:
                break
        return NEVER

    def _ever(self, boundary: int, state: int) -> bool:
        """Can it be completed at all? Where gaps without bound are refused, the search has to tell."""
        try:
            return self._engine.possible(boundary, Front(state, False))
        except UnsupportedError:
            return True

    def _one_more(self, reached: dict[int, int]) -> dict[int, int]:
        """One token of a gap more."""
        found: dict[int, set[int]] = {}
        for boundary, state in reached.items():
            if boundary < len(self._steps) and self._steps[boundary].kind in (SLOT, MAYBE, ANY):
                to = self._images.image(state)
                if to >= 0:
                    behind = boundary if self._steps[boundary].kind == ANY else boundary + 1
                    found.setdefault(behind, set()).add(to)
        return self._fixed(found)

    def _fixed(self, found: dict[int, set[int]]) -> dict[int, int]:
        """What is fixed behind, and gaps that may be left out: for each boundary the state of all texts up to it."""
        result: dict[int, int] = {}
        for boundary in range(min(found, default=0), len(self._steps) + 1):
            states = found.get(boundary)
            if not states:
                continue
            state = result[boundary] = self._grammar.unite(sorted(states))
            if boundary == len(self._steps):
                break
            step, to = self._steps[boundary], REFUSED
            if step.kind == TOKEN:
                assert isinstance(step.value, int)
                eos = step.value in self._grammar.vocab.eos_token_ids
                to = REFUSED if eos else self._grammar.advance(state, step.value)
            elif step.kind == TEXT:
                assert isinstance(step.value, bytes)
                to = self._grammar.advance_bytes(state, step.value)
            elif step.kind != SLOT:
                to = state
            if to >= 0:
                found.setdefault(boundary + 1, set()).add(to)
        return result


def ahead_of(engine: FiniteSteps | NestedSteps) -> Ahead:
    """What is left to do on a canvas, by the engine that answers for it."""
    return FiniteAhead(engine) if isinstance(engine, FiniteSteps) else NestedAhead(engine)
