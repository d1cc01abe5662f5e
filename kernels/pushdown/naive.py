"""Which texts a network of rules takes: the reference. Explicit stacks, one at a time; gaps by trying every text.

A network is a dict: node -> (may the rule end here?, [(symbol, next node or None)]). A symbol is ("text", set of
words), ("call", node), ("equal",) or ("deeper",): a line of exactly as many blanks as the block, or of more, which
begins a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

Network = Mapping[Any, tuple[bool, Sequence[tuple[tuple[Any, ...], Any]]]]


def accepts(network: Network, start: Any, text: str, most: int) -> bool:
    """Is a text in the language? ``most``: blocks are at most so wide."""
    # a configuration: offset, stack of (node, width), the top last
    todo: list[tuple[int, tuple[tuple[Any, int], ...]]] = [(0, ((start, 0),))]
    seen = set(todo)

    def put(at: int, stack: tuple[tuple[Any, int], ...]) -> None:
        if (at, stack) not in seen and len(stack) <= 3 * len(text) + 6:
            seen.add((at, stack))
            todo.append((at, stack))

    while todo:
        at, stack = todo.pop()
        if not stack:
            if at == len(text):
                return True
            continue
        (node, width), rest = stack[-1], stack[:-1]
        accepting, edges = network[node]
        if accepting:
            put(at, rest)
        for symbol, to in edges:
            if symbol[0] == "call":
                below = rest if to is None else (*rest, (to, width))
                put(at, (*below, (symbol[1], width)))
                continue
            for word, inside in _words(symbol, text, at, width, most):
                put(at + len(word), rest if to is None else (*rest, (to, inside)))
    return False


def _words(symbol: tuple[Any, ...], text: str, at: int, width: int, most: int) -> Iterator[tuple[str, int]]:
    """The texts of a symbol that stand at a place, and the width of the block behind each."""
    if symbol[0] == "text":
        yield from ((word, width) for word in symbol[1] if text.startswith(word, at))
    elif symbol[0] == "equal":
        if text.startswith(" " * width, at):
            yield " " * width, width
    else:
        for n in range(width + 1, most + 1):
            if text.startswith(" " * n, at):
                yield " " * n, n


def completions(
    network: Network,
    start: Any,
    parts: Sequence[str | tuple[int, int | None]],
    alphabet: str,
    longest: int,
    most: int,
) -> Iterator[str]:
    """The texts with holes filled that are in the language.

    A hole is given by the fewest and the most letters (None: any number) that may be in it. It is filled by up to
    ``longest`` letters more than the fewest.
    """

    def fillings(least: int, limit: int | None) -> list[str]:
        end = least + longest if limit is None else min(limit, least + longest)
        return ["".join(letters) for n in range(least, end + 1) for letters in product(alphabet, repeat=n)]

    for chosen in product(*([part] if isinstance(part, str) else fillings(*part) for part in parts)):
        if accepts(network, start, "".join(chosen), most):
            yield "".join(chosen)
