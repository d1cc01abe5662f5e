"""A shortest text of a network, found along the least ways that its nodes promise."""

from __future__ import annotations

from structgen.automata.bytedfa import EXIT, TICK, ByteDfa
from structgen.ir.network import END, Call, Capturing, Edge, Key


def shortest_text(network: Capturing, key: Key) -> bytes:
    """A text of ``network.least(key)`` bytes, or fewer where captures make that an upper bound."""
    text = b""
    while True:
        node = network.expand(key)
        if node.accepting:
            return text
        edge = min(node.edges, key=lambda e: _cost(network, e))
        part = (
            shortest_text(network, edge.symbol.key) if isinstance(edge.symbol, Call) else shortest_word(edge.symbol.dfa)
        )
        text += part
        if edge.label is END:
            return text
        key = network.follow_text(key, edge.label, part) if edge.capture else network.follow(key, edge.label)


def _cost(network: Capturing, edge: Edge) -> int:
    if isinstance(edge.symbol, Call):
        return network.least(edge.symbol.key) + edge.rest
    return edge.symbol.dfa.min_length() + edge.rest


def shortest_word(dfa: ByteDfa) -> bytes:
    """A shortest word of an automaton: breadth first over states and counts."""
    lo = 0 if dfa.counter is None else dfa.counter.lo
    marks = None if dfa.counter is None else dfa.counter.mark
    before: dict[tuple[int, int], tuple[tuple[int, int], int] | None] = {(0, 0): None}
    layer = [(0, 0)]
    while True:
        following = []
        for at in layer:
            state, number = at
            if dfa.accept[state]:
                word = bytearray()
                step = before[at]
                while step is not None:
                    word.append(step[1])
                    step = before[step[0]]
                return bytes(reversed(word))
            for i in range(int(dfa.first[state]), int(dfa.first[state + 1])):
                count = number
                if marks is not None and marks[i] == TICK:
                    count = min(number + 1, lo)
                elif marks is not None and marks[i] == EXIT:
                    if number < lo:
                        continue
                    count = 0
                new = (int(dfa.to[i]), count)
                if new not in before:
                    before[new] = (at, int(dfa.lo[i]))
                    following.append(new)
        layer = following
