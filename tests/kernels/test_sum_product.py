"""Sums, maxima and draws over all texts of an automaton, against a list of the texts."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

from structgen.kernels.sum_product import backward, draw, gpu, naive, trace  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")


def drawn(seed: int) -> tuple[list[dict[int, int]], Any, Any, list[Any]]:
    """A random automaton: its edges as dicts, logps, final weights, and CSR arrays."""
    rng = np.random.default_rng(seed)
    n, v, length, batch = (int(rng.integers(a, b)) for a, b in ((1, 6), (1, 6), (1, 5), (1, 3)))
    edges = [{t: int(rng.integers(n)) for t in range(v) if rng.random() < 0.6} for _ in range(n)]
    logps = np.log(rng.dirichlet(np.ones(v), (batch, length)))
    logps[rng.random(logps.shape) < 0.15] = -np.inf
    final = np.where(rng.random(n) < 0.6, 0.0, -np.inf)
    first = np.cumsum([0, *map(len, edges)]).astype(np.int32)
    tokens = np.array([t for row in edges for t in row] + [0], dtype=np.int32)  # a place to point at
    after = np.array([to for row in edges for to in row.values()] + [0], dtype=np.int32)
    return edges, logps, final, [torch.from_numpy(a) for a in (first, tokens, after)]


def both(logps: Any, csr: list[Any], final: Any, best: bool) -> list[Any]:
    """(beta, back) of Numba and of Triton."""
    batch, length = logps.shape[:2]
    beta = torch.full((batch, length + 1, len(final)), 77.0)
    beta[:, length] = final
    back = torch.full((batch, length, len(final)), 77, dtype=torch.int32)
    gpu.backward(logps, *csr, beta, back, best)
    own = backward(logps, *csr, final, best=best)
    return [own if best else (own, None), (beta, back)]


@pytest.mark.parametrize("seed", range(25))
def test_as_the_list_of_all_texts(seed: int) -> None:
    edges, logps, final, csr = drawn(seed)
    given, ends = torch.from_numpy(logps).float(), torch.from_numpy(final).float()
    length, n = logps.shape[1], len(final)
    for beta, _ in both(given, csr, ends, False):
        for b in range(len(logps)):
            for i in range(length + 1):
                for s in range(n):
                    weights = list(naive.texts(logps[b, i:].tolist(), edges, final.tolist(), s).values())
                    total = math.log(sum(map(math.exp, weights))) if weights else -math.inf
                    assert float(beta[b, i, s]) == pytest.approx(total, abs=1e-4)
    for beta, back in both(given, csr, ends, True):
        for s in range(n):
            start = torch.full((len(logps),), s, dtype=torch.int32)
            other = torch.full((len(logps), length), 77, dtype=torch.int32)
            gpu.trace(start, back, *csr[1:], other)
            for found in (trace(start, back, *csr[1:]), other):
                for b in range(len(logps)):
                    every = naive.texts(logps[b].tolist(), edges, final.tolist(), s)
                    text = tuple(found[b].tolist())
                    if every:
                        assert every[text] == pytest.approx(max(every.values()), abs=1e-4)
                        assert float(beta[b, 0, s]) == pytest.approx(max(every.values()), abs=1e-4)
                    else:
                        assert text[0] == -1
                        assert beta[b, 0, s] == -math.inf


@pytest.mark.parametrize("seed", range(6))
def test_draws_have_the_law(seed: int) -> None:
    """Uniforms on a grid are turned into texts in the proportions of their weights."""
    edges, logps, final, csr = drawn(seed)
    logps = logps[:1, :2]
    side = 60
    grid = (np.arange(side) + 0.5) / side
    given = torch.from_numpy(np.repeat(logps, side * side, 0)[:, : logps.shape[1]]).float().contiguous()
    uniforms = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)[:, : logps.shape[1]]
    ends = torch.from_numpy(final).float()
    beta = backward(given[:1].contiguous(), *csr, ends).expand(side * side, -1, -1).contiguous()
    start = torch.zeros(side * side, dtype=torch.int32)
    chosen = torch.from_numpy(np.ascontiguousarray(uniforms)).float()
    got = draw(given, *csr, beta, start, chosen)
    some = slice(0, side * side, 37)
    other = torch.full_like(got[some], 77)
    gpu.draw(
        given[some].contiguous(), *csr, beta[some].contiguous(), start[some], chosen[some].contiguous(), other
    )
    assert (other == got[some]).float().mean() > 0.97  # sums of float32 in another order move a boundary a little
    every = naive.texts(logps[0].tolist(), edges, final.tolist(), 0)
    counts = Counter(map(tuple, got.tolist()))
    if not every:
        assert all(text[0] == -1 for text in counts)
        return
    total = sum(map(math.exp, every.values()))
    assert counts.keys() <= every.keys()
    for text, weight in every.items():
        assert counts[text] / side**2 == pytest.approx(math.exp(weight) / total, abs=2.5 / side)
