"""Settings that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from structgen.runtime.warm import warm_up

# Triton's kernels run as NumPy on CPU tensors. It looks at this when it is imported, so it is said before any test.
os.environ.setdefault("TRITON_INTERPRET", "1")

ROOT = Path(__file__).resolve().parents[1]

# The same examples on every run, and no deadline: the first call of a kernel may compile it.
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
# HYPOTHESIS_PROFILE=explore looks for new examples, many more of them.
settings.register_profile("explore", parent=settings.get_profile("ci"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    """Compiled before the first test, so that the notice of it is in no test's output."""
    warm_up()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the official test suite and MaskBench; skips where there is none."""
    folder = Path(os.environ.get("STRUCTGEN_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("no shared data beside the repository (STRUCTGEN_SHARED)")
    return folder
