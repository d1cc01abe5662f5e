"""Where a text stops fitting a constraint, in terms a person can find: line, column, what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structgen as sg

#: How much of a long line is shown on each side of the place.
_AROUND = 60
#: How many expectations are listed before "and N more".
_LISTED = 12


@dataclass(frozen=True)
class Place:
    """How far a text goes.

    Attributes:
        data: the text.
        offset: bytes that fit; ``len(data)`` where all do.
        state: the state after those bytes.
    """

    data: bytes
    offset: int
    state: int

    @property
    def line(self) -> int:
        return self.data.count(b"\n", 0, self.offset) + 1

    @property
    def column(self) -> int:
        """In characters, from 1."""
        return len(_decoded(self.data[self._line_start : self.offset])) + 1

    @property
    def _line_start(self) -> int:
        return self.data.rfind(b"\n", 0, self.offset) + 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column} (byte {self.offset})"

    def pointed(self) -> str:
        """The line, and a caret under the place. Long lines are cut."""
        start = self._line_start
        end = self.data.find(b"\n", self.offset)
        before = _visible(_decoded(self.data[start : self.offset]))
        after = _visible(_decoded(self.data[self.offset : end if end >= 0 else len(self.data)]))
        if len(before) > _AROUND:
            before = "..." + before[-_AROUND:]
        if len(after) > _AROUND:
            after = after[:_AROUND] + "..."
        return f"  {before}{after}\n  {' ' * len(before)}^"


def follow(grammar: sg.CompiledGrammar, data: bytes) -> Place:
    """Feed a text as far as it fits; a character that does not fit is not entered."""
    state = grammar.advance_bytes(grammar.start, data)
    if state >= 0:
        return Place(data, len(data), state)
    state = grammar.start
    whole = (0, state)
    for offset, byte in enumerate(data):
        if byte & 0xC0 != 0x80:
            whole = (offset, state)
        following = grammar.advance_bytes(state, bytes([byte]))
        if following < 0:
            break
        state = following
    return Place(data, *whole)


def expectations(grammar: sg.CompiledGrammar, state: int) -> Iterator[str]:
    """What may come next, a line each: the terminal, and its place in the user's source."""
    places: dict[str, list[str]] = {}
    for name, where in grammar.expected(state):
        found = places.setdefault(name, [])
        if where is not None and where not in found:
            found.append(where)
    width = max((len(name) for name in places), default=0)
    for name, found in list(places.items())[:_LISTED]:
        more = f" and {len(found) - 3} more places" if len(found) > 3 else ""
        yield f"{name:{min(width, 40)}}  {', '.join(found[:3])}{more}".rstrip()
    if len(places) > _LISTED:
        yield f"and {len(places) - _LISTED} more"
    if grammar.accepts(state):
        yield "the end of the text"


def report(grammar: sg.CompiledGrammar, place: Place) -> str:
    """Several lines that say where a text breaks and what was expected there."""
    if place.offset < len(place.data):
        head = f"no: the text stops fitting at {place}"
    else:
        head = f"no: the text is not complete, it ends at {place}"
    lines = [head, place.pointed(), "expected here:"]
    lines += ["  " + line for line in expectations(grammar, place.state)]
    following = grammar.next_bytes(place.state)
    if following:
        lines.append(f"next byte: {byte_ranges(following)}")
    return "\n".join(lines)


def byte_ranges(values: list[int]) -> str:
    """Byte values, ascending, as people read them: ``0-9 a-f``."""
    parts: list[str] = []
    begin = 0
    for i in range(1, len(values) + 1):
        if i == len(values) or values[i] != values[i - 1] + 1:
            first, last = values[begin], values[i - 1]
            if last - first < 2:
                parts += [one_byte(value) for value in values[begin:i]]
            else:
                parts.append(f"{one_byte(first)}-{one_byte(last)}")
            begin = i
    return " ".join(parts)


def one_byte(value: int) -> str:
    """A byte value as itself, by name, or in hex."""
    if 0x21 <= value < 0x7F:
        return chr(value)
    return {0x20: "space", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}.get(value, f"0x{value:02x}")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def _visible(text: str) -> str:
    """A text that takes one column a character on a terminal: control characters become their symbols."""
    return "".join(chr(0x2400 + ord(c)) if ord(c) < 0x20 else c for c in text)
