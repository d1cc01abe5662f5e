"""Truncation and drawing, judged by definitions written out in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from structgen.errors import InputError, ModelError
from structgen.sampling import truncation
from structgen.sampling.choose import GREEDY, Masked, choose, stream

# Coarse values, so that ties are common.
LOGITS = st.lists(st.integers(-6, 6).map(lambda i: i / 2), min_size=1, max_size=12).map(np.array)


def naive_law(logits, sampler):
    """{index: probability} after temperature, top-k, top-p, min-p, from the definitions."""
    weights = {i: math.exp((x - max(logits)) / sampler.temperature) for i, x in enumerate(logits)}

    def ranked():
        return sorted(weights, key=lambda i: -weights[i])

    def keep_down_to(least):
        return {i: w for i, w in weights.items() if w >= least * (1 - 1e-12)}

    if sampler.top_k is not None:
        weights = keep_down_to(weights[ranked()[min(sampler.top_k, len(weights)) - 1]])
    if sampler.top_p is not None:
        total, mass = sum(weights.values()), 0.0
        for i in ranked():
            mass += weights[i]
            if mass >= sampler.top_p * total * (1 - 1e-12):
                break
        weights = keep_down_to(weights[i])
    if sampler.min_p is not None:
        weights = keep_down_to(sampler.min_p * max(weights.values()))
    total = sum(weights.values())
    return {i: w / total for i, w in weights.items()}


class Fixed:
    """A random stream that gives one number."""

    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value


SAMPLERS = st.builds(
    Masked,
    temperature=st.sampled_from([0.5, 1.0, 2.0]),
    top_k=st.none() | st.integers(1, 12),
    top_p=st.none() | st.sampled_from([0.05, 0.3, 0.77, 0.951]),
    min_p=st.none() | st.sampled_from([0.0, 0.03, 0.21, 1.0]),
)


@given(LOGITS, SAMPLERS, st.data())
def test_a_draw_is_the_inverse_of_the_cumulated_law(logits, sampler, data):
    law = naive_law(list(logits), sampler)
    cumulated = 0.0
    for i in sorted(law):
        middle = cumulated + law[i] / 2
        assert choose(logits, None, sampler, Fixed(middle)) == i
        cumulated += law[i]


@given(LOGITS, SAMPLERS, st.data())
def test_a_mask_is_the_same_as_a_smaller_vocabulary(logits, sampler, data):
    allowed = np.array(sorted(data.draw(st.sets(st.integers(0, len(logits) - 1), min_size=1))))
    u = data.draw(st.floats(0, 1, exclude_max=True))
    inner = choose(logits[allowed], None, sampler, Fixed(u))
    assert choose(logits, allowed, sampler, Fixed(u)) == allowed[inner]


@given(LOGITS)
def test_greedy_takes_the_lowest_id_of_the_likeliest(logits):
    assert choose(logits, None, GREEDY, Fixed(math.nan)) == list(logits).index(max(logits))


def test_observed_frequencies_follow_the_law():
    logits = np.array([0.0, 1.0, 2.0, -1.0, 1.0])
    sampler = Masked(temperature=0.8, top_k=4, top_p=0.95)
    rng, n = stream(7), 4000
    counts = np.bincount([choose(logits, None, sampler, rng) for _ in range(n)], minlength=5)
    law = naive_law(list(logits), sampler)
    for i in range(5):
        p = law.get(i, 0.0)
        assert abs(counts[i] - n * p) <= 5 * math.sqrt(n * p * (1 - p))


def test_the_largest_uniform_number_stays_in_range():
    assert choose(np.zeros(3), None, Masked(), Fixed(np.nextafter(1, 0))) == 2


def test_infinite_logits_of_refused_tokens_do_not_matter():
    logits = np.array([np.inf, 1.0, -np.inf, np.nan])
    assert choose(logits, np.array([1, 2]), Masked(), Fixed(0.999)) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, np.nan], "NaN"),
        ([np.inf, 0.0], "infinite"),
        ([-np.inf, -np.inf], "probability 0"),
        ([], "no token"),
    ],
)
@pytest.mark.parametrize("sampler", [GREEDY, Masked()])
def test_broken_logits_are_named(values, message, sampler):
    with pytest.raises(ModelError, match=message):
        choose(np.array(values), None, sampler, stream(0))


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -1},
        {"temperature": math.nan},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.5},
        {"min_p": 2},
    ],
)
def test_values_out_of_range_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        Masked(**options)


def test_streams():
    assert stream(3).random() == stream(3, 0).random() == stream((3, 0)).random()
    assert len({stream(seed, row).random() for seed in range(4) for row in range(4)}) == 16
    for seed in (-1, (), (1, "a"), 0.5):
        with pytest.raises(InputError, match="seed"):
            stream(seed)


def test_top_p_keeps_the_crossing_token_and_its_ties():
    logits = np.log([0.5, 0.25, 0.125, 0.125])
    assert truncation.top_p(logits, 0.5).tolist() == [True, False, False, False]
    assert truncation.top_p(logits, 0.51).tolist() == [True, True, False, False]
    assert truncation.top_p(logits, 0.8).tolist() == [True, True, True, True]
