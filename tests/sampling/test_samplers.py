"""Samplers, judged by expectations over all their random choices, and by their laws."""

import math
import pickle
from contextlib import contextmanager

import numpy as np
import pytest

import structgen as sg
from structgen.errors import BudgetError, InputError, LimitError, ModelError, PredicateError
from structgen.sampling import asap, cars, exact, local, mcmc, population, smc
from structgen.sampling.problem import Problem
from structgen.sampling.texts import grow, log_acceptance, log_proposal
from tests.sampling.toys import EOS, TOKENS, BigramModel, HashModel, language, outcomes, vocabulary

MODULES = (asap, cars, exact, local, mcmc, population, smc)
WORDS = ["a", "ab", "ba"]
PROMPT = [8]


@pytest.fixture(scope="module")
def vocab():
    return vocabulary()


@pytest.fixture(scope="module")
def grammar(vocab):
    return sg.compile(sg.Choice(WORDS), vocab)


def member(text):
    return text.decode(errors="replace") in WORDS


@pytest.fixture(scope="module")
def small(vocab):
    """For samplers with very many choices."""
    return sg.compile(sg.Choice(["a", "ab"]), vocab)


def in_small(text):
    return text in (b"a", b"ab")


@contextmanager
def drawing_from(draws):
    before = [module.Draws for module in MODULES]
    try:
        for module in MODULES:
            module.Draws = lambda seed: draws
        yield
    finally:
        for module, old in zip(MODULES, before, strict=True):
            module.Draws = old


def runs(make, grammar, n, max_tokens=2, model=None, predicate=None):
    """Every outcome of a run of a new sampler, with its probability."""
    problem = Problem(model or HashModel(1), grammar, PROMPT, max_tokens, predicate=predicate)

    def run(draws):
        with drawing_from(draws):
            return make().run(problem, n, (0,))

    return outcomes(run)


def mean_weights(all_runs):
    """The expectation of weight times 1{text = x} for each x, the mean over a run's samples taken."""
    mean: dict[tuple, float] = {}
    for chance, samples in all_runs:
        for tokens, log_weight in zip(samples.tokens, samples.log_weights, strict=True):
            if log_weight > -np.inf:
                key = tuple(tokens)
                mean[key] = mean.get(key, 0.0) + chance * math.exp(log_weight) / len(samples)
    return mean


def agree(found, expected, tolerance=1e-9):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=tolerance, abs=1e-14)


PROPER = {
    "masked": (lambda: local.Local(sg.sampling.Masked()), 1),
    "masked at another temperature": (lambda: local.Local(sg.sampling.Masked(temperature=2.0)), 1),
    "importance": (lambda: sg.sampling.SMC(ess_threshold=0.0), 2),
    **{
        f"smc {kind} {threshold}": (lambda k=kind, t=threshold: sg.sampling.SMC(resampling=k, ess_threshold=t), 2)
        for kind in ("multinomial", "stratified", "systematic", "residual")
        for threshold in (0.9, 1.0)
    },
    "smc twisted": (lambda: sg.sampling.SMC(ess_threshold=1.0, twist=lambda text, ended: 0.3 * len(text)), 2),
    "awrs": (lambda: sg.sampling.AWRS(max_rejects=3), 1),
    "awrs, two": (lambda: sg.sampling.AWRS(max_rejects=2, ess_threshold=0.9), 2),
    "awrs, one reject": (lambda: sg.sampling.AWRS(max_rejects=1), 1),
    "asap": (lambda: sg.sampling.ASAp(), 1),
    "asap, two": (lambda: sg.sampling.ASAp(), 2),
    "exact": (lambda: sg.sampling.Exact(), 1),
}


@pytest.mark.parametrize("name", PROPER)
def test_weights_are_proper(name, grammar):
    make, n = PROPER[name]
    agree(mean_weights(runs(make, grammar, n)), language(HashModel(1), PROMPT, member, 2))


@pytest.mark.parametrize("name", PROPER)
def test_the_estimate_of_z_has_no_bias(name, grammar):
    make, n = PROPER[name]
    z = sum(language(HashModel(1), PROMPT, member, 2).values())
    assert sum(chance * math.exp(s.log_z) for chance, s in runs(make, grammar, n)) == pytest.approx(z, rel=1e-9)


