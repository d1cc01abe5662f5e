"""The denoiser's own vocabulary: bytes and frequent pieces, the end, the mask, and a tag for each kind.

Ids: 0 is EOS, 1 the mask, then a tag for each kind of :data:`~structgen.studies.diffusion.texts.KINDS`, then the 256
bytes, then the pieces of a byte-level BPE in the order of its merges. ``data/tokens.json`` holds the merges.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from structgen import Vocabulary
from structgen.masks.tokenizers import byte_level

from .texts import KINDS

EOS = 0
MASK = 1
_BYTES = 2 + len(KINDS)
# no token has a digit and anything else
_PIECE = re.compile(rb"[0-9]|[^0-9]+")
_given: list[tuple[bytes, bytes]] = []


def tag(kind: str) -> int:
    """The id that stands before the canvas of a kind."""
    return 2 + KINDS.index(kind)


@cache
def merges() -> tuple[tuple[bytes, bytes], ...]:
    """The merges of the BPE, the first made first."""
    if _given:
        return tuple(_given)
    stored = json.loads(files(__package__).joinpath("data/tokens.json").read_text("utf-8"))
    return tuple((bytes.fromhex(a), bytes.fromhex(b)) for a, b in stored)


@cache
def vocabulary() -> Vocabulary:
    """The texts of the ids; mask and tags are silent, so no constraint ever allows them."""
    texts: list[bytes | None] = [None] * _BYTES
    texts += [bytes([b]) for b in range(256)]
    texts += [a + b for a, b in merges()]
    return Vocabulary(texts, EOS)


@cache
def _ranks() -> dict[tuple[bytes, bytes], int]:
    return {pair: rank for rank, pair in enumerate(merges())}


@cache
def _ids() -> dict[bytes, int]:
    return {text: i for i, text in enumerate(vocabulary().tokens) if text is not None}


@lru_cache(maxsize=1 << 16)
def _piece(piece: bytes) -> tuple[int, ...]:
    """The ids of a piece of text: the earliest merge first, as long as there is one."""
    parts = [piece[i : i + 1] for i in range(len(piece))]
    while len(parts) > 1:
        rank, i = min((_ranks().get((parts[i], parts[i + 1]), 1 << 30), i) for i in range(len(parts) - 1))
        if rank == 1 << 30:
            break
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return tuple(_ids()[part] for part in parts)


def encode(text: str) -> list[int]:
    """The ids of a text as the denoiser was taught to spell it."""
    return [i for piece in _PIECE.findall(text.encode()) for i in _piece(piece)]


def learn(corpus: Iterable[str], n: int) -> list[tuple[bytes, bytes]]:
    """The first ``n`` merges of byte-pair encoding on these texts, by the tokenizers library."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex("[0-9]|[^0-9]+"), "isolated"),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )  # fmt: skip
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner.train_from_iterator(
        corpus,
        trainers.BpeTrainer(vocab_size=256 + n, initial_alphabet=alphabet, max_token_length=16, show_progress=False),
    )
    return [(byte_level(a), byte_level(b)) for a, b in json.loads(learner.to_str())["model"]["merges"]]


def use(learned: Iterable[tuple[bytes, bytes]]) -> None:
    """Take these merges in place of the stored ones, in this process."""
    for kept in (merges, vocabulary, _ranks, _ids, _piece):
        kept.cache_clear()
    _given[:] = learned


def decode(ids: list[int]) -> bytes:
    """The bytes of the ids up to the first EOS; the mask and tags have none."""
    if EOS in ids:
        ids = ids[: ids.index(EOS)]
    return b"".join(vocabulary().tokens[i] or b"" for i in ids)
