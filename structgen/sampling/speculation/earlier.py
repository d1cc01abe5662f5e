"""Earlier texts as drafts: what was written before under such circumstances is written again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

from structgen.errors import InputError
from structgen.sampling.speculation.automaton import SuffixAutomaton
from structgen.sampling.speculation.drafter import Planned, Session, Setting, Spot


@dataclass
class EarlierTexts:
    """Guesses that the text goes on as an earlier one did after the longest match with it.

    Attributes:
        shortest: tokens that a match has at least.
        reach: tokens that are guessed at once, at most.
        remembered: tokens of earlier texts that are kept, at most; the older half is forgotten when they are more.
    """

    shortest: int = 2
    reach: int = 32
    remembered: int = 100_000
    _known: SuffixAutomaton = field(default_factory=SuffixAutomaton, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        for name in ("shortest", "reach", "remembered"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)!r}", hint="It is a number of tokens, at least 1")

    def add(self, tokens: Sequence[int]) -> None:
        """Remember a text."""
        with self._lock:
            known = self._known
            if len(known) + len(tokens) > self.remembered:
                known = SuffixAutomaton()
                for text in self._newer():
                    known.add(text)
            known.add(tokens[: self.remembered // 2])
            self._known = known  # sessions that have begun keep the automaton they know

    def _newer(self) -> list[list[int]]:
        """The texts in the newer half of what may be remembered."""
        corpus = self._known.corpus[max(0, len(self._known) - self.remembered // 2) :]
        texts: list[list[int]] = [[]]
        for token in corpus:
            if token < 0:
                texts.append([])
            else:
                texts[-1].append(token)
        return [text for text in texts if text]

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Session:
        """See :class:`Drafter`."""
        return _Earlier(self, setting, prompt)


class _Earlier(Planned):
    def __init__(self, drafter: EarlierTexts, setting: Setting, prompt: Sequence[int]) -> None:
        super().__init__(setting, prompt)
        self._drafter = drafter
        self._automaton = drafter._known
        self._at = self._walk((0, 0), prompt)

    def _walk(self, at: tuple[int, int], tokens: Sequence[int]) -> tuple[int, int]:
        for token in tokens:
            at = self._automaton.step(*at, token)
        return at

    def extend(self, tokens: Sequence[int]) -> None:
        super().extend(tokens)
        self._at = self._walk(self._at, tokens)

    def plan(self, spot: Spot) -> tuple[list[int], int]:
        state, length = self._walk(self._at, spot.path)
        if length < self._drafter.shortest:
            return [], 0
        return list(self._automaton.after(state, self._drafter.reach)), min(length.bit_length(), 5)

    def end(self) -> None:
        self._drafter.add(self.tokens[self.n_prompt :])
