"""The fused draw: Triton (interpreted) and Numba against the reference in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

from structgen.kernels.apply_mask.naive import allowed as allowed_by  # noqa: E402
from structgen.kernels.noise import philox  # noqa: E402
from structgen.kernels.sample import gpu, naive, sample  # noqa: E402
from tests.kernels.drawn import DTYPES, drawn_logits, drawn_rows  # noqa: E402

# what NumPy says about the infinities that the tests draw
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")


def on_triton(monkeypatch: pytest.MonkeyPatch, **given: Any) -> Any:
    """``sample`` by way of the Triton kernels, which run on CPU tensors under their interpreter."""
    import structgen.kernels.sample.cpu as cpu

    def instead(*arguments: Any) -> None:
        logits, seeds, steps, rows, indices, temperature, k, p, least, mass, tile, *out = arguments
        tensors = [torch.from_numpy(a) for a in (seeds, steps, temperature, k, p, least)]
        masked = given.get("rows") is not None
        truncated = any(given.get(name) is not None for name in ("top_k", "top_p", "min_p"))
        gpu.sample(
            given["logits"], tensors[0], tensors[1],
            torch.from_numpy(rows) if masked else None, torch.from_numpy(indices) if masked else None,
            tensors[2], tuple(tensors[3:]) if truncated else None, mass, tile, [torch.from_numpy(a) for a in out],
        )  # fmt: skip

    with monkeypatch.context() as patched:
        patched.setattr(cpu, "sample", instead)
        return sample(**given)


@pytest.mark.parametrize("seed", range(40))
def test_as_the_reference(seed: int) -> None:
    """Tokens, log-probabilities, log masses and cuts, for any mask, temperature and truncation."""
    rng = np.random.default_rng(seed)
    batch, columns = int(rng.integers(1, 4)), int(rng.integers(1, 200))
    dtype = DTYPES[seed % 3]
    given: dict[str, Any] = {
        "logits": drawn_logits(rng, batch, columns + 3, dtype, wild=rng.random() < 0.2)[:, :columns],
        "seeds": torch.from_numpy(rng.integers(-(2**62), 2**62, batch)),
        "steps": torch.from_numpy(rng.integers(0, 2**31, batch).astype(np.int32)),
        "temperature": torch.from_numpy(rng.choice([0.0, 0.3, 1.0, 2.0], batch).astype(np.float32)),
        "tile": int(rng.choice([32, 64, 256])),
        "mass": bool(rng.random() < 0.5),
    }
    if rng.random() < 0.5:
        given["rows"] = drawn_rows(rng, 4, max(1, columns - int(rng.integers(0, 40))))
        given["indices"] = torch.from_numpy(rng.integers(-1, 4, batch).astype(np.int32))
    k, p, least = np.zeros(batch, np.int32), np.ones(batch, np.float32), np.zeros(batch, np.float32)
    if rng.random() < 0.5:
        k, p = rng.integers(0, 9, batch).astype(np.int32), rng.choice([0.05, 0.5, 0.9, 1.0], batch).astype(np.float32)
        least = rng.choice([0.0, 0.01, 0.3], batch).astype(np.float32)
        given |= {"top_k": torch.from_numpy(k), "top_p": torch.from_numpy(p), "min_p": torch.from_numpy(least)}
    ok = torch.ones(batch, columns, dtype=torch.bool)
    if "rows" in given:
        ok = allowed_by(given["rows"], given["indices"], columns)
    for got in (sample(**given), on_triton(pytest.MonkeyPatch(), **given)):
        for b in range(batch):
            judge(given, got, b, ok[b], int(k[b]), float(p[b]), float(least[b]))


def judge(given: dict[str, Any], got: Any, b: int, ok: Any, k: int, p: float, least: float) -> None:
    logits, heat = given["logits"][b].double(), float(given["temperature"][b])
    token = int(got.tokens[b])
    if not torch.isfinite(logits[ok]).any() or torch.isnan(logits[ok]).any() or torch.isposinf(logits[ok]).any():
        assert token == -1
        assert math.isnan(got.logprobs[b]) and math.isnan(got.logmass[b])
        return
    cut = float(got.cuts[b])
    if heat == 0.0 or (k == 0 and p >= 1.0 and least <= 0.0):
        assert cut == -math.inf or heat == 0.0
        law = naive.law(logits, ok, heat, 0, 1.0, 0.0)
    else:
        # rounding may move a boundary that a cumulative sum all but meets
        near = [
            float(logits[naive.law(logits, ok, heat, k, p if p == 1 else p * (1 + e), least * (1 - e)).exp() > 0].min())
            for e in (1e-5, -1e-5)
        ]
        assert near[0] <= cut <= near[1]
        law = naive.law(torch.where(logits >= cut, logits, -math.inf), ok, heat, 0, 1.0, 0.0)
    assert ok[token]
    assert float(got.logprobs[b]) == pytest.approx(float(law[token]), rel=1e-4, abs=1e-3)
    if heat == 0.0:
        assert token == int(torch.where(ok, logits, -math.inf).argmax())
    else:
        wanted, lead = naive.draw(law, int(given["seeds"][b]), int(given["steps"][b]), given["tile"])
        assert token == wanted or lead < 1e-3
    mass = float(got.logmass[b])
    if not given["mass"]:
        assert math.isnan(mass)
    elif torch.isnan(logits).any() or torch.isposinf(logits).any():
        assert math.isnan(mass)
    else:
        assert mass == pytest.approx(naive.log_mass(logits, ok, heat), rel=1e-4, abs=1e-3)


def test_noise_is_philox() -> None:
    """The known answers of Random123 for Philox 4x32-10 whose counters end in 0, and Numba's against them."""
    assert naive.philox(0, 0, 0, 0) == 0x6627E8D5
    for seed, index, step, domain in ((0, 0, 0, 0), (-5, 2**31 - 1, 7, 1), (2**62 + 3, 128_255, 2**31 - 1, 0)):
        assert int(philox(seed, index, step, domain)) == naive.philox(seed, index, step, domain)


def test_the_law_is_drawn() -> None:
    """Frequencies of 4,000 draws in two stages lie where those of the law must."""
    logits = torch.from_numpy(np.random.default_rng(3).normal(size=(1, 70)).astype(np.float32)).expand(4000, 70)
    rows = torch.full((1, 3), 0x6D5B6DB6, dtype=torch.int32)
    indices = torch.zeros(4000, dtype=torch.int32)
    got = sample(logits, 11, torch.arange(4000, dtype=torch.int32), rows=rows, indices=indices, tile=32)
    law = naive.law(logits[0], allowed_by(rows, indices[:1], 70)[0], 1.0, 0, 1.0, 0.0).exp().numpy()
    counts = np.bincount(got.tokens.numpy(), minlength=70)
    assert counts[law == 0].sum() == 0
    spread = np.sqrt(4000 * law * (1 - law))
    assert (np.abs(counts - 4000 * law) <= 4.5 * spread + 1).all()
    assert (law * 4000 > 20).sum() > 3
    assert len(set(got.tokens.tolist())) > 5
