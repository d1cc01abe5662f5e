"""One text in the making: what is allowed next, what was chosen, what is forced, and when it is finished.

A :class:`Row` receives logits and returns tokens to feed to the model; it knows no model library. The order at
each step is the declared one (:mod:`structgen.sampling.choose`), with the grammar mask taken under the budget
of tokens left, so that a constrained text is complete whenever it stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import BudgetError
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar
from structgen.sampling import Masked
from structgen.sampling.bias import TokenBias
from structgen.sampling.choose import token_law
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward
from structgen.sampling.speculation import Branches, accept

#: ``"eos"``: the model ended the text; ``"complete"``: the grammar allowed nothing more; ``"length"``: the budget
#: is used up (a constrained text is complete even so).
Reason = Literal["eos", "complete", "length"]


class Row:
    """One text in the making.

    Attributes:
        prompt: ids of the prompt.
        tokens: ids emitted so far, without EOS.
        eos: the ids that end a text.
        beside: random numbers for drawn guesses and their tests; those for the text's tokens are others.
        reason: why it stopped, or None while it goes on.
        n_forced: how many tokens were appended without asking the model.
        n_passes: forward passes it took part in.
        n_drafted, n_accepted: tokens that went through the model as guesses, and how many of them are in the text.
        seconds_constraint: time spent on the grammar: masks, transitions, forced text, reading out masks.
        seconds_sampling: time spent on choosing among allowed tokens.
        seconds_model: time spent in the model, as the driver counts it.
        seconds_drafting: time spent on guessing what comes next, as the driver counts it.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        vocab: Vocabulary,
        *,
        grammar: CompiledGrammar | None,
        max_tokens: int,
        sampler: Masked,
        draws: Draws,
        jump: JumpForward | None = None,
        bias: TokenBias | None = None,
    ) -> None:
        """Raises BudgetError when no text of the grammar is sure to fit into ``max_tokens``."""
        self.prompt = list(prompt)
        self.tokens: list[int] = []
        self.reason: Reason | None = None
        self.n_forced = self.n_passes = self.n_drafted = self.n_accepted = 0
        self.seconds_constraint = self.seconds_sampling = self.seconds_model = self.seconds_drafting = 0.0
        self._vocab = vocab
        self.eos = frozenset(vocab.eos_token_ids)
        self._grammar = grammar
        self._state = grammar.start if grammar is not None else 0
        self._max_tokens = max_tokens
        self._sampler = sampler
        self._draws, self.beside = draws, draws.beside()
        self._jump = jump
        self._bias = bias or None
        self._fed = 0
        # A free row may take any token, special ones too, but no id past the tokenizer.
        padded = vocab.size > len(vocab.tokens)
        self._allowed: NDArray[np.int64] | None = np.arange(len(vocab.tokens)) if padded else None
        if grammar is not None:
            needed = grammar.min_tokens_left(grammar.start)
            if needed > max_tokens:
                raise BudgetError(
                    f"the constraint needs up to {needed} tokens for its shortest text, but max_tokens is {max_tokens}",
                    hint=f"Set max_tokens to {needed} or more",
                )
        self._follow()

    @property
    def text(self) -> bytes:
        """The bytes emitted so far. Special tokens that the constraint names add their names, others nothing."""
        texts = self._vocab.tokens if self._grammar is None else self._grammar.texts
        return b"".join(texts[token] or b"" for token in self.tokens if token < len(texts))

    @property
    def state(self) -> int | None:
        """The grammar's state after the tokens so far; None without a grammar."""
        return None if self._grammar is None else self._state

    @property
    def tokens_left(self) -> int:
        """What is left of the budget."""
        return self._max_tokens - len(self.tokens)

    def to_feed(self) -> list[int]:
        """The tokens the model has not seen yet; they count as seen from now on."""
        if self._fed == 0:
            new = self.prompt + self.tokens
        else:
            new = self.tokens[self._fed - len(self.prompt) :]
        self._fed = len(self.prompt) + len(self.tokens)
        return new

    def was_fed(self, n: int) -> None:
        """The model has seen ``n`` more of the tokens, as a draft."""
        self._fed += n
        self.n_accepted += n

    def take(self, logits: NDArray[np.floating], branches: Branches | None = None) -> None:
        """Choose a token by the logits after all tokens so far, ``float[V]``, and append what it forces.

        ``branches``: what was guessed for it, which changes nothing of its law.

        Raises ModelError for broken logits, LimitError when the grammar grows too large.
        """
        began = perf_counter()
        if self._bias is not None:
            logits = self._bias(logits)
        token = accept(token_law(logits, self._allowed, self._sampler), branches, self._draws, self.beside)
        self.seconds_sampling += perf_counter() - began
        if token in self.eos:
            self.reason = "eos"
            return
        with self._constraint_time():
            self._append(token)
        self._follow()

    def _append(self, token: int, state: int | None = None) -> None:
        self.tokens.append(token)
        if self._grammar is not None:
            self._state = self._grammar.advance(self._state, token) if state is None else state

    def _follow(self) -> None:
        """Append what is forced; then either the text is finished or the next token is the model's to choose."""
        with self._constraint_time():
            while self.reason is None and not self._choice_ahead():
                pass

    def _choice_ahead(self) -> bool:
        left = self._max_tokens - len(self.tokens)
        if left == 0:
            self.reason = "length"
            return False
        if self._grammar is None:
            return True
        if self._jump is not None and self._append_forced(left):
            return False
        self._allowed = bits.ids(self._grammar.budget_mask(self._state, left))
        if len(self._allowed) <= len(self.eos) and self.eos.issuperset(self._allowed.tolist()):
            self.reason = "complete"
            return False
        if self._jump is not None and len(self._allowed) == 1:
            self._append(int(self._allowed[0]))
            self.n_forced += 1
            return False
        return True

    def _append_forced(self, left: int) -> bool:
        """Jump forward as far as the budget permits; was anything appended?"""
        assert self._jump is not None and self._grammar is not None
        before = self.tokens[-8:] if len(self.tokens) >= 8 else self.prompt[-8:] + self.tokens
        tokens, states = self._jump(self._state, before)
        n = min(len(tokens), left)
        while n and not self._grammar.completable_within(states[n - 1], left - n):
            n -= 1
        for token, state in zip(tokens[:n], states[:n], strict=True):
            self._append(token, state)
        self.n_forced += n
        return n > 0

    @contextmanager
    def _constraint_time(self) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            if self._grammar is not None:
                self.seconds_constraint += perf_counter() - began
