"""Jump-forward: text that the grammar forces is appended at once instead of being asked of the model.

Receives a compiled grammar's state and the tokens before it; returns tokens for the forced bytes that come next.
Tokens once emitted are never changed. The forced text is encoded together with a few tokens of left context, and
trailing tokens are dropped while an allowed token starts where they start and reaches past the forced bytes: the
tokenizer might have preferred that one, so the model decides there. What remains is what the tokenizer would
have written, wherever the tokens before it are (``tokens == encode(decode(tokens))``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from structgen import bits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar

#: How far before the end of the forced bytes a token that reaches past it is looked for.
BACK_TOKENS, BACK_BYTES = 4, 7
CONTEXT_TOKENS = 4
_REMEMBERED = 20_000


class JumpForward:
    """Forced tokens of one compiled grammar. Results are remembered by state and context."""

    def __init__(self, grammar: CompiledGrammar, encode: Callable[[str], list[int]]) -> None:
        """``encode`` is :meth:`Vocabulary.encoder`'s: exact ids of a text inside a longer one."""
        self._grammar = grammar
        self._encode = encode
        self._known: dict[tuple[int, tuple[int, ...]], tuple[list[int], list[int]]] = {}

    def __call__(self, state: int, before: Sequence[int]) -> tuple[list[int], list[int]]:
        """The forced tokens after ``state`` and the states they lead to, both of one length, perhaps 0.

        Args:
            state: where the grammar is.
            before: the tokens before it, the prompt's included; only the last few are looked at.
        """
        context = tuple(before[-CONTEXT_TOKENS:])
        known = self._known.get((state, context))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[state, context] = self._find(state, context)
        return known

    def _find(self, state: int, context: tuple[int, ...]) -> tuple[list[int], list[int]]:
        forced = whole_characters(self._grammar.forced_bytes(state))
        if not forced:
            return [], []
        tokens = spelled(self._grammar.vocab, self._encode, context, forced)
        states = [state]
        for token in tokens:
            states.append(self._grammar.advance(states[-1], token))
        if states[-1] < 0:  # the ids are not exactly the forced bytes: leave it to the model
            return [], []
        keep = self._settled(tokens, states)
        return tokens[:keep], states[1 : keep + 1]

    def _settled(self, tokens: list[int], states: list[int]) -> int:
        """How many of the tokens stay whatever follows the forced bytes."""
        texts = self._grammar.vocab.tokens
        keep, n_bytes = len(tokens), 0
        for i in range(len(tokens) - 1, max(-1, len(tokens) - 1 - BACK_TOKENS), -1):
            n_bytes += len(texts[tokens[i]] or b"")
            if n_bytes > BACK_BYTES:
                break
            # Up to the end of the forced bytes there is one text only, so any longer token reaches past it.
            if any(len(texts[t] or b"") > n_bytes for t in bits.ids(self._grammar.mask(states[i])) if t < len(texts)):
                keep = i
        return keep


def spelled(
    vocab: Vocabulary, encode: Callable[[str], list[int]], context: Sequence[int], data: bytes
) -> list[int]:
    """Ids of a text (whole characters) after as much of a context as the tokenizer leaves as it is.

    Empty where the context's last token ends inside a character. ``encode`` is :meth:`Vocabulary.encoder`'s.
    """
    texts = vocab.tokens
    for start in range(len(context) + 1):
        left = list(context[start:])
        parts = [texts[token] if token < len(texts) else None for token in left]
        if None in parts:
            continue  # the context begins after special tokens
        try:
            text = (b"".join(part for part in parts if part) + data).decode()
        except UnicodeDecodeError:
            continue  # it would begin inside a character
        tokens = encode(text)
        if tokens[: len(left)] == left:
            return tokens[len(left) :]
    return []


def whole_characters(data: bytes) -> bytes:
    """``data`` without the bytes of a character that is not complete at its end."""
    for back in range(1, min(4, len(data)) + 1):
        lead = data[-back]
        if lead < 0x80:
            break
        if lead >= 0xC0:
            length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return data if back == length else data[:-back]
    return data
