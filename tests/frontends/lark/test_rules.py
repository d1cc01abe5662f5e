"""Grammars without a lexer: what each feature of Lark means, folded blanks, comments, embedded constraints."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Literal

import pytest

import structgen as sg
from structgen.compile import lower
from structgen.errors import (
    InputError,
    LimitError,
    SchemaError,
    SourceSyntaxError,
    UnsatisfiableError,
    UnsupportedError,
)
from structgen.ir import CfgNetwork
from structgen.ir.network import Network
from tests.ir.test_cfg import check_all
from tests.naive import language, member
from tests.runtime.laws import Pair

CALC = r"""
?start: sum
?sum: product | sum "+" product -> add | sum "-" product -> sub
?product: atom | product "*" atom | product "/" atom
?atom: NUMBER | "-" atom | NAME | "(" sum ")"
%import common.CNAME -> NAME
%import common.NUMBER
%import common.WS_INLINE
%import common.CPP_COMMENT
%ignore WS_INLINE
%ignore CPP_COMMENT
"""


def dynamic(text: str, **options: object) -> Network:
    return lower(sg.Lark(text, lexer="dynamic_complete", **options))  # type: ignore[arg-type]


def takes(network: Network, *texts: str) -> list[bool]:
    return [member(network, text.encode()) for text in texts]


def test_calculator() -> None:
    network = dynamic(CALC)
    check_all(network)
    good = ["1", " 1+2 *\t(x - -3.5e2) ", "a_1//b", "1 // rest", "-( -x)"]
    assert takes(network, *good) == [True] * len(good)
    bad = ["", "1+", "(1", "1 2", "1\n", "+1", "1 / / 2"]
    assert takes(network, *bad) == [False] * len(bad)


@pytest.mark.parametrize(
    ("grammar", "expected"),
    [
        ('start: "a"~2..3', ["aa", "aaa"]),
        ('start: "a"~2', ["aa"]),
        ('start: ["a"] "b"?', ["", "a", "ab", "b"]),
        ('start: ("a" | "b" "c")~1..2', ["a", "aa", "abc", "bc", "bca", "bcbc"]),
        ('start: pair{"a"}\npair{x}: x x | x "," pair{x}', ["a,aa", "aa"]),
        ('start: "A"i "é".."ê"', ["Aé", "Aê", "aé", "aê"]),
        ("start: A B\nA.3: /a|aa/\nB: \"a\"?\"b\"", ["aaab", "aab", "ab"]),
        ('start: _x !y ?z\n_x: "1"\n!y: "2"\n?z: "3" -> three', None),
        ('start: x y\n_x: "1"\n!y: "2"\n?x: "3" -> three', ["32"]),
        ('%override DIGIT: "7"\n%import common.DIGIT\nstart: DIGIT', ["7"]),
        ('start: X\n%extend X: "2"\nX: "1"', None),
        ('X: "1"\n%extend X: "2"\nstart: X', ["1", "2"]),
        ('s: "x"\nstart: s* "y"', ["xxxy", "xxy", "xy", "y"]),
        ('start: /a(?=b)b|c/', ["ab", "c"]),
        ('start: /(?!ab|b)[ab]{2}/ ', ["aa"]),
        (r'start: NAME "!"' + '\nNAME: /(?!if\\b)[if]{1,2}/', ["f!", "ff!", "fi!", "i!", "ii!"]),
        (r'start: "\x41" /[\u00e9]/ "\\n" "\n"', ["Aé\\n\n"]),
    ],
)
def test_features(grammar: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(SourceSyntaxError):
            dynamic(grammar)
        return
    network = dynamic(grammar)
    check_all(network)
    longest = max(len(text.encode()) for text in expected)
    assert sorted(text.decode() for text in language(network, longest)) == expected


def test_ignored_text_stands_between_terminals_only() -> None:
    network = dynamic('start: "ab" "c"\n%ignore " "')
    assert takes(network, "abc", "  ab  c ", "a bc") == [True, True, False]


def test_a_start_that_may_be_empty_takes_ignored_text_alone() -> None:
    assert takes(dynamic('start: "a"?\n%ignore " "'), "", "  ", " a ") == [True, True, True]


def test_blanks_are_folded_into_terminals() -> None:
    network = dynamic('start: "a" "b"\n%ignore /[ \\t]+/')
    assert isinstance(network, CfgNetwork)
    (edge,) = network.expand("start").edges
    assert not hasattr(edge.symbol, "key")
    assert edge.symbol.dfa.accepts(b" \t a")  # type: ignore[union-attr]


def test_comments_are_shared_by_all_terminals() -> None:
    network = dynamic('start: ("a" | "b")* \n%ignore /#[^\\n]*\\n/\n%ignore " "')
    check_all(network)
    assert takes(network, "#x\n a # y\n#\nb", "#", "a#\n ", "a#") == [True, False, True, False]


def test_every_kind_of_recursion() -> None:
    grammar = """
    start: left | right | hidden | middle
    left: left "l" | "l"
    right: "r" right | "r"
    hidden: empty hidden "h" | "h"
    empty: | "e"
    middle: "(" middle ")" | middle middle | "m"
    """
    network = dynamic(grammar)
    check_all(network)
    good = ["lll", "rrr", "hh", "eehhh", "((m)m)(m)", "mmm"]
    assert takes(network, *good) == [True] * len(good)
    assert takes(network, "", "rl", "(m", "eeh", "e") == [False] * 5


def test_operators_are_not_multiplied_out() -> None:
    many = " ".join(f'["{chr(97 + i)}"]' for i in range(26))
    network = dynamic(f'start: {many} "x"~0..400 ("y"~0..30 | "z"~3..30)~0..40')
    assert isinstance(network, CfgNetwork)
    assert sum(len(a) for alternatives in network.cfg.rules.values() for a in alternatives) < 4000
    assert takes(network, "acz" + "x" * 400 + "zzz" + "y" * 31, "ba") == [True, False]


def test_long_repetitions_are_counted() -> None:
    network = dynamic('start: ("a" b~100..200)~2..1000000 ";" empty~70\nb: "x" | "(" b ")"\nempty: "e"?\n%ignore " "')
    assert isinstance(network, CfgNetwork)
    assert sum(len(a) for alternatives in network.cfg.rules.values() for a in alternatives) < 30
    long = "a" + "x((x))" * 60
    assert takes(network, long * 2 + " ;e", long * 3 + ";" + "e" * 70) == [True, True]
    assert takes(network, long + ";", long * 2 + ";" + "e" * 71, long + "axx;") == [False] * 3
    assert network.least(network.start) == 2 * 101 + 1


def test_long_repetitions_that_recur_are_written_out() -> None:
    network = dynamic('start: ("(" start ")")~0..100')
    check_all(network)
    assert takes(network, "()" * 100, "()" * 101, "(()())") == [True, False, True]


def test_a_long_repetition_of_nothing_possible() -> None:
    assert takes(dynamic('start: "a" | never~100\nnever: "x" never'), "a", "x") == [True, False]
    assert takes(dynamic('start: "a" never~0..100\nnever: "x" never'), "a", "x") == [True, False]


def test_huge_counts_are_refused() -> None:
    with pytest.raises(LimitError, match="a repetition of more than"):
        dynamic('start: "a"~0..1000000000')
    with pytest.raises(LimitError, match="a repetition of more than"):
        dynamic('start: ("(" start ")")~0..1000000')


def test_masks_keep_the_laws() -> None:
    tokens = [b"a", b"b", b" ", b"(", b")", b" (", b"((", b"a)", b") )", b"#", b"\n", b"a #", None]
    network = dynamic('start: "(" start* ")" | "a"\n%ignore " "\n%ignore /#.*\\n/')
    rng = random.Random(7)
    for _ in range(5):
        Pair(network, tokens, eos=[len(tokens) - 1]).walk([rng.randrange(100) for _ in range(12)])


def test_embedded_constraints() -> None:
    grammar = 'start: "[" VALUE ("," VALUE)* "]" NAME?\n%declare VALUE NAME\n%ignore " "'
    schema = sg.JsonSchema({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False})
    network = dynamic(grammar, constraints={"VALUE": schema, "NAME": sg.Regex("x y?")})
    good = ["[{}]", '[ {"n": 12} , {} ]', "[{}]x ", "[{}] x y"]
    assert takes(network, *good) == [True] * len(good)
    bad = ["[]", '[{"n": 1.5}]', "[{}]xy", "[{}]x  y"]
    assert takes(network, *bad) == [False] * len(bad)


def test_embedded_constraints_may_be_empty_and_stand_at_the_left() -> None:
    network = dynamic('start: start X | X "a"\n%declare X', constraints={"X": sg.Regex("b*")})
    check_all(network)
    assert sorted(language(network, 3)) == [b"a", b"ab", b"abb", b"ba", b"bab", b"bba"]


def test_json_schemas_in_the_text() -> None:
    grammar = """start: "a" %json {
        "type": "object", "properties": {"%json {": {"const": 1}},
        "additionalProperties": false
      } (";" other)*   // %json {
    other: %json [] | %json {"type": "boolean"} "%json {"?
    """.replace("%json [] | ", "")
    network = dynamic(grammar)
    good = ["a{}", 'a{"%json {": 1};true;false%json {']
    assert takes(network, *good) == [True] * len(good)
    assert takes(network, "a", "a{};1", 'a{"%json {": 2}') == [False] * 3


@pytest.mark.parametrize(
    ("grammar", "error", "message", "where"),
    [
        ('start: "a"\n  | %json {"type": }', SourceSyntaxError, "not followed by JSON", "line 2, column 20"),
        ("start: %json", SourceSyntaxError, "not followed by JSON", "line 1, column 13"),
        ('start: %json {\n"type": "string"\n} | oops', SourceSyntaxError, "'oops' is used but not", "line 3, column 5"),
        ('start: %json {\n"type": 3}', SchemaError, "type", "line 1, column 8, #/type"),
        ("start: A\nA: %json {}", SourceSyntaxError, "JSON Schema inside the terminal", "line 2, column 4"),
        ("start: A\nA: B\n%declare C B", SourceSyntaxError, "which is only declared", "line 2, column 4"),
    ],
)
def test_malformed_schemas_in_the_text(grammar: str, error: type[Exception], message: str, where: str) -> None:
    with pytest.raises(error, match=message) as caught:
        dynamic(grammar)
    assert caught.value.where == where  # type: ignore[attr-defined]


def test_files_and_imports(tmp_path: Path) -> None:
    (tmp_path / "words.lark").write_text('WORD: LETTER+\nLETTER: "a".."c"\n%import common.DIGIT\n')
    (tmp_path / "main.lark").write_text('start: WORD N\n%import .words (WORD)\n%import common.INT -> N\n')
    assert takes(dynamic(str(tmp_path / "main.lark")), "abc12", "abd1") == [True, False]
    assert takes(lower(sg.Lark(tmp_path / "main.lark", lexer="dynamic_complete")), "a1") == [True]
    text = "%import words.WORD\nstart: WORD"
    assert takes(dynamic(text, import_paths=[tmp_path]), "ab") == [True]
    assert takes(dynamic('begin: "x"', start="begin"), "x") == [True]


@pytest.mark.parametrize(
    ("grammar", "error", "message"),
    [
        ("start: /a$/", UnsupportedError, "asks whether it stands at the beginning or end"),
        ("start: /a(?=b)/", UnsupportedError, "looks ahead past its end"),
        ("start: /(?<=b)a/", UnsupportedError, "looks back past its beginning"),
        (r"start: /(a)\1/", UnsupportedError, "backreference"),
        ("start: /a*/", SourceSyntaxError, "can be empty"),
        ("start: X\n%declare X", InputError, "declared but not defined"),
        ('start: "x"\n%declare X\n%ignore X', InputError, "declared but not defined"),
        ('start: a\na: "x" a', UnsatisfiableError, "has no text"),
        ('start: /[^\\s\\S]/ "a"', UnsatisfiableError, "has no text"),
    ],
)
def test_refused(grammar: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        dynamic(grammar)
    assert caught.value.hint  # type: ignore[attr-defined]


def test_constraints_are_not_ignored() -> None:
    with pytest.raises(UnsupportedError, match="what is ignored is a pattern"):
        dynamic('start: "x"\n%declare X\n%ignore X', constraints={"X": sg.Regex("a")})


@pytest.mark.parametrize("lexer", ["contextual", "basic", "dynamic"])
def test_lexers_know_patterns_only(lexer: Literal["contextual", "basic", "dynamic"]) -> None:
    with pytest.raises(UnsupportedError, match="cannot read constraints") as caught:
        lower(sg.Lark("start: X\n%declare X", lexer=lexer, constraints={"X": sg.Regex("a")}))
    assert "dynamic_complete" in str(caught.value.hint)
    with pytest.raises(InputError, match="declared but not defined"):
        lower(sg.Lark('start: X | "a"\n%declare X', lexer=lexer))


def test_constraints_must_be_declared() -> None:
    with pytest.raises(InputError, match="which the grammar does not declare"):
        dynamic('start: "x"', constraints={"X": sg.Regex("a")})
    with pytest.raises(InputError, match="is str, not a constraint"):
        sg.Lark("", constraints={"X": "a"})  # type: ignore[dict-item]
