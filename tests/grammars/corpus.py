"""Examples of each language: ``corpus/NAME.txt``.

A line ``%% accept`` or ``%% reject`` (perhaps with a remark after it) begins an example; it ends before the line
break in front of the next such line. An example that has to end in a line break has an empty line more.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "corpus"
_MARK = re.compile(r"^%% (accept|reject)\b(.*)$", re.MULTILINE)


class Example(NamedTuple):
    """A text, whether it belongs to the language, the line of its mark, and the remark on it."""

    text: str
    good: bool
    line: int
    remark: str


def examples(name: str) -> list[Example]:
    """The examples of a language, in the order of the file."""
    whole = (FOLDER / f"{name}.txt").read_bytes().decode()
    marks = list(_MARK.finditer(whole))
    assert marks and not whole[: marks[0].start()].strip(), f"{name}.txt does not begin with a mark"
    found = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        end = following.start() if following else len(whole)
        text = whole[mark.end() + 1 : end].removesuffix("\n")
        line = whole.count("\n", 0, mark.start()) + 1
        found.append(Example(text, mark[1] == "accept", line, mark[2].strip()))
    return found
