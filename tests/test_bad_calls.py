"""Wrong arguments, call by call, over the whole public interface.

Every call raises an error of structgen, or a TypeError with a message about the argument; never an error from the
inside (AttributeError, KeyError, IndexError, RecursionError, ...), and never silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen import errors

VOCAB = sg.Vocabulary([*(bytes([i]) for i in range(256)), None], eos_token_ids=[256])


def grammar() -> sg.CompiledGrammar:
    return sg.compile(sg.Regex("[a-c]{2}"), VOCAB)


def matcher() -> sg.Matcher:
    return sg.Matcher(grammar())


Call = Callable[[], Any]
CALLS: dict[str, Call] = {
    # constraints
    "Regex(None)": lambda: sg.Regex(None),  # type: ignore[arg-type]
    "Regex(bytes)": lambda: sg.Regex(b"a"),  # type: ignore[arg-type]
    "Regex, dialect": lambda: sg.Regex("a", dialect="perl"),  # type: ignore[arg-type]
    "Regex, dialect list": lambda: sg.Regex("a", dialect=["python"]),  # type: ignore[arg-type]
    "Regex, flags str": lambda: sg.Regex("a", flags="i"),  # type: ignore[arg-type]
    "Regex, flags None": lambda: sg.Regex("a", flags=None),  # type: ignore[arg-type]
    "Regex, flags unknown": lambda: sg.compile(sg.Regex("a", flags=1 << 20), VOCAB),
    "Regex, flags negative": lambda: sg.compile(sg.Regex("a", flags=-1), VOCAB),
    "Regex, flags ecma": lambda: sg.compile(sg.Regex("a", dialect="ecma", flags=re.X), VOCAB),
    "Choice(None)": lambda: sg.Choice(None),  # type: ignore[arg-type]
    "Choice(str)": lambda: sg.Choice("abc"),
    "Choice(3)": lambda: sg.Choice(3),  # type: ignore[arg-type]
    "Choice([1])": lambda: sg.Choice([1]),  # type: ignore[list-item]
    "Choice([None])": lambda: sg.Choice([None]),  # type: ignore[list-item]
    "Choice([])": lambda: sg.compile(sg.Choice([]), VOCAB),
    "Choice, surrogate": lambda: sg.compile(sg.Choice(["\ud800"]), VOCAB),
    "Choice and regex, surrogate": lambda: sg.compile(sg.Choice(["\ud800"]) & sg.Regex("a"), VOCAB),
    "a & str": lambda: sg.Regex("a") & "b",  # type: ignore[operator]
    "a | None": lambda: sg.Regex("a") | None,  # type: ignore[operator]
    "a - 3": lambda: sg.Regex("a") - 3,  # type: ignore[operator]
    "a + dict": lambda: sg.Regex("a") + {},  # type: ignore[operator]
    "JsonSchema(None)": lambda: sg.compile(sg.JsonSchema(None), VOCAB),
    "JsonSchema(3)": lambda: sg.compile(sg.JsonSchema(3), VOCAB),
    "JsonSchema(list)": lambda: sg.compile(sg.JsonSchema([]), VOCAB),
    "JsonSchema(broken text)": lambda: sg.compile(sg.JsonSchema("{"), VOCAB),
    "JsonSchema(long number)": lambda: sg.compile(sg.JsonSchema('{"minimum": ' + "1" * 5001 + "}"), VOCAB),
    "JsonSchema(number text)": lambda: sg.compile(sg.JsonSchema('{"minimum": ' + "1" * 4500 + '0}"'), VOCAB),
    "JsonSchema(huge exponent)": lambda: sg.compile(sg.JsonSchema('{"minimum": 1e99999}'), VOCAB),
    "JsonSchema(huge exponent, const)": lambda: sg.compile(sg.JsonSchema('{"const": 1e99999}'), VOCAB),
    "JsonSchema(huge exponent, maxLength)": lambda: sg.compile(sg.JsonSchema('{"maxLength": 1e999999}'), VOCAB),
    "JsonSchema(nan)": lambda: sg.compile(sg.JsonSchema({"minimum": float("nan")}), VOCAB),
    "JsonSchema(inf maxLength)": lambda: sg.compile(sg.JsonSchema({"maxLength": float("inf")}), VOCAB),
    "JsonSchema(nan maxLength)": lambda: sg.compile(sg.JsonSchema({"maxLength": float("nan")}), VOCAB),
    "JsonSchema(Decimal nan)": lambda: sg.compile(sg.JsonSchema({"minimum": Decimal("nan")}), VOCAB),
    "JsonSchema(Decimal nan const)": lambda: sg.compile(sg.JsonSchema({"const": Decimal("nan")}), VOCAB),
    "JsonSchema(Decimal inf maxItems)": lambda: sg.compile(sg.JsonSchema({"maxItems": Decimal("inf")}), VOCAB),
    "JsonSchema, object in enum": lambda: sg.compile(sg.JsonSchema({"enum": [object()]}), VOCAB),
    "JsonSchema, cyclic dict": lambda: sg.compile(sg.JsonSchema(cyclic()), VOCAB),
    "JsonSchema, cyclic const": lambda: sg.compile(sg.JsonSchema({"const": cyclic()}), VOCAB),
    "JsonSchema, type unhashable": lambda: sg.compile(sg.JsonSchema({"type": [[]]}), VOCAB),
    "JsonSchema, type dict": lambda: sg.compile(sg.JsonSchema({"type": {}}), VOCAB),
    "JsonSchema, key int": lambda: sg.compile(sg.JsonSchema({1: 2}), VOCAB),
    "JsonSchema, whitespace None": lambda: sg.JsonSchema({}, whitespace=None),  # type: ignore[arg-type]
    "JsonSchema, whitespace broken": lambda: sg.compile(sg.JsonSchema({}, whitespace="("), VOCAB),
    "JsonSchema, whitespace word": lambda: sg.compile(sg.JsonSchema({}, whitespace="x"), VOCAB),
    "JsonSchema, registry text": lambda: sg.JsonSchema({"$ref": "u:a"}, registry='{"u:a": {}}'),
    "JsonSchema, registry list": lambda: sg.JsonSchema({"$ref": "u:a"}, registry=[{}]),
    "JsonSchema, registry value text": lambda: sg.compile(
        sg.JsonSchema({"$ref": "u:a"}, registry={"u:a": '{"type": "null"}'}), VOCAB
    ),
    "JsonSchema, registry value None": lambda: sg.compile(
        sg.JsonSchema({"$ref": "u:a"}, registry={"u:a": None}), VOCAB
    ),
    "JsonSchema, registry key": lambda: sg.compile(sg.JsonSchema({"$ref": "u:a"}, registry={1: {}}), VOCAB),
    "JsonSchema, order": lambda: sg.JsonSchema({}, property_order="alphabetic"),  # type: ignore[arg-type]
    "JsonSchema, order list": lambda: sg.JsonSchema({}, property_order=["any"]),  # type: ignore[arg-type]
    "JsonSchema, formats None": lambda: sg.JsonSchema({}, formats=None),  # type: ignore[arg-type]
    "JsonSchema, unknown_formats": lambda: sg.JsonSchema({}, unknown_formats=1),  # type: ignore[arg-type]
    # compiling
    "compile, int": lambda: sg.compile(3, VOCAB),
    "compile, None": lambda: sg.compile(None, VOCAB),
    "compile, str": lambda: sg.compile("[a-z]+", VOCAB),
    "compile, object": lambda: sg.compile(object(), VOCAB),
    "compile, list of int": lambda: sg.compile([1, 2], VOCAB),
    "compile, bytes pattern": lambda: sg.compile(re.compile(b"a"), VOCAB),
    "compile, limits": lambda: sg.compile(sg.Regex("a"), VOCAB, limits=5),  # type: ignore[arg-type]
    "compile, limits dict": lambda: sg.compile(sg.Regex("a"), VOCAB, limits={}),  # type: ignore[arg-type]
    "repeat, None": lambda: sg.repeat(sg.Regex("a"), None),  # type: ignore[arg-type]
    "repeat, str": lambda: sg.repeat("a", 1),  # type: ignore[arg-type]
    "repeat, wrong order": lambda: sg.repeat(sg.Regex("a"), 3, 1),
    "repeat, negative": lambda: sg.Regex("a") * -1,
    "a * str": lambda: sg.Regex("a") * "3",  # type: ignore[operator]
    "a * (1,)": lambda: sg.Regex("a") * (1,),  # type: ignore[operator]
    "is_empty(3)": lambda: sg.is_empty(3),
    "includes(None, a)": lambda: sg.includes(None, sg.Regex("a")),
    "equivalent(a, str)": lambda: sg.equivalent(sg.Regex("a"), "a"),
    "compile, no vocabulary": lambda: sg.compile(sg.Regex("a"), None),  # type: ignore[arg-type]
    "compile, tokenizer": lambda: sg.compile(sg.Regex("a"), object()),  # type: ignore[arg-type]
    "compile, deep algebra": lambda: sg.compile(deep(), VOCAB),
    "compile, deep JSON algebra": lambda: sg.compile(deep(sg.JsonSchema({})), VOCAB),
    "Limits(str)": lambda: sg.compile(sg.Regex("a"), VOCAB, limits=sg.Limits(max_states="1")),  # type: ignore[arg-type]
    "Limits(0)": lambda: sg.compile(sg.Regex("a"), VOCAB, limits=sg.Limits(max_states=0)),
    "Limits(-1)": lambda: sg.compile(sg.Regex("a"), VOCAB, limits=sg.Limits(max_nodes=-1)),
    "Limits(1.5)": lambda: sg.compile(sg.Regex("a"), VOCAB, limits=sg.Limits(max_nodes=1.5)),  # type: ignore[arg-type]
    # vocabularies
    "Vocabulary(None)": lambda: sg.Vocabulary(None),  # type: ignore[arg-type]
    "Vocabulary(3)": lambda: sg.Vocabulary(3),  # type: ignore[arg-type]
    "Vocabulary(str)": lambda: sg.Vocabulary("abc"),  # type: ignore[arg-type]
    "Vocabulary(bytes)": lambda: sg.Vocabulary(b"abc"),  # type: ignore[arg-type]
    "Vocabulary(dict)": lambda: sg.Vocabulary({"a": 1}),  # type: ignore[arg-type]
    "Vocabulary, entry str": lambda: sg.Vocabulary(["a"]),  # type: ignore[list-item]
    "Vocabulary, eos str": lambda: sg.Vocabulary([b"a"], "0"),  # type: ignore[arg-type]
    "Vocabulary, eos None": lambda: sg.Vocabulary([b"a"], None),  # type: ignore[arg-type]
    "Vocabulary, eos float": lambda: sg.Vocabulary([b"a"], [0.0]),  # type: ignore[list-item]
    "Vocabulary, eos bool": lambda: sg.Vocabulary([b"a"], True),
    "Vocabulary, eos range": lambda: sg.Vocabulary([b"a"], [5]),
    "Vocabulary, size str": lambda: sg.Vocabulary([b"a"], size="1"),  # type: ignore[arg-type]
    "Vocabulary, size small": lambda: sg.Vocabulary([b"a"], size=0),
    "Vocabulary, size huge": lambda: sg.Vocabulary([b"a"], size=1 << 40),
    "from_tokenizer(None)": lambda: sg.Vocabulary.from_tokenizer(None),
    "from_tokenizer(str)": lambda: sg.Vocabulary.from_tokenizer("gpt2"),
    "from_tokenizer, size": lambda: sg.Vocabulary.from_tokenizer([b"a"], size="1"),  # type: ignore[arg-type]
    "from_tokenizer, size -1": lambda: sg.Vocabulary.from_tokenizer([b"a"], size=-1),
    "from_tokenizer, config": lambda: sg.Vocabulary.from_tokenizer([b"a"], generation_config={"eos_token_id": "x"}),
    "token_bytes(None)": lambda: VOCAB.token_bytes(None),  # type: ignore[arg-type]
    "token_bytes(str)": lambda: VOCAB.token_bytes("ab"),  # type: ignore[arg-type]
    "token_bytes([1.5])": lambda: VOCAB.token_bytes([1.5]),  # type: ignore[list-item]
    "token_bytes(range)": lambda: VOCAB.token_bytes([999]),
    "spell(str)": lambda: VOCAB.spell("ab"),  # type: ignore[arg-type]
    "spell(None)": lambda: VOCAB.spell(None),  # type: ignore[arg-type]
    "encoder()(surrogate)": lambda: VOCAB.encoder()("\ud800"),
    "encoder()(None)": lambda: VOCAB.encoder()(None),  # type: ignore[arg-type]
    "encoder(3)": lambda: VOCAB.encoder(3),
    # compiled grammars
    "mask(-1)": lambda: grammar().mask(-1),
    "mask(None)": lambda: grammar().mask(None),  # type: ignore[arg-type]
    "mask(str)": lambda: grammar().mask("0"),  # type: ignore[arg-type]
    "mask(1.5)": lambda: grammar().mask(1.5),  # type: ignore[arg-type]
    "mask(huge)": lambda: grammar().mask(1 << 70),
    "mask, out list": lambda: grammar().mask(1, out=[0] * 9),  # type: ignore[arg-type]
    "mask, out short": lambda: grammar().mask(1, out=np.zeros(1, np.int32)),
    "mask, out float": lambda: grammar().mask(1, out=np.zeros(9)),  # type: ignore[arg-type]
    "advance(None)": lambda: grammar().advance(None, 1),  # type: ignore[arg-type]
    "advance(state str)": lambda: grammar().advance("x", 1),  # type: ignore[arg-type]
    "advance(token None)": lambda: grammar().advance(1, None),  # type: ignore[arg-type]
    "advance(token str)": lambda: grammar().advance(1, "a"),  # type: ignore[arg-type]
    "advance(token 97.5)": lambda: grammar().advance(1, 97.5),  # type: ignore[arg-type]
    "advance(-1)": lambda: grammar().advance(-1, 97),
    "advance(999)": lambda: grammar().advance(999, 97),
    "advance_bytes(str)": lambda: grammar().advance_bytes(1, "a"),  # type: ignore[arg-type]
    "advance_bytes(int)": lambda: grammar().advance_bytes(1, 3),  # type: ignore[arg-type]
    "advance_bytes(None)": lambda: grammar().advance_bytes(1, None),  # type: ignore[arg-type]
    "advance_bytes(state)": lambda: grammar().advance_bytes(99, b"a"),
    "accepts(None)": lambda: grammar().accepts(None),  # type: ignore[arg-type]
    "accepts(-1)": lambda: grammar().accepts(-1),
    "forced_bytes(str)": lambda: grammar().forced_bytes("1"),  # type: ignore[arg-type]
    "min_bytes_left(99)": lambda: grammar().min_bytes_left(99),
    "min_tokens_left(None)": lambda: grammar().min_tokens_left(None),  # type: ignore[arg-type]
    "witness(-1)": lambda: grammar().witness(-1),
    "next_bytes(-1)": lambda: grammar().next_bytes(-1),
    "expected(-1)": lambda: grammar().expected(-1),
    "budget_mask(None)": lambda: grammar().budget_mask(1, None),  # type: ignore[arg-type]
    "budget_mask(str)": lambda: grammar().budget_mask(1, "5"),  # type: ignore[arg-type]
    "completable_within(None)": lambda: grammar().completable_within(1, None),  # type: ignore[arg-type]
    "fill_masks(None)": lambda: grammar().fill_masks(None, np.zeros((1, 9), np.int32)),  # type: ignore[arg-type]
    "fill_masks, out None": lambda: grammar().fill_masks([1], None),  # type: ignore[arg-type]
    "fill_masks, out list": lambda: grammar().fill_masks([1], [[0] * 9]),  # type: ignore[arg-type]
    "fill_masks, few rows": lambda: grammar().fill_masks([1, 1], np.zeros((1, 9), np.int32)),
    "fill_masks, narrow": lambda: grammar().fill_masks([1], np.zeros((1, 8), np.int32)),
    "fill_masks, dtype": lambda: grammar().fill_masks([1], np.zeros((1, 9), np.int64)),  # type: ignore[arg-type]
    "fill_masks, states str": lambda: grammar().fill_masks(["1"], np.zeros((1, 9), np.int32)),  # type: ignore[list-item]
    "fill_masks, states float": lambda: grammar().fill_masks([1.5], np.zeros((1, 9), np.int32)),  # type: ignore[list-item]
    "fill_masks, states nested": lambda: grammar().fill_masks([[1]], np.zeros((1, 9), np.int32)),  # type: ignore[list-item]
    "fill_masks, states 99": lambda: grammar().fill_masks([99], np.zeros((1, 9), np.int32)),
    # matchers
    "Matcher(None)": lambda: sg.Matcher(None),  # type: ignore[arg-type]
    "Matcher(constraint)": lambda: sg.Matcher(sg.Regex("a")),  # type: ignore[arg-type]
    "Matcher, state 99": lambda: sg.Matcher(grammar(), 99),
    "Matcher, state -1": lambda: sg.Matcher(grammar(), -1),
    "Matcher, state str": lambda: sg.Matcher(grammar(), "1"),  # type: ignore[arg-type]
    "accept_token(str)": lambda: matcher().accept_token("a"),  # type: ignore[arg-type]
    "accept_token(None)": lambda: matcher().accept_token(None),  # type: ignore[arg-type]
    "accept_tokens(None)": lambda: matcher().accept_tokens(None),  # type: ignore[arg-type]
    "accept_tokens(3)": lambda: matcher().accept_tokens(3),  # type: ignore[arg-type]
    "accept_bytes(str)": lambda: matcher().accept_bytes("a"),  # type: ignore[arg-type]
    "accept_string(None)": lambda: matcher().accept_string(None),  # type: ignore[arg-type]
    "accept_string(bytes)": lambda: matcher().accept_string(b"a"),  # type: ignore[arg-type]
    "rollback(5)": lambda: matcher().rollback(5),
    "rollback(-1)": lambda: matcher().rollback(-1),
    "rollback(None)": lambda: matcher().rollback(None),  # type: ignore[arg-type]
    "rollback(0.5)": lambda: matcher().rollback(0.5),  # type: ignore[arg-type]
    "fill_next(None)": lambda: matcher().fill_next_token_bitmask(None),  # type: ignore[arg-type]
    "fill_next, index": lambda: matcher().fill_next_token_bitmask(np.zeros((1, 9), np.int32), 5),
    "fill_next, index str": lambda: matcher().fill_next_token_bitmask(np.zeros((1, 9), np.int32), "0"),  # type: ignore[arg-type]
    "fill_next, list": lambda: matcher().fill_next_token_bitmask([[0] * 9]),  # type: ignore[arg-type]
    "fill_next, 3 axes": lambda: matcher().fill_next_token_bitmask(np.zeros((1, 1, 9), np.int32)),
    # sampling
    "Masked(str)": lambda: sg.sampling.Masked(temperature="hot"),  # type: ignore[arg-type]
    "Masked(None)": lambda: sg.sampling.Masked(temperature=None),  # type: ignore[arg-type]
    "Masked(-1)": lambda: sg.sampling.Masked(temperature=-1),
    "Masked(top_k str)": lambda: sg.sampling.Masked(top_k="1"),  # type: ignore[arg-type]
    "Masked(top_k 1.5)": lambda: sg.sampling.Masked(top_k=1.5),  # type: ignore[arg-type]
    "Masked(top_p 2)": lambda: sg.sampling.Masked(top_p=2),
    "Masked(min_p str)": lambda: sg.sampling.Masked(min_p="x"),  # type: ignore[arg-type]
}  # fmt: skip


def cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["not"] = value
    return value


def deep(base: sg.Constraint | None = None) -> sg.Constraint:
    result = base or sg.Regex("a")
    for _ in range(2000):
        result = ~(sg.Regex("b") - result)
    return result


def allowed(error: BaseException) -> bool:
    return isinstance(error, errors.StructgenError) or (type(error) is TypeError and bool(str(error)))


@pytest.mark.parametrize("name", CALLS)
def test_a_bad_call_raises_an_error_of_ours(name: str) -> None:
    with pytest.raises(Exception) as caught:
        CALLS[name]()
    assert allowed(caught.value), repr(caught.value)
