"""Prompt lookup: the text repeats something that the prompt, or the text itself, has said before.

Matching is by bytes, since a name in a sentence and the same name in quotes are seldom the same tokens; what followed
the match is spelt anew by the tokenizer. A second way to match is for forms that are filled in from a paragraph: the
last word before the place (the name of a field) is looked for in the prompt, and what comes after it is the guess.

Source of the idea: prompt lookup decoding (Saxena, 2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from structgen.errors import InputError
from structgen.sampling.jumpforward import CONTEXT_TOKENS, spelled, whole_characters
from structgen.sampling.speculation.drafter import FREE, Planned, Session, Setting, Spot

#: Match lengths tried, in bytes, the longest first.
_LENGTHS = (48, 32, 24, 16, 12, 8, 6, 5, 4, 3)
#: A word shorter than this names nothing.
_WORD = 3
#: What may stand between the grammar's place and a value that is copied.
_OPENINGS = (b"", b'"', b" ", b' "')


@dataclass(frozen=True)
class PromptLookup:
    """Guesses that the text goes on as it did after the longest earlier match.

    Attributes:
        shortest: bytes that a match has at least.
        reach: bytes that are guessed at once, at most.
        names: guess the value of a field by its name, too.
    """

    shortest: int = 4
    reach: int = 96
    names: bool = True

    def __post_init__(self) -> None:
        for name in ("shortest", "reach"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)!r}", hint="It is a number of bytes, at least 1")

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Session:
        """See :class:`Drafter`."""
        return _Lookup(self, setting, prompt)


class _Lookup(Planned):
    def __init__(self, options: PromptLookup, setting: Setting, prompt: Sequence[int]) -> None:
        super().__init__(setting, prompt)
        self._options = options
        self._text = setting.text(prompt)
        self._prompt_text = self._text.lower()

    def extend(self, tokens: Sequence[int]) -> None:
        super().extend(tokens)
        self._text += self.setting.text(tokens)

    def plan(self, spot: Spot) -> tuple[list[int], int]:
        text = self._text + self.setting.text(spot.path)
        for length in _LENGTHS:
            if not self._options.shortest <= length < len(text):
                continue
            at = text.rfind(text[-length:], 0, len(text) - 1)
            if at >= 0:
                tokens = self._spelt(text[at + length :], spot)
                return tokens, 1 + (length >= 6) + (length >= 12) + (length >= 24)
        if self._options.names:
            return self._spelt(self._value(text), spot), 0
        return [], 0

    def _value(self, text: bytes) -> bytes:
        """What follows the last word of the text where the prompt has it."""
        end = len(text)
        while end and len(text) - end < 8 and not chr(text[end - 1]).isalnum():
            end -= 1
        begin = end
        while begin and chr(text[begin - 1]).isalnum():
            begin -= 1
        if end == len(text) or end - begin < _WORD:
            return b""
        at = self._prompt_text.rfind(text[begin:end].lower())
        if at < 0:
            return b""
        at += end - begin
        while at < len(self._prompt_text) and not chr(self._prompt_text[at]).isalnum():
            at += 1
        return text[at:]

    def _spelt(self, following: bytes, spot: Spot) -> list[int]:
        following = whole_characters(following[: self._options.reach].split(b"\xff")[0])
        opening = self._opening(following, spot.state)
        if opening is None:
            return []
        before = [*self.tokens[-CONTEXT_TOKENS:], *spot.path][-CONTEXT_TOKENS:]
        try:
            tokens = spelled(self.setting.vocab, self.setting.encode, before, opening + following)
        except UnicodeDecodeError:  # the match begins inside a character
            return []
        # the last token might have been another had the text not been cut
        return tokens[:-1] if len(following) == self._options.reach else tokens

    def _opening(self, following: bytes, state: int) -> bytes | None:
        """What must come before the value for the grammar to take its first byte; None: it never does."""
        if not following:
            return None
        grammar = self.setting.grammar
        if grammar is None or state == FREE:
            return b""
        for opening in _OPENINGS:
            if grammar.advance_bytes(state, opening + following[:1]) >= 0:
                return opening
        return None
