"""xgrammar through its Python API: non-strict schemas, any whitespace, one thread."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.engines.base import BenchVocabulary, EngineFailed, Refused

# What its cache may hold, in bytes: a worker has some gigabytes in all.
_CACHE = 512 << 20


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
        self._compiler = xgrammar.GrammarCompiler(self._info, max_threads=1, cache_limit_bytes=_CACHE)
        self._uncached = xgrammar.GrammarCompiler(self._info, max_threads=1, cache_enabled=False)
        self._batch = xgrammar.BatchGrammarMatcher(max_threads=1)

    @property
    def version(self) -> str:
        return f"xgrammar {metadata.version('xgrammar')}"

    def compile(self, schema: str, formats: str = "assert", registry: object = None) -> XgrammarSession:
        """With its cache, which schemas share rules through, as it comes.

        In 0.2.8 some schemas fail a check of that cache; these are compiled again without it.
        """
        try:
            return XgrammarSession(self._compiled(self._compiler, schema), self._matcher_type)
        except RuntimeError as error:
            if "per_rule_fsm_hashes" not in str(error):
                raise Refused(str(error)) from error
        try:
            return XgrammarSession(self._compiled(self._uncached, schema), self._matcher_type)
        except RuntimeError as error:
            raise Refused(str(error)) from error

    def grammar(self, source: str) -> XgrammarSession:
        """A grammar in its dialect of Lark's notation."""
        import xgrammar

        try:
            return XgrammarSession(
                self._compiler.compile_grammar(xgrammar.Grammar.from_lark(source)), self._matcher_type
            )
        except RuntimeError as error:
            raise Refused(str(error)) from error

    @staticmethod
    def _compiled(compiler: Any, schema: str) -> Any:
        return compiler.compile_json_schema(schema, any_whitespace=True, strict_mode=False)

    def fill(self, sessions: Sequence[XgrammarSession], out: NDArray[np.int32]) -> None:
        """The masks of a batch, on one thread."""
        self._batch.batch_fill_next_token_bitmask([session.matcher for session in sessions], out)
