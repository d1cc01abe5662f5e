"""The reference: a trie of nested dicts, numbered by a preorder walk. Plain Python lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def build(
    tokens: Sequence[bytes], ids: Sequence[int]
) -> tuple[list[int], list[int], list[int], list[int], list[int], list[int]]:
    """Same arguments and same order of results as :func:`structgen.kernels.trie.build`, as lists."""
    root: dict[str, Any] = {"ids": [], "children": {}}
    for text, token in zip(tokens, ids, strict=True):
        node = root
        for value in text:
            node = node["children"].setdefault(value, {"ids": [], "children": {}})
        node["ids"].append(token)

    byte: list[int] = []
    end: list[int] = []
    depth: list[int] = []
    token_first: list[int] = []
    token_ids: list[int] = []
    root_child = [-1] * 256

    def walk(node: dict[str, Any], value: int, level: int) -> int:
        here = len(byte)
        byte.append(value)
        end.append(-1)
        depth.append(level)
        token_first.append(len(token_ids))
        token_ids.extend(node["ids"])
        for next_value in sorted(node["children"]):
            walk(node["children"][next_value], next_value, level + 1)
        end[here] = len(byte)
        return here

    for value in sorted(root["children"]):
        root_child[value] = walk(root["children"][value], value, 1)
    token_first.append(len(token_ids))
    return byte, end, depth, token_first, token_ids, root_child
