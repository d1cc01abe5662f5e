"""Token biases and banned phrases as options of a generator."""

import math
from typing import Literal

import numpy as np
import pytest
from pydantic import BaseModel

import structgen as sg
from structgen.errors import InputError, UnsatisfiableError
from structgen.integrations.decoding import Row
from structgen.sampling import Masked
from structgen.sampling.bias import TokenBias
from structgen.sampling.draws import Draws

HOT = Masked(temperature=1.5)


class Toy(BaseModel):
    name: Literal["Ada", "Bob", "Abe"]
    age: int


def test_a_biased_row_is_a_row_of_biased_logits():
    """Before mask, temperature and truncation; what is chosen is the law of the biased logits, renormalised."""
    vocab = sg.testing.byte_vocabulary()
    grammar = sg.compile(sg.Regex("[a-e]{6}"), vocab)
    bias = {ord("a"): 2.0, ord("c"): -3.5, ord("z"): 9.0}
    logits = np.random.default_rng(1).normal(size=(6, vocab.size)).astype(np.float32)
    added = logits.astype(np.float64)
    for token, amount in bias.items():
        added[:, token] += amount

    def text(seed, given, rows):
        sampler = Masked(temperature=0.8, top_p=0.9)
        row = Row(
            [0], vocab, grammar=grammar, max_tokens=9, sampler=sampler, draws=Draws(seed, 0),
            bias=TokenBias(given, vocab.size),
        )  # fmt: skip
        for each in rows:
            row.take(each)
        return row.text

    texts = [text(seed, bias, logits) for seed in range(60)]
    assert texts == [text(seed, {}, added) for seed in range(60)]
    assert texts != [text(seed, {}, logits) for seed in range(60)]


def test_a_bias_shows_in_texts_and_leaves_the_language_alone(gen):
    words = ["alpha", "beta", "gamma"]
    for word in words:
        first = {gen.tokenizer.encode(word[:n])[0] for n in range(1, 6)}
        assert gen("hi", sg.Choice(words), token_bias=dict.fromkeys(first, 50.0)) == word
    elsewhere = dict.fromkeys(gen.tokenizer.encode("zzz"), 50.0)
    assert gen("hi", sg.Choice(words), token_bias=elsewhere) in words


def test_a_bias_goes_with_drafts_batches_and_samplers(gen):
    bias = dict.fromkeys(range(4, 60), 1.5)
    options = {"sampler": HOT, "token_bias": bias, "max_tokens": 24}
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    alone = [gen.generate("hi", schema, seed=(3, i), **options).tokens for i in range(4)]
    assert [r.tokens for r in gen.generate_batch(["hi"] * 4, schema, seed=3, **options)] == alone
    assert list(gen.stream("hi", schema, seed=(3, 0), **options))[-1].text.encode() == gen.generate(
        "hi", schema, seed=(3, 0), **options
    ).text.encode()
    wide = type(gen)(gen.model, gen.tokenizer, pass_width=4)
    plain = [wide.generate("hi", schema, seed=(3, i), **options).tokens for i in range(4)]
    drafted = [wide.generate("hi", schema, seed=(3, i), speculative=True, **options).tokens for i in range(4)]
    assert drafted == plain
    assert alone != [gen.generate("hi", schema, seed=(3, i), sampler=HOT, max_tokens=24).tokens for i in range(4)]
    sampled = gen.sample("hi", sg.Choice(["alpha", "beta"]), n=4, token_bias={gen.tokenizer.encode("b")[0]: 60.0})
    assert set(sampled.texts) <= {"alpha", "beta"}


@pytest.mark.parametrize("seed", range(6))
def test_banned_phrases_do_not_occur(gen, seed):
    toy = gen("hi", Toy, sampler=HOT, seed=seed, max_tokens=40, banned=["Ada", "1", "7"])
    assert isinstance(toy, Toy) and toy.name != "Ada" and not set("17") & set(str(toy.age))
    free = gen("hi", sampler=HOT, seed=seed, max_tokens=12, banned=["a", "é"])
    assert isinstance(free, str) and "a" not in free and "é" not in free
    rows = gen.batch(["x", "y"], [sg.Choice(["red", "blue"]), None], seed=seed, max_tokens=12, banned=["re"])
    assert rows[0] == "blue" and not any("re" in row for row in rows)


def test_banned_phrases_in_streams_and_samplers(gen):
    colours = sg.Choice(["red", "blue", "dawn"])
    assert list(gen.stream("hi", colours, banned=["e"], max_tokens=8))[-1].text == "dawn"
    sampled = gen.sample("hi", colours, n=8, banned=["bl"], max_tokens=8)
    assert set(sampled.texts) <= {"red", "dawn"}
    assert gen("hi", colours, sampler=sg.sampling.AWRS(particles=2), banned=["e"], max_tokens=8) == "dawn"


def test_a_ban_may_leave_nothing(gen):
    with pytest.raises(UnsatisfiableError):
        gen("hi", sg.Choice(["red", "green"]), banned=["re"])


def test_grammars_with_bans_are_kept(gen):
    schema = {"enum": ["a", "b", "ab"]}
    assert gen.generate("hi", schema, banned=["a"]).value == "b"
    assert gen.generate("hi", schema, banned=["a"]).seconds_compile == 0.0
    assert gen.generate("hi", schema, banned=["b"]).value == "a"
    assert gen.generate("hi", schema).value in ("a", "b", "ab")


@pytest.mark.parametrize(
    "options",
    [
        {"token_bias": {10**9: 1.0}},
        {"token_bias": {-1: 1.0}},
        {"token_bias": {True: 1.0}},
        {"token_bias": {0: -math.inf}},
        {"token_bias": {0: "much"}},
        {"token_bias": [1.0]},
        {"banned": "word"},
        {"banned": [""]},
        {"banned": [3]},
    ],
)
def test_bad_options_are_refused(gen, options):
    with pytest.raises(InputError):
        gen("hi", sg.Choice(["a", "b"]), **options)
