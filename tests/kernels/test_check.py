"""The check command: it runs without the rest of structgen's dependencies, and every bench runs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

from structgen.kernels.check import correct  # noqa: E402
from structgen.kernels.check.benches import BENCHES, tried  # noqa: E402
from structgen.kernels.check.main import main  # noqa: E402
from tests.conftest import ROOT  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

LEAN = """
import importlib.abc, runpy, sys
class Lean(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"numba", "lark", "jsonschema", "pydantic", "regex", "referencing", "platformdirs"}:
            raise ImportError(name)
sys.meta_path.insert(0, Lean())
sys.path.insert(0, "")
sys.argv[1:] = ["--only", "apply_mask", "--only", "automaton", "--only", "build_rows", "--out", sys.argv[1]]
runpy.run_module("kernels.check", run_name="__main__")
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="the command would measure the GPU")
def test_it_needs_torch_triton_and_numpy_only(tmp_path: Path) -> None:
    """From the repository's root, with structgen's other dependencies out of reach."""
    out = tmp_path / "record.json"
    run = subprocess.run(
        [sys.executable, "-c", LEAN, str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    record = json.loads(out.read_text())
    assert record["checks"] == dict.fromkeys(["apply_mask", "automaton", "build_rows"], "agrees")
    assert record["rows"] == []
    assert {"date", "device", "versions", "commit"} <= record.keys()


@pytest.mark.parametrize("name", sorted(BENCHES))
def test_every_bench_runs(name: str) -> None:
    for row in BENCHES[name](tried(), np.random.default_rng(0)):
        assert row.name.split(",")[0].split(" ")[0].rstrip(",")
        assert row.bytes >= 0
        assert math.isnan(row.seconds) or row.seconds >= 0


def test_a_kernel_that_is_wrong_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def wrong(pool: object, indices: object, out: torch.Tensor) -> None:
        out.fill_(1)

    monkeypatch.setattr(correct.gather_rows, "gather_rows", wrong)
    out = tmp_path / "record.json"
    assert main(["--only", "gather_rows", "--dry-run", "--out", str(out)]) == 1
    assert json.loads(out.read_text())["checks"]["gather_rows"].startswith("AssertionError")
