"""The store of terminal states that all grammars of a vocabulary share."""

from __future__ import annotations

import random

import pytest

import structgen as sg
from structgen import bits
from structgen.automata.bytedfa import choices, from_edges, literal
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.limits import Limits
from structgen.masks import terminals
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


LARGE_CASES = [
    ("a choice", lambda: sg.Choice(["alpha", "alphabet", "beta", "gamma", "epsilon", "ta", "é!"])),
    ("loops", lambda: sg.Regex(r"(?s:.*al[^b]*)")),
    ("names left out, bans, counts", lambda: sg.JsonSchema({
        "type": "object", "properties": {"al": {"enum": ["beta", "gamma"]}, "be": {"type": "string", "maxLength": 4}},
        "additionalProperties": {"pattern": "^a+lpha"}, "propertyNames": {"minLength": 1},
    })),
    ("a lexer", lambda: sg.Lark('start: (NAME | "al" | "ta")+\nNAME: /[a-z]+/\n%ignore " "', lexer="contextual")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "constraint"), LARGE_CASES, ids=[name for name, _ in LARGE_CASES])
@pytest.mark.parametrize("missing", [(), (0x61, 0x74)])
def test_states_brought_in_as_they_are_reached_are_the_same(name, constraint, missing, monkeypatch) -> None:
    """Masks, transitions and shortest completions of automata that are kept as they are, beside those that are not."""
    tokens = [None if b in missing else bytes([b]) for b in range(256)]
    tokens += [b"al", b"pha", b"ta", b"gam", b"ma", b"psilon", b'{"', b'": "', b'"}', b"ab", b"bet", b" ta", None]
    eager = sg.compile(constraint(), Vocabulary(tokens, [len(tokens) - 1]))
    monkeypatch.setattr(terminals, "LARGE", 1)
    lazy = sg.compile(constraint(), Vocabulary([*tokens, None], [len(tokens) - 1]))
    assert len(lazy._store.arrays.largeat) > 0
    assert len(eager._store.arrays.largeat) == 0
    draws = random.Random(1)
    for _ in range(20):
        a, b = eager.start, lazy.start
        for _ in range(12):
            allowed = bits.ids(eager.mask(a)).tolist()
            assert bits.ids(lazy.mask(b)).tolist() == allowed
            assert eager.accepts(a) == lazy.accepts(b)
            assert eager.min_tokens_left(a) == lazy.min_tokens_left(b)
            allowed = [token for token in allowed if token != len(tokens) - 1]
            if not allowed:
                break
            token = draws.choice(allowed)
            a, b = eager.advance(a, token), lazy.advance(b, token)


def after(store: TerminalStore, q: int, byte: int) -> int:
    """The state after a byte, read from the arrays; -1: none."""
    while store.arrays.q[q, L.Q_IV] < 0 and not cpu.load(store.handle, q):
        store.grow(L.T_Q)
    first, n = store.arrays.q[q, [L.Q_IV, L.Q_NIV]].tolist()
    for lo, hi, to in store.arrays.iv[first : first + n, [L.IV_LO, L.IV_HI, L.IV_TO]].tolist():
        if lo <= byte <= hi:
            return int(to)
    return -1


def test_several_large_automata_lie_beside_each_other(monkeypatch) -> None:
    monkeypatch.setattr(terminals, "LARGE", 3)
    store = TerminalStore(Vocabulary(BYTES), 1 << 30)
    words = [[f"{i}-{k * i}".encode() for k in range(300)] for i in range(1, 5)]
    starts = [store.start(choices(each)) for each in words]
    assert store.start(choices(words[1])) == starts[1]
    for i, each in enumerate(words):
        for j, start in enumerate(starts):
            for word in each:
                q = start
                for byte in word:
                    q = after(store, q, byte)
                    if q < 0:
                        break
                assert (q >= 0 and store.arrays.q[q, L.Q_ACCEPT] == 1) == (i == j)
