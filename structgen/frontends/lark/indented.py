"""The network of a grammar with indentation: every key of a grammar's network, and how many columns its block has.

Receives the network of a grammar in which stand-ins mark the margins of lines; puts the margins of the block there.
Masks look beyond a margin whose columns are not known yet: what stands there is the same whatever they are, up to the
next margin of that block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from structgen.errors import UnsupportedError
from structgen.frontends.lark.indentation import WIDEST, Lines, Margin, indented
from structgen.ir.cfg import CfgNetwork
from structgen.ir.margins import MarginRule, Margins
from structgen.ir.network import END, UNSURE, Call, Edge, Key, Label, Node, Terminal
from structgen.ir.terminals import least_bytes

#: More than any text costs: there is none.
NEVER = 1 << 40
#: In place of the columns of a block: nothing below the node begins a line; they are not known.
NONE, SOME = -1, -2


class _Widest(NamedTuple):
    """The label of an edge that begins a block of ``WIDEST`` columns, which can have no deeper ones."""

    label: Label


class _Way(NamedTuple):
    """What an edge of a node that carries a width costs, with the way to the end behind it.

    Attributes:
        fixed: bytes, whatever the width.
        mark: the stand-in of its margin, or None.
        deeper: if that begins a block, the node that it leads to, which carries the width of that; else None.
        carriers: the nodes called and led to that carry the width; their costs are to be added.
    """

    fixed: int
    mark: Terminal | None
    deeper: Key | None
    carriers: tuple[Key, ...]


class IndentedNetwork:
    """Keys are (key of the grammar's network, columns of the block around it, or NONE or SOME).

    Args:
        network: the grammar's; its terminals are real ones and stand-ins.
        lines: makes margins, knows the stand-ins.

    Raises:
        UnsupportedError: what may stand behind a margin cannot be kept apart from it.
    """

    nested = True

    def __init__(self, network: CfgNetwork, lines: Lines) -> None:
        self._network = network
        self._lines = lines
        self._inner = _reachable(network)
        self._carrying = self._find_carrying()
        self._nodes: dict[Key, Node] = {}
        self._costs: dict[int, dict[Key, int]] = {}
        for margin in lines.margins.values():
            for terminal in self._margins(margin, 0):
                if terminal is not None and terminal.bans:
                    raise UnsupportedError(
                        "indentation: the lexer would read what may follow it as part of the line break",
                        hint='Change the terminals that begin like a line break, or use lexer="dynamic_complete"',
                    )
        #: Least bytes from each node on whatever the block: what bounds the way behind a captured margin.
        self._ways = self._find_ways()
        self._worst = self._solve(None)
        self._ways.sort(key=lambda way: self._worst[way[0]])  # so that others are solved in a few rounds
        self.start: Key = self._key(network.start, 0)

    def expand(self, key: Key) -> Node:
        if key not in self._nodes:
            inner, width = _pair(key)
            content = self._inner[inner]
            edges = [made for edge in content.edges for made in self._edges(edge, width)]
            self._nodes[key] = Node(content.accepting, tuple(edges))
        return self._nodes[key]

    def _edges(self, edge: Edge, width: int) -> Iterator[Edge]:
        """An edge in a block of some width: none if nothing can be written that way."""
        symbol, label, _, _ = edge
        rest = self._rest(label, width)
        margin = None if isinstance(symbol, Call) else self._lines.margins.get(symbol)
        if margin is not None and width == SOME:
            yield Edge(UNSURE, label, self._size(margin, None) + rest)
        elif margin is not None and margin.deeper:
            rest = self._worst_of(label)
            most, widest = self._margins(margin, width)
            if most is not None and rest < NEVER:
                yield Edge(most, label, rest, True)
            if widest is not None and rest < NEVER:
                yield Edge(widest, _Widest(label), rest, True)
        elif margin is not None:
            (terminal,) = self._margins(margin, width)
            if terminal is not None and rest < NEVER:
                yield Edge(terminal, label, rest)
        elif not isinstance(symbol, Call):
            if rest < NEVER:
                yield Edge(symbol, label, rest)
        else:
            called = self._key(symbol.key, width)
            if max(rest, self.least(called)) < NEVER:
                yield Edge(Call(called), label, rest)

    def _margins(self, margin: Margin, width: int) -> tuple[Terminal | None, ...]:
        """The margins of a line in a block; of the first line of one inside, with less than ``WIDEST`` columns or not.

        With ``SOME`` columns the shortest ones.
        """
        make = self._lines.terminal
        if margin.deeper:
            return make(margin, width + 1, WIDEST - 1), make(margin, max(width + 1, WIDEST), WIDEST)
        return (make(margin, width, width),)

    def follow(self, key: Key, label: Label) -> Key:
        return self._key(label, _pair(key)[1])

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        return self._key(label.label if isinstance(label, _Widest) else label, self._lines.width(text))

    def blurred(self, key: Key, label: Label) -> Key | None:
        return None if isinstance(label, _Widest) else self._key(label, SOME)

    def least(self, key: Key) -> int:
        inner, width = _pair(key)
        if inner not in self._carrying:
            return self._network.least(inner)
        if width == SOME:
            return self._worst[inner]
        if width not in self._costs:
            self._costs[width] = self._solve(width)
        return self._costs[width][inner]

    def describe(self, key: Key, label: Label) -> str | None:
        return self._network.describe(_pair(key)[0], label)

    def margins(self) -> Margins | None:
        """The network without widths; None where what stands behind blanks cannot be told from them."""
        widths = self._lines.widths
        rules = {}
        for mark, margin in self._lines.margins.items():
            behind = self._lines.behind_blanks(margin)
            if widths.get(32) != 1 or (behind is not None and indented(behind, 0, 1, widths) is None):
                return None
            rules[mark] = None if behind is None else MarginRule(margin.deeper, behind)
        return Margins(self._network.start, self._inner, rules, widths, WIDEST, frozenset(self._carrying))

    # ---- inside ----------------------------------------------------------------------------------------

    def _key(self, inner: Key, width: int) -> Key:
        return (inner, width if inner in self._carrying else NONE)

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
        sizes = self._sizes(width)
        changed = True
        while changed:
            changed = False
            for key, best, ways in self._ways:
                for way in ways:
                    total = way.fixed
                    if way.mark is not None:
                        total += sizes[way.mark]
                    if way.deeper is not None and width is not None:
                        total += self._worst_of(way.deeper)
                    else:
                        for carrier in way.carriers:
                            total += cost[carrier]
                    best = min(best, total)
                if best < cost[key]:
                    cost[key] = best
                    changed = True
        return cost

    def _find_ways(self) -> list[tuple[Key, int, list[_Way]]]:
        """For each node that carries a width what it costs to end there, and its ways."""
        found = []
        for key in self._carrying:
            node = self._inner[key]
            ways = []
            for symbol, label, _, _ in node.edges:
                parts = [] if label is END else [label]
                fixed, mark, deeper = 0, None, None
                if isinstance(symbol, Call):
                    parts.append(symbol.key)
                elif symbol in self._lines.margins:
                    mark = symbol
                    deeper = label if self._lines.margins[symbol].deeper and label in self._carrying else None
                else:
                    fixed = least_bytes(symbol)
                carriers = tuple(part for part in parts if part in self._carrying)
                fixed += sum(self._network.least(part) for part in parts if part not in self._carrying)
                ways.append(_Way(fixed, mark, deeper, carriers))
            found.append((key, 0 if node.accepting else NEVER, ways))
        return found

    def _sizes(self, width: int | None) -> dict[Terminal, int]:
        """Least bytes of the margins in a block; whatever the block, the most that can be."""
        return {mark: self._size(margin, width) for mark, margin in self._lines.margins.items()}

    def _size(self, margin: Margin, width: int | None) -> int:
        made = [least_bytes(terminal) for terminal in self._margins(margin, width or 0) if terminal is not None]
        return min(made, default=NEVER) + (WIDEST if width is None else 0)


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
