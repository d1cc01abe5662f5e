"""AWRS is properly weighted: by enumeration of every choice it can make."""

import itertools

import numpy as np
import pytest

from structgen.sampling import awrs
from structgen.sampling.draws import Draws
from tests.sampling.toys import outcomes

LAWS = [np.log([0.4, 0.3, 0.2, 0.1]), np.log([0.85, 0.1, 0.04, 0.01]), np.log([0.05, 0.02, 0.02, 0.01])]


@pytest.mark.parametrize("logp", LAWS, ids=["flat", "peaked", "small"])
@pytest.mark.parametrize("max_rejects", [1, 2, 3, None])
def test_recursive_is_properly_weighted(logp, max_rejects):
    for valid in itertools.product([False, True], repeat=4):
        mean = np.zeros(4)
        for chance, drawn in outcomes(lambda d, v=valid: awrs.recursive(logp, lambda i: v[i], d, max_rejects)):
            if drawn.place >= 0:
                mean[drawn.place] += chance * np.exp(drawn.log_weight)
        assert np.allclose(mean, np.exp(logp) * valid, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("logp", [law[:3] for law in LAWS], ids=["flat", "peaked", "small"])
@pytest.mark.parametrize(("accepts", "max_rejects"), [(2, 2), (2, 4), (3, 3)])
def test_geometric_is_properly_weighted(logp, accepts, max_rejects):
    for valid in itertools.product([False, True], repeat=3):
        mean = np.zeros(3)
        for chance, drawn in outcomes(lambda d, v=valid: awrs.geometric(logp, lambda i: v[i], d, accepts, max_rejects)):
            if drawn.place >= 0:
                mean[drawn.place] += chance * np.exp(drawn.log_weight)
        assert np.allclose(mean, np.exp(logp) * valid, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("form", [awrs.recursive, awrs.geometric])
def test_no_token_is_tested_twice(form):
    for row in range(200):
        asked: list[int] = []

        def ok(i, asked=asked):
            asked.append(i)
            return i == 5

        drawn = form(np.log(np.full(8, 0.1)), ok, Draws((1, row)))
        assert drawn.place == 5
        assert len(asked) == len(set(asked)) == drawn.tested


@pytest.mark.parametrize("form", [awrs.recursive, awrs.geometric])
def test_the_only_valid_token_is_found_however_unlikely(form):
    logp = np.log(np.array([0.5, 0.5 - 1e-12, 1e-12]))
    drawn = form(logp, lambda i: i == 2, Draws(3))
    assert drawn.place == 2
    assert drawn.log_weight < np.log(1e-6)


@pytest.mark.parametrize("form", [awrs.recursive, awrs.geometric, awrs.draw])
def test_nothing_valid_gives_weight_0(form):
    assert form(np.log(np.full(4, 0.25)), lambda i: False, Draws(0)).log_weight == -np.inf
    assert form(np.full(4, -np.inf), lambda i: True, Draws(0)).place == -1
