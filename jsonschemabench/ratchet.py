"""Verdicts on file, so that none gets worse unseen.

The file names the data by the number of its tests and a digest of their names, and lists the tests that are not
right. ``check`` compares a run with it, ``update`` writes it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonschemabench.cases import BadData
from jsonschemabench.suite import VERDICTS, Verdict


@dataclass(frozen=True)
class Change:
    """What a run says about the file: tests that got worse and better, as "name: before -> after"."""

    worse: tuple[str, ...]
    better: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"against the verdicts on file: {len(self.worse)} worse, {len(self.better)} better"]
        lines += [f"- worse: {line}" for line in self.worse]
        lines += [f"- better: {line}" for line in self.better]
        return "\n".join(lines)


def digest(names: Iterable[str]) -> str:
    """Sixteen hexadecimal digits that stand for the tests' names."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def default_path(data: Path) -> Path:
    """Where the verdicts on a data file are kept."""
    return Path(__file__).parent / "data" / (data.name.split(".")[0] + ".txt")


def update(path: Path, verdicts: Sequence[Verdict]) -> None:
    """Write the verdicts of a whole run."""
    names = [verdict.name for verdict in verdicts]
    wrong = [verdict for verdict in verdicts if verdict.verdict != "right"]
    lines = [f"# {len(names)} tests, digest {digest(names)}; all are right but these", ""]
    lines += [f"{verdict.verdict}: {_line(verdict.name)}" for verdict in wrong]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def check(path: Path, verdicts: Sequence[Verdict], names: Sequence[str]) -> Change:
    """Compare a run (of all tests or some) with the file.

    Args:
        names: of all tests in the data.

    Raises:
        BadData: there is no such file, or it is about other tests.
    """
    try:
        head, *lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadData(f"no verdicts on file: {path} ({error}); write them with --update") from error
    if f"{len(names)} tests, digest {digest(names)};" not in head:
        raise BadData(f"{path} is about other tests than the data; look at the changes and use --update")
    before: dict[str, str] = {}
    for line in lines:
        word, _, name = line.partition(": ")
        if name:
            before[name] = word
    worse: list[str] = []
    better: list[str] = []
    for verdict in verdicts:
        old = before.get(_line(verdict.name), "right")
        if old != verdict.verdict:
            change = f"{verdict.name}: {old} -> {verdict.verdict}" + (f" ({verdict.reason})" if verdict.reason else "")
            (worse if VERDICTS.index(verdict.verdict) > VERDICTS.index(old) else better).append(change)
    return Change(tuple(worse), tuple(better))


def _line(name: str) -> str:
    """A test's name on one line, in ASCII."""
    return name.encode("unicode_escape").decode("ascii")
