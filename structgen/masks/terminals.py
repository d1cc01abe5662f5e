"""Terminals over a vocabulary: receives byte automata, returns terminal states and their mask rows.

One :class:`TerminalStore` for each vocabulary, shared by all its grammars: equal automata get the same states,
and what a state allows over the whole vocabulary is worked out once, when it is first needed.

For a terminal state q the vocabulary's trie is walked once. The *inner row* holds the tokens that stay inside
the terminal. Where the terminal may end inside a token, the trie nodes that come next are noted; the set of these is a
*remainder*, which the machine walks with what comes after.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from structgen import bits
from structgen.automata.bytedfa import TICK, ByteDfa
from structgen.automata.spelt import Spelt, Without
from structgen.errors import LimitError
from structgen.kernels.machine import cpu
from structgen.kernels.machine import layout as L
from structgen.kernels.trie import below, classes_within
from structgen.masks.bans import Bans, Restricted, restricted
from structgen.masks.finished import Blocks
from structgen.masks.vocabulary import Vocabulary

#: A state with more intervals than this gets a table row of 1 KB; the rest are searched.
SPARSE_STATE = 3
#: One automaton makes so many table rows at most; where it has more such states, wider ones are searched too.
MOST_DENSE = 16_384
#: Of automata with more states than this, states are brought in as they are reached.
LARGE = 4_096
#: Room that is made for such states at once: the most ways that lead out of one.
_WAYS = 256

#: Under this name an automaton keeps a store's mark and its start state there.
_NOTED = "_start_in_store"

_NO_BANS: Mapping[int, ByteDfa] = {}


class _Profile(NamedTuple):
    """What the rows of a counted state are made of, whatever its bounds. Groups are by iterations begun."""

    rows: np.ndarray  # int32[K, W]: row k: tokens that stay in the loop and begin at most k iterations
    leaving: np.ndarray  # int32[*]: tokens that leave the loop
    leaving_first: np.ndarray  # int32[groups + 1]
    nodes: np.ndarray  # int32[*]: trie nodes where the terminal may end inside a token
    nodes_first: np.ndarray  # int32[groups + 1]
    farthest: int  # greatest distance after a token, counts left out
    roots: dict[tuple[int, int], int]  # remainder roots by (owed, left), clamped


class TerminalStore:
    """The terminal states of one vocabulary. All methods want ``lock`` held."""

    def __init__(self, vocabulary: Vocabulary, max_bytes: int) -> None:
        trie = vocabulary.trie
        self.width = bits.words(vocabulary.size)
        self.longest = max(1, trie.max_depth)
        self.lock = threading.RLock()
        #: Raised by one whenever the arrays are replaced; machines then take the new ones.
        self.version = 0
        self.max_bytes = max_bytes
        #: Memory for the finished masks of its grammars.
        self.blocks = Blocks(self.width)
        #: The bytes of the tokens that have been asked for, uint8[*] by id.
        self.texts: dict[int, np.ndarray] = {}
        #: Have rows been dropped since a mask was begun? They are dropped once for a mask, which may need many at once.
        self.dropped = False
        #: Can the bytes of every witness be written one by one, with the terminals seen so far?
        self.spellable = True
        # the least byte from each byte on that is a token by itself; 256: none
        missing = np.zeros(257, dtype=np.bool_)
        missing[list(vocabulary.missing_bytes)] = True
        own = np.where(missing, 256, np.arange(257))
        self._following = np.minimum.accumulate(own[::-1])[::-1].astype(np.int32)
        nothing, no_bytes = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.uint8)
        #: Is every byte a token by itself?
        self._all_bytes = not vocabulary.missing_bytes
        #: Is every byte that UTF-8 uses a token by itself? Then every text can be written.
        self.spells_all = all(byte in (0xC0, 0xC1) or byte >= 0xF5 for byte in vocabulary.missing_bytes)
        self._starts: dict[bytes, int] = {}
        #: Those of automata that differ from others by a word: by kind, start of the other, and word.
        self._by_words: dict[tuple[type, int, bytes], int] = {}
        #: Stands for this store where automata note the start state that they have in it.
        self._own = object()
        self._path = np.zeros(256, dtype=np.int32)
        self._profiles: dict[int, _Profile] = {}
        self._size = vocabulary.size
        sets, which = below(trie.byte, trie.end, trie.depth)
        nodes = np.zeros((trie.n_nodes, 4), dtype=np.int32)
        nodes[:, 0] = trie.byte
        nodes[:, 1] = trie.end
        nodes[:, 2] = trie.depth
        nodes[:, 3] = which
        self.bans = Bans()
        self._restricted: dict[tuple[int, int], int] = {}
        # memory that is not written to costs nothing, to move it costs milliseconds
        self.arrays = L.Terminals(
            used=np.zeros(16, dtype=np.int64),
            q=np.zeros((2048, L.Q_COLS), dtype=np.int32),
            qbytes=np.zeros((2048, 4), dtype=np.uint64),
            loops=np.zeros(2048, dtype=np.uint64),
            qhash=np.zeros(4096, dtype=np.int32),
            statehash=np.zeros(4096, dtype=np.int32),
            iv=np.zeros((8192, 5), dtype=np.int32),
            dense=np.zeros((512, 256), dtype=np.int32),
            rows=np.zeros((max(16, min(32768, max_bytes // (16 * self.width))), self.width), dtype=np.int32),
            sparse=np.zeros((2048, 2), dtype=np.int32),
            sparselist=np.zeros(4096 + 64 * max(8, self.width), dtype=np.int32),
            rest=np.zeros((2048, L.R_COLS), dtype=np.int32),
            restbytes=np.zeros((2048, 4), dtype=np.uint64),
            restlist=np.zeros(4096 + 32 * trie.n_nodes, dtype=np.int32),
            restnext=np.zeros((8192, 2), dtype=np.int64),
            trie=nodes,
            bytes=np.ascontiguousarray(trie.byte),
            trietok=np.ascontiguousarray(trie.token_first, dtype=np.int32),
            tokens=np.ascontiguousarray(trie.tokens, dtype=np.int32),
            below=sets,
            eos=np.array(vocabulary.eos_token_ids, dtype=np.int32),
            pairs=np.zeros((2048, 3), dtype=np.int32),
            banned=np.zeros((16, 5), dtype=np.uint64),
            # a row is kept as a list of ids while that is smaller than its bits
            ids=np.zeros(max(8, self.width), dtype=np.int32),
            path=np.zeros((self.longest + 1, 3), dtype=np.int32),
            found=np.zeros(max(1, trie.n_nodes), dtype=np.int32),
            others=np.zeros(max(1, trie.n_nodes), dtype=np.int32),
            following=self._following,
            largefirst=np.zeros(1, dtype=np.int32),
            largelo=no_bytes,
            largehi=no_bytes,
            largeto=nothing,
            largeaccept=no_bytes,
            largedistance=nothing,
            largeat=nothing,
        )
        #: The arrays as kernels take them.
        self.handle = cpu.handle(self.arrays)
        # the state NOTHING
        row = self.arrays.q[L.NOTHING]
        row[[L.Q_DENSE, L.Q_INNER, L.Q_REST]] = -1
        row[L.Q_LEFT] = L.INF
        self.arrays.used[L.T_Q] = 1
        self._note_bans()

    def start(self, dfa: ByteDfa, bans: Mapping[int, ByteDfa] = _NO_BANS) -> int:
        """The start state of an automaton with bans for some of its ends, its states added if they are new."""
        if bans:
            return self._start(dfa, bans)
        state = self._noted(dfa)
        if state is None:
            state = self._start(dfa, bans)
            dfa.__dict__[_NOTED] = self._own, state
        return state

    def _noted(self, dfa: ByteDfa) -> int | None:
        """The start of an automaton without bans that this store was the last to be asked for."""
        own, state = dfa.__dict__.get(_NOTED, (None, None))
        return state if own is self._own else None

    def _start(self, dfa: ByteDfa, bans: Mapping[int, ByteDfa]) -> int:
        spelt = self._by_word(dfa) if not bans and self._all_bytes else None
        if spelt is not None:
            return spelt
        numbers = {state: self.bans.number(ban) for state, ban in bans.items()}
        self._note_bans()
        name = dfa.digest + repr(sorted(numbers.items())).encode() if numbers else dfa.digest
        known = self._starts.get(name)
        if known is not None:
            return known
        if dfa.n_states > LARGE and not bans and dfa.counter is None:
            state = self._starts[name] = self._large(dfa)
            return state
        base = self._base(dfa, name, numbers)
        state = base
        if dfa.counter is not None:
            left = L.INF if dfa.counter.hi is None or dfa.counter.hi >= L.INF else dfa.counter.hi
            if dfa.counter.lo >= L.FAR:
                raise LimitError(f"a repetition of at least {dfa.counter.lo} is beyond what can be counted ({L.FAR})")
            while (state := int(cpu.counted_state(self.handle, base, dfa.counter.lo, left))) < 0:
                self.grow(L.T_Q)
        self._starts[name] = state
        return state

    def _by_word(self, dfa: ByteDfa) -> int | None:
        """The start of an automaton that differs from another by a word, if it can be had without its arrays."""
        if isinstance(dfa, Spelt):
            word, state = dfa.word, self.start(dfa.then)
        elif isinstance(dfa, Without):
            # those on the way down to one that is known, without recursion
            chain = [dfa]
            while isinstance(base := chain[-1].base, Without) and self._noted(base) is None:
                chain.append(base)
            for each in reversed(chain[1:]):
                self.start(each)
            word, state = dfa.word, self.start(dfa.base)
        else:
            return None
        known = self._by_words.get((type(dfa), state, word))
        if known is not None:
            return known
        data = np.frombuffer(bytearray(word), dtype=np.uint8)
        path = self._path if len(word) < len(self._path) else np.zeros(2 * len(word) + 1, dtype=np.int32)
        while True:
            if isinstance(dfa, Spelt):
                found = int(cpu.add_word(self.handle, data, state, self._following, SPARSE_STATE + 1))
            else:
                found = int(cpu.drop_word(self.handle, state, data, self._following, SPARSE_STATE + 1, path))
            if found >= 0:
                self._by_words[type(dfa), state, word] = found
                return found
            if found in (cpu.NOT_PLAIN, cpu.NOTHING_LEFT):
                return None
            self.grow(cpu.FULL - found)

    def restrict(self, state: int, ban: int) -> None:
        """Work out what a ban leaves of a terminal at a state (asked for by closures)."""
        start = self._restricted.get((state, ban))
        if start is None:
            start = self._restricted[state, ban] = self._add_restricted(restricted(self, state, ban))
            self._note_bans()
        while 2 * self.arrays.used[L.T_RESTNEXT] >= len(self.arrays.restnext):
            self.grow(L.T_RESTNEXT)
        cpu.table_put(self.arrays.restnext, L.KEY_BANNED + (state << 32 | ban), start)
        self.arrays.used[L.T_RESTNEXT] += 1

    def _note_bans(self) -> None:
        """Have the bytes that each ban forbids at once in the arrays."""
        first = int(self.arrays.used[L.T_BANNED])
        if first == len(self.bans):
            return
        self.reserve(L.T_BANNED, len(self.bans) - first)
        for number in range(first, len(self.bans)):
            forbidden = self.bans.forbidden(number)
            self.arrays.banned[number, :4] = np.packbits(forbidden, bitorder="little").view(np.uint64)
            self.arrays.banned[number, 4] = classes_within(forbidden)
        self.arrays.used[L.T_BANNED] = len(self.bans)

    def _add_restricted(self, part: Restricted | None) -> int:
        if part is None:
            return L.NOTHING
        searched = self._room(np.diff(part.first))
        pick = self._pick(part.lo, part.hi)
        self._note_spelling(pick, part.first, part.to, part.distance, -1)
        mapping = part.known.copy()
        cpu.share(
            self.handle, part.first, part.lo, part.hi, part.to, np.zeros(len(part.to), dtype=np.uint8), pick,
            part.accept, part.distance, part.iters, searched + 1, mapping,
        )  # fmt: skip
        return int(mapping[0])

    def _room(self, degree: np.ndarray) -> int:
        """Room for states with so many intervals. Returns how many intervals of a state are searched."""
        searched = SPARSE_STATE
        while (dense := int(np.count_nonzero(degree > searched))) > MOST_DENSE:
            searched *= 2
        self.reserve(L.T_Q, len(degree))
        self.reserve(L.T_IV, int(degree.sum()))
        self.reserve(L.T_DENSE, dense)
        while 2 * (int(self.arrays.used[L.T_Q]) + len(degree)) >= len(self.arrays.statehash):
            self.grow(L.T_Q)
        return searched

    def _base(self, dfa: ByteDfa, name: bytes, bans: Mapping[int, int]) -> int:
        """Add the states of an automaton without its count; equal ones with other counts share them."""
        key = b"base" + (name if dfa.counter is None else _uncounted_digest(dfa))
        known = self._starts.get(key)
        if known is not None:
            return known
        n, m = dfa.n_states, len(dfa.to)
        degree = dfa.first[1:] - dfa.first[:-1]
        searched = self._room(degree)
        accept = dfa.accept.astype(np.int32)
        distance = dfa.distance
        if bans:
            accept[list(bans)] += np.fromiter(bans.values(), dtype=np.int32)
            distance = np.minimum(dfa.distance_to(accept == 1), L.FAR).astype(np.int32)
        mark = np.zeros(m, dtype=np.uint8) if dfa.counter is None else dfa.counter.mark
        iters = np.zeros(n, dtype=np.int32)
        if dfa.counter is not None:
            iters[dfa.before_exit] = dfa.iteration
        pick = self._pick(dfa.lo, dfa.hi)
        if not self._all_bytes:
            longer = np.where(mark == TICK, np.repeat(iters, degree), 0)
            self._note_spelling(pick, dfa.first, dfa.to, distance, longer - 1)
        mapping = np.full(n, -1, dtype=np.int32)
        cpu.share(
            self.handle, dfa.first, dfa.lo, dfa.hi, dfa.to, mark, pick, accept, distance, iters,
            searched + 1, mapping,
        )  # fmt: skip
        base = int(mapping[0])
        self._starts[key] = base
        return base

    def _large(self, dfa: ByteDfa) -> int:
        """Keep an automaton as it is, for its states to be brought in as they are reached. Its start."""
        t = self.arrays
        n, m = len(t.largeat), len(t.largeto)
        if not self._all_bytes:
            for a in range(0, dfa.n_states, LARGE):  # in pieces: the whole would take as much memory again
                first = dfa.first[a : a + LARGE + 1]
                edges = slice(int(first[0]), int(first[-1]))
                pick = self._pick(dfa.lo[edges], dfa.hi[edges])
                self._note_spelling(pick, first, dfa.to[edges], dfa.distance, -1, a)
        came = {
            "largefirst": dfa.first if n == 0 else np.concatenate([t.largefirst, dfa.first[1:] + np.int32(m)]),
            "largelo": _joined(t.largelo, dfa.lo),
            "largehi": _joined(t.largehi, dfa.hi),
            "largeto": _joined(t.largeto, dfa.to, n),
            "largeaccept": _joined(t.largeaccept, dfa.accept.view(np.uint8)),
            "largedistance": _joined(t.largedistance, dfa.distance),
            "largeat": _joined(t.largeat, np.zeros(dfa.n_states, dtype=np.int32)),
        }
        self.reserve(L.T_Q, _WAYS)
        self.reserve(L.T_IV, _WAYS)
        self.reserve(L.T_DENSE, _WAYS)
        self._replace(came)
        return int(cpu.enter(self.handle, n))

    def _note_spelling(
        self, pick: np.ndarray, first: np.ndarray, to: np.ndarray, distance: np.ndarray, length: Any, begin: int = 0
    ) -> None:
        """Note whether a byte that is no token by itself stands on the way of a witness.

        ``length``: what an edge adds to the distance of its source, where it is on a shortest way; ``begin``: the
        state that ``first`` begins with.
        """
        if self.spellable and (pick >= 256).any():
            source = np.repeat(np.arange(begin, begin + len(first) - 1), np.diff(first))
            shortest = distance[to] == distance[source] + length
            self.spellable = not (shortest & (pick >= 256)).any()

    def _pick(self, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
        """int32[m]: for each interval the least byte that is a token by itself, else 256 + its least byte."""
        if self._all_bytes:
            return lo.astype(np.int32)
        following = self._following[lo]
        return np.where(following <= hi, following, lo.astype(np.int32) + 256).astype(np.int32)

    def build_row(self, q: int) -> None:
        """Make the inner row and the remainder root of a state (asked for by the mask kernel)."""
        t = self.arrays
        base = int(t.q[q, L.Q_BASE])
        if base != q and t.q[base, L.Q_ITER] > 0:
            self._build_counted_row(q, base)
            return
        while (r := int(cpu.make_row(self.handle, q))) < 0:
            self.grow(-1 - r)

    def _build_counted_row(self, q: int, base: int) -> None:
        profile = self._profiles.get(base)
        if profile is None:
            profile = self._profiles[base] = self._profile(base)
        while self.arrays.used[L.T_ROWS] >= self.arrays.rows.shape[0]:
            self.grow(L.T_ROWS)
            if base not in self._profiles:  # rows were dropped, remainders with them
                profile = self._profiles[base] = profile._replace(roots={})
        cpu.counted_row(self.handle, q, profile.rows, profile.leaving, profile.leaving_first, profile.farthest)
        # all bounds that let the same nodes through share a remainder
        most = len(profile.nodes_first) - 2
        need, left = (int(x) for x in self.arrays.q[q, [L.Q_NEED, L.Q_LEFT]])
        key = (min(need, most + 1), min(left, most))
        if key not in profile.roots:
            while (root := int(cpu.counted_rest(self.handle, profile.nodes, profile.nodes_first, *key))) < -1:
                self.grow(-2 - root)
            profile.roots[key] = root
        self.arrays.q[q, L.Q_REST] = profile.roots[key]

    def _profile(self, base: int) -> _Profile:
        """Walk the trie once for all counts of a state."""
        size = self._size
        ticks = np.full(size, -1, dtype=np.int16)
        found_ticks = np.zeros(len(self.arrays.found), dtype=np.int16)
        result = np.zeros(2, dtype=np.int64)
        cpu.count_ticks(self.handle, base, ticks, found_ticks, result)
        n_found = int(result[0])
        staying = np.flatnonzero((ticks >= 0) & (ticks & 1 == 0))
        leaving = np.flatnonzero((ticks >= 0) & (ticks & 1 == 1))
        tokens, first = _grouped(staying, ticks[staying] >> 1)
        rows = np.zeros((len(first) - 1, self.width), dtype=np.int32)
        cpu.stack_rows(tokens, first, rows)
        leaving, leaving_first = _grouped(leaving, ticks[leaving] >> 1)
        nodes, nodes_first = _grouped(self.arrays.found[:n_found], found_ticks[:n_found])
        return _Profile(rows, leaving, leaving_first, nodes, nodes_first, int(result[1]), {})

    def grow(self, arena: int) -> None:
        """Make room in one arena; drops the finished rows instead when those have outgrown the budget."""
        if arena == L.T_ROWS and self.arrays.rows.nbytes * 2 > self.max_bytes and not self.dropped:
            self._drop_rows()
            return
        if arena == L.T_Q and len(self.arrays.largeat) > 0:  # states are brought in with their edges
            short = int(self.arrays.used[L.T_IV]) + _WAYS > len(self.arrays.iv)
            self.reserve(L.T_IV, _WAYS)
            if short:
                return
        self._resize(arena, 2 * getattr(self.arrays, L.TERMINAL_ARENAS[arena][0]).shape[0])

    def reserve(self, arena: int, extra: int) -> None:
        """Room for ``extra`` more rows in an arena."""
        have = getattr(self.arrays, L.TERMINAL_ARENAS[arena][0]).shape[0]
        need = int(self.arrays.used[arena]) + extra
        if need > have:
            self._resize(arena, max(2 * have, need))

    def _resize(self, arena: int, size: int) -> None:
        new: dict[str, np.ndarray] = {}
        for name in L.TERMINAL_ARENAS[arena]:
            old = getattr(self.arrays, name)
            if name == "restnext":
                new[name] = np.zeros((old.shape[0] * 2, 2), dtype=np.int64)
                cpu.table_rehash(old, new[name])
            elif name == "qhash":
                new[name] = np.zeros(_power_of_two(2 * size), dtype=np.int32)
                cpu.counted_rehash(self.handle, new[name])
            elif name == "statehash":
                new[name] = np.zeros(_power_of_two(2 * size), dtype=np.int32)
                cpu.share_rehash(self.handle, new[name])
            else:
                new[name] = resized(old, size)
        self._replace(new)

    def _replace(self, new: dict[str, np.ndarray]) -> None:
        self.arrays = self.arrays._replace(**new)
        self.handle = cpu.renewed(self.handle, self.arrays, new)
        self.version += 1

    def _drop_rows(self) -> None:
        t = self.arrays
        used = int(t.used[L.T_Q])
        t.q[:used, L.Q_INNER] = -1
        t.q[:used, L.Q_REST] = -1
        for arena in (L.T_ROWS, L.T_SPARSE, L.T_SPARSELIST, L.T_REST, L.T_RESTLIST, L.T_RESTNEXT, L.T_PAIRS):
            t.used[arena] = 0
        t.restnext[:] = 0
        t.used[L.T_EPOCH] += 1
        self.dropped = True
        self._profiles.clear()

    @property
    def nbytes(self) -> int:
        """Bytes held by all arrays."""
        return sum(array.nbytes for array in self.arrays)


def _grouped(values: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``values`` sorted by their group, and where each group begins; at least one group."""
    order = np.argsort(groups, kind="stable")
    n = int(groups.max()) + 1 if len(groups) else 1
    first = np.searchsorted(groups[order], np.arange(n + 1)).astype(np.int32)
    return np.ascontiguousarray(values[order], dtype=np.int32), first


