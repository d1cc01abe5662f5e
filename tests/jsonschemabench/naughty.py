"""An engine that does whatever the schema's title tells it to."""

from __future__ import annotations

import json
import os
import time

import numpy as np
from numpy.typing import NDArray

from jsonschemabench.engines.base import BenchVocabulary, EngineFailed, Refused


class Session:
    """Takes every text, except that it knows the title "fail"."""

    def __init__(self, words: int, title: str) -> None:
        self._row = np.full(words, -1, dtype=np.int32)
        self._title = title
        self._n = 0

    def reset(self) -> None:
        self._n = 0

    def mask(self, out: NDArray[np.int32]) -> None:
        self._n += 1
        if self._n > 2 and self._title == "fail":
            raise EngineFailed("gave up")
        if self._n > 2 and self._title == "hang later":
            time.sleep(60)
        out[:] = self._row
        if self._title == "refuse a" and self._n > 1:
            out[ord("a") >> 5] &= ~np.int32(1 << (ord("a") & 31))

    def advance(self, token: int) -> bool:
        return self._title != "lie"

    def accepts(self) -> bool:
        return True

    def twin(self) -> Session:
        return Session(len(self._row), self._title)


class Naughty:
    """See the module."""

    version = "naughty 1"

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        self._words = vocabulary.words

    def compile(self, schema: str, **options: object) -> Session:
        value = json.loads(schema)
        title = value.get("title", "") if isinstance(value, dict) else ""
        if title == "refuse":
            raise Refused("not this one, at #/properties/a")
        if title == "hang":
            time.sleep(60)
        if title == "eat":
            hoard = []
            while True:
                hoard.append(bytearray(b"x" * (16 << 20)))
        if title == "die":
            os._exit(7)
        if title == "break":
            raise ZeroDivisionError("oops")
        if title == "print":
            print("chatter that is no message")
        return Session(self._words, title)


class Absent:
    """An engine that is not installed."""

    def __init__(self, vocabulary: BenchVocabulary, order: str) -> None:
        raise ImportError("no such engine here")
