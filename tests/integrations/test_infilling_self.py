"""``Generator.infill(method="self")``: by scripted models token by token, by a random one as to language and budget."""

import itertools
import json
import re

import numpy as np
import pytest

from structgen.errors import BudgetError, InputError, ModelError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import structgen as sg  # noqa: E402
from structgen.infill.gap import Gap  # noqa: E402
from structgen.integrations import infilling_loops  # noqa: E402

PROGRAM = sg.Regex(r"([a-z]+ = [a-z0-9]+\n)*return [a-z]+\n")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"enum": [*range(10, 100)]}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"v": {"enum": [1, 2, 3]}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["v"],
            "additionalProperties": False,
        }
    },
}


@pytest.fixture
def script(fim_gen, monkeypatch):
    """A model that does as a function of what it reads says: the text to be written next, and whether it is sure."""

    def install(wanted):
        texts = []

        class Scripted:
            def __init__(self, *given):
                self.ids, self.passes = [], 0
                texts.append(self)

            @property
            def read(self):
                return fim_gen.tokenizer.decode(self.ids, skip_special_tokens=False)

            def feed(self, new):
                self.ids += new
                self.passes += 1
                text, sure = wanted(self.read)
                special = fim_gen.tokenizer.all_special_tokens
                token = fim_gen.tokenizer.convert_tokens_to_ids(text) if text in special else fim_gen._encode(text)[0]
                return np.eye(1, fim_gen._width, token, dtype=np.float32)[0] * (50 if sure else 0.5)

        monkeypatch.setattr(infilling_loops, "Single", Scripted)
        return texts

    return install


def following(read, text, otherwise):
    """What of a text is still to be written; where all of it is, something else."""
    for n in range(len(text), -1, -1):
        if read.endswith(text[:n]):
            return text[n:] or otherwise
    return text


def programmer(read):
    """Sure of its first line and of what it returns; what is between it knows when it sees both."""
    if "<fim_middle>" in read:
        return following(read.split("<fim_middle>")[1], "z = y\n", "<|end|>"), True
    if "<fim_suffix>" in read:
        return following(read.split("<fim_suffix>")[1], "return z\n", "<fim_middle>"), True
    begun = following(read, "f = x\ny = x\n", "")
    return (begun, True) if begun else ("what = 1\n", False)


def test_interruption(fim_gen, script):
    fed = script(programmer)
    done = fim_gen.infill(
        "f = x\n<hole:body>", PROGRAM, method="self", suffix="return ", threshold=0.5, max_tokens=60
    )
    assert done.text == "f = x\ny = x\nz = y\nreturn z\n"
    assert done["body"] == done.text[6:] and (done.regions[0].start, done.regions[0].end) == (6, len(done.text))
    assert done.interrupted == len("f = x\ny = x\n")
    assert fim_gen.vocabulary.token_bytes(done.tokens).decode() == done.text
    begun = "<fim_prefix>f = x\ny = x\n"
    assert [text.read for text in fed] == [
        begun,
        f"{begun}<fim_suffix>return z",  # what else there is, no choice is left in
        f"{begun}<fim_suffix>return z\n<fim_middle>z = y\n",
    ]
    assert done.passes == sum(text.passes for text in fed)


def test_a_model_that_is_sure_is_not_interrupted(fim_gen, script):
    fed = script(lambda read: (following(read, "f = x\nreturn y\n", "<|end|>"), True))
    done = fim_gen.infill("f = x\n<hole>", PROGRAM, method="self", suffix="return ", rounds=3)
    assert (done.text, done.interrupted, len(fed)) == ("f = x\nreturn y\n", None, 1)


