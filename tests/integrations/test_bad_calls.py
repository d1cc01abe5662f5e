"""Wrong arguments of the generator: an error of structgen, or a TypeError about the argument."""

from __future__ import annotations

import pytest

import structgen as sg
from structgen.errors import StructgenError

BAD = {
    "prompt None": lambda g: g(None, sg.Regex("a")),
    "prompt int": lambda g: g(3, sg.Regex("a")),
    "prompt bytes": lambda g: g(b"x", sg.Regex("a")),
    "prompt surrogate": lambda g: g("\ud800", sg.Regex("a")),
    "prompt of bad messages": lambda g: g([{"role": "user"}], sg.Regex("a")),
    "prompt of messages with int": lambda g: g([3.5], sg.Regex("a")),
    "prompt of huge ids": lambda g: g([1 << 40], sg.Regex("a")),
    "prompt of negative ids": lambda g: g([-1], sg.Regex("a")),
    "prompt empty": lambda g: g("", sg.Regex("a"), chat=False),
    "constraint int": lambda g: g("x", 3),
    "constraint str": lambda g: g("x", "abc"),
    "max_tokens str": lambda g: g("x", sg.Regex("a"), max_tokens="5"),
    "max_tokens None": lambda g: g("x", sg.Regex("a"), max_tokens=None),
    "max_tokens 0": lambda g: g("x", sg.Regex("a"), max_tokens=0),
    "max_tokens float": lambda g: g("x", sg.Regex("a"), max_tokens=5.0),
    "sampler str": lambda g: g("x", sg.Regex("a"), sampler="greedy"),
    "sampler class": lambda g: g("x", sg.Regex("a"), sampler=sg.sampling.Masked),
    "seed str": lambda g: g("x", sg.Regex("a"), seed="1"),
    "seed None": lambda g: g("x", sg.Regex("a"), seed=None),
    "seed negative": lambda g: g("x", sg.Regex("a"), seed=-1),
    "stream, max_tokens": lambda g: g.stream("x", sg.Regex("a"), max_tokens=-1),
    "batch of None": lambda g: g.batch(None),
    "batch of int": lambda g: g.batch(3),
    "batch of one text": lambda g: g.batch("x"),
    "batch, too few constraints": lambda g: g.batch(["x", "y"], [sg.Regex("a")]),
    "batch, max_tokens str": lambda g: g.batch(["x"], max_tokens="12"),
    "batch, max_tokens None": lambda g: g.batch(["x"], max_tokens=None),
    "batch, max_tokens floats": lambda g: g.batch(["x"], max_tokens=[1.5]),
    "batch, seed None": lambda g: g.batch(["x"], seed=None),
    "batch, seed str": lambda g: g.batch(["x"], seed="1"),
    "batch, batch_size str": lambda g: g.batch(["x"], batch_size="2"),
    "batch, batch_size 0": lambda g: g.batch(["x"], batch_size=0),
    "batch, on_error": lambda g: g.batch(["x"], on_error="ignore"),
    "compile": lambda g: g.compile(3),
    "no model": lambda g: sg.Generator(None, g.tokenizer),
    "model str": lambda g: sg.Generator("gpt2", g.tokenizer),
    "no tokenizer": lambda g: sg.Generator(g.model, None),
    "tokenizer str": lambda g: sg.Generator(g.model, "gpt2"),
    "vocabulary": lambda g: sg.Generator(g.model, g.tokenizer, vocabulary=[b"a"]),
    "limits": lambda g: sg.Generator(g.model, g.tokenizer, limits=5),
    "batch_size str": lambda g: sg.Generator(g.model, g.tokenizer, batch_size="1"),
    "batch_size 0": lambda g: sg.Generator(g.model, g.tokenizer, batch_size=0),
    "cached_grammars str": lambda g: sg.Generator(g.model, g.tokenizer, cached_grammars="x"),
    "cached_grammars -1": lambda g: sg.Generator(g.model, g.tokenizer, cached_grammars=-1),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_call_raises_an_error_of_ours(gen, name):
    with pytest.raises(Exception) as caught:
        BAD[name](gen)
    error = caught.value
    assert isinstance(error, StructgenError) or (type(error) is TypeError and str(error)), repr(error)
