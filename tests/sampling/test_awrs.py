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


def test_draws_among_fewer_and_fewer():
    """Every index comes by its share of what is left, and what is left is known however little it is."""
    log_weights = np.array([0.0, -1.0, -np.inf, -60.0, -2.0, -61.0, -300.0, -301.0])
    counts = np.zeros((2, len(log_weights)))
    for seed in range(3000):
        left = Draws((seed,)).remaining(log_weights)
        counts[0, left.draw()] += 1
        left.drop(0)
        counts[1, left.draw()] += 1
    for row, alive in zip(counts, (log_weights, np.where(np.arange(8) == 0, -np.inf, log_weights)), strict=True):
        expected = 3000 * np.exp(alive) / np.exp(alive).sum()
        assert np.abs(row - expected).max() < 4.0 * np.sqrt(3000)
        assert row[expected == 0.0].sum() == 0
    left = Draws((1,)).remaining(log_weights)
    for i, expected in ((4, np.logaddexp(0.0, -1.0)), (0, -1.0), (1, np.logaddexp(-60.0, -61.0)), (3, -61.0)):
        left.drop(i)
        assert left.log_left == pytest.approx(expected, rel=1e-12)
    left.drop(5)
    assert left.log_left == pytest.approx(np.logaddexp(-300.0, -301.0), rel=1e-12)
    assert left.draw() in (6, 7)
    left.drop(6)
    assert left.draw() == 7
    left.drop(7)
    assert left.log_left == -np.inf
