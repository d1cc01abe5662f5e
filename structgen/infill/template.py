"""Templates: texts with holes that a reader can see, as canvases.

Receives a text such as ``{"name": "<hole:name>", "age": <hole:age 1-4>}``; returns the elements of a canvas and the
names of its holes. A hole is written

- ``<hole>``: any number of tokens,
- ``<hole 8>``: exactly 8 tokens, ``<hole 1-8>``: 1 to 8, ``<hole 2->``: at least 2,
- ``<hole:name>``, ``<hole:name 1-8>``: the same with a name.

Where a text itself has ``<hole`` in it, another word is taken: ``word="blank"`` makes ``<blank:name>`` a hole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from structgen.errors import InputError
from structgen.infill.gap import Element, Gap

#: The word that makes a hole, unless another is given.
WORD = "hole"


@dataclass(frozen=True)
class Template:
    """A text with holes.

    Attributes:
        elements: fixed text and gaps.
        names: of the gaps, in order; None where a hole has none.
    """

    elements: list[Element]
    names: list[str | None]

    @classmethod
    def parse(cls, text: str, *, word: str = WORD) -> Template:
        """Read a template.

        Raises:
            InputError: a hole is malformed, a name comes twice, or there is no hole at all.
        """
        if not re.fullmatch(r"[A-Za-z_]\w*", word):
            raise InputError(f"the word for holes is {word!r}", hint="It is a name: letters, digits, underscores")
        elements: list[Element] = []
        names: list[str | None] = []
        at = 0
        for found in re.finditer(rf"<{word}\b", text):
            where = _place(text, found.start())
            hole = _HOLE.match(text, found.end())
            if hole is None:
                raise InputError(
                    "a hole is malformed",
                    where=where,
                    hint=f"It is <{word}>, <{word}:name> or <{word}:name 1-8> (numbers of tokens). Where the text "
                    "itself has such a thing, choose another word for holes",
                )
            name = hole["name"]
            if name is not None and name in names:
                raise InputError(f"two holes are called {name}", where=where, hint="Each hole has a name of its own")
            elements += [text[at : found.start()].encode(), _gap(hole, where)]
            names.append(name)
            at = hole.end()
        if not names:
            raise InputError("the template has no holes", hint=f"Write <{word}> where something is to be filled in")
        elements.append(text[at:].encode())
        return cls([element for element in elements if element != b""], names)

    @classmethod
    def of(cls, elements: list[Element]) -> Template:
        """A canvas whose gaps have no names."""
        return cls(elements, [None for element in elements if isinstance(element, Gap)])

    def shown(self, blank: bytes = b"___") -> str:
        """The text with a blank in place of each gap."""
        return b"".join(e if isinstance(e, bytes) else blank for e in self.elements).decode(errors="replace")


_HOLE = re.compile(r"(?::(?P<name>[A-Za-z_]\w*))?(?:[ ]+(?P<least>\d{1,6})(?P<to>-(?P<most>\d{1,6})?)?)?[ ]*>")


def _gap(hole: re.Match[str], where: str) -> Gap:
    if hole["least"] is None:
        return Gap()
    least = int(hole["least"])
    if hole["to"] is None:
        return Gap(least)
    most = None if hole["most"] is None else int(hole["most"])
    if most is not None and most < least:
        raise InputError(f"a hole cannot have {least} to {most} tokens", where=where)
    return Gap(least, most)


def _place(text: str, at: int) -> str:
    line = text.count("\n", 0, at)
    return f"line {line + 1}, column {at - (text.rfind(chr(10), 0, at) + 1) + 1}"
