"""Rows applied to logits: Triton (interpreted) and Numba against torch."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

from structgen.kernels.apply_mask import apply_mask, gpu, naive  # noqa: E402
from tests.kernels.drawn import DTYPES, drawn_logits, drawn_rows  # noqa: E402


@pytest.mark.parametrize("seed", range(30))
def test_as_the_reference(seed: int) -> None:
    """Strided rows, padded and odd vocabularies, empty and full rows, unconstrained rows, NaN and infinities."""
    rng = np.random.default_rng(seed)
    batch, vocab = int(rng.integers(1, 5)), int(rng.integers(1, 300))
    columns = max(1, vocab + int(rng.choice([-3, 0, 0, 1, 31, 70])))
    logits = drawn_logits(rng, batch, columns, DTYPES[seed % 3])
    rows = drawn_rows(rng, int(rng.integers(batch, 7)), vocab)
    indices = None
    if rng.random() < 0.5:
        indices = torch.from_numpy(rng.integers(-1, len(rows), batch).astype(np.int32))
    else:
        rows = rows[:batch]
    wanted = logits.clone()
    naive.apply_mask(wanted, rows, indices)
    for run in (gpu.apply_mask, apply_mask):
        base = torch.full((batch, columns + 5), 7.0, dtype=logits.dtype)
        got = base[:, :columns]
        got.copy_(logits)
        run(got, rows, indices)
        torch.testing.assert_close(got, wanted, rtol=0, atol=0, equal_nan=True)
        assert (base[:, columns:] == 7).all()


def test_what_does_not_fit_is_refused() -> None:
    logits, rows = torch.zeros(2, 40), torch.zeros(2, 2, dtype=torch.int32)
    with pytest.raises(TypeError, match=r"rows is a tensor of torch\.int32"):
        apply_mask(logits, rows.long())
    with pytest.raises(ValueError, match="one row, or one index"):
        apply_mask(logits, rows[:1])
    with pytest.raises(ValueError, match="contiguous"):
        apply_mask(torch.zeros(40, 2).T, rows)
    with pytest.raises(ValueError, match="2 dimensions"):
        apply_mask(logits[0], rows)