def test_where_the_grammar_leaves_no_choice_a_model_is_sure(fim_gen, script):
    """It gives all tokens the same probability: it is interrupted at the first choice."""
    script(lambda read: ("q", False))
    done = fim_gen.infill("<hole>", sg.Regex("a[x-z]{9}-a|b"), method="self", suffix="-", threshold=0.9)
    assert done.interrupted == 0
    language = "aQQ(J|K)Q[X-Z]{9}-A"
    done = fim_gen.infill("a<hole>", sg.Regex(language), method="self", suffix="-", threshold=0.4)
    assert done.interrupted == 5 and re.fullmatch(language, done.text)


def test_what_the_template_has_behind_a_gap_comes_first(fim_gen, script):
    def model(read):
        if "<fim_middle>" in read:
            return following(read.split("<fim_middle>")[1], "a = x\n", "<|end|>"), True
        if "<fim_suffix>" in read:
            return following(read.split("<fim_suffix>")[1], "return a\n", "<fim_middle>"), True
        return "x = 0\n", False

    script(model)
    done = fim_gen.infill(
        "f = x\n<hole:lines>return <hole:value>\n", PROGRAM, method="self", threshold=0.9, max_tokens=40
    )
    assert done.text == "f = x\na = x\nreturn a\n"
    assert (done["lines"], done["value"], done.interrupted) == ("a = x\n", "a", 6)


def test_an_end_that_no_middle_leads_to_is_not_written(fim_gen, script):
    """The model wants to end with b, and what it has begun with leads to a alone."""

    def model(read):
        if "<fim_middle>" in read:
            return "x", True
        if "<fim_suffix>" in read:
            return following(read.split("<fim_suffix>")[1], "-b", "<fim_middle>"), True
        return following(read.split("<fim_prefix>")[1], "a", "?"), "a" not in read

    script(model)
    done = fim_gen.infill("<hole>", sg.Regex("a[x-z]{3}-a|b[x-z]{3}-b"), method="self", suffix="-", threshold=0.9)
    assert done.text == "axxx-a" and done.interrupted == 1


def test_rounds(fim_gen, script):
    """Read from left to right, the middle asks for another end, and this for another middle; then nothing changes."""

    def model(read):
        if "<fim_middle>" in read:
            name = re.findall("return ([a-z])\n<fim_middle>", read)[0]
            return following(read.split("<fim_middle>")[1], f"{chr(ord(name) + 1)} = x\n", "<|end|>"), True
        if "<fim_suffix>" in read:
            return following(read.split("<fim_suffix>")[1], "return a\n", "<fim_middle>"), True
        names = re.findall("([a-z]) = x\n", read)
        if read.startswith("<fim_prefix>"):
            return "x = 0\n", False
        return following(read, f"return {min(names[-1], 'c')}\n", "<|end|>"), True

    for rounds, wanted, parts in ((1, "ba", 3), (2, "cb", 5), (3, "dc", 7), (4, "dc", 9), (9, "dc", 9)):
        fed = script(model)
        done = fim_gen.infill(
            "f = x\n<hole>", PROGRAM, method="self", suffix="return ", threshold=0.9, rounds=rounds, max_tokens=60
        )
        assert done.text == f"f = x\n{wanted[0]} = x\nreturn {wanted[1]}\n"
        assert len(fed) == parts


def spent(done, gen):
    """The tokens that have a byte in a gap."""
    found, at = 0, 0
    for token in done.tokens:
        end = at + len(gen.vocabulary.token_bytes([token]))
        found += any(region.start < end and at < region.end for region in done.regions)
        at = end
    return found


