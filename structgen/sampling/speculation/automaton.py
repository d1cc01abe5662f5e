"""A suffix automaton over integers that grows by one at a time, and remembers where each factor ended.

Source: Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: How far up the suffix links the latest place of a factor is written.
_REFRESHED = 8


class SuffixAutomaton:
    """All factors of some texts. State 0 is the empty factor.

    Attributes:
        corpus: the texts one after another, -1 between them.
        longest: for each state the length of its longest factor.
    """

    def __init__(self) -> None:
        self.corpus: list[int] = []
        self.longest = [0]
        self._next: list[dict[int, int]] = [{}]
        self._link = [-1]
        self._end = [0]

    def __len__(self) -> int:
        return len(self.corpus)

    def add(self, text: Iterable[int]) -> None:
        """Take in a text (of integers from 0 up). Amortised constant time for each of its integers."""
        last = 0
        for symbol in text:
            self.corpus.append(symbol)
            last = self._grow(last, symbol)
            state, steps = last, 0
            while state > 0 and steps < _REFRESHED:
                self._end[state] = len(self.corpus)
                state, steps = self._link[state], steps + 1
        self.corpus.append(-1)

    def step(self, state: int, length: int, symbol: int) -> tuple[int, int]:
        """From the longest matched suffix of a text to that of the text with one more symbol: state and length."""
        while state and symbol not in self._next[state]:
            state = self._link[state]
            length = self.longest[state]
        following = self._next[state].get(symbol)
        return (0, 0) if following is None else (following, length + 1)

    def after(self, state: int, most: int) -> Sequence[int]:
        """What followed a place where the state's factors ended: a late one, and up to the text's end."""
        found = self.corpus[self._end[state] : self._end[state] + most]
        return found[: found.index(-1)] if -1 in found else found

    def _new(self, longest: int, following: dict[int, int], link: int, end: int) -> int:
        self.longest.append(longest)
        self._next.append(following)
        self._link.append(link)
        self._end.append(end)
        return len(self.longest) - 1

    def _grow(self, last: int, symbol: int) -> int:
        known = self._next[last].get(symbol)
        if known is not None and self.longest[known] == self.longest[last] + 1:
            return known  # an earlier text has this factor
        made = 0
        if known is None:
            made = self._new(self.longest[last] + 1, {}, 0, len(self.corpus))
            state = last
            while state >= 0 and symbol not in self._next[state]:
                self._next[state][symbol] = made
                state = self._link[state]
            if state < 0:
                return made
            known = self._next[state][symbol]
            if self.longest[known] == self.longest[state] + 1:
                self._link[made] = known
                return made
        else:
            state = last
        clone = self._new(self.longest[state] + 1, dict(self._next[known]), self._link[known], self._end[known])
        while state >= 0 and self._next[state].get(symbol) == known:
            self._next[state][symbol] = clone
            state = self._link[state]
        self._link[known] = clone
        if made:
            self._link[made] = clone
            return made
        return clone
