"""The loader, and the grammars compiled: the machine says of every example what Lark says."""

from __future__ import annotations

import random

import pytest

import structgen as sg
from structgen.source.library import read_entry
from tests.grammars.corpus import examples
from tests.grammars.judges import has_judge, judge, missing
from tests.grammars.parsing import accepts

# Compiled in the slow tests only.
SLOW = {"c", "cpp", "go", "sparql", "sql", "pddl", "sygus", "javascript", "toml", "json", "spice", "python"}

COMPILED = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in sg.list_grammars()]


@pytest.fixture(scope="module")
def vocab() -> sg.Vocabulary:
    """Bytes, and some tokens of several bytes that cross the borders of terminals."""
    words = ['": ', '", "', "],", "))", " (", "==", " and ", "\n    ", " = ", "->", "0.", "e+", "é", "the", "SELECT "]
    tokens: list[bytes | None] = [bytes([b]) for b in range(256)]
    return sg.Vocabulary([*tokens, *(w.encode() for w in words), None], eos_token_ids=[256 + len(words)])


def compiled(name: str, vocab: sg.Vocabulary, cache: dict[str, sg.CompiledGrammar] = {}) -> sg.CompiledGrammar:  # noqa: B006
    if name not in cache:
        cache[name] = sg.compile(sg.load_grammar(name), vocab)
    return cache[name]


def test_names_and_errors() -> None:
    names = sg.list_grammars()
    assert names == sorted(names) and {"json", "python", "sql"} <= set(names)
    assert isinstance(sg.load_grammar("json"), sg.Constraint)
    with pytest.raises(sg.errors.InputError, match="Did you mean 'json'"):
        sg.load_grammar("jsn")


@pytest.mark.parametrize("name", sg.list_grammars())
def test_every_grammar_says_what_it_is(name: str) -> None:
    head, *rest = read_entry(name).text.split("\n")
    assert head.startswith("// structgen: start=")
    comment = []
    for line in rest:
        if not line.startswith("//"):
            break
        comment.append(line)
    text = "\n".join(comment)
    assert "Covered" in text and "Not covered" in text


@pytest.mark.parametrize("name", COMPILED)
def test_the_machine_agrees_with_the_corpus(name: str, vocab: sg.Vocabulary) -> None:
    grammar, wrong = compiled(name, vocab), []
    for example in examples(name):
        state = grammar.advance_bytes(grammar.start, example.text.encode())
        if (state >= 0 and grammar.accepts(state)) != example.good:
            wrong.append(f"{name}.txt:{example.line}: {example.text[:60]!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", COMPILED)
def test_texts_drawn_under_masks_are_texts_of_the_language(name: str, vocab: sg.Vocabulary) -> None:
    """Tokens drawn from the masks within a budget: Lark and the second judge take what comes out."""
    grammar, rng = compiled(name, vocab), random.Random(name)
    asks = judge(name) if has_judge(name) and not missing(name) else None
    for _ in range(12):
        text = draw(grammar, vocab, rng, grammar.min_tokens_left(grammar.start) + rng.randrange(60))
        assert accepts(name, text), text
        assert asks is None or name in WIDER or asks(text), text


# Where the grammar's header names ways in which it is wider than the judge: see there.
WIDER = {"c", "cpp", "xml", "smiles", "sparql", "javascript"}


def draw(grammar: sg.CompiledGrammar, vocab: sg.Vocabulary, rng: random.Random, budget: int) -> str:
    """A text of at most ``budget`` tokens, each drawn among those that can still be finished in time."""
    state, data = grammar.start, b""
    while budget:
        if grammar.accepts(state) and rng.random() < 0.1:
            break
        choices = []
        for token in range(len(vocab.tokens)):
            raw = vocab.tokens[token]
            if raw is None:
                continue
            after = grammar.advance(state, token)
            if after >= 0 and grammar.min_tokens_left(after) < budget:
                choices.append((after, raw))
        if not choices:
            break
        # letters are most of the tokens: another kind of byte is chosen as often
        plain = [c for c in choices if not c[1].isalnum() and c[1].isascii()]
        state, raw = rng.choice(plain if plain and rng.random() < 0.5 else choices)
        data += raw
        budget -= 1
    assert grammar.accepts(state), data
    return data.decode()
