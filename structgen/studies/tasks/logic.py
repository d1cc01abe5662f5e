"""Sentences of first-order logic from English, after FOLIO: an answer is right where it is equivalent."""

from __future__ import annotations

import re
from itertools import product

from structgen.studies.tasks import Question, Task, grammar

_PREDICATES = ("Cat", "Dog", "Animal", "Black", "Sleeps")
_WORD = re.compile(r"->|[-&|()]|[A-Z][a-z]+")


def task() -> Task:
    """The task."""
    return Task(
        name="logic",
        constraint=grammar("logic"),
        instruction="Translate the sentence into first-order logic. Predicates: Cat, Dog, Animal, Black, Sleeps.",
        examples=(
            ("Some cats sleep.", "exists x (Cat(x) & Sleeps(x))"),
            ("Every cat is an animal.", "all x (Cat(x) -> Animal(x))"),
            ("No dog sleeps.", "all x (Dog(x) -> -Sleeps(x))"),
        ),
        questions=(
            Question("Every dog is an animal.", "all x (Dog(x) -> Animal(x))"),
            Question("Some dogs are black.", "exists x (Dog(x) & Black(x))"),
            Question("No cat is black.", "all x (Cat(x) -> -Black(x))"),
        ),
        max_tokens=20,
        correct=lambda text, reference: meaning(text) == meaning(reference),
    )


def meaning(sentence: str) -> tuple[object, ...]:
    """What two sentences have in common exactly if they are equivalent.

    With one variable and one quantifier a sentence says of which kinds there are only, or some, elements; a kind is a
    choice of predicates that hold. Domains are not empty.
    """
    quantifier, _, formula = sentence.partition(" x ")
    words = _WORD.findall(formula)
    kinds = [dict(zip(_PREDICATES, values, strict=True)) for values in product((False, True), repeat=len(_PREDICATES))]
    table = tuple(_formula(list(words), kind) for kind in kinds)
    return (table[0],) if len(set(table)) == 1 else (quantifier, table)


def _formula(words: list[str], kind: dict[str, bool]) -> bool:
    """The value of a formula, whose words are used up as far as they are read."""
    value = _literal(words, kind)
    while words and words[0] in ("->", "&", "|"):
        sign, other = words.pop(0), _literal(words, kind)
        value = (not value or other) if sign == "->" else (value and other) if sign == "&" else (value or other)
    return value


def _literal(words: list[str], kind: dict[str, bool]) -> bool:
    word = words.pop(0)
    if word == "-":
        return not _literal(words, kind)
    if word == "(":
        value = _formula(words, kind)
        words.pop(0)
        return value
    del words[:2]  # "(" and ")"; x is no word
    return kind[word]