def test_steering_is_proper_without_replacement(small):
    found = list(runs(lambda: sg.sampling.Steering(particles=2, copies=2), small, 2))
    expected = language(HashModel(1), PROMPT, in_small, 2)
    agree(mean_weights(found), expected)
    z = sum(chance * math.exp(samples.log_z) for chance, samples in found)
    assert z == pytest.approx(sum(expected.values()), rel=1e-9)


@pytest.mark.parametrize("name", ["masked", "smc systematic 0.9", "awrs", "awrs, one reject", "exact"])
def test_weights_are_proper_under_a_predicate(name, grammar):
    make, n = PROPER[name]
    predicate = sg.Predicate(lambda text: not text.startswith("b"), lambda text: text != "a")
    expected = language(HashModel(1), PROMPT, lambda text: text == b"ab", 2)
    agree(mean_weights(runs(make, grammar, n, predicate=predicate)), expected)


@pytest.mark.parametrize(
    ("sampler", "words", "times"),
    [
        (sg.sampling.SMC, ["a", "b", "ab"], (1,)),
        (sg.sampling.SMC, ["a", "ab"], (2,)),
        (sg.sampling.SMC, ["a", "ab"], (1, 3)),
        (sg.sampling.AWRS, ["a", "ab"], (1,)),
    ],
)
def test_rejuvenated_weights_are_proper(vocab, sampler, words, times):
    """With a reward potential and a predicate; moves before and after texts have ended."""
    few = sg.compile(sg.Choice(words), vocab)
    predicate = sg.Predicate(None, lambda text: text != "a")
    potentials = (lambda text, ended: 0.8 * text.count(b"b"),)

    def make():
        return sampler(ess_threshold=1.0, potentials=potentials, rejuvenate=times)

    expected = language(HashModel(1), PROMPT, lambda text: text.decode(errors="replace") in words and text != b"a", 1)
    expected = {w: p * math.exp(0.8) for w, p in expected.items()}
    agree(mean_weights(runs(make, few, 2, 1, predicate=predicate)), expected)


def test_potentials_are_part_of_the_target(grammar):
    def make():
        return sg.sampling.SMC(ess_threshold=1.0, potentials=(lambda text, ended: -0.5 * len(text),))

    expected = language(HashModel(1), PROMPT, member, 2)
    expected = {w: p * math.exp(-0.5 * sum(len(TOKENS[t]) for t in w)) for w, p in expected.items()}
    agree(mean_weights(runs(make, grammar, 2)), expected)


@pytest.mark.parametrize(("alpha", "ramp"), [(3.0, 0), (3.0, 2), (0.5, 1)])
def test_power_smc_aims_at_the_power(grammar, alpha, ramp):
    expected = {w: p**alpha for w, p in language(HashModel(1), PROMPT, member, 2).items()}
    agree(mean_weights(runs(lambda: sg.sampling.PowerSMC(alpha, ramp, ess_threshold=0.9), grammar, 2)), expected)


@pytest.mark.parametrize("predicate", [None, sg.Predicate(None, lambda text: text != "a")])
def test_cars_is_exact_from_the_first_sample(small, predicate):
    good = (lambda text: text == b"ab") if predicate else in_small
    expected = language(HashModel(1), PROMPT, good, 2)
    z = sum(expected.values())
    laws: list[dict[tuple, float]] = [{}, {}]
    for chance, samples in runs(lambda: sg.sampling.CARS(), small, 2, predicate=predicate):
        for law, tokens in zip(laws, samples.tokens, strict=True):
            law[tuple(tokens)] = law.get(tuple(tokens), 0.0) + chance
    for law in laws:
        agree(law, {w: p / z for w, p in expected.items()})
    # one attempt estimates Z without bias
    estimate = 0.0
    for chance, samples in runs(lambda: sg.sampling.CARS(max_attempts=1), small, 1, predicate=predicate):
        estimate += chance * (math.exp(samples.log_z) if samples.attempts == 1 and len(samples) else 0.0)
    assert estimate == pytest.approx(z, rel=1e-9)


@pytest.mark.parametrize("learn", ["none", "first", "path", "full"])
def test_every_level_of_rejection_is_exact(grammar, learn):
    model = HashModel(4, sharp=0.3)
    expected = language(model, PROMPT, member, 2)
    z = sum(expected.values())
    sampler = sg.sampling.CARS(learn=learn)
    samples = sg.sampling.sample(model, grammar, prompt=PROMPT, n=4000, sampler=sampler, max_tokens=2, seed=5)
    counts: dict[tuple, int] = {}
    for tokens in samples.tokens:
        counts[tuple(tokens)] = counts.get(tuple(tokens), 0) + 1
    statistic = sum((counts.get(w, 0) - 4000 * p / z) ** 2 / (4000 * p / z) for w, p in expected.items())
    assert counts.keys() <= expected.keys()
    assert statistic < 25.0  # chi-square with 4 degrees of freedom: p > 5e-5, and the seed is fixed
    assert samples.log_z == pytest.approx(math.log(z), abs=0.1)


