"""Hot loops, each beside a naive reference. Kernels see arrays and numbers only.

Numba's cache looks at the file a function stands in, not at the files of what it calls, nor at constants it takes
from elsewhere. So all kernel files are given one time stamp, that of the newest: an edit to any recompiles all.
"""

from __future__ import annotations

import os
from pathlib import Path


def _align_time_stamps() -> None:
    files = [(path, path.stat().st_mtime_ns) for path in Path(__file__).parent.rglob("*.py")]
    newest = max(stamp for _, stamp in files)
    for path, stamp in files:
        if stamp != newest:
            os.utime(path, ns=(newest, newest))


try:
    _align_time_stamps()
except OSError:  # an installation that cannot be written to is not edited either
    pass
