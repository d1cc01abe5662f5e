"""Every example of every language: Lark with our grammar says what the corpus says, and so does the second judge."""

from __future__ import annotations

import pytest

from structgen.source.library import list_grammars
from tests.grammars.corpus import FOLDER, examples
from tests.grammars.judges import has_judge, judge, missing
from tests.grammars.parsing import refusal

LANGUAGES = list_grammars()


def test_every_grammar_has_a_corpus() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(LANGUAGES)
    for name in LANGUAGES:
        found = examples(name)
        assert sum(e.good for e in found) >= 5 and sum(not e.good for e in found) >= 5, name
        assert len(found) >= 15, name


@pytest.mark.parametrize("name", LANGUAGES)
def test_lark_agrees_with_the_corpus(name: str) -> None:
    wrong = []
    for example in examples(name):
        why = refusal(name, example.text)
        if (why is None) != example.good:
            wrong.append(f"{name}.txt:{example.line}: {why or 'accepted'}: {example.text[:60]!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name in LANGUAGES if has_judge(name)])
def test_the_second_judge_agrees_with_the_corpus(name: str) -> None:
    """Examples marked ``our subset`` are right in the language; those marked ``judge`` the judge gets wrong."""
    lacking = missing(name)
    if lacking:
        pytest.skip(f"{lacking} is not installed")
    asks = judge(name)
    wrong = [
        f"{name}.txt:{example.line}: {example.text[:60]!r}"
        for example in examples(name)
        if "our subset" not in example.remark and "judge" not in example.remark and asks(example.text) != example.good
    ]
    assert not wrong, "\n".join(wrong)