def test_learning_saves_attempts(grammar):
    attempts = {}
    for learn in ("none", "first", "path", "full"):
        sampler = sg.sampling.CARS(learn=learn)
        samples = sg.sampling.sample(HashModel(4), grammar, prompt=PROMPT, n=300, sampler=sampler, max_tokens=2, seed=1)
        attempts[learn] = samples.attempts
    assert attempts["full"] < attempts["path"] < attempts["none"]
    assert attempts["first"] < attempts["none"]


def test_asap_begins_as_masking_and_ends_at_the_target(grammar):
    model = HashModel(2)
    expected = language(model, PROMPT, member, 2)
    z = sum(expected.values())
    law: dict[tuple, float] = {}
    for chance, samples in runs(sg.sampling.ASAp, grammar, 1, model=model):
        law[tuple(samples.tokens[0])] = law.get(tuple(samples.tokens[0]), 0.0) + chance
    masked: dict[tuple, float] = {}
    for chance, samples in runs(PROPER["masked"][0], grammar, 1, model=model):
        masked[tuple(samples.tokens[0])] = masked.get(tuple(samples.tokens[0]), 0.0) + chance
    agree(law, masked)
    sampler = sg.sampling.ASAp()
    sg.sampling.sample(model, grammar, prompt=PROMPT, n=100, sampler=sampler, max_tokens=2)
    root = sampler.learnt.root
    assert math.exp(root.log_theta) == pytest.approx(z, rel=1e-9)  # every prefix has been met: theta is c
    late = sg.sampling.sample(model, grammar, prompt=PROMPT, n=50, sampler=sampler, max_tokens=2, seed=9)
    assert np.allclose(late.log_weights, math.log(z))


def test_theta_never_grows_and_is_the_sum_of_its_children(grammar):
    model = HashModel(3)
    sampler = sg.sampling.ASAp()
    before = 0.0
    for seed in range(12):
        sg.sampling.sample(model, grammar, prompt=PROMPT, n=1, sampler=sampler, max_tokens=2, seed=seed)
        node = sampler.learnt.root
        parts = [math.exp(node.log_rest)] + [math.exp(p + child.log_theta) for p, child in node.children.values()]
        assert math.exp(node.log_theta) == pytest.approx(sum(parts))
        assert node.log_theta <= before + 1e-12
        before = node.log_theta
        assert math.exp(before) >= sum(language(model, PROMPT, member, 2).values()) - 1e-12


@pytest.mark.parametrize("cut", ["uniform", "entropy", "restart"])
def test_mcmc_satisfies_detailed_balance(grammar, cut):
    sampler = sg.sampling.MCMC(cut=cut)
    problem = Problem(HashModel(1), grammar, PROMPT, 2)
    texts = {}
    for _, text in outcomes(lambda d: sampler.complete(problem, (), d)):
        texts[text.tokens] = text
    assert len(texts) == len(language(HashModel(1), PROMPT, member, 2))
    moves = {}
    for x in texts.values():

        def step(d, x=x):
            i = d.index(x.log_cuts)
            return sampler.complete(problem, x.tokens[:i], d).tokens

        row = dict.fromkeys(texts, 0.0)
        for chance, tokens in outcomes(step):
            row[tokens] += chance
        for tokens, chance in row.items():
            assert chance == pytest.approx(math.exp(log_proposal(x, texts[tokens])), abs=1e-12)
            moves[x.tokens, tokens] = chance * math.exp(log_acceptance(x, texts[tokens]))
    for x in texts.values():
        for y in texts.values():
            if x.tokens != y.tokens:
                forth = math.exp(sum(x.log_p)) * moves[x.tokens, y.tokens]
                back = math.exp(sum(y.log_p)) * moves[y.tokens, x.tokens]
                assert forth == pytest.approx(back, rel=1e-9, abs=1e-15)
    # from masking, where chains begin, to the target
    names = list(texts)
    target = np.array([math.exp(sum(texts[name].log_p)) for name in names])
    target /= target.sum()
    chain = np.array([[moves[x, y] if x != y else 0.0 for y in names] for x in names])
    chain += np.diag(1.0 - chain.sum(axis=1))
    law = np.array([math.exp(sum(texts[name].log_q)) for name in names])
    assert np.abs(law - target).sum() > 0.1
    assert np.abs(law @ np.linalg.matrix_power(chain, 200) - target).sum() < 1e-6


