"""xgrammar through its Python API: non-strict schemas, any whitespace, one thread."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.engines.base import BenchVocabulary, EngineFailed, Refused


class XgrammarSession:
    """One ``GrammarMatcher``."""

    def __init__(self, compiled: Any, matcher_type: Any) -> None:
        self._compiled = compiled
        self._type = matcher_type
        self.matcher = matcher_type(compiled)

    def reset(self) -> None:
        self.matcher.reset()

    def mask(self, out: NDArray[np.int32]) -> None:
        try:
            self.matcher.fill_next_token_bitmask(out.reshape(1, -1))
        except RuntimeError as error:
            raise EngineFailed(str(error)) from error

    def advance(self, token: int) -> bool:
        return bool(self.matcher.accept_token(token))

    def accepts(self) -> bool:
        return bool(self.matcher.is_completed())

    def twin(self) -> XgrammarSession:
        return XgrammarSession(self._compiled, self._type)


class XgrammarEngine:
    """``GrammarCompiler`` over the vocabulary's bytes; special tokens are the empty ones, as its own loader has them.

    Properties come in the schema's order: its ``any_order`` does not check which of them are there.
    """

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        import xgrammar

        self._matcher_type = xgrammar.GrammarMatcher
        self._info = xgrammar.TokenizerInfo(
            [token or b"" for token in vocabulary.tokens],
            vocab_size=len(vocabulary.tokens),
            stop_token_ids=[vocabulary.eos],
        )
        self._compiler = xgrammar.GrammarCompiler(self._info, max_threads=1)
        self._batch = xgrammar.BatchGrammarMatcher(max_threads=1)
        self._last = ""

    @property
    def version(self) -> str:
        return f"xgrammar {metadata.version('xgrammar')}"

    def compile(self, schema: str, formats: str = "assert", registry: object = None) -> XgrammarSession:
        """Its cache holds the last schema only: all of them would not fit the memory that one schema may use."""
        if schema != self._last:
            self._compiler.clear_cache()
            self._last = schema
        try:
            compiled = self._compiler.compile_json_schema(schema, any_whitespace=True, strict_mode=False)
            return XgrammarSession(compiled, self._matcher_type)
        except RuntimeError as error:
            raise Refused(str(error)) from error

    def fill(self, sessions: Sequence[XgrammarSession], out: NDArray[np.int32]) -> None:
        """The masks of a batch, on one thread."""
        self._batch.batch_fill_next_token_bitmask([session.matcher for session in sessions], out)
