"""Rules with numbers: against the rules written out by hand, with every lexer; errors and their places."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.automata import bytedfa
from structgen.compile import lower
from structgen.errors import ConstraintError, LimitError, SourceSyntaxError, UnsatisfiableError
from structgen.frontends.lark import findings, load
from structgen.ir.network import Terminal
from structgen.testing import byte_vocabulary, cover
from tests.grammars.differential import Lexer
from tests.naive import Naive, cfg_language
from tests.strategies import examples, within_reach


def texts(grammar: str, longest: int, lexer: Any = "dynamic_complete") -> set[str]:
    return {data.decode() for data in Naive(lower(sg.Lark(grammar, lexer=lexer))).language(longest)}


PERMUTATION = """
start: some{0}
some{seen=0..7}: "a" some{seen | 1} %if not seen & 1
               | "b" some{seen | 2} %if not seen & 2   // each of them once
               | "c" some{seen | 4} %if not seen & 4
               | %if seen == 7
"""


@pytest.mark.parametrize("lexer", get_args(Lexer))
def test_permutations(lexer: str) -> None:
    assert texts(PERMUTATION, 6, lexer) == {"".join(p) for p in itertools.permutations("abc")}


def test_counts() -> None:
    assert texts('start: more{0}\nmore{n=0..3}: "a" more{n + 1} |', 9) == {"", "a", "aa", "aaa"}
    most = 'start: x{0, 0}\nx{a=0..2, b=0..1}: "a" x{a + 1, b} | "b" x{a, b + 1} |'
    expected = {"".join(w) for n in range(5) for w in itertools.product("ab", repeat=n)}
    assert texts(most, 5) == {w for w in expected if w.count("a") <= 2 and w.count("b") <= 1}


def test_repetition_by_a_number() -> None:
    """As many of one as of the other, up to a bound; and bounds that leave nothing."""
    assert texts('start: x{3} "." | x{0}\nx{n=0..3}: "a"~n "b"~n..3 | "-" x{n - 1}', 9) == {
        "aaabbb.", "-aabb.", "-aabbb.", "--ab.", "--abb.", "--abbb.", "---.", "---b.", "---bb.", "---bbb.",
        "", "b", "bb", "bbb",
    }  # fmt: skip
    assert texts('start: x{2} | "c"\nx{n=0..9}: ("a" | "b"~n..1)~n | "d"~3..n', 4) == {"aa", "c"}


def test_groups_lose_the_alternatives_that_have_no_texts() -> None:
    inside = 'start: x{0}\nx{n=0..1}: ("a" | x{n + 1}) "." | [x{n + 1} "!"] "?"'
    assert texts(inside, 4) == {"a.", "a..", "?.", "?", "a.!?", "?!?"}
    assert texts('start: x{0}\nx{n=0..0}: "a" x{n + 1}* "b" | x{n + 1}+ "c" | x{n - 1}? "d"', 4) == {"ab", "d"}
    assert texts('start: x{0} | "z"\nx{n=0..3}: "a" y{n} | "b"\ny{n=0..3}: "c" %if n > 3', 4) == {"b", "z"}


def test_indentation_of_a_bounded_depth() -> None:
    blocks = r"""
        start: line{0}+
        line{n=0..3}: "  "~n NAME "\n" | "  "~n NAME ":\n" line{n + 1}+
        NAME: /[a-z]+/
    """
    grammar = sg.compile(sg.Lark(blocks, lexer="dynamic_complete"), byte_vocabulary())

    def accepted(text: str) -> bool:
        state = grammar.advance_bytes(grammar.start, text.encode())
        return state >= 0 and grammar.accepts(state)

    assert accepted("a:\n  b\n  c:\n    d\ne\n")
    assert not accepted("a:\nb\n") and not accepted("a\n  b\n")
    assert not accepted("a:\n  b:\n    c:\n      d:\n        e\n")


CONDITIONS: list[tuple[str, Callable[[int, int], bool]]] = [
    ("", lambda n, m: True),
    ("%if n < m", lambda n, m: n < m),
    ("%if n + m == 2 or not m", lambda n, m: n + m == 2 or not m),
    ("%if (n | m) & 1 and n != 3", lambda n, m: bool((n | m) & 1) and n != 3),
    ("%if 1 << n > m * 2 - 1", lambda n, m: 1 << n > m * 2 - 1),
    ("%if max(n, m) - min(n, m) <= bit_count(n)", lambda n, m: max(n, m) - min(n, m) <= bin(n).count("1")),
]
ARGUMENTS: list[tuple[str, Callable[[int, int], tuple[int, int]]]] = [
    ("n + 1, m", lambda n, m: (n + 1, m)),
    ("m, n", lambda n, m: (m, n)),
    ("n, m - 1", lambda n, m: (n, m - 1)),
    ("n ^ m, 2", lambda n, m: (n ^ m, 2)),
]


LETTERS = {f'"{letter}"': Terminal(bytedfa.literal(letter.encode()), letter) for letter in "ab"}


@examples(60)
@given(st.data())
@within_reach
def test_random_families(data: st.DataObject) -> None:
    """Two families that call each other, against the same rules written out by plain Python."""
    written, rules = [], dict[Hashable, list[list[Hashable]]]()
    for name in ("x", "y"):
        lines = []
        for _ in range(data.draw(st.integers(1, 3))):
            condition, holds = data.draw(st.sampled_from(CONDITIONS))
            words, calls = [], []
            for _ in range(data.draw(st.integers(0, 3))):
                if data.draw(st.booleans()):
                    words.append(data.draw(st.sampled_from(sorted(LETTERS))))
                    calls.append(None)
                else:
                    called = data.draw(st.sampled_from("xy"))
                    argument, values = data.draw(st.sampled_from(ARGUMENTS))
                    words.append(f"{called}{{{argument}}}")
                    calls.append((called, values))
            lines.append(" ".join([*words, condition]))
            for n, m in itertools.product(range(4), repeat=2):
                alternatives = rules.setdefault((name, n, m), [])
                if holds(n, m):
                    parts = zip(words, calls, strict=True)
                    alternatives.append([LETTERS[w] if c is None else (c[0], *c[1](n, m)) for w, c in parts])
        written.append(f"{name}{{n=0..3, m=0..3}}: " + "\n | ".join(lines))
    # what is outside of the ranges has no texts
    for alternatives in rules.values():
        alternatives[:] = [a for a in alternatives if all(isinstance(s, Terminal) or s in rules for s in a)]
    expected = cfg_language(rules, ("x", 0, 1), 4)
    try:
        found = texts("start: x{0, 1}\n" + "\n".join(written), 4)
    except (UnsatisfiableError, SourceSyntaxError):
        found = set()
    assert {text.encode() for text in found} == expected


ERRORS = {
    'start: x\nx{n=0..3}: "a" x{n+1} |': ("without its numbers", 1, 8),
    'start: x{5}\nx{n=0..3}: "a" x{n+1} |': (r"outside of x\{n=0..3\}", 1, 8),
    'start: x{0}\nx{n=0..3}: "a" x{m+1} |': ("'m' is no number of this rule", 2, 18),
    'start: x{0}\nx{n=0..3}: "a" x{n+1 |': ("is not closed", 2, 17),
    'start: x{0, 1}\nx{n=0..3}: "a" |': ("has 1 numbers, not 2", 1, 8),
    'start: x{0}\nx{n=0..3}: "a" %if n < | "b"': ("no expression over whole numbers", 2, 20),
    'start: x{0}\nx{n=0..3}: "a" %if': ("followed by no condition", 2, 16),
    'start: x{0}\nx{n=0..3}: "a" x{n.real} |': ("cannot stand in an expression", 2, 18),
    'start: x{0}\nx{n=0..3}: "a" x{n << 99} |': ("shifted by 0 to 64 bits", 2, 18),
    'start: "a" %if 1': ("in a rule without numbers", 1, 12),
    'start: x{0}\nx{n=3..0}: "a"': ("this range is empty", 2, 3),
    'start: x{0}\nx{n=0..}: "a"': ("given with their ranges", 2, 3),
    'start: x{0}\nx{n=0..3}: "a" %if n > 5': ("has no alternative", 1, 8),
    'start: X{0}\nX{n=0..3}: "a"': ("terminals have no numbers", 2, 1),
    'start: x{0}\n\nx{n=0..3}: "a" ; "b"': ("cannot stand here", 3, 1),
    'start: x{0}\nx{n=0..3}: "a" y\nz: "z"': ("'y' is used but not defined", 2, 16),
    'start: x{0} (\nx{n=0..3}: "a"': ("unclosed parenthesis", 1, 14),
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors_have_their_place(text: str) -> None:
    message, line, column = ERRORS[text]
    with pytest.raises(SourceSyntaxError, match=message) as caught:
        load(sg.Lark(text))
    assert str(caught.value.where) == f"line {line}, column {column}", caught.value
    assert str(caught.value).rstrip().endswith("^")


def test_too_many_rules_are_refused() -> None:
    with pytest.raises(LimitError, match="more than 20000 rules"):
        load(sg.Lark('start: x{0}\nx{n=0..100000}: "a" x{n + 1} |'))


def test_places_and_names_are_the_users() -> None:
    grammar = load(sg.Lark(PERMUTATION))
    assert {rule.origin for rule in grammar.rules} == {"start", *(f"some{{{n}}}" for n in range(8))}
    assert {rule.place.line for rule in grammar.rules if rule.place and rule.origin != "start"} == {3}
    with pytest.raises(ConstraintError, match=r"<y\{1\} : A>"):
        lower(sg.Lark('start: x{1}\nx{n=0..1}: y{n} | z\ny{n=0..1}: "a"\nz: "a"'))


def test_other_parts_of_the_notation_stand_beside_them() -> None:
    text = """
        start: <|go|> list{x{0}} (x{2} | "(" x{1} ")") %json {"const": {"n": 0}}
        list{item}: item ("," item)*
        x{n=0..2}.2: A~n "x" -> name | /[{}=]%if/ %if n == 2   # a comment: with a colon
        A: "a" | "n"
        %ignore " "
    """
    vocabulary = sg.Vocabulary([*(bytes([i]) for i in range(256)), None, None], [256], special={"<|go|>": 257})
    grammar = sg.compile(sg.Lark(text, lexer="dynamic_complete"), vocabulary)
    after = grammar.advance(grammar.start, 257)
    good = ('x,x anx{"n":0}', 'x (nx) {"n": 0}', 'x {%if{"n":0}')
    for rest in (*good, 'ax ax{"n":0}', 'x x{"n":0}', 'x (anx){"n":0}'):
        state = grammar.advance_bytes(after, rest.encode())
        assert (state >= 0 and grammar.accepts(state)) == (rest in good), rest


def test_coverage_and_findings_name_the_rules() -> None:
    source = sg.Lark(PERMUTATION + 'unused{n=0..1}: "u"\n')
    coverage = cover(source, ["abc", "acb"])
    assert not coverage.unread
    rules = [part.name for part in coverage.rules]
    assert any(name.startswith("some{5}: B some{7}") for name in rules), rules
    assert {part.name.split(":")[0] for part in coverage.rules if part.reached} >= {"some{0}", "some{3}", "some{5}"}
    assert [f.name for f in findings(source)] == ["unused"]
