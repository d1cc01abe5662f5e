"""Speculation in the generator, on a small random model: the texts are those without it, in any batch."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

import structgen as sg
from structgen.errors import InputError, ModelError
from structgen.integrations.drafted import Drafted
from structgen.integrations.forward import Single
from structgen.integrations.generator import Generator
from structgen.integrations.lm import TransformersLM
from structgen.sampling import (
    DraftModel,
    EarlierTexts,
    ForcedSpans,
    ForeignModel,
    Masked,
    PromptLookup,
    Speculation,
)
from structgen.sampling.speculation import Draft

HOT = Masked(temperature=1.3)
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}, "ok": {"type": "boolean"}},
    "required": ["name", "age", "ok"],
    "additionalProperties": False,
}
CONSTRAINTS = {
    "schema": SCHEMA,
    "free": None,
    "trigger": sg.Trigger({"a": sg.Regex("[0-9]{1,3};")}),
    "reasoning": sg.reasoning(sg.Choice(["yes", "no"]), start="", end="o"),
    "long": sg.Regex("(the quick (brown|lazy) fox; ){2,4}"),
}
PROMPTS = ['{"name": "Ada", "age": 36}', "the quick brown fox jumps over the lazy dog", "hi", "yes no maybe; 日本"]


@pytest.fixture(scope="module")
def drafters(model, tokenizer):
    """Every drafter; the models are the target itself, whose guesses are right, and one of the same tokens."""
    from tests.integrations.conftest import make_model, make_tokenizer

    other = make_tokenizer()
    vocab = sg.Vocabulary.from_tokenizer(other)
    small = TransformersLM(make_model(len(other) + 24, seed=0))
    foreign = ForeignModel(TransformersLM(make_model(vocab.size + 24, seed=0)), vocab, vocab.encoder(other))
    return {
        "lookup": [PromptLookup(shortest=1)],
        "earlier": [EarlierTexts(shortest=1)],
        "forced, then lookup": [ForcedSpans(), PromptLookup()],
        "itself": [DraftModel(small)],
        "tree": [DraftModel(small, width=3)],
        "drawn tree": [DraftModel(small, draw=True, width=2)],
        "foreign": [foreign],
        "all": [PromptLookup(), EarlierTexts(), foreign],
    }


NAMES = ["lookup", "earlier", "forced, then lookup", "itself", "tree", "foreign", "all"]


@pytest.mark.parametrize("jump", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_the_texts_are_those_without(model, tokenizer, drafters, name, jump):
    gen = Generator(model, tokenizer, jump_forward=jump)
    speculation = Speculation(drafters[name], most=6, adapt=False)
    accepted = 0
    for i, (prompt, constraint) in enumerate(zip([*PROMPTS, PROMPTS[0]], CONSTRAINTS.values(), strict=True)):
        options = {"max_tokens": 30, "sampler": HOT if i % 2 else None, "seed": i}
        plain = gen.generate(prompt, constraint, **options)
        for drafter in drafters[name]:
            if isinstance(drafter, EarlierTexts):
                drafter.add(plain.tokens)
        drafted = gen.generate(prompt, constraint, speculative=speculation, **options)
        assert (drafted.tokens, drafted.reason, drafted.value) == (plain.tokens, plain.reason, plain.value)
        assert drafted.forced_tokens == plain.forced_tokens
        accepted += drafted.accepted_tokens
    assert accepted > 0


def test_drawn_drafts_keep_to_the_constraint_and_the_budget(gen, drafters):
    speculation = Speculation(drafters["drawn tree"], most=6, adapt=False)
    for seed in range(4):
        result = gen.generate("hi", SCHEMA, max_tokens=30, sampler=HOT, seed=seed, speculative=speculation)
        assert result.n_tokens <= 30 and set(result.value) == {"name", "age", "ok"}


@pytest.mark.parametrize("name", ["lookup", "itself", "tree", "all"])
def test_rows_of_a_batch_accept_each_their_own(model, tokenizer, drafters, name):
    gen = Generator(model, tokenizer)
    speculation = Speculation(drafters[name], most=5, adapt=False)
    constraints = [*CONSTRAINTS.values()][:4]
    budgets = [40, 12, 30, 25]
    plain = gen.generate_batch(PROMPTS, constraints, max_tokens=budgets, batch_size=1)
    drafted = gen.generate_batch(PROMPTS, constraints, max_tokens=budgets, batch_size=4, speculative=speculation)
    assert [r.tokens for r in drafted] == [r.tokens for r in plain]
    assert [r.reason for r in drafted] == [r.reason for r in plain]
    assert max(r.passes for r in drafted) < max(r.passes for r in plain)


def test_a_stream_grows_by_what_a_pass_settles(gen):
    plain = [part.text for part in gen.stream(PROMPTS[0], SCHEMA, max_tokens=40)]
    parts = list(gen.stream(PROMPTS[0], SCHEMA, max_tokens=40, speculative=True))
    assert parts[-1].text == plain[-1] and parts[-1].done
    assert all(part.text in plain for part in parts)
    assert json.loads(parts[-1].text) == parts[-1].value


def test_earlier_texts_help_later_ones(gen):
    speculation = Speculation([EarlierTexts()], adapt=False)
    first = gen.generate("hi", SCHEMA, max_tokens=40, speculative=speculation)
    second = gen.generate("hi", SCHEMA, max_tokens=40, speculative=speculation)
    assert second.tokens == first.tokens and second.passes < first.passes


def test_equal_widths_give_equal_logits(model, tokenizer):
    """With passes of one width, how tokens are fed does not show in the logits, not even by rounding."""
    width = len(tokenizer) + 24
    tokens, rows = list(range(5, 45)), []
    for parts in ([1] * 24, [3, 5, 8, 1, 2, 5], [12, 12]):
        forward = Drafted(model, width, 1, pass_width=8)
        forward.start([tokens[:16]])
        at, found = 16, []
        for n in parts:
            draft, place = Draft(), -1
            final = 1 if n <= 8 else n
            for token in tokens[at + final : at + n]:
                place = draft.add(place, token)
            found.append(forward.feed([tokens[at : at + final]], [draft])[0][-1])
            forward.settle([list(range(len(draft)))])
            at += n
        rows.append((np.cumsum(parts) - 1, found))
    want = dict(zip(*rows[0], strict=True))
    for places, found in rows[1:]:
        for place, row in zip(places, found, strict=True):
            assert np.array_equal(row, want[place])


def test_rejected_branches_leave_the_cache(model, tokenizer):
    """After a tree of which one branch was taken, logits are those of that text alone."""
    width = len(tokenizer) + 24
    prompt = [7, 8, 9]
    draft = Draft()
    a, b = draft.add(-1, 20), draft.add(-1, 21)
    c, d = draft.add(b, 22), draft.add(b, 23)
    forward = Drafted(model, width, 1)
    logits = forward.feed([prompt], [draft])[0]
    for place, text in ((-1, []), (a, [20]), (b, [21]), (c, [21, 22]), (d, [21, 23])):
        want = Single(model, width).feed(prompt + text)
        assert np.abs(logits[place + 1] - want).max() < 1e-4
    forward.settle([[b, d]])
    after = forward.feed([[30]], [None])[0][0]
    assert np.abs(after - Single(model, width).feed([*prompt, 21, 23, 30])).max() < 1e-4


def test_pass_width_changes_no_law(model, tokenizer):
    plain, wide = Generator(model, tokenizer), Generator(model, tokenizer, pass_width=4)
    for speculative in (None, True):
        for constraint in CONSTRAINTS.values():
            want = plain.generate(PROMPTS[0], constraint, max_tokens=40)
            got = wide.generate(PROMPTS[0], constraint, max_tokens=40, speculative=speculative)
            assert got.tokens == want.tokens
    assert [r.tokens for r in wide.generate_batch(PROMPTS, SCHEMA, max_tokens=40, batch_size=3)] == [
        r.tokens for r in plain.generate_batch(PROMPTS, SCHEMA, max_tokens=40)
    ]


def test_errors_of_one_row_leave_the_others(gen, monkeypatch):
    from structgen.integrations.decoding import Row

    take, calls = Row.take, []

    def failing(row, logits, branches=None):
        calls.append(row)
        if row.prompt == calls[0].prompt and len(row.tokens) > 4:
            raise ModelError("broken")
        take(row, logits, branches)

    monkeypatch.setattr(Row, "take", failing)
    results = gen.generate_batch(PROMPTS, SCHEMA, max_tokens=40, batch_size=4, speculative=True, on_error="return")
    assert isinstance(results[0], ModelError)
    assert all(set(result.value) == {"name", "age", "ok"} for result in results[1:])


@pytest.mark.parametrize("speculative", ["lookup", 3, [object()], [PromptLookup], object()])
def test_what_is_no_drafter_is_refused(gen, speculative):
    with pytest.raises(InputError):
        gen("hi", re.compile("[0-9]{3}"), max_tokens=9, speculative=speculative)
    with pytest.raises(InputError):
        gen.batch(["hi"], re.compile("[0-9]{3}"), max_tokens=9, speculative=speculative)


def test_samples_with_drafts_are_those_without_in_fewer_passes(gen, model):
    plain, ahead = TransformersLM(model), TransformersLM(model)
    grammar = gen.compile(CONSTRAINTS["long"])
    found = [
        sg.sampling.sample(lm, grammar, prompt=[5, 6, 7], n=4, sampler=sg.sampling.SMC(particles=4), max_tokens=60,
                           speculative=speculative, encode=gen.vocabulary.encoder(gen.tokenizer))
        for lm, speculative in ((plain, None), (ahead, [ForcedSpans()]))
    ]  # fmt: skip
    assert found[0].tokens == found[1].tokens
    assert np.allclose(found[0].log_weights, found[1].log_weights, atol=1e-4)
    assert ahead.passes < plain.passes


def test_contexts_that_begin_others_are_answered_with_them(model):
    contexts = [[5, 6, 7, 8], [5, 6], [9, 9, 9], [5, 6, 7, 8, 1, 2], [5, 6, 1], [5, 6], [4]]
    lm = TransformersLM(model)
    for _ in range(2):  # the second time from the cache
        for context, row in zip(contexts, lm.next_logprobs(contexts), strict=True):
            assert np.abs(row - TransformersLM(model).next_logprobs([context])[0]).max() < 1e-4


def test_samplers_of_whole_texts_refuse_it(gen):
    with pytest.raises(InputError, match="Masked"):
        gen("hi", re.compile("[0-9]{3}"), max_tokens=9, sampler=sg.sampling.CARS(), speculative=True)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"most": "3"}, {"drafters": [3]}])
def test_bad_settings(wrong):
    with pytest.raises(InputError):
        Speculation(**wrong)


def test_caches_that_cannot_be_cut_back_are_refused(model, tokenizer):
    class NoCache(torch.nn.Module):
        config, device, dtype = model.config, model.device, model.dtype

        def get_output_embeddings(self):
            return model.get_output_embeddings()

        def forward(self, input_ids, past_key_values=None, use_cache=True):
            return model(input_ids=input_ids, use_cache=False)

    gen = Generator(NoCache(), tokenizer)
    with pytest.raises(ModelError, match="cut back"):
        gen("hi", re.compile("[0-9]{3}"), max_tokens=9, speculative=True)
