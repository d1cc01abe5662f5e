"""The JSON Schema Test Suite, or groups of tests in its form, on an engine: a verdict for every test.

Receives a file ``{"groups": [{"keyword", "description", "schema", "tests": [{"description", "data", "valid"}]}],
"remotes": {uri: schema}}``, gzip or not; returns :class:`Verdict` records. Formats are annotations, as the standard
says, but in groups of ``optional/format``, which are about what a format enforces.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jsonschemabench.cases import BadData, Case, Instance
from jsonschemabench.measure import ACCEPTS_INVALID, REJECTS_ORDER, REJECTS_VALID, RIGHT, SKIPPED
from jsonschemabench.pool import Limits, Worker

#: Groups and tests of our own, for every keyword and draft.
OWN = Path(__file__).parent / "data" / "own-suite.json"

#: Verdicts, from best to worst.
VERDICTS = ("right", "refused", "stopped", "wrongly rejected", "failed", "wrongly accepted")
SECOND_CHANCE = 6
_WORDS = {
    RIGHT: "right",
    REJECTS_VALID: "wrongly rejected",
    REJECTS_ORDER: "wrongly rejected",
    ACCEPTS_INVALID: "wrongly accepted",
    SKIPPED: "right",  # a lone surrogate: no text at all is this value
}


@dataclass(frozen=True)
class Verdict:
    """What became of a test.

    Attributes:
        part: "required", "optional" or "formats".
        name: keyword, group and test, joined by " | "; unique in its file.
        verdict: one of ``VERDICTS``.
        reason: of a refusal, or where a valid text was refused; else empty.
    """

    part: str
    name: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Group:
    """A schema with tests; ``names`` of the tests are unique in the file."""

    keyword: str
    case: Case
    names: tuple[str, ...]

    @property
    def part(self) -> str:
        if self.keyword.startswith("optional/format"):
            return "formats"
        return "optional" if self.keyword.startswith("optional/") else "required"


def load_groups(path: Path) -> list[Group]:
    """The groups of a file. Raises :class:`BadData`."""
    try:
        data = path.read_bytes()
        document = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        groups, remotes = document["groups"], document.get("remotes", {})
        return list(_groups(groups, remotes))
    except OSError as error:
        raise BadData(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"not a file of test groups: {path}: {type(error).__name__}: {error}") from error


def _groups(groups: list[dict[str, Any]], remotes: dict[str, Any]) -> Iterator[Group]:
    seen: Counter[str] = Counter()
    for number, group in enumerate(groups):
        names = []
        for test in group["tests"]:
            name = " | ".join((group["keyword"], group["description"], test["description"]))
            seen[name] += 1
            names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
        options: dict[str, Any] = {"formats": "assert" if "format/" in group["keyword"] else "annotation"}
        text = json.dumps(group["schema"])
        if any(word in text for word in ('Ref"', '$ref"', '"$schema"')):
            options["registry"] = remotes
        tests = tuple(Instance(test["data"], test["valid"]) for test in group["tests"])
        yield Group(
            group["keyword"], Case(f"{number}", group["keyword"], group["schema"], tests, options), tuple(names)
        )


def judge(groups: Sequence[Group], engine: str, order: str, limits: Limits) -> Iterator[Verdict]:
    """A verdict for each test, in order. A group over a limit is stopped, and the next one goes on.

    A group over the time limit is tried once more with ``SECOND_CHANCE`` times as long: the first use of a kernel
    compiles it, and machines are busy at times.

    Raises :class:`~jsonschemabench.pool.EngineUnavailable` where the engine cannot be set up.
    """
    with Worker(engine, "bytes", order, limits) as worker:
        for group in groups:
            record = worker.run(group.case)
            if record["status"] == "stopped":
                worker.limits = replace(limits, seconds=SECOND_CHANCE * limits.seconds)
                record = worker.run(group.case)
                worker.limits = limits
            yield from _verdicts(group, record)


def _verdicts(group: Group, record: dict[str, Any]) -> Iterator[Verdict]:
    if record["status"] != "ok":
        verdict = {"refused": "refused", "stopped": "stopped"}.get(record["status"], "failed")
        for name in group.names:
            yield Verdict(group.part, name, verdict, record["reason"])
        return
    notes = dict(note.removeprefix("test ").split(": ", 1) for note in record.get("notes", ()))
    for number, (name, word) in enumerate(zip(group.names, record["tests"], strict=True)):
        reason = notes.get(str(number), record.get("reason", ""))
        yield Verdict(group.part, name, _WORDS.get(word, "failed"), "" if word == RIGHT else reason)


def table(verdicts: Sequence[Verdict]) -> str:
    """Counts by part as a Markdown table."""
    counts: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.part, Counter())[verdict.verdict] += 1
    if len(counts) > 1:
        counts["all"] = Counter(verdict.verdict for verdict in verdicts)
    columns = ("right", "wrongly accepted", "wrongly rejected", "refused", "stopped", "failed")
    lines = [f"| | tests | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for part, count in counts.items():
        total = count.total()
        share = f"{count['right']:,} ({100 * count['right'] / total:.1f}%)"
        cells = [share, *(f"{count[column]:,}" for column in columns[1:])]
        lines.append(f"| {part} | {total:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def listing(verdicts: Sequence[Verdict]) -> str:
    """Every test that is not right, a line each, worst first."""
    wrong = [verdict for verdict in verdicts if verdict.verdict != "right"]
    wrong.sort(key=lambda verdict: -VERDICTS.index(verdict.verdict))
    return "\n".join(f"- {v.verdict}: {v.name}" + (f": {v.reason}" if v.reason else "") for v in wrong)
