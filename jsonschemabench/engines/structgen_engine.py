"""structgen, through its public names only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

import structgen as sg
from jsonschemabench.engines.base import BenchVocabulary, Empty, EngineFailed, Refused


class StructgenSession:
    """A compiled grammar and the state reached: one integer."""

    def __init__(self, grammar: sg.CompiledGrammar, constraint: sg.JsonSchema | None) -> None:
        self.grammar = grammar
        self._constraint = constraint
        self.state = grammar.start

    @property
    def states(self) -> int:
        """How many states the grammar has by now."""
        return int(self.grammar.n_states)

    def reset(self) -> None:
        self.state = self.grammar.start

    def mask(self, out: NDArray[np.int32]) -> None:
        try:
            self.grammar.mask(self.state, out)
        except sg.errors.StructgenError as error:
            raise EngineFailed(_reason(error)) from error

    def advance(self, token: int) -> bool:
        try:
            state = self.grammar.advance(self.state, token)
        except sg.errors.StructgenError as error:
            raise EngineFailed(_reason(error)) from error
        if state < 0:
            return False
        self.state = state
        return True

    def accepts(self) -> bool:
        return bool(self.grammar.accepts(self.state))

    def twin(self) -> StructgenSession:
        return StructgenSession(self.grammar, self._constraint)

    def accepts_in_any_order(self, text: str) -> bool:
        """Would the text do, if its properties could come in any order?"""
        if self._constraint is None or self._constraint.property_order == "any":
            return False
        try:
            free = sg.compile(replace(self._constraint, property_order="any"), self.grammar.vocab)
            state = free.advance_bytes(free.start, text.encode())
            return state >= 0 and bool(free.accepts(state))
        except sg.errors.StructgenError:
            return False


class StructgenEngine:
    """``sg.compile`` with the property order asked for; formats are enforced."""

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        self._order = order
        self._vocabulary = sg.Vocabulary(list(vocabulary.tokens), eos_token_ids=[vocabulary.eos])
        self._compiler = sg.Compiler(self._vocabulary, max_grammars=1)

    @property
    def version(self) -> str:
        return f"structgen {sg.__version__} ({self._order} order)"

    def compile(self, schema: str, **options: Any) -> StructgenSession:
        try:
            constraint = sg.JsonSchema(schema, property_order=self._order, **options)  # type: ignore[arg-type]
            return StructgenSession(self._compiler.compile(constraint), constraint)
        except sg.errors.UnsatisfiableError as error:
            raise Empty(_reason(error)) from error
        except sg.errors.StructgenError as error:
            raise Refused(_reason(error)) from error

    def forget(self) -> None:
        """Drop the schema that is kept."""
        self._compiler.clear()

    def grammar(self, source: str) -> StructgenSession:
        """A grammar in Lark's notation, or of the library by its name."""
        try:
            constraint = sg.Lark(source) if "\n" in source else sg.load_grammar(source)
            return StructgenSession(sg.compile(constraint, self._vocabulary), None)
        except sg.errors.StructgenError as error:
            raise Refused(_reason(error)) from error

    def fill(self, sessions: Sequence[StructgenSession], out: NDArray[np.int32]) -> None:
        """The masks of a batch: a call for each run of neighbours that have the same grammar."""
        begin = 0
        for grammar, group in groupby(sessions, key=lambda session: session.grammar):
            states = [session.state for session in group]
            grammar.fill_masks(states, out[begin : begin + len(states)])
            begin += len(states)


def _reason(error: sg.errors.StructgenError) -> str:
    return f"{type(error).__name__}: {error.message}" + (f" at {error.where}" if error.where else "")
