"""Real schemas: every 50th of the MaskBench sample, in both directions."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from structgen import errors
from tests.frontends.json_schema.networks import Judge, network, reach
from tests.naive import Naive

#: Refused for a reason that is known: distinct free strings, or unions that grow too large.
REFUSED = (errors.UnsupportedError, errors.LimitError)


def test_sample(shared_data: Path) -> None:
    """Nothing invalid is taken; nothing valid is refused in any order; at least 95% of the schemas compile."""
    with gzip.open(shared_data / "maskbench-dev.jsonl.gz") as lines:
        cases = [json.loads(line) for i, line in enumerate(lines) if i % 50 == 0]
    refused, wrong = [], []
    for case in cases:
        try:
            judge = Judge(case["schema"])
        except REFUSED:
            refused.append(case["id"])
            continue
        reach(judge.network, 15)
        ordered = Naive(network(case["schema"]), max_items=50_000)
        for i, test in enumerate(case["tests"]):
            text = json.dumps(test["data"], ensure_ascii=bool(i % 2), indent=(None, 2)[i % 2])
            if judge.takes_text(text) != test["valid"]:
                wrong.append((case["id"], i))
            if not test["valid"] and ordered.accepts(text.encode()):
                wrong.append((case["id"], i))
    assert not wrong
    assert len(refused) <= len(cases) // 20
