"""Fewest tokens that spell a text, against the reference."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from structgen.kernels.spelling import naive, spell
from structgen.masks.vocabulary import Vocabulary

NEVER = 1000
words = st.lists(st.binary(min_size=1, max_size=4).map(lambda b: bytes(97 + x % 3 for x in b)), min_size=1, max_size=8)


@given(words, st.lists(st.integers(97, 100), max_size=12).map(bytes))
def test_as_the_reference(tokens: list[bytes], text: bytes) -> None:
    trie = Vocabulary(tokens).trie
    got = spell(
        np.frombuffer(text, dtype=np.uint8), trie.byte, trie.end, trie.token_first, trie.root_child, NEVER
    )
    assert np.minimum(got, NEVER).tolist() == [min(c, NEVER) for c in naive.spell(text, tokens, NEVER)]
