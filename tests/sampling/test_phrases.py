"""Banned and weighted phrases and token biases, judged by going through all texts."""

import itertools
import math

import numpy as np
import pytest

import structgen as sg
from structgen.errors import InputError, UnsupportedError
from structgen.sampling import Phrases, without
from structgen.testing import byte_vocabulary
from tests.sampling.test_samplers import PROMPT, agree, mean_weights, runs
from tests.sampling.toys import TOKENS, HashModel, language, vocabulary


@pytest.fixture(scope="module")
def vocab():
    return vocabulary()


def test_a_ban_holds_for_every_spelling(vocab):
    """Tokens a, b, ab, ba, aa: "ab" and "aba" can be written in many ways, some across tokens."""
    grammar = sg.compile(without(sg.Regex("[ab]{0,5}"), ["ab", "bb"]), vocab)
    reached = {(): grammar.start}
    texts = set()
    for _ in range(5):
        grown = {}
        for tokens, state in reached.items():
            if grammar.accepts(state):
                texts.add(b"".join(TOKENS[t] for t in tokens))
            for token in range(5):
                after = grammar.advance(state, token)
                if after >= 0:
                    grown[(*tokens, token)] = after
        reached = grown
    every = {"".join(letters).encode() for n in range(5) for letters in itertools.product("ab", repeat=n)}
    assert {text for text in texts if len(text) < 5} == {t for t in every if b"ab" not in t and b"bb" not in t}
    assert all(b"ab" not in text and b"bb" not in text for text in texts)


def test_a_ban_leaves_no_dead_end(vocab):
    """After "b" only "a" ends the word, and the ban leaves nothing of "ba": so "b" is not offered."""
    grammar = sg.compile(without(sg.Choice(["ba", "a"]), ["ba"]), vocab)
    assert grammar.advance(grammar.start, 1) < 0
    assert grammar.accepts(grammar.advance(grammar.start, 0))


def test_values_of_a_type_are_still_its_values():
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"],
              "additionalProperties": False}  # fmt: skip
    constraint = without(schema, ["foo", "a b"])
    grammar = sg.compile(constraint, byte_vocabulary())
    for text, good in ((b'{"a": "fo"}', True), (b'{"a": "xfoo"}', False), (b'{"a": "a b"}', False)):
        state = grammar.advance_bytes(grammar.start, text)
        assert (state >= 0 and grammar.accepts(state)) == good
    from structgen.frontends.values import value_of

    assert value_of(constraint, '{"a": "fo"}') == {"a": "fo"}


def test_grammars_that_nest():
    grammar = sg.compile(without(sg.load_grammar("arithmetic"), ["1+1"]), byte_vocabulary())
    for text, good in ((b"(1+2)", True), (b"(1+1)", False), (b"((2)*(1+1))", False), (b"((1)+1)", True)):
        state = grammar.advance_bytes(grammar.start, text)
        assert (state >= 0 and grammar.accepts(state)) == good, text


