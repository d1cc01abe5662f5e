"""The machine: a lazy network over a vocabulary, determinised while it is used.

Receives a network (ir) and a terminal store (masks); offers transitions and masks over *configurations*, each
an interned set of items (terminal state, edge, stack cell) and named by one int. Readable owner of the kernels
in ``kernels/machine``: it holds their arrays, and serves what they ask for (expand a node, resolve a target,
build a row, make room).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen.errors import LimitError, UnsupportedError
from structgen.ir.network import END, Call, Edge, Network, Terminal
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.kernels.machine.unite import unite
from structgen.limits import Limits
from structgen.masks.terminals import TerminalStore, resized
from structgen.runtime.endless import unite_loops

#: Bytes of a text fed to the kernel at once.
STRETCH = 64
#: The configuration after EOS: nothing but EOS may follow.
FINISHED = 0


@dataclass(frozen=True)
class _Outline:
    """The key of a node that stands for all nodes to which an edge that captures may lead."""

    key: Hashable


class Machine:
    """Configurations of one network. Not safe for threads by itself: callers hold ``store.lock``."""

    def __init__(self, network: Network, store: TerminalStore, limits: Limits) -> None:
        self.network = network
        self.store = store
        self.limits = limits
        self._keys: list[Hashable] = []
        self._ids: dict[Hashable, int] = {}
        #: For each edge: the node that owns it, and the edge itself.
        self.edges: list[tuple[int, Edge]] = []
        self._terminals: dict[int, int] = {}
        self._texts: dict[tuple[int, bytes], int] = {}
        #: For each stack cell the edges in its stacks, as far as ``nests`` has looked.
        self._above: list[frozenset[int]] = []
        self._nests = False
        #: Unions of stack cells of any height, by the cells that they are made of, and the other way round.
        self.unions: dict[frozenset[int], int] = {}
        self.members: dict[int, frozenset[int]] = {}
        self._version = -1
        self._result = np.zeros(2, dtype=np.int64)
        self._deep = np.zeros((store.longest + 1, 2), dtype=np.int64)
        self._bytes = np.zeros(256, dtype=np.uint8)
        self.arrays = self.empty_arrays(store.width)
        m = self.arrays
        # cell 0: the bottom of every stack, where the text may end
        m.frames[0] = (-1, -1, -1)
        m.used[L.M_FRAMES] = 0
        m.used[L.M_TAPES] = L.BLANK + 1
        cpu.intern_cell(m, 0, 1)
        # configuration 0: after EOS; it has no items, accepts, and is not to be met by interning
        m.configs[FINISHED, L.K_ACCEPT] = 1
        m.configs[FINISHED, L.K_ROW] = -1
        m.used[L.M_CONFIGS] = 1
        self.start = self.run(cpu.closure, self._node(network.start), 0, 0, L.EMPTY)

    @staticmethod
    def empty_arrays(width: int) -> L.Machine:
        """Arrays with room for a small grammar, over masks of ``width`` words."""
        return L.Machine(
            used=np.zeros(L.USED, dtype=np.int64),
            nodes=np.zeros((64, 5), dtype=np.int32),
            edges=np.zeros((128, 5), dtype=np.int32),
            cells=np.zeros((64, 7), dtype=np.int32),
            cellhash=np.zeros(128, dtype=np.int32),
            frames=np.zeros((128, 3), dtype=np.int32),
            items=np.zeros((512, 3), dtype=np.int32),
            configs=np.zeros((256, L.K_COLS), dtype=np.int32),
            configbytes=np.zeros((256, 4), dtype=np.uint64),
            confighash=np.zeros(512, dtype=np.int32),
            next=np.zeros((1024, 2), dtype=np.int64),
            after=np.zeros((256, 3), dtype=np.int64),
            rows=np.zeros((8, width), dtype=np.int32),
            work=np.zeros((256, 3), dtype=np.int32),
            work2=np.zeros((256, 3), dtype=np.int32),
            seen=np.zeros((256, 4), dtype=np.int64),
            calls=np.zeros((256, 4), dtype=np.int64),
            stack=np.zeros((256, 2), dtype=np.int64),
            tapes=np.zeros((16, 3), dtype=np.int32),
            exact=np.zeros(64, dtype=np.int32),
        )

    # ------------------------------------------------------------ questions about configurations

    def advance(self, state: int, data: NDArray[np.uint8]) -> int:
        """The configuration after some bytes, or DEAD."""
        # a long text in stretches: where something is missing the kernel begins anew
        while len(data) > STRETCH and state >= 0:
            state = self.run(cpu.travel, cpu.ADVANCE, state, data[:STRETCH], self._result)
            data = data[STRETCH:]
        return self.run(cpu.travel, cpu.ADVANCE, state, data, self._result) if state >= 0 else state

    def accepts(self, state: int) -> bool:
        return bool(self.arrays.configs[state, L.K_ACCEPT])

    def min_bytes(self, state: int) -> int:
        return int(self.arrays.configs[state, L.K_MIN])

    def first_bytes(self, state: int) -> list[int]:
        """The bytes that may come next, ascending."""
        raw = self.arrays.configbytes[state].view(np.uint8)
        return np.flatnonzero(np.unpackbits(raw, bitorder="little")).tolist()

    def row(self, state: int) -> NDArray[np.int32]:
        """The mask of a configuration as a view that is good until the machine is next used."""
        m = self.arrays
        slot = int(m.configs[state, L.K_ROW])
        if slot >= 0:
            return m.rows[slot]
        if m.used[L.M_ROWS] >= m.rows.shape[0]:
            self._make_row_room()
            m = self.arrays
        slot = int(m.used[L.M_ROWS])
        m.used[L.RESUME] = m.used[L.RESUME_EXACT] = 0
        self.run(cpu.mask, state, self.store.longest, m.rows[slot])
        m = self.arrays
        m.configs[state, L.K_ROW] = slot
        m.used[L.M_ROWS] = slot + 1
        return m.rows[slot]

    def worst(self, state: int) -> int:
        """No less than ``min_bytes`` after any token that is allowed."""
        if self.arrays.configs[state, L.K_WORST] < 0:
            self.row(state)
        return int(self.arrays.configs[state, L.K_WORST])

    def forced(self, state: int) -> tuple[bytes, int]:
        """The longest continuation that is the only one, and the state it leads to."""
        return self._spell(cpu.FORCED, state)

    def witness(self, state: int) -> bytes:
        """A shortest completion; see the kernel for why it is the one it is."""
        return self._spell(cpu.WITNESS, state)[0]

    def next_states(self, state: int, blank: bool, out: NDArray[np.int32]) -> None:
        """The configuration after every token, into int32[V]; -1 where not allowed. EOS ids are left at -1.

        With ``blank`` the texts being read are left out; see the kernel for what the configurations are then.
        """
        self.run(cpu.next_states, state, int(blank), out, self._deep)

    def unite(self, states: NDArray[np.int32]) -> int:
        """The configuration of the texts of any of the states, none of which is FINISHED."""
        return self.run(unite, np.ascontiguousarray(states, dtype=np.int32))

    def nests(self) -> bool:
        """Does some rule wait for its own end, in a stack met so far? Then there are states without end.

        An edge that stands twice in a stack has called itself, and can do so again.
        """
        m = self.arrays
        for cell in range(len(self._above), int(m.used[L.M_CELLS])):
            first, n = int(m.cells[cell, L.C_FIRST]), int(m.cells[cell, L.C_N])
            above: set[int] = set()
            for edge, parent in m.frames[first : first + n, [L.F_EDGE, L.F_PARENT]].tolist():
                if edge >= 0:
                    self._nests = self._nests or edge in self._above[parent]
                    above |= self._above[parent] | {edge}
            self._above.append(frozenset(above))
        return self._nests

    def reading(self, state: int) -> bool:
        """Is there a text under way that a capture asks for?"""
        m = self.arrays
        first, n = int(m.configs[state, L.K_FIRST]), int(m.configs[state, L.K_N])
        return bool(m.cells[m.items[first : first + n, L.I_CELL], L.C_TAPE].any())

    def expected(self, state: int) -> list[tuple[Terminal, str | None]]:
        """The terminals in flight or about to begin, each with its place in the user's source."""
        m = self.arrays
        first, n = int(m.configs[state, L.K_FIRST]), int(m.configs[state, L.K_N])
        found: dict[tuple[str, str | None], tuple[Terminal, str | None]] = {}
        for e in m.items[first : first + n, L.I_EDGE].tolist():
            node, edge = self.edges[e]
            assert isinstance(edge.symbol, Terminal)
            where = self.network.describe(self._keys[node], edge.label) or edge.symbol.where
            found.setdefault((edge.symbol.name, where), (edge.symbol, where))
        return list(found.values())

    @property
    def n_states(self) -> int:
        return int(self.arrays.used[L.M_CONFIGS])

    @property
    def nbytes(self) -> int:
        """Bytes held by this machine's arrays, finished masks included, the shared store left out."""
        return sum(array.nbytes for array in self.arrays)

    def _spell(self, mode: int, state: int) -> tuple[bytes, int]:
        parts = []
        while True:
            self.run(cpu.travel, mode, state, self._bytes, self._result)
            state, n = int(self._result[0]), int(self._result[1])
            parts.append(self._bytes[:n].tobytes())
            if n < len(self._bytes):
                return b"".join(parts), state

    # ------------------------------------------------------------ serving the kernels

    def run(self, kernel: Callable[..., Any], *args: Any) -> int:
        """Call a kernel until it asks for nothing more."""
        store = self.store
        while True:
            result = int(kernel(store.arrays, self.arrays, *args))
            if result != L.ASK:
                return result
            used = self.arrays.used
            what, arg = int(used[L.ASK_WHAT]), int(used[L.ASK_ARG])
            if what == L.ASK_NODE:
                self._expand(arg)
            elif what == L.ASK_TARGET:
                self._resolve(arg)
            elif what == L.ASK_ROW:
                store.build_row(arg)
            elif what == L.ASK_GROW:
                self._grow(arg)
            elif what == L.ASK_GROW_T:
                store.grow(arg)
            elif what == L.ASK_UNION:
                self._unite(arg)
            elif what == L.ASK_RESTRICT:
                store.restrict(arg >> 32, arg & 0xFFFFFFFF)
            elif what == L.ASK_TEXT:
                self._resolve_text(arg >> 32, arg & 0xFFFFFFFF, int(used[L.ASK_MORE]))
            else:
                raise self._loop(arg)

    def _node(self, key: Hashable) -> int:
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
                self._grow(L.M_NODES)
            self.arrays.nodes[node, L.N_READY] = 0
            self.arrays.used[L.M_NODES] = node + 1
        return node

    def _expand(self, node: int) -> None:
        """Expand a node and all that it calls, which a closure enters as well, and rank them (see L.N_RANK)."""
        nodes = self.arrays.nodes
        if nodes[node, L.N_READY] == 1:
            return
        path = [(node, self._expand_one(node))]
        todo = [list(path[0][1])]
        # a node on the path has no rank yet: one that calls itself gets none
        for _ in range(L.LONG_CLOSURE):
            if todo[-1]:
                called = todo[-1].pop()
                if self.arrays.nodes[called, L.N_READY] == 0:
                    path.append((called, self._expand_one(called)))
                    todo.append(list(path[-1][1]))
                continue
            done, calls = path.pop()
            todo.pop()
            self._rank(done, calls)
            if not path:
                return
        raise self._loop(node)

    def _rank(self, node: int, calls: list[int]) -> None:
        m, q = self.arrays, self.store.arrays.q
        _, accepting, first, n, _ = m.nodes[node].tolist()
        starts = m.edges[first : first + n, L.E_Q0]
        ranks = m.nodes[calls, L.N_RANK]
        empty = q[starts[starts >= 0], L.Q_ACCEPT].any()
        m.nodes[node, L.N_RANK] = 0 if accepting or empty or not ranks.all() else 1 + ranks.max(initial=0)

    def _expand_one(self, node: int) -> list[int]:
        """Expand a node; returns the nodes that it calls."""
        key = self._keys[node]
        outline = isinstance(key, _Outline)
        content = self.network.expand(key.key if isinstance(key, _Outline) else key)
        first = int(self.arrays.used[L.M_EDGES])
        rows: list[tuple[int, int, int, int, int]] = []
        shadows: list[tuple[int, Edge]] = []
        called: list[int] = []
        for edge in content.edges:
            self.edges.append((node, edge))
            # in an outline all but the end of the rule depends on the text
            target = L.TARGET_END if edge.label is END else L.TARGET_UNSURE if outline else L.TARGET_UNKNOWN
            shadow = L.SHADOW_NONE
            if edge.capture and not outline:
                self.arrays.used[L.CAPTURES] = 1
                shadow = L.SHADOW_CALL
                if not isinstance(edge.symbol, Call):
                    shadow = first + len(content.edges) + len(shadows)
                    shadows.append((node, edge))
            rest = min(edge.rest, L.FAR)
            if isinstance(edge.symbol, Call):
                called.append(self._node(edge.symbol.key))
                rows.append((-1, called[-1], target, rest, shadow))
            else:
                rows.append((self._start_of(edge.symbol), -1, target, rest, shadow))
        rows.extend([(-1, -1, L.TARGET_END, 0, L.SHADOW_NONE)] * len(shadows))
        self.edges.extend(shadows)
        while first + len(rows) > self.arrays.edges.shape[0]:
            self._grow(L.M_EDGES)
        m = self.arrays
        if rows:
            m.edges[first : first + len(rows)] = rows
        m.used[L.M_EDGES] = first + len(rows)
        m.nodes[node] = (1, int(content.accepting), first, len(content.edges), 0)
        return called

    def _loop(self, node: int) -> UnsupportedError:
        return UnsupportedError(
            f"the network calls itself without reading a byte, at node {self._keys[node]!r}",
            hint="Left recursion must be removed before the network is built",
        )

    def _start_of(self, terminal: Terminal) -> int:
        state = self._terminals.get(id(terminal))
        if state is None:
            state = self._terminals[id(terminal)] = self.store.start(terminal.dfa, terminal.bans)
        return state

    def _resolve(self, edge: int) -> None:
        node, content = self.edges[edge]
        key = self._keys[node]
        if not content.capture:
            target = self._node(self.network.follow(key, content.label))
        else:
            # what is sure of it before its text is known
            outline = getattr(self.network, "outline", None)
            known = None if outline is None else outline(key, content.label)
            target = L.TARGET_UNSURE if known is None else self._node(_Outline(known))
        self.arrays.edges[edge, L.E_TARGET] = target
        if target >= 0:
            self._expand(target)

    def _resolve_text(self, edge: int, tape: int, offset: int) -> None:
        node, content = self.edges[edge]
        tapes = self.arrays.tapes
        text = bytearray()
        at = tape
        for _ in range(int(tapes[tape, L.P_LENGTH]) - offset):
            text.append(tapes[at, L.P_BYTE])
            at = tapes[at, L.P_PARENT]
        text.reverse()
        known = edge, bytes(text)
        target = self._texts.get(known)
        if target is None:
            network: Any = self.network
            target = self._node(network.follow_text(self._keys[node], content.label, known[1]))
            self._texts[known] = target
            self._expand(target)
        if 2 * self.arrays.used[L.M_AFTER] >= self.arrays.after.shape[0]:
            self._grow(L.M_AFTER)
        cpu.pair_put(self.arrays.after, edge << 32 | tape, -1 - offset, target)
        self.arrays.used[L.M_AFTER] += 1

    def expand(self, node: int) -> None:
        """Have a node's edges in the arrays."""
        self._expand(node)

    def resolve(self, edge: int) -> None:
        """Have an edge's target in the arrays."""
        self._resolve(edge)

    def reserve_cell(self) -> int:
        """A new stack cell, whose frames are to come; it is not met by interning."""
        m = self.arrays
        cell = int(m.used[L.M_CELLS])
        if cell >= m.cells.shape[0] or 2 * cell >= m.cellhash.shape[0]:
            self._grow(L.M_CELLS)
        self.arrays.used[L.M_CELLS] = cell + 1
        self.arrays.cells[cell] = (0, 0, L.FAR, 0, 0, cell, L.LOOP)
        return cell

    def write_cell(self, cell: int, frames: list[tuple[int, int, int]]) -> None:
        """The frames (edge, parent, offset) of a reserved cell, in order."""
        while int(self.arrays.used[L.M_FRAMES]) + len(frames) > self.arrays.frames.shape[0]:
            self._double(L.M_FRAMES)
        m = self.arrays
        first = int(m.used[L.M_FRAMES])
        m.frames[first : first + len(frames)] = frames
        m.used[L.M_FRAMES] = first + len(frames)
        m.cells[cell, [L.C_FIRST, L.C_N]] = first, len(frames)

    def _unite(self, pair: int) -> None:
        """Unite two cells of which one's stacks may be of any height; all others are united by the kernels."""
        cell = unite_loops(self, [pair >> 32, pair & 0xFFFFFFFF])
        if 2 * self.arrays.used[L.M_NEXT] >= self.arrays.next.shape[0]:
            self._grow(L.M_NEXT)
        cpu.table_put(self.arrays.next, L.KEY_UNION + pair, cell)
        self.arrays.used[L.M_NEXT] += 1

    def _grow(self, arena: int) -> None:
        if arena == L.M_CELLS:
            self._double(L.M_FRAMES)
        self._double(arena)

    def _double(self, arena: int) -> None:
        m = self.arrays
        size = 2 * getattr(m, L.MACHINE_ARENAS[arena][0]).shape[0]
        if arena == L.M_CONFIGS and size > 2 * self.limits.max_states:
            raise LimitError(
                f"the constraint needs more than {self.limits.max_states} states",
                hint="Raise max_states in sg.Limits",
            )
        if self.nbytes - m.rows.nbytes > self.limits.max_grammar_bytes:
            raise LimitError(
                f"the constraint's tables have grown over {self.limits.max_grammar_bytes} bytes",
                hint="Raise max_grammar_bytes in sg.Limits",
            )
        new: dict[str, np.ndarray] = {}
        for name in L.MACHINE_ARENAS[arena]:
            old = getattr(m, name)
            if name == "after":
                new[name] = np.zeros((size, 3), dtype=np.int64)
                cpu.pair_rehash(old, new[name])
            elif name == "next":
                new[name] = np.zeros((size, 2), dtype=np.int64)
                cpu.table_rehash(old, new[name])
            elif name == "cellhash":
                new[name] = np.zeros(2 * size, dtype=np.int32)
                cpu.cell_rehash(m, new[name])
            elif name == "confighash":
                new[name] = np.zeros(2 * size, dtype=np.int32)
                cpu.config_rehash(m, new[name])
            else:
                new[name] = resized(old, size)
        self.arrays = m._replace(**new)

    def _make_row_room(self) -> None:
        m = self.arrays
        if m.rows.nbytes * 2 > self.limits.max_mask_bytes and m.rows.shape[0] >= 8:
            m.configs[:, L.K_ROW] = -1
            m.used[L.M_ROWS] = 0
        else:
            self._double(L.M_ROWS)