@pytest.mark.parametrize("horizon", [1, 2])
def test_rejuvenation_keeps_the_current_target(vocab, horizon):
    """From the law of the target over texts of so many steps, one move of a particle leads to the same law."""
    grammar = sg.compile(sg.Regex("(a|ab|ba)?a"), vocab)
    problem = Problem(HashModel(5), grammar, PROMPT, 3, predicate=sg.Predicate(lambda text: not text.startswith("b")))
    shape = population.Shape((lambda text, ended: -0.7 * len(text) + ended,), lambda text, ended: 0.4 * len(text))
    law, texts = {}, {}
    for _, text in outcomes(lambda d: grow(problem, [()], [d], horizon=horizon)[0]):
        if text.good:
            texts[text.tokens] = text
            law[text.tokens] = math.exp(sum(text.log_p) + shape(problem, text.end))
    assert len(law) >= 3
    assert {text.end.ended for text in texts.values()} == ({False} if horizon == 1 else {False, True})
    after = dict.fromkeys(law, 0.0)
    for tokens, mass in law.items():

        def move(draws, text=texts[tokens]):
            start = population.Particle(text.end, -1.0, sum(text.log_p), shape(problem, text.end))
            others = [population.Particle(other.end) for other in texts.values()]  # as long as the population is
            dead = [population.Particle(p.prefix, -math.inf) for p in others]
            population.rejuvenate(problem, [start, *dead], [draws] * (1 + len(dead)), shape, horizon)
            assert start.log_weight == -1.0
            assert start.log_shape == pytest.approx(shape(problem, start.prefix))
            ended = start.prefix.ended
            name = (*start.prefix.tokens, start.prefix.eos) if ended else start.prefix.tokens
            assert start.log_p == pytest.approx(sum(texts[name].log_p))
            return name

        for chance, found in outcomes(move):
            after[found] += mass * chance
    agree(after, law)


def test_beam_finds_the_likeliest(grammar):
    expected = sorted(language(HashModel(1), PROMPT, member, 2).items(), key=lambda pair: -pair[1])
    found = sg.sampling.sample(HashModel(1), grammar, prompt=PROMPT, n=3, sampler=sg.sampling.Beam(8), max_tokens=2)
    assert [tuple(tokens) for tokens in found.tokens] == [w for w, _ in expected[:3]]
    assert np.allclose(np.exp(found.log_probs), [p for _, p in expected[:3]])
    beam = sg.sampling.Beam(9)
    everything = sg.sampling.sample(HashModel(1), grammar, prompt=PROMPT, n=9, sampler=beam, max_tokens=2)
    assert math.exp(everything.log_z) == pytest.approx(sum(p for _, p in expected))


def test_exact_sums_share_what_a_markov_model_allows(vocab):
    grammar = sg.compile(sg.Regex("(a|b)*c"), vocab)
    model = BigramModel(0)
    run = sg.sampling.sample(model, grammar, n=200, sampler=sg.sampling.Exact(), max_tokens=30, seed=3)
    assert run.forward_passes < 600
    by_force = language(model, [], lambda t: t.endswith(b"c") and set(t[:-1]) <= set(b"ab"), 4)
    short = sg.sampling.sample(model, grammar, n=1, sampler=sg.sampling.Exact(), max_tokens=4)
    assert math.exp(short.log_z) == pytest.approx(sum(by_force.values()))
    with pytest.raises(LimitError, match="max_prefixes"):
        sg.sampling.sample(HashModel(), grammar, sampler=sg.sampling.Exact(50), max_tokens=12)


def test_equal_seeds_give_equal_samples_whatever_is_cached(grammar):
    for sampler in (sg.sampling.SMC(particles=3), sg.sampling.AWRS(particles=2), sg.sampling.MCMC(2), None):
        first = sg.sampling.sample(HashModel(1), grammar, n=7, sampler=sampler, max_tokens=2, seed=4)
        again = sg.sampling.sample(HashModel(1), grammar, n=7, sampler=sampler, max_tokens=2, seed=4, cache_bytes=0)
        assert first.tokens == again.tokens
        assert np.array_equal(first.log_weights, again.log_weights)
        assert again.forward_passes >= first.forward_passes


