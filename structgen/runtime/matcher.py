"""A cursor over a compiled grammar, in the shape the ecosystem knows. The only mutable thing of the runtime."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

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
        if not isinstance(grammar, CompiledGrammar):
            raise InputError(
                f"a matcher runs over a compiled grammar, not over {type(grammar).__name__}",
                hint="Compile the constraint first: sg.Matcher(sg.compile(constraint, vocab))",
            )
        self.grammar = grammar
        begin = grammar.start
        if state is not None:
            begin = operator.index(state)
            grammar.accepts(begin)  # refuses what is no state
        self._history: list[int] = [begin]
        self._steps: list[int | bytes] = []

    @property
    def state(self) -> int:
        """The state now."""
        return self._history[-1]

    def accept_token(self, token: int) -> bool:
        """Take a token; False (and nothing changes) where it is not allowed."""
        token = operator.index(token)
        return self._push(self.grammar.advance(self.state, token), token)

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
        return self._push(self.grammar.advance_bytes(self.state, data), data)

    def accept_string(self, text: str) -> bool:
        """``accept_bytes`` of the UTF-8 text.

        Raises:
            InputError: not a str, or it has a lone surrogate, which UTF-8 cannot write.
        """
        if not isinstance(text, str):
            raise InputError(f"a text is a str, not {type(text).__name__}", hint="For bytes there is accept_bytes")
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                "the text has a lone surrogate, which UTF-8 cannot write", where=f"character {error.start}"
            ) from None
        return self.accept_bytes(data)

    def rollback(self, n: int = 1) -> None:
        """Undo the last ``n`` steps.

        Raises:
            InputError: there are fewer than ``n`` steps.
        """
        n = operator.index(n)
        if not 0 <= n < len(self._history):
            raise InputError(f"cannot roll back {n} steps: the matcher has taken {len(self._history) - 1}")
        if n:
            del self._history[-n:]
            del self._steps[-n:]

    def reset(self) -> None:
        """Back to where it began."""
        del self._history[1:]
        self._steps.clear()

    def fork(self) -> Matcher:
        """An independent copy."""
        copy = Matcher(self.grammar, self.state)
        copy._history = self._history.copy()
        copy._steps = self._steps.copy()
        return copy

    __copy__ = fork

    def __deepcopy__(self, memo: dict[int, Any]) -> Matcher:
        return self.fork()

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickled matcher is its grammar and what it has taken; that is taken again where it is loaded."""
        if self._history[0] != self.grammar.start:
            raise InputError(
                "a matcher that did not begin at the grammar's start cannot be pickled",
                hint="Pickle the text or the tokens, and the grammar",
            )
        return _replayed, (self.grammar, tuple(self._steps))

    def fill_next_token_bitmask(self, bitmask: NDArray[np.int32], index: int = 0) -> None:
        """Write the mask of the next token into row ``index`` of int32[B, ceil(V/32)] (or into int32[ceil(V/32)])."""
        array = np.asarray(bitmask)
        if array.ndim == 2:
            index = operator.index(index)
            if not 0 <= index < len(array):
                raise InputError(f"row {index} of a batch of {len(array)} rows")
            array = array[index]
        if isinstance(bitmask, (list, tuple)):  # what is written to a copy is lost
            raise InputError("a mask is written into an array, not into a list", hint="Use a NumPy array of int32")
        self.grammar.mask(self.state, array)

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

    def _push(self, state: int, step: int | bytes) -> bool:
        if state < 0:
            return False
        self._history.append(state)
        self._steps.append(step if isinstance(step, int) else bytes(step))
        return True


def _replayed(grammar: CompiledGrammar, steps: tuple[int | bytes, ...]) -> Matcher:
    matcher = Matcher(grammar)
    for step in steps:
        taken = matcher.accept_token(step) if isinstance(step, int) else matcher.accept_bytes(step)
        assert taken, "the same grammar takes the same steps"
    return matcher
