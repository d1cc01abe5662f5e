"""Grammar-forced spans as drafts: where the grammar leaves one text only, it is spelt as the tokenizer spells it.

A generator that jumps forward appends such text without asking. Where every token is to be the model's own, because
its probabilities count, the same span is a draft: certain as a text, and as tokens wherever the model spells
canonically.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from structgen.sampling.jumpforward import CONTEXT_TOKENS
from structgen.sampling.speculation.drafter import FREE, Planned, Session, Setting, Spot


@dataclass(frozen=True)
class ForcedSpans:
    """Guesses the text that the grammar forces."""

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Session:
        """See :class:`Drafter`."""
        return _Forced(setting, prompt)


class _Forced(Planned):
    def plan(self, spot: Spot) -> tuple[list[int], int]:
        if self.setting.jump is None or spot.state == FREE:
            return [], 0
        before = [*self.tokens[-CONTEXT_TOKENS:], *spot.path][-CONTEXT_TOKENS:]
        return self.setting.jump(spot.state, before)[0], 0
