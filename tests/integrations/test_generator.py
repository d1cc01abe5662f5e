"""The generator on a small random model: values, seeds, batches, streams, bad input."""

import enum
import itertools
import json
import re
from typing import Literal

import numpy as np
import pytest
import torch
from pydantic import BaseModel, field_validator

import structgen as sg
from structgen.errors import (
    BudgetError,
    InputError,
    ModelError,
    OutputError,
    StructgenError,
    UnsatisfiableError,
    VocabularyError,
)
from structgen.integrations.forward import Lockstep, Single
from structgen.integrations.generator import Generator
from structgen.integrations.results import Result
from structgen.masks.vocabulary import Vocabulary
from structgen.sampling import Masked

HOT = Masked(temperature=1.5)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Toy(BaseModel):
    name: Literal["Ada", "Bob"]
    colour: Colour
    ok: bool


class Picky(BaseModel):
    name: Literal["Ada", "Bob"]

    @field_validator("name")
    @classmethod
    def never(cls, name: str) -> str:
        raise ValueError("no name will do")


# ---------------------------------------------------------------- values


def test_a_type_comes_back_as_its_object(gen):
    toy = gen("hi", Toy)
    assert isinstance(toy, Toy) and isinstance(toy.colour, Colour)


@pytest.mark.parametrize("seed", range(5))
def test_a_schema_comes_back_as_data(gen, seed):
    schema = {"type": "array", "items": {"enum": [1, "two", None]}, "minItems": 1, "maxItems": 3}
    value = gen("hi", schema, sampler=HOT, seed=seed)
    assert 1 <= len(value) <= 3 and all(item in (1, "two", None) for item in value)


def test_other_constraints_come_back_as_text(gen):
    assert re.fullmatch("[0-9]{3}", gen("hi", sg.Regex("[0-9]{3}")))
    assert re.fullmatch("[0-9]{3}", gen("hi", re.compile("[0-9]{3}")))
    assert gen("hi", ["yes", "no"]) in ("yes", "no")
    assert gen("hi", sg.Choice(["yes"]) | sg.Choice(["no"])) in ("yes", "no")
    assert isinstance(gen("hi", max_tokens=4), str)


def test_the_result_tells_the_tokens_and_the_time(gen):
    result = gen.generate("hi", sg.Regex("the quick (brown|lazy) [a-z]{2,5}"), sampler=HOT)
    assert gen.vocabulary.token_bytes(result.tokens).decode() == result.text == result.value
    assert 0 < result.forced_tokens < result.n_tokens
    assert result.seconds_total >= result.seconds_model + result.seconds_constraint > 0
    assert 0 < result.constraint_share < 1 and result.tokens_per_second > 0
    assert result.reason in ("eos", "complete")
    assert result.seconds_compile > 0
    assert gen.generate("hi", sg.Regex("the quick (brown|lazy) [a-z]{2,5}")).seconds_compile == 0


def test_a_text_without_choices_runs_no_model(tokenizer, model):
    gen = Generator(model, tokenizer)
    gen.model = type("Silent", (), {"forward": lambda self, input_ids: None})()  # cannot be called
    assert gen("hi", ["the only one"]) == "the only one"


def test_greedy_is_what_transformers_does_without_a_constraint(gen, model, tokenizer):
    ids = tokenizer("the quick brown", return_tensors="pt")
    wanted = model.generate(
        **ids, max_new_tokens=12, do_sample=False, pad_token_id=3, suppress_tokens=list(range(400, 424))
    )
    result = gen.generate("the quick brown", max_tokens=12, chat=False)
    assert list(result.tokens) == wanted[0, ids["input_ids"].shape[1] :].tolist()[: result.n_tokens]


# ---------------------------------------------------------------- prompts


