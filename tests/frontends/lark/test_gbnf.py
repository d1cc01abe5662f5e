"""GBNF: what it means, what is malformed, and the same as a Lark grammar."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import structgen as sg
from structgen.compile import lower
from structgen.errors import ConstraintError, SourceSyntaxError, UnsatisfiableError, UnsupportedError
from structgen.frontends.lark import gbnf_to_lark
from structgen.ir import CfgNetwork
from tests.ir.test_cfg import check_all
from tests.naive import Naive, TooManyError, language, member
from tests.strategies import examples

JSON = r"""
root ::= object # the start
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
    string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""


def test_json() -> None:
    network = lower(sg.Gbnf(JSON))
    check_all(network)
    for value in ({}, {"a": [1, -2.5e3, "x\né😀"], "b": {"c": None}}, {"": True}):
        assert member(network, json.dumps(value).encode())
        assert member(network, json.dumps(value, ensure_ascii=False, indent=2).encode())
    for text in ("", "[]", '{"a"}', '{"a": 01}', '{"a": 1,}', '{"a": "\t"}'):
        assert not member(network, text.encode())


def test_what_needs_no_stack_becomes_one_terminal() -> None:
    network = lower(sg.Gbnf('root ::= "a" ws ("b" ws | x)* ws ::= [ \\t]*\nx ::= "c" ws'.replace("* ws :", "*\nws :")))
    assert isinstance(network, CfgNetwork)
    assert [len(a) for alternatives in network.cfg.rules.values() for a in alternatives] == [1]


@pytest.mark.parametrize(
    ("grammar", "expected"),
    [
        ('root ::= "a"{2}', ["aa"]),
        ('root ::= "ab"{,1}', None),
        ('root ::= ("a" | "b"){1,2} "c"', ["aac", "abc", "ac", "bac", "bbc", "bc"]),
        ('root ::= ""', [""]),
        ('root ::= "" | x\nx ::= [a-c^]', ["", "^", "a", "b", "c"]),
        ('root ::= "\\x41\\u00e9\\U0001F600\\n\\""', ['Aé😀\n"']),
        ("root ::= [\\]\\\\-]", ["-", "\\", "]"]),
        ('root ::= r-2 "!" r-2\r\nr-2 ::=\n  # comment\n  "x" |\n  "y"', ["x!x", "x!y", "y!x", "y!y"]),
        ('root ::= root "a" | "b"', ["b", "ba", "baa", "baaa", "baaaa"]),
        ('root ::= ("(" root ")")?', ["", "(())", "()"]),
    ],
)
def test_features(grammar: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(SourceSyntaxError):
            lower(sg.Gbnf(grammar))
        return
    network = lower(sg.Gbnf(grammar))
    check_all(network)
    longest = max(5, *(len(text.encode()) for text in expected))
    assert sorted(text.decode() for text in language(network, longest)) == expected


def test_dot_is_any_character() -> None:
    network = lower(sg.Gbnf("root ::= . [^]"))
    assert all(member(network, text.encode()) for text in ("ab", "\n\n", "é😀"))


@pytest.mark.parametrize(
    ("grammar", "message", "where", "hint"),
    [
        ('root ::= "a', 'a closing " is missing', "line 1, column 10", None),
        ("root ::= [a", "a closing ] is missing", "line 1, column 10", None),
        ('root ::= ("a"', "a closing ) is missing", "line 1, column 10", None),
        ('root ::= "a" )', "this cannot stand here", "line 1, column 14", None),
        ("root ::= *", "there is nothing for * to repeat", "line 1, column 10", None),
        ('root ::= "a"{3,1}', "the repetition 3 to 1 is not possible", "line 1, column 13", "Swap"),
        ('root ::= "a"{}', "a number is missing here", "line 1, column 14", "Write {3}"),
        ('root ::= "a"{1', "a closing } is missing", "line 1, column 15", None),
        ('root ::= "a"{999999}', "a repetition of more than 100000", "line 1, column 14", "Use *"),
        ('root ::= "\\q"', "the escape \\q is not known", "line 1, column 11", "Known are"),
        ('root ::= "\\x4"', "\\x takes 2 hexadecimal digits", "line 1, column 11", None),
        ('root ::= "\\ud800"', "is not a character", "line 1, column 11", None),
        ("root ::= [b-a]", "the range b-a is empty", "line 1, column 11", "Swap"),
        ("root ::= []", "a class without characters", "line 1, column 10", 'write ""'),
        ("root ::= item\nitems ::= [a]", "'item' is used but not defined", "line 1, column 10", "Did you mean 'items'"),
        ('root ::= "a"\nroot ::= "b"', "defined twice (first in line 1)", "line 2, column 1", "Join"),
        ('start ::= "a"', "no rule 'root'", None, "Name the rule"),
        ('root = "a"', "'::=' is missing", "line 1, column 6", "A rule is written"),
        ("root ::= 'a'", "this cannot stand here", "line 1, column 10", "double quotes"),
        ('root ::= my_x\n', "this cannot stand here", "line 1, column 12", "without underscores"),
        ('root ::= "a" ;', "this cannot stand here", "line 1, column 14", "semicolon"),
        ('root ::= "a"\n  | "b"', "a rule's name is missing", "line 2, column 3", "ends in |"),
        ("root ::= " + "(" * 300, "parentheses nest deeper", "line 1, column 210", "Give the inner parts rules"),
    ],
)
def test_malformed(grammar: str, message: str, where: str | None, hint: str | None) -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        lower(sg.Gbnf(grammar))
    assert message in caught.value.message
    assert caught.value.where == where
    assert hint is None or hint in (caught.value.hint or "")


def test_tokens_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="a token of the vocabulary") as caught:
        lower(sg.Gbnf('root ::= "a" <think>'))
    assert caught.value.where == "line 1, column 14"


