"""Rows gathered, rows built, states of draft trees: Triton (interpreted) and Numba against the references."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

import structgen as sg  # noqa: E402
from structgen import automata, bits  # noqa: E402
from structgen.frontends import regex  # noqa: E402
from structgen.kernels import build_rows, draft_tree, gather_rows  # noqa: E402
from structgen.kernels.automaton import naive as automaton_naive  # noqa: E402
from structgen.kernels.automaton.gpu_move import on_device  # noqa: E402
from structgen.kernels.build_rows import gpu as build_gpu  # noqa: E402
from structgen.kernels.build_rows import naive as build_naive  # noqa: E402
from structgen.kernels.draft_tree import gpu as tree_gpu  # noqa: E402
from structgen.kernels.draft_tree import naive as tree_naive  # noqa: E402
from structgen.kernels.gather_rows import gpu as gather_gpu  # noqa: E402
from structgen.kernels.gather_rows import naive as gather_naive  # noqa: E402
from tests.kernels.drawn import drawn_rows  # noqa: E402
from tests.kernels.test_automaton import automata as tabulated  # noqa: E402


@pytest.mark.parametrize("seed", range(6))
def test_gather_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = drawn_rows(rng, 5, int(rng.integers(1, 200)))
    indices = torch.from_numpy(rng.integers(-1, 5, int(rng.integers(1, 8))).astype(np.int32))
    wanted = gather_naive.gather_rows(pool, indices)
    out = torch.full((len(indices), pool.shape[1] + 3), 0x5A5A5A5A, dtype=torch.int32)
    gather_gpu.gather_rows(pool, indices, out[:, : pool.shape[1]])
    assert torch.equal(out[:, : pool.shape[1]], wanted)
    assert (out[:, pool.shape[1] :] == 0x5A5A5A5A).all()
    assert torch.equal(gather_rows.gather_rows(pool, indices), wanted)


@pytest.mark.parametrize("seed", range(6))
def test_build_rows(seed: int) -> None:
    """Random automata over few classes, tokens of 0 to 6 bytes, vocabularies that are no multiple of 32."""
    rng = np.random.default_rng(seed)
    n, width, vocab = int(rng.integers(1, 9)), int(rng.integers(1, 5)), int(rng.integers(1, 150))
    delta = rng.integers(-1, n, (n, width)).astype(np.int32)
    classes = rng.integers(0, width, 256).astype(np.uint8)
    accept = rng.random(n) < 0.5
    tokens = [rng.integers(0, 256, int(rng.integers(0, 7)), dtype=np.uint8).tobytes() for _ in range(vocab)]
    states = rng.integers(0, n, int(rng.integers(1, 12))).astype(np.int32)
    eos = rng.integers(0, vocab, int(rng.integers(0, 3))).astype(np.int32)
    wanted = build_naive.build_rows(
        delta.tolist(), classes.tolist(), accept.tolist(), states.tolist(), tokens, eos.tolist()
    )
    start = np.cumsum([0, *map(len, tokens)]).astype(np.int32)
    text = np.frombuffer(bytearray(b"".join(tokens)), dtype=np.uint8)
    given = [torch.from_numpy(a) for a in (delta, classes, accept, states, text, start, eos)]
    for run in (build_gpu.build_rows, build_rows.build_rows):
        out = torch.full((len(states), (vocab + 31) // 32), 0x5A5A5A5A, dtype=torch.int32)
        run(*given, out)
        assert [bits.ids(row).tolist() for row in out.numpy()] == wanted


def test_rows_built_are_the_masks_of_the_grammar() -> None:
    """For a pattern, the row of each state of its automaton is the mask of the compiled grammar there."""
    tokens = [*(bytes([i]) for i in range(256)), b"ab", b"abb", b"b1", b"11"]
    g = sg.compile(sg.Regex("a(b{1,3}|c)*1+"), sg.Vocabulary([*tokens, None], eos_token_ids=[len(tokens)]))
    dfa = automata.utf8(regex.to_dfa("a(b{1,3}|c)*1+", dialect="python", flags=0))
    classes = np.repeat(dfa.classes, np.diff([*dfa.starts, 256])).astype(np.uint8)
    start = np.cumsum([0, *map(len, tokens), 0]).astype(np.int32)
    rows = build_rows.build_rows(
        torch.from_numpy(np.ascontiguousarray(dfa.delta)), torch.from_numpy(classes),
        torch.from_numpy(dfa.accept.copy()),
        torch.arange(dfa.n_states, dtype=torch.int32), torch.frombuffer(bytearray(b"".join(tokens)), dtype=torch.uint8),
        torch.from_numpy(start), torch.tensor([len(tokens)], dtype=torch.int32),
    )  # fmt: skip
    for text in (b"", b"a", b"ab", b"abbb", b"ac", b"abc1", b"a1"):
        state = 0
        for byte in text:
            state = int(dfa.delta[state, classes[byte]])
        assert np.array_equal(rows[state].numpy(), g.mask(g.advance_bytes(g.start, text)))


@pytest.mark.parametrize("number", range(6))
def test_draft_trees(number: int) -> None:
    """Random trees: chains and bushes, holes, tokens that are not allowed, sequences dead or free."""
    automaton = tabulated()[number]
    rng = np.random.default_rng(number)
    edges = automaton_naive.edges(automaton)
    for nodes in (1, 5, 9):
        batch = 6
        states = rng.integers(0, automaton.n_states, batch).astype(np.int32)
        states[:2] = -1, -2
        parents = np.array([[int(rng.integers(-1, i)) if i % 4 else -1 for i in range(nodes)] for _ in range(batch)])
        parents[2] = np.arange(nodes) - 1  # a chain
        parents[3, nodes // 2] = rng.choice([-7, nodes])  # no node
        tokens = rng.integers(-1, automaton.size, (batch, nodes))
        for b in range(batch):
            for i in range(nodes):
                at = tree_naive.draft_tree(edges, int(states[b]), tokens[b].tolist(), parents[b].tolist())
                before = at[parents[b, i] + 1] if -1 <= parents[b, i] < nodes else -1
                if before >= 0 and edges[before] and rng.random() < 0.8:
                    tokens[b, i] = rng.choice(list(edges[before]))
        wanted = [
            tree_naive.draft_tree(edges, int(states[b]), tokens[b].tolist(), parents[b].tolist()) for b in range(batch)
        ]
        moved = on_device(automaton, "cpu", batch * (nodes + 1))
        given = [torch.from_numpy(a.astype(np.int32)) for a in (states, tokens, parents)]
        out = torch.full((batch, nodes + 1), 77, dtype=torch.int32)
        tree_gpu.draft_tree(moved, *given, nodes, out)
        assert out.tolist() == wanted
        got = draft_tree.draft_tree(moved, *given)
        assert got.tolist() == wanted
        at = draft_tree.draft_rows(moved, got)
        for b in range(batch):
            for i in range(nodes + 1):
                if wanted[b][i] >= 0:
                    assert bits.ids(moved.rows[at[b, i]].numpy()).tolist() == sorted(edges[wanted[b][i]])
