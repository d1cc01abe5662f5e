"""Asking a model ahead: drafts for samplers of whole texts.

A sampler draws from the law after one prefix, then after the next. Where drafters guess which prefixes these will be,
the model is asked about all of them at once, and what it says is kept until the sampler comes for it. Every law, and
with it every choice, weight and potential, is the sampler's own: a run with drafts draws the very texts, with the very
weights, of a run without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from structgen.runtime import CompiledGrammar
from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward
from structgen.sampling.speculation.drafter import Drafter, Setting
from structgen.sampling.speculation.grow import Sessions
from structgen.sampling.speculation.pace import Pace


class Ahead:
    """Guesses what follows prefixes of one problem.

    Args:
        drafters: asked in this order.
        grammar: the problem's.
        prompt: the problem's.
        most: tokens that are guessed after a prefix, at most.
        encode: a text to ids; None: the fewest tokens that make it up.
    """

    def __init__(
        self,
        drafters: Sequence[Drafter],
        grammar: CompiledGrammar,
        prompt: Sequence[int],
        most: int = 8,
        encode: Callable[[str], list[int]] | None = None,
    ) -> None:
        encode = encode or grammar.vocab.encoder()
        self._setting = Setting(grammar.vocab, encode, grammar, JumpForward(grammar, encode), Masked())
        self._drafters, self._prompt, self._most = list(drafters), list(prompt), most
        self._pace = Pace(lambda width: width, adapt=False)
        self._draws = Draws(0)  # for drafters that draw; which laws are asked for has no part in any choice

    def __call__(self, tokens: Sequence[int], state: int, room: int) -> list[list[int]]:
        """Continuations that may be asked for next, each with those before it in the list: lists of tokens."""
        sessions = Sessions(self._drafters, self._setting, [*self._prompt, *tokens], jumps=False, draws=self._draws)
        draft = sessions.grow(state, self._pace, rows=1, pending=1, room=min(room, self._most))
        return [draft.path(node) for node in range(len(draft))]
