"""The store of terminal states that all grammars of a vocabulary share."""

from __future__ import annotations

from structgen import bits
from structgen.automata.bytedfa import choices, from_edges, literal
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from structgen.limits import Limits
from structgen.masks.terminals import TerminalStore, store_of
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar

BYTES = [bytes([b]) for b in range(256)]


def test_equal_automata_have_equal_states() -> None:
    store = TerminalStore(Vocabulary(BYTES), 1 << 30)
    assert store.start(literal(b"abc")) == store.start(choices([b"abc"]))
    assert store.start(literal(b"abc")) != store.start(literal(b"abd"))


def test_equal_vocabularies_share_a_store() -> None:
    one, two = Vocabulary(BYTES), Vocabulary(BYTES)
    store = store_of(one, 1 << 20)
    assert store is store_of(two, 1 << 20)
    assert store is not store_of(Vocabulary([*BYTES, b"ab"]), 1 << 20)


def test_dropping_rows_changes_no_mask() -> None:
    """With hardly any memory for rows, shared or finished, every mask is still the same."""
    words = [b"alpha", b"beta", b"gamma", b"delta", b"epsilon"]
    anything = from_edges(1, [(0, 32, 126, 0)], [0])
    tokens = [*BYTES, b"al", b"pha", b"ta", b"gam", b"ma", b"psilon", None]
    for dfa in (choices(words), anything):
        large = CompiledGrammar(from_terminal(Terminal(dfa, "t")), Vocabulary(tokens, [len(tokens) - 1]))
        tight = CompiledGrammar(
            from_terminal(Terminal(dfa, "t")),
            Vocabulary([*tokens, None], [len(tokens) - 1]),
            Limits(max_mask_bytes=1, max_vocabulary_bytes=1),
        )
        for _ in range(2):
            for word in words:
                a, b = large.start, tight.start
                for byte in word:
                    assert (bits.ids(large.mask(a)) == bits.ids(tight.mask(b))).all()
                    a, b = large.advance(a, byte), tight.advance(b, byte)
                assert large.accepts(a)
                assert tight.accepts(b)
