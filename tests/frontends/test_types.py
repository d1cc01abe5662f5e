"""Types to schemas and texts to objects; jsonschema and Pydantic judge each other on both sides."""

import dataclasses
import datetime
import decimal
import enum
import json
import re
import uuid
from typing import Annotated, Any, Literal, NamedTuple

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

from structgen.errors import InputError, OutputError, SchemaError
from structgen.frontends.json_schema import build
from structgen.frontends.types import as_constraint, as_schema, is_type, parse
from structgen.frontends.values import value_of
from structgen.source import Choice, Constraint, JsonSchema, Regex
from tests.naive import Naive


class Colour(enum.Enum):
    RED = "red"
    DEEP = 7


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(ge=0, le=9)


class Dog(BaseModel):
    kind: Literal["dog"]
    puppies: list["Dog"] = []


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Film(TypedDict, total=False):
    title: str


class Pair(NamedTuple):
    left: int
    right: str


class Even(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def even(cls, n: int) -> int:
        if n % 2:
            raise ValueError("must be even")
        return n


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

# (type, JSON texts it takes, JSON texts it refuses): the schema, jsonschema and Pydantic must all agree.
CASES: list[tuple[Any, list[str], list[str]]] = [
    (int, ["3", "-4"], ['"x"', "1.5", "null"]),
    (bool, ["true"], ["2", "null"]),
    (str, ['"a"'], ["1"]),
    (None.__class__, ["null"], ["0"]),
    (Literal["a", 1], ['"a"', "1"], ['"b"', "2"]),
    (int | None, ["1", "null"], ['"x"']),
    (int | list[str], ["1", '["a"]'], ['"a"', "[1]"]),
    (list[int], ["[]", "[1,2]"], ["[null]", "{}"]),
    (tuple[int, str], ['[1,"a"]'], ["[1]", '[1,"a",2]']),
    (Pair, ['[1,"a"]'], ['["a",1]']),
    (dict[str, int], ['{"a":1}'], ['{"a":null}']),
    (dict[int, str], ['{"12":"a"}', "{}"], ['{"a":"a"}', '{"1.5":"a"}']),
    (dict[Literal["a", "b"], int], ['{"a":1}'], ['{"c":1}']),
    (dict[Annotated[str, Field(pattern="^a")], int], ['{"ab":1}'], ['{"b":1}', '{"b":"x"}']),
    (Colour, ['"red"', "7"], ['"RED"', "8"]),
    (Cat, ['{"kind":"cat","lives":9}'], ['{"kind":"dog","lives":9}', '{"kind":"cat","lives":10}', "{}"]),
    (Dog, ['{"kind":"dog","puppies":[{"kind":"dog"}]}'], ['{"kind":"dog","puppies":[{}]}']),
    (Pet, ['{"kind":"cat","lives":1}', '{"kind":"dog"}'], ['{"kind":"cow"}', '{"kind":"cat"}']),
    (list[Pet], ['[{"kind":"dog"}]'], ["[{}]"]),
    (Open, ['{"x":1,"y":2}'], ['{"y":2}']),
    (Point, ['{"x":1.5}', '{"x":1,"y":2}'], ['{"y":1}']),
    (Film, ['{"title":"Alien"}', "{}"], ['{"title":1}']),
    (uuid.UUID, ['"12345678-1234-1234-1234-123456789abc"'], ['"zz"']),
    (datetime.date, ['"0001-01-01"', '"2024-02-29"'], ['"0000-01-01"', '"2023-13-01"']),
    (datetime.datetime, ['"2024-01-01T10:11:12Z"'], ['"2024-01-01T10:11:60Z"', '"0000-01-01T10:11:12Z"']),
    (datetime.time, ['"10:11:12Z"'], ['"10:11:60Z"']),
    (datetime.timedelta, ['"P1DT2H"', '"PT5M"'], ['"P99999999999D"', '"P"']),
    (decimal.Decimal, ["1.5", "3"], ['"abc"', "null"]),
    (
        Annotated[decimal.Decimal, Field(ge=0, max_digits=5, decimal_places=2)],
        ["1.25", "999.99"],
        ["1.255", "-1", "1000"],
    ),
    (complex, ['"1+2j"', '"-1.5-2j"'], ['"abc"', '""']),
    (Annotated[str, Field(pattern="^a+$", max_length=3)], ['"aa"'], ['"aaaa"', '"b"', '""']),
]


def _id(value):
    return repr(value)[:40] if not isinstance(value, list) else ""


@pytest.mark.parametrize(("tp", "taken", "refused"), CASES, ids=_id)
def test_schema_and_validator_agree(tp, taken, refused):
    schema = as_schema(tp)
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for text in taken:
        judge.validate(json.loads(text))
        parse(tp, text)
    for text in refused:
        with pytest.raises(OutputError):
            parse(tp, text)
        if not (text == '"P"' and "duration" not in judge.format_checker.checkers):  # an optional checker
            assert not judge.is_valid(json.loads(text)), text


def test_objects_are_closed_unless_they_say_otherwise():
    assert as_schema(Cat)["additionalProperties"] is False
    assert as_schema(Point)["additionalProperties"] is False
    assert as_schema(Film)["additionalProperties"] is False
    assert as_schema(Open)["additionalProperties"] is True


def test_tagged_unions_need_no_one_of():
    schema = as_schema(Pet)
    assert "oneOf" not in schema and "discriminator" not in schema
    assert len(schema["anyOf"]) == 2


def test_objects_come_back_as_the_type():
    assert parse(Point, '{"x":1,"y":2}') == Point(1.0, 2.0)
    assert parse(Pet, '{"kind":"cat","lives":3}') == Cat(kind="cat", lives=3)
    assert parse(dict[int, str], '{"1":"a"}') == {1: "a"}
    assert parse(Colour, "7") is Colour.DEEP


def test_a_validator_that_refuses_is_an_output_error_with_a_pointer():
    with pytest.raises(OutputError, match="must be even") as caught:
        parse(list[Even], '[{"n":2},{"n":3}]')
    assert caught.value.where == "#/1/n"


@pytest.mark.parametrize("tp", [print, object(), lambda: 0])
def test_what_pydantic_cannot_take_is_refused(tp):
    with pytest.raises((SchemaError, InputError)):
        as_schema(as_constraint(tp).schema)


@pytest.mark.parametrize("tp", [int, int | None, Annotated[int, Field(ge=10)], int | str, list[int]])
def test_integers_are_written_plainly(tp):
    """Pydantic reads 523e89 as a float, from which it makes no integer."""
    network = build(JsonSchema(as_schema(tp)))
    for text in ("12", "523e89", "1e3", "50.0", "1" * 400):
        text = f"[{text}]" if tp == list[int] else text
        taken = Naive(network).accepts(text.encode())
        assert taken == text.strip("[]").isdigit()
        if taken:
            parse(tp, text)


def test_a_type_without_a_json_form_is_refused():
    from collections.abc import Callable

    with pytest.raises(SchemaError, match="JSON"):
        as_schema(list[Callable[[int], int]])


def test_dispatch():
    assert as_constraint({"type": "null"}).schema == {"type": "null"}
    assert as_constraint(True).schema is True
    assert as_constraint(Cat).schema is Cat
    assert as_constraint(list[int]).schema == list[int]
    assert as_constraint(int | None).schema == int | None
    assert as_constraint(Pet).schema == Pet
    assert as_constraint(Any).schema is Any
    assert as_constraint(re.compile("a+", re.I)) == Regex("a+", flags=(re.I | re.U).value)
    assert as_constraint(["a", "b"]) == Choice(["a", "b"])
    constraint = Regex("x")
    assert as_constraint(constraint) is constraint
    for wrong in ("text", 3, None, [], [1], b"x"):
        with pytest.raises(InputError, match="not a constraint"):
            as_constraint(wrong)


def test_unhashable_types_work():
    tp = Annotated[int, Field(json_schema_extra={"examples": [1]}), ["mutable"]]
    assert as_schema(tp)["type"] == "integer"
    assert parse(tp, "4") == 4


def test_values():
    assert value_of(Regex("a"), "a") == "a"
    assert value_of(None, "a") == "a"
    assert value_of(JsonSchema({}), '{"a":[1,null]}') == {"a": [1, None]}
    assert value_of(JsonSchema(Point), '{"x":1}') == Point(1.0)
    assert value_of(JsonSchema(Point) & Regex(".*"), '{"x":1}') == Point(1.0)
    assert value_of(JsonSchema({}) - JsonSchema({}), "1") == 1
    with pytest.raises(OutputError, match="JSON"):
        value_of(JsonSchema({}), "1" * 5000)


def test_every_constraint_kind_is_not_a_type():
    assert not is_type(Regex("a")) and is_type(Cat) and is_type(Literal["a"]) and not is_type({})
    assert isinstance(as_constraint(str), Constraint)


@given(st.dates(), st.datetimes(timezones=st.just(datetime.timezone.utc)), st.integers(0, 10**8))
def test_narrowed_patterns_keep_what_python_writes(day, moment, seconds):
    assert re.match(as_schema(datetime.date)["pattern"], day.isoformat())
    assert re.match(as_schema(datetime.datetime)["pattern"], moment.isoformat())
    from pydantic import TypeAdapter

    text = json.loads(TypeAdapter(datetime.timedelta).dump_json(datetime.timedelta(seconds=seconds)))
    assert seconds == 0 or re.match(as_schema(datetime.timedelta)["pattern"], text)
