"""The loop, the judges and the baselines of the diffusion study, on models that say anything."""

from functools import cache

import numpy as np
import pytest

import structgen as sg
from structgen.infill.protocol import MASK
from structgen.studies.diffusion import lookahead, texts, tokens
from structgen.studies.diffusion.baselines import (
    Anything,
    Exactly,
    Unbounded,
    fill_by_law,
    fill_next_token,
    supports_unbounded,
)
from structgen.studies.diffusion.filling import BLOCK, ORDERS, Proposals, fill
from structgen.studies.diffusion.lookahead import Lookahead, fill_with_lookahead

V = tokens.vocabulary().size
SILENT = [i for i, text in enumerate(tokens.vocabulary().tokens) if text is None and i != tokens.EOS]
#: kind: slots of its canvases; those that nest are asked about fewer, for every new state costs them time.
KINDS = {"point": 24, "event": 24, "arithmetic": 6}


def rng(seed):
    return np.random.default_rng(seed)


def anyone(seed):
    """A model that says something else of each canvas, and dislikes the end."""

    def logits(canvas):
        found = rng([seed, *(canvas + 1).tolist()]).normal(scale=3.0, size=(len(canvas), V)).astype(np.float32)
        found[:, SILENT] = -np.inf
        return found

    return logits


@cache
def grammar(kind):
    return sg.compile(texts.constraint(kind), tokens.vocabulary())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_exact_judge_never_dies_and_its_texts_are_valid(kind, order):
    length = KINDS[kind]
    for seed in range(2):
        done = fill(anyone(seed), length, Exactly(grammar(kind), length), order, 3, 1.0, rng(seed))
        assert not done.dead
        assert len(done.tokens) == length
        assert texts.text_is_valid(kind, done.text), done.text
        assert done.forward_passes <= 8
        assert len(done.frames) == done.forward_passes
        assert sum(len(frame.refused) for frame in done.frames) == done.refused


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ORDERS)
def test_decoding_by_law_is_valid_too(kind, order):
    done = fill_by_law(anyone(1), grammar(kind), KINDS[kind], order, 4, 1.0, 5)
    assert texts.text_is_valid(kind, done.text), done.text
    assert len(done.tokens) == KINDS[kind]
    assert done.model_seconds > 0


def test_what_is_not_judged_is_what_the_model_says():
    said = tokens.encode('{"x": 1}')

    def model(canvas):
        return np.eye(V, dtype=np.float32)[[*said, *[tokens.EOS] * (16 - len(said))]] * 20

    for order in ORDERS:
        done = fill(model, 16, Anything(), order, 5, 0.0, rng(0))
        assert done.text == b'{"x": 1}'
        assert (done.refused, done.dead) == (0, False)


def test_an_end_ends_the_canvas():
    def model(canvas):
        found = np.zeros((len(canvas), V), dtype=np.float32)
        found[:, tokens.encode("a")[0]] = 1.0
        found[2, tokens.EOS] = 9.0
        return found

    done = fill(model, 40, Anything(), "confidence", 1, 0.0, rng(0))
    assert done.tokens[2:] == [tokens.EOS] * 38
    assert done.forward_passes == 3  # the end is surest, then the two slots before it


def test_blocks_are_filled_from_left_to_right():
    done = fill(anyone(0), 2 * BLOCK, Anything(), "blocks", 4, 1.0, rng(0))
    for frame in done.frames:
        first = [token == MASK for token in frame.canvas[:BLOCK]]
        if any(first):
            assert all(token == MASK for token in frame.canvas[BLOCK:]) or tokens.EOS in frame.canvas


def test_refused_proposals_are_not_drawn_again():
    law = np.log(np.array([[0.5, 0.3, 0.2, 0.0]], dtype=np.float32) + 1e-30)
    law[0, 3] = -np.inf
    proposals = Proposals(law, 0.0, rng(0))
    seen = [int(proposals.tokens[0])]
    while proposals.refuse(0):
        seen.append(int(proposals.tokens[0]))
    assert seen == [0, 1, 2]


