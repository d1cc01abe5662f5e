"""Members of records: the nodes that the machine makes by itself are those of the network, one by one."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import structgen as sg
from structgen.compile import compile_network, lower
from structgen.ir.network import Member, Network
from structgen.kernels.machine import layout as L
from structgen.limits import Limits
from structgen.masks.terminals import TerminalStore
from structgen.runtime.machine import Machine

TOKENS = [
    *(bytes([b]) for b in range(256)),
    b'":',
    b'","',
    b'": ',
    b'"}',
    b'{"',
    b'":"',
    b"},{",
    b'"a":1',
    b'""',
    b'":1,"',
]
VOCAB = sg.Vocabulary([*TOKENS, b""], eos_token_ids=[len(TOKENS)])

SCHEMAS: list[dict[str, Any]] = [
    {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "array"}}, "required": ["b"]},
    {"properties": {"a": {"enum": [1, 12]}, "bb": {"const": ""}, "/": {}}, "required": ["a", "bb", "/"]},
    {"properties": {"a": {}, "b": {}}, "additionalProperties": False},
    {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "additionalProperties": {"type": "null"}},
    {"patternProperties": {"^x": {"type": "integer"}, "y$": {"type": "string"}}, "properties": {"x1": {"maximum": 3}}},
    {"properties": {f"p{i}": {"type": "integer"} for i in range(70)}, "required": [f"p{i}" for i in range(0, 70, 7)]},
    {"properties": {"a": {"properties": {"n": {"minLength": 2}}, "required": ["n"]}, "z": False}, "required": ["a"]},
    {"properties": {"a": {}}, "additionalProperties": False, "propertyNames": {"maxLength": 3}},
    {"properties": {"a": {}, "b": {}}, "minProperties": 1},
]


TEXTS = [b'{"a":1,"b":"","x1":1', b'{"p7":1,"p0":2,"q":{}', b'{"x":1,"a":{"n":"ab"},"y":""', b'{"b":{},"a":null']


class Hidden:
    """A network whose nodes are all asked for."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __getattr__(self, name: str) -> Any:
        if name in ("member", "member_key", "slot_edges", "blurred_record"):
            raise AttributeError(name)
        return getattr(self._network, name)


def network_of(schema: dict[str, Any]) -> Network:
    return lower(sg.JsonSchema({"type": "object", **schema}, property_order="any"))


def machine_of(network: Any) -> sg.CompiledGrammar:
    return compile_network(network, VOCAB)


def bits_of(row: Any) -> list[int]:
    return [t for t in range(len(TOKENS) + 1) if row[t >> 5] >> (t & 31) & 1]


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_masks_are_those_of_nodes_asked_for(schema: dict[str, Any]) -> None:
    network = network_of(schema)
    ours, theirs = machine_of(network), machine_of(Hidden(network))
    rng = random.Random(7)
    for _ in range(6):
        a, b = ours.start, theirs.start
        for _ in range(60):
            allowed = bits_of(ours.mask(a))
            assert allowed == bits_of(theirs.mask(b))
            assert ours.min_bytes_left(a) == theirs.min_bytes_left(b)
            assert ours.forced_bytes(a) == theirs.forced_bytes(b)
            choices = [t for t in allowed if t < len(TOKENS)]
            if not choices:
                break
            wanted = [t for t in choices if TOKENS[t] in b'abxz/p0123456789,:"{}[]' or t > 255] or choices
            token = rng.choice(wanted)
            a, b = ours.advance(a, token), theirs.advance(b, token)


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_keys_and_members_are_each_others(schema: dict[str, Any]) -> None:
    """Of every node met: its key gives it again, and its edges are those that the network tells of the key."""
    network: Any = network_of(schema)
    machine = Machine(network, TerminalStore(VOCAB, 1 << 30), Limits())
    for text in (
        b'{"a":1,"b":"","x1":1',
        b'{"p7":1,"p0":2,"q":{}',
        b'{"x":1,"a":{"n":"ab"},"y":""',
        b'{"b":{},"a":null',
    ):
        at = machine.start
        for byte in text:
            following = machine.advance(at, np.array([byte], dtype=np.uint8))
            if following < 0:
                break
            at = following
            machine.row(at)
    members = 0
    for node in range(int(machine.arrays.used[L.M_NODES])):
        row = machine.arrays.nodes[node]
        if row[L.N_SET] == 0 or row[L.N_PLACE] == L.OUTLINE:
            continue
        members += 1
        key = machine.key(node)
        member = network.member(key)
        assert isinstance(member, Member) and network.member_key(member) == key
        assert machine.node(key) == node
        wanted = network.expand(key)
        first, n = int(row[L.N_EDGE]), int(row[L.N_EDGES])
        rows = machine.arrays.edges[first : first + n].tolist()
        told, _ = machine._rows(wanted.edges)
        labels = [machine.edge(first + i)[1].label for i in range(n)]
        assert edges_of(labels, rows) == edges_of([edge.label for edge in wanted.edges], told.tolist())
    assert members or "minProperties" in schema


