"""Languages of random patterns against three judges: the definition, ``re`` and an ECMA-262 engine."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from structgen.frontends.regex import ast, parse, to_dfa, unparse
from structgen.frontends.regex.assertions import with_assertions
from structgen.frontends.regex.compile import compile_node
from tests.frontends.regex.drawn import TEXTS, ends, nodes, plain_nodes

regress = pytest.importorskip("regress")


@given(nodes())
@settings(max_examples=150)
def test_the_definition(node: ast.Node) -> None:
    d = compile_node(node, 10_000)
    for text in TEXTS[::3]:
        assert d.accepts(text) == (len(text) in ends(node, text, 0)), text


@given(nodes())
@settings(max_examples=100)
def test_the_general_way_and_the_short_ways_agree(node: ast.Node) -> None:
    assert with_assertions(node, 10_000) == compile_node(node, 10_000)


@given(nodes())
@settings(max_examples=200)
def test_printing_and_parsing_give_the_tree_back(node: ast.Node) -> None:
    for dialect in ("python", "ecma"):
        assert parse(unparse(node, dialect), dialect) == node


@given(nodes(), st.booleans())
@settings(max_examples=150)
def test_python_agrees(node: ast.Node, search: bool) -> None:
    pattern = unparse(node, "python")
    d = to_dfa(pattern, search=search)
    judge = re.compile(pattern)
    match = judge.search if search else judge.fullmatch
    for text in TEXTS[::3]:
        assert d.accepts(text) == (match(text) is not None), (pattern, text)


def _nested(node: ast.Node, inside: bool = False) -> bool:
    """Is there a repetition in a repetition? Backtracking engines may need ages for those."""
    here = isinstance(node, ast.Repeat)
    return (here and inside) or any(_nested(c, inside or here) for c in ast.children(node))


@given(nodes().filter(lambda n: not _nested(n)), st.booleans())
@settings(max_examples=100)
def test_ecma_agrees(node: ast.Node, search: bool) -> None:
    pattern = unparse(node, "ecma")
    d = to_dfa(pattern, dialect="ecma", search=search)
    judge = regress.Regex(pattern if search else rf"(?<![\s\S])(?:{pattern})(?![\s\S])", "u")
    for text in TEXTS[::3]:
        assert d.accepts(text) == (judge.find(text) is not None), (pattern, text)


@given(plain_nodes(), st.integers(0, 2**31))
@settings(max_examples=100)
def test_samples_match(node: ast.Node, seed: int) -> None:
    pattern = unparse(node, "python")
    word = to_dfa(pattern).sample(random.Random(seed))
    assert word is not None
    assert re.fullmatch(pattern, word)


PATTERNS = [
    r"\bfoo\b", r"\Boo", r"a\b", r"^$", r"a|^b|c$", r"(?:^|,)a(?:,|$)", r"(?m)^a$", r"(?s).", r".$", r"a\Z", r"\Aa",
    r"^(?!a)[ab]+$", r"(?=.*a)(?=.*b).{2,3}", r"(?:(?!ab)[ab])*", r"[ab]+(?<!b)", r"(?<=a)b", r"a(?=b)b*",
    r"(a(?=b|$)|b)*",
    r"(?i)AB", r"(?i:a)b", r"(?x) a  b # no", r"a{,2}", r"a{2}", r"a{,}", r"a{x", r"{", r"x{1,2",
    r"a(?#note)b", r"[]a]", r"[^]a]",
    r"[a\-b]", r"[\w-]", r"[a-]", r"(?P<n>a)b", r"a++b", r"(?>ab|b)a", r"a*+b", r"\101", r"\x61", "\\u0061",
    r"\N{LATIN SMALL LETTER A}",
    r"a??b", r"a+?", r"(|a)b", r"()*", r"(?:)+", r"(a|)+", r"(?:a?){3}", r"(?:a{2}){2}", r"(?:a{2,3}){1,2}",
    r"(?:a{0,1}b?)*",
    r"\w\W", r"\d|\s", r"[\d\s]", r"[^\w]", r"$", r"a$\n", r"^^a$$", r"a^b", r"a$b", r"(a$|b)\n?", r"(^a)?b",
    r"(\ba)*", r"(?:\b|-)a",
    r"(?<=(?=a).)b", r"(?<!\bb)a", r"(?<=^a)b", r"(?<=a$)\n", r"(?=(?<=a)b)b", r"a(?!(?<=a)b)",
    r"(?=a|(?!b))[ab]", r"\B", r"\b",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("pattern", PATTERNS)
def test_python_patterns(pattern: str) -> None:
    judge = re.compile(pattern)
    whole, anywhere = to_dfa(pattern), to_dfa(pattern, search=True)
    for text in (*TEXTS, "foo", "a foo-", "foob", "AB", "aB", "a,a", "{", "x{1,2", "a{x", "]", "^", "-"):
        assert whole.accepts(text) == (judge.fullmatch(text) is not None), text
        assert anywhere.accepts(text) == (judge.search(text) is not None), text


ECMA_PATTERNS = [
    r"^[\w\-\.]+$", r"^a\/b\_$", r"{a}", r"a{,2}", r"a{b", r"^\cJ$", r"[\cJ]", r"\u{61}", "\\u0061",
    r"\ud83d\ude00", r"\u{1F600}", r"[\u{1F600}]",
    r"[^]", r"[]", r"[^a]", r".", r"\s", r"\S", r"\w", r"\W", r"\d", r"[\b]", r"\0", r"(?<name>a)b",
    r"(?=a)*b", r"[a-\d]", r"[\d-b]", r"\p{L}",
    r"\P{L}", r"[\p{L}\p{N}]", r"\p{Script=Greek}", r"\bab\b", r"a$", r"(?<=a+)b", r"(?<!a|b)-", r"a]", r"a}",
    r"\x61", r"\$\(\)",
]  # fmt: skip


@pytest.mark.parametrize("pattern", ECMA_PATTERNS)
def test_ecma_patterns(pattern: str) -> None:
    try:
        judge = regress.Regex(pattern, "u")
    except regress.RegressError:  # Annex B only
        judge = regress.Regex(pattern)
    d = to_dfa(pattern, dialect="ecma", search=True)
    extra = (
        "a/b_",
        "{a}",
        "a{,2}",
        "a{b",
        "\x08",
        "\x00",
        "1",
        "a1",
        "α",
        "\u2028",
        "\ufeff",
        "\u180e",
        "_",
        "$()",
        "]",
        "a}",
        "x.y",
    )
    for text in (*TEXTS, *extra):
        assert d.accepts(text) == (judge.find(text) is not None), text


@pytest.mark.parametrize("flags", [re.I, re.M, re.S, re.I | re.M | re.S])
@pytest.mark.parametrize("pattern", [r"^a.b$", r"A", r"[^A]", r"\w", r"^é$", r"^a$"])
def test_flags(pattern: str, flags: int) -> None:
    names = "".join(n for n, f in (("i", re.I), ("m", re.M), ("s", re.S)) if flags & f)
    ecma, python = regress.Regex(pattern, "u" + names), re.compile(pattern, flags)
    for text in (*TEXTS[::2], "A", "a\nb", "É", "ſ", "\u212a", "a\u2028b", "a\r"):
        assert to_dfa(pattern, dialect="ecma", flags=flags, search=True).accepts(text) == (ecma.find(text) is not None)
        assert to_dfa(pattern, flags=flags, search=True).accepts(text) == (python.search(text) is not None)
