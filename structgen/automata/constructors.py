"""The simplest languages: symbols, words, lengths. Built in canonical form without any search.

Receives symbols and words; returns :class:`~structgen.automata.dfa.Dfa`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from structgen.automata.dfa import MAX_STATES, Dfa, Word, limit_error, make
from structgen.automata.symbols import (
    BYTES,
    CODE_POINTS,
    SURROGATES,
    Ranges,
    every_symbol,
    normalize,
)
from structgen.kernels import dfa as kernels


@lru_cache(maxsize=8)
def empty(alphabet: int) -> Dfa:
    """No word."""
    return _one_state(alphabet, False)


@lru_cache(maxsize=8)
def epsilon(alphabet: int) -> Dfa:
    """The empty word only."""
    return _one_state(alphabet, True)


def _one_state(alphabet: int, accepts: bool) -> Dfa:
    zero = np.zeros(1, dtype=np.int32)
    return Dfa(alphabet, zero, zero, np.full((1, 1), -1, dtype=np.int32), np.array([accepts]))


@lru_cache(maxsize=8)
def everything(alphabet: int) -> Dfa:
    """Every word."""
    return lengths(0, None, alphabet)


def symbols(ranges: Iterable[tuple[int, int]], alphabet: int) -> Dfa:
    """The words of one symbol out of the closed ranges.

    Raises:
        ValueError: a range is empty or leaves the alphabet.
    """
    return repeat_set(normalize(ranges, alphabet), 1, 1, alphabet)


def lengths(lo: int, hi: int | None, alphabet: int, *, max_states: int = MAX_STATES) -> Dfa:
    """All words of ``lo`` to ``hi`` symbols (None: no upper bound).

    Raises:
        LimitError: more than ``max_states`` states.
    """
    return repeat_set(every_symbol(alphabet), lo, hi, alphabet, max_states=max_states)


def repeat_set(ranges: Ranges, lo: int, hi: int | None, alphabet: int, *, max_states: int = MAX_STATES) -> Dfa:
    """``lo`` to ``hi`` symbols out of a set: a chain of states, with a loop at its end where hi is None.

    Raises:
        LimitError: more than ``max_states`` states.
    """
    if not ranges:
        hi = 0
    if hi is not None and lo > hi:
        return empty(alphabet)
    if hi == 0:
        return epsilon(alphabet)
    n = (lo if hi is None else hi) + 1
    if n > max_states:
        raise limit_error("this repetition", max_states)
    bounds: list[int] = []
    inside: list[int] = []
    for a, b in ranges:
        if not bounds or bounds[-1] != a:
            bounds.append(a)
            inside.append(1)
        else:
            inside[-1] = 1
        bounds.append(b + 1)
        inside.append(0)
    if bounds[-1] == alphabet:
        bounds.pop()
        inside.pop()
    if bounds[0] != 0:
        bounds.insert(0, 0)
        inside.insert(0, 0)
    classes = np.array(inside, dtype=np.int32)
    column = inside[0] ^ 1  # classes are numbered as they appear
    if column == 0:
        classes = 1 - classes
    following = np.arange(1, n + 1, dtype=np.int32)
    following[n - 1] = n - 1 if hi is None else -1
    if len(bounds) == 1:
        delta = following.reshape(n, 1)
    else:
        delta = np.full((n, 2), -1, dtype=np.int32)
        delta[:, column] = following
    accept = np.zeros(n, dtype=np.bool_)
    accept[lo:] = True
    return Dfa(alphabet, np.array(bounds, dtype=np.int32), classes, delta, accept)


def _codes(word: Word) -> list[int] | None:
    """The symbols of a word; None if it holds a surrogate, which no language does."""
    codes = list(word) if isinstance(word, bytes) else list(map(ord, word))
    low, high = SURROGATES
    if isinstance(word, str) and any(low <= c <= high for c in codes):
        return None
    return codes


def _intervals(used: set[int], alphabet: int) -> tuple[list[int], list[int], dict[int, int]]:
    """The partition that tells the used symbols apart: (starts, classes, class of each used symbol)."""
    starts: list[int] = []
    classes: list[int] = []
    class_of: dict[int, int] = {}
    rest = -1  # the class of all other symbols, numbered when it first appears
    known = 0
    at = 0
    for symbol in sorted(used):
        if at < symbol:
            if rest < 0:
                rest = known
                known += 1
            starts.append(at)
            classes.append(rest)
        starts.append(symbol)
        classes.append(known)
        class_of[symbol] = known
        known += 1
        at = symbol + 1
    if at < alphabet:
        starts.append(at)
        classes.append(rest if rest >= 0 else known)
    return starts, classes, class_of


def literal(word: Word) -> Dfa:
    """Exactly one word: str over code points, bytes over bytes. A word with a surrogate gives the empty language."""
    alphabet = BYTES if isinstance(word, bytes) else CODE_POINTS
    codes = _codes(word)
    if codes is None:
        return empty(alphabet)
    if not codes:
        return epsilon(alphabet)
    starts, classes, class_of = _intervals(set(codes), alphabet)
    n = len(codes)
    delta = np.full((n + 1, max(classes) + 1), -1, dtype=np.int32)
    delta[np.arange(n), [class_of[c] for c in codes]] = np.arange(1, n + 1)
    accept = np.zeros(n + 1, dtype=np.bool_)
    accept[n] = True
    return Dfa(alphabet, np.array(starts, dtype=np.int32), np.array(classes, dtype=np.int32), delta, accept)


def literals(words: Iterable[Word], *, alphabet: int | None = None, max_states: int = MAX_STATES) -> Dfa:
    """A finite set of words. ``alphabet`` matters only when there are none (code points by default).

    Raises:
        LimitError: the trie of the words has more than ``max_states`` nodes.
        TypeError: str and bytes are mixed.
    """
    given = set(words)
    kinds = {type(word) for word in given}
    if len(kinds) > 1:
        raise TypeError("literals are all str or all bytes")
    if kinds:
        alphabet = BYTES if bytes in kinds else CODE_POINTS
    elif alphabet is None:
        alphabet = CODE_POINTS
    coded = sorted(codes for word in given if (codes := _codes(word)) is not None)
    if not coded:
        return empty(alphabet)
    if len(coded) == 1:
        return literal(next(word for word in given if _codes(word) is not None))
    used = {c for codes in coded for c in codes}
    starts, classes, class_of = _intervals(used, alphabet)
    flat = np.array([class_of[c] for codes in coded for c in codes], dtype=np.int32)
    ends = np.cumsum([0] + [len(codes) for codes in coded]).astype(np.int32)
    width = max(classes) + 1
    n_states, table, accept = kernels.trie(flat, ends, width, max_states)
    if n_states < 0:
        raise limit_error("this set of words", max_states)
    return make(
        alphabet,
        np.array(starts, dtype=np.int32),
        np.array(classes, dtype=np.int32),
        table.reshape(n_states, width),
        accept,
    )
