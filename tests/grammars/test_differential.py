"""A small part of ``python -m tests.grammars.differential``: structgen and Lark agree on texts of either."""

from __future__ import annotations

import random
import re

import lark
import pytest

import structgen as sg
from structgen.errors import UnsatisfiableError, UnsupportedError
from tests.grammars import randomly
from tests.grammars.differential import compare, many, parser, parses, shipped
from tests.grammars.drawing import vocabulary
from tests.grammars.parsing import accepts


@pytest.mark.parametrize("name", ["arithmetic", "csv", "folio", "gsm_symbolic"])
def test_grammars_of_the_library(name: str) -> None:
    tally = shipped(name, 1, texts=6, changes=60)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.drawn == 6 and 0 < tally.good < tally.judged


def test_random_grammars() -> None:
    tally, kinds = many(5000, 6, texts=5, changes=20)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert sum(kinds.values()) >= 6 and tally.good


PATTERNS = [r"(?s).{0,9}", r"(?s)(?!.*if).*", r"(?s).*[=;].*", r"(?s)[^ ]*( [^ ]*)?", r"(?s)(..)*", r"(?s).*\d.*"]


@pytest.mark.parametrize("seed", range(8))
def test_random_grammars_crossed_with_regexes(seed: int) -> None:
    """A text of both is one that Lark parses and that ``re`` matches, whatever the lexer."""
    rng = random.Random(f"crossed {seed}")
    made, pattern = randomly.draw(rng), re.compile(rng.choice(PATTERNS))
    try:
        judge, lexer = parser(made.text, rng)
    except lark.exceptions.GrammarError:
        return

    def both(text: str) -> bool:
        return pattern.fullmatch(text) is not None and parses(judge, text)

    given = [text for _ in range(30) if (text := made.derived(rng)) is not None]
    try:
        grammar = sg.compile(sg.Lark(made.text, lexer=lexer) & sg.Regex(pattern.pattern), vocabulary(given, rng))
    except UnsatisfiableError:
        assert not any(map(both, given))
        return
    except UnsupportedError as error:
        assert "behind" in error.message  # noqa: PT017
        return
    tally = compare(grammar, both, given, rng, texts=8, changes=20)
    assert not tally.wrong, "\n".join([made.text, *tally.wrong])


def test_disagreements_are_found() -> None:
    """Another grammar than the judge's: both its texts and the judge's own show it."""
    rng = random.Random(0)
    given = ["1 + 2", "(3)", "1 +"]
    grammar = sg.compile(sg.Lark('start: /[0-9]/ ("+" /[0-9]/)* "!"?\n%ignore " "'), vocabulary(given, rng))
    tally = compare(grammar, lambda text: accepts("arithmetic", text), given, rng, texts=20, changes=0)
    assert any(line.startswith("drawn under masks, refused by Lark") for line in tally.wrong)
    assert "refused, and Lark says otherwise: '(3)'" in tally.wrong
    assert not any("'1 + 2'" in line or "'1 +'" in line for line in tally.wrong)


def test_random_grammars_have_texts_of_their_own() -> None:
    """Derivation needs no parser, and gives every grammar but those that never end something to judge."""
    made = [randomly.draw(random.Random(seed)) for seed in range(50)]
    assert len({drawn.text for drawn in made}) == 50
    assert sum(drawn.derived(random.Random(1)) is not None for drawn in made) > 15
