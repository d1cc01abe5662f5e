"""A row driven by made-up logits: budgets, forced text, canonical tokens. No model takes part."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import BudgetError
from structgen.integrations.decoding import Row
from structgen.masks.vocabulary import Vocabulary
from structgen.sampling import GREEDY, Masked
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward, whole_characters

PATTERNS = [
    r'\{"name": "[a-z]{1,8}", "age": [0-9]{1,3}\}',
    r'\{"city": "(Paris|Parma|Oslo)", "ok": (true|false)\}',
    r"(yes|yesterday|no|nothing)( maybe)*",
    r"the quick (brown|black) fox jumps( over the lazy (dog|cat))?",
    r"[日本é🙂]{1,3}x",
    r"a{3,40}",
    r"the quick brown fox jumps over the lazy dog",
]


@pytest.fixture(scope="module")
def toy(tokenizer):
    vocab = Vocabulary.from_tokenizer(tokenizer)
    encode = vocab.encoder(tokenizer)
    grammars = {pattern: sg.compile(sg.Regex(pattern), vocab) for pattern in PATTERNS}
    return vocab, encode, grammars


def drive(row, logits):
    """Run a row to its end on ``logits(row)``."""
    while row.reason is None:
        row.to_feed()
        row.take(logits(row))
    return row


def make(toy, pattern, *, jump=True, max_tokens=64, sampler=GREEDY, seed=0, prompt=()):
    vocab, encode, grammars = toy
    grammar = grammars[pattern]
    return Row(
        list(prompt) or [1],
        vocab,
        grammar=grammar,
        max_tokens=max_tokens,
        sampler=sampler,
        draws=Draws(seed),
        jump=JumpForward(grammar, encode) if jump else None,
    )


@given(st.sampled_from(PATTERNS), st.integers(0, 10**6), st.booleans(), st.integers(0, 12))
def test_any_walk_ends_in_the_language_within_its_budget(toy, pattern, seed, jump, spare):
    vocab, _, grammars = toy
    budget = grammars[pattern].min_tokens_left(grammars[pattern].start) + spare
    rng = np.random.default_rng(seed)
    row = make(toy, pattern, jump=jump, max_tokens=budget, sampler=Masked(temperature=2.0), seed=seed)
    drive(row, lambda _: rng.normal(size=vocab.size))
    assert re.fullmatch(pattern, row.text.decode())
    assert len(row.tokens) <= budget
    assert row.text == vocab.token_bytes(row.tokens)


@given(st.sampled_from(PATTERNS), st.data())
def test_a_model_that_writes_canonical_tokens_is_not_led_astray(toy, pattern, data):
    """The model wants a text of the language, spelt as the tokenizer spells it: jumping ahead does not change that."""
    vocab, encode, _ = toy
    text = data.draw(st.from_regex(pattern, fullmatch=True))
    wanted = encode(text)

    def logits(row):
        assert row.tokens == wanted[: len(row.tokens)]
        scores = np.zeros(vocab.size)
        here = len(row.tokens)
        scores[wanted[here] if here < len(wanted) else vocab.eos_token_ids[0]] = 1.0
        return scores

    row = drive(make(toy, pattern, max_tokens=200), logits)
    assert row.text.decode() == text
    assert row.tokens == wanted


@given(st.sampled_from(PATTERNS), st.integers(0, 10**6))
def test_forced_tokens_never_change_what_was_emitted(toy, pattern, seed):
    vocab, _, _ = toy
    rng = np.random.default_rng(seed)
    row = make(toy, pattern, sampler=Masked(), seed=seed)
    seen = []
    while row.reason is None:
        seen += row.to_feed()
        assert seen == row.prompt + row.tokens
        row.take(rng.normal(size=vocab.size))
    assert (row.prompt + row.tokens)[: len(seen)] == seen


def test_a_text_with_no_choices_needs_no_model(toy):
    vocab, encode, _ = toy
    text = "the quick brown fox jumps over the lazy dog"
    row = make(toy, text)
    assert row.reason == "complete"
    assert row.tokens == encode(text)
    assert row.n_forced == len(row.tokens)


def test_without_jumping_every_token_is_asked_of_the_model(toy):
    vocab, _, _ = toy
    row = make(toy, "the quick brown fox jumps over the lazy dog", jump=False)
    asked = []
    drive(row, lambda row: asked.append(1) or np.zeros(vocab.size))
    assert len(asked) == len(row.tokens) and row.n_forced == 0 and row.reason == "complete"


def test_forced_text_continues_the_last_word_of_the_prompt(toy, tokenizer):
    """Tokens are those of prompt and text together, as far as the prompt's own tokens permit."""
    vocab, encode, _ = toy
    prompt = encode("the quick")
    pattern = " brown fox"
    grammar = sg.compile(sg.Regex(pattern), vocab)
    row = Row(
        prompt, vocab, grammar=grammar, max_tokens=9, sampler=GREEDY, draws=Draws(0), jump=JumpForward(grammar, encode)
    )
    assert prompt + row.tokens == encode("the quick brown fox")


