"""The command. Also ``python -m kernels.check`` in the repository's root, where structgen is not installed."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if not str(__package__).startswith("structgen"):
    package = import_module("structgen")
    package.__path__.append(str(Path(__file__).resolve().parents[2]))  # structgen.kernels is kernels/

from structgen.kernels.check.main import main

sys.exit(main())