def test_a_rule_without_end_has_no_text() -> None:
    with pytest.raises(UnsatisfiableError, match="has no text"):
        lower(sg.Gbnf('root ::= "a" root'))


# As a Lark grammar


def test_conversion() -> None:
    text = 'root ::= My-Rule{2,} | 9 "\\"\\\\" [/\\]^-]{1,2} .\nMy-Rule ::= ("é" | "a")?\n9 ::= ""'
    converted = gbnf_to_lark(text)
    assert converted.start == "root"
    assert converted.notes == ("rule My-Rule is called my_rule", "rule 9 is called r9")
    assert converted.text.splitlines()[0] == "root: my_rule~2 my_rule*"
    assert converted.text.splitlines()[2] == 'my_rule: /[aé]/?'.replace("é", "\\xe9")
    network = lower(sg.Lark(converted.text, start="root", lexer="dynamic_complete"))
    assert member(network, b'"\\]\xc3\xa9')


def _rules() -> st.SearchStrategy[str]:
    leaf = st.sampled_from(['"a"', '"b"', '""', "[ab]", '"/\\"\\\\"', "r", "s-1"])
    operators = st.sampled_from(["?", "*", "+", "{2}", "{0,2}", "{1,}", ""])

    def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        group = st.lists(inner, min_size=1, max_size=3).map(lambda options: f"({' | '.join(options)})")
        return st.one_of(st.builds(lambda a, op: a + op, group, operators), st.builds("{} {}".format, inner, inner))

    return st.recursive(leaf, wider, max_leaves=5)


@examples(40)
@given(_rules(), _rules(), _rules())
def test_conversion_keeps_the_texts(root: str, r: str, s: str) -> None:
    text = f'root ::= {root}\nr ::= {r} | "b"\ns-1 ::= {s} | "a" r'
    network = lower(sg.Gbnf(text))
    check_all(network)
    converted = gbnf_to_lark(text)
    again = lower(sg.Lark(converted.text, start=converted.start, lexer="dynamic_complete"))
    try:
        assert Naive(network).language(4) == Naive(again).language(4)
    except TooManyError:
        assume(False)


@examples(60)
@given(st.text(alphabet='rot:=|"a[]()*{}1,^-\\n #x\n', max_size=20))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        lower(sg.Gbnf("root ::= " + text))
    except ConstraintError as error:
        place = error.where
    else:
        return
    assert place is None or re.fullmatch(r"line \d+(, column \d+)?", place)
