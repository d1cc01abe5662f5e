"""Two results files side by side: what got better, what got worse."""

from __future__ import annotations

from typing import Any

from jsonschemabench.summary import collect, table

# From best to worst: accepting what is invalid is the one thing that must never happen.
_RANK = ("right", "refused", "stopped", "crashed", "rejects_order", "rejects_valid", "failed", "accepts_invalid")


def category(record: dict[str, Any]) -> str:
    """The worst thing that happened on a case."""
    if record["status"] != "ok":
        return str(record["status"])
    words = {word for word in record.get("tests", []) if word in _RANK}
    return max(words, key=_RANK.index, default="right")


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> tuple[str, bool]:
    """Markdown, and whether anything got worse. Cases are matched by engine and id; only common ones count."""
    old = {(r["engine"], r["id"]): r for r in before if r["kind"] == "case"}
    new = {(r["engine"], r["id"]): r for r in after if r["kind"] == "case"}
    engines = {engine for engine, _ in old} | {engine for engine, _ in new}
    if not old.keys() & new.keys() and len(engines) == 2 and len({e for e, _ in old}) == 1:
        # Two engines, a file each: match by id alone.
        left = next(iter(old))[0]
        new = {(left, id_): record | {"engine": left} for (_, id_), record in new.items()}
    common = [key for key in old if key in new]
    lines: list[str] = []
    worse: list[str] = []
    better: list[str] = []
    for key in common:
        a, b = category(old[key]), category(new[key])
        if a != b:
            change = f"- {key[1]}: {a} -> {b}" + (f" ({new[key]['reason']})" if "reason" in new[key] else "")
            (worse if _RANK.index(b) > _RANK.index(a) else better).append(change)
    lines.append(f"{len(common):,} cases in both; {len(worse):,} worse, {len(better):,} better")
    for title, changes in (("Worse:", worse), ("Better:", better)):
        if changes:
            lines += ["", title, "", *changes]
    for title, side in (("Before:", old), ("After:", new)):
        lines += ["", title, "", table(collect(side[key] for key in common))]
    return "\n".join(lines), bool(worse)
