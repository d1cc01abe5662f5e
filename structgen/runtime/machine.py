"""The machine: a lazy network over a vocabulary, determinised while it is used.

Receives a network (ir) and a terminal store (masks); offers transitions and masks over *configurations*, each
an interned set of items (terminal state, edge, stack cell) and named by one int. Readable owner of the kernels
in ``kernels/machine``: it holds their arrays, and serves what they ask for (expand a node, resolve a target,
build a row, make room).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen.errors import LimitError
from structgen.ir.network import Call, Network, Terminal
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.kernels.machine.unite import unite
from structgen.limits import Limits
from structgen.masks.finished import Finished
from structgen.masks.terminals import TerminalStore, resized
from structgen.runtime.endless import unite_loops
from structgen.runtime.nodes import Nodes

#: Bytes of a text fed to the kernel at once.
STRETCH = 64
#: The configuration after EOS: nothing but EOS may follow.
FINISHED = 0


class Machine(Nodes):
    """Configurations of one network. Not safe for threads by itself: callers hold ``store.lock``."""

    def __init__(self, network: Network, store: TerminalStore, limits: Limits) -> None:
        super().__init__(network)
        self.store = store
        self.limits = limits
        self._finished = Finished(store.blocks, limits.max_mask_bytes)
        #: The masks worked out so far, int32[W] by configuration.
        self.rows = self._finished.rows
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
        nested = bool(getattr(network, "nested", False))
        self.arrays = self.empty_arrays(store.width if nested else 1)
        self.handle = cpu.handle(self.arrays)
        m = self.arrays
        # cell 0: the bottom of every stack, where the text may end
        m.frames[0] = (-1, -1, -1)
        m.used[L.M_FRAMES] = 0
        m.used[L.M_TAPES] = L.BLANK + 1
        cpu.intern_cell(self.handle, 0, 1)
        m.used[L.FOLDS] = nested
        # configuration 0: after EOS; it has no items, accepts, and is not to be met by interning
        m.configs[FINISHED, L.K_ACCEPT] = 1
        m.used[L.M_CONFIGS] = 1
        self.start = self.run(cpu.closure, self.node(network.start), 0, 0, L.EMPTY)

    @staticmethod
    def empty_arrays(width: int = 1) -> L.Machine:
        """Arrays with room for a small grammar. ``width``: words in a mask, where masks are made by folds.

        There what a state needs is more, and to make room takes as long as to make a mask.
        """
        n = 1 if width == 1 else 8
        return L.Machine(
            used=np.zeros(L.USED, dtype=np.int64),
            nodes=np.zeros((64 * n, L.N_COLS), dtype=np.int32),
            edges=np.zeros((128 * n, L.E_COLS), dtype=np.int32),
            cells=np.zeros((64 * n, 7), dtype=np.int32),
            cellhash=np.zeros(128 * n, dtype=np.int32),
            frames=np.zeros((128 * n, 3), dtype=np.int32),
            items=np.zeros((512 * n, 3), dtype=np.int32),
            configs=np.zeros((256 * n, L.K_COLS), dtype=np.int32),
            configbytes=np.zeros((256 * n, 4), dtype=np.uint64),
            confighash=np.zeros(512 * n, dtype=np.int32),
            next=np.zeros((1024 * n, 2), dtype=np.int64),
            after=np.zeros((256 * n, 3), dtype=np.int64),
            work=np.zeros((256 * n, 3), dtype=np.int32),
            work2=np.zeros((256 * n, 3), dtype=np.int32),
            seen=np.zeros((256 * n, 4), dtype=np.int64),
            calls=np.zeros((256 * n, 4), dtype=np.int64),
            stack=np.zeros((256 * n, 2), dtype=np.int64),
            tapes=np.zeros((16, 3), dtype=np.int32),
            exact=np.zeros(64 * n, dtype=np.int32),
            records=np.zeros((16, L.RECORD_COLS), dtype=np.int32),
            slots=np.zeros((64, L.SLOT_COLS), dtype=np.int32),
            sets=np.zeros((64, L.S_COLS), dtype=np.int64),
            folds=np.zeros((64 * n, L.F_COLS), dtype=np.int32),
            exits=np.zeros(64 * n, dtype=np.int64),
            groups=np.zeros((64 * n, 2), dtype=np.int32),
            foldrow=np.zeros(width, dtype=np.int32),
            nodebytes=np.zeros((64 * n, 4), dtype=np.uint64),
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
        """The mask of a configuration, int32[W]. It never changes, and is good as long as the machine lives."""
        row = self.rows.get(state)
        if row is None:
            row = self._finished.room()
            used = self.arrays.used
            used[L.RESUME] = used[L.RESUME_EXACT] = 0
            self.store.dropped = False
            self.run(cpu.mask, state, self.store.longest, row)
            row = self._finished.keep(state, row)
        return row

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
        todo = m.items[first : first + n, L.I_EDGE].tolist()
        for e in todo:
            node, edge = self.edge(e)
            if isinstance(edge.symbol, Call):
                continue
            if not edge.symbol.name:  # it only leads to others: these are what is expected
                target = self.target(e)
                behind = self.arrays.nodes[target]
                begin = int(behind[L.N_EDGE])
                todo += [x for x in range(begin, begin + int(behind[L.N_EDGES])) if x not in todo]
                continue
            where = self.network.describe(self.key(node), edge.label) or edge.symbol.where
            found.setdefault((edge.symbol.name, where), (edge.symbol, where))
        return list(found.values())

    @property
    def n_states(self) -> int:
        return int(self.arrays.used[L.M_CONFIGS])

    @property
    def nbytes(self) -> int:
        """Bytes held by this machine's arrays, finished masks included, the shared store left out."""
        return sum(array.nbytes for array in self.arrays) + self._finished.nbytes

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
            result = int(kernel(store.handle, self.handle, *args))
            if result != L.ASK:
                return result
            used = self.arrays.used
            what, arg = int(used[L.ASK_WHAT]), int(used[L.ASK_ARG])
            if what == L.ASK_NODE:
                self.expand(arg)
            elif what == L.ASK_TARGET:
                self.resolve(arg)
            elif what == L.ASK_ROW:
                store.build_row(arg)
            elif what == L.ASK_GROW:
                self.grow(arg)
            elif what == L.ASK_GROW_T:
                store.grow(arg)
            elif what == L.ASK_UNION:
                self._unite(arg)
            elif what == L.ASK_RESTRICT:
                store.restrict(arg >> 32, arg & 0xFFFFFFFF)
            elif what == L.ASK_VALUES:
                self.add_values(arg, int(used[L.ASK_MORE]))
            elif what == L.ASK_BLURRED:
                self.add_blurred(arg)
            elif what == L.ASK_TEXT:
                self.resolve_text(arg >> 32, arg & 0xFFFFFFFF, int(used[L.ASK_MORE]))
            else:
                raise self.loop(arg)

    def reserve_cell(self) -> int:
        """A new stack cell, whose frames are to come; it is not met by interning."""
        m = self.arrays
        cell = int(m.used[L.M_CELLS])
        if cell >= m.cells.shape[0] or 2 * cell >= m.cellhash.shape[0]:
            self.grow(L.M_CELLS)
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
            self.grow(L.M_NEXT)
        cpu.table_put(self.arrays.next, L.KEY_UNION + pair, cell)
        self.arrays.used[L.M_NEXT] += 1

    def grow(self, arena: int) -> None:
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
        if arena == L.M_NODES and size > 2 * self.limits.max_nodes:
            raise LimitError(
                f"the constraint needs more than {self.limits.max_nodes} nodes", hint="Raise max_nodes in sg.Limits"
            )
        if sum(array.nbytes for array in m) > self.limits.max_grammar_bytes:
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
                cpu.cell_rehash(self.handle, new[name])
            elif name == "confighash":
                new[name] = np.zeros(2 * size, dtype=np.int32)
                cpu.config_rehash(self.handle, new[name])
            else:
                new[name] = resized(old, size)
        self.arrays = m._replace(**new)
        self.handle = cpu.renewed(self.handle, self.arrays, new)
