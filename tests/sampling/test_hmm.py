"""Hidden Markov models, judged by sums over all hidden paths and by expectations over all choices."""

import itertools
import math

import numpy as np
import pytest

import structgen as sg
from structgen.errors import InputError, LimitError
from structgen.sampling.hmm import Futures
from structgen.sampling.problem import Problem
from tests.sampling.test_samplers import PROMPT, WORDS, agree, mean_weights, member, runs
from tests.sampling.toys import EOS, TOKENS, HashModel, language, vocabulary


def make(seed=0, hidden=2, zeros=False):
    rng = np.random.default_rng(seed)

    def rows(n, m):
        found = rng.exponential(size=(n, m)) * ((rng.random((n, m)) > 0.3) if zeros else 1.0) + (1e-9 if zeros else 0.0)
        return found / found.sum(axis=1, keepdims=True)

    return sg.sampling.HMM(rows(1, hidden)[0], rows(hidden, hidden), rows(hidden, len(TOKENS)))


@pytest.fixture(scope="module")
def vocab():
    return vocabulary()


@pytest.fixture(scope="module")
def grammar(vocab):
    return sg.compile(sg.Choice(WORDS), vocab)


def by_paths(hmm, tokens):
    """P of a beginning, over all paths of hidden states."""
    total = 0.0
    for path in itertools.product(range(len(hmm.initial)), repeat=len(tokens)):
        chance = 1.0
        for i, (state, token) in enumerate(zip(path, tokens, strict=True)):
            chance *= (hmm.transition[path[i - 1], state] if i else hmm.initial[state]) * hmm.emission[state, token]
        total += chance
    return total


def test_the_next_token_has_the_law_of_all_hidden_paths():
    hmm = make(hidden=3)
    for context in ([], [0], [2, 1], [4, 4, 0], [1, 2, 3, 4]):
        row = np.exp(hmm.next_logprobs([context])[0])
        assert row.sum() == pytest.approx(1.0)
        for token in range(len(TOKENS)):
            whole = by_paths(hmm, [*context, token])
            assert whole == pytest.approx(row[token] * (by_paths(hmm, context) if context else 1.0))


def test_what_cannot_be_has_no_future():
    hmm = sg.sampling.HMM([1.0, 0.0], np.eye(2), np.eye(2, len(TOKENS)))
    assert not hmm.positive
    rows = hmm.next_logprobs([[0], [1]])
    assert rows[0, 0] == 0.0 and np.isneginf(rows[0, 1:]).all()
    assert np.isneginf(rows[1]).all()


@pytest.mark.parametrize("zeros", [False, True])
def test_exact_samples_of_an_hmm(grammar, zeros):
    hmm = make(2, zeros=zeros)
    expected = language(hmm, PROMPT, member, 2)
    found = list(runs(lambda: sg.sampling.Exact(), grammar, 1, model=hmm))
    agree({w: p for w, p in mean_weights(found).items() if p > 1e-14}, {w: p for w, p in expected.items() if p > 1e-14})
    z = sum(expected.values())
    assert all(math.exp(samples.log_z) == pytest.approx(z) for _, samples in found)


def test_futures_are_sums_over_all_endings(vocab):
    hmm = make(5, hidden=3)
    grammar = sg.compile(sg.Regex("(a|b)*c"), vocab)
    problem = Problem(hmm, grammar, [], 4)
    futures = Futures(hmm, problem, [], 1000)
    texts = language(hmm, [], lambda t: t.endswith(b"c") and set(t[:-1]) <= set(b"ab"), 4)
    assert math.exp(futures.log_z) == pytest.approx(sum(texts.values()))
    for start in ((), (0,), (2, 3), (0, 1, 0)):
        prefix = problem.root
        for token in start:
            prefix = problem.extend(prefix, token)
        mass = sum(p for w, p in texts.items() if w[: len(start)] == start)
        assert math.exp(futures.log_future(prefix)) == pytest.approx(mass / (by_paths(hmm, start) if start else 1.0))
        law = problem.law(prefix)
        for token, log_weight in zip(law.ids.tolist(), futures.weights(prefix, law).tolist(), strict=True):
            after = (*start, token)
            mass = texts[start] if token == EOS else sum(p for w, p in texts.items() if w[: len(after)] == after)
            assert math.exp(log_weight) == pytest.approx(mass / (by_paths(hmm, start) if start else 1.0))


def test_long_texts_cost_states_and_not_prefixes(vocab):
    grammar = sg.compile(sg.Regex("((a|b)*c)*"), vocab)
    drawn = sg.sampling.sample(make(1), grammar, n=3, sampler=sg.sampling.Exact(), max_tokens=600)
    assert -60.0 < drawn.log_z < 0.0
    assert np.allclose(drawn.log_weights, drawn.log_z)
    with pytest.raises(LimitError, match="states"):
        sg.sampling.sample(make(1), grammar, sampler=sg.sampling.Exact(50), max_tokens=600)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_guide_leaves_the_target_as_it_is(vocab, threshold):
    small = sg.compile(sg.Choice(["a", "ab"]), vocab)
    expected = language(HashModel(1), PROMPT, lambda text: text in (b"a", b"ab"), 2)

    def guided():
        return sg.sampling.SMC(ess_threshold=threshold, guide=make(3), potentials=(lambda text, ended: 0.0 * ended,))

    agree(mean_weights(runs(guided, small, 2)), expected)


def test_a_guide_that_is_the_model_leaves_nothing_to_weigh(vocab):
    grammar = sg.compile(sg.Regex("(a|b)*c"), vocab)
    hmm = make(4)
    exact = sg.sampling.sample(hmm, grammar, sampler=sg.sampling.Exact(), max_tokens=12)
    guided = sg.sampling.sample(hmm, grammar, n=20, sampler=sg.sampling.SMC(guide=hmm), max_tokens=12)
    assert np.allclose(guided.log_weights, exact.log_z)
    plain = sg.sampling.sample(hmm, grammar, n=20, sampler=sg.sampling.SMC(), max_tokens=12)
    assert plain.log_weights.std() > 0.1


def test_bad_models_are_refused(grammar):
    good = make()
    for parts in (
        ([0.5, 0.5], good.transition[:1], good.emission),
        ([0.5, 0.6], good.transition, good.emission),
        (good.initial, good.transition, good.emission - 0.2),
        (1.0, good.transition, good.emission),
    ):
        with pytest.raises(InputError):
            sg.sampling.HMM(*parts)
    with pytest.raises(InputError, match="probabilities that are 0"):
        sg.sampling.SMC(guide=sg.sampling.HMM([1.0, 0.0], np.eye(2), good.emission))
    other = sg.sampling.HMM([1.0], [[1.0]], [[0.5, 0.5]])
    with pytest.raises(InputError, match="emits 2 tokens"):
        sg.sampling.sample(HashModel(), grammar, sampler=sg.sampling.SMC(guide=other), max_tokens=2)
