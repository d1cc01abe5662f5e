"""The logits processor within ``generate``: greedy, sampled, beams, several constraints, reuse."""

import re

import pytest
import torch

import structgen as sg
from structgen import bits
from structgen.errors import BudgetError, InputError, ModelError, TokenRefusedError
from structgen.integrations.transformers import StructgenLogitsProcessor
from structgen.masks.vocabulary import Vocabulary

PATTERN = r'\{"name": "[a-z]{1,4}"\}'


@pytest.fixture(scope="module")
def vocab(tokenizer, model):
    return Vocabulary.from_tokenizer(tokenizer, size=model.config.vocab_size)


@pytest.fixture(scope="module")
def grammar(vocab):
    return sg.compile(sg.Regex(PATTERN), vocab)


def run(model, tokenizer, prompts, processor, **options):
    torch.manual_seed(0)
    batch = tokenizer(prompts, return_tensors="pt", padding=True)
    options = {"max_new_tokens": 30, "do_sample": False, "pad_token_id": 3} | options
    out = model.generate(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], logits_processor=[processor], **options
    )
    texts = []
    for row in out[:, batch["input_ids"].shape[1] :].tolist():
        ids = row[: row.index(0)] if 0 in row else row
        texts.append(processor.vocabulary.token_bytes(t for t in ids if 3 < t < 400).decode(errors="replace"))
    return texts


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_sample": True, "temperature": 1.5, "top_k": 0},
        {"num_beams": 3},
        {"num_beams": 4, "num_return_sequences": 4},
        {"num_beams": 3, "do_sample": True},
        {"do_sample": True, "num_return_sequences": 3},
    ],
    ids=["greedy", "sampled", "beams", "all beams", "sampled beams", "return sequences"],
)
def test_texts_are_in_the_language(model, tokenizer, grammar, options):
    processor = StructgenLogitsProcessor(grammar, max_new_tokens=30)
    prompts = ["hi", "the quick brown fox", "no"]
    texts = run(model, tokenizer, prompts, processor, **options)
    assert len(texts) == 3 * options.get("num_return_sequences", 1)
    assert all(re.fullmatch(PATTERN, text) for text in texts), texts


def test_it_is_reused_and_agrees_with_a_new_one(model, tokenizer, grammar):
    used = StructgenLogitsProcessor(grammar)
    calls = [["hi"], ["hi"], ["hi", "the lazy dog"], ["longer prompt"]]
    for prompts in calls:
        fresh = StructgenLogitsProcessor(grammar)
        for sample in (False, True):
            assert run(model, tokenizer, prompts, used, do_sample=sample) == run(
                model, tokenizer, prompts, fresh, do_sample=sample
            )


def test_each_prompt_has_its_own_constraint(model, tokenizer):
    patterns = [sg.Choice(["yes", "no"]), None, sg.Regex("[0-9]{4}"), re.compile("(ab)+c")]
    processor = StructgenLogitsProcessor(patterns, tokenizer, size=model.config.vocab_size, max_new_tokens=12)
    for options in ({}, {"num_beams": 2}, {"do_sample": True}):
        yes, free, year, abc = run(model, tokenizer, ["a", "b", "c", "d"], processor, max_new_tokens=12, **options)
        assert yes in ("yes", "no")
        assert re.fullmatch("[0-9]{4}", year) and re.fullmatch("(ab)+c", abc)
    alone = run(model, tokenizer, ["b"], StructgenLogitsProcessor(None, tokenizer, size=model.config.vocab_size),
                max_new_tokens=12)  # fmt: skip
    together = run(model, tokenizer, ["a", "b", "c", "d"], processor, max_new_tokens=12)
    assert together[1] == alone[0]  # a free row is not touched


@pytest.mark.parametrize("budget", [3, 4, 5, 8])
@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"do_sample": True, "temperature": 3.0}])
def test_texts_are_complete_within_the_budget(model, tokenizer, budget, options):
    pattern = "a{3,30}"
    processor = StructgenLogitsProcessor(
        sg.Regex(pattern), tokenizer, size=model.config.vocab_size, max_new_tokens=budget
    )
    texts = run(model, tokenizer, ["x", "yy"], processor, max_new_tokens=budget, **options)
    assert all(re.fullmatch(pattern, text) for text in texts), texts


