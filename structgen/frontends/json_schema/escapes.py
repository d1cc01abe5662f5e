"""From languages of string values to languages of JSON text: raw characters and escapes.

Receives a :class:`~structgen.automata.dfa.Dfa` over code points; returns one over bytes: the JSON text of each
word, without the opening quote and with the closing one. As in :mod:`structgen.automata.utf8`, the partition of
the code points is turned into a tree of bytes once, and every state runs through it with its own targets; here
the tree also has the branches of ``\\n``, ``\\u00e9``, ``\\ud83d\\ude00``. Which characters may be escaped, and how,
is said in docs/json-schema.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from structgen.automata import BYTES, CODE_POINTS, ByteDfa, Counter, Dfa, Ranges, make, repeat_set, to_bytedfa
from structgen.automata.bytedfa import EXIT, PLAIN, TICK
from structgen.errors import LimitError
from structgen.frontends.json_schema.load import MAX_COUNT, too_long
from structgen.kernels import dfa as kernels

#: "standard": what an encoder may write. "any": every character also as \uXXXX.
Escapes = Literal["standard", "any"]

#: States of the byte automaton before it is minimised.
MAX_STATES = 1_000_000
#: Up to this many states, the tree is copied for each state and minimising merges the copies.
_COPIED = 20_000

#: Letters after a backslash, by code point.
SHORT_ESCAPES = {0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r", 0x22: '"', 0x2F: "/", 0x5C: "\\"}
_DEAD = -1
_NOTHING = -(1 << 30)  # kernels.expand_tree: no edge
_QUOTE, _BACKSLASH = 0x22, 0x5C

Int32Array = NDArray[np.int32]
#: (first symbol, class or _DEAD), ascending, the first at 0.
_Steps = list[tuple[int, int]]


def json_text(d: Dfa, escapes: Escapes = "standard") -> Dfa:
    """The JSON texts of the words of a language, from after the opening quote up to the closing one.

    Args:
        d: a language over code points.
        escapes: see :data:`Escapes`.

    Raises:
        LimitError: more than ``MAX_STATES`` states before minimising.
        ValueError: d is over bytes.
    """
    if d.alphabet != CODE_POINTS:
        raise ValueError("json_text() takes a language over code points")
    live: NDArray[np.bool_] = np.any(d.delta >= 0, axis=0)
    classes = np.where(live[d.classes], d.classes, _DEAD).astype(np.int32)
    starts, byte_classes, child, quote = _tree(d.starts.tobytes(), classes.tobytes(), escapes)
    width = child.shape[1]
    if d.n_states * len(child) <= _COPIED:
        _, n, flat, _ = kernels.expand_tree(d.delta, d.accept, child, _COPIED)
        rows = flat.reshape(n, width)
    else:
        rows = _shared(d.delta, child)
        n = len(rows)
    if n > MAX_STATES:
        raise LimitError(
            f"the JSON texts of a string need more than {MAX_STATES} states",
            hint="Simplify the pattern, or lower its length bounds",
        )
    table = np.full((n + 1, width), -1, dtype=np.int32)
    table[:n] = rows
    table[np.flatnonzero(d.accept), quote] = n
    accept = np.zeros(n + 1, dtype=np.bool_)
    accept[n] = True
    return make(BYTES, starts, byte_classes, table, accept)


@lru_cache(maxsize=256)
def repetition(ranges: Ranges, escapes: Escapes) -> ByteDfa:
    """Any number of characters out of a set, then the closing quote; state 0 lies between characters."""
    return to_bytedfa(json_text(repeat_set(ranges, 0, None, CODE_POINTS), escapes))


def quoted(body: ByteDfa) -> ByteDfa:
    """An opening quote before a body: a new start state; state i becomes i + 1."""
    quote = np.array([ord('"')], dtype=np.uint8)
    return ByteDfa(
        np.concatenate([[0], body.first + 1]).astype(np.int32),
        np.concatenate([quote, body.lo]),
        np.concatenate([quote, body.hi]),
        np.concatenate([[1], body.to + 1]).astype(np.int32),
        np.concatenate([[False], body.accept]),
    )


def counted(text: ByteDfa, lo: int, hi: int | None) -> ByteDfa:
    """A quoted body with the number of its characters bounded: counted beside the state.

    State 1, after the opening quote, lies between characters.

    Raises:
        LimitError: ``lo`` is more than anything that can be written.
    """
    if lo > MAX_COUNT:
        raise too_long(lo, "characters", None)
    mark = np.full(len(text.to), PLAIN, dtype=np.uint8)
    first, past = int(text.first[1]), int(text.first[2])
    mark[first:past] = np.where(text.lo[first:past] == ord('"'), EXIT, TICK)
    return ByteDfa(text.first, text.lo, text.hi, text.to, text.accept, Counter(lo, hi, mark))


def _shared(delta: Int32Array, child: Int32Array) -> Int32Array:
    """What ``kernels.expand_tree`` returns, with nodes made once for equal targets.

    Returns:
        int32[n, byte classes]: the states of ``delta`` first, then copies of nodes: one for each different row of
        targets under the node, none where all are dead. Children have smaller numbers than their parents.
    """
    n_old = len(delta)
    # targets[v]: for each old state, the copy of node v that it uses, or -1
    targets: list[Int32Array] = [np.empty(0, dtype=np.int32)] * len(child)
    blocks: list[Int32Array] = []
    n = n_old

    def reached(references: Int32Array) -> Int32Array:
        columns = [
            delta[:, r] if r >= 0 else targets[~r] if r > _NOTHING else np.full(n_old, -1, dtype=np.int32)
            for r in references.tolist()
        ]
        return np.stack(columns, axis=1)

    for v in range(1, len(child)):
        references, spread = np.unique(child[v], return_inverse=True)
        rows = reached(references)
        used = kernels.equal_columns(np.ascontiguousarray(rows.T))
        kinds = rows[np.unique(used, return_index=True)[1]]
        number = np.full(len(kinds), -1, dtype=np.int32)
        alive = np.flatnonzero((kinds >= 0).any(axis=1))
        number[alive] = np.arange(n, n + len(alive), dtype=np.int32)
        targets[v] = number[used]
        blocks.append(kinds[alive][:, spread.reshape(-1)])
        n += len(alive)
    references, spread = np.unique(child[0], return_inverse=True)
    return np.vstack([reached(references)[:, spread.reshape(-1)], *blocks]).astype(np.int32)


@lru_cache(maxsize=512)
def _tree(starts: bytes, classes: bytes, escapes: Escapes) -> tuple[Int32Array, Int32Array, Int32Array, int]:
    """The tree of a partition of the code points, for ``kernels.expand_tree``.

    Returns:
        starts, classes: a partition of the bytes; child: int32[nodes, byte classes]; the class of the quote.
    """
    pairs = zip(
        np.frombuffer(starts, dtype=np.int32).tolist(), np.frombuffer(classes, dtype=np.int32).tolist(), strict=True
    )
    raw = _Function(_merge(list(pairs)))
    nodes = _Nodes()
    root: list[tuple[int, int, int]] = []
    for lo, hi, value in raw.pieces(0x20, 0x80):
        for a, b in ((lo, min(hi, 0x21)), (max(lo, 0x23), min(hi, 0x5B)), (max(lo, 0x5D), hi)):
            if a <= b:
                root.append((a, b, value))
    for first, last, following, least in ((0xC2, 0xDF, 1, 0x80), (0xE0, 0xEF, 2, 0x800), (0xF0, 0xF4, 3, 0x10000)):
        bits = 6 * following
        for lead in range(first, last + 1):
            base = (lead & (0x3F >> following)) << bits
            root.append((lead, lead, nodes.utf8(raw, base, bits, least)))
    root.append((_BACKSLASH, _BACKSLASH, _escape(raw, nodes, escapes)))
    return nodes.dense(root)


def _escape(raw: _Function, nodes: _Nodes, escapes: Escapes) -> int:
    """The node after a backslash."""
    edges = [(ord(letter), ord(letter), raw.at(code)) for code, letter in SHORT_ESCAPES.items()]
    if escapes == "any":
        hexed = raw
    else:
        controls, others = raw.pieces(0, 0x20), raw.pieces(0x80, CODE_POINTS)
        steps = [(lo, v) for lo, _, v in controls] + [(0x20, _DEAD)] + [(lo, v) for lo, _, v in others]
        hexed = _Function(_merge(steps))
    u = nodes.bmp(hexed, 0, 16)
    return nodes.add(sorted([*edges, (ord("u"), ord("u"), u)]))


class _Function:
    """A map from code points to classes, constant between few points."""

    def __init__(self, steps: _Steps) -> None:
        self.starts = [s for s, _ in steps]
        self.values = [v for _, v in steps]

    def at(self, code: int) -> int:
        return self.values[bisect_right(self.starts, code) - 1]

    def constant(self, lo: int, end: int) -> bool:
        """Is it constant over lo .. end - 1?"""
        i = bisect_right(self.starts, lo)
        return i == len(self.starts) or self.starts[i] >= end

    def pieces(self, lo: int, end: int) -> list[tuple[int, int, int]]:
        """(first, last, value) over lo .. end - 1, the dead ones too."""
        i = bisect_right(self.starts, lo) - 1
        result = []
        while lo < end:
            stop = min(end, self.starts[i + 1]) if i + 1 < len(self.starts) else end
            result.append((lo, stop - 1, self.values[i]))
            lo = stop
            i += 1
        return result


def _merge(steps: _Steps) -> _Steps:
    """Neighbours of one value joined; surrogates are dead."""
    result: _Steps = []
    for start, value in steps:
        if not result or result[-1][1] != value:
            result.append((start, value))
    return result


class _Nodes:
    """The inner nodes of a tree, made once for equal content; a reference is a class, or ~number, or _NOTHING."""

    def __init__(self) -> None:
        self.edges: list[tuple[tuple[int, int, int], ...]] = []
        self._known: dict[tuple[tuple[int, int, int], ...], int] = {}
        self._constant: dict[tuple[str, int, int], int] = {}

    def add(self, edges: list[tuple[int, int, int]]) -> int:
        """The node of these (first byte, last byte, reference); _NOTHING if no edge is alive."""
        alive: list[tuple[int, int, int]] = []
        for lo, hi, to in edges:
            if to == _DEAD or to == _NOTHING:
                continue
            if alive and alive[-1][1] == lo - 1 and alive[-1][2] == to:
                alive[-1] = (alive[-1][0], hi, to)
            else:
                alive.append((lo, hi, to))
        if not alive:
            return _NOTHING
        key = tuple(alive)
        number = self._known.get(key)
        if number is None:
            self.edges.append(key)
            number = self._known[key] = ~len(self.edges)  # node 0 is the root
        return number

    def utf8(self, f: _Function, base: int, bits: int, least: int) -> int:
        """Continuation bytes that fix the last ``bits`` bits; code points under ``least`` have shorter forms."""
        end = base + (1 << bits)
        if end <= least or base >= CODE_POINTS:
            return _NOTHING
        whole = base >= least and end <= CODE_POINTS and f.constant(base, end)
        key = ("utf8", f.at(base), bits)
        if whole and key in self._constant:
            return self._constant[key]
        if whole and key[1] == _DEAD:
            return _NOTHING
        if bits == 6:
            node = self.add([(0x80 + lo - base, 0x80 + hi - base, v) for lo, hi, v in f.pieces(base, end)])
        elif whole:
            node = self.add([(0x80, 0xBF, self.utf8(f, base, bits - 6, least))])
        else:
            size = 1 << (bits - 6)
            node = self.add(
                [(0x80 + k, 0x80 + k, self.utf8(f, base + k * size, bits - 6, least)) for k in range(64)]
            )
        if whole:
            self._constant[key] = node
        return node

    def bmp(self, f: _Function, base: int, bits: int) -> int:
        """Hexadecimal digits that fix the last ``bits`` bits of the number of a \\u escape."""
        end = base + (1 << bits)
        if end <= 0xD800 or base >= 0xE000:
            return self._digits("bmp", f, base, bits, self.bmp)
        if 0xD800 <= base and end <= 0xDC00:
            return self.high(f, 0x10000 + ((base - 0xD800) << 10), bits + 10)
        if 0xDC00 <= base and end <= 0xE000:
            return _NOTHING
        return self._split(f, base, bits, self.bmp)

    def high(self, f: _Function, base: int, bits: int) -> int:
        """The rest of a high surrogate, then a low one: the code points from base on that differ in these bits."""
        if bits == 10:
            if f.constant(base, base + (1 << 10)) and f.at(base) == _DEAD:
                return _NOTHING
            blocks = [(k + 12, self.low(f, base + (k << 8), 8)) for k in range(4)]
            d = self.add(_hex_edges(blocks))
            u = self.add(_hex_edges([(13, d)]))
            return self.add([(_BACKSLASH, _BACKSLASH, self.add([(ord("u"), ord("u"), u)]))])
        return self._digits("high", f, base, bits, self.high)

    def low(self, f: _Function, base: int, bits: int) -> int:
        """The last digits of a low surrogate."""
        return self._digits("low", f, base, bits, self.low)

    def _digits(self, kind: str, f: _Function, base: int, bits: int, below: _Below) -> int:
        """One digit more; blocks in which all is one class share their nodes."""
        if not f.constant(base, base + (1 << bits)):
            return self._split(f, base, bits, below)
        key = (kind, f.at(base), bits)
        if key[1] == _DEAD:
            return _NOTHING
        if key not in self._constant:
            rest = bits - 4
            child = key[1] if rest == 0 and kind != "high" else below(f, base, rest)
            self._constant[key] = self.add(_hex_edges([(k, child) for k in range(16)]))
        return self._constant[key]

    def _split(self, f: _Function, base: int, bits: int, below: _Below) -> int:
        rest = bits - 4
        if rest == 0:
            pieces = f.pieces(base, base + 16)
            return self.add(_hex_edges([(k - base, v) for lo, hi, v in pieces for k in range(lo, hi + 1)]))
        return self.add(_hex_edges([(k, below(f, base + (k << rest), rest)) for k in range(16)]))

    def dense(self, root: list[tuple[int, int, int]]) -> tuple[Int32Array, Int32Array, Int32Array, int]:
        """All nodes as one array over classes of bytes; node 0 is the root. See :func:`_tree`."""
        rows = [sorted(root), *map(sorted, self.edges)]
        bounds = {0, _QUOTE, _QUOTE + 1}
        for row in rows:
            for lo, hi, _ in row:
                bounds.add(lo)
                bounds.add(hi + 1)
        starts = sorted(bounds)
        column = {byte: i for i, byte in enumerate(starts)}
        child = np.full((len(rows), len(starts)), _NOTHING, dtype=np.int32)
        for i, row in enumerate(rows):
            for lo, hi, to in row:
                if to != _DEAD:
                    child[i, column[lo] : column[hi + 1]] = to
        # the quote must keep a class of its own: mark it while equal columns are merged
        marked = np.vstack([child, np.arange(len(starts)) == column[_QUOTE]]).astype(np.int32)
        columns = kernels.equal_columns(marked)
        first = np.unique(columns, return_index=True)[1]
        byte_starts, byte_classes = kernels.relabel(
            np.array(starts, dtype=np.int32), np.arange(len(starts), dtype=np.int32), columns
        )
        return byte_starts, byte_classes, np.ascontiguousarray(child[:, first]), int(columns[column[_QUOTE]])


_Below = Callable[[_Function, int, int], int]


def _hex_edges(digits: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(value of a digit, reference) as edges over its byte or bytes, ascending."""
    result = [(0x30 + k, 0x30 + k, to) for k, to in digits if k < 10]
    for first in (0x41, 0x61):
        result += [(first + k - 10, first + k - 10, to) for k, to in digits if k >= 10]
    return result
