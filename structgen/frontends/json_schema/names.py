"""Free property names: what a text of one says, and which are the shortest.

Receives sets of names and the bytes that a terminal for names has read; returns names and the lengths of their texts.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import cached_property
from itertools import count, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.frontends.json_schema.strings import StringSet
from structgen.frontends.json_schema.wordtexts import SIZES
from structgen.ir.network import Terminal


def read_name(text: bytes) -> str:
    """The name that a terminal for property names has read: without its opening quote, with its colon."""
    text = text.rstrip(b" \t\r\n:")
    if b"\\" not in text:
        return text[:-1].decode("utf-8")
    name: str = json.loads(b'"' + text)
    return name


def text_size(name: str) -> int:
    """Least bytes of the text of a name, without its quotes."""
    if name.isascii() and name.isprintable() and '"' not in name and "\\" not in name:
        return len(name)
    return sum(size for c in name for lo, hi, size in SIZES if lo <= ord(c) <= hi)


#: Sets that lack at most so many names are known by what they lack.
_MANY_NAMES = 20_000


class Written(frozenset[str]):
    """Names that have been written; equal to any set of the same names.

    Attributes:
        before: the set to which the last name was added; None: unknown, or there is none.
        last: that name.
    """

    before: Written | None = None
    last: str = ""

    def plus(self, name: str) -> Written:
        """The set with one more name."""
        more = Written(self | {name})
        more.before = self
        more.last = name
        return more


class Blurred(Written):
    """Names that have been written, and one more that is not known. Equal to none of the sets above.

    Attributes:
        known: the others.
    """

    known: Written

    def __new__(cls, known: Written) -> Blurred:
        blurred = super().__new__(cls, (*known, _UNKNOWN))
        blurred.known = known
        return blurred


#: In place of a name that is not known; no text says such a name.
_UNKNOWN = "\ud800?"

#: No name has been written.
NO_NAMES = Written()


class Pool:
    """Names that may each be written once, the ones with the shortest texts first."""

    def __init__(self, names: StringSet) -> None:
        self.names = names
        self._more: Iterator[tuple[int, str]] | None = None
        self._known: list[tuple[int, str]] = []
        #: terminals of those of its names that are left, by the names written
        self.terminals: dict[frozenset[str], Terminal] = {}

    @cached_property
    def lacking(self) -> frozenset[str] | None:
        """The names that are not in the set, if they are few; else None."""
        if self.names.is_all():
            return frozenset()
        lacking = self.names.complement().values(_MANY_NAMES)
        return None if lacking is None else frozenset(lacking)

    def free(self, used: Written) -> FreeNames:
        """The names not used."""
        return FreeNames(self, used)

    def runs_out(self, used: frozenset[str]) -> bool:
        """Are all names used?"""
        if not used:
            return self.names.is_empty()
        if self.lacking is not None:
            return False
        return next(self.unused(used), None) is None

    def unused(self, used: frozenset[str]) -> Iterator[tuple[int, str]]:
        """Names not used, with the least bytes of their texts (quotes left out), ascending."""
        if self._more is None:
            self._more = _by_size(self.names) if self.lacking is None else _all_but(self.lacking)
        for i in count():
            if i == len(self._known):
                following = next(self._more, None)
                if following is None:
                    return
                self._known.append(following)
            if self._known[i][1] not in used:
                yield self._known[i]

    def sizes(self, used: frozenset[str], n: int) -> list[int]:
        """Least bytes of the n shortest names not used; fewer if there are fewer."""
        return [size for size, _ in islice(self.unused(used), n)]


class FreeNames(NamedTuple):
    """The names of a pool that are not used."""

    pool: Pool
    used: Written

    @property
    def names(self) -> StringSet:
        """As a set. Names can also be left out of a terminal one by one, which is quicker."""
        return self.pool.names.difference(StringSet.of(self.used)) if self.used else self.pool.names


class _Every:
    """Every name there is, by size, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: list[tuple[int, str]] = []
        self._more: Iterator[tuple[int, str]] | None = None

    def __getitem__(self, i: int) -> tuple[int, str]:
        with self._lock:
            if self._more is None:
                self._more = _by_size(StringSet.all())
            while i >= len(self._known):
                self._known.append(next(self._more))
            return self._known[i]


_EVERY = _Every()


def _all_but(lacking: frozenset[str]) -> Iterator[tuple[int, str]]:
    """All names but some, by size."""
    return (_EVERY[i] for i in count() if _EVERY[i][1] not in lacking)


def _by_size(names: StringSet) -> Iterator[tuple[int, str]]:
    listed = names.values(64)
    if listed is not None:
        yield from sorted((text_size(name), name) for name in listed)
        return
    dfa = names.to_dfa()
    # for every state: (size, target, characters)
    ranges: dict[int, list[tuple[int, int, int]]] = {}
    ends = [*dfa.starts.tolist()[1:], dfa.alphabet]
    for first, end, column in zip(dfa.starts.tolist(), ends, dfa.classes.tolist(), strict=True):
        for lo, hi, size in SIZES:
            if lo < end and hi >= first:
                ranges.setdefault(column, []).append((size, max(lo, first), min(hi, end - 1)))
    steps: dict[int, list[tuple[int, NDArray[np.int32]]]] = {}
    for column, parts in ranges.items():
        for size in {size for size, _, _ in parts}:
            steps.setdefault(size, []).append((column, dfa.delta[:, column]))
    longest = dfa.max_length()
    #: ends[w][s]: is there a way of exactly w bytes from state s to the end?
    ways: list[NDArray[np.bool_]] = []
    for total in count() if longest is None else range(6 * longest + 1):
        now = dfa.accept.copy() if total == 0 else np.zeros(dfa.n_states, dtype=np.bool_)
        for size, columns in steps.items():
            if size <= total:
                before = ways[total - size]
                for _, targets in columns:
                    now |= (targets >= 0) & before[targets]
        ways.append(now)
        if now[0]:
            for name in _words(dfa.delta.tolist(), ranges, ways, total):
                yield total, name


def _words(
    delta: list[list[int]],
    ranges: dict[int, list[tuple[int, int, int]]],
    ways: list[NDArray[np.bool_]],
    total: int,
) -> Iterator[str]:
    """The names of exactly ``total`` bytes, depth first."""

    def out(state: int, left: int) -> Iterator[tuple[str, int, int]]:
        for column, parts in ranges.items():
            target = delta[state][column]
            if target < 0:
                continue
            for size, lo, hi in parts:
                if size <= left and ways[left - size][target]:
                    for code in range(lo, hi + 1):
                        yield chr(code), target, left - size

    if total == 0:
        yield ""
        return
    letters: list[str] = []
    stack = [out(0, total)]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            if letters:
                letters.pop()
            continue
        letter, state, left = step
        if left == 0:
            yield "".join(letters) + letter
        else:
            letters.append(letter)
            stack.append(out(state, left))
