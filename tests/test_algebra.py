"""The public algebra: emptiness, inclusion, equivalence, with witnesses; judged by ``re`` on short words."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import structgen as sg
from structgen.errors import UnsupportedError

WORDS = ["".join(w) for n in range(5) for w in itertools.product("ab", repeat=n)]
PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "", "a?", "(?:ab)*", "b{1,2}"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"(?:{p[0]}|{p[1]})"),
        st.tuples(inner, inner).map("".join),
        inner.map(lambda p: f"(?:{p}){{0,2}}"),
    ),
    max_leaves=5,
)


def words(pattern: str) -> set[str]:
    return {w for w in WORDS if re.fullmatch(pattern, w)}


@settings(max_examples=60)
@given(PATTERNS, PATTERNS)
def test_inclusion_agrees_with_re(a: str, b: str) -> None:
    left, right = sg.Regex(a), sg.Regex(b)
    answer = sg.includes(left, right)
    missing = words(b) - words(a)
    if answer:
        assert not missing
        assert answer.witness is None
    else:
        assert answer.witness is not None
        assert re.fullmatch(b, answer.witness)
        assert not re.fullmatch(a, answer.witness)
        if missing:
            assert len(answer.witness) == min(map(len, missing))
    same = sg.equivalent(left, right)
    assert bool(same) == (bool(answer) and bool(sg.includes(right, left)))


@settings(max_examples=40)
@given(PATTERNS, PATTERNS, st.integers(0, 2), st.integers(0, 2))
def test_operators_agree_with_re(a: str, b: str, lo: int, more: int) -> None:
    left, right = sg.Regex(a), sg.Regex(b)
    assert sg.equivalent(left + right, sg.Regex(f"(?:{a})(?:{b})"))
    assert sg.equivalent(left | right, sg.Regex(f"(?:{a})|(?:{b})"))
    assert sg.equivalent(left & right, sg.Regex(f"(?=(?:{b})$(?!\\n))(?:{a})"))
    assert sg.equivalent(left - right, sg.Regex(f"(?!(?:{b})\\Z)(?:{a})"))
    assert sg.equivalent(left * (lo, lo + more), sg.Regex(f"(?:{a}){{{lo},{lo + more}}}"))
    assert sg.equivalent(~~left, left)
    assert sg.is_empty(~left & left)


def test_emptiness_has_a_shortest_text_as_witness() -> None:
    assert sg.is_empty(sg.Regex("a+") & sg.Regex("b+"))
    answer = sg.is_empty(sg.Regex("[b-d]{3,}"))
    assert not answer
    assert answer.witness == "bbb"
    assert sg.is_empty({"type": "string", "minLength": 3, "maxLength": 2})


def test_schemas_and_regexes_meet() -> None:
    boolean = sg.JsonSchema({"type": "boolean"})
    assert sg.equivalent(boolean, sg.Choice(["true", "false"]))
    assert sg.includes(sg.JsonSchema({"type": "integer"}), sg.Regex("[0-9]+")).witness == "00"
    closed = sg.JsonSchema({"properties": {"a": {"enum": [1, "x"]}}, "type": "object", "additionalProperties": False})
    assert not sg.includes(closed, sg.Regex(r'\{("a":(1|"x"))?\}') | sg.Regex(r"\[\]"))
    assert sg.includes(closed, sg.Regex(r'\{("a":(1|"x"))?\}'))
    assert sg.is_empty(boolean - sg.Choice(["true"])).witness == "false"
    assert sg.is_empty((boolean + sg.Regex("!")) & sg.Regex("t.*")).witness == "true!"
    assert sg.is_empty(~boolean).witness == ""


def test_recursive_schemas_with_each_other_but_not_with_regexes() -> None:
    tree = {"type": "array", "items": {"$ref": "#"}}
    assert sg.includes(sg.JsonSchema({"type": "array"}), sg.JsonSchema(tree))
    with pytest.raises(UnsupportedError, match="finitely many states"):
        sg.includes(sg.JsonSchema(tree), sg.Regex(r"\[\]"))


def test_long_chains_are_taken_as_one() -> None:
    either = sg.Regex("0")
    for i in range(1, 3000):
        either = either | sg.Regex(str(i))
    assert sg.is_empty(either - sg.Regex("[0-9]{1,3}")).witness == "1000"


def test_repeated_schemas() -> None:
    pair = sg.repeat(sg.JsonSchema({"type": "array"}), 2, 2)
    assert sg.is_empty(pair).witness == "[][]"
