"""Special tokens among the terminals of a lexer.

To a lexer a special token is one symbol that no text has, a surrogate; so no pattern matches it, and no match goes on
over it. In bytes it becomes the word of the token (:mod:`structgen.source.special`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from structgen.automata import CODE_POINTS, ByteDfa
from structgen.automata.bytedfa import from_edges
from structgen.automata.dfa import make
from structgen.automata.symbols import SURROGATES
from structgen.errors import LimitError
from structgen.frontends.lark.patterns import Char, Match, Program
from structgen.source.special import marked

#: The last surrogates, one for each special token of a grammar; they differ in their last byte.
MOST = 64
_FIRST = SURROGATES[1] - MOST + 1
_LEAD, _SECOND, _THIRD = chr(_FIRST).encode("utf-8", "surrogatepass")
#: The first byte behind _LEAD that makes a surrogate.
_SURROGATE = 0xA0

#: (first byte, last byte, target), ascending.
Row = list[tuple[int, int, int]]


def program(number: int) -> Program:
    """The program of the special token of this number.

    Raises:
        LimitError: there are too many.
    """
    if number >= MOST:
        raise LimitError(f"a grammar with more than {MOST} special tokens", hint='Use lexer="dynamic_complete"')
    code = _FIRST + number
    words = make(
        CODE_POINTS,
        np.array([0, code, code + 1], dtype=np.int32)[: 3 if code + 1 < CODE_POINTS else 2],
        np.array([0, 1, 0], dtype=np.int32),
        np.array([[-1, 1], [-1, -1]], dtype=np.int32),
        np.array([False, True]),
    )
    return Program([Char(((code, code),), 1), Match()], [], words)


def spelled(rows: list[Row], names: Sequence[str]) -> list[Row]:
    """The rows of an automaton over bytes, each surrogate of a special token replaced by its word.

    States keep their numbers; new ones come behind them, and some may not be reached any more.
    """
    words = [marked(name) for name in names]
    result = [list(row) for row in rows]
    known: dict[tuple[tuple[int, int], ...], int] = {}
    copies: dict[int, int] = {}
    after: list[tuple[tuple[int, int], ...]] = []
    for row in rows:
        second = _target(row, _LEAD)
        third = -1 if second < 0 else _target(rows[second], _SECOND)
        ends = [] if third < 0 else [_target(rows[third], _THIRD + number) for number in range(len(words))]
        after.append(tuple((number, end) for number, end in enumerate(ends) if end >= 0))
    for state, targets in enumerate(after):
        if not targets:
            continue
        if targets not in known:
            known[targets] = _trie(result, {words[number][1:]: end for number, end in targets})
        # what follows the lead byte may be shared with another lead byte: a copy keeps the characters alone
        second = _target(rows[state], _LEAD)
        if second not in copies:
            kept = [(lo, min(hi, _SURROGATE - 1), to) for lo, hi, to in rows[second] if lo < _SURROGATE]
            copies[second] = len(result) if kept else -1
            if kept:
                result.append(kept)
        row = []
        for lo, hi, target in result[state]:
            if not lo <= _LEAD <= hi:
                row.append((lo, hi, target))
                continue
            parts = ((lo, _LEAD - 1, target), (_LEAD, _LEAD, copies[second]), (_LEAD + 1, hi, target))
            row += [part for part in parts if part[0] <= part[1] and part[2] >= 0]
        result[state] = row
        result[state].append((words[0][0], words[0][0], known[targets]))
    return result


def _target(row: Row, byte: int) -> int:
    return next((target for lo, hi, target in row if lo <= byte <= hi), -1)


def _trie(rows: list[Row], words: dict[bytes, int]) -> int:
    """Add states that read one of some words (none a prefix of another); returns the first."""
    state = len(rows)
    rows.append([])
    row: Row = []
    for byte in sorted({word[0] for word in words}):
        rest = {word[1:]: target for word, target in words.items() if word[0] == byte}
        row.append((byte, byte, rest[b""] if b"" in rest else _trie(rows, rest)))
    rows[state] = row
    return state


def spelled_dfa(dfa: ByteDfa, names: Sequence[str]) -> ByteDfa:
    """An automaton over bytes, each surrogate of a special token replaced by its word."""
    first, lo, hi, to = (a.tolist() for a in (dfa.first, dfa.lo, dfa.hi, dfa.to))
    rows = [[(lo[e], hi[e], to[e]) for e in range(first[s], first[s + 1])] for s in range(dfa.n_states)]
    return reached(spelled(rows, names), np.flatnonzero(dfa.accept).tolist())[0]


def reached(rows: list[Row], accept: Sequence[int]) -> tuple[ByteDfa, dict[int, int]]:
    """The automaton of the states that are reached from state 0, and their new numbers by the old ones."""
    order, queue = {0: 0}, [0]
    for s in queue:
        for _, _, t in rows[s]:
            if t not in order:
                order[t] = len(order)
                queue.append(t)
    edges = [(order[s], x, y, order[t]) for s in queue for x, y, t in rows[s]]
    return from_edges(len(order), edges, [order[s] for s in accept if s in order]), order
