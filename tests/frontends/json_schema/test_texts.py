"""The texts of a value: whitespace, order of properties, least bytes, shared terminals, growth."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen import errors
from structgen.frontends.json_schema.names import NO_NAMES, Pool
from structgen.frontends.json_schema.separators import terminals
from structgen.frontends.json_schema.strings import StringSet
from structgen.ir.network import Node
from tests.frontends.json_schema.networks import Judge, network, reach
from tests.json_strategies import SchemaMaker, instance, is_valid
from tests.naive import Naive, TooManyError


def nested(depth: int) -> Any:
    value: Any = [1, {"k": "v"}]
    for _ in range(depth):
        value = {"a": value, "b": []}
    return value


@pytest.mark.parametrize("indent", [None, 0, 1, 2, 4, 8, "\t"])
def test_flexible_whitespace(indent: Any) -> None:
    """All that json.dumps writes: any indentation up to 8, in 8 levels."""
    judge = Judge(True)
    text = json.dumps(nested(6), indent=indent)
    assert judge.takes_text(text)
    assert judge.takes_text(text.replace("\n", "\r\n"))
    assert judge.takes_text(json.dumps(nested(6), separators=(",", ":")))


def test_whitespace_is_bounded() -> None:
    judge = Judge(True)
    for text in ("[1\n\n]", "[   1]", "[\n" + 65 * " " + "1]", " 1", "1 ", "[1]\n", '{"a"\n:1}'):
        assert not judge.takes_text(text), text
    for text in ('{ "a" : 1 , "b":\t2 }', "[\n" + 64 * " " + "1]", "[ 1 ]", "{ }", "[\n]"):
        assert judge.takes_text(text), text


def test_compact_and_custom_whitespace() -> None:
    assert Judge(True, whitespace="compact").takes_text('{"a":[1,2]}')
    assert not Judge(True, whitespace="compact").takes_text('{"a": 1}')
    one = Judge(True, whitespace=" ")
    assert one.takes_text('{ "a" : [ 1 , 2 ] }')
    assert not one.takes_text('{"a":1}')
    reach(one.network)
    with pytest.raises(errors.InputError):
        network(True, whitespace=" |x")


def test_schema_order() -> None:
    """Listed properties, then required ones that are not listed, then others."""
    naive = Naive(network({"properties": {"b": {}, "a": {}}, "required": ["z", "a", "y"]}))
    assert naive.accepts(b'{"b":1,"a":1,"z":1,"y":1,"q":1}')
    assert naive.accepts(b'{"a":1,"z":1,"y":1}')
    for text in (b'{"a":1,"b":1,"z":1,"y":1}', b'{"a":1,"y":1,"z":1}', b'{"q":1,"a":1,"z":1,"y":1}'):
        assert not naive.accepts(text)


def test_order_over_all_of() -> None:
    """Names come in the order in which the text of the schema names them."""
    naive = Naive(
        network({"allOf": [{"properties": {"a": {}, "b": {}}}], "properties": {"c": {}}, "additionalProperties": True})
    )
    assert naive.accepts(b'{"a":1,"b":1,"c":1,"d":1}')
    assert not naive.accepts(b'{"c":1,"a":1}')


def test_named_properties_never_repeat() -> None:
    judge = Judge({"properties": {"a": {}, "b": {}}, "required": ["c"]})
    assert not judge.takes_text('{"a":1,"c":1,"a":1}')
    assert not judge.takes_text('{"c":1,"c":1}')


@pytest.mark.parametrize(
    ("schema", "shortest"),
    [
        (True, 1),
        ({"type": "object"}, 2),
        ({"type": "object", "required": ["ab", "c"]}, len('{"ab":0,"c":0}')),
        ({"type": "object", "minProperties": 1}, len('{"":0}')),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 10_000, "maxItems": 10_000}, 50_001),
        ({"type": "array", "contains": {"type": "string"}, "minItems": 2}, len('["",0]')),
        ({"enum": ["abc", [1, 2], None]}, 4),
    ],
)
def test_least(schema: Any, shortest: int) -> None:
    net = network(schema)
    assert net.least(net.start) == shortest


def test_terminals_are_shared() -> None:
    """One terminal for a name or a type, in one schema and across schemas."""

    def symbols(node: Node) -> list[int]:
        return [id(edge.symbol) for edge in node.edges]

    first = network({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False})
    second = network({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False})
    keys = [net.follow(net.start, net.expand(net.start).edges[0].label) for net in (first, second)]
    assert symbols(first.expand(keys[0])) == symbols(second.expand(keys[1]))


@given(
    st.lists(st.text('abé"/\\\n', max_size=3), unique=True, max_size=5),
    st.lists(st.text('abé"/\\\n', max_size=4), max_size=8),
    st.frozensets(st.text('abé"/\\\n', max_size=3), max_size=3),
)
def test_names_but_some(declared: list[str], names: list[str], used: frozenset[str]) -> None:
    """The terminal of all other names that are not used, made directly or by set operations."""
    others = StringSet.of(declared).complement()
    written = NO_NAMES
    for name in sorted(used):
        written = written.plus(name)
    free = Pool(others).free(written)
    terminal = terminals("flexible").names(free)
    for name in [*declared, *names, *used]:
        fine = name not in declared and name not in used
        assert free.names.contains(name) == fine
        for ascii_only in (False, True):
            assert terminal.dfa.accepts(json.dumps(name, ensure_ascii=ascii_only)[1:].encode() + b":") == fine


def test_name_terminals() -> None:
    for name in ("a", "", 'q"', "é", "a/b", "😀"):
        dfa = terminals("flexible").name(name).dfa
        assert dfa.accepts(f"{json.dumps(name)[1:]}:".encode())
        assert dfa.min_length() == terminals("flexible").name_cost(name) - terminals("flexible").quote_cost


@settings(max_examples=120)
@given(st.integers(0, 10**9))
def test_random_schemas(seed: int) -> None:
    """Random schemas: the contract at the nodes; values are taken exactly if jsonschema calls them valid."""
    rng = random.Random(seed)
    schema = SchemaMaker(rng).document()
    try:
        net = network(schema, property_order="any")
    except errors.UnsatisfiableError:
        values = [instance(rng, schema, schema) for _ in range(6)]
        assert not any(is_valid(schema, value) for value in values), schema
        return
    except (errors.UnsupportedError, errors.LimitError):
        return
    reach(net, 60)
    reach(network(schema), 60)
    naive = Naive(net)
    for _ in range(6):
        value = instance(rng, schema, schema)
        try:
            taken = naive.accepts(json.dumps(value).encode())
            valid = is_valid(schema, value)
        except (TooManyError, RecursionError):
            continue
        assert taken == valid, (schema, value)


FAMILIES: dict[str, Any] = {
    "500 optional properties": {"type": "object", "properties": {f"p{i}": {} for i in range(500)}},
    "1,000-value enum": {"enum": [f"value {i}" for i in range(1000)]},
    "10,000 maxItems": {"type": "array", "items": {"type": "integer"}, "maxItems": 10_000, "minItems": 5_000},
    "200 branches with discriminator": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": f"k{i}"}, f"p{i}": {}}, "required": ["kind"]}
            for i in range(200)
        ]
    },
    "30 conditionals on one property": {
        "type": "object",
        "required": ["kind"],
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": f"k{i}"}}, "required": ["kind"]},
                "then": {"required": [f"p{i}"]},
            }
            for i in range(30)
        ],
    },
    "nested not": {"not": {"not": {"not": {"not": {"not": {"not": {"type": "integer"}}}}}}},
    "deep": json.loads('{"items":' * 100 + "{}" + "}" * 100),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_growth(name: str) -> None:
    """Families that invite blow-up are built of few forms and plans."""
    net: Any = network(FAMILIES[name], property_order="any")
    net.expand(net.start)
    assert len(net.builder.forms) < 1_000
    assert len(net.builder.plans) < 500
