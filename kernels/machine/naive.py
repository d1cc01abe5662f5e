"""References for the machine's kernels, on Python sets and byte strings."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

Step = Callable[[Hashable, int], "Hashable | None"]


def row(
    tokens: Sequence[bytes | None], step: Step, accepts: Callable[[Hashable], bool], start: Hashable
) -> tuple[set[int], set[tuple[bytes, int]]]:
    """What one terminal state allows.

    Returns:
        The ids of the tokens that stay inside the terminal, and the remainders: pairs of the non-empty bytes
        that are left after the terminal may have ended inside a token, and the token's id.
    """
    inner: set[int] = set()
    remainders: set[tuple[bytes, int]] = set()
    for token, text in enumerate(tokens):
        if not text:
            continue
        state: Hashable | None = start
        for i, byte in enumerate(text):
            state = step(state, byte)
            if state is None:
                break
            if i + 1 == len(text):
                inner.add(token)
            elif accepts(state):
                remainders.add((text[i + 1 :], token))
    return inner, remainders


def mask(
    tokens: Sequence[bytes | None], step: Step, accepts: Callable[[Hashable], bool], state: Hashable, eos: Sequence[int]
) -> set[int]:
    """The mask of a configuration by stepping every token byte by byte."""
    allowed = set(eos) if accepts(state) else set()
    for token, text in enumerate(tokens):
        if not text:
            continue
        reached: Hashable | None = state
        for byte in text:
            reached = step(reached, byte)
            if reached is None:
                break
        if reached is not None:
            allowed.add(token)
    return allowed


def node(
    shared: Sequence[Sequence[int]],
    left_out: int,
    more: int,
    own: Sequence[Sequence[int]],
    accepting: bool,
    ends: Callable[[int], bool],
    ranks: Sequence[int | None],
) -> tuple[list[tuple[int, int, bool, int, bool]], int, int]:
    """What ``add_node`` makes of a node.

    Args:
        shared, own: edges as (terminal state or -1, node called, does it capture, least bytes after it, does the rule
            end after it).
        left_out, more: which of those shared are not there, as bits; what is added to the bytes of the others.
        ends: may a terminal end in this state?
        ranks: of all nodes; None: not known yet.

    Returns:
        The edges, the rank, and how many of the nodes called have no rank yet (the rank is then 1 where the edges
        allow one).
    """
    kept = [edge for i, edge in enumerate(shared) if not left_out >> i & 1]
    edges = [(q, c, bool(x), rest if end else rest + more, bool(end)) for q, c, x, rest, end in kept]
    edges += [(q, c, bool(x), rest, bool(end)) for q, c, x, rest, end in own]
    called = [ranks[c] for q, c, *_ in edges if q < 0]
    waiting = called.count(None)
    solid = not accepting and not any(q >= 0 and ends(q) for q, *_ in edges)
    if not solid:
        return edges, 0, waiting
    if waiting:
        return edges, 1, waiting
    known = [rank for rank in called if rank is not None]
    return edges, 0 if 0 in known else 1 + max(known, default=0), 0
