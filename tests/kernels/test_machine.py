"""Rows of terminal states and masks, compiled or as plain Python, against the references beside the kernels."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from structgen import automata, bits
from structgen.automata.bytedfa import EXIT, TICK, ByteDfa, Counter, from_edges
from structgen.frontends.regex import to_dfa
from structgen.ir.combine import from_terminal
from structgen.ir.network import Terminal
from structgen.kernels.machine import cpu, naive
from structgen.kernels.machine import layout as L
from structgen.masks.terminals import TerminalStore
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar
from tests.strategies import byte_dfas, counted_dfas, examples

TOKENS: list[bytes | None] = [
    b"a", b"b", b"c", b"ab", b"ba", b"aa", b"aab", b"abab", b"bb", b"cab", b"a", None, b"", b"bbbb", b'"', b"xa",
    b'a"', b'"a', b"\xc3", b"\xa9", b"\xc3\xa9", b'\xa9"', b"\xc3\xa9\xc3", b'ab"', b'"ab"', b'"ab",', b'",', b",",
]  # fmt: skip


def utf8(pattern: str) -> ByteDfa:
    """The automaton of a pattern over UTF-8."""
    return automata.to_bytedfa(automata.utf8(to_dfa(pattern)))


class Automaton:
    """A byte automaton with its count, as a step function over (state, count)."""

    def __init__(self, dfa: ByteDfa) -> None:
        self.dfa = dfa

    def step(self, at: Hashable, byte: int) -> Hashable | None:
        assert isinstance(at, tuple)
        state, count = at
        for i in range(int(self.dfa.first[state]), int(self.dfa.first[state + 1])):
            if self.dfa.lo[i] <= byte <= self.dfa.hi[i]:
                counter = self.dfa.counter
                if counter is not None and counter.mark[i] == TICK:
                    if counter.hi is not None and count >= counter.hi:
                        return None
                    count += 1
                if counter is not None and counter.mark[i] == EXIT and count < counter.lo:
                    return None
                return int(self.dfa.to[i]), count
        return None

    def accepts(self, at: Hashable) -> bool:
        assert isinstance(at, tuple)
        return bool(self.dfa.accept[at[0]])


def row_of(store: TerminalStore, q: int, tokens: Sequence[bytes | None]) -> tuple[set[int], set[tuple[bytes, int]]]:
    """The row of a terminal state as the reference gives it: inner ids, remainders spelled out."""
    t = store.arrays
    inner = int(t.q[q, L.Q_INNER])
    if inner >= 0:
        ids = set(bits.ids(t.rows[inner]).tolist())
    else:
        first, n = t.sparse[-2 - inner]
        ids = set(t.sparselist[first : first + n].tolist())
    remainders: set[tuple[bytes, int]] = set()
    root = int(t.q[q, L.Q_REST])
    if root >= 0:
        first, n = int(t.rest[root, L.R_FIRST]), int(t.rest[root, L.R_N])
        for node in t.restlist[first : first + n].tolist():
            depth = int(t.trie[node, 2])
            for below in range(node, int(t.trie[node, 1])):
                for token in t.tokens[t.trietok[below] : t.trietok[below + 1]].tolist():
                    text = tokens[token]
                    assert text is not None
                    remainders.add((text[depth - 1 :], token))
    assert max(ids, default=0) < len(tokens)
    return ids, remainders


@given(st.one_of(byte_dfas(), counted_dfas()), st.binary(max_size=3))
@examples(150)
def test_a_row_is_what_stepping_every_token_says(dfa: ByteDfa, before: bytes) -> None:
    vocabulary = Vocabulary(TOKENS)
    store = TerminalStore(vocabulary, 1 << 30)
    automaton = Automaton(dfa)
    q = store.start(dfa)
    at: Hashable | None = (0, 0)
    for byte in before:
        following = automaton.step(at, byte)
        reached = int(cpu.delta(store.handle, q, byte))
        assert (reached >= 0) == (following is not None)
        if following is None:
            break
        q, at = reached, following
    store.build_row(q)
    assert row_of(store, q, TOKENS) == naive.row(TOKENS, automaton.step, automaton.accepts, at)


#: Pieces of tokens: characters whole and broken, and what patterns tell apart.
PIECES = [
    b"a", b"Z", b"0", b"_", b" ", b'"', b"\\", b"\n", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xc3",
    b"\x80", b"\xe0", b"\xed\xa0\x80", b"\xff",
]  # fmt: skip
#: Automata that take long stretches of tokens in one state, or nearly so.
LOOPS = [
    utf8("[^\"\\\\]*"), utf8("[^a]*é?"), utf8("[a-zA-Z]+"), utf8("[A-Za-zé€ ]*\""), utf8("(?:[^\"\\\\\n]|\\\\.)*\""),
    utf8("[^\u20ac]*"), utf8("(?:[a0]|é)*(?:_[^ ]*)?"),
    from_edges(1, [(0, 0, 255, 0)], [0]), from_edges(1, [(0, 32, 126, 0), (0, 128, 255, 0)], [0]),
    from_edges(2, [(0, 0, 127, 0), (0, 194, 223, 1), (1, 128, 191, 0)], [0, 1]),
]  # fmt: skip


@given(
    st.sampled_from(LOOPS),
    st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map(b"".join), max_size=40),
    st.sampled_from([b"", b"a", b"\xe2", b"\xe2\x82", b"\\"]),
)
@examples(200)
def test_rows_of_states_that_loop(dfa: ByteDfa, some: list[bytes], before: bytes) -> None:
    tokens = [*dict.fromkeys([*some, *PIECES])]
    store = TerminalStore(Vocabulary(tokens), 1 << 30)
    automaton = Automaton(dfa)
    q = store.start(dfa)
    at: Hashable | None = (0, 0)
    for byte in before:
        q, at = int(cpu.delta(store.handle, q, byte)), automaton.step(at, byte)
        if at is None:
            return
    store.build_row(q)
    ids, remainders = naive.row(tokens, automaton.step, automaton.accepts, at)
    assert row_of(store, q, tokens) == (ids, remainders)
    farthest = max((int(dfa.distance[reached(automaton, at, tokens[token])]) for token in ids), default=0)
    assert farthest <= store.arrays.q[q, L.Q_MAXD]


def reached(automaton: Automaton, at: Hashable, text: bytes) -> int:
    """The state of an automaton after a text that it takes."""
    for byte in text:
        following = automaton.step(at, byte)
        assert following is not None
        at = following
    assert isinstance(at, tuple)
    return int(at[0])


def identifiers(words: list[bytes]) -> tuple[ByteDfa, dict[int, ByteDfa]]:
    """Letters and digits, but none of some words of letters, and perhaps a blank. Without it no letter or digit may
    follow, nor ``.`` after a digit."""
    prefixes = sorted({word[:i] for word in words for i in range(1, len(word) + 1)})
    number = {prefix: 3 + i for i, prefix in enumerate(prefixes)}
    letters, digits = {*range(97, 123), *range(65, 91)}, set(range(48, 58))
    edges = []
    for prefix, state in [(b"", 0), *number.items()]:
        own = {p[-1]: number[p] for p in prefixes if p[:-1] == prefix and len(p) == len(prefix) + 1}
        edges += [(state, b, b, own.get(b, 1)) for b in letters]
        edges += [(state, b, b, 2) for b in digits if prefix]
    edges += [(s, b, b, 1 if b in letters else 2) for s in (1, 2) for b in letters | digits]
    word = [(0, 48, 57, 1), (0, 65, 90, 1), (0, 97, 122, 1)]
    plain = from_edges(2, word, [1])
    dotted = from_edges(2, [(0, 46, 46, 1), *word], [1])
    ends = [1, 2, *(s for p, s in number.items() if p not in words)]
    bans = {s: dotted if s == 2 else plain for s in ends}
    blank = 3 + len(prefixes)
    edges += [(s, 32, 32, blank) for s in ends]
    return from_edges(blank + 1, sorted(edges), [*ends, blank]), bans


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=80), st.sampled_from([b"", b"i", b"in", b"x", b"x1"]))
@examples(60)
def test_rows_with_bans(pieces: list[bytes], before: bytes) -> None:
    # most of the tokens begin with letters; the states within words have rows made out of another state's
    names = [bytes(b"ifnt1x.( "[b % 9] for b in piece) for piece in pieces]
    more = [b"if(", b"n.x", b"x(1", b"1.1", b"nt(x", b"f.f"]
    tokens = [*dict.fromkeys([*names, *more, *(bytes([b]) for b in range(256))])]
    store = TerminalStore(Vocabulary(tokens), 1 << 30)
    dfa, bans = identifiers([b"if", b"in", b"int"])
    terminal = Terminal(dfa, "name", bans=bans)
    for t in (terminal, Terminal(from_edges(2, [(0, 97, 122, 1), (1, 97, 122, 1)], [0, 1]), "word")):
        q, state = store.start(t.dfa, t.bans), 0
        for byte in before:
            q, state = int(cpu.delta(store.handle, q, byte)), t.dfa.step(state, byte)
            if state < 0:
                break
        if state < 0:
            continue
        store.build_row(q)
        if t is terminal and before == b"i":  # its row is made out of the one of any other letters
            assert store.arrays.q[cpu.delta(store.handle, q, ord("x")), L.Q_INNER] >= 0
        inner, behind = set(), set()
        for token, text in enumerate(tokens):
            at = state
            for i, byte in enumerate(text):
                at = t.dfa.step(at, byte)
                if at < 0:
                    break
                ban = t.bans.get(at)
                if i + 1 < len(text) and t.dfa.accept[at] and (ban is None or ban.step(0, text[i + 1]) < 0):
                    behind.add((0 if ban is None else store.bans.number(ban), text[i + 1 :], token))
            if at >= 0:
                inner.add(token)
        arrays = store.arrays
        found = set()
        root = int(arrays.q[q, L.Q_REST])
        while root >= 0:
            first, n, ban_number = (int(x) for x in arrays.rest[root, [L.R_FIRST, L.R_N, L.R_BAN]])
            nodes = arrays.restlist[first : first + n].tolist()
            assert nodes == sorted(nodes, key=lambda x: (arrays.trie[x, 0], x))
            for node in nodes:
                for below in range(node, int(arrays.trie[node, 1])):
                    for token in arrays.tokens[arrays.trietok[below] : arrays.trietok[below + 1]].tolist():
                        found.add((ban_number, tokens[token][int(arrays.trie[node, 2]) - 1 :], token))
            root = int(arrays.rest[root, L.R_NEXT])
        assert found == behind
        row = int(arrays.q[q, L.Q_INNER])
        begin, size = (0, 0) if row >= 0 else (int(x) for x in arrays.sparse[-2 - row])
        ids = bits.ids(arrays.rows[row]).tolist() if row >= 0 else arrays.sparselist[begin : begin + size].tolist()
        assert set(ids) == inner


@given(st.one_of(byte_dfas(), counted_dfas()))
@examples(60)
def test_the_mask_of_one_terminal(dfa: ByteDfa) -> None:
    vocabulary = Vocabulary([*TOKENS, *(bytes([b]) for b in range(256)), None], [len(TOKENS) + 256])
    grammar = CompiledGrammar(from_terminal(Terminal(dfa, "t")), vocabulary)
    automaton = Automaton(dfa)
    want = naive.mask(vocabulary.tokens, automaton.step, automaton.accepts, (0, 0), vocabulary.eos_token_ids)
    assert set(bits.ids(grammar.mask(grammar.start)).tolist()) == want


def test_counts_beyond_the_longest_token_share_one_row() -> None:
    # "[ab]{3,1000}" then "."
    plain = from_edges(2, [(0, 97, 98, 0), (0, 46, 46, 1)], [1])
    mark = np.array([EXIT, TICK], dtype=np.uint8)
    store = TerminalStore(Vocabulary(TOKENS), 1 << 30)
    long = ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(0, 1000, mark))
    longer = ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(0, 2000, mark))
    rows = {int(cpu.row_state(store.handle, store.start(dfa), store.longest)) for dfa in (long, longer)}
    assert len(rows) == 1
    short = ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(0, 2, mark))
    assert int(cpu.row_state(store.handle, store.start(short), store.longest)) not in rows