def test_samples_say_what_they_are(grammar):
    run = sg.sampling.sample(HashModel(1), grammar, n=40, sampler=sg.sampling.SMC(particles=8), max_tokens=2)
    assert len(run) == run.attempts == 40
    assert run.probabilities().sum() == pytest.approx(1.0)
    assert sum(run.posterior().values()) == pytest.approx(1.0)
    assert set(run.posterior(lambda text: len(text))) <= {1, 2}
    assert len(run.ess) == 5
    assert all(text.decode() in WORDS for text, w in zip(run.texts, run.log_weights, strict=True) if w > -np.inf)
    model = HashModel(1)
    for tokens, log_p in zip(run.tokens, run.log_probs, strict=True):
        steps = [*tokens, EOS]
        total = sum(model.next_logprobs([tokens[:i]])[0][t] for i, t in enumerate(steps))
        assert log_p == pytest.approx(total)


# what can go wrong


def test_a_budget_of_passes_keeps_what_was_drawn(grammar):
    for sampler in (None, sg.sampling.CARS(), sg.sampling.ASAp(), sg.sampling.SMC(particles=1), sg.sampling.MCMC(1)):
        run = sg.sampling.sample(
            HashModel(1), grammar, n=500, sampler=sampler, max_tokens=2, max_passes=4, cache_bytes=0
        )
        assert run.outcome == "budget"
        assert run.forward_passes <= 4
        assert len(run) < 500


def test_ctrl_c_keeps_what_was_drawn(grammar):
    class Impatient(HashModel):
        def next_logprobs(self, contexts):
            if len(self.asked) > 20:
                raise KeyboardInterrupt
            return super().next_logprobs(contexts)

    for sampler in (None, sg.sampling.CARS(), sg.sampling.ASAp(), sg.sampling.MCMC(1), sg.sampling.SMC(particles=1)):
        run = sg.sampling.sample(Impatient(1), grammar, n=500, sampler=sampler, max_tokens=2, cache_bytes=0)
        assert run.outcome == "interrupted"
        assert 0 < run.n_alive < 500
        assert run.log_z > -np.inf


def test_a_predicate_that_raises_is_named_with_its_text(grammar):
    def fails(text):
        if text == "ba":
            raise ValueError("no such molecule")
        return True

    for sampler in (None, sg.sampling.CARS(), sg.sampling.AWRS(particles=2), sg.sampling.ASAp()):
        predicate = sg.Predicate(None, fails)
        with pytest.raises(PredicateError, match="no such molecule") as caught:
            sg.sampling.sample(HashModel(1), grammar, n=400, sampler=sampler, max_tokens=2, predicate=predicate)
        assert caught.value.text == "ba"
        assert caught.value.samples is not None
        drawn = caught.value.samples
        assert all(text != b"ba" for text, w in zip(drawn.texts, drawn.log_weights, strict=True) if w > -np.inf)


class Tired(HashModel):
    """Raises in place of looking at more contexts than it may."""

    def __init__(self, seed, most):
        super().__init__(seed)
        self.left = most

    def next_logprobs(self, contexts):
        if len(contexts) > self.left:
            raise RuntimeError("out of memory")
        self.left -= len(contexts)
        return super().next_logprobs(contexts)


SAMPLERS = "Masked", "CARS", "ASAp", "MCMC", "SMC", "AWRS", "PowerSMC", "Steering", "Beam", "Exact"
#: contexts after which the model fails; the last two samplers are done after a few
FAILURES = [(name, most) for name in SAMPLERS for most in (0, 1, 3, 20) if most < 20 or name not in SAMPLERS[-2:]]


@pytest.mark.parametrize(("name", "most"), FAILURES)
def test_a_model_that_raises_loses_no_samples(grammar, name, most):
    def drawn(model, **options):
        sampler = getattr(sg.sampling, name)(**({"particles": 4} if name in ("SMC", "AWRS", "PowerSMC") else {}))
        return sg.sampling.sample(model, grammar, n=40, sampler=sampler, max_tokens=2, cache_bytes=0, **options)

    cut = drawn(HashModel(1), max_passes=most)
    assert cut.outcome == "budget"
    with pytest.raises(ModelError, match="RuntimeError: out of memory") as caught:
        drawn(Tired(1, most))
    kept = caught.value.samples
    assert kept.tokens == cut.tokens
    np.testing.assert_array_equal(kept.log_weights, cut.log_weights)
    np.testing.assert_array_equal(kept.log_z, cut.log_z)
    assert pickle.loads(pickle.dumps(caught.value)).samples.tokens == cut.tokens


