"""The machine: a lazy network over a vocabulary, determinised while it is used.

Receives a network (ir) and a terminal store (masks); offers transitions and masks over *configurations*, each
an interned set of items (terminal state, edge, stack cell) and named by one int. Readable owner of the kernels
in ``kernels/machine``: it holds their arrays, and serves what they ask for (expand a node, resolve a target,
build a row, make room).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.errors import LimitError, UnsupportedError
from structgen.ir.network import END, UNSURE, Call, Edge, Network, Terminal
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.kernels.machine.unite import unite
from structgen.limits import Limits
from structgen.masks.terminals import TerminalStore, resized
from structgen.runtime.endless import unite_loops

#: Bytes of a text fed to the kernel at once.
STRETCH = 64
#: The first columns of the edge that stands for the terminal of an edge that captures.
_SHADOW = (-1, -1, L.TARGET_END, 0, L.SHADOW_NONE)
#: The configuration after EOS: nothing but EOS may follow.
FINISHED = 0


@dataclass(frozen=True)
class _Outline:
    """The key of a node that stands for all nodes to which an edge that captures may lead."""

    key: Hashable


#: Families whose parts are kept have at most so many edges.
_FEW = 8


class _Rows(NamedTuple):
    """Edges of a node.

    Attributes:
        array: int32[n, E_COLS].
        shadows: those with a terminal that captures.
        calls: the nodes called.
        captures: does one capture?
        solid: can no terminal be empty?
    """

    array: NDArray[np.int32]
    shadows: list[int]
    calls: list[int]
    captures: bool
    solid: bool

    def chosen(self, left_out: int) -> _Rows:
        """Without some, given as bits. None of them calls."""
        size = len(self.array)
        bits = np.frombuffer(left_out.to_bytes(size + 7 >> 3, "little"), dtype=np.uint8)
        kept = np.flatnonzero(np.unpackbits(bits, count=size, bitorder="little") == 0)
        shadows = [int(kept.searchsorted(k)) for k in self.shadows if not left_out >> k & 1]
        return _Rows(self.array[kept], shadows, self.calls, bool(shadows), self.solid)

    def joined(self, others: _Rows, more: int) -> _Rows:
        """With others behind them, ``more`` being added to the rests of these."""
        n = len(self.array)
        array = np.concatenate([self.array, others.array])
        _add_to_rests(array[:n], more)
        shadows = [*self.shadows, *(n + k for k in others.shadows)]
        calls = [*self.calls, *others.calls]
        return _Rows(array, shadows, calls, self.captures or others.captures, self.solid and others.solid)


def _add_to_rests(rows: NDArray[np.int32], more: int) -> None:
    column = rows[:, L.E_REST]
    column += np.int32(min(more, L.FAR)) * (rows[:, L.E_TARGET] != L.TARGET_END)
    np.minimum(column, L.FAR, out=column)


class Machine:
    """Configurations of one network. Not safe for threads by itself: callers hold ``store.lock``."""

    def __init__(self, network: Network, store: TerminalStore, limits: Limits) -> None:
        self.network = network
        self.store = store
        self.limits = limits
        self._keys: list[Hashable] = []
        self._ids: dict[Hashable, int] = {}
        #: What the edges of the arrays are made of, see E_CONTENT.
        self._contents: list[Edge] = []
        #: by the id of the edges of a family: the edges, their rows
        self._families: dict[int, tuple[tuple[Edge, ...], _Rows]] = {}
        #: of small families also those without some of the edges
        self._chosen: dict[tuple[int, int], _Rows] = {}
        self._family = getattr(network, "family", None)
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
        #: The arrays as kernels take them.
        self.handle = cpu.handle(self.arrays)
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
            edges=np.zeros((128, L.E_COLS), dtype=np.int32),
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
        self.store.dropped = False
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
        todo = m.items[first : first + n, L.I_EDGE].tolist()
        for e in todo:
            node, edge = self.edge(e)
            if isinstance(edge.symbol, Call):
                continue
            if not edge.symbol.name:  # it only leads to others: these are what is expected
                if self.arrays.edges[e, L.E_TARGET] == L.TARGET_UNKNOWN:
                    self._resolve(e)
                behind = self.arrays.nodes[self.arrays.edges[e, L.E_TARGET]]
                begin = int(behind[L.N_EDGE])
                todo += [x for x in range(begin, begin + int(behind[L.N_EDGES])) if x not in todo]
                continue
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
            result = int(kernel(store.handle, self.handle, *args))
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
            if calls:
                self._rank(done, calls)
            if not path:
                return
        raise self._loop(node)

    def _rank(self, node: int, calls: list[int]) -> None:
        """The rank of a node that calls; what it has so far says whether its own edges allow one."""
        nodes = self.arrays.nodes
        ranks = nodes[calls, L.N_RANK]
        nodes[node, L.N_RANK] = 1 + int(ranks.max()) if nodes[node, L.N_RANK] and ranks.all() else 0

    def _expand_one(self, node: int) -> list[int]:
        """Expand a node; returns the nodes that it calls."""
        key = self._keys[node]
        if isinstance(key, _Outline):
            content = self.network.expand(key.key)
            return self._add_edges(node, content.accepting, self._outlined(content.edges))
        family = None if self._family is None else self._family(key)
        if family is None:
            content = self.network.expand(key)
            return self._add_edges(node, content.accepting, self._rows(content.edges))
        shared, left_out, more, own = family
        known = self._families.get(id(shared))
        if known is None:
            known = self._families[id(shared)] = (shared, self._rows(shared))
        rows = known[1]
        if left_out:
            few = len(shared) <= _FEW
            chosen = self._chosen.get((id(shared), left_out)) if few else None
            if chosen is None:
                chosen = rows.chosen(left_out)
                if few:
                    self._chosen[id(shared), left_out] = chosen
            rows = chosen
        if own:
            rows = rows.joined(self._rows(own), more)
            more = 0
        return self._add_edges(node, False, rows, more)

    def _add_edges(self, node: int, accepting: bool, rows: _Rows, more: int = 0) -> list[int]:
        """Make a node of its edges, to whose rests ``more`` is added; returns the nodes that it calls."""
        n = len(rows.array)
        m = self.arrays
        first = int(m.used[L.M_EDGES])
        end = first + n + len(rows.shadows)
        while end > m.edges.shape[0]:
            self._grow(L.M_EDGES)
            m = self.arrays
        new = m.edges[first : first + n]
        new[:] = rows.array
        new[:, L.E_NODE] = node
        if more:
            _add_to_rests(new, more)
        for i, k in enumerate(rows.shadows):
            new[k, L.E_SHADOW] = first + n + i
            m.edges[first + n + i] = (*_SHADOW, node, new[k, L.E_CONTENT])
        if rows.captures:
            m.used[L.CAPTURES] = 1
        m.used[L.M_EDGES] = end
        # without calls this is its rank
        m.nodes[node] = (1, accepting, first, n, rows.solid and not accepting)
        return [*rows.calls]

    def _rows(self, edges: Sequence[Edge]) -> _Rows:
        """Edges as rows of the array."""
        rows = []
        at = len(self._contents)
        self._contents.extend(edges)
        shadows, calls, captures = [], [], False
        for i, (symbol, label, rest, capture) in enumerate(edges):
            target = L.TARGET_END if label is END else L.TARGET_UNKNOWN
            captures |= capture
            if isinstance(symbol, Call):
                calls.append(self._node(symbol.key))
                shadow = L.SHADOW_CALL if capture else L.SHADOW_NONE
                rows.append((-1, calls[-1], target, min(rest, L.FAR), shadow, 0, at + i))
            elif symbol is UNSURE:
                rows.append((L.NOTHING, -1, L.TARGET_UNSURE, min(rest, L.FAR), L.SHADOW_NONE, 0, at + i))
            else:
                if capture:
                    shadows.append(i)
                rows.append((self._start_of(symbol), -1, target, min(rest, L.FAR), L.SHADOW_NONE, 0, at + i))
        array = np.array(rows, dtype=np.int32).reshape(len(rows), L.E_COLS)
        q = self.store.arrays.q
        solid = not any(q[row[0], L.Q_ACCEPT] for row in rows if row[0] >= 0)
        return _Rows(array, shadows, calls, captures, solid)

    def _outlined(self, edges: Sequence[Edge]) -> _Rows:
        """The same of an outline, in which all but the end of the rule depends on the text."""
        rows, _, calls, _, solid = self._rows(edges)
        rows[:, L.E_SHADOW] = L.SHADOW_NONE
        rows[rows[:, L.E_TARGET] != L.TARGET_END, L.E_TARGET] = L.TARGET_UNSURE
        return _Rows(rows, [], calls, False, solid)

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

    def edge(self, edge: int) -> tuple[int, Edge]:
        """The node of an edge, and what the network says of it."""
        row = self.arrays.edges[edge]
        return int(row[L.E_NODE]), self._contents[row[L.E_CONTENT]]

    def _resolve(self, edge: int) -> None:
        node, content = self.edge(edge)
        key = self._keys[node]
        if not content.capture:
            target = self._node(self.network.follow(key, content.label))
        else:
            # what is sure of it before its text is known
            known = self._asked("blurred", key, content.label)
            outline = None if known is not None else self._asked("outline", key, content.label)
            if outline is not None:
                known = _Outline(outline)
            target = L.TARGET_UNSURE if known is None else self._node(known)
        self.arrays.edges[edge, L.E_TARGET] = target
        if target >= 0:
            self._expand(target)

    def _asked(self, method: str, key: Hashable, label: Hashable) -> Hashable | None:
        """What a method says of an edge that captures, if the network has it."""
        found = getattr(self.network, method, None)
        return None if found is None else found(key, label)

    def _resolve_text(self, edge: int, tape: int, offset: int) -> None:
        node, content = self.edge(edge)
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
        self.handle = cpu.handle(self.arrays)

    def _make_row_room(self) -> None:
        m = self.arrays
        if m.rows.nbytes * 2 > self.limits.max_mask_bytes and m.rows.shape[0] >= 8:
            m.configs[:, L.K_ROW] = -1
            m.used[L.M_ROWS] = 0
        else:
            self._double(L.M_ROWS)
