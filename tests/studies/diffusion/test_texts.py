"""The texts of the diffusion study, their constraints and judges, and the denoiser's vocabulary."""

from random import Random

import pytest

import structgen as sg
from structgen.errors import InputError
from structgen.studies.diffusion import texts, tokens, train


@pytest.mark.parametrize("kind", texts.KINDS)
def test_drawn_texts_are_valid_for_the_constraint_and_its_judge(kind):
    random = Random(3)
    grammar = sg.compile(texts.constraint(kind), tokens.vocabulary())
    for i in range(10):
        text = texts.draw(kind, random, i / 9)
        assert texts.text_is_valid(kind, text.encode()), text
        matcher = sg.Matcher(grammar)
        assert matcher.accept_tokens(ids := tokens.encode(text)) == len(ids), text
        assert matcher.is_accepting(), text


@pytest.mark.parametrize("kind", texts.KINDS)
def test_judges_refuse_what_is_cut_short_or_of_another_kind(kind):
    text = texts.draw(kind, Random(4), 0.5)
    cut = text + "(" if kind == "arithmetic" else text[:-1]
    assert not texts.text_is_valid(kind, cut.encode())
    assert not texts.text_is_valid(kind, b"null")
    assert not texts.text_is_valid(kind, b"\xff")
    assert sg.Matcher(sg.compile(texts.constraint(kind), tokens.vocabulary())).accept_bytes(b"null") is False


def test_there_are_twenty_schemas_and_two_grammars():
    assert len(texts.KINDS) == len(set(texts.KINDS)) == 22
    with pytest.raises(InputError, match="no kind"):
        texts.constraint("nonsense")


def test_texts_are_the_same_for_a_seed():
    assert train.drawn(50, 5) == train.drawn(50, 5)
    assert train.drawn(50, 5) != train.drawn(50, 6)


def test_tokens_spell_their_text():
    text = texts.draw("menu", Random(1), 1.0)
    ids = tokens.encode(text)
    assert tokens.decode(ids) == text.encode()
    assert len(ids) < len(text) / 2
    assert tokens.decode([*ids, tokens.EOS, *ids]) == text.encode()
    assert tokens.decode(tokens.encode("é☃")) == "é☃".encode()
    assert tokens.encode("") == []


def test_the_vocabulary_has_bytes_pieces_and_silent_tags():
    vocab = tokens.vocabulary()
    assert vocab.eos_token_ids == (tokens.EOS,)
    assert {bytes([b]) for b in range(256)} <= set(vocab.tokens)
    assert vocab.tokens[tokens.MASK] is None
    assert all(vocab.tokens[tokens.tag(kind)] is None for kind in texts.KINDS)
    assert len({tokens.tag(kind) for kind in texts.KINDS}) == len(texts.KINDS)
    assert sum(text is not None and len(text) > 1 for text in vocab.tokens) == len(tokens.merges()) >= 400


def test_merges_are_learned_by_frequency():
    learned = tokens.learn(["abab abab", "abab"], 3)
    assert learned[:2] == [(b"a", b"b"), (b"ab", b"ab")]


def test_canvases_are_tagged_and_padded():
    corpus = [("point", texts.draw("point", Random(i), 0.5)) for i in range(40)]
    rows = train.canvases(corpus, 0)
    assert sum(len(found) for found in rows.values()) == 40
    for length, found in rows.items():
        assert found.shape[1] == length + 1
        for row in found.tolist():
            assert row[0] == tokens.tag("point")
            ids = [i for i in row[1:] if i != tokens.EOS]
            assert texts.text_is_valid("point", tokens.decode(ids))
            assert row[1 + len(ids) :] == [tokens.EOS] * (length - len(ids))