CASES = {
    "record": ('{"name": "<hole:name 2-4>", "age": <hole:age>}', sg.JsonSchema(SCHEMA), None, 14),
    "open record": ("<hole>", sg.JsonSchema(SCHEMA), '"age": ', 40),
    "end of a record": ('{"name": <hole>}', sg.JsonSchema(SCHEMA), "", 16),
    "exact numbers": (["a", Gap(3), "b", Gap(2), "c"], sg.Regex("a[a-z ]{3,9}b[a-z]{2,6}c"), None, 5),
    "side by side": ([Gap(1, 3), Gap(), "-", Gap(2, None)], sg.Regex("[a-z]+-[a-z]{4,30}"), "z", 16),
    "program": ("f = x\n<hole>", PROGRAM, "return ", 30),
    "tree": ('{"v": 1, "kids": [<hole>, {"v": <hole>}', sg.JsonSchema(TREE), "}", 40),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("order", ["psm", "spm"])
def test_the_text_is_in_the_language_and_the_budget(fim_gen, case, order):
    gen = fim_gen
    canvas, constraint, suffix, most = CASES[case]
    grammar = gen.compile(constraint)
    interrupted = 0
    for threshold, rounds, seed in itertools.product((0.3, 1.0), (1, 3), (0, 1)):
        sampler = sg.sampling.Masked(temperature=float(seed))
        options = {"method": "self", "suffix": suffix, "threshold": threshold, "rounds": rounds, "seed": seed}
        done = gen.infill(canvas, constraint, order=order, sampler=sampler, max_tokens=most, **options)
        state = grammar.advance_bytes(grammar.start, done.text.encode())
        assert state >= 0 and grammar.accepts(state)
        assert gen.vocabulary.token_bytes(done.tokens).decode() == done.text
        assert spent(done, gen) <= most
        data, at = done.text.encode(), 0
        pieces = re.split("<hole[^>]*>", canvas) if isinstance(canvas, str) else None
        assert pieces is None or len(done.regions) == len(pieces) - 1
        for i, region in enumerate(done.regions):
            assert data[region.start : region.end].decode() == region.text
            if pieces is not None:
                assert data[at : region.start].decode() == pieces[i]
            at = region.end
        if pieces is not None:
            assert data[at:].decode() == pieces[-1]
        if done.interrupted is not None:
            interrupted += 1
            assert any(region.start <= done.interrupted <= region.end for region in done.regions)
        again = gen.infill(canvas, constraint, order=order, sampler=sampler, max_tokens=most, **options)
        assert again.tokens == done.tokens
    assert interrupted


def test_budgets(fim_gen):
    """At the least budget there is, as at any other, the text is whole; under it there is none."""
    canvas, constraint, suffix, _ = CASES["open record"]
    least = None
    for most in range(1, 40):
        try:
            done = fim_gen.infill(canvas, constraint, method="self", suffix=suffix, threshold=1.0, max_tokens=most)
        except BudgetError:
            assert least is None
            continue
        least = least or most
        assert json.loads(done.text) == done.value and spent(done, fim_gen) <= most
    assert least is not None and least < 39


def test_refusals(fim_gen, gen):
    with pytest.raises(InputError, match="nothing to write"):
        fim_gen.infill("a<hole>", sg.Regex("a+"), method="self")
    with pytest.raises(InputError, match="last gap"):
        fim_gen.infill("a<hole 3>", sg.Regex("a+"), method="self", suffix="a")
    with pytest.raises(InputError, match="no tokens for filling"):
        gen.infill("a<hole>", sg.Regex("a+"), method="self", suffix="a")
    with pytest.raises(ModelError, match="no token"):
        gen.infill("a<hole>", sg.Regex("a+"), method="self", suffix="a", family="starcoder")
    for wrong in ({"threshold": 2}, {"rounds": 0}, {"suffix": b"a"}, {"prompt": "Go on:"}):
        with pytest.raises(InputError):
            fim_gen.infill("a<hole>", sg.Regex("a+"), method="self", **{"suffix": "a", **wrong})
    with pytest.raises(InputError, match="positions"):
        fim_gen.infill("a<hole>", sg.Regex("a+"), method="fim", max_tokens=600)


def test_gaps_of_no_tokens(fim_gen):
    done = fim_gen.infill("a<hole 0>b<hole 1>", sg.Regex("ab[a-z]"), method="fim", max_tokens=4)
    assert [region.text for region in done.regions] == ["", done.text[2:]] and len(done.text) == 3
