"""Random grammars in Lark's notation, and texts derived from them without any parser.

Receives a ``random.Random``; returns :class:`Drawn`: the grammar's text, and the rules as data, from which
:meth:`Drawn.derived` writes texts. About half of the grammars are LALR(1), the others recur and share beginnings as
they like.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TypeAlias

#: What can be read as each terminal. No pattern prefers a short match, so that all of Lark's lexers mean the same.
TERMINALS = {
    '"if"': ["if"], '"let"': ["let"], '"in"': ["in"], '"="': ["="], '"=="': ["=="], '"("': ["("], '")"': [")"],
    '","': [","], '";"': [";"], '"+"': ["+"], '"++"': ["++"], '"-"': ["-"], '"."': ["."], '"é"': ["é"],
    '"END"i': ["end", "End", "END"], "NAME": ["a", "i", "if", "iff", "inn", "let_", "x1", "letin"],
    "NUMBER": ["0", "12", "1.5", "30.07"], "STRING": ['""', '"if"', '"a = 1"', '"é;"'], '"a".."f"': ["a", "f"],
    "WORD": ["in", "let", "abc"],
}  # fmt: skip
DEFINITIONS = {
    "NAME": "NAME: /[a-z_][a-z_0-9]*/",
    "NUMBER": 'NUMBER: DIGIT+ ("." DIGIT+)?\nDIGIT: "0".."9"',
    "STRING": 'STRING: /"[^"]*"/',
    "WORD": "WORD.1: /[a-z]+/",
}
#: Ignored terminals, and a text of each.
IGNORED = {"": "", '%ignore " "': " ", "%ignore / +/": "  ", "%ignore /[ \\n]+/\n%ignore /#[^\\n]*\\n/": " # if\n"}


@dataclass(frozen=True)
class Many:
    """A sequence with an operator behind it."""

    parts: tuple[Part, ...]
    operator: str
    least: int
    most: int


#: A terminal or a rule by name, or a group.
Part: TypeAlias = str | Many
Alternatives: TypeAlias = tuple[tuple[Part, ...], ...]


@dataclass(frozen=True)
class Drawn:
    """A random grammar.

    Attributes:
        text: in Lark's notation.
        rules: the alternatives of each rule.
        blank: a text that may stand between any two terminals; empty if none may.
    """

    text: str
    rules: dict[str, Alternatives]
    blank: str

    def derived(self, rng: random.Random, most: int = 12) -> str | None:
        """A text of up to ``most`` terminals by random derivation; None if it did not end in time.

        With a lexer, or terminals that run into each other, it may be no text of the grammar: a judge has to say.
        """
        written: list[str] = []
        if not self._write("start", rng, written, most, 0):
            return None
        text = ""
        for word in written:
            text += self.blank * (rng.random() < 0.8) + word
        return text

    def _write(self, part: Part, rng: random.Random, out: list[str], most: int, depth: int) -> bool:
        if len(out) > most or depth > 40:
            return False
        if isinstance(part, Many):
            rounds = range(rng.randint(part.least, part.most))
            return all(self._write(inner, rng, out, most, depth + 1) for _ in rounds for inner in part.parts)
        if part in self.rules:
            alternatives = self.rules[part]
            shortest = min(alternatives, key=len)
            chosen = shortest if depth > 12 and rng.random() < 0.7 else rng.choice(alternatives)
            return all(self._write(inner, rng, out, most, depth + 1) for inner in chosen)
        out.append(rng.choice(TERMINALS[part]))
        return True


def draw(rng: random.Random) -> Drawn:
    """A grammar of two to five rules over three to eight terminals."""
    names = ["start", *(f"r{i}" for i in range(rng.randint(1, 4)))]
    terminals = rng.sample(list(TERMINALS), rng.randint(3, 8))
    orderly = rng.random() < 0.6
    rules = {}
    for name in names:
        begun = rng.sample(terminals, min(len(terminals), rng.randint(1, 3)))
        if orderly:  # each alternative begins with another terminal, or calls a rule
            bodies = [(first, *_sequence(rng, terminals, names, 3)) for first in begun]
            if name == "start":
                bodies.append((rng.choice(names[1:]), *_sequence(rng, terminals, [], 1)))
        else:
            bodies = [_sequence(rng, terminals, names, 3) for _ in begun]
            bodies.append((rng.choice(terminals),))
        rules[name] = tuple(dict.fromkeys(bodies))
    ignore, blank = rng.choice(list(IGNORED.items()))
    lines = [f"{name}: " + "\n  | ".join(" ".join(map(_shown, body)) for body in rules[name]) for name in names]
    text = "\n".join([*lines, *(DEFINITIONS[t] for t in terminals if t in DEFINITIONS), ignore]) + "\n"
    return Drawn(text, rules, blank)


def _sequence(rng: random.Random, terminals: list[str], names: list[str], most: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    for _ in range(rng.randint(0, most)):
        part: Part = rng.choice(names) if names and rng.random() < 0.35 else rng.choice(terminals)
        if rng.random() < 0.25:
            inner = (part, rng.choice(terminals)) if rng.random() < 0.5 else (part,)
            part = Many(inner, *rng.choice([("?", 0, 1), ("*", 0, 2), ("+", 1, 2), ("~2", 2, 2), ("~1..3", 1, 3)]))
        parts.append(part)
    return tuple(parts)


def _shown(part: Part) -> str:
    if isinstance(part, str):
        return part
    return f"({' '.join(map(_shown, part.parts))}){part.operator}"
