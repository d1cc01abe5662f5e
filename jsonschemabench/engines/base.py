"""What an engine must offer to be measured. A few dozen lines of adapter suffice: see those beside this file.

Everything runs in one process, one thread, and is timed from outside: ``compile`` plus the first ``mask`` is the
time to first mask; every ``mask`` call is timed by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BenchVocabulary:
    """A vocabulary as every engine can take it.

    Attributes:
        name: what the command line calls it.
        tokens: the bytes of each token; None for special tokens.
        eos: the id of the token that ends a text.
        encode: text to token ids, as a model's tokenizer would.
    """

    name: str
    tokens: Sequence[bytes | None]
    eos: int
    encode: Callable[[str], list[int]]

    @property
    def words(self) -> int:
        """int32 words of a mask row."""
        return (len(self.tokens) + 31) // 32


class Refused(Exception):
    """The engine will not compile this schema, and says why."""


class Empty(Refused):
    """The engine says that no text is valid under this schema."""


class EngineFailed(Exception):
    """The engine compiled the schema, then gave up in the middle of a text."""


class Session(Protocol):
    """A compiled schema with a cursor in a text."""

    def reset(self) -> None:
        """Back to the start of a text."""

    def mask(self, out: NDArray[np.int32]) -> None:
        """Write the packed mask of the next token: bit ``t % 32`` of word ``t // 32``."""

    def advance(self, token: int) -> bool:
        """Take a token; False where it is not allowed."""

    def accepts(self) -> bool:
        """May the text end here?"""

    # A session may also have accepts_in_any_order(text: str) -> bool: would it take a text that it refused, if the
    # properties of objects could come in any order? Such refusals are counted apart. For ``serve`` it has
    # twin() -> Session: another cursor, at the start, over what is compiled.


class Engine(Protocol):
    """An engine, set up for one vocabulary."""

    @property
    def version(self) -> str:
        """Name and version of what is measured."""

    def compile(self, schema: str, **options: Any) -> Session:
        """Compile a schema, given as JSON text. Raises :class:`Refused`.

        Options are given by ``suite`` only: ``formats`` ("assert" or "annotation") and ``registry`` (documents by
        URI).
        """

    # An engine may also have fill(sessions: Sequence[Session], out: NDArray[np.int32]) -> None: the masks of a batch,
    # row i of int32[B, words] for sessions[i]. ``serve`` calls ``mask`` row by row where there is none. And forget():
    # drop the schemas that it keeps. It is called between cases, so that no case is charged for dropping another.
