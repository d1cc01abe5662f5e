"""The models that studies ask: the embedded one, and a toy that runs in no time."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.masks.vocabulary import Vocabulary
from structgen.sampling import Model
from structgen.studies.tasks import Question, Task

if TYPE_CHECKING:
    from structgen.integrations.generator import Generator
    from structgen.integrations.lm import TransformersLM

_PIECE = re.compile(r"[A-Za-z]{1,4}| |[^A-Za-z ]")


class Asked(NamedTuple):
    """A model, its vocabulary, and a prompt of its tokens."""

    model: Model
    vocab: Vocabulary
    prompt: list[int]


class Embedded:
    """The embedded model behind its chat template."""

    name = "SmolLM2-135M-Instruct"

    @cached_property
    def generator(self) -> Generator:
        """The model and its tokenizer, loaded when they are first needed."""
        from structgen.integrations.generator import Generator

        return Generator.default(progress=False)

    @cached_property
    def model(self) -> TransformersLM:
        """The model as samplers see it."""
        from structgen.integrations.lm import TransformersLM

        return TransformersLM(self.generator.model, max_rows=32)

    def ask(self, task: Task, question: Question) -> Asked:
        """A question as the model reads it."""
        from structgen.integrations.prompts import prompt_ids

        generator = self.generator
        prompt = prompt_ids(task.messages(question), generator.tokenizer, generator.vocabulary.size, None)
        return Asked(self.model, generator.vocabulary, prompt)


class Toy:
    """A model made of random numbers and of the task's own examples, over a vocabulary of their pieces.

    The law after a context depends on its last two tokens, and favours what follows them in the examples.
    """

    name = "toy"

    def ask(self, task: Task, question: Question) -> Asked:
        """A toy for one question; other questions give another."""
        answers = [answer for _, answer in task.examples] + [asked.reference for asked in task.questions]
        pieces = sorted({piece for answer in answers for piece in _PIECE.findall(answer)})
        tokens = [bytes([byte]) for byte in range(256)]
        tokens += [piece.encode() for piece in pieces if len(piece.encode()) > 1]
        ids = {token: i for i, token in enumerate(tokens)}
        vocab = Vocabulary([*tokens, None], eos_token_ids=[len(tokens)])
        model = _ToyModel(vocab.size, sum(question.text.encode()))
        for answer in answers:
            model.learn([*(ids[piece.encode()] for piece in _PIECE.findall(answer)), len(tokens)])
        return Asked(model, vocab, [])


class _ToyModel:
    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._seen: dict[tuple[int, ...], dict[int, float]] = {}

    def learn(self, tokens: list[int]) -> None:
        """Hold these tokens, in this order, to be likely."""
        for i, token in enumerate(tokens):
            after = self._seen.setdefault(tuple(tokens[max(0, i - 2) : i]), {})
            after[token] = after.get(token, 0.0) + 0.2

    def next_logprobs(self, contexts: list[list[int]]) -> NDArray[np.float64]:
        rows = np.empty((len(contexts), self.size))
        for row, context in zip(rows, contexts, strict=True):
            last = tuple(context[-2:])
            row[:] = np.random.default_rng([self.seed, *last]).normal(size=self.size)
            law = np.exp(row)
            law /= law.sum() * 2.0
            for token, share in self._seen.get(last, {}).items():
                law[token] += share
            row[:] = np.log(law / law.sum())
        return rows
