"""Vocabulary: what is kept, what is derived from it, and every way to be refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen import bits
from structgen.errors import VocabularyError
from structgen.masks import Vocabulary

ENTRIES = st.lists(st.none() | st.binary(max_size=4), max_size=12)


def test_ordinary_silent_and_eos_ids() -> None:
    vocabulary = Vocabulary([b"a", None, b"", b"</s>", b"a", b"\xff"], eos_token_ids=[3, 7, 3], size=10)
    assert vocabulary.tokens == (b"a", None, b"", None, b"a", b"\xff")
    assert vocabulary.eos_token_ids == (3, 7)
    assert vocabulary.size == len(vocabulary) == 10
    assert vocabulary.max_token_bytes == 1
    assert bits.ids(vocabulary.eos_mask).tolist() == [3, 7]
    assert vocabulary.eos_mask.dtype == np.int32
    assert len(vocabulary.eos_mask) == 1
    assert repr(vocabulary) == "Vocabulary(6 tokens, size=10, eos_token_ids=(3, 7))"


def test_no_eos_is_allowed_and_gives_an_empty_mask() -> None:
    assert not Vocabulary([b"a"] * 40).eos_mask.any()


def test_one_eos_id_need_not_be_in_a_list() -> None:
    assert Vocabulary([b"a", None], np.int64(1)).eos_token_ids == (1,)


def test_bytes_that_are_no_token_are_named() -> None:
    vocabulary = Vocabulary([bytes([value]) for value in range(256) if value != 0xF1] + [b"\xf1\xf1", b"a"])
    assert vocabulary.missing_bytes == {0xF1}
    assert vocabulary.byte_token[ord("a")] == ord("a")  # the lowest of the two ids
    assert vocabulary.byte_token[0xF1] == -1
    assert vocabulary.byte_token.dtype == np.int32


def test_derived_arrays_cannot_be_changed() -> None:
    vocabulary = Vocabulary([b"a", None], [1])
    for array in (vocabulary.eos_mask, vocabulary.byte_token):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@given(ENTRIES, ENTRIES)
def test_digests_are_equal_exactly_when_the_content_is(a: list[bytes | None], b: list[bytes | None]) -> None:
    assert (Vocabulary(a) == Vocabulary(b)) == (a == b)


def test_everything_is_in_the_digest() -> None:
    base = [b"ab", b"c", None, b""]
    variants = [
        Vocabulary(base),
        Vocabulary([b"a", b"bc", None, b""]),
        Vocabulary([b"ab", b"c", b"", None]),
        Vocabulary(base, size=5),
        Vocabulary([*base, None]),
        Vocabulary(base, [2]),
        Vocabulary(base, [2, 3]),
        Vocabulary(base, [3]),
    ]
    assert len({vocabulary.digest for vocabulary in variants}) == len(variants)
    assert len(set(variants)) == len(variants)
    assert Vocabulary(base) == Vocabulary(tuple(base))
    assert Vocabulary(base) != "a vocabulary"


def test_a_vocabulary_survives_pickling() -> None:
    vocabulary = Vocabulary([b"a", None, b"b"], [1], size=4)
    assert pickle.loads(pickle.dumps(vocabulary)) == vocabulary


def test_token_bytes_are_exact_and_eos_adds_nothing() -> None:
    vocabulary = Vocabulary([b"\xc3", b"\xa9", None, None, b"x"], [3], size=8)
    assert vocabulary.token_bytes([0, 1, 4, 3]) == b"\xc3\xa9x"
    assert vocabulary.token_bytes(np.array([4, 4])) == b"xx"
    for bad in (2, 6, 8, -1):
        with pytest.raises(VocabularyError, match=rf"token {bad} has no text \(at position 1\)"):
            vocabulary.token_bytes([4, bad])


REFUSED: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: Vocabulary(["a"]), "must be bytes or None, not str", "token 0"),  # type: ignore[list-item]
    (lambda: Vocabulary([b"a", 3]), "must be bytes or None, not int", "token 1"),  # type: ignore[list-item]
    (lambda: Vocabulary([b"a" * 40_000]), "40000 bytes is longer than the 32767", "token 0"),
    (lambda: Vocabulary([b"a", b"b"], size=1), "2 tokens, but only 1 ids", "size"),
    (lambda: Vocabulary([b"a"], [1]), "EOS id 1 is outside the vocabulary of 1", "eos_token_ids"),
    (lambda: Vocabulary([b"a"], [-1]), "EOS id -1 is outside", "eos_token_ids"),
    (lambda: Vocabulary([b"a"], ["</s>"]), "an EOS id must be an int, not str", "eos_token_ids"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("make", "message", "where"), REFUSED)
def test_bad_input_says_what_and_where(make: Callable[[], Any], message: str, where: str) -> None:
    with pytest.raises(VocabularyError, match=message) as caught:
        make()
    assert caught.value.where == where


@given(
    st.lists(st.binary(min_size=1, max_size=3), max_size=8).map(lambda ts: [b"ab"[i % 2 :][:1] for i in range(2)] + ts),
    st.text("ab", max_size=12),
)
def test_spelling_is_exact_and_shortest(tokens: list[bytes], text: str) -> None:
    vocabulary = Vocabulary(tokens)
    data = text.encode()
    ids = vocabulary.spell(data)
    assert vocabulary.token_bytes(ids) == data
    fewest = [0]
    for end in range(1, len(data) + 1):  # forwards, where the vocabulary goes backwards
        fewest.append(min(fewest[k] for k in range(end) if data[k:end] in tokens) + 1)
    assert len(ids) == fewest[-1]


def test_what_cannot_be_spelt_is_refused() -> None:
    with pytest.raises(VocabularyError, match="byte 0x63 at offset 2"):
        Vocabulary([b"a", b"b"]).spell(b"abc")
    with pytest.raises(VocabularyError, match="no tokens of this vocabulary make up the text b'ab'"):
        Vocabulary([b"aa", b"b"]).spell(b"ab")


def test_an_encoder_without_a_tokenizer_spells() -> None:
    vocabulary = Vocabulary([b"a", b"b", b"ab", b"\xc3\xa9"])
    assert vocabulary.encoder()("abaé") == [2, 0, 3]


def test_from_tokenizer_takes_lists_and_vocabularies() -> None:
    listed = Vocabulary.from_tokenizer([b"a", None, b"b"], eos_token_ids=[1], size=4)
    assert listed == Vocabulary([b"a", None, b"b"], [1], size=4)
    assert Vocabulary.from_tokenizer(listed) == listed
    assert Vocabulary.from_tokenizer(listed, size=2) == Vocabulary([b"a", None], [1])
    assert Vocabulary.from_tokenizer([b"a"]).eos_token_ids == ()