def test_a_slow_predicate_is_an_error(grammar):
    from threading import Event

    stop = Event()
    predicate = sg.Predicate(lambda text: stop.wait(5), timeout=0.05)
    with pytest.raises(PredicateError, match=r"0\.05 s"):
        sg.sampling.sample(HashModel(1), grammar, max_tokens=2, sampler=sg.sampling.AWRS(), predicate=predicate)
    stop.set()


def test_nothing_good_is_said_and_not_nan(grammar):
    never = sg.Predicate(lambda text: False)
    samplers = "CARS", "ASAp", "SMC", "AWRS", "Exact", "Steering", "Beam", "Masked", "MCMC"
    for sampler in (getattr(sg.sampling, name)() for name in samplers):
        run = sg.sampling.sample(HashModel(1), grammar, n=3, sampler=sampler, max_tokens=2, predicate=never)
        assert run.outcome == "failed"
        assert run.n_alive == 0
        assert run.log_z == -np.inf
        assert not run.probabilities().any()


def test_prefixes_are_shown_in_whole_characters(vocab):
    seen = []
    grammar = sg.compile(sg.Choice(["é", "éa"]), vocab)
    predicate = sg.Predicate(lambda text: seen.append(text) or True)
    sg.sampling.sample(HashModel(7), grammar, n=60, sampler=sg.sampling.CARS(), max_tokens=4, predicate=predicate)
    assert {"", "é"} <= set(seen) <= {"", "é", "éa"}


def test_bad_calls_are_refused(grammar):
    with pytest.raises(BudgetError, match="max_tokens"):
        sg.sampling.sample(HashModel(), grammar, max_tokens=0)
    for options in ({"n": -1}, {"temperature": 0.0}, {"sampler": 5}, {"seed": -1}, {"max_tokens": -1}):
        with pytest.raises((InputError, BudgetError)):
            sg.sampling.sample(HashModel(), grammar, **({"max_tokens": 2} | options))
    with pytest.raises(ModelError, match="shape"):
        sg.sampling.sample(HashModel(size=4), grammar, max_tokens=2)
    for make in (
        lambda: sg.sampling.SMC(particles=0),
        lambda: sg.sampling.SMC(resampling="none"),
        lambda: sg.sampling.AWRS(accepts=1),
        lambda: sg.sampling.MCMC(steps=-1),
        lambda: sg.sampling.SMC(rejuvenate=(0,)),
        lambda: sg.sampling.CARS(learn="all"),
        lambda: sg.sampling.PowerSMC(alpha=0.0),
        lambda: sg.sampling.Beam(width=0),
    ):
        with pytest.raises(InputError):
            make()


def test_what_was_learnt_can_be_kept(grammar, tmp_path):
    sampler = sg.sampling.CARS(model_name="toy")
    sg.sampling.sample(HashModel(4), grammar, prompt=PROMPT, n=50, sampler=sampler, max_tokens=2)
    sampler.learnt.save(tmp_path / "trie.npz")
    loaded = sg.sampling.Theta.load(tmp_path / "trie.npz")
    assert loaded.n_nodes == sampler.learnt.n_nodes
    assert loaded.root.log_theta == sampler.learnt.root.log_theta
    one = sg.sampling.CARS(learnt=loaded, model_name="toy")
    a = sg.sampling.sample(HashModel(4), grammar, prompt=PROMPT, n=30, sampler=one, max_tokens=2, seed=8)
    b = sg.sampling.sample(HashModel(4), grammar, prompt=PROMPT, n=30, sampler=sampler, max_tokens=2, seed=8)
    assert a.tokens == b.tokens
    assert a.attempts == b.attempts
    with pytest.raises(InputError, match="prompt"):
        sg.sampling.sample(HashModel(4), grammar, prompt=[1], sampler=one, max_tokens=2)
    (tmp_path / "other.npz").write_bytes(b"something else")
    with pytest.raises(InputError, match="holds no learnt trie"):
        sg.sampling.Theta.load(tmp_path / "other.npz")


def test_what_is_learnt_is_bounded(grammar):
    sampler = sg.sampling.CARS(learnt=sg.sampling.Theta(max_nodes=3))
    run = sg.sampling.sample(HashModel(4), grammar, n=100, sampler=sampler, max_tokens=2)
    assert run.n_alive == 100
    assert sampler.learnt.n_nodes <= 3
