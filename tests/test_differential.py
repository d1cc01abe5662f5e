"""Front ends through the machine, judged by others: Python's ``re``, and the jsonschema package."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from functools import lru_cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from structgen import bits
from structgen.compile import compile_network, lower
from structgen.errors import LimitError, SourceSyntaxError, UnsatisfiableError, UnsupportedError
from structgen.frontends.regex import to_dfa
from structgen.masks import Vocabulary
from structgen.runtime import CompiledGrammar
from structgen.source import JsonSchema, Regex
from tests.json_strategies import (
    TOKENS,
    InexactError,
    Schema,
    SchemaMaker,
    as_read,
    in_draft,
    instance,
    instances,
    is_valid,
    loads,
    schemas,
    spellings,
)
from tests.naive import TooManyError
from tests.runtime.laws import Pair
from tests.strategies import (
    CHARACTERS,
    THOROUGH,
    examples,
    patterns,
    texts,
    vocabularies,
    walks,
    within_reach,
)

SEEDS = range(20_000) if THOROUGH else range(480)
PARTS = 8

# Patterns


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """All texts of at most three characters out of six."""
    return tuple("".join(w) for n in range(4) for w in product("abé1 \n", repeat=n))


def accepts(grammar: CompiledGrammar, text: bytes) -> bool:
    state = grammar.advance_bytes(grammar.start, text)
    return state >= 0 and grammar.accepts(state)


@lru_cache(maxsize=1)
def bytes_vocabulary() -> Vocabulary:
    return Vocabulary([bytes([b]) for b in range(256)])


@lru_cache(maxsize=1)
def json_vocabulary() -> Vocabulary:
    return Vocabulary([*TOKENS, b"<eos>"], eos_token_ids=[len(TOKENS)])


def check_pattern(pattern: str, flags: int, some: list[str], search: bool) -> None:
    try:
        judge = re.compile(pattern, flags)
    except re.error:
        with pytest.raises(SourceSyntaxError):
            to_dfa(pattern, flags=flags)
        return
    try:
        dfa = to_dfa(pattern, flags=flags, search=search)
    except UnsupportedError:
        reject()
    match = judge.search if search else judge.fullmatch
    for text in (*some, *words()):
        assert dfa.accepts(text) == (match(text) is not None), text
    if not search:
        try:
            grammar = compile_network(lower(Regex(pattern, flags=flags)), bytes_vocabulary())
        except UnsatisfiableError:
            assert dfa.is_empty()
            return
        for text in (*some, *words()[:50]):
            assert accepts(grammar, text.encode()) == dfa.accepts(text), text


FLAGS = st.sampled_from([0, re.IGNORECASE, re.DOTALL, re.ASCII, re.MULTILINE, re.VERBOSE])


@pytest.mark.parametrize("search", [False, True])
@examples(60)
@given(patterns(), FLAGS, st.lists(texts(), max_size=10))
def test_patterns_match_what_re_matches(search: bool, pattern: str, flags: int, some: list[str]) -> None:
    check_pattern(pattern, flags, some, search)


@examples(60)
@given(patterns(), vocabularies("".join((*CHARACTERS, "1 \n")).encode()), walks(8))
@within_reach
def test_masks_of_patterns(pattern: str, vocabulary: tuple[list[bytes | None], list[int]], choices: list[int]) -> None:
    try:
        network = lower(Regex(pattern))
    except (UnsupportedError, SourceSyntaxError):
        reject()
    tokens, eos = vocabulary
    tokens = tokens + [bytes([b]) for b in range(256)]
    Pair(network, tokens, eos).walk(choices)


# JSON Schema


class Refused(Exception):
    """structgen will not compile the schema, and says so."""


def schema_of(seed: int, boolean: bool = True) -> tuple[random.Random, Schema]:
    rng = random.Random(seed)
    schema = SchemaMaker(rng, rng.choice([1, 2, 2, 3]), boolean).document()
    draft = rng.choice(["2020-12"] * 4 + ["2019-09", "7", "6", "4"])
    return rng, schema if draft == "2020-12" else in_draft(schema, draft)


def values(rng: random.Random, schema: Schema, n: int) -> list[tuple[Any, bool]]:
    """Values and whether they are valid; references without end discard the value."""
    result = []
    for _ in range(n):
        value = instance(rng, schema, schema)
        try:
            result.append((value, is_valid(schema, value)))
        except RecursionError:
            continue
    return result


def compiled(schema: Schema, **options: Any) -> CompiledGrammar | None:
    """The grammar; None if no text satisfies the schema."""
    try:
        return compile_network(lower(JsonSchema(schema, **options)), json_vocabulary())
    except UnsatisfiableError:
        return None
    except (UnsupportedError, LimitError) as error:
        raise Refused(str(error)) from error


def check_instances(seed: int) -> None:
    rng, schema = schema_of(seed)
    grammar = compiled(schema, property_order="any")
    for value, valid in values(rng, schema, 12):
        for text in spellings(rng, value):
            shown = as_read(schema, value, text)
            wanted = valid if shown is value else is_valid(schema, shown)
            verdict = grammar is not None and accepts(grammar, text.encode())
            assert verdict == wanted, f"{json.dumps(schema)}\n{text}\njsonschema: {wanted}"


def sample(rng: random.Random, grammar: CompiledGrammar, spare: int) -> bytes:
    """A random text within a budget."""
    state, text = grammar.start, b""
    left = grammar.min_tokens_left(state) + spare
    while True:
        allowed = bits.ids(grammar.budget_mask(state, left)).tolist()
        ends = [t for t in allowed if t in grammar.vocab.eos_token_ids]
        if ends and (left == 0 or rng.random() < 0.3 or allowed == ends):
            return text
        assert allowed, f"nothing may follow {text!r}"
        token = rng.choice([t for t in allowed if t not in ends])
        piece = grammar.vocab.tokens[token]
        assert piece is not None
        text += piece
        state = grammar.advance(state, token)
        assert state >= 0
        left -= 1


def check_samples(seed: int) -> None:
    rng, schema = schema_of(seed)
    order = rng.choice(["any", "schema"])
    grammar = compiled(schema, property_order=order, whitespace=rng.choice(["flexible", "compact"]))
    if grammar is None:
        return
    for spare in (0, 3, 8, 20):
        text = sample(rng, grammar, spare)
        if b'"0000-' in text:
            continue  # the judge has no year 0; RFC 3339 has
        try:
            for last in (True, False):
                value = loads(text.decode(), last)
                assert is_valid(schema, value), f"{json.dumps(schema)}\n{text.decode()} ({order} order)"
        except (InexactError, RecursionError):
            continue


def check_masks(seed: int) -> None:
    rng, schema = schema_of(seed)
    try:
        network = lower(JsonSchema(schema, property_order=rng.choice(["any", "schema"])))
    except (UnsupportedError, LimitError) as error:
        raise Refused(str(error)) from error
    except UnsatisfiableError:
        return
    Pair(network, [*TOKENS, None], [len(TOKENS)]).walk([rng.randrange(1 << 16) for _ in range(6)])


def check_orders(seed: int) -> None:
    """Without Boolean keywords: properties in the schema's order are accepted in both modes, and no text in
    schema order is refused in any order."""
    rng, schema = schema_of(seed, boolean=False)
    ordered, free = (compiled(schema, property_order=order) for order in ("schema", "any"))
    assert (ordered is None) == (free is None)
    if ordered is None or free is None:
        return
    for spare in (0, 5, 15):
        text = sample(rng, ordered, spare)
        assert accepts(free, text), f"{json.dumps(schema)}\n{text.decode()}"


@examples(40)
@given(st.data())
def test_schemas_that_shrink(data: st.DataObject) -> None:
    """Instances once more, drawn by hypothesis: what it finds is small."""
    schema = data.draw(schemas())
    try:
        grammar = compiled(schema, property_order="any")
        value = data.draw(instances(schema))
        valid = is_valid(schema, value)
    except (Refused, RecursionError):
        reject()
    text = json.dumps(value, ensure_ascii=False)
    assert (grammar is not None and accepts(grammar, text.encode())) == valid, text


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("check", [check_instances, check_samples, check_masks, check_orders])
def test_schemas(check: Any, part: int) -> None:
    count: Counter[str] = Counter()
    for seed in SEEDS[part :: PARTS * (4 if check is check_masks else 1)]:
        try:
            check(seed)
            count["done"] += 1
        except Refused:
            count["refused"] += 1
        except TooManyError:
            count["discarded"] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert count["refused"] <= 1 + 0.05 * count.total()
    assert count["done"] >= 0.7 * count.total()


#: Schemas that the random ones above once found wrong, reduced, with texts and whether they are valid.
FOUND: list[tuple[Schema, str, bool]] = [
    ({"format": "regex"}, '"\\n"', True),
    ({"dependentRequired": {"x": ["y"]}}, '{"x": 12}', False),
    ({"dependentRequired": {"x": ["y"]}}, '{"x": 12, "y": 1}', True),
    ({"items": {"dependentRequired": {"x": ["y"]}}}, '[{"y": 1, "x": 12}, {"y": 1}]', True),
    ({"if": {"unevaluatedProperties": False}, "then": True}, '{"x-1": 3.0}', True),
    ({"not": {"unevaluatedProperties": False}}, '{"x-1": 3.0}', True),
    ({"not": {"unevaluatedProperties": False}}, "{}", False),
]


@pytest.mark.parametrize(("schema", "text", "valid"), FOUND)
def test_found_before(schema: Schema, text: str, valid: bool) -> None:
    assert is_valid(schema, json.loads(text)) == valid
    grammar = compiled(schema, property_order="any")
    assert grammar is not None
    assert accepts(grammar, text.encode()) == valid
