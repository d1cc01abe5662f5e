"""Some of the random fills of ``python -m tests.infill.fills``."""

from __future__ import annotations

from tests.infill.fills import fills


def test_random_fills_end_in_valid_texts() -> None:
    found = list(fills(30, seed=7))
    assert len(found) == 30
    assert len({kind for kind, _ in found}) > 10 and all(slots > 0 for _, slots in found)
