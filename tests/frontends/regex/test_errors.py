"""What is refused, and how the message says so."""

from __future__ import annotations

import re
import time

import pytest

from structgen.errors import InputError, LimitError, SourceSyntaxError, UnsupportedError
from structgen.frontends.regex import parse, to_dfa

MALFORMED_PYTHON = [
    "(", ")", "a)", "[", "[a", "*", "a**", "a{2}{3}", "^*", r"\b+", "(?", "(?P", "(?P<n", "(?P<1>a)",
    "(?P<n>a)(?P<n>b)", "(?P=n)", "(?P!",
    "[b-a]", r"[\w-a]", r"\q", r"\z", "\\", r"\x1", r"\u12", r"\U00110000", r"\N", r"\N{NO SUCH NAME}",
    r"\400", "a{3,2}", "a(?i)", "(?iL)",
    "(?a-u:b)", "(?-:b)", "(?au:b)", "(?y)", "(?<n>a)", r"\1", "(?(1", "(?#", r"(?<=a+)", "(?i", "(?i-i:a)",
    r"[\8]", "(?)",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("pattern", MALFORMED_PYTHON)
def test_malformed_python(pattern: str) -> None:
    with pytest.raises(re.error):
        re.compile(pattern)
    with pytest.raises((SourceSyntaxError, UnsupportedError)) as caught:
        parse(pattern, "python")
    assert "position" in caught.value.message


MALFORMED_ECMA = [
    "(", ")", "[", "*", "a**", "a++", "^*", r"\b+", "(?<=a)*", "{2}", "a{3,2}", "(?", "(?<", "(?<n", "[b-a]",
    "\\", r"\p{Foo}", r"\p{L", r"\p{Script=Foo}",
    r"\p{Lett}", r"\p{IsGreek}", r"\u{110000}", r"\A", r"\Z", r"\z", r"\a", r"\xg", r"\u12", r"\c1",
    "(?P<n>a)", "(?P=n)", "(?>a)", "(?#c)", "(?(1)a)", "(?i)a",
    "(?x:a)", "(?-:a)", "(?ii:a)", r"(?<n>a)\k", r"\Qa\E", "**/*.js",
]  # fmt: skip


@pytest.mark.parametrize("pattern", MALFORMED_ECMA)
def test_malformed_ecma(pattern: str) -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        parse(pattern, "ecma")
    assert "position" in caught.value.message


@pytest.mark.parametrize(
    ("pattern", "dialect", "name"),
    [
        (r"(a)\1", "python", "backreference to group 1"),
        (r"(?P<x>a)(?P=x)", "python", "backreference to group x"),
        (r"(a)?(?(1)b|c)", "python", "conditional group"),
        (r"(a)\1", "ecma", "backreference to group 1"),
        (r"\k<x>(?<x>a)", "ecma", "backreference to group x"),
        (r"[[:alpha:]]+", "ecma", "POSIX class"),
        (r"\p{Changes_When_NFKC_Casefolded}", "ecma", "no table"),
    ],
)
def test_unsupported_is_named(pattern: str, dialect: str, name: str) -> None:
    with pytest.raises(UnsupportedError, match=name) as caught:
        to_dfa(pattern, dialect=dialect)
    assert caught.value.hint


@pytest.mark.parametrize("pattern", [r"(?>a|ab)c", r"a*+a", r"(?>a*)ab", r"(?:a++)+b", r"(?>a(?=b)|a)b", r"(?>a*?)b"])
def test_atomic_groups_that_matter_are_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedError, match="atomic") as caught:
        to_dfa(pattern)
    assert "position" in caught.value.message


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        to_dfa("ab**c", where="#/pattern")
    lines = caught.value.message.split("\n")
    assert lines[1].strip() == "ab**c"
    assert lines[2].index("^") == lines[1].index("**") + 1
    assert caught.value.where == "#/pattern"
    assert "#/pattern" in str(caught.value)


def test_long_and_multiline_patterns_are_shown_in_part() -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        parse("x" * 200 + "[b-a]" + "y" * 200)
    shown, mark = caught.value.message.split("\n")[1:3]
    assert len(shown) < 120
    assert shown[mark.index("^") :].startswith("b-a")
    with pytest.raises(SourceSyntaxError) as caught:
        parse("a\n  b\n[b-a]\nc", flags=re.X)
    assert caught.value.message.split("\n")[1].strip() == "[b-a]"


def test_the_place_is_not_cached() -> None:
    for where in ("#/a", "#/b", None):
        with pytest.raises(SourceSyntaxError) as caught:
            to_dfa("(", where=where)
        assert caught.value.where == where


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="perl"):
        parse("a", "perl")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="flags"):
        parse("a", "ecma", re.VERBOSE)
    with pytest.raises(SourceSyntaxError, match="LOCALE"):
        parse("a", "python", re.LOCALE)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a|b)*a(a|b){30}", "[a-z]{1,200000}", "((a{0,3}b){0,300}c){0,300}", "(?=.*a.{30}$)(?=.*b.{17}$).*",
        "(?:(?:a|b)*a(?:a|b){30})?(?<=b)c",
        "(" * 200 + ")" * 200, "a{99999999999}", "(?:(?!a.{18}b).)*", "(?:(?!a.{18}b)[ab])*(?<!b)c\\b.",
    ],
)  # fmt: skip
def test_blow_ups_stop_soon(pattern: str) -> None:
    to_dfa("ab|c")  # the kernels are compiled
    begin = time.process_time()
    with pytest.raises(LimitError) as caught:
        to_dfa(pattern, max_states=5000)
    assert time.process_time() - begin < 5
    assert caught.value.hint


def test_large_repetitions_of_one_set_are_quick() -> None:
    to_dfa("[a-z]{1,9}")
    begin = time.process_time()
    d = to_dfa("[a-z]{1,5000}")
    assert time.process_time() - begin < 0.1
    assert (d.min_length(), d.max_length()) == (1, 5000)


def test_results_are_shared() -> None:
    assert to_dfa("a+b") is to_dfa("a+b")
    assert to_dfa("a|b") == to_dfa("[ab]")
