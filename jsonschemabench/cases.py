"""Schemas with their test instances: a JSONL file (plain or gzip), a folder of JSON files, or the shipped handful."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent / "data" / "handful.jsonl"


class BadData(Exception):
    """A data file that cannot be read; the message names the place."""


@dataclass(frozen=True)
class Instance:
    """A JSON value and whether the schema holds it valid."""

    data: Any
    valid: bool

    @property
    def text(self) -> str:
        """The value as an engine is fed it."""
        return json.dumps(self.data, ensure_ascii=False)


@dataclass(frozen=True)
class Case:
    """A schema with instances. Without instances, compiling it is the test.

    Attributes:
        options: what the engine's ``compile`` is told beside the schema: ``formats`` and ``registry``.
    """

    id: str
    split: str
    schema: Any
    tests: tuple[Instance, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def schema_text(self) -> str:
        return json.dumps(self.schema, ensure_ascii=False)

    def message(self) -> dict[str, Any]:
        """The case as JSON, for a worker; :func:`from_message` reads it."""
        tests = [{"data": test.data, "valid": test.valid} for test in self.tests]
        return {
            "id": self.id, "split": self.split, "schema": self.schema, "tests": tests, "options": self.options
        }  # fmt: skip


def from_message(message: dict[str, Any]) -> Case:
    """What :meth:`Case.message` wrote."""
    tests = tuple(Instance(test["data"], test["valid"]) for test in message["tests"])
    return Case(message["id"], message["split"], message["schema"], tests, message["options"])


def stratified(cases: Sequence[Case], n: int) -> list[Case]:
    """``n`` cases from every split (all of a smaller one), spread evenly over it, in the order they are in."""
    members: dict[str, list[int]] = {}
    for i, case in enumerate(cases):
        members.setdefault(case.split, []).append(i)
    kept: set[int] = set()
    for places in members.values():
        count = min(n, len(places))
        kept.update(places[k * len(places) // count] for k in range(count))
    return [cases[i] for i in sorted(kept)]


def load_cases(path: Path | None, every: int = 1, offset: int = 0) -> list[Case]:
    """Every ``every``-th case of ``path`` from ``offset``. Raises :class:`BadData`."""
    records = _records(path if path is not None else SHIPPED)
    return [_case(record, where) for i, (where, record) in enumerate(records) if i % every == offset]


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            yield file.stem, _parse(file.read_text("utf-8"), str(file))
        return
    if not path.is_file():
        raise BadData(f"no such file or folder: {path}")
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{path.name}:{number}", _parse(line.decode("utf-8"), f"{path}, line {number}")


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadData(f"not JSON: {error} in {where}") from error


def _case(record: Any, where: str) -> Case:
    if not isinstance(record, dict) or "schema" not in record:
        raise BadData(f"a case needs a 'schema', and may have 'id', 'split' and 'tests': {where}")
    try:
        tests = tuple(Instance(test["data"], bool(test["valid"])) for test in record.get("tests", ()))
    except (TypeError, KeyError) as error:
        raise BadData(f"a test needs 'data' and 'valid': {where}") from error
    return Case(str(record.get("id", where)), str(record.get("split", "")), record["schema"], tests)
