"""Pickling and copying: what travels between processes, and what it is there."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

import structgen as sg
from structgen.compile import compile_network, lower
from structgen.errors import InputError

VOCAB = sg.Vocabulary([b"a", b"b", b"ab", None, b"{", b"}"], eos_token_ids=[3], size=7)
CONSTRAINTS = {
    "regex": sg.Regex("(ab)+", flags=2),
    "choice": sg.Choice(["a", "b"]),
    "schema": sg.JsonSchema({"type": "object"}, whitespace="compact", registry={"u:x": {"type": "null"}}),
    "algebra": ((sg.Regex("a*") - sg.Regex("a")) | ~sg.Regex("b") & sg.Regex("[ab]*")) * (1, 2),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_travel(name: str) -> None:
    constraint = CONSTRAINTS[name]
    for other in (pickle.loads(pickle.dumps(constraint)), copy.deepcopy(constraint)):
        assert type(other) is type(constraint)
        assert repr(other) == repr(constraint)


@pytest.mark.parametrize("used", [False, True])
def test_a_vocabulary_travels_as_its_tokens_and_ends(used: bool) -> None:
    vocab = sg.Vocabulary(VOCAB.tokens, VOCAB.eos_token_ids, size=VOCAB.size)
    before = len(pickle.dumps(vocab))
    if used:
        g = sg.compile(sg.Regex("[ab]*"), vocab)
        g.mask(g.start)
    data = pickle.dumps(vocab)
    assert len(data) == before  # nothing that was worked out travels along
    other = pickle.loads(data)
    assert other == vocab
    assert (other.tokens, other.eos_token_ids, other.size) == (vocab.tokens, vocab.eos_token_ids, vocab.size)
    assert copy.deepcopy(vocab) is vocab


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_grammar_is_compiled_again_where_it_is_loaded(name: str) -> None:
    limits = sg.Limits(max_states=1000)
    g = sg.compile(CONSTRAINTS[name], VOCAB, limits=limits)
    g.mask(g.start)
    other = pickle.loads(pickle.dumps(g))
    assert other is not g
    assert other.limits == limits
    assert (other.mask(other.start) == g.mask(g.start)).all()
    assert copy.deepcopy(g) is g  # states stay good


def test_a_matcher_travels_with_what_it_has_taken() -> None:
    m = sg.Matcher(sg.compile(sg.Regex("(ab)+"), VOCAB))
    assert m.accept_token(2)
    assert m.accept_bytes(b"a")
    assert m.accept_token(1)
    m.rollback()
    other = pickle.loads(pickle.dumps(m))
    for twin in (other, copy.deepcopy(m), copy.copy(m)):
        assert not twin.is_accepting()
        assert twin.accept_token(1)
        assert twin.is_accepting()
        twin.rollback(3)
        with pytest.raises(InputError):
            twin.rollback()
    assert not m.is_accepting()


def test_what_cannot_travel_says_so() -> None:
    g = compile_network(lower(sg.Regex("a")), VOCAB)
    with pytest.raises(InputError, match="network"):
        pickle.dumps(g)
    begun = sg.compile(sg.Regex("ab"), VOCAB)
    with pytest.raises(InputError, match="start"):
        pickle.dumps(sg.Matcher(begun, begun.advance(begun.start, 0)))


def test_another_process_can_use_a_grammar(tmp_path: object) -> None:
    g = sg.compile(sg.JsonSchema({"type": "object"}), VOCAB)
    code = "import pickle, sys; g = pickle.load(sys.stdin.buffer); print(g.mask(g.start).tolist())"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(g), capture_output=True, check=True)
    assert done.stdout.decode().strip() == str(g.mask(g.start).tolist())
