"""Every engine that is installed, behind the one protocol: masks, ends, twins and batches."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jsonschemabench.engines import ENGINES, known, load_engine
from jsonschemabench.engines.base import BenchVocabulary, Session
from jsonschemabench.tokenizers import load_vocabulary

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
)
NUMBERS = json.dumps({"type": "array", "items": {"type": "integer"}})


@pytest.fixture(scope="module")
def vocabulary() -> BenchVocabulary:
    plain = load_vocabulary("bytes")
    return BenchVocabulary("bytes and more", [*plain.tokens, b'{"a', b"12", b"\xc3\xa9", None], 256, plain.encode)


@pytest.mark.parametrize("name", ENGINES)
def test_masks_ends_twins_and_batches(name: str, vocabulary: BenchVocabulary) -> None:
    pytest.importorskip(ENGINES[name][2])
    engine = load_engine(name, vocabulary, "schema")
    assert engine.version.startswith(name)
    session = engine.compile(SCHEMA)
    assert feed(session, vocabulary, '{"a": 1, "b": "x"}') == (None, True)
    assert feed(session, vocabulary, '{"a": 1')[1] is False
    assert feed(session, vocabulary, '{"a": "')[0] == 6
    assert feed(session, vocabulary, '{"c')[0] == 2

    # A twin has a place of its own, over the same grammar.
    twin = session.twin()  # type: ignore[attr-defined]
    assert feed(twin, vocabulary, '{"a": 12, "b": "y"}') == (None, True)
    assert feed(session, vocabulary, '{"a')[0] is None
    assert session.advance(ord('"'))

    # A batch of several grammars is what its rows are.
    sessions = [session, twin, engine.compile(NUMBERS), twin.twin()]
    alone = np.stack([mask(each, vocabulary) for each in sessions])
    together = np.zeros_like(alone)
    fill = getattr(engine, "fill", None)
    if fill is not None:
        fill(sessions, together)
        np.testing.assert_array_equal(together, alone)
    assert len({row.tobytes() for row in alone}) == 4


def feed(session: Session, vocabulary: BenchVocabulary, text: str) -> tuple[int | None, bool]:
    """Where the text is refused, or None; and whether it may end where it got to."""
    session.reset()
    for i, token in enumerate(vocabulary.encode(text)):
        if not (int(mask(session, vocabulary)[token >> 5]) >> (token & 31)) & 1:
            return i, session.accepts()
        assert session.advance(token)
    return None, session.accepts()


def mask(session: Session, vocabulary: BenchVocabulary) -> np.ndarray:  # type: ignore[type-arg]
    row = np.zeros(vocabulary.words, dtype=np.int32)
    session.mask(row)
    return row


def test_an_order_behind_the_name(vocabulary: BenchVocabulary) -> None:
    text = '{"b": "x", "a": 1}'
    for name, taken in (("structgen@any", True), ("structgen@schema", False)):
        session = load_engine(name, vocabulary, "any").compile(SCHEMA)
        assert (feed(session, vocabulary, text)[0] is None) == taken


def test_an_engine_that_is_not_installed(vocabulary: BenchVocabulary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsonschemabench.engines.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"xgrammar is not installed: pip install 'structgen\[peers\]'"):
        load_engine("xgrammar@any", vocabulary, "any")


def test_names() -> None:
    assert known("structgen") and known("my.module:Engine") and known("structgen@schema") and known("m:C@any")
    assert not known("nothing") and not known("structgen@sideways")
