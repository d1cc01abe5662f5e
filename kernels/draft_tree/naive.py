"""States of the nodes of speculation trees: the reference, by the way from the root to each node."""

from __future__ import annotations


def draft_tree(edges: list[dict[int, int]], state: int, tokens: list[int], parents: list[int]) -> list[int]:
    """The state at the root and after each node of one tree; ``edges`` as ``automaton.naive`` gives them."""
    result = [state]
    for node in range(len(tokens)):
        way = [node]
        while 0 <= parents[way[-1]] < way[-1]:
            way.append(parents[way[-1]])
        at = state if parents[way[-1]] == -1 else -1
        for i in reversed(way):
            if at != -2 or tokens[i] < 0:
                at = edges[at].get(tokens[i], -1) if at >= 0 and tokens[i] >= 0 else -1
        result.append(at)
    return result
