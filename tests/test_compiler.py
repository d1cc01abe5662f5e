"""The cache of compiled grammars: equal content, one grammar; different content never."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import structgen as sg
from structgen.compiler import content_key

VOCAB = sg.Vocabulary([*(bytes([b]) for b in range(256)), b"ab", b'":', None], eos_token_ids=[258])
NAMED = {"type": "object", "properties": {"a": {"type": "integer"}, "b": True}, "required": ["a"]}


class Point(BaseModel):
    x: int


GRAMMAR = 'start: "a" start "b" | "c"'
SAME: list[tuple[Any, Any]] = [
    (NAMED, json.loads(json.dumps(NAMED))),
    (sg.JsonSchema(NAMED), sg.JsonSchema(dict(NAMED))),
    (sg.JsonSchema('{"type": "null"}'), sg.JsonSchema('{"type": "null"}')),
    (Point, Point),
    (sg.Regex("a+"), sg.Regex("a+")),
    (sg.Regex("a+") & sg.Regex("[ab]+"), sg.Regex("a+") & sg.Regex("[ab]+")),
    (sg.Choice(["x", "y"]), sg.Choice(["x", "y"])),
    (["x", "y"], ["x", "y"]),
    (re.compile("ab?"), re.compile("ab?")),
    (sg.Lark(GRAMMAR), sg.Lark(GRAMMAR)),
    (sg.Gbnf('root ::= "a"'), sg.Gbnf('root ::= "a"')),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (NAMED, {**NAMED, "required": []}),
    # the order of the properties is a part of the language
    (NAMED, {**NAMED, "properties": dict(reversed(NAMED["properties"].items()))}),  # type: ignore[attr-defined]
    (sg.JsonSchema(NAMED), sg.JsonSchema(NAMED, property_order="any")),
    (sg.JsonSchema(NAMED), sg.JsonSchema(NAMED, whitespace=" ?")),
    (sg.JsonSchema({"const": 1}), sg.JsonSchema({"const": True})),
    (sg.JsonSchema({"const": 1}), sg.JsonSchema({"const": 1.5})),
    (sg.Regex("a+"), sg.Regex("a*")),
    (sg.Lark(GRAMMAR), sg.Lark(GRAMMAR, lexer="dynamic")),
    (sg.Lark(GRAMMAR), sg.Lark(GRAMMAR.replace('"c"', '"d"'))),
    (["x", "y"], ["x"]),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_content_is_compiled_once(one: Any, other: Any) -> None:
    compiler = sg.Compiler(VOCAB)
    assert compiler.compile(one) is compiler.compile(other)
    assert (compiler.hits, compiler.misses, len(compiler)) == (1, 1, 1)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_content_is_compiled_apart(one: Any, other: Any) -> None:
    compiler = sg.Compiler(VOCAB)
    assert compiler.compile(one) is not compiler.compile(other)
    assert (compiler.hits, compiler.misses) == (0, 2)


def test_a_schema_that_was_changed_is_another() -> None:
    schema = {"enum": [1]}
    compiler = sg.Compiler(VOCAB)
    before = compiler.compile(schema)
    schema["enum"].append(2)
    after = compiler.compile(schema)
    assert before.advance_bytes(before.start, b"2") < 0 <= after.advance_bytes(after.start, b"2")


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "grammar.lark"
    path.write_text('start: "a"')
    compiler = sg.Compiler(VOCAB)
    before = compiler.compile(sg.Lark(path))
    path.write_text('start: "b"')
    after = compiler.compile(sg.Lark(path))
    assert before.advance_bytes(before.start, b"b") < 0 <= after.advance_bytes(after.start, b"b")


def test_errors_are_not_kept() -> None:
    compiler = sg.Compiler(VOCAB)
    for _ in range(2):
        with pytest.raises(sg.errors.UnsatisfiableError):
            compiler.compile({"enum": []})
    assert (compiler.misses, len(compiler)) == (2, 0)


def test_the_least_recently_used_goes_first() -> None:
    compiler = sg.Compiler(VOCAB, max_grammars=2)
    a, b = compiler.compile(["a"]), compiler.compile(["b"])
    assert compiler.compile(["a"]) is a
    compiler.compile(["c"])
    assert compiler.compile(["a"]) is a
    assert compiler.compile(["b"]) is not b


def test_memory_has_a_limit() -> None:
    compiler = sg.Compiler(VOCAB, max_bytes=1)
    compiler.compile(["a"])
    last = compiler.compile(["b"])
    assert len(compiler) == 1
    assert compiler.compile(["b"]) is last
    assert compiler.nbytes == last.nbytes > 0
    compiler.clear()
    assert (len(compiler), compiler.nbytes) == (0, 0)


def test_a_grammar_near_its_limits_is_made_anew() -> None:
    compiler = sg.Compiler(VOCAB, limits=sg.Limits(max_states=1000))
    old = compiler.compile(sg.Regex("[ab]{0,2000}"))
    old.advance_bytes(old.start, b"ab" * 400)
    new = compiler.compile(sg.Regex("[ab]{0,2000}"))
    assert new is not old
    assert new.n_states < 100


def test_threads_that_ask_at_once_share_one() -> None:
    compiler = sg.Compiler(VOCAB)
    schema = {"type": "array", "items": {"anyOf": [{"properties": {f"p{i}": {"const": i}}} for i in range(8)]}}
    barrier = threading.Barrier(8)
    made: list[sg.CompiledGrammar] = []

    def ask() -> None:
        barrier.wait()
        made.append(compiler.compile(schema))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(map(id, made))) == 1
    assert compiler.misses == 1


def test_compiling_in_the_background() -> None:
    compiler = sg.Compiler(VOCAB)
    future = compiler.submit(["a", "b"])
    assert future.result(60) is compiler.compile(["a", "b"])
    with pytest.raises(sg.errors.SchemaError):
        compiler.submit({"type": "nothing"}).result(60)


@pytest.mark.parametrize(
    "wrong", [{"vocab": "words"}, {"max_grammars": 0}, {"max_bytes": 1.5}, {"limits": 3}], ids=lambda w: next(iter(w))
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(sg.errors.InputError):
        sg.Compiler(**{"vocab": VOCAB, **wrong})


def test_what_has_no_content_is_not_kept() -> None:
    assert content_key(object) is not None  # a type goes by equality
    assert content_key(sg.JsonSchema({"const": {1, 2}})) is None
