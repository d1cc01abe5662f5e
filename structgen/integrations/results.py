"""What generation returns besides the value: the text, its tokens, and where the time went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from structgen.integrations.decoding import Reason


@dataclass(frozen=True)
class Result:
    """A generated text and how it came about.

    Attributes:
        value: what the call returns: the object, JSON data, or the text.
        text: the text.
        tokens: its token ids, without EOS.
        prompt_tokens: how many tokens the prompt had.
        forced_tokens: how many tokens were appended without asking the model.
        reason: ``"eos"``, ``"complete"`` (the grammar allowed nothing more), or ``"length"`` (``max_tokens`` used
            up; a constrained text is complete even so).
        passes: forward passes that the text took part in.
        drafted_tokens, accepted_tokens: guesses that went through the model, and how many of them are in the text.
        seconds_model: forward passes; in a batch, this row's share.
        seconds_constraint: masks, transitions and forced text. Compiling is not in it.
        seconds_drafting: guessing what comes next.
        seconds_compile: making the compiled grammar, 0 when it was known already.
        seconds_total: all of the row's time but compiling.
    """

    value: Any
    text: str
    tokens: tuple[int, ...]
    prompt_tokens: int
    forced_tokens: int
    reason: Reason
    seconds_model: float
    seconds_constraint: float
    seconds_compile: float
    seconds_total: float
    passes: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    seconds_drafting: float = 0.0

    @property
    def n_tokens(self) -> int:
        """How many tokens the text has."""
        return len(self.tokens)

    @property
    def tokens_per_second(self) -> float:
        """Tokens of the text over all of the row's time but compiling."""
        return len(self.tokens) / self.seconds_total if self.seconds_total else 0.0

    @property
    def constraint_share(self) -> float:
        """The part of the time that was spent on the constraint, from 0 to 1."""
        return self.seconds_constraint / self.seconds_total if self.seconds_total else 0.0
