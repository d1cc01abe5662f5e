"""Sampling with transformers models: the cache under the samplers, and the generator's samples."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import InputError, OutputError
from structgen.integrations.lm import TransformersLM

SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "n": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["ok", "n"],
    "additionalProperties": False,
}


def from_scratch(model, contexts):
    rows = []
    with torch.inference_mode():
        for context in contexts:
            logits = model(input_ids=torch.tensor([context])).logits[0, -1].double()
            rows.append(torch.log_softmax(logits, -1).numpy())
    return np.array(rows)


CONTEXTS = st.lists(st.integers(0, 3), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(calls=st.lists(st.lists(CONTEXTS, min_size=1, max_size=4), min_size=1, max_size=6), rows=st.sampled_from([1, 3]))
def test_the_cache_changes_no_number(model, calls, rows):
    """Whatever is asked in whatever order: forks, drops, shorter contexts, other lengths."""
    lm = TransformersLM(model, max_rows=rows)
    for contexts in calls:
        assert np.allclose(lm.next_logprobs(contexts), from_scratch(model, contexts), atol=1e-4)


def test_a_pass_that_was_broken_off_is_not_in_the_cache(model):
    lm = TransformersLM(model)
    lm.next_logprobs([[1, 2, 3]])
    head = model.lm_head.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        with pytest.raises(KeyboardInterrupt):
            lm.next_logprobs([[1, 2, 0, 1]])  # all layers have seen it
    finally:
        head.remove()
    for contexts in ([[1, 2, 0, 1, 3]], [[1, 2, 3]]):
        assert np.allclose(lm.next_logprobs(contexts), from_scratch(model, contexts), atol=1e-4)


def test_the_cache_saves_work(model):
    lm = TransformersLM(model)
    prompt = list(range(4, 40))
    lm.next_logprobs([prompt])
    lm.next_logprobs([[*prompt, i] for i in range(3)])
    lm.next_logprobs([[*prompt, 1, 5], [*prompt, 1, 6]])  # two children of one row
    lm.next_logprobs([prompt])
    assert lm.positions == 36 + 3 + 2 + 1
    fresh = TransformersLM(model)
    fresh.next_logprobs([[*prompt, i] for i in range(3)])
    assert fresh.positions == 36 + 3


@pytest.mark.parametrize(
    "sampler",
    [None, sg.sampling.CARS(max_attempts=3), sg.sampling.ASAp(), sg.sampling.SMC(particles=4), sg.sampling.MCMC(2)],
    ids=lambda sampler: type(sampler).__name__,
)
def test_samples_are_objects_with_weights(gen, sampler):
    drawn = gen.sample("Write JSON.", SCHEMA, n=4, sampler=sampler, max_tokens=30, seed=1)
    for value, weight in zip(drawn.values, drawn.log_weights, strict=True):
        if weight > -np.inf:
            assert isinstance(value["ok"], bool) and 0 <= value["n"] <= 9
    assert drawn.samples.forward_passes > 0
    again = gen.sample("Write JSON.", SCHEMA, n=4, sampler=_fresh(sampler), max_tokens=30, seed=1)
    assert again.texts == drawn.texts


def _fresh(sampler):
    """What is learnt belongs to one sampler object; another begins anew."""
    if isinstance(sampler, sg.sampling.CARS):
        return sg.sampling.CARS(max_attempts=3)
    return sg.sampling.ASAp() if isinstance(sampler, sg.sampling.ASAp) else sampler


def test_one_text_by_a_population(gen):
    predicate = sg.Predicate(None, lambda text: json.loads(text)["n"] >= 5)
    sampler = sg.sampling.AWRS(particles=6)
    value = gen("Write JSON.", SCHEMA, sampler=sampler, max_tokens=30, predicate=predicate, seed=3)
    assert value["n"] >= 5
    never = sg.Predicate(None, lambda text: False)
    with pytest.raises(OutputError, match="alive"):
        gen("Write JSON.", SCHEMA, sampler=sampler, max_tokens=30, predicate=never)
    with pytest.raises(InputError, match="sampler"):
        gen("Write JSON.", SCHEMA, max_tokens=30, predicate=predicate)


def test_equal_objects_are_merged(gen):
    drawn = gen.sample("Write JSON.", SCHEMA, n=12, sampler=sg.sampling.SMC(), max_tokens=30)
    posterior = drawn.posterior()
    names = [json.dumps(value, sort_keys=True) for value, _ in posterior]
    assert len(names) == len(set(names))
    assert sum(chance for _, chance in posterior) == pytest.approx(1.0)
    assert [chance for _, chance in posterior] == sorted((chance for _, chance in posterior), reverse=True)


def test_samples_can_be_looked_at(gen, tmp_path):
    drawn = gen.sample("Write <b>.", sg.Choice(["<i>", "no"]), n=5, sampler=sg.sampling.SMC(particles=2))
    page = drawn.html(tmp_path / "samples.html")
    assert (tmp_path / "samples.html").read_text() == page
    assert "<i>" not in page.split("<table>")[1]
    assert page.count("<tr>") == 6
    pytest.importorskip("matplotlib")
    drawn.plot(tmp_path / "samples.png")
    assert (tmp_path / "samples.png").stat().st_size > 1000
