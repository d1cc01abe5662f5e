"""Hypothesis strategies that draw from a constraint.

Receives a constraint, or a compiled grammar; returns strategies. A text is drawn byte by byte among those that may
come next, and ended by a shortest completion when it has grown long, so every draw is a member and none is thrown
away. Smaller draws are shorter texts, so failures shrink.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from structgen import bits
from structgen.compile import compile as compile_constraint
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar

#: How likely, in percent, a text that may end does.
_END = 15
#: Of bytes that may come next, how often (in percent) a plain one is taken, where there is one.
_PLAIN = 90
_PLAIN_BYTES = frozenset(b" \nabcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-+*/=<>()[]{}'\",.:;")


@lru_cache(maxsize=1)
def byte_vocabulary() -> Vocabulary:
    """Every byte a token, and an EOS token (256) after them: enough for any question about texts."""
    return Vocabulary([*(bytes([i]) for i in range(256)), None], eos_token_ids=[256])


def grammar_of(constraint: Any) -> CompiledGrammar:
    """A compiled grammar as it is; anything else compiled over single bytes."""
    if isinstance(constraint, CompiledGrammar):
        return constraint
    return compile_constraint(constraint, byte_vocabulary())


def texts(constraint: Any, *, size: int = 60) -> st.SearchStrategy[str]:
    """Texts of a constraint.

    Args:
        constraint: whatever ``structgen.compile`` takes, or a compiled grammar.
        size: bytes after which a text is brought to its end by the shortest way; it may get longer by that.

    Raises as ``structgen.compile`` does.
    """
    return _members(grammar_of(constraint), size).map(bytes.decode)


def prefixes(constraint: Any, *, size: int = 60) -> st.SearchStrategy[bytes]:
    """Beginnings of texts of a constraint, as bytes: they may end inside a character."""
    grammar = grammar_of(constraint)

    @st.composite
    def draw_prefix(draw: st.DrawFn) -> bytes:
        text = draw(_members(grammar, size))
        return text[: draw(st.integers(0, len(text)))]

    return draw_prefix()


def mutants(constraint: Any, *, size: int = 60, edits: int = 1) -> st.SearchStrategy[str]:
    """Texts one to ``edits`` small changes away from a text of the constraint; some are texts of it still.

    A change takes out, puts in, replaces or doubles a character, or swaps two neighbours.
    """
    grammar = grammar_of(constraint)

    @st.composite
    def draw_mutant(draw: st.DrawFn) -> str:
        text = draw(_members(grammar, size)).decode()
        for _ in range(draw(st.integers(1, edits))):
            text = _edited(draw, text)
        return text

    return draw_mutant()


def token_sequences(grammar: CompiledGrammar, *, most: int = 40) -> st.SearchStrategy[list[int]]:
    """Token ids that the masks of a grammar allow one after the other, up to ``most`` of them; EOS only at the end."""

    @st.composite
    def draw_tokens(draw: st.DrawFn) -> list[int]:
        eos = set(grammar.vocab.eos_token_ids)
        state, tokens = grammar.start, list[int]()
        for _ in range(draw(st.integers(0, most))):
            allowed = bits.ids(grammar.mask(state))
            if not len(allowed):
                break
            token = int(allowed[draw(st.integers(0, len(allowed) - 1))])
            tokens.append(token)
            if token in eos:
                break
            state = grammar.advance(state, token)
        return tokens

    return draw_tokens()


def _members(grammar: CompiledGrammar, size: int) -> st.SearchStrategy[bytes]:
    @st.composite
    def draw_member(draw: st.DrawFn) -> bytes:
        state, text = grammar.start, bytearray()
        while True:
            options = grammar.next_bytes(state)
            if grammar.accepts(state) and (not options or draw(st.integers(0, 99)) < _END):
                return bytes(text)
            if len(text) >= size:
                text += grammar.witness(state)
                return bytes(text)
            plain = [byte for byte in options if byte in _PLAIN_BYTES]
            if plain and len(plain) < len(options) and draw(st.integers(0, 99)) < _PLAIN:
                options = plain
            byte = options[draw(st.integers(0, len(options) - 1))]
            text.append(byte)
            state = grammar.advance_bytes(state, bytes([byte]))

    return draw_member()


def _edited(draw: st.DrawFn, text: str) -> str:
    kind = draw(st.sampled_from(["take out", "put in", "replace", "double", "swap"]))
    if not text:
        kind = "put in"
    at = draw(st.integers(0, len(text) if kind == "put in" else len(text) - 1))
    if kind == "take out":
        return text[:at] + text[at + 1 :]
    if kind == "double":
        return text[:at] + text[at] + text[at:]
    if kind == "swap":
        return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    known = st.sampled_from(sorted(set(text))) if text else st.just("a")
    new = draw(known | st.characters(min_codepoint=32, max_codepoint=126) | st.characters(exclude_categories=["Cs"]))
    return text[:at] + new + text[at + (kind == "replace") :]
