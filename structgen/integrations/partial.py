"""Partial JSON, exact as far as it goes. Receives a JSON text piece by piece; returns what is certain of its value.

The grammar guarantees that the text is the beginning of valid JSON, so nothing is repaired or guessed. A scalar
is shown once it is finished: a number that may still grow, a name without its value and half a literal are
withheld, so whatever is shown is in the final value, at the same place. Strings still being written are withheld
too unless asked for, since half an enum value or date is not one.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Partial:
    """A text on its way.

    Attributes:
        text: the text so far, whole characters only.
        data: JSON data of what is finished (dict, list or scalar), or None where nothing is or where the
            constraint is not JSON.
        value: the result, validated and of the type asked for; None until ``done``.
        done: is this the last one?
    """

    text: str
    data: Any = None
    value: Any = None
    done: bool = False


_NOTHING = object()
_LITERALS = {"true": True, "false": False, "null": None}
# What may stand unfinished at the end of a string: an escape, or the first half of a surrogate pair.
_UNFINISHED = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?|\\(?:u[0-9a-fA-F]{0,3})?)\Z"
)


class JsonProgress:
    """Follows a JSON text as it grows; each character is looked at once."""

    def __init__(self, *, growing_strings: bool = False) -> None:
        """``growing_strings``: show strings (not names) that are still being written."""
        self._growing = growing_strings
        self._root: Any = _NOTHING
        self._open: list[Any] = []  # containers around the current place
        self._names: list[Any] = []  # for each: the name that waits for its value
        self._string: list[str] | None = None
        self._escaped = False
        self._scalar = ""

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        for character in text:
            if self._string is not None:
                self._in_string(character)
            elif character == '"':
                self._string = []
            elif character in "{[":
                container: Any = {} if character == "{" else []
                self._put(container)
                self._open.append(container)
                self._names.append(_NOTHING)
            elif character in "}]":
                self._end_scalar()
                self._open.pop()
                self._names.pop()
            elif character in ",: \t\n\r":
                self._end_scalar()
            else:
                self._scalar += character
                if self._scalar in _LITERALS:
                    self._put(_LITERALS[self._scalar])
                    self._scalar = ""

    def finish(self) -> None:
        """The text is complete: a number at its end is final."""
        self._end_scalar()

    def data(self) -> Any:
        """A copy of what is certain so far; None when nothing is."""
        shown = self._string is not None and self._growing and not self._awaits_name()
        if not shown:
            return None if self._root is _NOTHING else copy.deepcopy(self._root)
        parent = self._open[-1] if self._open else None
        half = self._decoded(_UNFINISHED.sub(r"\1", "".join(self._string or [])))
        if parent is None:
            return half
        key = self._names[-1] if isinstance(parent, dict) else len(parent)
        if isinstance(parent, dict):
            had = parent.get(key, _NOTHING)
            parent[key] = half
        else:
            had = _NOTHING
            parent.append(half)
        taken = copy.deepcopy(self._root)
        if had is _NOTHING:
            del parent[key]
        else:
            parent[key] = had
        return taken

    def _in_string(self, character: str) -> None:
        assert self._string is not None
        if character != '"' or self._escaped:
            self._string.append(character)
            self._escaped = character == "\\" and not self._escaped
            return
        value = self._decoded("".join(self._string))
        self._string = None
        if self._awaits_name():
            self._names[-1] = value
        else:
            self._put(value)

    def _awaits_name(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and self._names[-1] is _NOTHING

    def _end_scalar(self) -> None:
        if self._scalar:
            self._put(json.loads(self._scalar))
            self._scalar = ""

    def _put(self, value: Any) -> None:
        if not self._open:
            self._root = value
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        else:
            self._open[-1][self._names[-1]] = value
            self._names[-1] = _NOTHING

    @staticmethod
    def _decoded(raw: str) -> str:
        text: str = json.loads(f'"{raw}"')
        return text
