"""Resampling: expected copies, and the ways it can go wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.sampling import resampling
from tests.sampling.toys import resampling_law, survivor_law

WEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any).map(lambda w: np.array(w) / sum(w))


@pytest.mark.parametrize("kind", resampling.KINDS)
@given(weights=WEIGHTS)
def test_copies_on_average(kind, weights):
    n = len(weights)
    copies = np.zeros(n)
    for ancestors, chance in resampling_law(kind, weights).items():
        assert len(ancestors) == n
        assert all(weights[i] > 0 for i in ancestors)
        for i in ancestors:
            copies[i] += chance
    assert np.allclose(copies, n * weights, atol=1e-9)


@given(weights=WEIGHTS)
def test_systematic_and_residual_never_miss_a_whole_copy(weights):
    for kind in ("systematic", "residual"):
        for ancestors in resampling_law(kind, weights):
            for i, weight in enumerate(weights):
                assert ancestors.count(i) >= np.floor(len(weights) * weight + 1e-9) - (kind == "systematic") * 0


@given(weights=st.lists(st.integers(0, 20), min_size=1, max_size=7).filter(any), n=st.integers(1, 4))
def test_survivors_keep_every_weight_on_average(weights, n):
    weights = np.array(weights, dtype=float)
    mean = np.zeros(len(weights))
    for kept, chance in survivor_law(weights, n).items():
        indices = [i for i, _ in kept]
        assert len(set(indices)) == len(indices) <= n
        for i, weight in kept:
            mean[i] += chance * weight
    assert np.allclose(mean, weights, atol=1e-6)


def test_effective_size():
    assert resampling.effective_size(np.log([1.0, 1.0, 1.0, 1.0])) == pytest.approx(4.0)
    assert resampling.effective_size(np.array([0.0, -np.inf])) == pytest.approx(1.0)
    assert resampling.effective_size(np.array([-np.inf, -np.inf])) == 0.0
    assert resampling.effective_size(np.array([-1e4, -1e4])) == pytest.approx(2.0)
