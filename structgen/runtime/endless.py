"""All texts that go on from a state by any tokens, as one state: what a gap without bound leads to.

Receives a machine, one of its configurations and an automaton of the bytes a gap may hold. Stacks can be of any height
then, so sets of them are automata with loops. This is the saturation known from pushdown systems (post*; Bouajjani,
Esparza, Maler, CONCUR 1997): inside the gap a call of a node pushes onto *one* cell for that node, whoever calls it
and however deep, and where the node's rule ends, all its callers go on, those found later too. The cells that come of
it are marked C_LOOPS; all else in the machine works with them as with others, but their union, which is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from structgen import automata
from structgen.errors import LimitError, UnsupportedError
from structgen.kernels.machine import layout as L
from structgen.kernels.machine.unite import intern_items, reach, restricted
from structgen.masks.vocabulary import Vocabulary

if TYPE_CHECKING:
    from structgen.runtime.machine import Machine

#: A state with more items is not made.
MOST_ITEMS = 1_000_000

#: A node under a ban, and where the gap's automaton stands.
Place = tuple[int, int, int]


class Endless:
    """The gap closures of one machine.

    Args:
        machine: the machine.
        delta: int32[n, 256]; a deterministic automaton over bytes, -1 dead; state 0 is the start.
        accept: bool[n]; where a token may end.
    """

    def __init__(self, machine: Machine, delta: NDArray[np.int32], accept: NDArray[np.bool_]) -> None:
        self._machine = machine
        self._delta = np.ascontiguousarray(delta, dtype=np.int32)
        self._accept = accept
        self._reached: dict[tuple[int, int], NDArray[np.int32]] = {}
        self._known: dict[int, int] = {}

    def after(self, state: int) -> int:
        """The configuration of all texts that go on from ``state`` by any word of the automaton, none included.

        Raises:
            UnsupportedError: a text in the gap would have to be remembered.
            LimitError: too many items, or a limit of the machine.
        """
        known = self._known.get(state)
        if known is None:
            known = _Closure(self, self._machine, state).state
            self._known[state] = self._known[known] = known
        return known

    def reached(self, q: int, at: int) -> NDArray[np.int32]:
        """int32[*, 2]: the pairs of terminal state and gap state after one byte or more."""
        if (q, at) not in self._reached:
            store = self._machine.store
            done, found = reach(store.arrays, q, at, self._delta)
            while not done:
                store.grow(L.T_Q)
                done, found = reach(store.arrays, q, at, self._delta)
            self._reached[q, at] = found
        return self._reached[q, at]

    @property
    def accepting(self) -> NDArray[np.bool_]:
        return self._accept


class _Closure:
    """The saturation from one configuration."""

    def __init__(self, owner: Endless, machine: Machine, state: int) -> None:
        self._owner = owner
        self._machine = machine
        self._items: list[NDArray[np.int32]] = []
        self._seen: set[tuple[int, ...]] = set()
        self._cells: dict[Place, int] = {}
        # of the cells of the gap: their frames, and where their rule has ended
        self._frames: dict[int, set[tuple[int, int]]] = {}
        self._ended: dict[int, set[tuple[int, int]]] = {}
        self._todo: list[tuple[int, ...]] = []
        self._count = 0
        m = machine.arrays
        self._accept = bool(m.configs[state, L.K_ACCEPT])
        first, n = int(m.configs[state, L.K_FIRST]), int(m.configs[state, L.K_N])
        start = m.items[first : first + n].copy()
        self._items.append(start)
        for q, edge, cell in start.tolist():
            if m.cells[cell, L.C_TAPE] > 0:
                self._refuse()
            self._terminal(q, edge, cell, 0)
        while self._todo:
            kind, *where = self._todo.pop()
            (self._node, self._follow, self._pop)[kind](*where)
        same = self._alike()
        self._write(same)
        found = np.concatenate(self._items)
        # the cell that stands for each
        stands = np.arange(machine.arrays.cells.shape[0], dtype=np.int32)
        stands[list(same)] = list(same.values())
        found[:, 2] = stands[found[:, 2]]
        items = self._united(np.unique(found, axis=0))
        self.state = machine.run(intern_items, items.astype(np.int32), int(self._accept))

    def _refuse(self) -> None:
        raise UnsupportedError(
            "a gap without bound can hold texts that have to be remembered (names or items that must not repeat, "
            "indentation)",
            hint="Give the gap a number of tokens; close objects (additionalProperties: false), leave out uniqueItems",
        )

    def _push(self, *work: int) -> None:
        if work not in self._seen:
            self._seen.add(work)
            self._todo.append(work)

    # ------------------------------------------------------------ what can be met: 0 a node, 1 an end, 2 a return

    def _node(self, node: int, cell: int, ban: int, at: int) -> None:
        machine = self._machine
        if machine.arrays.nodes[node, L.N_READY] == 0:
            machine.expand(node)
        m = machine.arrays
        if m.nodes[node, L.N_ACCEPT] == 1:
            self._push(2, cell, ban, at)
        first, n = int(m.nodes[node, L.N_EDGE]), int(m.nodes[node, L.N_EDGES])
        for edge, (q0, call, target, _, shadow, *_) in enumerate(m.edges[first : first + n].tolist(), first):
            if shadow != L.SHADOW_NONE:
                self._refuse()
            if q0 >= 0:
                q = self._restricted(q0, ban)
                self._terminal(q, edge, cell, at, count=True)
                accept = int(machine.store.arrays.q[q, L.Q_ACCEPT])
                if accept > 0:
                    self._push(1, edge, cell, accept - 1, at)
            elif target == L.TARGET_END:
                self._push(0, call, cell, ban, at)
            else:
                callee = self._cell((call, ban, at))
                if (edge, cell) not in self._frames[callee]:
                    self._frames[callee].add((edge, cell))
                    for ended in self._ended[callee]:
                        self._push(1, edge, cell, *ended)
                self._push(0, call, callee, ban, at)

    def _follow(self, edge: int, cell: int, ban: int, at: int) -> None:
        machine = self._machine
        target = machine.target(edge)
        if target == L.TARGET_UNSURE:
            self._refuse()
        self._push(*((2, cell) if target == L.TARGET_END else (0, target, cell)), ban, at)

    def _pop(self, cell: int, ban: int, at: int) -> None:
        m = self._machine.arrays
        if cell in self._frames:
            self._ended[cell].add((ban, at))
            frames = list(self._frames[cell])
        else:
            first, n = int(m.cells[cell, L.C_FIRST]), int(m.cells[cell, L.C_N])
            if (m.frames[first : first + n, L.F_OFFSET] >= 0).any():
                self._refuse()
            frames = [(e, parent) for e, parent, _ in m.frames[first : first + n].tolist()]
        for edge, parent in frames:
            if edge >= 0:
                self._push(1, edge, parent, ban, at)
            elif self._owner.accepting[at]:
                self._accept = True

    def _terminal(self, q: int, edge: int, cell: int, at: int, count: bool = False) -> None:
        """A terminal in flight (``count``: about to begin): all that it can be after more bytes, and its ends."""
        arrays = self._machine.store.arrays
        if count and self._owner.accepting[at] and arrays.q[q, L.Q_NIV] > 0:
            self._items.append(np.array([[q, edge, cell]], dtype=np.int32))
        pairs = self._owner.reached(q, at)
        arrays = self._machine.store.arrays
        states = pairs[:, 0]
        keep = pairs[self._owner.accepting[pairs[:, 1]] & (arrays.q[states, L.Q_NIV] > 0), 0]
        found = np.empty((len(keep), 3), dtype=np.int32)
        found[:, 0], found[:, 1], found[:, 2] = keep, edge, cell
        self._items.append(found)
        self._count += len(found)
        if self._count > MOST_ITEMS:
            raise LimitError(
                f"a gap without bound needs more than {MOST_ITEMS} items", hint="Give the gap a number of tokens"
            )
        accept = arrays.q[states, L.Q_ACCEPT]
        for ban, then in {(int(accept[i]) - 1, int(pairs[i, 1])) for i in np.flatnonzero(accept > 0)}:
            self._push(1, edge, cell, ban, then)

    # ------------------------------------------------------------ numbers of the machine

    def _restricted(self, q0: int, ban: int) -> int:
        if ban == 0:
            return q0
        store = self._machine.store
        found = int(restricted(store.arrays, q0, ban))
        if found < 0:
            store.restrict(q0, ban)
            found = int(restricted(store.arrays, q0, ban))
        return found

    def _cell(self, place: Place) -> int:
        cell = self._cells.get(place)
        if cell is None:
            cell = self._cells[place] = self._machine.reserve_cell()
            self._frames[cell] = set()
            self._ended[cell] = set()
        return cell

    def _united(self, items: NDArray[np.int32]) -> NDArray[np.int32]:
        """One cell for each state and edge: united at once, not one after the other, which would make many between."""
        if len(items) == 0:
            return items
        new = np.ones(len(items), dtype=np.bool_)
        new[1:] = (items[1:, :2] != items[:-1, :2]).any(axis=1)
        first = np.flatnonzero(new)
        result = items[first]
        for i, (begin, end) in enumerate(zip(first.tolist(), [*first[1:].tolist(), len(items)], strict=True)):
            if end - begin > 1:
                result[i, 2] = unite_loops(self._machine, items[begin:end, 2].tolist())
        return result

    def _alike(self) -> dict[int, int]:
        """For each cell of the gap the one that stands for all with the same stacks, found by refining a partition.

        A node under different bans is called from the same places, or nearly, so there are few different ones. Cells
        are alike when their frames are, and these when their edges are the same and their parents alike.
        """
        blocks = dict.fromkeys(self._frames, 0)
        n = 1
        while True:
            names: dict[tuple[int, frozenset[tuple[int, int, int]]], int] = {}
            refined = {}
            for cell, frames in self._frames.items():
                # a parent outside of the gap is its own block
                above = frozenset((e, p if p not in blocks else -1, blocks.get(p, -1)) for e, p in frames)
                refined[cell] = names.setdefault((blocks[cell], above), len(names))
            blocks = refined
            if len(names) == n:
                break
            n = len(names)
        first: dict[int, int] = {}
        return {cell: first.setdefault(block, cell) for cell, block in blocks.items()}

    def _write(self, same: dict[int, int]) -> None:
        """Put the frames of the gap's cells where the kernels look for them."""
        machine = self._machine
        written = {}
        for cell in set(same.values()):
            written[cell] = sorted({(edge, same.get(parent, parent)) for edge, parent in self._frames[cell]})
            machine.write_cell(cell, [(edge, parent, -1) for edge, parent in written[cell]])
        # the least way out of each, parents of parents and so on
        m = machine.arrays
        changed = True
        while changed:
            changed = False
            for cell, frames in written.items():
                least = min(
                    (min(L.FAR, int(m.edges[e, L.E_REST]) + int(m.cells[p, L.C_LEAST])) for e, p in frames),
                    default=L.FAR,
                )
                if least < m.cells[cell, L.C_LEAST]:
                    m.cells[cell, L.C_LEAST] = least
                    changed = True


