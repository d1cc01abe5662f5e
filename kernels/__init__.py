"""Hot loops, each beside a naive reference. Kernels see arrays and numbers only.

Numba's cache looks at the file a function stands in, not at the files of what it calls, nor at constants it takes
from elsewhere. So what it has compiled is dropped whenever any kernel file is not what it was.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def _drop_stale() -> None:
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    mark = folder / "__pycache__" / "sources.sha256"
    if mark.is_file() and mark.read_text() == digest.hexdigest():
        return
    for compiled in folder.rglob("__pycache__/*.nb[ic]"):
        compiled.unlink(missing_ok=True)
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(digest.hexdigest())


try:
    _drop_stale()
except OSError:  # an installation that cannot be written to is not edited either
    pass
