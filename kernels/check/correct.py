"""Each kernel against its reference, on random inputs of the sizes that are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from structgen.kernels.accept import gpu as accept
from structgen.kernels.accept import naive as accept_naive
from structgen.kernels.apply_mask import gpu as apply_mask
from structgen.kernels.apply_mask import naive as apply_naive
from structgen.kernels.automaton import gpu as automaton
from structgen.kernels.automaton import naive as automaton_naive
from structgen.kernels.automaton.gpu_move import on_device
from structgen.kernels.build_rows import gpu as build_rows
from structgen.kernels.build_rows import naive as build_naive
from structgen.kernels.check import random_inputs as drawn
from structgen.kernels.draft_tree import gpu as draft_tree
from structgen.kernels.draft_tree import naive as tree_naive
from structgen.kernels.gather_rows import gpu as gather_rows
from structgen.kernels.gather_rows import naive as gather_naive
from structgen.kernels.sample import gpu as sample
from structgen.kernels.sample import naive as sample_naive
from structgen.kernels.sum_product import gpu as sum_product
from structgen.kernels.sum_product import naive as sum_naive

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
POISON = 0x5A5A5A5A
Check = Callable[[np.random.Generator, int, Any], None]


def check_apply_mask(rng: np.random.Generator, vocab: int, device: Any) -> None:
    for dtype in DTYPES:
        for padding in (0, 37):
            logits = drawn.logits(rng, (5, vocab + padding + 11), dtype, device)[:, : vocab + padding]
            logits[0, :3] = float("nan")
            pool = drawn.rows(rng, 4, vocab, None, device)
            indices = torch.tensor([0, 3, -1, 2, 3], dtype=torch.int32, device=device)
            wanted = logits.clone()
            apply_naive.apply_mask(wanted, pool, indices)
            apply_mask.apply_mask(logits, pool, indices)
            torch.testing.assert_close(logits, wanted, rtol=0, atol=0, equal_nan=True)


def check_sample(rng: np.random.Generator, vocab: int, device: Any) -> None:
    tile = 4096 if vocab > 4096 else 64
    for dtype in DTYPES:
        logits = drawn.logits(rng, (4, vocab), dtype, device)
        pool = drawn.rows(rng, 3, vocab, None, device)
        indices = torch.tensor([0, 1, -1, 2], dtype=torch.int32, device=device)
        seeds = torch.tensor([3, -9, 2**40, 7], device=device)
        steps = torch.tensor([0, 5, 2**31 - 1, 1], dtype=torch.int32, device=device)
        heat = torch.tensor([1.0, 0.6, 0.0, 1.7], device=device)
        for cut in (None, (7, 1.0, 0.0), (0, 0.8, 0.0), (50, 0.9, 0.01)):
            given = None
            if cut is not None:
                given = tuple(
                    torch.full((4,), x, dtype=kind, device=device)
                    for x, kind in zip(cut, (torch.int32, torch.float32, torch.float32), strict=True)
                )
            out = [torch.full((4,), 77, dtype=torch.int32, device=device)]
            out += [torch.full((4,), 77.0, device=device) for _ in range(3)]
            sample.sample(logits, seeds, steps, pool, indices, heat, given, True, tile, out)
            tokens, logprobs, masses, cuts = (x.tolist() for x in out)
            allowed = apply_naive.allowed(pool, indices, vocab).cpu()
            for b in range(4):
                x, t = logits[b].cpu().double(), float(heat[b])
                if cut is None or t == 0.0:
                    law = sample_naive.law(x, allowed[b], t, 0, 1.0, 0.0)
                else:
                    ends = [
                        float(x[sample_naive.law(x, allowed[b], t, cut[0], p, cut[2] * (1 - e)).exp() > 0].min())
                        for e in (1e-5, -1e-5)
                        for p in [cut[1] if cut[1] == 1 else cut[1] * (1 + e)]
                    ]
                    assert ends[0] <= cuts[b] <= ends[1], f"cut {cuts[b]} is not in {ends}"
                    law = sample_naive.law(torch.where(x >= cuts[b], x, -math.inf), allowed[b], t, 0, 1.0, 0.0)
                assert abs(logprobs[b] - float(law[tokens[b]])) < 2e-3, "log-probability"
                assert abs(masses[b] - sample_naive.log_mass(x, allowed[b], t)) < 2e-3, "log mass"
                if t == 0.0:
                    assert tokens[b] == int(torch.where(allowed[b], x, -math.inf).argmax()), "likeliest token"
                else:
                    wanted, lead = sample_naive.draw(law, int(seeds[b]), int(steps[b]), tile)
                    assert tokens[b] == wanted or lead < 1e-3, f"token {tokens[b]}, not {wanted}"


def check_gather_rows(rng: np.random.Generator, vocab: int, device: Any) -> None:
    pool = drawn.rows(rng, 6, vocab, None, device)
    indices = torch.tensor([5, -1, 0, 0, 3], dtype=torch.int32, device=device)
    out = torch.full((5, pool.shape[1]), POISON, dtype=torch.int32, device=device)
    gather_rows.gather_rows(pool, indices, out)
    assert torch.equal(out, gather_naive.gather_rows(pool, indices))


def _bits(row: Any) -> list[int]:
    raw = row.cpu().numpy().view(np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).tolist()


def check_automaton(rng: np.random.Generator, vocab: int, device: Any) -> None:
    host = drawn.automaton(rng, 12, vocab)
    edges = automaton_naive.edges(host)
    batch = 67
    moved = on_device(host, device, batch)
    moved.rows[host.n_rows :] = POISON
    states = rng.integers(-2, 12, batch).astype(np.int32)
    tokens = rng.integers(-1, vocab + 5, batch).astype(np.int32)
    for b in range(0, batch, 2):
        if states[b] >= 0 and edges[states[b]]:
            tokens[b] = rng.choice(list(edges[states[b]]))
    given, chosen = torch.from_numpy(states).to(device), torch.from_numpy(tokens).to(device)
    out = torch.full((batch,), POISON, dtype=torch.int32, device=device)
    automaton.advance(moved, given, chosen, out)
    assert out.tolist() == automaton_naive.advance(edges, states.tolist(), tokens.tolist())
    automaton.fill_rows(moved, given, out)
    for b, at in enumerate(out.tolist()):
        if states[b] == -2:
            assert at == -1
        else:
            assert _bits(moved.rows[at]) == (sorted(edges[states[b]]) if states[b] >= 0 else [])


def check_build_rows(rng: np.random.Generator, vocab: int, device: Any) -> None:
    delta, classes, accept = drawn.byte_automaton(rng, 10, 6)
    tokens = [*drawn.vocabulary(rng, max(0, min(vocab, 6000) - 2)), b"", b""]
    states, eos = [0, 3, 9, 5], [len(tokens) - 1]
    start = np.cumsum([0, *map(len, tokens)]).astype(np.int32)
    text = np.frombuffer(b"".join(tokens), dtype=np.uint8).copy()
    arrays = delta, classes, accept, np.array(states, np.int32), text, start, np.array(eos, np.int32)
    out = torch.full((4, (len(tokens) + 31) // 32), POISON, dtype=torch.int32, device=device)
    build_rows.build_rows(*(torch.from_numpy(a).to(device) for a in arrays), out)
    wanted = build_naive.build_rows(delta.tolist(), classes.tolist(), accept.tolist(), states, tokens, eos)
    assert [_bits(row) for row in out] == wanted


def check_draft_tree(rng: np.random.Generator, vocab: int, device: Any) -> None:
    host = drawn.automaton(rng, 9, min(vocab, 4000))
    edges = automaton_naive.edges(host)
    for nodes in (1, 7, 40):
        parents = np.array([[int(rng.integers(-1, i)) if i % 5 else -1 for i in range(nodes)] for _ in range(6)])
        parents[0] = np.arange(nodes) - 1
        states = rng.integers(-2, 9, 6)
        tokens = rng.integers(-1, host.size, (6, nodes))
        for b in range(6):
            for i in range(nodes):
                at = tree_naive.draft_tree(edges, int(states[b]), tokens[b].tolist(), parents[b].tolist())
                before = at[parents[b, i] + 1]
                if before >= 0 and edges[before] and rng.random() < 0.9:
                    tokens[b, i] = rng.choice(list(edges[before]))
        given = [torch.from_numpy(a.astype(np.int32)).to(device) for a in (states, tokens, parents)]
        out = torch.full((6, nodes + 1), POISON, dtype=torch.int32, device=device)
        draft_tree.draft_tree(on_device(host, device, 1), *given, nodes, out)
        for b in range(6):
            wanted = tree_naive.draft_tree(edges, int(states[b]), tokens[b].tolist(), parents[b].tolist())
            assert out[b].tolist() == wanted


def check_accept(rng: np.random.Generator, vocab: int, device: Any) -> None:
    batch, nodes = 12, 5
    v = min(vocab, 20_000)
    logits = drawn.logits(rng, (batch, nodes + 1, v), torch.bfloat16, device)
    draft = (logits[:, :nodes].float() + 0.5 * drawn.logits(rng, (batch, nodes, v), torch.float32, device)).contiguous()
    pool = drawn.rows(rng, 5, v, 0.9, device)
    indices = torch.from_numpy(rng.integers(-1, 5, (batch, nodes + 1)).astype(np.int32)).to(device)
    parents = [[int(rng.integers(-1, i)) if i else -1 for i in range(nodes)] for _ in range(batch)]
    laws = torch.softmax(draft.double().cpu(), 2).numpy()
    tokens = np.array([[rng.choice(v, p=laws[b, i] / laws[b, i].sum()) for i in range(nodes)] for b in range(batch)])
    uniforms = rng.random((batch, nodes + 1)).astype(np.float32)
    given = [torch.from_numpy(np.array(a).astype(np.int32)).to(device) for a in (tokens, parents)]
    out = [
        torch.full(s, POISON, dtype=torch.int32, device=device)
        for s in ((batch,), (batch, nodes), (batch, nodes + 1))
    ]
    cuts = torch.full((batch, nodes + 1), -math.inf, device=device)
    heat = torch.full((batch,), 0.8, device=device)
    accept.accept(
        logits, *given, torch.from_numpy(uniforms).to(device), draft, pool, indices, heat, cuts, out
    )  # fmt: skip
    compared = 0
    for b in range(batch):
        allowed = apply_naive.allowed(pool, indices[b], v).cpu()
        target = torch.softmax(torch.where(allowed, logits[b].cpu().double() / 0.8, -math.inf), 1).numpy()
        close = [1.0]

        def flip(i: int, p: float, b: int = b, close: list[float] = close) -> bool:
            close.append(abs(float(uniforms[b, i]) - p))
            return bool(uniforms[b, i] < p)

        def draw(law: Any, b: int = b, close: list[float] = close) -> int:
            sums = np.cumsum(law)
            token = int(np.searchsorted(sums, float(uniforms[b, nodes]), side="right"))
            close.append(float(np.abs(sums[[max(token - 1, 0), min(token, v - 1)]] - uniforms[b, nodes]).min()))
            return token

        path, chosen = accept_naive.walk(target, tokens[b].tolist(), parents[b], laws[b], flip, draw)
        if min(close) > 1e-4:
            compared += 1
            assert out[2][b].tolist() == chosen + [-1] * (nodes + 1 - len(chosen))
            assert out[1][b].tolist() == path + [-1] * (nodes - len(path))
    assert compared >= batch // 3, "too few rows were clear of rounding"


def check_sum_product(rng: np.random.Generator, vocab: int, device: Any) -> None:
    n, v, length = 7, 9, 4
    edges = [{t: int(rng.integers(n)) for t in range(v) if rng.random() < 0.5} for _ in range(n)]
    logps = np.log(rng.dirichlet(np.ones(v), (2, length))).astype(np.float32)
    final = np.where(rng.random(n) < 0.6, 0.0, -np.inf).astype(np.float32)
    arrays = (
        np.cumsum([0, *map(len, edges)]), [t for row in edges for t in row] + [0],
        [to for row in edges for to in row.values()] + [0],
    )  # fmt: skip
    csr = [torch.from_numpy(np.array(a).astype(np.int32)).to(device) for a in arrays]
    given = torch.from_numpy(logps).to(device)
    for best in (False, True):
        beta = torch.full((2, length + 1, n), 77.0, device=device)
        beta[:, length] = torch.from_numpy(final).to(device)
        back = torch.full((2, length, n), POISON, dtype=torch.int32, device=device)
        sum_product.backward(given, *csr, beta, back, best)
        for b in range(2):
            for s in range(n):
                weights = list(sum_naive.texts(logps[b].tolist(), edges, final.tolist(), s).values())
                wanted = -math.inf
                if weights:
                    wanted = max(weights) if best else math.log(sum(map(math.exp, weights)))
                got = float(beta[b, 0, s])
                assert got == wanted or abs(got - wanted) < 1e-3, f"{got}, not {wanted}"
        if best:
            out = torch.full((2, length), POISON, dtype=torch.int32, device=device)
            start = torch.zeros(2, dtype=torch.int32, device=device)
            sum_product.trace(start, back, *csr[1:], out)
        else:
            out = torch.full((2, length), POISON, dtype=torch.int32, device=device)
            start = torch.zeros(2, dtype=torch.int32, device=device)
            uniforms = torch.from_numpy(rng.random((2, length)).astype(np.float32)).to(device)
            sum_product.draw(given, *csr, beta, start, uniforms, out)
        for b in range(2):
            every = sum_naive.texts(logps[b].tolist(), edges, final.tolist(), 0)
            text = tuple(out[b].tolist())
            assert text in every if every else text[0] == -1
            assert not (every and best) or every[text] > max(every.values()) - 1e-3


CHECKS: dict[str, Check] = {
    name.removeprefix("check_"): value for name, value in list(globals().items()) if name.startswith("check_")
}
