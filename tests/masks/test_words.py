"""Words in front of automata and left out of them: the store's states against the automata made in full."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from structgen.automata.bytedfa import ByteDfa, literal
from structgen.automata.spelt import Spelt, Without
from structgen.kernels.machine import layout as L
from structgen.masks.terminals import TerminalStore
from structgen.masks.vocabulary import Vocabulary
from tests.strategies import byte_dfas, examples

BYTES = [bytes([b]) for b in range(256)]
WORDS = st.lists(st.text("ab", min_size=1, max_size=4).map(str.encode), max_size=4)


def takes(store: TerminalStore, q: int, text: bytes) -> bool:
    """Is a text one of a terminal state, by its intervals?"""
    t = store.arrays
    for byte in text:
        first, n = int(t.q[q, L.Q_IV]), int(t.q[q, L.Q_NIV])
        after = [to for lo, hi, to, *_ in t.iv[first : first + n].tolist() if lo <= byte <= hi]
        if not after:
            return False
        assert len(after) == 1
        (q,) = after
    return bool(t.q[q, L.Q_ACCEPT])


def texts(n: int) -> list[bytes]:
    found = [b""]
    for text in found:
        if len(text) < n:
            found += [text + b"a", text + b"b"]
    return found


@given(byte_dfas(), WORDS, st.text("ab", max_size=3).map(str.encode))
@examples(100)
def test_words_come_and_go(base: ByteDfa, words: list[bytes], before: bytes) -> None:
    left = [text for text in texts(7) if base.accepts(text) and not any(map(text.startswith, words))]
    assume(left)
    store = TerminalStore(Vocabulary(BYTES), 1 << 20)
    dfa = base
    for word in words:
        dfa = Without(dfa, word)
    dfa = Spelt(before, dfa)
    q = store.start(dfa)
    accepted = {before + text for text in left}
    assert {text for text in texts(7) if takes(store, q, text)} == {text for text in accepted if len(text) <= 7}
    assert int(store.arrays.q[q, L.Q_DIST]) == min(map(len, accepted))
    # and as it is made in full
    assert all(dfa.accepts(text) == (text in accepted) for text in texts(5))


def test_states_of_equal_content_are_one() -> None:
    store = TerminalStore(Vocabulary(BYTES), 1 << 20)
    quote = literal(b'"')
    name = Spelt(b"ab", Spelt(b"c", quote))
    assert store.start(name) == store.start(Spelt(b"a", Spelt(b"bc", quote)))
    before = int(store.arrays.used[L.T_Q])
    store.start(Spelt(b"xab", Spelt(b"c", quote)))
    assert int(store.arrays.used[L.T_Q]) == before + 1
