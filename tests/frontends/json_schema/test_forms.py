"""The options ``numbers`` and ``escapes``: which texts of a value are written."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import LimitError
from structgen.frontends.json_schema.numbers import NumberSet

VOCAB = sg.Vocabulary([*(bytes([i]) for i in range(256)), None], eos_token_ids=[256])
ALL = NumberSet.all().texts("double")
SETS = {
    "all": NumberSet.all(),
    "integers": NumberSet.integers(),
    "from 0": NumberSet.interval(0),
    "multiples of 7": NumberSet.multiples(7),
    "multiples of 0.01 up to 9": NumberSet.multiples(0.01) & NumberSet.interval(-3, 9),
}
TEXTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.integers(0, 10**20 - 1).map(str),
    st.one_of(st.just(""), st.integers(0, 10**17).map(lambda n: f".{n}")),
    st.one_of(
        st.just(""), st.integers(-330, 330).map(lambda e: f"e{e:+d}"), st.integers(0, 330).map(lambda e: f"E{e}")
    ),
)


def accepts(schema: object, text: str, **options: str) -> bool:
    g = sg.compile(sg.JsonSchema(schema, **options), VOCAB)  # type: ignore[arg-type]
    state = g.advance_bytes(g.start, text.encode())
    return state >= 0 and g.accepts(state)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1.7976931348623157e308)
@example(-5e-324)
@example(2.2250738585072014e-308)
def test_every_float_that_python_writes_has_room(value: float) -> None:
    assert ALL.accepts(json.dumps(value).encode())


@given(TEXTS)
@example("1.7976931348623157e308")
@example("1.8e308")
@example("9e307")
@example("0.9e308")
@example("99999999999999999999e288")
def test_no_text_becomes_infinite(text: str) -> None:
    if ALL.accepts(text.encode()):
        assert math.isfinite(float(text))


@pytest.mark.parametrize("name", SETS)
@given(TEXTS)
def test_forms_only_leave_texts_out(name: str, text: str) -> None:
    numbers, data = SETS[name], text.encode()
    any_form = numbers.texts("any").accepts(data)
    plain = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is not None
    assert numbers.texts("plain").accepts(data) == (any_form and plain)
    double = numbers.texts("double").accepts(data)
    assert not double or any_form
    exponent = re.search(r"[eE]([+-]?[0-9]+)", text)
    if exponent is None or -323 <= int(exponent[1]) <= 288:
        assert double == any_form


def test_the_option_of_schemas() -> None:
    number = {"type": "number"}
    assert not accepts(number, "1e999")
    assert accepts(number, "1e999", numbers="any")
    assert accepts(number, "1e308")
    assert not accepts(number, "1e3", numbers="plain")
    assert accepts({"const": 1e30}, str(10**30), numbers="plain")
    assert accepts({"type": "integer"}, str(12345678910111213141516171819202122232425262728293031))
    assert accepts({"type": "integer"}, "1.0")
    g = sg.compile(sg.JsonSchema({"const": 1e30}, numbers="plain"), VOCAB)
    assert g.min_bytes_left(g.start) == 31


@pytest.mark.parametrize("schema", [{"const": "a\u00e9"}, {"properties": {"a\u00e9": {}}, "required": ["a\u00e9"]}])
def test_escapes_of_any_character(schema: dict[str, object]) -> None:
    value = "a\u00e9" if "const" in schema else {"a\u00e9": 0}
    raw = json.dumps(value, ensure_ascii=False)
    for text, standard in ((raw, True), (raw.replace("\u00e9", "\\u00e9"), True), (raw.replace("a", "\\u0061"), False)):
        assert accepts(schema, text, property_order="any") is standard
        assert accepts(schema, text, escapes="any", property_order="any")


def test_numbers_of_many_digits() -> None:
    most = int("9" * 4300)
    assert accepts({"const": most}, "9" * 4300)
    assert not accepts({"const": most}, "9" * 4299)
    assert "digits" in str(NumberSet.of([Fraction(most)]))
    for bound in (10**4300, 10**4999, 10**6000):
        with pytest.raises(LimitError, match="4300 digits"):
            sg.compile({"maximum": bound}, VOCAB)


@pytest.mark.parametrize("length", [10**8, 10**30])
def test_strings_too_long_to_write_are_a_limit(length: int) -> None:
    for schema in ({"type": "string", "minLength": length}, {"type": ["null", "string"], "minLength": length}):
        with pytest.raises(LimitError, match="more than the 1,000,000"):
            sg.compile(schema, VOCAB)
    assert accepts({"type": "string", "maxLength": length}, '"x"')
