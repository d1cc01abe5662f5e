"""Records of studies: a JSON file that is written after every run, so that a study goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from structgen.errors import InputError


class Record:
    """Runs by name.

    Args:
        path: of the file; None: kept in memory only.
        settings: what all runs have in common. A file with others is refused.

    Attributes:
        runs: what each run gave, values that JSON can hold.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self.path, self.settings = path, settings
        self.runs: dict[str, Any] = {}
        if path is None or not path.exists():
            return
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            found, runs = held["settings"], held["runs"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is no record of a study: {error}", hint="Give another file") from None
        if found != settings:
            raise InputError(
                f"{path} was made with other settings: {found}", hint="Give the same settings, or another file"
            )
        self.runs = runs

    def put(self, name: str, run: Any) -> None:
        """Keep what a run gave, in the file too."""
        self.runs[name] = run
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in self.runs.items())
        text = f'{{"settings": {json.dumps(self.settings)},\n"runs": {{\n{lines}\n}}}}\n'
        beside = self.path.with_suffix(".part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.path)
