"""A smaller model as drafter: one with the target's vocabulary, or one with a vocabulary of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import InputError, ModelError
from structgen.masks.vocabulary import Vocabulary
from structgen.sampling.choose import GREEDY, TokenLaw, token_law
from structgen.sampling.draws import Draws, token
from structgen.sampling.jumpforward import CONTEXT_TOKENS, spelled, whole_characters
from structgen.sampling.problem import Model
from structgen.sampling.speculation.draft import Branches
from structgen.sampling.speculation.drafter import FREE, Planned, Session, Setting, Spot


@dataclass(frozen=True)
class DraftModel:
    """Guesses what a smaller model with the same vocabulary would write.

    Attributes:
        model: any object with ``next_logprobs``; ``structgen.integrations.lm.TransformersLM`` makes one of a
            transformers model.
        draw: draw the guesses as the target draws its tokens, and test them by the ratio of the two laws. It accepts
            more where both laws are broad, but then the text depends on the drafts' lengths, and so, adapted to
            measured times, not on the seed alone. Otherwise the likeliest tokens are guessed.
        width: guesses for each token.
        replaced: drawn guesses for one token are drawn with replacement.
        masked: guess only what the grammar allows.
    """

    model: Model
    draw: bool = False
    width: int = 1
    replaced: bool = False
    masked: bool = True

    def __post_init__(self) -> None:
        if not hasattr(self.model, "next_logprobs"):
            raise InputError(
                f"{type(self.model).__name__} has no next_logprobs",
                hint="structgen.integrations.lm.TransformersLM(model) makes such an object of a transformers model",
            )
        if not isinstance(self.width, int) or self.width < 1:
            raise InputError(f"width={self.width!r}", hint="It is a number of guesses, at least 1")

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Session:
        """See :class:`Drafter`."""
        return _Modelled(self, setting, prompt)


class _Modelled:
    def __init__(self, options: DraftModel, setting: Setting, prompt: Sequence[int]) -> None:
        self._options, self._setting = options, setting
        self._tokens = list(prompt)

    def extend(self, tokens: Sequence[int]) -> None:
        self._tokens += tokens

    def strength(self, spot: Spot) -> int | None:
        return 0 if self._tokens or spot.path else None

    def propose(self, spot: Spot, draws: Draws) -> Branches:
        options, sampler = self._options, self._setting.sampler
        row = np.asarray(options.model.next_logprobs([[*self._tokens, *spot.path]]), dtype=np.float64)[0]
        grammar = self._setting.grammar
        allowed: NDArray[np.int64] | None = None
        if options.masked and grammar is not None and spot.state != FREE:
            allowed = bits.ids(grammar.mask(spot.state))
        try:
            law = token_law(row, allowed, sampler if options.draw else GREEDY)
        except ModelError:  # it gives nothing that is allowed any probability
            return Branches(())
        if not options.draw or sampler.temperature == 0.0:
            return self._likeliest(row, allowed)
        if options.replaced:
            return Branches(tuple(token(law, draws) for _ in range(options.width)), law, True)
        return Branches(_without_replacement(law, options.width, draws), law, False)

    def _likeliest(self, row: NDArray[np.float64], allowed: NDArray[np.int64] | None) -> Branches:
        scores = row if allowed is None else row[allowed]
        width = min(self._options.width, len(scores))
        best = np.argpartition(-scores, width - 1)[:width]
        best = best[np.argsort(-scores[best], kind="stable")]
        return Branches(tuple(int(i if allowed is None else allowed[i]) for i in best))

    def end(self) -> None:
        pass


def _without_replacement(law: TokenLaw, n: int, draws: Draws) -> tuple[int, ...]:
    scores, found = law.scores.copy(), list[int]()
    while len(found) < min(n, int((law.scores > -np.inf).sum())):
        i = draws.index(scores)
        found.append(int(law.ids[i]))
        scores[i] = -np.inf
    return tuple(found)


@dataclass(frozen=True)
class ForeignModel:
    """Guesses what a smaller model with another vocabulary would write.

    It reads the bytes of the prompt and the text (special tokens left out), writes its likeliest tokens, and what
    they say is spelt in the target's tokens.

    Attributes:
        model: any object with ``next_logprobs``, over ``vocab``.
        vocab: its vocabulary.
        encode: a text to its ids, ``vocab.encoder(tokenizer)``; None: the fewest tokens that make up the text.
        length: tokens of the smaller model that are guessed at once.
    """

    model: Model
    vocab: Vocabulary
    encode: Callable[[str], list[int]] | None = None
    length: int = 6

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Session:
        """See :class:`Drafter`."""
        return _Foreign(self, setting, prompt)


class _Foreign(Planned):
    def __init__(self, options: ForeignModel, setting: Setting, prompt: Sequence[int]) -> None:
        super().__init__(setting, prompt)
        self._options = options
        self._encode = options.encode or options.vocab.encoder()
        self._read: list[int] = []  # the other model's tokens of the text, and the bytes that they cover
        self._covered = b""

    def plan(self, spot: Spot) -> tuple[list[int], int]:
        text = self.setting.text([*self.tokens, *spot.path]).replace(b"\xff", b"")
        context = self._reading(text)
        if not context:
            return [], 0
        said = b""
        options = self._options
        for _ in range(options.length):
            row = np.asarray(options.model.next_logprobs([context]))[0]
            token = int(np.argmax(row))
            data = options.vocab.tokens[token] if token < len(options.vocab.tokens) else None
            if not data:
                break  # it would end the text, or say something that is no text
            context.append(token)
            said += data
        said = whole_characters(said)
        before = [*self.tokens[-CONTEXT_TOKENS:], *spot.path][-CONTEXT_TOKENS:]
        try:
            return spelled(self.setting.vocab, self.setting.encode, before, said), 0
        except UnicodeDecodeError:
            return [], 0

    def _reading(self, text: bytes) -> list[int]:
        """The text in the other model's tokens. What has been read keeps its tokens, so that caches hold."""
        if not text.startswith(self._covered):
            self._read, self._covered = [], b""
        try:
            new = whole_characters(text[len(self._covered) :])
            self._read += self._encode(new.decode())
        except UnicodeDecodeError:
            return []
        self._covered += new
        return list(self._read)
