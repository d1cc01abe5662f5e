"""Helpers of the tests here: networks of schemas, the oracle, the contract of every node."""

from __future__ import annotations

import json
from typing import Any

from structgen.frontends.json_schema import build
from structgen.frontends.json_schema.shortest import shortest_text, shortest_word
from structgen.ir.network import END, Call, Network, check_node
from structgen.source import JsonSchema
from tests.naive import Naive


def network(schema: Any, **options: Any) -> Network:
    return build(JsonSchema(schema, **options))


class Judge:
    """Which values a schema's network takes, in any order of properties."""

    def __init__(self, schema: Any, **options: Any) -> None:
        self.network = network(schema, **({"property_order": "any"} | options))
        self.naive = Naive(self.network, max_items=50_000)

    def takes(self, value: Any) -> bool:
        return self.takes_text(json.dumps(value))

    def takes_text(self, text: str) -> bool:
        return self.naive.accepts(text.encode())


def reach(net: Any, limit: int = 300) -> int:
    """Check the contract at every node reached, up to a limit; the number of nodes."""
    seen = {net.start}
    todo = [net.start]
    while todo and len(seen) < limit:
        key = todo.pop()
        check_node(net, key)
        for edge in net.expand(key).edges:
            net.describe(key, edge.label)
            following = [edge.symbol.key] if isinstance(edge.symbol, Call) else []
            if edge.capture:
                if isinstance(edge.symbol, Call):
                    text = shortest_text(net, edge.symbol.key)
                else:
                    text = shortest_word(edge.symbol.dfa)
                following.append(net.follow_text(key, edge.label, text))
                assert net.least(following[-1]) <= edge.rest
            elif edge.label is not END:
                following.append(net.follow(key, edge.label))
            for new in following:
                if new not in seen:
                    seen.add(new)
                    todo.append(new)
    return len(seen)
