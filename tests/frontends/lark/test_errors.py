"""Malformed grammars: what is wrong, where, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import structgen as sg
from structgen.compile import lower
from structgen.errors import ConstraintError, InputError, SourceSyntaxError
from structgen.frontends.lark import load
from tests.strategies import examples


@pytest.mark.parametrize(
    ("grammar", "message", "line", "column", "hint"),
    [
        # names
        ("start: a", "the rule 'a' is used but not defined", 1, 8, "Define it"),
        ("start: WS", "the terminal 'WS' is used but not defined", 1, 8, "%import common.WS"),
        ('start: "x"\n    | statment\nstatement: "y"', "'statment' is used but not defined", 2, 7, "mean 'statement'"),
        ('start: name\nNAME: "x"', "the rule 'name' is used but not defined", 1, 8, "There is 'NAME'"),
        ("start: Foo", "the name 'Foo' is in upper and lower case", 1, 8, "lower case"),
        ('Start: "x"', "missing colon", 1, 2, "lower case"),
        ('start: __x\n__x: "a"', "this cannot stand here", 1, 8, None),
        ('start: A\nA: B\n', "the terminal 'B' is used but not defined", 2, 4, "Define it"),
        ('start: "a"\nstart: "b"', "defined more than once (first in line 1)", 2, 1, "%override"),
        ('%override x: "y"\nstart: "x"', "%override x", 1, 11, "without %override"),
        ('%extend X: "y"\nstart: "x"', "%extend X", 1, 9, "without %extend"),
        # rules and terminals
        ('start: A\nA: b\nb: "x"', "the terminal 'A' uses the rule 'b'", 2, 4, "Write b as a terminal"),
        ('start: A\nA: A "x"', "the terminal 'A' contains itself", 2, 1, "Make it a rule"),
        ('start: ""', 'the terminal "" is empty', 1, 8, "optional"),
        ("start: A\nA: ", "the terminal A is empty", 2, 1, "optional"),
        ('start: A\nA: "x" -> foo', "an alias in a terminal", 2, 8, "Only alternatives"),
        ('start: "z".."a"', 'the range "z".."a" runs backwards', 1, 8, 'Write  "a".."z"'),
        ('start: "a"\n%ignore WX\nWY: " "', "%ignore names 'WX', which is not defined", 2, 9, "%import common.WX"),
        ('start: "a"\n%ignore BLANK\nBLANKS: " "', "%ignore names 'BLANK', which", 2, 9, "mean 'BLANKS'"),
        ('start: ("a" | ["b"', "this cannot stand here", 1, 19, "A closing ) is missing"),
        ('start: "x"~5..2', "the range 5..2 is not possible", 1, 11, "not above"),
        ('start: a? | a\na: "x"', None, 0, 0, None),
        ('start: t{a}\na: "x"', "the rule 't' is used but not defined", 1, 8, None),
        ('start: t{a, a}\nt{x}: x\na: "x"', "the template 't' takes 1 arguments, not 2", 1, 8, None),
        # notation of others
        ('start = "x"', "this cannot stand here", 1, 7, "colon after a rule's name"),
        ('start ::= "x"', "unexpected colon", 1, 8, "name: alternatives"),
        ('start: "x" ;\nb: "y"', "this cannot stand here", 1, 12, "semicolon"),
        ("start: 'x'", "this cannot stand here", 1, 8, "double quotes"),
        ("start: [a-z]", "this cannot stand here", 1, 10, "/[a-z]/"),
        ('start: "x"{1,3}', "unexpected colon", 1, 11, "x~1..3"),
        ("<start>: <x>", "this cannot stand here", 1, 1, "without angle brackets"),
        ('start: "x', "this cannot stand here", 1, 8, 'closing "'),
        # brackets
        ("start: (", "unclosed parenthesis", 1, 9, None),
        ('start: "a")', "this cannot stand here", 1, 11, None),
        # patterns
        ("start: /(/", "missing )", 1, 8, None),
        ("start: /a/ /*/", "nothing to repeat", 1, 12, "glob"),
        ('start: A\nA: "x" | /[/', "this character set is not closed", 2, 10, None),
        ("start: /a\nb/", "over the end of the line", 1, 8, "flag x"),
        # imports
        ('%import common\nstart: "x"', "nothing in it", 1, 9, "%import common.NAME"),
        ("%import common.NUMBR\nstart: NUMBR", "'NUMBR' is imported, but", 1, 16, "mean 'NUMBER'"),
    ],
)
def test_malformed(grammar: str, message: str | None, line: int, column: int, hint: str | None) -> None:
    if message is None:  # Lark's own parsers refuse it; it means something all the same
        lower(sg.Lark(grammar, lexer="dynamic_complete"))
        return
    with pytest.raises(SourceSyntaxError) as caught:
        lower(sg.Lark(grammar, lexer="dynamic_complete"))
    assert message in caught.value.message
    assert caught.value.where == f"line {line}, column {column}"
    assert hint is None or hint in (caught.value.hint or "")


def test_a_caret_shows_the_place() -> None:
    with pytest.raises(SourceSyntaxError) as caught:
        lower(sg.Lark('start: "x"\n    | statment\n', lexer="dynamic_complete"))
    lines = caught.value.message.split("\n")
    assert lines[1] == "        | statment"
    assert lines[2].index("^") == lines[1].index("s")


def test_the_start_rule_is_missing() -> None:
    with pytest.raises(SourceSyntaxError, match="no rule 'start'") as caught:
        load(sg.Lark('expression: "x"\nOTHER: "y"'))
    assert "it has: expression" in str(caught.value.hint)
    with pytest.raises(SourceSyntaxError, match="'start' is a template"):
        load(sg.Lark("start{x}: x"))


def test_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the grammar cannot be read"):
        load(sg.Lark("missing.lark"))
    with pytest.raises(InputError, match=r"'foo\.lark' to import from is not found") as caught:
        load(sg.Lark("start: BAR\n%import foo.BAR"))
    assert caught.value.where == "line 2, column 9"
    assert "import_paths" in str(caught.value.hint)
    (tmp_path / "bad.lark").write_text("A: (\n")
    with pytest.raises(SourceSyntaxError):
        load(sg.Lark("start: A\n%import bad.A", import_paths=tmp_path))


@pytest.mark.parametrize("options", [{"lexer": "earley"}, {"grammar": 7}])
def test_options(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        sg.Lark(**{"grammar": 'start: "x"', **options})  # type: ignore[arg-type]


@examples(150)
@given(st.text(alphabet='starA:|"a()[]*?~{}./%->\\\n _b1', max_size=25), st.booleans())
def test_any_text_is_read_or_refused_with_a_place(text: str, whole: bool) -> None:
    refusal = None
    try:
        load(sg.Lark(text if whole else f"start: {text}\n"), counted=whole)
    except (ConstraintError, InputError) as error:
        refusal = error
    if refusal is not None and refusal.where is not None:
        assert re.fullmatch(r"line \d+, column \d+", refusal.where)
