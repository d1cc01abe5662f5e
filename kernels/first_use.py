"""The first compilation of the kernels takes seconds; say so before it begins."""

from __future__ import annotations

import sys
from pathlib import Path

from structgen.kernels.machine import cpu

_told = False


def announce() -> None:
    """Print one line to stderr if the kernels are not in Numba's cache yet. Says it once in a process."""
    global _told  # noqa: PLW0603  (once in a process is what is wanted)
    if _told:
        return
    _told = True
    if not cached():
        print(
            "structgen: compiling its kernels for this machine, about 50 seconds; this happens once",
            file=sys.stderr,
        )


def cached() -> bool:
    """Are the kernels compiled already, as far as their cache folder tells? True where Numba's JIT is off."""
    stats = getattr(cpu.travel, "stats", None)
    if stats is None:
        return True
    return any(Path(stats.cache_path).glob("*.travel-*.nbi"))