def test_jumping_stops_where_a_longer_token_could_begin():
    vocab = Vocabulary([b"a", b"b", b"c", b"ab", b"bc", None], eos_token_ids=[5])
    grammar = sg.compile(sg.Regex("ab(c|a)"), vocab)
    assert grammar.forced_bytes(grammar.start) == b"ab"
    # "b" might become "bc", so only "a" is settled; with "ab" as one token nothing reaches past it
    assert JumpForward(grammar, lambda text: [0, 1])(grammar.start, [])[0] == [0]
    assert JumpForward(grammar, lambda text: [3])(grammar.start, [])[0] == [3]


def test_a_budget_too_small_is_refused_before_the_first_token(toy):
    with pytest.raises(BudgetError, match="needs up to") as caught:
        make(toy, PATTERNS[0], max_tokens=3)
    needed = int(re.search(r"\d+", caught.value.hint)[0])
    assert len(drive(make(toy, PATTERNS[0], max_tokens=needed), lambda _: np.zeros(toy[0].size)).tokens) <= needed


def test_a_model_that_never_stops_is_stopped_in_time(toy):
    vocab, _, grammars = toy
    a = vocab.byte_token[ord("a")]
    scores = np.zeros(vocab.size)
    scores[a] = 9.0
    for budget in range(3, 12):
        row = drive(make(toy, r"a{3,40}", max_tokens=budget), lambda _: scores)
        assert re.fullmatch("a{3,40}", row.text.decode()) and len(row.tokens) <= budget


def test_free_rows_end_at_eos_or_the_budget(toy):
    vocab, _, _ = toy
    scores = np.zeros(vocab.size)
    scores[vocab.byte_token[ord("x")]] = 1.0
    row = Row([1], vocab, grammar=None, max_tokens=5, sampler=GREEDY, draws=Draws(0))
    assert drive(row, lambda _: scores).reason == "length" and row.text == b"xxxxx"
    row = Row([1], vocab, grammar=None, max_tokens=5, sampler=GREEDY, draws=Draws(0))
    scores = np.zeros(vocab.size)
    scores[vocab.eos_token_ids[0]] = 1.0
    assert drive(row, lambda _: scores).reason == "eos" and row.tokens == []


def test_time_is_counted(toy):
    vocab, _, _ = toy
    row = drive(make(toy, PATTERNS[0]), lambda _: np.zeros(vocab.size))
    assert row.seconds_constraint > 0 and row.seconds_sampling > 0


@given(st.text(max_size=4), st.integers(0, 12))
def test_whole_characters(text, n):
    data = text.encode()[:n]
    whole = whole_characters(data)
    assert data.startswith(whole) and len(data) - len(whole) < 4
    assert text.startswith(whole.decode())
    assert whole == data or len(text.encode()) > len(whole)
