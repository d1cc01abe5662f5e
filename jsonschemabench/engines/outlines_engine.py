"""outlines-core: the schema as one regular expression, and an index over the vocabulary made in full."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.engines.base import BenchVocabulary, Refused


class OutlinesSession:
    """One ``Guide``."""

    def __init__(self, index: Any, guide_type: Any) -> None:
        self._index = index
        self._type = guide_type
        self._guide = guide_type(index)

    def reset(self) -> None:
        self._guide.reset()

    def mask(self, out: NDArray[np.int32]) -> None:
        self._guide.write_mask_into(out.ctypes.data, out.size, out.itemsize)

    def advance(self, token: int) -> bool:
        try:
            self._guide.advance(token, return_tokens=False)
        except ValueError:
            return False
        return True

    def accepts(self) -> bool:
        return bool(self._guide.is_finished())

    def twin(self) -> OutlinesSession:
        return OutlinesSession(self._index, self._type)


class OutlinesEngine:
    """Its ``Vocabulary`` of the tokens' bytes; whitespace and depth of recursion as they come."""

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        import outlines_core
        from outlines_core.json_schema import build_regex_from_schema

        self._regex = build_regex_from_schema
        self._index_type = outlines_core.Index
        self._guide_type = outlines_core.Guide
        ids: dict[bytes, list[int]] = {}
        for i, token in enumerate(vocabulary.tokens):
            if token and i != vocabulary.eos:
                ids.setdefault(token, []).append(i)
        self._vocabulary = outlines_core.Vocabulary(vocabulary.eos, ids)

    @property
    def version(self) -> str:
        return f"outlines-core {metadata.version('outlines-core')}"

    def compile(self, schema: str, formats: str = "assert", registry: object = None) -> OutlinesSession:
        try:
            return OutlinesSession(self._index_type(self._regex(schema), self._vocabulary), self._guide_type)
        except (ValueError, TypeError, RuntimeError) as error:
            raise Refused(str(error)) from error
