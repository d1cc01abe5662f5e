"""Nodes of the network as numbers: receives keys and edges of the network, writes rows of the machine's arrays.

Everything here is asked for by the kernels, once for each node, each target and each text of a capture.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.errors import LimitError, UnsupportedError
from structgen.ir.network import END, UNSURE, Call, Edge, Network, Terminal
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.limits import Limits
from structgen.masks.terminals import TerminalStore

_NO_EDGES = np.zeros((0, L.E_COLS), dtype=np.int32)
_ALL = np.zeros(0, dtype=np.uint8)


@dataclass(frozen=True)
class _Outline:
    """The key of a node that stands for all nodes to which an edge that captures may lead."""

    key: Hashable


class _Shared(NamedTuple):
    """The shared edges of a family, as rows of the array of edges."""

    edges: tuple[Edge, ...]  # kept alive, for they are known by their id
    first: int
    calls: list[int]


class Nodes:
    """The part of a machine that knows the network: the nodes met so far, their edges and where these lead.

    A part, not an object of its own: that would refer to the machine, which then would not go when its grammar does.
    """

    store: TerminalStore
    limits: Limits
    arrays: L.Machine
    #: The arrays as kernels take them.
    handle: Any

    def __init__(self, network: Network) -> None:
        self.network: Any = network
        self._family = getattr(network, "family", None)
        self._blurred = getattr(network, "blurred", None)
        self._outline = getattr(network, "outline", None)
        self._keys: list[Hashable] = []
        self._ids: dict[Hashable, int] = {}
        #: What the edges of the arrays are made of, see E_CONTENT.
        self._contents: list[Edge] = []
        self._shared: dict[int, _Shared] = {}
        self._terminals: dict[int, int] = {}
        self._texts: dict[tuple[int, bytes], int] = {}

    def grow(self, arena: int) -> None:
        """Double an arena, and those that fill up with it."""
        raise NotImplementedError

    def node(self, key: Hashable) -> int:
        """The number of a node."""
        node = self._ids.get(key)
        if node is None:
            node = self._ids[key] = len(self._keys)
            if node >= self.limits.max_nodes:
                raise LimitError(
                    f"the constraint needs more than {self.limits.max_nodes} nodes",
                    hint="Raise max_nodes in sg.Limits",
                )
            self._keys.append(key)
            if node >= self.arrays.nodes.shape[0]:
                self.grow(L.M_NODES)
            self.arrays.used[L.M_NODES] = node + 1
        return node

    def key(self, node: int) -> Hashable:
        """The network's key of a node."""
        return self._keys[node]

    def edge(self, edge: int) -> tuple[int, Edge]:
        """The node of an edge, and what the network says of it."""
        edges = self.arrays.edges
        return edges.item(edge, L.E_NODE), self._contents[edges.item(edge, L.E_CONTENT)]

    def expand(self, node: int) -> None:
        """Expand a node and all that it calls, which a closure enters as well, and rank them (see L.N_RANK)."""
        if self.arrays.nodes.item(node, L.N_READY) == 1:
            return
        calls = self._expand_one(node)
        if not calls:
            return
        path = [(node, calls)]
        todo = [list(calls)]
        # a node on the path has no rank yet: one that calls itself gets none
        for _ in range(L.LONG_CLOSURE):
            if todo[-1]:
                called = todo[-1].pop()
                if self.arrays.nodes.item(called, L.N_READY) == 0:
                    path.append((called, self._expand_one(called)))
                    todo.append(list(path[-1][1]))
                continue
            done, calls = path.pop()
            todo.pop()
            if calls:
                self._rank(done, calls)
            if not path:
                return
        raise self.loop(node)

    def resolve(self, edge: int) -> None:
        """Have an edge's target in the arrays."""
        node, content = self.edge(edge)
        key = self._keys[node]
        if not content.capture:
            target = self.node(self.network.follow(key, content.label))
        else:
            # what is sure of it before its text is known
            known = None if self._blurred is None else self._blurred(key, content.label)
            if known is None and self._outline is not None:
                outline = self._outline(key, content.label)
                known = None if outline is None else _Outline(outline)
            target = L.TARGET_UNSURE if known is None else self.node(known)
        self.arrays.edges[edge, L.E_TARGET] = target
        if target >= 0:
            self.expand(target)

    def resolve_text(self, edge: int, tape: int, offset: int) -> None:
        """Have where a captured edge leads in the arrays, after the text on a tape from ``offset`` on."""
        node, content = self.edge(edge)
        tapes = self.arrays.tapes
        text = bytearray()
        at = tape
        for _ in range(tapes.item(tape, L.P_LENGTH) - offset):
            text.append(tapes.item(at, L.P_BYTE))
            at = tapes.item(at, L.P_PARENT)
        text.reverse()
        known = edge, bytes(text)
        target = self._texts.get(known)
        if target is None:
            target = self.node(self.network.follow_text(self._keys[node], content.label, known[1]))
            self._texts[known] = target
            self.expand(target)
        if 2 * self.arrays.used[L.M_AFTER] >= self.arrays.after.shape[0]:
            self.grow(L.M_AFTER)
        cpu.pair_put(self.arrays.after, edge << 32 | tape, -1 - offset, target)
        self.arrays.used[L.M_AFTER] += 1

    def loop(self, node: int) -> UnsupportedError:
        """The error of a network that is left recursive at a node."""
        return UnsupportedError(
            f"the network calls itself without reading a byte, at node {self._keys[node]!r}",
            hint="Left recursion must be removed before the network is built",
        )

    def _expand_one(self, node: int) -> list[int]:
        """Expand a node; returns the nodes that it calls if some of them are not ready."""
        key = self._keys[node]
        if isinstance(key, _Outline):
            content = self.network.expand(key.key)
            rows, calls = self._rows(content.edges)
            # all but the end of the rule depends on the text
            rows[:, L.E_SHADOW] = L.SHADOW_NONE
            rows[rows[:, L.E_TARGET] != L.TARGET_END, L.E_TARGET] = L.TARGET_UNSURE
            return self._add(node, content.accepting, rows, calls)
        family = None if self._family is None else self._family(key)
        if family is None:
            content = self.network.expand(key)
            return self._add(node, content.accepting, *self._rows(content.edges))
        edges, left_out, more, own = family
        shared = self._shared.get(id(edges))
        if shared is None:
            shared = self._share(edges)
        rows, calls = self._rows(own) if own else (_NO_EDGES, [])
        n = len(edges)
        self._reserve(2 * (n + len(own)))
        bits = np.frombuffer(bytearray(left_out.to_bytes(n + 7 >> 3, "little")), dtype=np.uint8) if left_out else _ALL
        waiting = cpu.add_node(
            self.store.handle, self.handle, node, 0, shared.first, n, bits, min(more, L.FAR), rows
        )
        return [*shared.calls, *calls] if waiting else []

    def _add(self, node: int, accepting: bool, rows: NDArray[np.int32], calls: list[int]) -> list[int]:
        self._reserve(2 * len(rows))
        waiting = cpu.add_node(self.store.handle, self.handle, node, int(accepting), 0, 0, _ALL, 0, rows)
        return calls if waiting else []

    def _share(self, edges: tuple[Edge, ...]) -> _Shared:
        """Write the shared edges of a family, for its nodes to copy."""
        rows, calls = self._rows(edges)
        self._reserve(len(rows))
        m = self.arrays
        first = int(m.used[L.M_EDGES])
        m.edges[first : first + len(rows)] = rows
        m.used[L.M_EDGES] = first + len(rows)
        shared = self._shared[id(edges)] = _Shared(edges, first, calls)
        return shared

    def _reserve(self, n: int) -> None:
        """Make room for so many more edges."""
        while int(self.arrays.used[L.M_EDGES]) + n > self.arrays.edges.shape[0]:
            self.grow(L.M_EDGES)

    def _rows(self, edges: Sequence[Edge]) -> tuple[NDArray[np.int32], list[int]]:
        """Edges as rows of the array, and the nodes that they call."""
        rows = []
        at = len(self._contents)
        self._contents.extend(edges)
        calls = []
        terminals = self._terminals
        for symbol, label, rest, capture in edges:
            target = L.TARGET_END if label is END else L.TARGET_UNKNOWN
            if isinstance(symbol, Call):
                called = self.node(symbol.key)
                calls.append(called)
                shadow = L.SHADOW_CALL if capture else L.SHADOW_NONE
                rows.append((-1, called, target, min(rest, L.FAR), shadow, 0, at))
            elif symbol is UNSURE:
                rows.append((L.NOTHING, -1, L.TARGET_UNSURE, min(rest, L.FAR), L.SHADOW_NONE, 0, at))
            else:
                start = terminals.get(id(symbol))
                if start is None:
                    start = self._start_of(symbol)
                shadow = L.SHADOW_NEW if capture else L.SHADOW_NONE
                rows.append((start, -1, target, min(rest, L.FAR), shadow, 0, at))
            at += 1
        return np.array(rows, dtype=np.int32).reshape(len(rows), L.E_COLS), calls

    def _start_of(self, terminal: Terminal) -> int:
        state = self._terminals[id(terminal)] = self.store.start(terminal.dfa, terminal.bans)
        return state

    def _rank(self, node: int, calls: list[int]) -> None:
        """The rank of a node that calls; what it has so far says whether its own edges allow one."""
        nodes = self.arrays.nodes
        ranks = nodes[calls, L.N_RANK]
        nodes[node, L.N_RANK] = 1 + int(ranks.max()) if nodes[node, L.N_RANK] and ranks.all() else 0
