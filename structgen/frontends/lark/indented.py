"""The network of a grammar with indentation: every key of a grammar's network, and how many columns its block has.

Receives the network of a grammar in which stand-ins mark the margins of lines; puts the margins of the block there.
"""

from __future__ import annotations

from typing import Any

from structgen.errors import UnsupportedError
from structgen.frontends.lark.indentation import WIDEST, Lines
from structgen.ir.cfg import CfgNetwork
from structgen.ir.network import END, Call, Edge, Key, Label, Node, Terminal
from structgen.ir.terminals import least_bytes

#: More than any text costs: there is none.
NEVER = 1 << 40


class IndentedNetwork:
    """Keys are (key of the grammar's network, columns of the block around it; -1 where no line begins in it).

    Args:
        network: the grammar's; its terminals are real ones and stand-ins.
        lines: makes margins, knows the stand-ins.

    Raises:
        UnsupportedError: what may stand behind a margin cannot be kept apart from it.
    """

    def __init__(self, network: CfgNetwork, lines: Lines) -> None:
        self._network = network
        self._lines = lines
        self._inner = _reachable(network)
        self._carrying = self._find_carrying()
        self._nodes: dict[Key, Node] = {}
        self._costs: dict[int, dict[Key, int]] = {}
        for margin in lines.margins.values():
            for width in (0, 1):
                terminal = lines.terminal(margin, width)
                if terminal is not None and terminal.bans:
                    raise UnsupportedError(
                        "indentation: the lexer would read what may follow it as part of the line break",
                        hint='Change the terminals that begin like a line break, or use lexer="dynamic_complete"',
                    )
        #: Least bytes from each node on whatever the block: what bounds the way behind a captured margin.
        self._worst = self._solve(None)
        self.start: Key = self._key(network.start, 0)

    def expand(self, key: Key) -> Node:
        if key not in self._nodes:
            inner, width = _pair(key)
            content = self._inner[inner]
            edges = [made for edge in content.edges if (made := self._edge(edge, width)) is not None]
            self._nodes[key] = Node(content.accepting, tuple(edges))
        return self._nodes[key]

    def _edge(self, edge: Edge, width: int) -> Edge | None:
        """An edge in a block of some width; None if nothing can be written that way."""
        symbol, label, _, _ = edge
        if isinstance(symbol, Call):
            called = self._key(symbol.key, width)
            rest = self._rest(label, width)
            return Edge(Call(called), label, rest) if max(rest, self.least(called)) < NEVER else None
        margin = self._lines.margins.get(symbol)
        if margin is None:
            rest = self._rest(label, width)
            return Edge(symbol, label, rest) if rest < NEVER else None
        terminal = self._lines.terminal(margin, width)
        rest = self._worst_of(label) if margin.deeper else self._rest(label, width)
        return None if terminal is None or rest >= NEVER else Edge(terminal, label, rest, margin.deeper)

    def follow(self, key: Key, label: Label) -> Key:
        return self._key(label, _pair(key)[1])

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        return self._key(label, self._lines.width(text))

    def least(self, key: Key) -> int:
        inner, width = _pair(key)
        if inner not in self._carrying:
            return self._network.least(inner)
        if width not in self._costs:
            self._costs[width] = self._solve(width)
        return self._costs[width][inner]

    def describe(self, key: Key, label: Label) -> str | None:
        return self._network.describe(_pair(key)[0], label)

    # ---- inside ----------------------------------------------------------------------------------------

    def _key(self, inner: Key, width: int) -> Key:
        return (inner, width if inner in self._carrying else -1)

    def _rest(self, label: Label, width: int) -> int:
        return 0 if label is END else self.least(self._key(label, width))

    def _worst_of(self, label: Label) -> int:
        """Least bytes from a node on whatever the block."""
        return self._worst[label] if label in self._carrying else self._network.least(label)

    def _find_carrying(self) -> set[Key]:
        """The nodes from which a margin of the block may still be reached, within the rule or in a call."""
        sources: dict[Key, list[Key]] = {}
        todo: list[Key] = []
        for key, node in self._inner.items():
            for symbol, label, _, _ in node.edges:
                if isinstance(symbol, Call):
                    sources.setdefault(symbol.key, []).append(key)
                elif symbol in self._lines.margins:
                    todo.append(key)
                if label is not END:
                    sources.setdefault(label, []).append(key)
        found = set(todo)
        while todo:
            for key in sources.get(todo.pop(), ()):
                if key not in found:
                    found.add(key)
                    todo.append(key)
        return found

    def _solve(self, width: int | None) -> dict[Key, int]:
        """Least bytes from each node that carries a width to the end of its rule, by relaxation; None: the worst."""
        cost = dict.fromkeys(self._carrying, NEVER)

        def of(key: Key) -> int:
            return cost[key] if key in cost else self._network.least(key)

        sizes = {mark: self._size(mark, width) for mark in self._lines.margins}
        changed = True
        while changed:
            changed = False
            for key in cost:
                node = self._inner[key]
                best = 0 if node.accepting else NEVER
                for symbol, label, _, _ in node.edges:
                    rest = 0 if label is END else of(label)
                    if isinstance(symbol, Call):
                        best = min(best, of(symbol.key) + rest)
                    elif symbol in sizes:
                        deeper = width is not None and self._lines.margins[symbol].deeper
                        best = min(best, sizes[symbol] + (self._worst_of(label) if deeper else rest))
                    else:
                        best = min(best, least_bytes(symbol) + rest)
                if best < cost[key]:
                    cost[key] = best
                    changed = True
        return cost

    def _size(self, mark: Terminal, width: int | None) -> int:
        """Least bytes of a margin; whatever the block, the most that can be."""
        margin = self._lines.margins[mark]
        terminal = self._lines.terminal(margin, width or 0)
        if terminal is None:
            return NEVER
        return least_bytes(terminal) + (WIDEST if width is None else 0)


def _pair(key: Key) -> tuple[Any, int]:
    assert isinstance(key, tuple)
    return key


def _reachable(network: CfgNetwork) -> dict[Key, Node]:
    """All nodes of a grammar's network."""
    found: dict[Key, Node] = {}
    todo = [network.start]
    while todo:
        key = todo.pop()
        if key not in found:
            found[key] = network.expand(key)
            for symbol, label, _, _ in found[key].edges:
                todo.extend([symbol.key] if isinstance(symbol, Call) else [])
                todo.extend([] if label is END else [network.follow(key, label)])
    return found
