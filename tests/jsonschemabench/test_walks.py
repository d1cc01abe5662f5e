"""Random walks over schemas: all end, all are valid, and what goes wrong is told."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import structgen as sg
from jsonschemabench import walks
from jsonschemabench.__main__ import main
from jsonschemabench.cases import Case, load_cases
from jsonschemabench.tokenizers import load_vocabulary


def kinds(cases: list[Case], n: int) -> Counter[str]:
    return Counter(walk.kind for walk in walks.walks(cases, load_vocabulary("bytes"), n, 1, 60.0))


def test_the_shipped_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["walks", "--n", "36"]) == 0
    assert capsys.readouterr().out.startswith("36 walks over 12 schemas: ")


def test_real_schemas(shared_data: Path) -> None:
    with gzip.open(shared_data / "maskbench-dev.jsonl.gz") as lines:
        records = [json.loads(line) for i, line in enumerate(lines) if i % 190 == 7]
    found = kinds([Case(r["id"], "", r["schema"], ()) for r in records], 2 * len(records))
    assert not [kind for kind in walks.FAULTS if found[kind]]
    assert found["valid"] >= 1.5 * len(records)


def test_refusals_and_texts_nobody_can_judge() -> None:
    refused = Case("refused", "", {"type": "string", "pattern": r"(.)\1"}, ())
    large = Case("large", "", {"type": "integer", "minimum": 10**400}, ())
    assert kinds([refused, large], 6) == {"refused": 1, "unjudged": 3}


def test_an_invalid_text_is_a_fault(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def compiled(constraint: Any, words: sg.Vocabulary) -> sg.CompiledGrammar:
        return sg.CompiledGrammar(lower(sg.Regex("[0-9]{3}")), words)

    from structgen.compile import lower

    monkeypatch.setattr(walks.sg, "compile", compiled)
    case = load_cases(None)[0]
    assert kinds([case], 3) == {"invalid": 3}
    assert main(["walks", "--n", "12"]) == 1
    assert "- invalid: " in capsys.readouterr().out


def test_a_dead_end_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Any, row: Any) -> Any:
        return np.array([], dtype=np.intp)

    monkeypatch.setattr(walks._Walker, "allowed", nothing)
    assert set(kinds(load_cases(None)[:2], 4)) == {"dead end"}
