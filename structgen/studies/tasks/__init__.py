"""The five tasks of the studies: a constraint, a few questions, and a judge of the answers.

All are small on purpose: answers of at most twenty tokens, so that a model on a CPU writes hundreds of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files

from structgen.sampling import Predicate
from structgen.source import Constraint, Lark

#: The modules here, in the order of the tables.
NAMES = ("arithmetic", "ticket", "logic", "molecule", "query")


@dataclass(frozen=True)
class Question:
    """What is asked, and what the judge compares the answer with."""

    text: str
    reference: str


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: of the task, and of its grammar or schema.
        constraint: what answers look like.
        instruction: the system's message.
        examples: questions and answers shown before the question.
        questions: what is asked.
        max_tokens: the most tokens of an answer.
        correct: is a text as good as the reference?
        predicate: makes a new condition on answers beside the constraint; None: there is none.
    """

    name: str
    constraint: Constraint
    instruction: str
    examples: tuple[tuple[str, str], ...]
    questions: tuple[Question, ...]
    max_tokens: int
    correct: Callable[[str, str], bool]
    predicate: Callable[[], Predicate] | None = None

    def messages(self, question: Question) -> list[dict[str, str]]:
        """The chat that ends with a question."""
        chat = [{"role": "system", "content": self.instruction}]
        for asked, answer in self.examples:
            chat += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        return [*chat, {"role": "user", "content": question.text}]


def load(name: str) -> Task:
    """A task by name. Raises InputError where a library that it needs is missing."""
    task: Task = import_module(f"structgen.studies.tasks.{name}").task()
    return task


def grammar(name: str) -> Lark:
    """A grammar written for the studies."""
    text = files("structgen.grammars").joinpath("studies", f"{name}.lark").read_text(encoding="utf-8")
    start = text.split("start=", 1)[1].split(" ", 1)[0]
    return Lark(text, start=start, lexer="dynamic_complete")
