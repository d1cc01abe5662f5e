"""The first compilation of the kernels takes seconds; say so before it begins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from structgen.kernels.machine import cpu

_told: set[str] = set()


def announce(kernel: Any = cpu.travel, what: str = "its kernels", seconds: int = 60) -> None:
    """Print one line to stderr if a kernel is not in Numba's cache yet. Says it once in a process.

    Args:
        kernel: the last of those that are compiled together.
        what: what they are.
        seconds: how long that takes.
    """
    if what in _told or cached(kernel):
        return
    _told.add(what)
    print(
        f"structgen: compiling {what} for this machine, about {seconds} seconds; this happens once",
        file=sys.stderr,
    )


def cached(kernel: Any = cpu.travel) -> bool:
    """Is a kernel compiled already, as far as its cache folder tells? True where Numba's JIT is off."""
    stats = getattr(kernel, "stats", None)
    if stats is None:
        return True
    return any(Path(stats.cache_path).glob(f"*.{kernel.__name__}-*.nbi"))
