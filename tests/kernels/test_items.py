"""The figures of sets of items: automaton, sorted items, tries and interpreted kernels say the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

from structgen.kernels.check import items  # noqa: E402
from structgen.kernels.check.main import main  # noqa: E402

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels are not interpreted where a GPU is")


def test_every_way_is_measured_and_recorded(tmp_path: Path) -> None:
    out = tmp_path / "record.json"
    assert main(["--items", "50", "400", "--out", str(out)]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert {(row["items"], row["batch"]) for row in rows} == {(n, batch) for n in (50, 400) for batch in (0, 1, 256)}
    assert all(row["seconds"] >= 0 for row in rows)


def test_rows_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = items._searched
    monkeypatch.setattr(items, "_searched", lambda keys, prefixes: searched(keys, prefixes) ^ np.int32(1))
    with pytest.raises(AssertionError, match="sorted items"):
        list(items.measure((30,)))
