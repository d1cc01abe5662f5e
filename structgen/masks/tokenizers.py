"""Reads the tokenizers of other libraries, none of which is imported here: objects are told apart by the
module of their class. Receives such an object; returns the exact bytes of each id, and the ids that end a
text.

What counts as the bytes of a token is what the tokenizer's own decoder makes of it *inside* a text:

- byte-level BPE (GPT-2 and most models since): characters stand for bytes, by a fixed table;
- SentencePiece: ``▁`` is a space, a byte piece ``<0x0A>`` is that byte;
- tiktoken, tekken: the bytes are stored;
- special, control, unknown and unused ids: None. Added tokens that are not special: their text in UTF-8.

**The space at the start of a text.** Many SentencePiece tokenizers put a space before a text when they encode
it (the dummy prefix), and strip it when they decode. Here ``▁Hello`` is always `` Hello``, also as the first
token: a token with the marker is allowed first only where the constraint takes a leading space. A text
without one starts with a token without the marker (``Hello``), which these vocabularies have as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from structgen.errors import VocabularyError

SPACE_MARKER = "▁"

#: Special tokens that end a text by convention: all that tiktoken encodings and bare tokenizers go by.
END_NAMES = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|return|>",
    "<|eot|>",
    "<|eom|>",
    "</s>",
    "<eos>",
)

ACCEPTED = (
    "accepted are transformers tokenizers (byte-level, or SentencePiece-like), tokenizers.Tokenizer, "
    "tiktoken.Encoding, SentencePieceProcessor, mistral-common tokenizers, or a list of bytes"
)


@dataclass
class Texts:
    """What was read.

    Attributes:
        tokens: bytes or None for each id.
        eos: the ids that end a text, the preferred one first.
        special: the ids of special tokens by name.
    """

    tokens: list[bytes | None]
    eos: list[int]
    special: dict[str, int]


def read(tokenizer: Any) -> Texts:
    """The texts and EOS ids of a tokenizer object.

    Raises:
        VocabularyError: not a tokenizer that is known here, or one whose tokens have no bytes of their own.
    """
    kind, inner = _kind(tokenizer)
    return _READERS[kind](inner)


def own_encoding(tokenizer: Any) -> Callable[[str], list[int]]:
    """The tokenizer's own encoding of a text, without special tokens around it.

    The bytes of the ids need not be the text: a dummy prefix is there, normalisers have been at work, and some
    libraries read special tokens in a text.
    :meth:`structgen.masks.vocabulary.Vocabulary.encoder` makes it exact.

    Raises:
        VocabularyError: as for ``read``.
    """
    kind, inner = _kind(tokenizer)
    encode: Callable[[str], list[int]]
    if kind == "tiktoken":
        encode = inner.encode_ordinary
    elif kind == "sentencepiece":

        def encode(text: str) -> list[int]:
            return list(inner.encode(text, out_type=int, add_bos=False, add_eos=False))

    elif kind == "tekken":

        def encode(text: str) -> list[int]:
            return list(inner.encode(text, bos=False, eos=False))

    elif kind == "tokenizers":

        def encode(text: str) -> list[int]:
            return list(inner.encode(text, add_special_tokens=False).ids)

    else:

        def encode(text: str) -> list[int]:
            return list(inner.encode(text, add_special_tokens=False, split_special_tokens=True))

    return encode


def _kind(tokenizer: Any) -> tuple[str, Any]:
    """Which reader a tokenizer takes, and the object inside its wrappers."""
    roots = {cls.__module__.partition(".")[0] for cls in type(tokenizer).__mro__}
    if "tiktoken" in roots and hasattr(tokenizer, "decode_single_token_bytes"):
        return "tiktoken", tokenizer
    if "sentencepiece" in roots and hasattr(tokenizer, "id_to_piece"):
        return "sentencepiece", tokenizer
    if "tokenizers" in roots and hasattr(tokenizer, "get_vocab"):
        return "tokenizers", tokenizer
    if "mistral_common" in roots:
        inner = getattr(getattr(tokenizer, "instruct_tokenizer", tokenizer), "tokenizer", tokenizer)
        model = getattr(inner, "_model", None)
        if type(model).__module__.partition(".")[0] == "sentencepiece":
            return "sentencepiece", model
        if hasattr(inner, "id_to_byte_piece"):
            return "tekken", inner
    if "transformers" in roots:
        if getattr(tokenizer, "backend_tokenizer", None) is not None:
            return "transformers fast", tokenizer
        if hasattr(tokenizer, "sp_model") or hasattr(tokenizer, "byte_decoder"):
            return "transformers slow", tokenizer
        inner = getattr(tokenizer, "tokenizer", None)  # a processor, or transformers around mistral-common
        if inner is not None:
            return _kind(inner)
    name = f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}"
    hint = ACCEPTED
    if isinstance(tokenizer, str):
        hint = "load it first, for example by transformers.AutoTokenizer.from_pretrained; " + hint
    raise VocabularyError(f"cannot read token bytes from an object of type {name}", where="tokenizer", hint=hint)


def _tiktoken(encoding: Any) -> Texts:
    names = {encoding.encode_single_token(name): name for name in encoding.special_tokens_set}
    tokens: list[bytes | None] = [None] * encoding.n_vocab
    for token in range(encoding.n_vocab):
        if token not in names:
            with suppress(KeyError):  # the ids of an encoding may have gaps
                tokens[token] = encoding.decode_single_token_bytes(token)
    return Texts(tokens, _conventional_ends(names), _by_name(names))


def _sentencepiece(processor: Any) -> Texts:
    n = processor.get_piece_size()
    ids = list(range(n))
    pieces = processor.id_to_piece(ids) if n else []
    tokens = [_sentencepiece_bytes(processor, token, piece) for token, piece in zip(ids, pieces, strict=True)]
    eos = processor.eos_id()
    return Texts(tokens, [eos] if eos >= 0 else [], _by_name({i: pieces[i] for i in ids if processor.is_control(i)}))


def _sentencepiece_bytes(processor: Any, token: int, piece: str) -> bytes | None:
    if processor.is_control(token) or processor.is_unknown(token) or processor.is_unused(token):
        return None
    if processor.is_byte(token):
        return bytes([int(piece[3:5], 16)])
    return piece.replace(SPACE_MARKER, " ").encode()


def _tekken(tekken: Any) -> Texts:
    first = tekken.num_special_tokens  # special ids come before all others
    tokens: list[bytes | None] = [None] * first
    tokens += [tekken.id_to_byte_piece(token) for token in range(first, tekken.n_words)]
    return Texts(tokens, [tekken.eos_id], _by_name({token: tekken.id_to_piece(token) for token in range(first)}))


def _transformers_slow(tokenizer: Any) -> Texts:
    """Tokenizers in Python around a SentencePiece model, or with GPT-2's byte table (transformers 4)."""
    added = {token: (entry.content, bool(entry.special)) for token, entry in tokenizer.added_tokens_decoder.items()}
    special = set(tokenizer.all_special_ids)
    n = max([len(tokenizer) - 1, *added]) + 1
    tokens: list[bytes | None] = [None] * n
    processor = getattr(tokenizer, "sp_model", None)
    for token in range(n):
        if token in special or added.get(token, ("", False))[1]:
            continue
        if token in added:
            tokens[token] = added[token][0].encode()
            continue
        piece = tokenizer.convert_ids_to_tokens(token)
        if piece is None:
            continue
        if processor is None:
            tokens[token] = byte_level(piece)
        else:
            # The tokenizer's ids may be shifted against those of its SentencePiece model: go by the piece.
            inner = processor.piece_to_id(piece)
            if processor.id_to_piece(inner) == piece:
                tokens[token] = _sentencepiece_bytes(processor, inner, piece)
    names = {token: content for token, (content, is_special) in added.items() if is_special or token in special}
    names |= dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    return Texts(tokens, _ids(tokenizer.eos_token_id), _by_name(names))


