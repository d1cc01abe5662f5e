"""Coverage of a grammar by a corpus: every part is counted once, and what is missing is named."""

import pytest

import structgen as sg
from structgen import testing
from structgen.errors import UnsupportedError

GRAMMAR = """
start: item ("," item)*
item: NAME "=" value -> pair
    | NAME
?value: NUMBER | STRING
NAME: /[a-z]+/
NUMBER: /[0-9]+(\\.[0-9]+)?/
STRING: "'" /[^']*/ "'"
%ignore " "
"""


@pytest.mark.parametrize("lexer", ["contextual", "basic", "dynamic", "dynamic_complete"])
def test_what_a_corpus_reaches(lexer):
    source = sg.Lark(GRAMMAR, lexer=lexer)
    nothing = testing.cover(source, [])
    assert not any(reached for reached, _ in nothing.shares().values())
    some = testing.cover(source, ["a", "b=1"])
    names = [str(part) for part in some.rules if part.reached]
    assert "item: NAME" in names
    assert [part.name for part in some.terminals if not part.reached and part.name.isupper()] == ["STRING"]
    assert any("STRING" in part for part in some.missing(50)["edges"])
    assert some.shares()["rules"][0] < some.shares()["rules"][1]
    every = testing.cover(source, ["a , b=1.25", "c='x', d=7, e", "f", "ab=11.2", "x=''"])
    assert not every.missing()["rules"]
    assert not every.missing()["terminals"]
    assert not every.missing()["edges"]


def test_texts_that_lark_does_not_read_are_told():
    found = testing.cover(sg.Lark(GRAMMAR), ["a=", "b"])
    assert [text for text, _ in found.unread] == ["a="]
    assert found.shares()["rules"][0]


def test_places_are_the_grammars():
    found = testing.cover(sg.Lark(GRAMMAR), ["a"])
    assert any("NUMBER" in part and "line 7" in part for part in found.missing(50)["terminals"])


def test_constraints_inside_a_grammar_are_beyond_lark():
    source = sg.Lark("start: X\n%declare X", lexer="dynamic_complete", constraints={"X": sg.Regex("a")})
    with pytest.raises(UnsupportedError, match="Lark"):
        testing.cover(source, [])
