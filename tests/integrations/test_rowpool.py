"""The row pool: right rows under eviction, whatever the order of requests."""

from __future__ import annotations

import gc

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import structgen as sg  # noqa: E402
from structgen.errors import InputError, StructgenError  # noqa: E402
from structgen.integrations.rowpool import RowPool  # noqa: E402

VOCAB = sg.testing.byte_vocabulary()


def states_of(g: sg.CompiledGrammar, text: bytes) -> list[int]:
    return [g.advance_bytes(g.start, text[:n]) for n in range(len(text) + 1)]


def test_rows_are_right_under_eviction() -> None:
    """A pool of 5 rows, batches of up to 5 of 17 different ones and sequences without a constraint, 300 times."""
    rng = np.random.default_rng(0)
    grammars = [sg.compile(sg.Regex(p), VOCAB) for p in ("[a-f]{5}", "x(yz)*", "\\d+")]
    known = [(g, s) for g, text in zip(grammars, (b"abcde", b"xyzyz", b"12"), strict=True) for s in states_of(g, text)]
    pool = RowPool(VOCAB.size, capacity=5, device="cpu")
    for _ in range(300):
        requests = [known[i] if i >= 0 else None for i in rng.integers(-3, len(known), int(rng.integers(1, 6)))]
        at = pool.indices(requests)
        assert at.dtype == torch.int32
        for place, request in zip(at.tolist(), requests, strict=True):
            if request is None:
                assert place == -1
            else:
                assert np.array_equal(pool.rows[place].numpy(), request[0].mask(request[1]))
        logits = torch.zeros(len(requests), VOCAB.size + 3)
        pool.apply_mask(logits, requests)
        for row, request in zip(logits, requests, strict=True):
            allowed = np.arange(VOCAB.size) if request is None else sg.CompiledGrammar.mask(*request)
            if request is None:
                assert (row == 0).all()
            else:
                kept = torch.isfinite(row).nonzero().flatten().tolist()
                assert kept == [t for t in range(VOCAB.size) if allowed[t // 32] >> (t % 32) & 1]
    assert pool.uploads > 100
    assert pool.hits > 100


def test_rows_that_are_there_are_not_copied_again() -> None:
    g = sg.compile(sg.Regex("a*b"), VOCAB)
    pool = RowPool(VOCAB.size, capacity=2, device="cpu")
    for _ in range(10):
        pool.indices([(g, g.start), None, (g, g.start)])
    assert (pool.uploads, pool.hits) == (1, 9)


def test_a_grammar_in_the_place_of_another_has_rows_of_its_own() -> None:
    """Grammars are told apart for good, not by their address."""
    pool = RowPool(VOCAB.size, capacity=64, device="cpu")
    for letter in "abcdefgh":
        g = sg.compile(sg.Regex(letter), VOCAB)
        place = pool.indices([(g, g.start)]).item()
        assert np.array_equal(pool.rows[place].numpy(), g.mask(g.start))
        del g
        gc.collect()


def test_what_cannot_be_is_refused() -> None:
    g = sg.compile(sg.Regex("[ab]{3}"), VOCAB)
    states = states_of(g, b"abab"[:3])
    pool = RowPool(VOCAB.size, capacity=2, device="cpu")
    with pytest.raises(InputError, match="3 different rows, the pool holds 2"):
        pool.indices([(g, s) for s in states[:3]])
    with pytest.raises(StructgenError, match="not a state"):
        pool.indices([(g, 10**6)])
    place = pool.indices([(g, states[1]), (g, states[2])])
    assert np.array_equal(pool.rows[place[0]].numpy(), g.mask(states[1]))
    with pytest.raises(InputError, match="over 257 ids, the pool over 300"):
        RowPool(300, device="cpu").indices([(g, g.start)])
    with pytest.raises(InputError, match="capacity=0"):
        RowPool(8, capacity=0)