def _transformers_fast(tokenizer: Any) -> Texts:
    texts = _tokenizers(tokenizer.backend_tokenizer)
    for token, name in zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True):
        if token not in texts.special.values():
            texts.special[name] = token
        if token < len(texts.tokens):
            texts.tokens[token] = None
    # What the configuration says, not what names suggest: a base model stops at its own EOS alone.
    return Texts(texts.tokens, _ids(tokenizer.eos_token_id), texts.special)


def _tokenizers(backend: Any) -> Texts:
    decode = _piece_decoder(backend)
    vocabulary: dict[str, int] = backend.get_vocab(with_added_tokens=False)
    added: dict[int, Any] = backend.get_added_tokens_decoder()
    tokens: list[bytes | None] = [None] * (max([-1, *vocabulary.values(), *added]) + 1)
    unknown = _unknown_id(backend.model, vocabulary)
    for piece, token in vocabulary.items():
        if token != unknown:
            tokens[token] = decode(piece)
    names = {}
    for token, entry in added.items():
        if entry.special:
            names[token] = entry.content
            tokens[token] = None
        elif vocabulary.get(entry.content) != token:
            # Not a piece of the model: the text it matches. Only the space marker reads as in pieces.
            tokens[token] = entry.content.encode() if decode is byte_level else decode(entry.content)
    return Texts(tokens, _conventional_ends(names), _by_name(names))


def _unknown_id(model: Any, vocabulary: dict[str, int]) -> int | None:
    if type(model).__name__ == "Unigram":
        unknown = json.loads(model.__getstate__()).get("unk_id")
        return unknown if unknown is None else int(unknown)
    name = getattr(model, "unk_token", None)
    return None if name is None else vocabulary.get(name)


