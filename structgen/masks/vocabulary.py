"""What a model can say: the exact bytes of every token. Receives a list of texts, or a tokenizer of another
library (read by :mod:`structgen.masks.tokenizers`); returns a :class:`Vocabulary`, which never changes.

Three kinds of ids. *Ordinary* tokens have bytes and are allowed where the constraint takes those bytes.
*Silent* ids (special tokens, unused ids, the padding of the logits past the tokenizer) are None and never
allowed, but for special tokens that a constraint names. *EOS* ids end the text: allowed where it may end, and never
as ordinary tokens, whatever bytes a tokenizer prints for them.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import InputError, VocabularyError
from structgen.source.special import MARK, marked

from . import tokenizers
from .trie import Trie

#: Trie depths are int16; no real token comes near.
LONGEST_TOKEN = 32_767
#: No model has as many ids; more is a slip, and would only exhaust memory.
MOST_IDS = 1 << 27


class Vocabulary:
    """The tokens of a model as bytes. Immutable; equal when the digests are.

    Args:
        tokens: for each id the exact bytes it adds to the text, or None for an id that is never allowed.
            ``b""`` is kept as it is and never allowed either: it would not move the text on.
        eos_token_ids: the ids that end a text, the preferred one first. Their own bytes are dropped (they
            read None in ``tokens``). None at all is allowed: a text then ends only when the budget does.
        size: the width of the model's logits, when that is more than ``len(tokens)``. Ids past the tokens
            are never allowed.
        special: the ids of special tokens by name, for constraints that name them (``sg.Special``). Each is an id of
            its own, and its entry is None or it is an EOS id.

    Raises:
        VocabularyError: an entry is neither bytes nor None, or too long; an EOS id is out of range; ``size``
            is under ``len(tokens)``; a special token has bytes, no name, or the id of another.

    Attributes:
        tokens: tuple of bytes or None, as long as given (EOS ids read None).
        size: the number of ids, which is the width of masks and logits.
        eos_token_ids: tuple of int, in the order given, without repeats.
        special: the ids of special tokens by name. Vocabularies that differ in these alone are equal.
    """

    tokens: tuple[bytes | None, ...]
    size: int
    eos_token_ids: tuple[int, ...]
    special: Mapping[str, int]

    def __init__(
        self,
        tokens: Iterable[bytes | None],
        eos_token_ids: Iterable[int] | int = (),
        *,
        size: int | None = None,
        special: Mapping[str, int] | None = None,
    ) -> None:
        if isinstance(tokens, (str, bytes, bytearray, Mapping)) or not isinstance(tokens, Iterable):
            raise VocabularyError(
                f"the tokens are a list of bytes, not {type(tokens).__name__}",
                hint="Give the bytes of each id in order; Vocabulary.from_tokenizer reads a tokenizer",
            )
        texts = list(tokens)
        for token, text in enumerate(texts):
            if text is None or (type(text) is bytes and len(text) <= LONGEST_TOKEN):
                continue
            raise _bad_entry(token, text)
        self.size = len(texts) if size is None else _checked_size(size)
        if self.size < len(texts):
            raise VocabularyError(
                f"the vocabulary has {len(texts)} tokens, but only {self.size} ids fit the given size",
                where="size",
                hint="size is the width of the model's logits; when that is narrower than the tokenizer, "
                "cut the list of tokens to that width",
            )
        self.eos_token_ids = self._checked_eos(eos_token_ids)
        for token in self.eos_token_ids:
            if token < len(texts):
                texts[token] = None
        self.tokens = tuple(texts)
        self.special = _checked_special(special or {}, self.tokens, self.size)

    def _checked_eos(self, eos_token_ids: Iterable[int] | int) -> tuple[int, ...]:
        if isinstance(eos_token_ids, str) or not isinstance(eos_token_ids, (int, np.integer, Iterable)):
            raise VocabularyError(
                f"EOS ids are an int or a list of them, not {type(eos_token_ids).__name__}", where="eos_token_ids"
            )
        given = [eos_token_ids] if isinstance(eos_token_ids, (int, np.integer)) else list(eos_token_ids)
        for token in given:
            if not isinstance(token, (int, np.integer)) or isinstance(token, bool):
                raise VocabularyError(f"an EOS id must be an int, not {type(token).__name__}", where="eos_token_ids")
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
        ``tiktoken.Encoding``, ``SentencePieceProcessor``, mistral-common tokenizers (Tekken or SentencePiece,
        or the ``MistralTokenizer`` around them), a Vocabulary, or a list of bytes.

        Args:
            tokenizer: one of the above. Their libraries are not imported.
            size: the width of the model's logits. Wider than the tokenizer: the ids past it are never
                allowed. Narrower: the ids that have no logit are left out. Default: the tokenizer's width.
            eos_token_ids: the ids that end a text. Default: what the tokenizer and ``generation_config`` say.
            generation_config: a model's generation config, or a dict with ``eos_token_id`` (an int or a
                list): its EOS ids are added to the tokenizer's.

        Raises:
            VocabularyError: the tokens have no exact bytes (WordPiece, say); the object is not known; or
                nothing says which ids end a text (pass ``eos_token_ids=()`` where none does).
        """
        if isinstance(tokenizer, Vocabulary):
            texts = tokenizers.Texts(list(tokenizer.tokens), list(tokenizer.eos_token_ids), dict(tokenizer.special))
            size = tokenizer.size if size is None else size
        elif isinstance(tokenizer, (list, tuple)):
            texts = tokenizers.Texts(list(tokenizer), [], {})
        else:
            texts = tokenizers.read(tokenizer)
        width = len(texts.tokens) if size is None else _checked_size(size)
        if eos_token_ids is None:
            ends = [*texts.eos, *tokenizers.generation_ends(generation_config)]
            eos_token_ids = [token for token in ends if token < width]
            if not eos_token_ids and not isinstance(tokenizer, (Vocabulary, list, tuple)):
                raise _no_end(sorted(texts.special))
        special = {name: token for name, token in texts.special.items() if name and token < width}
        return cls(texts.tokens[:width], eos_token_ids, size=width, special=special)

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
        return Trie.build([text for text in self.tokens if text], ids)

    @cached_property
    def named(self) -> Vocabulary:
        """The vocabulary in which special tokens are marked words (:mod:`structgen.source.special`), EOS ids left out.

        Ordinary tokens with the byte of the marks are silent in it: no text has that byte.
        """
        texts = [None if text is not None and MARK in text else text for text in self.tokens]
        texts += [None] * (max([-1, *self.special.values()]) + 1 - len(texts))
        for name, token in self.special.items():
            texts[token] = marked(name)
        return Vocabulary(texts, self.eos_token_ids, size=self.size)

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
        if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
            raise VocabularyError(f"ids are a sequence of ints, not {type(ids).__name__}")
        for position, token in enumerate(ids):
            if not isinstance(token, (int, np.integer)):
                raise VocabularyError(f"an id is an int, not {type(token).__name__}", where=f"position {position}")
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

    @cached_property
    def _by_text(self) -> dict[bytes, int]:
        """The lowest id of each text."""
        return {text: token for token, text in reversed(list(enumerate(self.tokens))) if text}

    def spell(self, data: bytes) -> list[int]:
        """The fewest tokens that make up exactly ``data`` (among equals, the longest token first).

        Not what the model's tokenizer would choose; see ``encoder`` for that.

        Raises:
            VocabularyError: no sequence of tokens makes up ``data``.
        """
        if not isinstance(data, (bytes, bytearray)):
            raise InputError(
                f"a text is spelt as bytes, not as {type(data).__name__}",
                hint="Encode it first: text.encode()" if isinstance(data, str) else None,
            )
        data = bytes(data)
        by_text, longest, n = self._by_text, self.max_token_bytes, len(data)
        best = [n + 1] * n + [0]  # best[i]: the fewest tokens for data[i:]; n + 1 where there is no way
        choice = [0] * n
        for i in range(n - 1, -1, -1):
            for j in range(min(n, i + longest), i, -1):
                if best[j] + 1 < best[i] and data[i:j] in by_text:
                    best[i], choice[i] = best[j] + 1, j
        if best[0] > n:
            gap = next((k for k, value in enumerate(data) if value in self.missing_bytes), None)
            raise VocabularyError(
                f"no tokens of this vocabulary make up the text {data[:60]!r}",
                where=None if gap is None else f"byte 0x{data[gap]:02X} at offset {gap}",
                hint="the vocabulary lacks bytes; a tokenizer with all 256 of them can spell every text",
            )
        ids, i = [], 0
        while i < n:
            ids.append(by_text[data[i : choice[i]]])
            i = choice[i]
        return ids

    def encoder(self, tokenizer: Any = None) -> Callable[[str], list[int]]:
        """A function from a text to ids whose bytes are exactly that text, as it stands inside a longer one.

        The tokenizer's own encoding is taken where its bytes are the text. Where a space was put in front
        (SentencePiece), the text is encoded after a line break, which is then cut off. Where the tokenizer
        changes the text (normalisers) or reads special tokens in it, ``spell`` finds the ids; so it does for
        all texts when there is no tokenizer.

        Args:
            tokenizer: what ``from_tokenizer`` takes, and of the same ids as this vocabulary.

        Raises:
            VocabularyError: as for ``from_tokenizer``; the function itself raises it as ``spell`` does.
        """
        if tokenizer is None or isinstance(tokenizer, (Vocabulary, list, tuple)):
            return lambda text: self.spell(_encoded(text))
        own = tokenizers.own_encoding(tokenizer)

        def encode(text: str) -> list[int]:
            data = _encoded(text)
            ids = own(text)
            if self._is_text(ids, data):
                return ids
            ids = own("\n" + text)
            for cut in range(1, 4):  # "\n" alone, or a space and "\n", or a space and two pieces
                if self._is_text(ids[cut:], data) and self._is_text(ids[:cut], b"\n", b" \n"):
                    return ids[cut:]
            return self.spell(data)

        return encode

    def _is_text(self, ids: list[int], *wanted: bytes) -> bool:
        texts = [self.tokens[token] if token < len(self.tokens) else None for token in ids]
        return None not in texts and b"".join(text for text in texts if text) in wanted

    def __copy__(self) -> Vocabulary:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Vocabulary:
        """The vocabulary itself, which never changes: copies share its trie and its rows."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled are the tokens and the EOS ids; what has been worked out is worked out again."""
        return _remade, (self.tokens, self.eos_token_ids, self.size, dict(self.special))

    def __len__(self) -> int:
        return self.size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.tokens)} tokens, size={self.size}, eos_token_ids={self.eos_token_ids})"


