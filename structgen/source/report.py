"""What becomes of each keyword of a schema: the records that :meth:`structgen.JsonSchema.report` returns.

Plain records. The front end that makes them stands above this package, so the package's root hands it in
(:func:`made_by`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["enforced", "annotation", "refused"]


@dataclass(frozen=True)
class Entry:
    """One keyword at one place.

    Attributes:
        pointer: JSON pointer of the keyword, after the document's URI where it is not the user's own.
        keyword: its name.
        status: "enforced": it decides what is valid, exactly; "annotation": it changes nothing; "refused": the
            schema does not compile because of it.
        reason: why it is an annotation or refused.
    """

    pointer: str
    keyword: str
    status: Status
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """Every keyword of a schema and of what it refers to, each with exactly one status.

    Attributes:
        draft: what the schema is read by, such as "2020-12".
        entries: in the order of the document; then those of other documents.
        refusal: why the schema does not compile, where no keyword of its own is to blame; else None.
    """

    draft: str
    entries: tuple[Entry, ...]
    refusal: str | None = None

    @property
    def compiles(self) -> bool:
        """Is nothing refused?"""
        return self.refusal is None and not self.of("refused")

    def of(self, status: Status) -> tuple[Entry, ...]:
        """The entries with a status."""
        return tuple(entry for entry in self.entries if entry.status == status)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "draft": self.draft,
            "compiles": self.compiles,
            "refusal": self.refusal,
            "keywords": [asdict(entry) for entry in self.entries],
        }

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        counts = Counter(entry.status for entry in self.entries)
        lines = [
            f"draft {self.draft}; {counts['enforced']} enforced, {counts['annotation']} annotations, "
            f"{counts['refused']} refused"
        ]
        width = min(60, max((len(entry.pointer) for entry in self.entries), default=0))
        lines += [
            f"{entry.status:<10}  {entry.pointer:<{width}}  {entry.reason}".rstrip() for entry in self.entries
        ]
        if self.refusal is not None:
            lines.append(f"refused: {self.refusal}")
        return "\n".join(lines)


_maker: Callable[[Any], Report] | None = None


def made_by(maker: Callable[[Any], Report]) -> None:
    """Set what makes reports: a function of a ``JsonSchema``."""
    global _maker  # noqa: PLW0603  (set once, when the package is imported)
    _maker = maker


def make(source: Any) -> Report:
    """The report on a ``JsonSchema``."""
    assert _maker is not None, "set when structgen is imported"
    return _maker(source)