def _piece_decoder(backend: Any) -> Callable[[str], bytes]:
    """The bytes of a piece inside a text, from the tokenizer's declared decoder.

    Raises:
        VocabularyError: what a token prints depends on its neighbours, or the decoder is not known here.
    """
    model = backend.model
    kind = type(model).__name__
    if kind == "WordPiece":
        raise _no_bytes("a WordPiece tokenizer puts spaces between words by rules of its own")
    if getattr(model, "continuing_subword_prefix", None) or getattr(model, "end_of_word_suffix", None):
        raise _no_bytes("its pieces are marked as parts of words, and the spaces between words are not in them")
    if backend.decoder is None:
        if _has_byte_level(backend.pre_tokenizer):
            return byte_level
        raise _no_bytes("it has no decoder, so that it prints a space between any two tokens")
    steps = _flatten(_state(backend.decoder))
    if any(step["type"] == "ByteLevel" for step in steps):
        if any(step["type"] not in ("ByteLevel", "Fuse") for step in steps):
            raise _no_bytes("its decoder does more than the byte table: " + ", ".join(s["type"] for s in steps))
        return byte_level
    replacements, byte_fallback = _character_steps(steps)
    byte_fallback = byte_fallback or bool(getattr(model, "byte_fallback", False))
    if kind == "Unigram":
        byte_fallback = byte_fallback or bool(json.loads(model.__getstate__()).get("byte_fallback"))

    def decode(piece: str) -> bytes:
        if byte_fallback and len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
            with suppress(ValueError):
                return bytes([int(piece[3:5], 16)])
        for old, new in replacements:
            piece = piece.replace(old, new)
        return piece.encode()

    return decode


def _character_steps(steps: list[dict[str, Any]]) -> tuple[list[tuple[str, str]], bool]:
    """The replacements within pieces that a decoder of characters makes, and whether byte pieces are read."""
    replacements: list[tuple[str, str]] = []
    byte_fallback = fused = False
    for step in steps:
        kind = step["type"]
        if kind == "Fuse":
            fused = True
        elif kind == "ByteFallback":
            byte_fallback = True
        elif kind == "Metaspace":
            replacements.append((step["replacement"], " "))
        elif kind == "Replace" and len(step["pattern"].get("String", "")) == 1:
            replacements.append((step["pattern"]["String"], step["content"]))
        elif kind == "Strip" and fused and step["stop"] == 0:
            pass  # once, at the start of the text: see the module's word on that space
        else:
            raise _no_bytes(f"its decoder has the step {kind} {json.dumps(step, ensure_ascii=False)}")
    return replacements, byte_fallback


def _flatten(step: dict[str, Any]) -> list[dict[str, Any]]:
    if step["type"] == "Sequence":
        return [inner for part in step["decoders"] for inner in _flatten(part)]
    return [step]


def _state(component: Any) -> dict[str, Any]:
    """The JSON of one component of a tokenizers.Tokenizer, which is what it is pickled as."""
    try:
        state: dict[str, Any] = json.loads(component.__getstate__())
    except Exception as error:
        raise _no_bytes("its decoder is written in Python, and what it does cannot be read") from error
    return state


def _has_byte_level(pre_tokenizer: Any) -> bool:
    return pre_tokenizer is not None and '"ByteLevel"' in bytes(pre_tokenizer.__getstate__()).decode()


def _no_bytes(reason: str) -> VocabularyError:
    return VocabularyError(
        f"the tokens of this tokenizer have no exact bytes: {reason}", where="tokenizer", hint=ACCEPTED
    )


@cache
def _byte_table() -> dict[str, int]:
    """GPT-2's table: printable Latin-1 characters are their own byte, the other bytes go from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    table = {chr(value): value for value in printable}
    rest = [value for value in range(256) if value not in printable]
    table.update({chr(0x100 + i): value for i, value in enumerate(rest)})
    return table


def byte_level(piece: str) -> bytes:
    """The bytes of a byte-level piece; its own text if a character is outside the table, as in decoders."""
    table = _byte_table()
    try:
        return bytes([table[character] for character in piece])
    except KeyError:
        return piece.encode()


def _conventional_ends(names: dict[int, str]) -> list[int]:
    by_name = {name: token for token, name in names.items()}
    return [by_name[name] for name in END_NAMES if name in by_name]


def _by_name(names: dict[int, str]) -> dict[str, int]:
    """The ids of names that a tokenizer gives to special tokens, by name; the lowest where two have the same."""
    return {name: token for token, name in sorted(names.items(), key=lambda each: (each[1], -each[0]))}


def _ids(value: int | Sequence[int] | None) -> list[int]:
    if value is None:
        return []
    given = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    for token in given:
        if not isinstance(token, (int, np.integer)):
            raise VocabularyError(f"an EOS id is an int, not {type(token).__name__}", where="eos_token_id")
    return [int(token) for token in given]


def generation_ends(config: Any) -> list[int]:
    """``eos_token_id`` (an int, a list or None) of a model's generation config, an object or a dict."""
    value = config.get("eos_token_id") if isinstance(config, dict) else getattr(config, "eos_token_id", None)
    return _ids(value)


_READERS: dict[str, Callable[[Any], Texts]] = {
    "tiktoken": _tiktoken,
    "sentencepiece": _sentencepiece,
    "tekken": _tekken,
    "tokenizers": _tokenizers,
    "transformers fast": _transformers_fast,
    "transformers slow": _transformers_slow,
}
