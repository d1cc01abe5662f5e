"""Networks for tests that reach beyond context-free rules: captures and bans."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from structgen.automata import bytedfa
from structgen.automata.bytedfa import ByteDfa
from structgen.ir.network import END, NEVER, Call, Edge, Key, Label, Network, Node, Terminal, unsure

A, B, C = (Terminal(bytedfa.literal(w), w.decode()) for w in (b"a", b"b", b"c"))
SEPARATOR = Terminal(bytedfa.literal(b"c"), "separator")


class WordList:
    """Words, none of them twice, with a separator between: ``least`` to ``most`` of them.

    Args:
        words: what may be written.
        most: no more than words; 1 or more.
        nested: each word is a rule of its own, so that a call captures.
        joined: no separator.
        outlined: an outline tells the separator before the word is known.
    """

    start: Key = ("item", frozenset())

    def __init__(
        self, words: Iterable[bytes], most: int, nested: bool = False, joined: bool = False, outlined: bool = False
    ) -> None:
        self.words = frozenset(words)
        self.most = most
        self.nested = nested
        self.joined = joined
        self.outlined = outlined and not joined
        self.longest = max(map(len, self.words))
        self.asked: list[tuple[Key, bytes]] = []

    def _terminal(self, seen: frozenset[bytes]) -> Terminal:
        return Terminal(bytedfa.choices(sorted(self.words - seen)), "word")

    def expand(self, key: Key) -> Node:
        kind, seen = key  # type: ignore[misc]
        if kind == "outline":
            more = len(seen) + 1 < self.most
            return Node(True, (Edge(SEPARATOR, "separator", self.longest),) if more else ())
        if kind == "item":
            symbol = Call(("word", seen)) if self.nested else self._terminal(seen)
            return Node(False, (Edge(symbol, "word", 0, True),))
        if kind == "word":
            return Node(False, (Edge(self._terminal(seen), END, 0),))
        if len(seen) == self.most:
            return Node(True, ())
        if self.joined:
            return Node(True, self.expand(("item", seen)).edges)
        return Node(True, (Edge(SEPARATOR, "separator", self.least(("item", seen))),))

    def follow(self, key: Key, label: Label) -> Key:
        assert label == "separator"
        return ("item", key[1])  # type: ignore[index]

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        assert label == "word"
        seen = key[1]  # type: ignore[index]
        assert text in self.words - seen
        self.asked.append((key, text))
        return ("after", seen | {text})

    def least(self, key: Key) -> int:
        kind, seen = key  # type: ignore[misc]
        return 0 if kind in ("after", "outline") else min(map(len, self.words - seen))

    def describe(self, key: Key, label: Label) -> str | None:
        return None

    def outline(self, key: Key, label: Label) -> Key | None:
        return ("outline", key[1]) if self.outlined else None  # type: ignore[index]


class UniqueLists:
    """Lists of the letters a and b, ended by a blank or followed by c and another; none twice, nor a letter in one."""

    start: Key = ("lists", frozenset())

    def expand(self, key: Key) -> Node:
        kind, seen = key  # type: ignore[misc]
        if kind == "lists":
            lists = sorted({b"a", b"b", b"ab", b"ba"} - seen)
            return Node(False, (Edge(Call(("list", (b"", tuple(lists)))), "list", 0, True),))
        if kind == "list":
            written, lists = seen
            letters = sorted({word[len(written) : len(written) + 1] for word in lists if word.startswith(written)})
            edges = tuple(
                Edge(Terminal(bytedfa.literal(letter), "letter"), "letter", self._rest(written + letter, lists), True)
                for letter in letters
                if letter
            )
            return Node(written in lists, edges)
        edges = (Edge(Terminal(bytedfa.literal(b" "), "end"), END, 0),)
        if len(seen) < 2:
            edges += (Edge(SEPARATOR, "separator", 1 + (seen >= {b"a", b"b"})),)
        return Node(True, edges)

    def _rest(self, written: bytes, lists: tuple[bytes, ...]) -> int:
        return min(len(word) - len(written) for word in lists if word.startswith(written))

    def follow(self, key: Key, label: Label) -> Key:
        return ("lists", key[1])  # type: ignore[index]

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        if label == "letter":
            written, lists = key[1]  # type: ignore[index]
            return ("list", (written + text, lists))
        return ("after", key[1] | {text})  # type: ignore[index]

    def least(self, key: Key) -> int:
        kind, seen = key  # type: ignore[misc]
        if kind == "list":
            return self._rest(*seen)
        if kind == "lists":
            return self._rest(b"", tuple({b"a", b"b", b"ab", b"ba"} - seen))
        return 0

    def describe(self, key: Key, label: Label) -> str | None:
        return None


class Twice:
    """A text of a terminal, then a word made of it: ``word(text)``, at most ``bound`` bytes."""

    start: Key = "start"

    def __init__(self, terminal: Terminal, word: Any, bound: int) -> None:
        self.terminal = terminal
        self.word = word
        self.bound = bound

    def expand(self, key: Key) -> Node:
        if key == "start":
            return Node(False, (Edge(self.terminal, "again", self.bound, True),))
        text = key[1]  # type: ignore[index]
        return Node(False, (Edge(Terminal(bytedfa.literal(text), "again"), END, 0),)) if text else Node(True, ())

    def follow(self, key: Key, label: Label) -> Key:
        raise AssertionError("there is no edge to follow")

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        return ("again", self.word(text))

    def least(self, key: Key) -> int:
        if key == "start":
            return self.terminal.dfa.min_length() + self.bound
        return len(key[1])  # type: ignore[index]

    def describe(self, key: Key, label: Label) -> str | None:
        return None


class Echo:
    """Any finite network, some of whose edges capture: after those a word comes that depends on the text.

    Args:
        inner: the network.
        rng: decides which edges capture.
        share: how many of them do.
        separated: the word comes after a separator, which an outline tells beforehand.
    """

    def __init__(self, inner: Network, rng: random.Random, share: float = 0.5, separated: bool = False) -> None:
        self.inner = inner
        self.start: Key = (inner.start, b"", False)
        self.separated = separated
        self.extra = 3 if separated else 2
        self._nodes: dict[Key, Node] = {}
        self._captures: set[tuple[Key, Label]] = set()
        todo: list[Any] = [inner.start]
        while todo:
            key = todo.pop()
            if key in self._nodes:
                continue
            node = self._nodes[key] = inner.expand(key)
            for edge in node.edges:
                if isinstance(edge.symbol, Call):
                    todo.append(edge.symbol.key)
                if edge.label is not END:
                    todo.append(inner.follow(key, edge.label))
                    if (key, edge.label) not in self._captures and rng.random() < share:
                        self._captures.add((key, edge.label))
        self._least = {key: 0 if node.accepting else 1 << 20 for key, node in self._nodes.items()}
        changed = True
        while changed:
            changed = False
            for key, node in self._nodes.items():
                best = min([self._least[key], *(self._cost(key, edge) for edge in node.edges)])
                changed = changed or best < self._least[key]
                self._least[key] = best

    def _rest(self, key: Key, edge: Edge) -> int:
        if edge.label is END:
            return 0
        following = self._least[self.inner.follow(key, edge.label)]
        return following + self.extra if (key, edge.label) in self._captures else following

    def _cost(self, key: Key, edge: Edge) -> int:
        symbol = edge.symbol
        return (self._least[symbol.key] if isinstance(symbol, Call) else unbanned(symbol)) + self._rest(key, edge)

    def expand(self, key: Key) -> Node:
        inner, word, separated = key  # type: ignore[misc]
        if separated:
            return Node(False, (Edge(SEPARATOR, "separator", self.least((inner, word, False))),))
        if word:
            return Node(False, (Edge(Terminal(bytedfa.literal(word), "echo"), "echo", self._least[inner]),))
        node = self._nodes[inner]
        return Node(
            node.accepting,
            tuple(
                Edge(
                    Call((edge.symbol.key, b"", False)) if isinstance(edge.symbol, Call) else edge.symbol,
                    edge.label,
                    self._rest(inner, edge),
                    (inner, edge.label) in self._captures,
                )
                for edge in node.edges
            ),
        )

    def follow(self, key: Key, label: Label) -> Key:
        inner, word, separated = key  # type: ignore[misc]
        if separated:
            return (inner, word, False)
        if word:
            return (inner, b"", False)
        assert (inner, label) not in self._captures
        return (self.inner.follow(inner, label), b"", False)

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        inner, word, separated = key  # type: ignore[misc]
        assert not word
        assert (inner, label) in self._captures
        return (self.inner.follow(inner, label), echo(text), self.separated)

    def outline(self, key: Key, label: Label) -> Key | None:
        return (self.inner.follow(key[0], label), b"??", True) if self.separated else None  # type: ignore[index]

    def least(self, key: Key) -> int:
        inner, word, separated = key  # type: ignore[misc]
        return int(separated) + len(word) + self._least[inner]

    def describe(self, key: Key, label: Label) -> str | None:
        return None


def echo(text: bytes) -> bytes:
    """The word after a text: its last two bytes the other way round, or nothing after some."""
    return b"" if sum(text) % 3 == 0 else text[:-3:-1]


def unbanned(terminal: Terminal) -> int:
    """Length of the shortest text of a terminal after which nothing is banned."""
    if not terminal.bans:
        return terminal.dfa.min_length()
    dfa = terminal.dfa
    layer, seen, length = {0}, {0}, 0
    while not any(dfa.accept[s] and s not in terminal.bans for s in layer):
        layer = {int(t) for s in layer for t in dfa.to[dfa.first[s] : dfa.first[s + 1]]} - seen
        assert layer, "no end without a ban"
        seen |= layer
        length += 1
    return length


def bannable(dfa: ByteDfa) -> list[int]:
    """The accepting states that may have a ban each by itself: from all states another accepting one is reached."""
    result = []
    for state in range(1, dfa.n_states):
        if dfa.accept[state] and may_ban(dfa, [state]):
            result.append(state)
    return result


def may_ban(dfa: ByteDfa, states: Sequence[int]) -> bool:
    """Can every state reach an accepting one that is not among these?"""
    good = {s for s in range(dfa.n_states) if dfa.accept[s] and s not in states}
    changed = True
    while changed:
        changed = False
        for s in range(dfa.n_states):
            if s not in good and any(int(t) in good for t in dfa.to[dfa.first[s] : dfa.first[s + 1]]):
                good.add(s)
                changed = True
    return len(good) == dfa.n_states


#: What may be banned: words that are single bytes, longer ones, and endless languages.
BANS = (
    bytedfa.literal(b"a"),
    bytedfa.choices([b"a", b"b"]),
    bytedfa.choices([b"b", b"ab"]),
    bytedfa.literal(b"ba"),
    bytedfa.from_edges(2, [(0, 97, 97, 0), (0, 98, 98, 1)], [1]),
    bytedfa.from_edges(2, [(0, 97, 98, 1), (1, 97, 98, 1)], [1]),
)


def with_bans(terminal: Terminal, rng: random.Random) -> Terminal:
    """The terminal with bans after some of its ends, where it may have any."""
    if terminal.dfa.counter is not None:
        return terminal
    states: list[int] = []
    for state in bannable(terminal.dfa):
        if rng.random() < 0.7 and may_ban(terminal.dfa, [*states, state]):
            states.append(state)
    return Terminal(terminal.dfa, terminal.name, terminal.where, {s: rng.choice(BANS) for s in states})


def _lexed(*edges: tuple[int, str, int], accept: Sequence[int]) -> ByteDfa:
    return bytedfa.from_edges(1 + max(e[2] for e in edges), [(s, ord(b), ord(b), t) for s, b, t in edges], accept)


#: Terminals that may end in more than one state, the last of which needs no ban.
ENDINGS = tuple(
    Terminal(dfa, name)
    for name, dfa in {
        "[ab]+c?": _lexed((0, "a", 1), (0, "b", 1), (1, "a", 1), (1, "b", 1), (1, "c", 2), accept=[1, 2]),
        "a(ba)*c?": _lexed((0, "a", 1), (1, "b", 2), (2, "a", 1), (1, "c", 3), accept=[1, 3]),
        "a+b?": _lexed((0, "a", 1), (1, "a", 1), (1, "b", 2), accept=[1, 2]),
        "a|b|ba|aab": bytedfa.choices([b"a", b"b", b"ba", b"aab", b"bb"]),
        "(ba?c?)?": _lexed((0, "b", 1), (1, "a", 2), (1, "c", 3), (2, "c", 3), accept=[0, 1, 2, 3]),
        "b[ab]?": bytedfa.choices([b"b", b"ba", b"bb"]),
        "c?a+c": _lexed((0, "c", 1), (0, "a", 2), (1, "a", 2), (2, "a", 2), (2, "c", 3), accept=[2, 3]),
    }.items()
)


def random_symbols(rng: random.Random, plain: Sequence[Terminal], most: int = 6) -> list[Terminal]:
    """Some plain terminals, and some that ban."""
    banning = [with_bans(terminal, rng) for terminal in rng.sample(ENDINGS, rng.randint(1, 3))]
    return [*rng.sample(plain, rng.randint(1, most - len(banning))), *banning]


class Judged:
    """Words of letters a and b, of which some are followed by c, or c and another such word; the others by d only.

    Which are which their texts decide: the edge that captures refuses the others.

    Args:
        good: the words before c.
        blurred: 0: nothing is known before the text is; 1: that a c may come if anything.
    """

    start: Key = ("word", 2)

    def __init__(self, good: Iterable[bytes], blurred: bool) -> None:
        self.good = frozenset(good)
        self.sure = blurred
        letters = [(i, 97, 98, i + 1) for i in range(3)]
        self.letters = Terminal(bytedfa.from_edges(4, letters, [1, 2, 3]), "word")
        self.any = Terminal(bytedfa.from_edges(5, [*letters, *((i, 100, 100, 4) for i in (1, 2, 3))], [4]), "word d")

    def expand(self, key: Key) -> Node:
        kind, left = key  # type: ignore[misc]
        if kind == "word":
            return Node(False, (Edge(self.any, END, 0), Edge(self.letters, "judged", NEVER, True)))
        if kind == "blurred":
            return Node(False, (Edge(unsure(C), "end", NEVER),))
        if kind == "refused":
            return Node(False, ())
        return Node(False, (Edge(C, END, 0), *((Edge(C, "word", 2),) if left else ())))

    def follow(self, key: Key, label: Label) -> Key:
        return ("word", key[1] - 1)  # type: ignore[index]

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        return ("good" if text in self.good else "refused", key[1])  # type: ignore[index]

    def blurred(self, key: Key, label: Label) -> Key | None:
        return ("blurred", key[1]) if self.sure else None  # type: ignore[index]

    def least(self, key: Key) -> int:
        return {"word": 2, "refused": NEVER, "blurred": NEVER}.get(key[0], 1)  # type: ignore[index]

    def describe(self, key: Key, label: Label) -> str | None:
        return None
