"""Special tokens in texts: what the bytes of a text look like where a token stands that has none of its own.

A special token is written as its name between two bytes 0xFF, which UTF-8 never uses. So it is a word that no text
holds, however it is spelt, and only its own id has these bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from structgen.errors import InputError
from structgen.source.constraints import Constraint

#: Begins and ends the word of a special token.
MARK = 0xFF
_WORD = re.compile(b"\xff([^\xff]*)\xff")


def marked(name: str) -> bytes:
    """The word of a special token."""
    return bytes([MARK]) + name.encode("utf-8", "surrogatepass") + bytes([MARK])


def unmarked(data: bytes) -> bytes:
    """Bytes as they are shown: special tokens by their names."""
    return _WORD.sub(rb"\1", data)


def before_special(data: bytes) -> bytes:
    """The bytes up to the first special token."""
    return data.partition(bytes([MARK]))[0]


@dataclass(frozen=True)
class Special(Constraint):
    """One special token of the vocabulary, such as ``<|eot_id|>``: the token itself, never its name as text.

    Attributes:
        name: as the tokenizer calls it. A vocabulary without such a token refuses the constraint.
    """

    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"a special token is named by a string, not by {self.name!r}", hint='"<|eot_id|>", say')
