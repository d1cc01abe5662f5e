"""Compiled grammars of one model, made once and kept. Receives constraints of any kind; the least recently used
grammar is dropped when there are too many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from structgen.compile import compile as compile_constraint
from structgen.compiler import content_key
from structgen.frontends.types import as_constraint
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar
from structgen.sampling.jumpforward import JumpForward
from structgen.sampling.phrases import without
from structgen.source import Constraint


@dataclass(frozen=True)
class Prepared:
    """A constraint made ready: what it was, its states, its forced text, and how long compiling took."""

    constraint: Constraint
    grammar: CompiledGrammar
    jump: JumpForward
    seconds: float


class Grammars:
    """A cache of compiled grammars over one vocabulary."""

    def __init__(
        self, vocab: Vocabulary, encode: Callable[[str], list[int]], limits: Limits | None = None, most: int = 64
    ) -> None:
        """``encode`` is :meth:`Vocabulary.encoder`'s; at most ``most`` grammars are kept."""
        self._vocab = vocab
        self._encode = encode
        self._limits = limits
        self._most = most
        self._kept: OrderedDict[Any, Prepared] = OrderedDict()

    def get(self, constraint: Any, banned: tuple[str, ...] = ()) -> tuple[Prepared, bool]:
        """A constraint without the texts that hold a banned phrase made ready, and whether it was made just now.

        Raises as :func:`structgen.compile` and :func:`structgen.sampling.without` do.
        """
        key = content_key(constraint)
        if key is not None and banned:
            key = ("banned", banned, key)
        if key is not None and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key], False
        began = perf_counter()
        source = without(constraint, banned) if banned else as_constraint(constraint)
        grammar = compile_constraint(source, self._vocab, limits=self._limits)
        made = Prepared(source, grammar, JumpForward(grammar, self._encode), perf_counter() - began)
        if key is not None:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made, True