def test_prompts_may_be_texts_messages_or_ids(gen, tokenizer):
    messages = [{"role": "user", "content": "hi"}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
    options = {"max_tokens": 8, "sampler": HOT}
    assert gen("hi", **options) == gen(messages, **options) == gen(list(ids), **options)
    assert gen.generate("hi", max_tokens=1, chat=False).prompt_tokens < gen.generate("hi", max_tokens=1).prompt_tokens


def test_prompts_that_do_not_fit(gen, model, plain_tokenizer):
    plain = Generator(model, plain_tokenizer)
    assert plain("hi", ["yes"]) == "yes"
    for generator, prompt, options, message in [
        (plain, [{"role": "user", "content": "hi"}], {}, "chat template"),
        (plain, "hi", {"chat": True}, "no chat template"),
        (gen, [{"role": "user", "content": "hi"}], {"chat": False}, "chat=False"),
        (gen, [], {}, "a prompt is"),
        (gen, ["text"], {}, "a prompt is"),
        (gen, "", {"chat": False}, "no tokens"),
        (gen, "x" * 600, {}, "positions"),
        (gen, "hi", {"max_tokens": 0}, "max_tokens"),
        (gen, "hi", {"sampler": "greedy"}, "not a sampler"),
        (gen, "hi", {"seed": -1}, "seed"),
        (gen, "hi", {"constraint": "text"}, "not a constraint"),
    ]:
        with pytest.raises(InputError, match=message):
            generator(prompt, **options)
    with pytest.raises(ModelError, match="token 9999"):
        gen([1, 9999])


def test_a_template_that_raises_is_an_input_error(model, toys):
    tokenizer = toys.tokenizer("{{ raise_exception('roles must alternate') }}")
    with pytest.raises(InputError, match="roles must alternate"):
        Generator(model, tokenizer)("hi")


# ---------------------------------------------------------------- seeds and batches

PROMPTS = ["hi", "the quick brown fox", "no", "a lazy dog", "yes"]
CONSTRAINTS = [sg.Regex("[a-z]{4,9}"), None, Toy, ["maybe", "yes no"], sg.Regex("[0-9]{2,6}x")]


def test_the_same_seed_gives_the_same_text_whatever_the_batch(gen):
    together = gen.batch(PROMPTS, CONSTRAINTS, sampler=HOT, seed=7, max_tokens=30)
    for i, (prompt, constraint) in enumerate(zip(PROMPTS, CONSTRAINTS, strict=True)):
        assert gen(prompt, constraint, sampler=HOT, seed=(7, i), max_tokens=30) == together[i]
    fewer = gen.batch(PROMPTS[:2], CONSTRAINTS[:2], sampler=HOT, seed=7, max_tokens=30)
    assert fewer == together[:2]
    others = gen.batch(["another"] * 2 + PROMPTS[2:], [None] * 2 + CONSTRAINTS[2:], sampler=HOT, seed=7, max_tokens=30)
    assert others[2:] == together[2:]


def test_seeds_differ(gen):
    texts = {gen("hi", sg.Regex("[a-z]{8}"), sampler=HOT, seed=seed) for seed in range(6)}
    assert len(texts) == 6
    assert len(set(gen.batch(["hi"] * 6, sg.Regex("[a-z]{8}"), sampler=HOT))) == 6


def test_greedy_draws_nothing(gen):
    assert len({gen("hi", sg.Regex("[a-z]{8}"), seed=seed) for seed in range(4)}) == 1


@pytest.mark.parametrize("size", [2, 3, 8])
def test_rows_in_lockstep_are_in_their_languages(gen, size):
    results = gen.generate_batch(PROMPTS, CONSTRAINTS, sampler=HOT, batch_size=size, max_tokens=[9, 12, 40, 10, 7])
    word, free, toy, choice, number = (result.value for result in results)
    assert re.fullmatch("[a-z]{4,9}", word) and re.fullmatch("[0-9]{2,6}x", number)
    assert isinstance(free, str) and isinstance(toy, Toy) and choice in CONSTRAINTS[3]
    for result, most in zip(results, [9, 12, 40, 10, 7], strict=True):
        assert gen.vocabulary.token_bytes([t for t in result.tokens if t > 3]).decode(errors="replace") == result.text
        assert result.n_tokens <= most and result.seconds_model >= 0


def test_lockstep_has_the_logits_of_single_rows(model):
    """Rows of different lengths, rows that leave: the same numbers up to rounding."""
    width = model.config.vocab_size
    prompts = [[5, 6, 7], [9], [11, 12, 13, 14, 15, 16]]
    more = [[20, 21, 22, 23], [30, 31, 32, 33], [40, 41, 42, 43]]
    singles = [Single(model, width) for _ in prompts]
    together = Lockstep(model, width)
    expected = np.stack([single.feed(prompt) for single, prompt in zip(singles, prompts, strict=True)])
    np.testing.assert_allclose(together.start(prompts), expected, atol=2e-4)
    rows = [0, 1, 2]
    for step in range(4):
        if step == 2:
            together.keep([0, 2])
            rows = [0, 2]
        expected = np.stack([singles[row].feed([more[row][step]]) for row in rows])
        np.testing.assert_allclose(together.feed([more[row][step] for row in rows]), expected, atol=2e-4)


def test_a_model_without_a_cache_gets_the_whole_text(model):
    class NoCache(torch.nn.Module):
        config = model.config
        device = model.device

        def forward(self, input_ids, past_key_values=None, use_cache=True, **rest):
            assert past_key_values is None
            result = model(input_ids=input_ids, use_cache=False)
            result.past_key_values = None
            return result

    width = model.config.vocab_size
    one, other = Single(NoCache(), width), Single(model, width)
    for tokens in ([5, 6, 7], [8], [9, 10]):
        np.testing.assert_allclose(one.feed(tokens), other.feed(tokens), atol=2e-4)
    with pytest.raises(ModelError, match="no cache"):
        Lockstep(NoCache(), width).start([[1], [2, 3]])


def test_one_constraint_and_one_budget_for_all(gen):
    assert gen.batch(["a", "b"], sg.Regex("[0-9]"), max_tokens=1) == [
        gen("a", sg.Regex("[0-9]")),
        gen("b", sg.Regex("[0-9]")),
    ]
    assert gen.batch([], Toy) == []


def test_a_batch_keeps_the_rows_that_worked(gen):
    constraints = [sg.Regex("[0-9]{3}"), sg.Regex("("), Picky, {"enum": []}, sg.Regex("a{50}"), ["x"]]
    for size in (1, 4):
        values = gen.batch(["p"] * 6, constraints, max_tokens=20, on_error="return", batch_size=size)
        assert re.fullmatch("[0-9]{3}", values[0]) and values[5] == "x"
        assert isinstance(values[1], StructgenError) and isinstance(values[3], StructgenError)
        assert isinstance(values[2], OutputError) and "no name will do" in str(values[2])
        assert isinstance(values[4], BudgetError)
    with pytest.raises(StructgenError):
        gen.batch(["p"] * 6, constraints, max_tokens=20)
    with pytest.raises(OutputError):
        gen.batch(["p"] * 2, [["x"], Picky])


@pytest.mark.parametrize("speculative", [False, True])
def test_a_model_that_raises_stops_the_rows_that_run_together(gen, model, speculative):
    prompts, options = ["a", "b", "fail", "d", "e"], {"max_tokens": 20, "batch_size": 2, "speculative": speculative}
    wanted = gen.batch(prompts, sg.Regex("[a-z]{3}[0-9]{3}"), **options)

    def fail(_, args, kwargs):
        if any("fail" in text for text in gen.tokenizer.batch_decode(kwargs["input_ids"])):
            raise RuntimeError("out of memory")

    hook = model.register_forward_pre_hook(fail, with_kwargs=True)
    try:
        with pytest.raises(RuntimeError, match="out of memory"):
            gen.batch(prompts, sg.Regex("[a-z]{3}[0-9]{3}"), **options)
        found = gen.batch(prompts, sg.Regex("[a-z]{3}[0-9]{3}"), on_error="return", **options)
    finally:
        hook.remove()
    assert [value for i, value in enumerate(found) if i not in (2, 3)] == [wanted[i] for i in (0, 1, 4)]
    assert all(isinstance(found[i], sg.errors.ModelError) and "out of memory" in str(found[i]) for i in (2, 3))


def test_batch_arguments_that_do_not_fit(gen):
    for arguments, options, message in [
        (("one text", None), {}, "one text"),
        ((["a", "b"], [None]), {}, "1 constraints for 2 prompts"),
        ((["a", "b"], None), {"max_tokens": [1]}, "1 max_tokens for 2 prompts"),
        ((["a"], None), {"on_error": "ignore"}, "on_error"),
        ((["a"], None), {"batch_size": 0}, "batch_size"),
    ]:
        with pytest.raises(InputError, match=message):
            gen.batch(*arguments, **options)


# ---------------------------------------------------------------- budgets


@pytest.mark.parametrize("jump", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_tight_budgets_still_give_whole_objects(model, tokenizer, jump, seed):
    gen = Generator(model, tokenizer, jump_forward=jump)
    grammar = gen.compile(Toy)
    needed = grammar.min_tokens_left(grammar.start)
    for spare in range(3):
        result = gen.generate("hi", Toy, max_tokens=needed + spare, sampler=HOT, seed=seed)
        assert isinstance(result.value, Toy) and result.n_tokens <= needed + spare
    with pytest.raises(BudgetError, match=f"up to {needed} tokens"):
        gen("hi", Toy, max_tokens=needed - 1)


# ---------------------------------------------------------------- streams


def test_a_stream_grows_to_the_object(gen):
    parts = list(gen.stream("hi", Toy, sampler=HOT, seed=3))
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    final = parts[-1]
    assert final.value == gen("hi", Toy, sampler=HOT, seed=3)
    assert final.data == json.loads(final.text) and all(part.value is None for part in parts[:-1])
    for before, after in itertools.pairwise(parts):
        assert after.text.startswith(before.text)
        assert (before.data or {}).items() <= (after.data or {}).items()
    assert any(part.data and part.data != final.data for part in parts)


def test_a_stream_of_text_shows_whole_characters(gen):
    parts = list(gen.stream("hi", sg.Regex("[日本🙂é]{6}"), sampler=HOT))
    assert len(parts) > 3 and all(part.data is None for part in parts)
    assert all("�" not in part.text for part in parts)
    assert parts[-1].value == parts[-1].text


def test_a_stream_shows_growing_strings_if_asked(gen):
    schema = {"type": "object", "properties": {"s": {"type": "string", "pattern": "^[a-z]{12}$"}}, "required": ["s"],
              "additionalProperties": False}  # fmt: skip
    seen = [part.data.get("s") for part in gen.stream("hi", schema, sampler=HOT, growing_strings=True) if part.data]
    grown = [text for text in seen if text is not None]
    assert len(set(grown)) > 2 and all(grown[-1].startswith(text) for text in grown)
    seen = [part.data.get("s") for part in gen.stream("hi", schema, sampler=HOT) if part.data]
    assert {text for text in seen if text is not None} == {grown[-1]}


def test_a_stream_checks_its_arguments_at_once_and_the_object_last(gen):
    with pytest.raises(BudgetError):
        gen.stream("hi", Toy, max_tokens=1)
    stream = gen.stream("hi", Picky)
    with pytest.raises(OutputError):
        list(stream)


# ---------------------------------------------------------------- models and vocabularies


def test_grammars_are_kept(gen):
    assert gen.compile(Toy) is gen.compile(Toy)
    assert gen.compile({"enum": [1]}) is gen.compile({"enum": [1]}) is not gen.compile({"enum": [2]})
    assert gen.compile(sg.JsonSchema(Toy)) is not gen.compile(sg.JsonSchema(Toy, whitespace="compact"))
    assert gen.compile(sg.Regex("a")) is gen.compile(sg.Regex("a")) is not gen.compile(re.compile("a"))


def test_old_grammars_are_dropped(model, tokenizer):
    gen = Generator(model, tokenizer, cached_grammars=2)
    first = gen.compile(["a"])
    gen.compile(["b"])
    assert gen.compile(["a"]) is first
    gen.compile(["c"])
    assert gen.compile(["a"]) is first
    gen.compile(["d"])
    gen.compile(["e"])
    assert gen.compile(["a"]) is not first


def test_the_vocabulary_must_be_as_wide_as_the_logits(model, tokenizer):
    with pytest.raises(ModelError, match="logits are 424 wide"):
        Generator(model, tokenizer, vocabulary=Vocabulary.from_tokenizer(tokenizer))
    given = Generator(model, tokenizer, vocabulary=Vocabulary.from_tokenizer(tokenizer, size=424))
    assert given.vocabulary == Generator(model, tokenizer).vocabulary


def test_a_model_whose_logits_turn_out_otherwise(model, tokenizer, toys):
    gen = Generator(model, tokenizer)
    gen.model = toys.model(500)
    with pytest.raises(ModelError, match="500 logits"):
        gen("hi", sg.Regex("[a-z]{3}"))


def test_a_tokenizer_wider_than_the_model(tokenizer, toys):
    gen = Generator(toys.model(300), tokenizer)
    assert gen.vocabulary.size == 300
    assert re.fullmatch("[a-z]{3}", gen([5, 6], sg.Regex("[a-z]{3}")))


def test_models_that_are_not_causal(tokenizer):
    class Config:
        is_encoder_decoder = True

    class Model:
        config = Config()

    with pytest.raises(ModelError, match="encoder-decoder"):
        Generator(Model(), tokenizer)
    with pytest.raises(ModelError, match="how wide"):
        Generator(object(), tokenizer)


def test_an_unknown_tokenizer(model):
    with pytest.raises(VocabularyError):
        Generator(model, object())


def test_broken_logits_are_an_error(model, tokenizer):
    import copy

    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.lm_head.weight.fill_(float("nan"))
    gen = Generator(broken, tokenizer)
    with pytest.raises(ModelError, match="NaN"):
        gen("hi", sg.Regex("[a-z]{3}"))
    values = gen.batch(["a", "b"], [sg.Regex("[a-z]{3}"), ["forced"]], on_error="return", batch_size=2)
    assert isinstance(values[0], ModelError) and values[1] == "forced"


def test_results_are_results(gen):
    assert all(isinstance(result, Result) for result in gen.generate_batch(["a"], [["x"]]))
    with pytest.raises(UnsatisfiableError):
        gen("hi", sg.Regex("a") & sg.Regex("b"))
