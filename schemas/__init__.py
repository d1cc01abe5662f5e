"""Schemas and types that the examples, the demo and the tests generate.

``schemas()`` are JSON Schemas by name, read from the files beside this one; ``types()`` are Python types by name
(:mod:`structgen.schemas.models`).
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas by name."""
    found = [file for file in files(__name__).iterdir() if file.name.endswith(".json")]
    return {
        file.name[:-5]: json.loads(file.read_text(encoding="utf-8")) for file in sorted(found, key=lambda f: f.name)
    }


def types() -> dict[str, Any]:
    """Python types by name."""
    from structgen.schemas.models import TYPES

    return dict(TYPES)
