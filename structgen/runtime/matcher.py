"""A cursor over a compiled grammar, in the shape the ecosystem knows. The only mutable thing of the runtime."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError
from structgen.runtime.compiled import CompiledGrammar


class Matcher:
    """A position in a text, with the history that leads to it.

    Args:
        grammar: what the text must satisfy.
        state: where to begin; the grammar's start by default.
    """

    def __init__(self, grammar: CompiledGrammar, state: int | None = None) -> None:
        self.grammar = grammar
        self._history: list[int] = [grammar.start if state is None else state]

    @property
    def state(self) -> int:
        """The state now."""
        return self._history[-1]

    def accept_token(self, token: int) -> bool:
        """Take a token; False (and nothing changes) where it is not allowed."""
        return self._push(self.grammar.advance(self.state, token))

    def accept_tokens(self, tokens: Iterable[int]) -> int:
        """Take tokens until one is not allowed; returns how many were taken."""
        taken = 0
        for token in tokens:
            if not self.accept_token(token):
                break
            taken += 1
        return taken

    def accept_bytes(self, data: bytes) -> bool:
        """Take bytes as one step of the history; False (and nothing changes) where they are not allowed."""
        return self._push(self.grammar.advance_bytes(self.state, data))

    def accept_string(self, text: str) -> bool:
        """``accept_bytes`` of the UTF-8 text."""
        return self.accept_bytes(text.encode())

    def rollback(self, n: int = 1) -> None:
        """Undo the last ``n`` steps.

        Raises:
            InputError: there are fewer than ``n`` steps.
        """
        if not 0 <= n < len(self._history):
            raise InputError(f"cannot roll back {n} steps: the matcher has taken {len(self._history) - 1}")
        if n:
            del self._history[-n:]

    def reset(self) -> None:
        """Back to where it began."""
        del self._history[1:]

    def fork(self) -> Matcher:
        """An independent copy."""
        copy = Matcher(self.grammar, self.state)
        copy._history = self._history.copy()
        return copy

    def fill_next_token_bitmask(self, bitmask: NDArray[np.int32], index: int = 0) -> None:
        """Write the mask of the next token into row ``index`` of int32[B, ceil(V/32)] (or into int32[ceil(V/32)])."""
        array = np.asarray(bitmask)
        self.grammar.mask(self.state, array if array.ndim == 1 else array[index])

    def is_terminated(self) -> bool:
        """Has EOS been taken?"""
        return self.state == 0

    def is_accepting(self) -> bool:
        """May the text end here?"""
        return self.grammar.accepts(self.state)

    def find_jump_forward_string(self) -> str:
        """The text that can only follow, in whole characters; empty in the middle of a character."""
        forced = self.grammar.forced_bytes(self.state)
        if forced and 0x80 <= forced[0] < 0xC0:
            return ""
        return forced.decode("utf-8", errors="ignore")

    def _push(self, state: int) -> bool:
        if state < 0:
            return False
        self._history.append(state)
        return True
