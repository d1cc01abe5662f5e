"""Nodes of the network as numbers: receives keys and edges of the network, writes rows of the machine's arrays.

Everything here is asked for by the kernels, once for each node, each target and each text of a capture.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.errors import UnsupportedError
from structgen.ir.network import END, VALUES, Call, Edge, Member, Network, Record, Slots, Terminal, Unsure
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
        self._member = getattr(network, "member", None)
        self._family = getattr(network, "family", None)
        self._blurred = getattr(network, "blurred", None)
        self._blurred_record = getattr(network, "blurred_record", None)
        self._outline = getattr(network, "outline", None)
        #: Keys of nodes and the other way round; those of members of records when they have been asked for.
        self._keys: dict[int, Hashable] = {}
        self._ids: dict[Hashable, int] = {}
        #: Records by their number in the arrays, and the other way round; and, of slots, what of records is theirs.
        self._records: list[Record] = []
        self._record_ids: dict[Record, int] = {}
        self._slots: dict[Slots, tuple[int, int, int, int, int]] = {}
        #: What the edges of the arrays are made of, see E_CONTENT.
        self._contents: list[Edge] = []
        self._shared: dict[int, _Shared] = {}
        #: the same of edges behind the names of records
        self._values: dict[int, _Shared] = {}
        self._terminals: dict[int, int] = {}
        self._texts: dict[tuple[int, bytes], int] = {}

    def grow(self, arena: int) -> None:
        """Double an arena, and those that fill up with it."""
        raise NotImplementedError

    def run(self, kernel: Callable[..., Any], *args: Any) -> int:
        """Call a kernel until it asks for nothing more."""
        raise NotImplementedError

    def node(self, key: Hashable) -> int:
        """The number of a node."""
        node = self._ids.get(key)
        if node is None:
            member = None if self._member is None or isinstance(key, _Outline) else self._member(key)
            if member is None or len(member.record.slots.names) > L.MOST_SLOTS:
                node = self._new_node()
            else:
                node = self._member_node(member)
            self._ids[key] = node
            self._keys[node] = key
        return node

    def _new_node(self) -> int:
        node = int(self.arrays.used[L.M_NODES])
        if node >= self.arrays.nodes.shape[0]:
            self.grow(L.M_NODES)
        self.arrays.used[L.M_NODES] = node + 1
        return node

    def key(self, node: int) -> Hashable:
        """The network's key of a node."""
        key = self._keys.get(node)
        if key is None:
            m = self.arrays
            row = m.sets[m.nodes[node, L.N_SET] - 1]
            filled = int.from_bytes(row[L.S_BITS :].tobytes(), "little")
            place = min(m.nodes.item(node, L.N_PLACE), VALUES)
            member = Member(self._records[int(row[L.S_RECORD])], filled, place, m.nodes.item(node, L.N_SLOT))
            key = self._keys[node] = self.network.member_key(member)
        return key

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
                if self.arrays.used[L.FOLDS]:
                    cpu.node_bytes(self.store.handle, self.handle, done)
            if not path:
                return
        raise self.loop(node)

    def target(self, edge: int) -> int:
        """The node that an edge leads to, or what L.E_TARGET says instead."""
        target = self.arrays.edges.item(edge, L.E_TARGET)
        if target == L.TARGET_UNKNOWN or target <= L.TARGET_SLOT:
            self.resolve(edge)
            target = self.arrays.edges.item(edge, L.E_TARGET)
        return target

    def resolve(self, edge: int) -> None:
        """Have an edge's target in the arrays."""
        node, content = self.edge(edge)
        key = self.key(node)
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
            target = self.node(self.network.follow_text(self.key(node), content.label, known[1]))
            self._texts[known] = target
            self.expand(target)
        if 2 * self.arrays.used[L.M_AFTER] >= self.arrays.after.shape[0]:
            self.grow(L.M_AFTER)
        cpu.pair_put(self.arrays.after, edge << 32 | tape, -1 - offset, target)
        self.arrays.used[L.M_AFTER] += 1

    def _member_node(self, member: Member) -> int:
        """The number of a member of a record."""
        record, filled, place, slot = member
        number = self._record_ids.get(record)
        if number is None:
            number = self._add_record(record)
        words = np.frombuffer(bytearray(filled.to_bytes(L.MOST_SLOTS // 8, "little")), dtype=np.int64)
        return self.run(cpu.member, number, words, place, slot)

    def _add_record(self, record: Record) -> int:
        """Write a record into the arrays; returns its number."""
        slots = record.slots
        n = len(slots.names)
        known = self._slots.get(slots)
        if known is None:
            names, _ = self._rows(slots.names)
            names[:, L.E_TARGET] = L.TARGET_SLOT - np.arange(n)
            frame, _ = self._rows((slots.between, slots.end))
            frame[0, L.E_TARGET] = L.TARGET_SLOT
            lead, close = slots.between.symbol.min_length(), slots.end.symbol.min_length()  # type: ignore[union-attr]
            places = self._add_slots(slots), self._templates(names), self._templates(frame)
            known = self._slots[slots] = *places, lead, close
        first, names_first, frame_first, lead, close = known
        own, _ = self._rows(record.own)
        for row, edge in zip(own, record.own, strict=True):
            if not isinstance(edge.symbol, Unsure):
                row[L.E_TARGET] = L.TARGET_SLOT - edge.label
        spare = L.FAR if record.spare is None else record.spare
        number = int(self.arrays.used[L.M_RECORDS])
        if number >= len(self.arrays.records):
            self.grow(L.M_RECORDS)
        self.arrays.records[number] = (
            first, n, names_first, self._templates(own), len(own), spare, frame_first, lead, close,
            L.BLURRED_UNKNOWN,
        )  # fmt: skip
        self.arrays.used[L.M_RECORDS] = number + 1
        self._record_ids[record] = number
        self._records.append(record)
        return number

    def _add_slots(self, slots: Slots) -> int:
        """Write what the slots of a record cost; returns the first row."""
        n = len(slots.names)
        rows = np.full((n + slots.further, L.SLOT_COLS), -1, dtype=np.int32)
        rows[:n, L.SLOT_COST] = np.minimum(slots.costs, L.FAR)
        rows[:n, L.SLOT_REQUIRED] = slots.required
        optional = sorted((cost, i) for i, cost in enumerate(slots.costs) if not slots.required[i])
        rows[: len(optional), L.SLOT_CHEAP] = [i for _, i in optional]
        first = int(self.arrays.used[L.M_SLOTS])
        while first + len(rows) > len(self.arrays.slots):
            self.grow(L.M_SLOTS)
        self.arrays.slots[first : first + len(rows)] = rows
        self.arrays.used[L.M_SLOTS] = first + len(rows)
        return first

    def add_blurred(self, record: int) -> None:
        """Have the record after one more name, whichever, in the arrays (asked for by members)."""
        blurred = None if self._blurred_record is None else self._blurred_record(self._records[record])
        number = -1
        if blurred is not None:
            number = self._record_ids.get(blurred, -1)
            if number < 0:
                number = self._add_record(blurred)
        self.arrays.records[record, L.R_BLURRED] = number

    def add_values(self, record: int, slot: int) -> None:
        """Have the edges behind a name of a record in the arrays (asked for by members)."""
        edges = self.network.slot_edges(self._records[record], slot)
        known = self._values.get(id(edges))
        if known is None:
            rows, calls = self._rows(edges)
            rows[:, L.E_TARGET] = L.TARGET_SLOT
            for called in calls:
                self.expand(called)
            known = self._values[id(edges)] = _Shared(edges, self._templates(rows), calls)
        row = self.arrays.records.item(record, L.R_SLOTS) + slot
        self.arrays.slots[row, [L.SLOT_FIRST, L.SLOT_SIZE]] = known.first, len(edges)

    def loop(self, node: int) -> UnsupportedError:
        """The error of a network that is left recursive at a node."""
        return UnsupportedError(
            f"the network calls itself without reading a byte, at node {self.key(node)!r}",
            hint="Left recursion must be removed before the network is built",
        )

    def _expand_one(self, node: int) -> list[int]:
        """Expand a node; returns the nodes that it calls if some of them are not ready."""
        key = self.key(node)
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
        shared = self._shared[id(edges)] = _Shared(edges, self._templates(rows), calls)
        return shared

    def _templates(self, rows: NDArray[np.int32]) -> int:
        """Write edges for nodes to copy; returns the first row."""
        self._reserve(len(rows))
        m = self.arrays
        first = int(m.used[L.M_EDGES])
        m.edges[first : first + len(rows)] = rows
        m.used[L.M_EDGES] = first + len(rows)
        return first

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
            elif isinstance(symbol, Unsure):
                bytes_of = -1 if symbol.first is None else self._start_of(symbol.first)
                rows.append((L.NOTHING, bytes_of, L.TARGET_UNSURE, min(rest, L.FAR), L.SHADOW_NONE, 0, at))
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
