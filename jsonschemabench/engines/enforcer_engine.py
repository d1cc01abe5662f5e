"""lm-format-enforcer: a parser of characters walked over a tree of the vocabulary, all in Python."""

from __future__ import annotations

import json
import logging
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.engines.base import BenchVocabulary, Refused

# What stands for a token that is no text by itself, as in its own integrations.
_NO_TEXT = "\ufffd"


class EnforcerSession:
    """The tokens so far, given to one ``TokenEnforcer``, which keeps what it knows by prefix."""

    def __init__(self, enforcer: Any, size: int, eos: int) -> None:
        self._enforcer = enforcer
        self._size = size
        self._eos = eos
        self._tokens: list[int] = []
        self._allowed: NDArray[np.uint8] | None = None

    def reset(self) -> None:
        self._tokens = []
        self._allowed = None

    def mask(self, out: NDArray[np.int32]) -> None:
        out[:] = np.packbits(self._flags(), bitorder="little").view(np.int32)

    def advance(self, token: int) -> bool:
        if not self._flags()[token]:
            return False
        self._tokens.append(token)
        self._allowed = None
        return True

    def accepts(self) -> bool:
        return bool(self._flags()[self._eos])

    def twin(self) -> EnforcerSession:
        return EnforcerSession(self._enforcer, self._size, self._eos)

    def _flags(self) -> NDArray[np.uint8]:
        """A byte for each token: may it come next?"""
        if self._allowed is None:
            flags = np.zeros((self._size + 31) // 32 * 32, dtype=np.uint8)
            flags[self._enforcer.get_allowed_tokens(self._tokens).allowed_tokens] = 1
            self._allowed = flags
        return self._allowed


class EnforcerEngine:
    """``TokenEnforcerTokenizerData`` of the tokens' texts; its defaults otherwise."""

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        import lmformatenforcer

        logging.disable(logging.CRITICAL)  # where its parser fails it logs a page, and has the text end there
        self._package = lmformatenforcer
        self._tokens = vocabulary.tokens
        self._eos = vocabulary.eos
        regular = []
        for i, token in enumerate(vocabulary.tokens):
            if not token or i == vocabulary.eos:
                continue
            try:
                regular.append((i, token.decode("utf-8"), True))
            except UnicodeDecodeError:
                regular.append((i, _NO_TEXT, False))
        self._data = lmformatenforcer.TokenEnforcerTokenizerData(
            regular, self._decode, vocabulary.eos, False, len(vocabulary.tokens)
        )

    @property
    def version(self) -> str:
        return f"lm-format-enforcer {metadata.version('lm-format-enforcer')}"

    def compile(self, schema: str, formats: str = "assert", registry: object = None) -> EnforcerSession:
        try:
            parser = self._package.JsonSchemaParser(json.loads(schema))
        except Exception as error:  # of many kinds, for what it does not know
            raise Refused(f"{type(error).__name__}: {error}") from error
        enforcer = self._package.TokenEnforcer(self._data, parser)
        return EnforcerSession(enforcer, len(self._tokens), self._eos)

    def _decode(self, tokens: list[int]) -> str:
        return b"".join(self._tokens[token] or b"" for token in tokens).decode("utf-8", "ignore")
