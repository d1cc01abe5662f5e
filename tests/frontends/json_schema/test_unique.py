"""Names and items that are remembered: no name twice, unique arrays, arrays with two equal items."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import structgen as sg
from structgen import errors
from structgen.automata.bytedfa import ByteDfa
from structgen.frontends.json_schema.names import Pool, read_name, text_size
from structgen.frontends.json_schema.seen import read_value
from structgen.frontends.json_schema.strings import StringSet
from structgen.ir.network import END, Call, Terminal, check_node, check_outline
from tests.frontends.json_schema.networks import Judge, network
from tests.naive import Automaton

BYTES = sg.Vocabulary([bytes([i]) for i in range(256)] + [None], eos_token_ids=[256])


def unique(**keywords: Any) -> dict[str, Any]:
    return {"type": "array", "uniqueItems": True} | keywords


def equal(**keywords: Any) -> dict[str, Any]:
    return {"type": "array", "not": {"uniqueItems": True}} | keywords


SMALL = {
    "type": "object",
    "properties": {"a": {"enum": [0, 1, None]}, "b": {"type": "boolean"}},
    "additionalProperties": False,
}
BOOLEANS = {"additionalProperties": {"type": "boolean"}}

SCHEMAS: dict[str, Any] = {
    "object": {"type": "object"},
    "free": {"type": "object", "properties": {"a": {"type": "null"}}, **BOOLEANS},
    "count": {"type": "object", "minProperties": 3, "maxProperties": 4, "additionalProperties": {"enum": [0, 1]}},
    "count named": {"type": "object", "minProperties": 3, "properties": {"a": {}, "b": {}}, "required": ["b"]},
    "all names": {"type": "object", "propertyNames": {"pattern": "^[a-j]{1,2}$"}, "minProperties": 15},
    "some value": {"type": "object", "not": BOOLEANS, "maxProperties": 2},
    "two values": {
        "type": "object",
        "allOf": [{"not": BOOLEANS}, {"not": {"patternProperties": {"^x": {"type": "null"}}}}],
        "additionalProperties": {"enum": [1, None, True]},
        "maxProperties": 2,
    },
    "anything": unique(),
    "numbers": unique(items={"type": "number"}, minItems=3),
    "integers": unique(items={"type": "integer"}, minItems=2, maxItems=3),
    "all values": unique(items={"enum": [1, 2, "a", [], {}]}, minItems=5),
    "prefix": unique(prefixItems=[{"type": "string"}, {"const": "a"}, {"enum": ["a", "b"]}], minItems=4),
    "small objects": unique(items=SMALL, minItems=5),
    "objects": unique(items={"type": "object"}, minItems=2),
    "nested": unique(items=unique(items={"enum": [1, 2, 3]}), minItems=6),
    "contains": unique(contains={"type": "string"}, minContains=2, maxContains=3),
    "contains whole numbers": unique(items={"type": "number"}, contains={"type": "integer"}),
    "fractions": unique(items={"type": "number", "not": {"type": "integer"}}, minItems=3),
    "contains few": unique(items={"enum": [1, 2, 3, 4]}, contains={"minimum": 3}, maxContains=1, minItems=3),
    "contains many": unique(items={"type": "integer"}, contains={"minimum": 3}, maxContains=1, minItems=3),
    "recursive": {"$ref": "#/$defs/t", "$defs": {"t": {"properties": {"k": unique(items={"$ref": "#/$defs/t"})}}}},
    "chains": unique(items={"$ref": "#/$defs/c"}, minItems=9)
    | {"$defs": {"c": {"type": "object", "properties": {"b": {"$ref": "#/$defs/c"}}, "additionalProperties": False}}},
    "of themselves": unique(items={"$ref": "#"}),
    "of themselves, short": unique(items={"$ref": "#"}, maxItems=2),
    "of themselves, below": unique(items={"properties": {"c": {"$ref": "#"}}, "additionalProperties": False}),
    "of themselves or numbers": unique(items={"$ref": "#"}, minItems=2) | {"type": ["array", "integer"]},
    "of themselves after a number": {
        "type": ["array", "boolean"], "prefixItems": [{"enum": [0, 1]}, {"$ref": "#"}], "items": {"$ref": "#"},
        "minItems": 1, "uniqueItems": True,
    },
    "equal": equal(),
    "equal booleans": equal(items={"type": "boolean"}, minItems=3),
    "equal objects": equal(items=SMALL, maxItems=3),
    "equal at the end": equal(prefixItems=[{"type": ["string", "boolean"]}, {"type": "boolean"}], maxItems=2),
    "equal and contains": equal(contains={"type": "string"}),
    "equal, one of them": equal(items={"enum": [0, 1, "a"]}, contains={"minimum": 1}, minContains=2, maxContains=2),
    "equal, none of them": equal(
        items={"type": ["boolean", "null"]}, contains={"type": "boolean"}, minContains=0, maxContains=1, maxItems=4
    ),
    "equal at the end, one of them": equal(
        prefixItems=[{"type": ["string", "boolean"]}, {"enum": ["a", "b", True]}], contains={"const": "a"}, items=False
    ),
    "equal and two contain": equal(
        items={"type": "integer"},
        allOf=[{"contains": {"multipleOf": 2}}, {"contains": {"minimum": 3}, "maxContains": 2}],
    ),
    "equal, three of them": equal(items={"type": "integer"}, contains={"const": 3}, minContains=3, minItems=5),
    "equal apart": equal(prefixItems=[{"type": "string"}, {"type": "boolean"}, {"const": "x"}], items=False),
}


def word(rng: random.Random, dfa: ByteDfa, short: bool) -> bytes:
    """Some word of an automaton."""
    automaton, out, state, count = Automaton(dfa), bytearray(), 0, 0
    while True:
        ways = list(automaton.out(state, count))
        if automaton.accept[state] and (short or not ways or rng.random() < 0.4):
            return bytes(out)
        if short or len(out) > 6:
            best = min(dfa.distance[to] for _, _, to, _ in ways)
            ways = [way for way in ways if dfa.distance[way[2]] == best]
        else:  # exponents are left to others
            ways = [way for way in ways if not (way[0] == way[1] and way[0] in b"eE")] or ways
        lo, hi, state, count = rng.choice(ways)
        out.append(rng.choice([b for b in b'ab01" ,:' if lo <= b <= hi] or [rng.randint(lo, hi)]))


def written(rng: random.Random, net: Any, key: Any, budget: list[int]) -> bytes:
    """Some text of a network, the shortest way once the budget is used up; the contract is checked on the way."""
    text = b""
    while True:
        check_node(net, key)
        edges = net.expand(key).edges

        def cost(edge: Any) -> int:
            symbol = edge.symbol
            return edge.rest + (net.least(symbol.key) if isinstance(symbol, Call) else symbol.dfa.min_length())

        short = budget[0] <= 0
        budget[0] -= 1
        edge = min(edges, key=cost) if short else rng.choice(edges)
        symbol = edge.symbol
        part = written(rng, net, symbol.key, budget) if isinstance(symbol, Call) else word(rng, symbol.dfa, short)
        text += part
        if edge.label is END:
            return text
        if edge.capture:
            key = net.follow_text(key, edge.label, part)
            assert net.least(key) <= edge.rest
        else:
            key = net.follow(key, edge.label)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def whole(text: str) -> int | Decimal:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else value


@pytest.mark.parametrize("order", ["any", "schema"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_every_text_is_valid(name: str, order: str) -> None:
    """Whatever the network leads to is valid, without a name that comes twice, and can be ended."""
    net, judge = network(SCHEMAS[name], property_order=order), Draft202012Validator(SCHEMAS[name])
    for seed in range(8):
        rng = random.Random(seed)
        text = written(rng, net, net.start, [rng.randint(0, 20)])
        value = json.loads(text, object_pairs_hook=distinct, parse_float=whole)
        assert judge.is_valid(value), text


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.5, 1.0, 1e-7]), st.sampled_from("ab")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abk"), inner, max_size=3)),
    max_leaves=6,
)
JUDGES: dict[str, Judge] = {}


@given(st.sampled_from(sorted(SCHEMAS)), st.one_of(VALUES, st.lists(VALUES, max_size=4)))
def test_every_valid_value_is_taken(name: str, value: Any) -> None:
    if name not in JUDGES:
        JUDGES[name] = Judge(SCHEMAS[name])
    assert JUDGES[name].takes(value) == Draft202012Validator(SCHEMAS[name]).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "object"}, '{"a": 1, "a": 2}'),
        ({"type": "object"}, '{"é": 1, "\\u00e9": 2}'),
        ({"type": "object"}, '{"\\n": 1, "\\u000A": 2}'),
        ({"type": "object"}, '{"/": 1, "\\/": 2}'),
        ({"type": "object"}, '{"\\ud83d\\ude00": 1, "😀": 2}'),
        ({"propertyNames": {"minLength": 1}}, '{"a": 1, "\\u0061": 2}'),
        (unique(), "[1, 1.0]"),
        (unique(), "[10, 1e1]"),
        (unique(), '["a", "\\u0061"]'),
        (unique(), '[{"a": 1, "b": 2}, {"b": 2.0, "a": 1}]'),
        (unique(), "[[1, [2]], [1, [2.00]]]"),
        (unique(), "[0, -0]"),
        (unique(), "[12345678901234567890.5, 12345678901234567890.50]"),
    ],
)
def test_equal_in_another_spelling(schema: Any, text: str) -> None:
    """What is equal is not taken twice; the machine agrees with the oracle."""
    assert not Judge(schema).takes_text(text)
    grammar = sg.compile(sg.JsonSchema(schema, property_order="any"), BYTES)
    assert grammar.advance_bytes(grammar.start, text.encode()) < 0


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "object"}, '{"a": 1, "b": {"a": 1}, "A": 2}'),
        (unique(), '[1, 1.1, true, "1", null, [], {}, [1], [[1]], {"a": 1}, {"a": 1, "b": 1}, {"b": 1}]'),
        (unique(), "[12345678901234567890.5, 12345678901234567890.51]"),
        (unique(items={"type": "number"}), "[1e+20, 1.5e-07, 3e20, 100000000000000000001]"),
    ],
)
def test_different(schema: Any, text: str) -> None:
    assert Judge(schema).takes_text(text)
    grammar = sg.compile(sg.JsonSchema(schema, property_order="any"), BYTES)
    state = grammar.advance_bytes(grammar.start, text.encode())
    assert state >= 0
    assert grammar.accepts(state)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name.startswith("of themselves")])
def test_arrays_inside_themselves_go_on(name: str) -> None:
    """Nothing is refused on the way that was taken when the schema was compiled."""
    grammar = sg.compile(sg.JsonSchema(SCHEMAS[name], whitespace="compact", numbers="plain"), BYTES)
    for seed in range(20):
        rng, state, text = random.Random(seed), grammar.start, b""
        while len(text) < 40 and (options := [b for b in grammar.next_bytes(state) if b in b'[]{}"c:,12']):
            text += bytes([rng.choice(options)])
            state = grammar.advance_bytes(state, text[-1:])
        text += grammar.witness(state)
        assert Draft202012Validator(SCHEMAS[name]).is_valid(json.loads(text)), text


def test_numbers_of_absurd_length() -> None:
    """They do not take the machine down, and are told apart as far as their first digits go."""
    judge = Judge(unique(items={"type": "number"}), numbers="any")
    assert not judge.takes_text("[1e999999999, 1e999999999]")
    assert not judge.takes_text("[1e-999999999, 1e-999999999]")
    assert judge.takes_text("[1e999999999, 2, -1e999999999, 3]")


def test_many() -> None:
    """A hundred names."""
    grammar = sg.compile(sg.JsonSchema({"type": "object"}), BYTES)
    text = json.dumps({f"name {i}": i for i in range(100)})
    assert grammar.accepts(grammar.advance_bytes(grammar.start, text.encode()))
    again = text[:-1] + ', "name 7'
    state = grammar.advance_bytes(grammar.start, again.encode())
    assert grammar.advance_bytes(state, b'"') < 0 <= grammar.advance_bytes(state, b'x"')


def test_names_run_out() -> None:
    """When 121 names have come, nothing is left but the end."""
    schema = {"propertyNames": {"pattern": "^[a-k]{2}$"}, "additionalProperties": {"type": "null"}, "type": "object"}
    net: Any = network(schema, whitespace="compact")
    key = net.follow(net.start, net.expand(net.start).edges[0].label)
    letters = "abcdefghijk"
    for name in [a + b for a in letters for b in letters]:
        key = net.follow(key, net.expand(key).edges[0].label)
        edge = net.expand(key).edges[0]
        key = net.follow_text(key, edge.label, f'{name}":'.encode())
        key = net.follow(key, net.expand(key).edges[0].label)
    assert [edge.symbol.name for edge in net.expand(key).edges] == ["}"]


@pytest.mark.parametrize(
    "schema",
    [
        unique(items={"type": "boolean"}, minItems=3),
        unique(prefixItems=[{"const": 1}, {"const": 1.0}], minItems=2),
        unique(items={"enum": ["a", "b"]}, contains={"const": "a"}, minContains=2),
        equal(prefixItems=[{"type": "string"}, {"type": "null"}], items=False),
        {"type": "object", "propertyNames": {"pattern": "^[a-z]{2}$"}, "minProperties": 677},
    ],
)
def test_unsatisfiable(schema: Any) -> None:
    with pytest.raises(errors.UnsatisfiableError):
        network(schema)


@pytest.mark.parametrize("pattern", ["", "^x-", "^[a-z]{2}$", "^é+$", "^.{3}$"])
def test_pool(pattern: str) -> None:
    """Names come once each, shortest texts first."""
    names = StringSet.matching(pattern)
    found = [pair for pair, _ in zip(Pool(names).unused(frozenset(["ab"])), range(200), strict=False)]
    assert [size for size, _ in found] == sorted(size for size, _ in found)
    assert len({name for _, name in found}) == len(found)
    for size, name in found[::7]:
        assert names.contains(name)
        assert size == text_size(name) == StringSet.of([name]).texts().min_length() - 2


@given(st.text(), st.booleans())
def test_read_name(name: str, ascii_only: bool) -> None:
    if not any("\ud800" <= c <= "\udfff" for c in name):
        assert read_name(f"{json.dumps(name, ensure_ascii=ascii_only)[1:]} :".encode()) == name


@given(VALUES, VALUES)
def test_read_value(a: Any, b: Any) -> None:
    """Equal exactly where JSON calls the values equal."""
    same = not Draft202012Validator({"uniqueItems": True}).is_valid([a, b])
    assert (read_value(json.dumps(a, indent=1).encode()) == read_value(json.dumps(b).encode())) == same


LARGE: dict[str, Any] = {
    "minItems": {"type": "array", "minItems": 10_000},
    "unique": unique(items={"type": "string"}, minItems=10_000),
    "maxItems": {"type": "array", "maxItems": 10_000},
    "required": {"properties": {f"p{i}": {} for i in range(500)}, "required": [f"p{i}" for i in range(500)]},
    "minProperties": {"type": "object", "minProperties": 5_000},
}


@pytest.mark.parametrize("name", LARGE)
def test_large_bounds(name: str) -> None:
    """Large numbers cost what is written, not what may be."""
    for order in ("schema", "any"):
        grammar = sg.compile(sg.JsonSchema(LARGE[name], property_order=order), BYTES)
        assert grammar.min_bytes_left(grammar.start) > (0 if name in ("maxItems", "required") else 10_000)
        grammar.mask(grammar.start)


OUTLINED = [
    {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
    {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": 2, "maxItems": 4},
    {"type": "array", "items": {"type": "string", "pattern": "^[ab]{0,2}$"}, "uniqueItems": True, "minItems": 3},
    {"type": "array", "prefixItems": [{"enum": [1, 2]}], "items": {"type": "number"}, "uniqueItems": True},
    {"type": "array", "items": {"type": ["string", "integer"]}, "uniqueItems": True, "maxItems": 2},
]


@pytest.mark.parametrize("schema", OUTLINED, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_outlines_say_what_is_sure_behind_an_item(schema: Any, seed: int) -> None:
    """Along random arrays: what the outline promises holds for items of every kind."""
    rng = random.Random(seed)
    net: Any = network(schema)
    opening = next(e for e in net.expand(net.start).edges if e.label is not END)
    key = net.follow(net.start, opening.label)
    for _ in range(6):
        edges = [e for e in net.expand(key).edges if e.label is not END]
        if not edges:
            break
        edge = rng.choice(edges)
        if not edge.capture:
            key = net.follow(key, edge.label)
            continue
        texts = {sample(edge.symbol.dfa, rng) for _ in range(6)} if isinstance(edge.symbol, Terminal) else set()
        for text in sorted(texts):
            check_outline(net, key, edge, text)
        if not texts:
            break
        key = net.follow_text(key, edge.label, rng.choice(sorted(texts)))


OBJECTS = [
    unique(items={"type": "object"}),
    unique(items={"type": "object", "required": ["a"], "properties": {"a": {}, "b": {"type": "integer"}}}),
    unique(items={"type": "object", "additionalProperties": {"type": "boolean"}}, minItems=3, maxItems=4),
    unique(items={"type": "object", "properties": {"a": unique(items={"type": "object"})}}),
    unique(items=SMALL),
    unique(prefixItems=[{"type": "string"}, {"type": "object"}], items={"type": "object", "minProperties": 1}),
    unique(items={"type": "object", "maxProperties": 0}),
    unique(items={"type": "string"}),
    unique(items={"type": "string"}, minItems=3, maxItems=4),
    unique(prefixItems=[{"type": "object"}], items={"type": "string"}),
    {"type": "object", "properties": {"a": unique(items={"type": "string"})}, "additionalProperties": False},
    unique(
        items={
            "type": "object",
            "properties": {"a": {"type": "null"}},
            "patternProperties": {"^b": {"type": "null"}},
            "anyOf": [{"maxProperties": 0}, {"required": ["a"]}],
        }
    ),
]
Order = Literal["any", "schema"]
ORDERS: tuple[Order, ...] = ("any", "schema")
PIECES = b'{"a": "b": 1 true null {} },{ },{" "},{" },{} {},{ }, {}, }] {}] },{}] "b ]},{ },{},{ },{"a 1},{"b'.split()
PIECES += b'"," "","" "," , "","a b"," "]} \\"," "]," "],"" ","","a "","","","" ["" [""," \\n'.split()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("number", range(len(OBJECTS)))
def test_tokens_that_go_on_behind_an_item(number: int, order: Order) -> None:
    """Masks, which use what is sure of the next item, agree with the bytes one by one, and the texts are valid."""
    judge, rng = Draft202012Validator(OBJECTS[number]), random.Random(number)
    tokens = [bytes([b]) for b in range(256)] + PIECES + [None]
    vocabulary = sg.Vocabulary(tokens, eos_token_ids=[len(tokens) - 1])
    grammar = sg.compile(sg.JsonSchema(OBJECTS[number], property_order=order, whitespace="compact"), vocabulary)
    for _ in range(12):
        state, text = grammar.start, b""
        for _ in range(40):
            row = grammar.mask(state)
            allowed = {t for t in range(len(tokens)) if row[t >> 5] >> (t & 31) & 1}
            assert allowed == {t for t in range(len(tokens) - 1) if grammar.advance(state, t) >= 0} | (
                {len(tokens) - 1} if grammar.accepts(state) else set()
            ), text
            longer = sorted(allowed - {len(tokens) - 1})
            if not longer:
                break
            pieces = [t for t in longer if t >= 256 or (tokens[t] or b"") in b'{}[],":ab1']
            token = int(rng.choice(pieces or longer))
            state, text = grammar.advance(state, token), text + (tokens[token] or b"")
        else:
            text += grammar.witness(state)
        assert judge.is_valid(json.loads(text)), text


def sample(dfa: ByteDfa, rng: random.Random) -> bytes:
    """A random text of an automaton, brought to its end by the shortest way when it grows long."""
    state, text = 0, bytearray()
    while not (dfa.accept[state] and (rng.random() < 0.5 or dfa.first[state] == dfa.first[state + 1])):
        edges = range(int(dfa.first[state]), int(dfa.first[state + 1]))
        if len(text) > 8:
            edge = min(edges, key=lambda e: int(dfa.distance[dfa.to[e]]))
        else:
            edge = rng.choice(edges)
        text.append(rng.randint(int(dfa.lo[edge]), int(dfa.hi[edge])))
        state = int(dfa.to[edge])
    return bytes(text)