def test_rows_may_come_in_any_order(vocab):
    """States go by the tokens: reordered and repeated rows get the masks of their own texts."""
    grammar = sg.compile(sg.Regex("(ab|cd)*e"), vocab)
    processor = StructgenLogitsProcessor(grammar)
    steps = [["", "", ""], ["a", "c", "a"], ["cd", "ab", "cd"], ["abe", "cda", "cda"], ["cdab", "cdab", "cdab"]]
    for texts in steps:
        rows = torch.tensor([[9, 8, *(vocab.byte_token[b] for b in text.encode())] for text in texts])
        scores = processor(rows, torch.zeros(3, vocab.size))
        for text, row in zip(texts, scores, strict=True):
            state = grammar.advance_bytes(grammar.start, text.encode())
            assert (torch.isfinite(row).numpy() == bits.unpack(grammar.mask(state), vocab.size)).all()


def test_scores_are_masked_bit_for_bit(vocab, grammar):
    processor = StructgenLogitsProcessor(grammar)
    scores = torch.randn(1, vocab.size)
    masked = processor(torch.tensor([[5, 6]]), scores)
    allowed = bits.unpack(grammar.mask(grammar.start), vocab.size)
    assert (torch.isfinite(masked[0]).numpy() == allowed).all()
    assert torch.equal(masked[0][torch.from_numpy(allowed)], scores[0][torch.from_numpy(allowed)])
    wider = processor(torch.tensor([[5, 6]]), torch.zeros(1, vocab.size + 40))
    assert not torch.isfinite(wider[0, vocab.size :]).any()


def test_finished_rows_may_only_end(vocab):
    processor = StructgenLogitsProcessor([sg.Choice(["no"]), None], vocab)
    n, o, eos = vocab.byte_token[ord("n")], vocab.byte_token[ord("o")], vocab.eos_token_ids[0]
    done, going = [9, 9, int(n), int(o), eos, 3, 3], [9, 9, *[int(vocab.byte_token[ord("a")])] * 5]
    for length in range(2, 8):
        rows = torch.tensor([done[:length], going[:length]])
        scores = processor(rows, torch.zeros(2, vocab.size))
    assert torch.isfinite(scores[0]).nonzero().flatten().tolist() == [eos]


def test_a_refused_token_is_named(vocab, grammar):
    processor = StructgenLogitsProcessor(grammar)
    processor(torch.tensor([[9, 9]]), torch.zeros(1, vocab.size))
    with pytest.raises(TokenRefusedError, match="does not allow") as caught:
        processor(torch.tensor([[9, 9, int(vocab.byte_token[ord("z")])]]), torch.zeros(1, vocab.size))
    assert "row 0" in caught.value.where


def test_the_prompt_length_may_be_given(vocab, grammar):
    processor = StructgenLogitsProcessor(grammar, prompt_length=1)
    ids = [7, *(int(vocab.byte_token[b]) for b in b'{"name": "')]
    scores = processor(torch.tensor([ids]), torch.zeros(1, vocab.size))  # in the midst of a generation
    state = grammar.advance_bytes(grammar.start, b'{"name": "')
    assert (torch.isfinite(scores[0]).numpy() == bits.unpack(grammar.mask(state), vocab.size)).all()
    with pytest.raises(InputError, match="prompt_length"):
        StructgenLogitsProcessor(grammar, prompt_length=5)(torch.tensor([[1, 2]]), torch.zeros(1, vocab.size))


def test_arguments_that_do_not_fit(vocab, grammar, tokenizer):
    with pytest.raises(ModelError, match="logits"):
        StructgenLogitsProcessor(grammar)(torch.tensor([[1]]), torch.zeros(1, vocab.size - 1))
    with pytest.raises(InputError, match="2 constraints for 3 rows"):
        StructgenLogitsProcessor([grammar, grammar])(torch.ones(3, 1, dtype=torch.int64), torch.zeros(3, vocab.size))
    with pytest.raises(InputError, match="need the tokenizer"):
        StructgenLogitsProcessor(sg.Regex("a"))
    with pytest.raises(InputError, match="different vocabularies"):
        StructgenLogitsProcessor(grammar, tokenizer)  # narrower than the model's logits
    with pytest.raises(InputError, match="no constraints"):
        StructgenLogitsProcessor([])
    with pytest.raises(BudgetError, match="max_new_tokens is 2"):
        StructgenLogitsProcessor(grammar, max_new_tokens=2)


def test_it_says_that_it_does_not_do_continuous_batching():
    assert StructgenLogitsProcessor.supports_continuous_batching is False


def test_half_precision_scores(vocab, grammar):
    for dtype in (torch.float16, torch.bfloat16):
        scores = StructgenLogitsProcessor(grammar)(torch.tensor([[1]]), torch.zeros(1, vocab.size, dtype=dtype))
        assert scores.dtype == dtype and torch.isfinite(scores).any()