def _remade(
    tokens: tuple[bytes | None, ...], eos_token_ids: tuple[int, ...], size: int, special: dict[str, int]
) -> Vocabulary:
    return Vocabulary(tokens, eos_token_ids, size=size, special=special)


def _checked_special(
    special: Mapping[str, int], tokens: tuple[bytes | None, ...], size: int
) -> Mapping[str, int]:
    by_id: dict[int, str] = {}
    for name, token in special.items():
        if not isinstance(name, str) or not name:
            raise VocabularyError(f"a special token is named by a string, not by {name!r}", where="special")
        where = f"special[{name!r}]"
        if not isinstance(token, (int, np.integer)) or isinstance(token, bool) or not 0 <= token < size:
            raise VocabularyError(f"{token!r} is not one of the {size} ids", where=where)
        if token < len(tokens) and tokens[token] is not None:
            raise VocabularyError(
                f"token {token} has the text {tokens[token]!r}, so it is not special",
                where=where,
                hint="Give None for it in the list of tokens",
            )
        if by_id.setdefault(int(token), name) != name:
            raise VocabularyError(f"token {token} is {by_id[int(token)]!r} already", where=where)
    return MappingProxyType({name: token for token, name in by_id.items()})


def _checked_size(size: object) -> int:
    try:
        width = operator.index(size)  # type: ignore[arg-type]
    except TypeError:
        raise VocabularyError(f"the size is an int, not {type(size).__name__}", where="size") from None
    if not 0 <= width <= MOST_IDS:
        raise VocabularyError(f"the size {width} is not from 0 to {MOST_IDS}", where="size")
    return width


def _encoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise InputError(f"a text is a str, not {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            "the text has a lone surrogate, which UTF-8 cannot write", where=f"character {error.start}"
        ) from None


def _no_end(special: list[str]) -> VocabularyError:
    names = ", ".join(special[:8]) + (", ..." if len(special) > 8 else "")
    return VocabularyError(
        "nothing says which token ids end a text",
        where="tokenizer",
        hint="pass eos_token_ids=[...], or eos_token_ids=() when the text ends by the token budget alone"
        + (f"; the special tokens are {names}" if names else ""),
    )


def _bad_entry(token: int, text: object) -> VocabularyError:
    where = f"token {token}"
    if isinstance(text, bytes):
        return VocabularyError(
            f"a token of {len(text)} bytes is longer than the {LONGEST_TOKEN} that are supported", where=where
        )
    hint = "entries are bytes, or None for ids that are never allowed"
    if isinstance(text, str):
        hint = (
            "entries are bytes, or None; a str is ambiguous, since tokenizers print bytes and spaces "
            "in codes of their own: use Vocabulary.from_tokenizer, or encode it yourself"
        )
    return VocabularyError(f"a token must be bytes or None, not {type(text).__name__}", where=where, hint=hint)
