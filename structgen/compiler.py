"""Compiled grammars of one vocabulary, made once and kept.

Receives constraints of any kind, one after the other or from many threads, and returns compiled grammars; constraints
of equal content share one. This is what a server wants that is sent the same schemas again and again.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import fields
from typing import Any

from structgen.compile import compile as compile_constraint
from structgen.errors import InputError
from structgen.frontends.types import is_type
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar
from structgen.runtime.compiled import checked_limits
from structgen.source import JsonSchema, Lark


class Compiler:
    """``sg.compile`` for one vocabulary with a cache of compiled grammars, by the content of their constraints.

    The grammar of a constraint that was met before is the very one made then, with all its states. Safe to use from
    many threads: a constraint that two of them ask for at once is compiled once.

    Args:
        vocab: the vocabulary of the model that will write the texts.
        limits: what each compilation, and the use of its result, may cost.
        max_grammars: how many compiled grammars are kept; the least recently used one goes first.
        max_bytes: how much memory their tables may take together. A grammar that is in use lives on when it is dropped.

    Attributes:
        hits: how often a kept grammar was returned.
        misses: how often one had to be made.

    Raises:
        InputError: an argument is not what it should be.
    """

    def __init__(
        self,
        vocab: Vocabulary,
        *,
        limits: Limits | None = None,
        max_grammars: int = 256,
        max_bytes: int = 2 << 30,
    ) -> None:
        if not isinstance(vocab, Vocabulary):
            raise InputError(
                f"vocab is a Vocabulary, not {type(vocab).__name__}",
                hint="Make one with sg.Vocabulary.from_tokenizer(tokenizer)",
            )
        for name, value in (("max_grammars", max_grammars), ("max_bytes", max_bytes)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name}={value!r}", hint="Give an integer, at least 1")
        self.vocab = vocab
        self.limits = checked_limits(limits)
        self.hits = 0
        self.misses = 0
        self._max_grammars = max_grammars
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, CompiledGrammar] = OrderedDict()
        self._now: dict[Hashable, Future[CompiledGrammar]] = {}

    def compile(self, constraint: Any) -> CompiledGrammar:
        """The compiled grammar of a constraint. Takes and raises what :func:`structgen.compile` does.

        Errors are not kept: a constraint that cannot be compiled is tried again each time.
        """
        key = content_key(constraint)
        future, mine = self._begin(key)
        if mine:
            self._make(key, constraint, future)
        return future.result()

    def submit(self, constraint: Any) -> Future[CompiledGrammar]:
        """Compile in a thread of its own and return at once; the future has the grammar, or the error.

        Compiling runs Python code for a part of the time, during which other threads wait their turn.
        """
        key = content_key(constraint)
        future, mine = self._begin(key)
        if mine:
            threading.Thread(target=self._make, args=(key, constraint, future), daemon=True).start()
        return future

    def clear(self) -> None:
        """Drop all grammars that are kept."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def nbytes(self) -> int:
        """Memory of the kept grammars' tables in bytes; what the vocabulary's grammars share is left out."""
        with self._lock:
            return sum(grammar.nbytes for grammar in self._kept.values())

    def _begin(self, key: Hashable | None) -> tuple[Future[CompiledGrammar], bool]:
        """A future of the grammar, and whether it is for the caller to make."""
        future: Future[CompiledGrammar] = Future()
        with self._lock:
            if key is not None:
                kept = self._kept.get(key)
                if kept is not None and _worn(kept):
                    del self._kept[key]
                elif kept is not None:
                    self._kept.move_to_end(key)
                    self.hits += 1
                    future.set_result(kept)
                    return future, False
                if key in self._now:
                    self.hits += 1
                    return self._now[key], False
                self._now[key] = future
            self.misses += 1
        return future, True

    def _make(self, key: Hashable | None, constraint: Any, future: Future[CompiledGrammar]) -> None:
        grammar = error = None
        try:
            grammar = compile_constraint(constraint, self.vocab, limits=self.limits)
        except BaseException as raised:  # whatever it is, those who wait are to have it
            error = raised
        with self._lock:
            if key is not None:
                del self._now[key]
                if grammar is not None:
                    self._kept[key] = grammar
                    self._drop()
        if error is not None:
            future.set_exception(error)
        elif grammar is not None:
            future.set_result(grammar)

    def _drop(self) -> None:
        """Keep the limits: grammars grow while they are used, so all are looked at."""
        sizes = {key: grammar.nbytes for key, grammar in self._kept.items()}
        total = sum(sizes.values())
        while len(self._kept) > self._max_grammars or (total > self._max_bytes and len(self._kept) > 1):
            key, _ = self._kept.popitem(last=False)
            total -= sizes[key]


def _worn(grammar: CompiledGrammar) -> bool:
    """Is it half way to the end of its limits? Whoever asks for a grammar is to have one with room left."""
    return (
        2 * grammar.n_states > grammar.limits.max_states
        or 2 * grammar.nbytes > grammar.limits.max_grammar_bytes
    )


def content_key(constraint: Any) -> Hashable | None:
    """What a compiled grammar is kept under: equal keys, equal languages. None: it is not to be kept.

    Schemas and grammars given as data or text go by their content, options included; types and other constraints by
    equality, which for those that refer to files or other objects is identity.
    """
    schema, options = constraint, ()
    if isinstance(constraint, JsonSchema) and constraint.registry is None:
        schema = constraint.schema
        options = _options(constraint, "schema", "registry")
    elif isinstance(constraint, Lark) and not (constraint.is_path or constraint.import_paths or constraint.constraints):
        if constraint.postlex in (None, "indent"):
            return ("lark", constraint.grammar, _options(constraint, "grammar", "constraints"))
    try:
        if isinstance(schema, (dict, bool)):
            return ("schema", json.dumps(schema), options)
        if isinstance(schema, str):
            return ("text", schema, options)
        if is_type(schema):
            hash(schema)
            return ("type", schema, options)
        if isinstance(constraint, list):
            return ("list", tuple(constraint))
        hash(constraint)
    except (TypeError, ValueError):
        return None
    return ("object", constraint)  # the entry keeps the object alive


def _options(constraint: JsonSchema | Lark, *without: str) -> tuple[Any, ...]:
    return tuple(getattr(constraint, field.name) for field in fields(constraint) if field.name not in without)


__all__ = ["Compiler", "content_key"]