def test_texts_that_must_be_remembered_are_refused():
    with pytest.raises(UnsupportedError):
        sg.compile(
            without({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["foo"]), byte_vocabulary()
        )


def member(text):
    return text in (b"a", b"ab", b"ba", b"aba")


@pytest.fixture(scope="module")
def grammar(vocab):
    return sg.compile(sg.Choice(["a", "ab", "ba", "aba"]), vocab)


@pytest.mark.parametrize("sampler", [sg.sampling.SMC, lambda: sg.sampling.AWRS(max_rejects=3), sg.sampling.Exact])
def test_a_ban_beside_a_constraint_conditions_on_it(grammar, sampler):
    predicate = Phrases({"ba": -math.inf}).predicate()
    expected = language(HashModel(1), PROMPT, lambda text: member(text) and b"ba" not in text, 2)
    agree(mean_weights(runs(sampler, grammar, 1, predicate=predicate)), expected)


def test_bans_stand_beside_other_conditions(grammar):
    seen = []
    other = sg.Predicate(None, lambda text: seen.append(text) or text != "a")
    both = Phrases({"ba": -math.inf, "x": 1.0}).predicate(other)
    assert both([b"a", b"ab", b"aba", b"xab"], True) == [False, True, False, True]
    assert seen == ["a", "ab", "xab"]
    assert both.calls == 3
    expected = language(HashModel(1), PROMPT, lambda text: text == b"ab", 2)
    agree(mean_weights(runs(lambda: sg.sampling.SMC(), grammar, 1, predicate=both)), expected)


@pytest.mark.parametrize("shaping", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("weights", [{"ab": 0.9}, {"ba": -1.5, b"b": 0.4}, {"ba": -math.inf, "ab": 1.0}])
def test_phrases_weigh_once_and_shaping_does_not_count(vocab, weights, shaping):
    few = sg.compile(sg.Choice(["ab", "aba"]), vocab)
    potential = Phrases(weights, shaping=shaping)
    expected = {}
    for tokens, p in language(HashModel(1), PROMPT, lambda text: text in (b"ab", b"aba"), 2).items():
        text = b"".join(TOKENS[t] for t in tokens)
        held = [w for phrase, w in weights.items() if (phrase.encode() if isinstance(phrase, str) else phrase) in text]
        if -math.inf not in held:
            expected[tokens] = p * math.exp(sum(held))

    def make():
        return sg.sampling.SMC(ess_threshold=1.0, potentials=(potential,))

    agree(mean_weights(runs(make, few, 2, predicate=None)), expected)


def test_shaping_is_by_what_is_written():
    potential = Phrases({"abc": 6.0}, shaping=0.5)
    assert [potential(text, False) for text in (b"", b"a", b"xab", b"abx", b"abc", b"abcab")] == [0, 1, 2, 0, 6, 6]
    assert [potential(text, True) for text in (b"xab", b"abcabc")] == [0, 6]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_token_biases_renormalise(grammar, temperature):
    bias = {0: 1.5, 2: -0.7, 9: 0.3}

    class Biased(HashModel):
        def next_logprobs(self, contexts):
            rows = super().next_logprobs(contexts)
            for token, amount in bias.items():
                rows[:, token] += amount
            rows /= temperature
            return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))

    options = {"prompt": PROMPT, "n": 40, "max_tokens": 2, "seed": 3}
    for sampler in (None, sg.sampling.CARS(), sg.sampling.SMC()):
        ours = sg.sampling.sample(
            HashModel(1), grammar, sampler=sampler, token_bias=bias, temperature=temperature, **options
        )
        other = sg.sampling.CARS() if isinstance(sampler, sg.sampling.CARS) else sampler
        theirs = sg.sampling.sample(Biased(1), grammar, sampler=other, **options)
        assert ours.tokens == theirs.tokens
        assert np.allclose(ours.log_weights, theirs.log_weights)
        assert np.allclose(ours.log_probs, theirs.log_probs)


def test_what_was_learnt_with_biases_is_not_used_without(grammar):
    sampler = sg.sampling.CARS()
    sg.sampling.sample(HashModel(1), grammar, sampler=sampler, max_tokens=2, token_bias={0: 1.0})
    with pytest.raises(InputError, match="token_bias"):
        sg.sampling.sample(HashModel(1), grammar, sampler=sampler, max_tokens=2)


def test_bad_calls_are_refused(grammar):
    for make in (
        lambda: without(sg.Regex("a"), [""]),
        lambda: without(sg.Regex("a"), [5]),
        lambda: Phrases({"": 1.0}),
        lambda: Phrases({"a": math.nan}),
        lambda: Phrases({"a": math.inf}),
        lambda: Phrases({"a": 1.0}, shaping=2.0),
        lambda: sg.sampling.sample(HashModel(), grammar, max_tokens=2, token_bias={99: 1.0}),
        lambda: sg.sampling.sample(HashModel(), grammar, max_tokens=2, token_bias={0: -math.inf}),
        lambda: sg.sampling.sample(HashModel(), grammar, max_tokens=2, token_bias={"a": 1.0}),
    ):
        with pytest.raises(InputError):
            make()
    assert without(sg.Regex("a"), []) == sg.Regex("a")
