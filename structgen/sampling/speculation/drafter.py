"""What a drafter is: something that guesses the next tokens of one text after another.

A :class:`Drafter` holds what is kept between texts; :meth:`Drafter.begin` opens a :class:`Session` for one text. A
session may guess whatever it likes, whenever it likes: a wrong guess costs time and nothing else. What it must say
truly is how it came to a guess (:class:`Branches`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar
from structgen.sampling.choose import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward
from structgen.sampling.speculation.draft import Branches

#: The state that stands for no grammar.
FREE = -1


@dataclass(frozen=True)
class Setting:
    """What is known of the texts to come.

    Attributes:
        vocab: the target model's vocabulary.
        encode: a text to its ids, as :meth:`Vocabulary.encoder` gives it.
        grammar: the constraint, or None.
        jump: finds the tokens that the grammar forces; None where there is no grammar.
        sampler: how the target draws.
    """

    vocab: Vocabulary
    encode: Callable[[str], list[int]]
    grammar: CompiledGrammar | None = None
    jump: JumpForward | None = None
    sampler: Masked = Masked()  # noqa: RUF009  (it is frozen)

    def text(self, tokens: Sequence[int]) -> bytes:
        """The bytes of some tokens; 0xFF, which no text has, for one without bytes."""
        texts = self.vocab.tokens
        parts = (texts[token] if token < len(texts) else None for token in tokens)
        return b"".join(b"\xff" if part is None else part for part in parts)


class Spot(NamedTuple):
    """A place to guess at: the guessed tokens since the text's own, and the grammar's state there (or FREE)."""

    path: Sequence[int]
    state: int


@runtime_checkable
class Session(Protocol):
    """A drafter at work on one text."""

    def extend(self, tokens: Sequence[int]) -> None:
        """The text goes on by these tokens, which are final; the first call brings the prompt."""
        ...

    def strength(self, spot: Spot) -> int | None:
        """None: nothing to say here. Otherwise a small number that names how good the guess seems; acceptance is
        recorded for each such number, so its size has no meaning."""
        ...

    def propose(self, spot: Spot, draws: Draws) -> Branches:
        """Guesses for the next token, after ``strength`` gave a number for the same spot."""
        ...

    def end(self) -> None:
        """The text is finished."""
        ...


@runtime_checkable
class Drafter(Protocol):
    """Opens sessions, and keeps what they share."""

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Session:
        """A session for one text; it knows the prompt."""
        ...


class Planned:
    """A session that guesses whole continuations: a plan is followed until the text leaves it.

    Attributes:
        tokens: the prompt and the text so far.
        n_prompt: how many of them are the prompt's.
    """

    def __init__(self, setting: Setting, prompt: Sequence[int]) -> None:
        self.setting = setting
        self.tokens = list(prompt)
        self.n_prompt = len(self.tokens)
        self._plan: list[int] = []
        self._strength = 0
        self._began = 0  # the length of the text where the plan begins

    def extend(self, tokens: Sequence[int]) -> None:
        """See :class:`Session`."""
        self.tokens += tokens

    def strength(self, spot: Spot) -> int | None:
        """See :class:`Session`."""
        if not self._followed(spot.path):
            self._plan, self._strength = self.plan(spot)
            self._began = len(self.tokens) + len(spot.path)
        return self._strength if self._plan else None

    def propose(self, spot: Spot, draws: Draws) -> Branches:
        """See :class:`Session`."""
        return Branches((self._plan[len(self.tokens) + len(spot.path) - self._began],))

    def end(self) -> None:
        """See :class:`Session`."""

    def plan(self, spot: Spot) -> tuple[list[int], int]:
        """The tokens to come after a spot, none where there is no guess, and how good they seem."""
        raise NotImplementedError

    def _followed(self, path: Sequence[int]) -> bool:
        """Has the text gone as planned, and does the plan go on?"""
        done = len(self.tokens) + len(path) - self._began
        if not 0 <= done < len(self._plan):
            return False
        since = [*self.tokens[self._began :], *path]
        return since[-done:] == self._plan[:done] if done else True
