"""llguidance through its Python API, as its users call it: default limits, its slices for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.engines.base import BenchVocabulary, EngineFailed, Refused


class _Wrapped:
    """The attributes that llguidance reads from a tokenizer."""

    bos_token_id = None

    def __init__(self, vocabulary: BenchVocabulary) -> None:
        self.tokens: Sequence[bytes] = [
            b"<%d>" % i if token is None else token for i, token in enumerate(vocabulary.tokens)
        ]
        self.special_token_ids = [i for i, token in enumerate(vocabulary.tokens) if token is None]
        self.eos_token_id = vocabulary.eos
        self._encode = vocabulary.encode

    def __call__(self, text: str | bytes) -> list[int]:
        return self._encode(text if isinstance(text, str) else text.decode("utf-8"))


class LlguidanceSession:
    """One ``LLMatcher``."""

    def __init__(self, matcher: Any) -> None:
        self.matcher = matcher

    def reset(self) -> None:
        self.matcher.reset()

    def mask(self, out: NDArray[np.int32]) -> None:
        self.matcher.unsafe_compute_mask_ptr(out.ctypes.data, out.nbytes)
        if self.matcher.is_error():
            raise EngineFailed(self.matcher.get_error())

    def advance(self, token: int) -> bool:
        return bool(self.matcher.consume_token(token))

    def accepts(self) -> bool:
        return bool(self.matcher.is_accepting())

    def twin(self) -> LlguidanceSession:
        copy = self.matcher.deep_copy()
        copy.reset()
        return LlguidanceSession(copy)


class LlguidanceEngine:
    """``LLTokenizer`` over the vocabulary's bytes."""

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        import llguidance

        self._matcher_type = llguidance.LLMatcher
        self._tokenizer = llguidance.LLTokenizer(
            llguidance.TokenizerWrapper(_Wrapped(vocabulary)),
            n_vocab=len(vocabulary.tokens),
            eos_token=vocabulary.eos,
            slices=llguidance.LLTokenizer.json_slices(),
        )
        self._executor = llguidance.LLExecutor(1)

    @property
    def version(self) -> str:
        return f"llguidance {metadata.version('llguidance')}"

    def compile(self, schema: str, formats: str = "assert", registry: object = None) -> LlguidanceSession:
        """It always enforces formats, and takes one document only."""
        try:
            grammar = self._matcher_type.grammar_from_json_schema(schema)
        except ValueError as error:
            raise Refused(str(error)) from error
        return self._session(grammar)

    def grammar(self, source: str) -> LlguidanceSession:
        """A grammar in its dialect of Lark's notation."""
        try:
            return self._session(self._matcher_type.grammar_from_lark(source))
        except ValueError as error:
            raise Refused(str(error)) from error

    def _session(self, grammar: str) -> LlguidanceSession:
        matcher = self._matcher_type(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise Refused(matcher.get_error())
        return LlguidanceSession(matcher)

    def fill(self, sessions: Sequence[LlguidanceSession], out: NDArray[np.int32]) -> None:
        """The masks of a batch, by its executor with one thread."""
        rows = [(session.matcher, i) for i, session in enumerate(sessions)]
        self._executor.unsafe_compute_mask_ptr(rows, out.ctypes.data, out.strides[0], len(out))
