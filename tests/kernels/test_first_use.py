"""The first compilation is announced, once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from structgen.kernels import first_use


def kernel(folder: Path) -> Any:
    """What Numba's dispatchers tell of themselves."""
    return SimpleNamespace(__name__="travel", stats=SimpleNamespace(cache_path=str(folder)))


def test_it_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_use, "_told", set())
    for _ in range(2):
        first_use.announce(kernel(tmp_path), "some kernels", 7)
    first_use.announce(kernel(tmp_path), "others", 8)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "structgen: compiling some kernels for this machine, about 7 seconds; this happens once",
        "structgen: compiling others for this machine, about 8 seconds; this happens once",
    ]
    assert said.out == ""


def test_nothing_is_said_of_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "entries.travel-22.py311.nbi").touch()
    first_use.announce(kernel(tmp_path), "some kernels", 7)
    first_use.announce(SimpleNamespace(__name__="travel"), "plain functions", 7)
    assert capsys.readouterr().err == ""