def resized(old: np.ndarray, size: int) -> np.ndarray:
    """A copy with more rows, the new ones zero."""
    new = np.zeros((size, *old.shape[1:]), dtype=old.dtype)
    new[: old.shape[0]] = old
    return new


def _joined(old: np.ndarray, more: np.ndarray, shift: int = 0) -> np.ndarray:
    """Two arrays, one after the other, ``shift`` added to what comes; without a copy if it comes first."""
    if len(old) > 0:
        return np.concatenate([old, more + old.dtype.type(shift)])
    return np.require(more, requirements=["C", "W"])


def _power_of_two(n: int) -> int:
    return 1 << max(4, (n - 1).bit_length())


def _uncounted_digest(dfa: ByteDfa) -> bytes:
    assert dfa.counter is not None
    return ByteDfa(dfa.first, dfa.lo, dfa.hi, dfa.to, dfa.accept).digest + dfa.counter.mark.tobytes()


_stores: weakref.WeakValueDictionary[bytes, TerminalStore] = weakref.WeakValueDictionary()
_stores_lock = threading.Lock()


def store_of(vocabulary: Vocabulary, max_bytes: int) -> TerminalStore:
    """The store of a vocabulary: one for all vocabularies of equal content, kept while any of them lives."""
    with _stores_lock:
        store = _stores.get(vocabulary.digest)
        if store is None:
            store = _stores[vocabulary.digest] = TerminalStore(vocabulary, max_bytes)
        vocabulary.__dict__["_store"] = store  # ties the store's life to the vocabulary's
        store.max_bytes = max(store.max_bytes, max_bytes)
        return store