def test_draws_have_the_law():
    law = np.log(np.tile(np.array([0.5, 0.3, 0.2], dtype=np.float32), (40_000, 1)))
    counts = np.bincount(Proposals(law, 1.0, rng(1)).tokens) / 40_000
    np.testing.assert_allclose(counts, [0.5, 0.3, 0.2], atol=0.01)
    counts = np.bincount(Proposals(law, 0.5, rng(1)).tokens) / 40_000
    np.testing.assert_allclose(counts, np.array([0.25, 0.09, 0.04]) / 0.38, atol=0.01)


def test_gaps_without_length_accept_what_does_not_fit():
    g = sg.compile(sg.Regex("a{8}"), tokens.vocabulary())
    a = tokens.encode("a")[0]
    canvas = np.full(3, MASK, dtype=np.int32)
    canvas[0] = a
    assert Unbounded(g).accepts(canvas, 1, a)
    assert not Unbounded(g).accepts(canvas, 1, tokens.encode("b")[0])
    assert not Exactly(sg.compile(sg.Regex("(a|b){8}"), tokens.vocabulary()), 3).accepts(canvas, 1, a)
    done = fill(lambda canvas: np.eye(V, dtype=np.float32)[[a] * 3], 3, Unbounded(g), "blocks", 1, 0.0, rng(0))
    assert done.dead
    assert (done.text, len(done.tokens) > 3) == (b"a" * 8, True)  # completed, beyond the canvas
    assert supports_unbounded(g)


def test_next_token_masks_know_no_end():
    g = sg.compile(sg.Regex("a{8}"), tokens.vocabulary())
    for length, dead in ((3, True), (8, False), (9, False)):
        done = fill_next_token(anyone(2), g, length, 2, 1.0, rng(0))
        assert b"aaaaaaaa".startswith(done.text)
        assert len(done.tokens) == length
        assert done.dead == (done.text != b"aaaaaaaa")
        assert dead <= done.dead


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_lookahead_writes_only_what_can_go_on(kind, seed):
    g = grammar(kind)
    done = fill_with_lookahead(anyone(seed), g, 40, 3, 1.0, rng(seed))
    assert len(done.tokens) == 40
    ids = done.tokens[: done.tokens.index(tokens.EOS)] if tokens.EOS in done.tokens else done.tokens
    matcher = sg.Matcher(g)
    assert matcher.accept_tokens(ids) == len(ids)
    assert done.dead == (not matcher.is_accepting())
    assert texts.text_is_valid(kind, done.text) != done.dead


def test_the_witness_of_a_lookahead_agrees_with_what_is_written(monkeypatch):
    g = grammar("point")
    text = tokens.encode('{"x": 12.5, "y": -3.4}')
    law = np.full((32, V), -8.0, dtype=np.float32)
    law[np.arange(len(text)), text] = -0.01
    run = Lookahead(g, 32, rng(0))
    assert run.proposal(law, 4, text[4])
    assert run.witness == dict(enumerate(text[:4]))
    assert run.done == 0
    state = g.start
    for token in text[:5]:
        state = g.advance(state, token)
    assert state >= 0
    # a token of the witness stands without another look
    monkeypatch.setattr(lookahead.Lookahead, "_verified", lambda *_: pytest.fail("verified again"))
    assert run.proposal(law, 0, text[0])
    assert run.done == 1
    assert 0 not in run.witness


def test_a_lookahead_refuses_and_recovers():
    g = grammar("point")
    law = np.full((32, V), -8.0, dtype=np.float32)
    run = Lookahead(g, 32, rng(0))
    assert not run.proposal(law, 0, tokens.encode("x")[0])
    run.recover(Proposals(law, 0.0, rng(0)), 3)
    assert run.done == 3
    assert run.state != g.start
    assert (run.canvas[3:] == MASK).all()
