"""Lossless accept and reject of drafted tokens: the rule by itself, with its coins from outside.

Plain Python on lists, so that every outcome can be enumerated with its probability.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def walk(
    target: Sequence[Sequence[float]],
    tokens: Sequence[int],
    parents: Sequence[int],
    draft: Sequence[Sequence[float]],
    flip: Callable[[int, float], bool],
    draw: Callable[[Sequence[float]], int],
) -> tuple[list[int], list[int]]:
    """(accepted nodes, their tokens and the one drawn at the end).

    Args:
        target: the target's law at the root and after each node. tokens, parents: the tree.
        draft: the law that each node's token was drawn from.
        flip: the outcome of the test of a node that is accepted with this probability.
        draw: a token of a law.
    """
    at, law = -1, list(target[0])
    nodes: list[int] = []
    for i, token in enumerate(tokens):
        if token < 0 or parents[i] != at:
            continue
        if flip(i, min(1.0, law[token] / draft[i][token])):
            nodes.append(i)
            at, law = i, list(target[i + 1])
        else:
            rest = [max(p - q, 0.0) for p, q in zip(law, draft[i], strict=True)]
            law = [p / sum(rest) for p in rest]
    return nodes, [*(tokens[i] for i in nodes), draw(law)]