def unite_loops(machine: Machine, cells: list[int]) -> int:
    """The cell of all stacks of several cells, some of which may be of any height: determinised as automata are.

    A union is named by the cells that it is made of, and made before its parents, which may be itself.
    """
    names = machine.unions

    def members(cell: int) -> frozenset[int]:
        return machine.members.get(cell, frozenset((cell,)))

    todo: list[frozenset[int]] = []

    def named(name: frozenset[int]) -> int:
        if len(name) == 1:
            return next(iter(name))
        if name not in names:
            names[name] = cell = machine.reserve_cell()
            machine.members[cell] = name
            todo.append(name)
        return names[name]

    result = named(frozenset().union(*map(members, cells)))
    while todo:
        name = todo.pop()
        parents: dict[tuple[int, int], frozenset[int]] = {}
        for cell in name:
            m = machine.arrays
            first, n = int(m.cells[cell, L.C_FIRST]), int(m.cells[cell, L.C_N])
            for edge, parent, offset in m.frames[first : first + n].tolist():
                parents[edge, offset] = parents.get((edge, offset), frozenset()) | (
                    members(parent) if edge >= 0 else frozenset((-1,))
                )
        frames = []
        for (edge, offset), above in sorted(parents.items()):
            frames.append((edge, named(above) if edge >= 0 else -1, offset))
        m = machine.arrays
        cell = names[name]
        m.cells[cell, L.C_LEAST] = min(int(m.cells[each, L.C_LEAST]) for each in name)
        m.cells[cell, L.C_OPEN] = max(int(m.cells[each, L.C_OPEN]) for each in name)
        machine.write_cell(cell, frames)
    return result


def spellable(vocab: Vocabulary, max_states: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The bytes that sequences of tokens can have: an automaton, as :class:`Endless` takes it.

    Raises:
        LimitError: it has more than ``max_states`` states.
    """
    tokens = {text for text in vocab.tokens if text}
    values = {byte for text in tokens for byte in text}
    if all(vocab.byte_token[byte] >= 0 for byte in values):
        delta = np.full((1, 256), -1, dtype=np.int32)
        delta[0, list(values)] = 0
        return delta, np.ones(1, dtype=np.bool_)
    words = automata.literals(tokens, max_states=max_states)
    dfa = automata.repeat(words, 0, None, max_states=max_states)
    classes = np.repeat(dfa.classes, np.diff([*dfa.starts.tolist(), 256]))
    return np.ascontiguousarray(dfa.delta[:, classes], dtype=np.int32), dfa.accept
