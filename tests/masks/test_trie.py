"""The trie: Numba build against nested dicts, and its arrays against their own description."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.kernels.trie import below, build, naive
from structgen.kernels.trie.below import CLASSES, STRAY, UTF8, classes_within
from structgen.masks import Trie, Vocabulary

#: Few byte values, so that texts repeat and share prefixes, some longer than the 8 bytes that are compared at once.
TEXTS = st.lists(
    st.builds(
        lambda prefix, rest: prefix + bytes(rest),
        st.sampled_from([b"", b"a" * 7, bytes(9)]),
        st.lists(st.sampled_from([0, 1, 97, 98, 255]), min_size=1, max_size=5),
    ),
    max_size=40,
)


@given(TEXTS, st.integers(0, 3))
def test_build_agrees_with_nested_dicts(texts: list[bytes], gap: int) -> None:
    ids = [i * (gap + 1) for i in range(len(texts))]
    arrays = build(texts, ids)
    assert [array.tolist() for array in arrays] == list(naive.build(texts, ids))
    assert [array.dtype for array in arrays] == [np.uint8, np.int32, np.int16, np.int32, np.int32, np.int32]


#: What texts with bytes from 0x80 on are put together from.
PIECES = [
    b"a", b"9", b'"', b"\n", b"\xc3\xa9", b"\xe0\xa0", b"\xed\x9f\xbf", b"\xed\xa0", b"\xf0", b"\x90", b"\x80", b"\xc0",
    b"\xf4\x8f\xbf\xbf", b"\xf4\x90", b"\xff", b"\xe1\x80\x80", b"\xf1\xbf",
]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map(b"".join), max_size=20))
def test_what_stands_below_a_node(texts: list[bytes]) -> None:
    byte, end, depth, *_ = build(texts, range(len(texts)))
    sets, which = below(byte, end, depth)
    assert sets[0] == 0
    assert len(set(sets.tolist())) == len(sets)
    assert sets[which].tolist() == naive.below(texts, CLASSES.tolist(), UTF8, STRAY)


def test_classes_of_bytes_fit_a_word() -> None:
    assert CLASSES.max() < UTF8 < STRAY < 63
    assert len(CLASSES) == 128
    some = np.zeros(256, dtype=np.bool_)
    some[ord("a") : ord("z") + 1] = True
    some[0xC2:0xF5] = True
    letters = {int(CLASSES[ord(letter)]) for letter in "ag"}
    assert classes_within(some) == sum(1 << c for c in letters) | 1 << UTF8
    some[ord("b")] = False
    some[128:] = True
    assert classes_within(some) == 1 << int(CLASSES[ord("g")]) | 1 << UTF8 | 1 << STRAY


@given(TEXTS)
def test_every_text_is_found_with_all_its_ids(texts: list[bytes]) -> None:
    trie = Trie.build(texts, range(len(texts)))
    for text in texts:
        assert trie.at(trie.find(text)).tolist() == [i for i, other in enumerate(texts) if other == text]
    prefixes = {text[:k] for text in texts for k in range(1, len(text) + 1)}
    assert trie.n_nodes == len(prefixes)
    assert trie.max_depth == max(map(len, texts), default=0)
    for absent in (b"", b"zz", b"ab" * 4):
        if absent not in prefixes:
            assert trie.find(absent) == -1


@given(TEXTS)
def test_subtrees_and_children_are_where_the_docstring_says(texts: list[bytes]) -> None:
    trie = Trie.build(texts, range(len(texts)))

    def walk(node: int, text: bytes) -> None:
        subtree = trie.tokens[trie.token_first[node] : trie.token_first[trie.end[node]]]
        assert sorted(subtree.tolist()) == [i for i, other in enumerate(texts) if other.startswith(text)]
        assert trie.depth[node] == len(text)
        child = node + 1
        while child < trie.end[node]:
            walk(child, text + bytes([trie.byte[child]]))
            child = int(trie.end[child])
        assert child == trie.end[node]

    for value in range(256):
        if trie.root_child[value] >= 0:
            walk(int(trie.root_child[value]), bytes([value]))
        else:
            assert not any(text[0] == value for text in texts)


def test_the_trie_of_nothing() -> None:
    trie = Vocabulary([None, b""], eos_token_ids=[0]).trie
    assert trie.n_nodes == 0
    assert trie.max_depth == 0
    assert trie.token_first.tolist() == [0]
    assert (trie.root_child == -1).all()


def test_silent_and_eos_ids_are_left_out() -> None:
    trie = Vocabulary([b"a", None, b"", b"</s>", b"a", b"ab"], eos_token_ids=[3], size=9).trie
    assert trie.byte.tolist() == [97, 98]
    assert trie.at(0).tolist() == [0, 4]
    assert trie.at(1).tolist() == [5]
    assert trie.end.tolist() == [2, 2]


@pytest.mark.slow
def test_a_vocabulary_of_262_144_tokens_builds_in_a_moment() -> None:
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 12, size=262_144)
    data = rng.integers(97, 123, size=int(lengths.sum()), dtype=np.uint8).tobytes()
    ends = np.cumsum(lengths)
    texts = [data[b - n : b] for n, b in zip(lengths.tolist(), ends.tolist(), strict=True)]
    build(texts[:10], range(10))  # compiles
    start = time.process_time()
    build(texts, range(len(texts)))
    assert time.process_time() - start < 2.0  # about 0.2 s; the ceiling is for slow, shared machines
