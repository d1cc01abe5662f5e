"""What a model can say: the exact bytes of every token. Receives a list of texts, or a tokenizer of another
library (read by :mod:`structgen.masks.tokenizers`); returns a :class:`Vocabulary`, which never changes.

Three kinds of ids. *Ordinary* tokens have bytes and are allowed where the constraint takes those bytes.
*Silent* ids (special tokens, unused ids, the padding of the logits past the tokenizer) are None and never
allowed. *EOS* ids end the text: allowed where it may end, and never as ordinary tokens, whatever bytes a
tokenizer prints for them.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import VocabularyError

from .trie import Trie

#: Trie depths are int16; no real token comes near.
LONGEST_TOKEN = 32_767


class Vocabulary:
    """The tokens of a model as bytes. Immutable; equal when the digests are.

    Args:
        tokens: for each id the exact bytes it adds to the text, or None for an id that is never allowed.
            ``b""`` is kept as it is and never allowed either: it would not move the text on.
        eos_token_ids: the ids that end a text, the preferred one first. Their own bytes are dropped (they read
            None in ``tokens``). None at all is allowed: a text then ends only when the token budget does.
        size: the width of the model's logits, when that is more than ``len(tokens)``. Ids past the tokens are
            never allowed.

    Raises:
        VocabularyError: an entry is neither bytes nor None, or too long; an EOS id is out of range; ``size`` is
            under ``len(tokens)``.

    Attributes:
        tokens: tuple of bytes or None, as long as given (EOS ids read None).
        size: the number of ids, which is the width of masks and logits.
        eos_token_ids: tuple of int, in the order given, without repeats.
    """

    tokens: tuple[bytes | None, ...]
    size: int
    eos_token_ids: tuple[int, ...]

    def __init__(
        self,
        tokens: Iterable[bytes | None],
        eos_token_ids: Iterable[int] | int = (),
        *,
        size: int | None = None,
    ) -> None:
        texts = list(tokens)
        for token, text in enumerate(texts):
            if text is None or (type(text) is bytes and len(text) <= LONGEST_TOKEN):
                continue
            raise _bad_entry(token, text)
        self.size = len(texts) if size is None else operator.index(size)
        if self.size < len(texts):
            raise VocabularyError(
                f"the vocabulary has {len(texts)} tokens, but only {self.size} ids fit the given size",
                where="size",
                hint="size is the width of the model's logits; when the model is narrower than its tokenizer, "
                "cut the list of tokens to that width",
            )
        self.eos_token_ids = self._checked_eos(eos_token_ids)
        for token in self.eos_token_ids:
            if token < len(texts):
                texts[token] = None
        self.tokens = tuple(texts)

    def _checked_eos(self, eos_token_ids: Iterable[int] | int) -> tuple[int, ...]:
        given = [eos_token_ids] if isinstance(eos_token_ids, (int, np.integer)) else list(eos_token_ids)
        for token in given:
            if not isinstance(token, (int, np.integer)):
                raise VocabularyError(
                    f"an EOS id must be an int, not {type(token).__name__}", where="eos_token_ids"
                )
            if not 0 <= token < self.size:
                raise VocabularyError(
                    f"EOS id {token} is outside the vocabulary of {self.size} ids",
                    where="eos_token_ids",
                    hint="when the model's logits are wider than the list of tokens, pass size=<width>",
                )
        return tuple(dict.fromkeys(int(token) for token in given))

    @classmethod
    def from_tokenizer(
        cls,
        tokenizer: Any,
        *,
        size: int | None = None,
        eos_token_ids: Iterable[int] | int | None = None,
        generation_config: Any = None,
    ) -> Vocabulary:
        """The vocabulary of another library's tokenizer, with the exact bytes of every token.

        Takes transformers tokenizers (fast, or slow ones on SentencePiece), ``tokenizers.Tokenizer``,
        ``tiktoken.Encoding``, ``SentencePieceProcessor``, mistral-common tokenizers (Tekken or SentencePiece, or
        the ``MistralTokenizer`` around them), a Vocabulary, or a list of bytes.

        Args:
            tokenizer: one of the above. Their libraries are not imported.
            size: the width of the model's logits. Wider than the tokenizer: the ids past it are never allowed.
                Narrower: the ids that have no logit are left out. Default: the tokenizer's own width.
            eos_token_ids: the ids that end a text. Default: what the tokenizer (and ``generation_config``) says.
            generation_config: a model's generation config, or a dict with ``eos_token_id`` (an int or a list):
                its EOS ids are added to the tokenizer's.

        Raises:
            VocabularyError: a kind of tokenizer whose tokens have no exact bytes (WordPiece, say), or an
                unknown object.
        """
        from .tokenizers import read  # rank-equal module; imported late because it builds Vocabulary objects

        return read(
            tokenizer, size=size, eos_token_ids=eos_token_ids, generation_config=generation_config
        )

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that name the content: equal for equal texts, None marks, EOS ids and size."""
        lengths = np.fromiter(
            (-1 if text is None else len(text) for text in self.tokens), dtype="<i4", count=len(self.tokens)
        )
        h = hashlib.blake2b(b"structgen vocabulary 1", digest_size=16)
        for number in (self.size, len(self.tokens), len(self.eos_token_ids), *self.eos_token_ids):
            h.update(number.to_bytes(8, "little"))
        h.update(lengths.tobytes())
        h.update(b"".join(text for text in self.tokens if text))
        return h.digest()

    @cached_property
    def trie(self) -> Trie:
        """The trie of the ordinary tokens. Built at first use, about 0.2 s for 262,144 tokens."""
        ids = [token for token, text in enumerate(self.tokens) if text]
        return Trie.build([self.tokens[token] or b"" for token in ids], ids)

    @cached_property
    def eos_mask(self) -> NDArray[np.int32]:
        """int32[ceil(size / 32)]: the mask of the EOS ids. Read-only."""
        mask = bits.from_ids(self.eos_token_ids, self.size)
        mask.flags.writeable = False
        return mask

    @cached_property
    def byte_token(self) -> NDArray[np.int32]:
        """int32[256]: the (lowest) id of the token that is just this byte, or -1. Read-only."""
        table = np.full(256, -1, dtype=np.int32)
        for token, text in enumerate(self.tokens):
            if text is not None and len(text) == 1 and table[text[0]] < 0:
                table[text[0]] = token
        table.flags.writeable = False
        return table

    @cached_property
    def missing_bytes(self) -> frozenset[int]:
        """The byte values that are no token by themselves. Where it is empty, every text can be spelt."""
        return frozenset(int(value) for value in np.flatnonzero(self.byte_token < 0))

    @cached_property
    def max_token_bytes(self) -> int:
        """The length of the longest ordinary token, 0 when there is none."""
        return max((len(text) for text in self.tokens if text), default=0)

    def token_bytes(self, ids: Iterable[int]) -> bytes:
        """The exact text of a sequence of ids. EOS ids add nothing.

        Raises:
            VocabularyError: an id is out of range, or silent (special or unused), and so has no text.
        """
        parts = []
        for position, token in enumerate(ids):
            text = self.tokens[token] if 0 <= token < len(self.tokens) else None
            if text is not None:
                parts.append(text)
            elif token not in self.eos_token_ids:
                raise VocabularyError(
                    f"token {token} has no text",
                    where=f"position {position}",
                    hint="it is a special or unused id"
                    if 0 <= token < self.size
                    else f"ids go from 0 to {self.size - 1}",
                )
        return b"".join(parts)

    def __len__(self) -> int:
        return self.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.tokens)} tokens, size={self.size}, eos_token_ids={self.eos_token_ids})"


def _bad_entry(token: int, text: object) -> VocabularyError:
    where = f"token {token}"
    if isinstance(text, bytes):
        return VocabularyError(
            f"a token of {len(text)} bytes is longer than the {LONGEST_TOKEN} that are supported", where=where
        )
    hint = "entries are bytes, or None for ids that are never allowed"
    if isinstance(text, str):
        hint = (
            "entries are bytes, or None; a str is ambiguous, since tokenizers print bytes and spaces in codes of "
            "their own: use Vocabulary.from_tokenizer, or encode it yourself"
        )
    return VocabularyError(
        f"a token must be bytes or None, not {type(text).__name__}", where=where, hint=hint
    )