def edges_of(labels: list[Any], rows: list[list[int]]) -> list[Any]:
    """What matters of edges, whatever their order; VALUES and BETWEEN have labels of their own."""
    what = [L.E_Q0, L.E_CALL, L.E_REST]
    return sorted((label is None, *(row[w] for w in what)) for label, row in zip(labels, rows, strict=True))


#: Tokens that end a free name and reach to the next one, into it or past it.
REACHING = [b'a":1,"', b'a":1,"a', b'":1,"a":', b'":1,"aa":1,"a":1}', b'":1}', b'"","', b'":1,"b":1,"a', b'":1,"']
FREE: list[dict[str, Any]] = [
    {"additionalProperties": {"type": "integer"}},
    {"properties": {"b": {"type": "integer"}, "ab": {"type": "integer"}}, "additionalProperties": {"type": "integer"}},
    {"properties": {"b": {}, "c": {}}, "required": ["b"]},
    {"properties": {"b": {"type": "integer"}}, "patternProperties": {"^a": {"type": "integer"}}},
    {"propertyNames": {"pattern": "^a{0,2}$"}, "additionalProperties": {"type": "integer"}},
]


@pytest.mark.parametrize("order", ["any", "schema"])
@pytest.mark.parametrize("schema", FREE, ids=range(len(FREE)))
def test_tokens_that_reach_past_a_free_name(schema: dict[str, Any], order: Any) -> None:
    network: Any = lower(sg.JsonSchema({"type": "object", **schema}, property_order=order, whitespace="compact"))
    tokens = [*(bytes([b]) for b in range(256)), *REACHING]
    store = TerminalStore(sg.Vocabulary(tokens, eos_token_ids=[]), 1 << 30)
    machine = Machine(network, store, Limits())
    for text in (b'{"', b'{"a', b'{"aa":1,"a', b'{"a":1,"', b'{"a":1,"a', b'{"b":1,"a', b'{"b":1,"a":1,"aa', b'{"a":1'):
        state = machine.advance(machine.start, np.frombuffer(bytearray(text), dtype=np.uint8))
        if state < 0:
            continue
        row, worst = machine.row(state), machine.worst(state)
        for token, data in enumerate(tokens):
            after = machine.advance(state, np.frombuffer(bytearray(data), dtype=np.uint8))
            assert bool(row[token >> 5] >> (token & 31) & 1) == (after >= 0), (text, data)
            assert after < 0 or machine.min_bytes(after) <= worst, (text, data)


@pytest.mark.parametrize("order", ["any", "schema"])
def test_a_mask_within_a_free_name_asks_for_no_text(order: Any) -> None:
    network: Any = lower(sg.JsonSchema({"type": "object", "properties": {"b": {}}}, property_order=order))
    machine = Machine(network, TerminalStore(VOCAB, 1 << 30), Limits())
    asked: list[bytes] = []
    follow = network.follow_text
    network.follow_text = lambda key, label, text: asked.append(text) or follow(key, label, text)
    state = machine.advance(machine.start, np.frombuffer(bytearray(b'{"name'), dtype=np.uint8))
    assert machine.row(state)[257 >> 5] >> (257 & 31) & 1 == 0  # no value before the comma
    assert machine.row(state)[261 >> 5] >> (261 & 31) & 1  # from the name into its value
    assert machine.row(state)[265 >> 5] >> (265 & 31) & 1  # from the name to the next one
    assert not asked
