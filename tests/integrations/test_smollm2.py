"""The embedded model itself, where it is in the cache. ``structgen models fetch smollm2`` puts it there."""

import json

import jsonschema
import numpy as np
import pytest

from structgen.frontends.types import as_schema
from structgen.integrations import models
from structgen.integrations.decoding import Row
from structgen.sampling import GREEDY, Masked
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward
from structgen.schemas import schemas, types

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(models.cached() is None, reason="the embedded model is not in the cache"),
]


@pytest.fixture(scope="module")
def gen():
    from structgen.integrations.generator import Generator

    return Generator.default(progress=False)


def test_the_demo_extracts_the_landmark(gen):
    from structgen.cli.demo import PARAGRAPH
    from structgen.schemas.models import Landmark

    value = gen(f"{PARAGRAPH}\n\nExtract the facts about the landmark as JSON.", Landmark, max_tokens=100)
    assert isinstance(value, Landmark)
    assert value.country == "France" and value.year_completed == 1889


@pytest.mark.parametrize("name", ["landmark", "invoice", "settings", "tree", "filesystem", "colour", "product"])
def test_jumping_keeps_to_the_tokens_of_the_tokenizer(gen, name):
    """Were the model to write a text as the tokenizer spells it, jumping ahead would change no token."""
    vocab, encode = gen.vocabulary, gen.vocabulary.encoder(gen.tokenizer)
    grammar, rng, n_forced = gen.compile({**schemas(), **types()}[name]), np.random.default_rng(1), 0

    def write(logits, sampler, budget, jump):
        row = Row([1], vocab, grammar=grammar, max_tokens=budget, sampler=sampler, draws=Draws(0), jump=jump)
        while row.reason is None:
            row.take(logits(row.tokens))
        return row

    for _ in range(3):
        budget = grammar.min_tokens_left(grammar.start) + 30
        text = write(lambda _: rng.normal(size=vocab.size), Masked(temperature=0.3), budget, None).text.decode()
        wanted = [*encode(text), vocab.eos_token_ids[0]]

        def spelt(tokens, wanted=wanted):
            assert tokens == wanted[: len(tokens)]
            return np.eye(1, vocab.size, wanted[len(tokens)])[0]

        row = write(spelt, GREEDY, 500, JumpForward(grammar, encode))
        assert row.tokens == wanted[:-1]
        n_forced += row.n_forced
    assert n_forced > 0


def test_rows_do_not_depend_on_their_batch(gen):
    prompts, constraint = (
        ["Say a word.", "Write a name, any name at all.", "Hello"],
        {"type": "string", "maxLength": 12},
    )
    together = gen.batch(prompts, constraint, max_tokens=16, sampler=Masked(), seed=5)
    for i in (1, 2):
        assert gen(prompts[i], constraint, max_tokens=16, sampler=Masked(), seed=(5, i)) == together[i]


@pytest.mark.slow
def test_two_hundred_objects_under_tight_budgets(gen):
    sources = list({**schemas(), **types()}.items())[:20]
    rows = [(name, source, spare) for name, source in sources for spare in (0, 0, 1, 2, 3, 5, 8, 12, 16, 24)]
    budgets = []
    for _, source, spare in rows:
        grammar = gen.compile(source)
        budgets.append(grammar.min_tokens_left(grammar.start) + spare)
    results = gen.generate_batch(
        [f"Write a {name} as JSON." for name, _, _ in rows],
        [source for _, source, _ in rows],
        max_tokens=budgets,
        sampler=Masked(),
        batch_size=20,
    )
    assert len(results) == 200
    for (name, source, _), budget, result in zip(rows, budgets, results, strict=True):
        schema = source if name in schemas() else as_schema(source)
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(schema, format_checker=checker).validate(json.loads(result.text))
        assert result.n_tokens <= budget
