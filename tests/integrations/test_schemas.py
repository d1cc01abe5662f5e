"""Every shipped schema and type: random texts within tight budgets are valid for jsonschema and for Pydantic."""

import json
import re

import jsonschema
import numpy as np
import pytest

import structgen as sg
from structgen.frontends.types import as_schema, parse
from structgen.integrations.decoding import Row
from structgen.masks.vocabulary import Vocabulary
from structgen.sampling import Masked
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import JumpForward
from structgen.schemas import schemas, types

SOURCES = {**schemas(), **types()}


def test_there_are_enough():
    assert len(SOURCES) >= 20 and len(schemas()) + len(types()) == len(SOURCES)


@pytest.fixture(scope="module")
def toy(tokenizer):
    vocab = Vocabulary.from_tokenizer(tokenizer)
    return vocab, vocab.encoder(tokenizer)


@pytest.mark.parametrize("name", SOURCES)
def test_random_texts_are_valid(toy, name):
    vocab, encode = toy
    source = SOURCES[name]
    schema = source if name in schemas() else as_schema(source)
    judge = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    grammar = sg.compile(source, vocab)
    needed = grammar.min_tokens_left(grammar.start)
    for seed, spare in enumerate((0, 1, 5, 40)):
        rng = np.random.default_rng(seed)
        row = Row(
            [1],
            vocab,
            grammar=grammar,
            max_tokens=needed + spare,
            sampler=Masked(),
            draws=Draws(seed),
            jump=JumpForward(grammar, encode) if seed % 2 else None,
        )
        while row.reason is None:
            row.take(rng.normal(size=vocab.size) * 2)
        text = row.text.decode()
        assert len(row.tokens) <= needed + spare
        if re.search("[0-9][eE][-+]?[0-9]{2}", text):
            continue  # beyond the floats that both judges compute with, or an integer that Pydantic takes no float for
        judge.validate(json.loads(text))
        if name in types():
            parse(source, text)
