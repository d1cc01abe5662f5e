"""The texts that the denoiser learns: JSON records, arithmetic and programs of a small language, each with its kind.

:func:`draw` writes a text of a kind from a seeded generator of random numbers; :func:`constraint` is what the texts
of a kind satisfy, and :func:`text_is_valid` judges by other means than the constraint's own compiler.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

import jsonschema
import lark

from structgen import JsonSchema, Lark, load_grammar
from structgen.errors import InputError

from .schemas import RECORDS

#: all kinds; the place of a kind decides the id of its tag.
KINDS = (*RECORDS, "arithmetic", "program")
NAMES = ["a", "b", "c", "count", "i", "n", "step", "sum", "total", "x", "y"]
FUNCTIONS = ["add", "area", "f", "gcd", "half", "main", "next", "power", "square"]


def draw(kind: str, random: Random, size: float) -> str:
    """A text of a kind; ``size``, from 0 to 1, says how long it may become."""
    if kind == "arithmetic":
        return _sum(random, 1 + round(5 * size))
    if kind == "program":
        return "\n".join(_function(random, size) for _ in range(1 + round(1.5 * size * random.random())))
    return json.dumps(RECORDS[kind][1](random, size), ensure_ascii=False)


@cache
def constraint(kind: str) -> Any:
    """What the texts of a kind satisfy.

    Raises:
        InputError: there is no such kind.
    """
    if kind == "arithmetic":
        return load_grammar("arithmetic")
    if kind == "program":
        return Lark(files("structgen.grammars").joinpath("studies/small.lark").read_text("utf-8"), lexer="basic")
    if kind not in RECORDS:
        raise InputError(f"there is no kind {kind!r}", hint=f"Kinds are {', '.join(KINDS)}")
    return JsonSchema(RECORDS[kind][0])


@cache
def _parser(kind: str) -> Any:
    if kind == "arithmetic":
        source = constraint(kind).grammar
        return lark.Lark(source, parser="earley", start="start")
    if kind == "program":
        return lark.Lark(constraint(kind).grammar, parser="lalr", start="start")
    return jsonschema.Draft202012Validator(RECORDS[kind][0])


def text_is_valid(kind: str, text: bytes) -> bool:
    """Is this a text of the kind? Judged by the json and jsonschema libraries, and by Lark's own parsers."""
    parser = _parser(kind)
    try:
        if isinstance(parser, lark.Lark):
            parser.parse(text.decode())
            return True
        return bool(parser.is_valid(json.loads(text)))
    except (ValueError, RecursionError, lark.exceptions.LarkError):
        return False


def _sum(r: Random, terms: int, depth: int = 2) -> str:
    parts = []
    for i in range(max(1, terms)):
        if i:
            parts.append(r.choice([" + ", " - ", " * ", " / "]))
        if depth and r.random() < 0.35:
            parts.append(f"({_sum(r, r.randint(2, 3), depth - 1)})")
        elif r.random() < 0.1:
            parts.append(f"{r.randint(2, 9)}^{r.randint(2, 4)}")
        else:
            parts.append(str(r.randint(0, 99)) if r.random() < 0.8 else f"{r.randint(0, 99)}.{r.randint(1, 9)}")
    return "".join(parts)


def _expression(r: Random, names: list[str]) -> str:
    def atom() -> str:
        return r.choice(names) if r.random() < 0.65 else str(r.randint(0, 20))

    kind = r.random()
    if kind < 0.3:
        return atom()
    if kind < 0.85:
        return f"{atom()} {r.choice('+-*/%')} {atom()}"
    return f"{r.choice(FUNCTIONS)}({', '.join(atom() for _ in range(r.randint(1, 2)))})"


def _function(r: Random, size: float) -> str:
    parameters = r.sample(NAMES, r.randint(0, 2))
    names = list(parameters) or ["n"]
    lines = _block(r, names, size, 1 if size < 0.4 else 2)
    head = f"int {r.choice(FUNCTIONS)}({', '.join(f'int {p}' for p in parameters)}) {{"
    return "\n".join([head, *(f"  {line}" for line in lines), f"  return {_expression(r, names)};", "}"])


def _block(r: Random, names: list[str], size: float, depth: int) -> list[str]:
    lines: list[str] = []
    for _ in range(round(size * r.uniform(1, 5))):
        kind = r.random()
        if kind < 0.35:
            new = r.choice(NAMES)
            lines.append(f"int {new} = {_expression(r, names)};")
            names = [*names, new]
        elif kind < 0.65 or not depth:
            lines.append(f"{r.choice(names)} = {_expression(r, names)};")
        else:
            word = r.choice(["if", "while"])
            lines.append(f"{word} ({r.choice(names)} {r.choice(['<', '>', '==', '!='])} {_expression(r, names)}) {{")
            inner = _block(r, names, size / 2, depth - 1) or [f"{r.choice(names)} = {_expression(r, names)};"]
            lines += [f"  {line}" for line in inner]
            if word == "if" and r.random() < 0.3:
                lines += ["} else {", f"  {r.choice(names)} = {_expression(r, names)};"]
            lines.append("}")
    return lines
