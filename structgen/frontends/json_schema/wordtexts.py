"""The JSON texts of few strings, and of all strings but a few, spelled out state by state; least texts.

Receives string values; returns byte automata, quotes included. The general way (``escapes.json_text``) partitions all
code points for each set anew, which takes milliseconds; here a character costs its spellings. The automaton of a set of
words is minimal: states are made from the end of the words and found again by their content (Daciuk et al.,
"Incremental construction of minimal acyclic finite-state automata", 2000).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from structgen.automata import CODE_POINTS, ByteDfa, Dfa, everything, to_bytedfa
from structgen.automata.bytedfa import choices
from structgen.frontends.json_schema.escapes import SHORT_ESCAPES, Escapes, json_text, quoted

#: (first code point, last, least bytes of a text of one of them), ascending.
SIZES = (
    (0x00, 0x07, 6), (0x08, 0x0A, 2), (0x0B, 0x0B, 6), (0x0C, 0x0D, 2), (0x0E, 0x1F, 6), (0x20, 0x21, 1),
    (0x22, 0x22, 2), (0x23, 0x5B, 1), (0x5C, 0x5C, 2), (0x5D, 0x7F, 1), (0x80, 0x7FF, 2), (0x800, 0xD7FF, 3),
    (0xE000, 0xFFFF, 3), (0x10000, 0x10FFFF, 4),
)  # fmt: skip
#: A hexadecimal digit in a path of bytes, in either case: this plus its value.
_DIGIT = 256
_END = 0
#: The content of a state: edges (first byte, last byte, state), ascending.
_Content = tuple[tuple[int, int, int], ...]
#: Bytes and digits that lead on: further down in the same character, or behind it to a state.
_Tree = dict[int, "_Tree | int"]


def is_plain(word: str) -> bool:
    """Has a string one text only in the standard escapes, itself in quotes?"""
    return _PLAIN.issuperset(word)


_PLAIN = frozenset(map(chr, range(0x20, 0x80))) - frozenset('"\\/')


def texts_of(values: Iterable[str], escapes: Escapes) -> ByteDfa:
    """The texts of some strings without surrogates. Raises ValueError if there are none."""
    words = sorted(set(values))
    if not words:
        raise ValueError("no string is in this set, so no terminal can be made of it")
    return quoted(_bodies(words, escapes))


def _bodies(words: list[str], escapes: Escapes) -> ByteDfa:
    """The texts of some strings, ascending, after the opening quote."""
    if escapes == "standard" and all(map(is_plain, words)):
        return choices([f'{word}"'.encode("ascii") for word in words])
    states = _States(escapes)
    return states.automaton(states.of_words(words))


def texts_of_all_but(values: Iterable[str], escapes: Escapes) -> ByteDfa:
    """The texts of all strings but some without surrogates."""
    words = sorted(set(values))
    body = _any_body(escapes)
    if not words:
        return quoted(body)
    return quoted(_less(body, _any_table(escapes), _bodies(words, escapes)))


def least_text(language: Dfa) -> int:
    """Least bytes of a text of a word of a language over code points, quotes included: Dijkstra's algorithm.

    Raises:
        ValueError: none of its words has a text.
    """
    weight: dict[int, int] = {}
    ends = [*language.starts.tolist()[1:], language.alphabet]
    for first, end, column in zip(language.starts.tolist(), ends, language.classes.tolist(), strict=True):
        for lo, hi, size in SIZES:
            if lo < end and hi >= first:
                weight[column] = min(size, weight.get(column, size))
    heap = [(2, 0)]
    done: set[int] = set()
    while heap:
        total, state = heapq.heappop(heap)
        if language.accept[state]:
            return total
        if state in done:
            continue
        done.add(state)
        row = language.delta[state].tolist()
        for column, size in weight.items():
            if row[column] >= 0 and row[column] not in done:
                heapq.heappush(heap, (total + size, row[column]))
    raise ValueError("no word of this language has a text")


@lru_cache(maxsize=2)
def _any_body(escapes: Escapes) -> ByteDfa:
    """Any characters and the closing quote."""
    return to_bytedfa(json_text(everything(CODE_POINTS), escapes))


@lru_cache(maxsize=2)
def _any_table(escapes: Escapes) -> tuple[NDArray[np.int32], list[list[int]]]:
    """The targets of all bytes in that automaton, int32[states, 256], -1: none; as an array and as lists."""
    body = _any_body(escapes)
    table = np.full((body.n_states, 256), -1, dtype=np.int32)
    for state in range(body.n_states):
        for i in range(int(body.first[state]), int(body.first[state + 1])):
            table[state, int(body.lo[i]) : int(body.hi[i]) + 1] = body.to[i]
    return table, table.tolist()


@lru_cache(maxsize=4096)
def _spellings(char: str, escapes: Escapes) -> tuple[tuple[int, ...], ...]:
    """The ways to write a character, as bytes and digits."""
    code = ord(char)
    found: list[tuple[int, ...]] = []
    if code >= 0x20 and char not in '"\\':
        found.append(tuple(char.encode("utf-8")))
    letter = SHORT_ESCAPES.get(code)
    if letter is not None:
        found.append((ord("\\"), ord(letter)))
    if escapes == "any" or code < 0x20 or code >= 0x80:
        raw = char.encode("utf-16-be")
        path: list[int] = []
        for i in range(0, len(raw), 2):
            unit = raw[i] << 8 | raw[i + 1]
            path += [ord("\\"), ord("u"), *(_DIGIT + (unit >> shift & 15) for shift in (12, 8, 4, 0))]
        found.append(tuple(path))
    return tuple(found)


class _States:
    """States by their content, numbered as they are made; state 0 is behind the closing quote."""

    def __init__(self, escapes: Escapes) -> None:
        self._escapes: Escapes = escapes
        self._contents: list[_Content] = [()]
        self._known: dict[_Content, int] = {}

    def of_words(self, words: list[str]) -> int:
        """The state before any of some words, ascending, and the closing quote."""
        path: list[_Tree] = [{}]
        before = ""
        for word in words:
            same = 0
            while same < min(len(word), len(before)) and word[same] == before[same]:
                same += 1
            self._close(path, before, same)
            path += [{} for _ in range(len(word) - same)]
            path[-1][ord('"')] = _END
            before = word
        self._close(path, before, 0)
        return self._intern(path[0])

    def _close(self, path: list[_Tree], word: str, depth: int) -> None:
        """No more words begin with more than ``depth`` characters of this one."""
        while len(path) - 1 > depth:
            state = self._intern(path.pop())
            for spelling in _spellings(word[len(path) - 1], self._escapes):
                tree = path[-1]
                for key in spelling[:-1]:
                    tree = tree.setdefault(key, {})  # type: ignore[assignment]
                tree[spelling[-1]] = state

    def _intern(self, tree: _Tree) -> int:
        edges: list[tuple[int, int]] = []
        for key, below in tree.items():
            to = below if isinstance(below, int) else self._intern(below)
            if key < _DIGIT:
                edges.append((key, to))
            else:
                edges += [(ord(digit), to) for digit in {f"{key - _DIGIT:x}", f"{key - _DIGIT:X}"}]
        edges.sort()
        merged: list[tuple[int, int, int]] = []
        for byte, to in edges:
            if merged and merged[-1][1] == byte - 1 and merged[-1][2] == to:
                merged[-1] = (merged[-1][0], byte, to)
            else:
                merged.append((byte, byte, to))
        content = tuple(merged)
        state = self._known.get(content)
        if state is None:
            state = self._known[content] = len(self._contents)
            self._contents.append(content)
        return state

    def automaton(self, start: int) -> ByteDfa:
        """The automaton from a state on; its states in the order in which they are met."""
        numbers = {start: 0}
        order = [start]
        first, lo, hi, to = [0], [], [], []
        for state in order:
            for a, b, target in self._contents[state]:
                if target not in numbers:
                    numbers[target] = len(order)
                    order.append(target)
                lo.append(a)
                hi.append(b)
                to.append(numbers[target])
            first.append(len(lo))
        accept = np.zeros(len(order), dtype=np.bool_)
        accept[numbers[_END]] = True
        return ByteDfa(
            np.array(first, dtype=np.int32),
            np.array(lo, dtype=np.uint8),
            np.array(hi, dtype=np.uint8),
            np.array(to, dtype=np.int32),
            accept,
        )


def _less(body: ByteDfa, table: tuple[NDArray[np.int32], list[list[int]]], known: ByteDfa) -> ByteDfa:
    """The texts of ``body``, with the targets of all its bytes, that are none of ``known``; all of these are its."""
    ours, steps = table
    first, lo, hi, to = (x.tolist() for x in (known.first, known.lo, known.hi, known.to))
    ended = known.accept.tolist()
    # pairs of states, while the text may still be one of those; behind them come the states of ``body``
    pairs = {(0, 0): 0}
    order = [(0, 0)]
    from_, over, into = [], [], []
    for b, k in order:
        for i in range(first[k], first[k + 1]):
            for byte in range(lo[i], hi[i] + 1):
                pair = steps[b][byte], to[i]
                if not ended[to[i]] and pair not in pairs:
                    pairs[pair] = len(order)
                    order.append(pair)
                from_.append(pairs[b, k])
                over.append(byte)
                into.append(-1 if ended[to[i]] else pairs[pair])
    n = len(order)
    rows = ours[[b for b, _ in order]]
    rows[rows >= 0] += n
    rows[from_, over] = into
    change = np.ones((n, 256), dtype=np.bool_)
    change[:, 1:] = rows[:, 1:] != rows[:, :-1]
    starts = np.flatnonzero(change)
    states, low = np.divmod(starts, 256)
    high = np.append(starts[1:], n * 256)[: len(starts)] - 1 - states * 256
    targets = rows.ravel()[starts]
    live = targets >= 0
    before = np.concatenate([[0], np.cumsum(np.bincount(states[live], minlength=n))])
    return ByteDfa(
        np.concatenate([before, body.first[1:] + before[-1]]).astype(np.int32),
        np.concatenate([low[live].astype(np.uint8), body.lo]),
        np.concatenate([high[live].astype(np.uint8), body.hi]),
        np.concatenate([targets[live], body.to + n]).astype(np.int32),
        np.concatenate([np.zeros(n, dtype=np.bool_), body.accept]),
    )

