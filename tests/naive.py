"""The oracle: a slow, plain recogniser of a Network. It imports nothing it judges, only the data types.

A configuration is a frozenset of items; an item is a terminal in flight: (automaton, state, count, key of its
node, label of its edge, stack, bans). A stack is a number that names (return key, label, text, rest of the stack);
the text is what a symbol that captures has read so far, None for others. Bans are pairs (automaton, state): none of
them may come to accept. There is no merging of stacks and no caching of masks; what it says follows from the contract
in ``structgen.ir.network`` line by line. :func:`member` and :func:`is_prefix` are a second, independent reading of
the same contract: a chart of end positions, without any stack.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from structgen.automata.bytedfa import EXIT, PLAIN, TICK, ByteDfa
from structgen.ir.network import END, Call, Network, Node, Terminal

#: The stack of the outermost rule.
BOTTOM = 0

Key = Hashable
#: Bans under way: (automaton, state); no byte may lead one of them to an accepting state.
Bans = frozenset[tuple[int, int]]
#: What waits for the end of a symbol: (key, label, text read so far or None, rest of the stack).
Frame = tuple[Key, Hashable, "bytes | None", int]
NO_BANS: Bans = frozenset()


class Item(NamedTuple):
    """A terminal in flight."""

    dfa: int
    state: int
    count: int
    key: Key
    label: Hashable
    stack: int
    bans: Bans = NO_BANS


@dataclass(frozen=True)
class Config:
    """All the ways in which the text so far can be read. ``accepting``: it may end here."""

    items: frozenset[Item]
    accepting: bool


class TooManyError(Exception):
    """The oracle would need too many items or steps; tests discard the example."""


class Automaton:
    """A ByteDfa as plain lists."""

    def __init__(self, dfa: ByteDfa) -> None:
        first, lo, hi, to = (a.tolist() for a in (dfa.first, dfa.lo, dfa.hi, dfa.to))
        mark = [PLAIN] * len(to) if dfa.counter is None else dfa.counter.mark.tolist()
        self.edges = [
            [(lo[i], hi[i], to[i], mark[i]) for i in range(first[s], first[s + 1])] for s in range(len(first) - 1)
        ]
        self.accept: list[bool] = dfa.accept.tolist()
        self.least = 0 if dfa.counter is None else dfa.counter.lo
        self.most = None if dfa.counter is None else dfa.counter.hi
        self.counted = dfa.counter is not None
        #: For accepting states: the number of the automaton of what must not follow.
        self.bans: dict[int, int] = {}

    def out(self, state: int, count: int) -> Iterable[tuple[int, int, int, int]]:
        """The edges that exist now: (lo, hi, next state, next count)."""
        for lo, hi, to, mark in self.edges[state]:
            if mark == TICK:
                if self.most is None or count < self.most:
                    # above the least number the count only matters where there is a most
                    more = count + 1 if self.most is not None else min(count + 1, self.least)
                    yield lo, hi, to, more
            elif mark == EXIT:
                if count >= self.least:
                    yield lo, hi, to, 0
            else:
                yield lo, hi, to, count

    def step(self, state: int, count: int, byte: int) -> tuple[int, int] | None:
        for lo, hi, to, n in self.out(state, count):
            if lo <= byte <= hi:
                return to, n
        return None


class Naive:
    """The recogniser of one network.

    Args:
        network: what to recognise.
        max_items: how many items a configuration may have before TooManyError.
    """

    def __init__(self, network: Network, max_items: int = 3000) -> None:
        self.network = network
        self.max_items = max_items
        self.nodes: dict[Key, Node] = {}
        self.automata: list[Automaton] = []
        self.automaton_ids: dict[Hashable, int] = {}
        self.stacks: list[Frame | None] = [None]
        self.stack_ids: dict[Frame, int] = {}
        #: Stacks in which a text is being read, by number.
        self.reading: set[int] = set()
        self.steps: dict[tuple[Config, int], Config | None] = {}
        self._ends: dict[tuple[int, int, int, Bans], bool] = {}
        self._live: set[Item] = set()
        #: Was there a text after which bans leave no way on? A front end promises that there is none.
        self.dead_end = False
        self.start_config = self._close([(network.start, BOTTOM, NO_BANS)])

    # configurations

    def step(self, config: Config, byte: int) -> Config | None:
        """The configuration after one more byte; None where no text goes on so."""
        known = self.steps.get((config, byte), self)
        if known is not self:
            return known  # type: ignore[return-value]
        moved = [after for item in config.items if (after := self._move(item, byte)) is not None]
        result = self._close([], moved) if moved else None
        self.dead_end = self.dead_end or (result is not None and not self.viable(result))
        self.steps[config, byte] = result
        return result

    def run(self, config: Config | None, data: bytes) -> Config | None:
        """The configuration after ``data``; None where no text goes on so."""
        for byte in data:
            if config is None:
                return None
            config = self.step(config, byte)
        return config

    def viable(self, config: Config | None) -> bool:
        """Can the text still be completed? (The network is live by contract, so: is anything left?)"""
        return config is not None and (config.accepting or bool(config.items))

    def is_accepting(self, config: Config | None) -> bool:
        return config is not None and config.accepting

    def bytes_allowed(self, config: Config) -> set[int]:
        """The bytes that may come next."""
        result: set[int] = set()
        for item in config.items:
            for lo, hi, _, _ in self.automata[item.dfa].out(item.state, item.count):
                if item.bans:
                    result.update(byte for byte in range(lo, hi + 1) if self._move(item, byte) is not None)
                else:
                    result.update(range(lo, hi + 1))
        return result

    # questions

    def accepts(self, data: bytes) -> bool:
        return self.is_accepting(self.run(self.start_config, data))

    def mask(self, config: Config, tokens: Sequence[bytes | None], eos_ids: Iterable[int] = ()) -> set[int]:
        """The tokens that may come next; those in ``eos_ids`` exactly where the text may end."""
        eos = set(eos_ids)
        result = {i for i, token in enumerate(tokens) if token and i not in eos and self.run(config, token) is not None}
        return result | eos if config.accepting else result

    def forced_bytes(self, config: Config) -> bytes:
        """The longest continuation that every text has from here."""
        result = bytearray()
        while not config.accepting:
            allowed = self.bytes_allowed(config)
            if len(allowed) != 1:
                break
            byte = allowed.pop()
            result.append(byte)
            following = self.step(config, byte)
            assert following is not None
            config = following
        return bytes(result)

    def min_bytes(self, config: Config, max_steps: int = 50_000) -> int:
        """Length of the shortest completion, by breadth-first search over single items."""
        if config.accepting:
            return 0
        depth = self._search(config.items, max_steps)
        assert depth is not None, "a configuration without completion: the network is not live"
        return depth

    def live(self, config: Config | None, refuses: bool = False, max_steps: int = 2000) -> bool:
        """Can every item be completed? What a front end promises; with bans it is not plain to see.

        Args:
            refuses: some edges lead nowhere after some texts: it is enough that one item can be completed.
        """
        if refuses and config is not None:
            return config.accepting or self._search(config.items, max_steps) is not None
        for item in () if config is None else config.items:
            if item not in self._live:
                if self._search([item], max_steps) is None:
                    return False
                self._live.add(item)
        return True

    def _search(self, items: Iterable[Item], max_steps: int) -> int | None:
        """Least bytes to the end from any of the items, breadth first; None if there is no way."""
        seen, layer, depth = set(items), list(items), 0
        while layer:
            depth += 1
            following = []
            for item in layer:
                single = bool(item.bans) or item.stack in self.reading  # every byte may lead elsewhere
                for lo, hi, _, _ in self.automata[item.dfa].out(item.state, item.count):
                    for byte in range(lo, hi + 1 if single else lo + 1):
                        after = self._move(item, byte)
                        if after is None:
                            continue
                        closed = self._close([], [after])
                        if closed.accepting:
                            return depth
                        for new in closed.items - seen:
                            seen.add(new)
                            following.append(new)
            if len(seen) > max_steps:
                raise TooManyError("search for a completion")
            layer = following
        return None

    def min_tokens(
        self, config: Config, tokens: Sequence[bytes | None], eos_ids: Iterable[int] = (), most: int = 12
    ) -> int | None:
        """The least number of text tokens that complete the text; None if more than ``most``."""
        eos = set(eos_ids)
        texts = {t for i, t in enumerate(tokens) if t and i not in eos}
        seen, layer = {config}, [config]
        for depth in range(most + 1):
            if any(c.accepting for c in layer):
                return depth
            following = []
            for c in layer:
                for text in texts:
                    after = self.run(c, text)
                    if after is not None and after not in seen:
                        seen.add(after)
                        following.append(after)
            if len(seen) > 20_000:
                raise TooManyError("min_tokens")
            layer = following
        return None

    def language(self, max_len: int, max_words: int = 200_000) -> set[bytes]:
        """All texts of at most ``max_len`` bytes."""
        result: set[bytes] = set()
        layer: list[tuple[bytes, Config]] = [(b"", self.start_config)]
        for depth in range(max_len + 1):
            result.update(text for text, config in layer if config.accepting)
            if depth == max_len:
                break
            following = []
            for text, config in layer:
                for byte in sorted(self.bytes_allowed(config)):
                    after = self.step(config, byte)
                    assert after is not None
                    following.append((text + bytes([byte]), after))
                if len(following) > max_words:
                    raise TooManyError("language")
            layer = following
        return result

    # inside

    def _node(self, key: Key) -> Node:
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = self.network.expand(key)
        return node

    def _automaton(self, dfa: ByteDfa, bans: Mapping[int, ByteDfa]) -> int:
        name = dfa.digest, tuple(sorted((state, ban.digest) for state, ban in bans.items()))
        number = self.automaton_ids.get(name)
        if number is None:
            automaton = Automaton(dfa)
            automaton.bans = {state: self._automaton(ban, {}) for state, ban in bans.items()}
            number = self.automaton_ids[name] = len(self.automata)
            self.automata.append(automaton)
        return number

    def _push(self, frame: Frame) -> int:
        _, label, text, stack = frame
        if label is END:
            return stack  # nothing is left to do in this rule
        number = self.stack_ids.get(frame)
        if number is None:
            number = self.stack_ids[frame] = len(self.stacks)
            self.stacks.append(frame)
            if text is not None or stack in self.reading:
                self.reading.add(number)
        return number

    def _read(self, stack: int, byte: int) -> int:
        """The stack with one more byte read in every text."""
        frames = []
        while stack in self.reading:
            frame = self.stacks[stack]
            assert frame is not None
            frames.append(frame)
            stack = frame[3]
        for key, label, text, _ in reversed(frames):
            stack = self._push((key, label, None if text is None else text + bytes([byte]), stack))
        return stack

    def _obey(self, bans: Bans, byte: int) -> Bans | None:
        """The bans under way after a byte; None if one of them forbids it."""
        result = set()
        for number, state in bans:
            after = self.automata[number].step(state, 0, byte)
            if after is not None:
                if self.automata[number].accept[after[0]]:
                    return None
                result.add((number, after[0]))
        return frozenset(result)

    def _move(self, item: Item, byte: int) -> Item | None:
        """The item after a byte; None if its terminal does not go on so, or could not come to its end after it."""
        after = self.automata[item.dfa].step(item.state, item.count, byte)
        bans = self._obey(item.bans, byte)
        if after is None or bans is None or not self._can_end(item.dfa, *after, bans):
            return None
        return item._replace(state=after[0], count=after[1], stack=self._read(item.stack, byte), bans=bans)

    def _can_end(self, dfa: int, state: int, count: int, bans: Bans) -> bool:
        """Can the terminal come to its end in spite of the bans? (Without bans it can, by contract.)"""
        if not bans:
            return True
        start = dfa, state, count, bans
        if start not in self._ends:
            automaton = self.automata[dfa]
            todo, seen = [(state, count, bans)], {(state, count, bans)}
            self._ends[start] = False
            while todo and not self._ends[start]:
                state, count, bans = todo.pop()
                if automaton.accept[state] or not bans:
                    self._ends[start] = True
                for lo, hi, to, n in automaton.out(state, count):
                    for byte in range(lo, hi + 1):
                        left = self._obey(bans, byte)
                        if left is not None and (to, n, left) not in seen:
                            seen.add((to, n, left))
                            todo.append((to, n, left))
        return self._ends[start]

    def _close(self, nodes: list[tuple[Key, int, Bans]], items: Iterable[Item] = ()) -> Config:
        """All items reached without a byte: calls entered, ended terminals and rules followed."""
        network: Any = self.network
        seen_nodes: set[tuple[Key, int, Bans]] = set()
        done: set[Item] = set()
        accepting = False
        todo: list[Item] = list(items)
        nodes = list(nodes)
        ended: list[tuple[Frame, Bans]] = []
        while todo or nodes or ended:
            if todo:
                item = todo.pop()
                if item in done:
                    continue
                done.add(item)
                automaton = self.automata[item.dfa]
                if automaton.accept[item.state]:
                    ban = automaton.bans.get(item.state)
                    bans = item.bans if ban is None else item.bans | {(ban, 0)}
                    ended.append(((item.key, item.label, None, item.stack), bans))
            elif ended:
                (key, label, text, stack), bans = ended.pop()
                if text is not None:
                    nodes.append((network.follow_text(key, label, text), stack, bans))
                elif label is not END:
                    nodes.append((network.follow(key, label), stack, bans))
                elif stack == BOTTOM:
                    accepting = True  # whatever is banned, nothing follows
                else:
                    frame = self.stacks[stack]
                    assert frame is not None
                    ended.append((frame, bans))
            else:
                key, stack, bans = nodes.pop()
                if (key, stack, bans) in seen_nodes:
                    continue
                seen_nodes.add((key, stack, bans))
                node = self._node(key)
                if node.accepting:
                    ended.append(((None, END, None, stack), bans))
                for edge in node.edges:
                    text = b"" if edge.capture else None
                    if isinstance(edge.symbol, Call):
                        nodes.append((edge.symbol.key, self._push((key, edge.label, text, stack)), bans))
                        continue
                    number = self._automaton(edge.symbol.dfa, edge.symbol.bans)
                    if not self._can_end(number, 0, 0, bans):
                        continue
                    if edge.capture:  # as a call of a rule that is this terminal
                        todo.append(Item(number, 0, 0, None, END, self._push((key, edge.label, text, stack)), bans))
                    else:
                        owner = None if edge.label is END else key
                        todo.append(Item(number, 0, 0, owner, edge.label, stack, bans))
            if len(done) + len(seen_nodes) > self.max_items:
                raise TooManyError("items")
        # an item that can go no further only marked an end
        return Config(frozenset(item for item in done if self._goes_on(item)), accepting)

    def _goes_on(self, item: Item) -> bool:
        ways = self.automata[item.dfa].out(item.state, item.count)
        if not item.bans:
            return any(True for _ in ways)
        return any(self._move(item, byte) is not None for lo, hi, _, _ in ways for byte in range(lo, hi + 1))


def accepts(network: Network, data: bytes) -> bool:
    """Is ``data`` a text of the network?"""
    return Naive(network).accepts(data)


def language(network: Network, max_len: int) -> set[bytes]:
    """All texts of at most ``max_len`` bytes."""
    return Naive(network).language(max_len)


# A second reading, without stacks


def member(network: Network, data: bytes) -> bool:
    """Is ``data`` a text of the network? By a chart of end positions."""
    return len(data) in _chart(network, data)[0]


def is_prefix(network: Network, data: bytes) -> bool:
    """Does some text of the network begin with ``data``?"""
    ends, alive = _chart(network, data)
    return alive or len(data) in ends


def _chart(network: Any, data: bytes) -> tuple[set[int], bool]:
    """End positions of the start rule run from 0, and whether a terminal was in flight when the data ended.

    A ban is (language, position from which it holds): no data[position : p] that is not empty may be in it.
    """
    memo: dict[tuple[Key, int, _Since], set[tuple[int, _Since]]] = {}
    alive = False

    def scan(terminal: Terminal, begin: int, bans: _Since) -> set[tuple[int, _Since]]:
        nonlocal alive
        automaton = Automaton(terminal.dfa)
        state, count, found = 0, 0, set()
        for position in range(begin, len(data) + 1):
            if position > begin:
                after = automaton.step(state, count, data[position - 1])
                if after is None or any(ban.accepts(data[since:position]) for ban, since in bans):
                    break
                state, count = after
            if automaton.accept[state]:
                ban = terminal.bans.get(state)
                found.add((position, bans if ban is None else bans | {(ban, position)}))
            if position == len(data):
                alive = alive or _ends_later(automaton, state, count, [(b, data[since:]) for b, since in bans])
        return found

    def run(key: Key, begin: int, bans: _Since) -> set[tuple[int, _Since]]:
        bans = frozenset((b, since) for b, since in bans if _reads(b, data[since:begin]))
        known = memo.get((key, begin, bans))
        if known is not None:
            return known
        node = network.expand(key)
        found = {(begin, bans)} if node.accepting else set()
        for edge in node.edges:
            if isinstance(edge.symbol, Call):
                middle = run(edge.symbol.key, begin, bans)
            else:
                middle = scan(edge.symbol, begin, bans)
            for position, left in middle:
                if edge.label is END:
                    found.add((position, left))
                elif edge.capture:
                    found |= run(network.follow_text(key, edge.label, data[begin:position]), position, left)
                else:
                    found |= run(network.follow(key, edge.label), position, left)
        memo[key, begin, bans] = found
        return found

    return {position for position, _ in run(network.start, 0, frozenset())}, alive


_Since = frozenset[tuple[ByteDfa, int]]


def _reads(dfa: ByteDfa, data: bytes) -> bool:
    """Is there a state after the data?"""
    state = 0
    for byte in data:
        state = dfa.step(state, byte)
        if state < 0:
            return False
    return True


def _ends_later(automaton: Automaton, state: int, count: int, bans: Sequence[tuple[ByteDfa, bytes]]) -> bool:
    """Can a terminal in flight come to an end after some more bytes? Each ban has read its bytes so far."""
    states = []
    for dfa, data in bans:
        at = 0
        for byte in data:
            at = dfa.step(at, byte) if at >= 0 else at
        states.append(at)
    todo, seen = [(state, count, tuple(states))], set()
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        for lo, hi, to, n in automaton.out(here[0], here[1]):
            for byte in range(lo, hi + 1 if bans else lo + 1):
                after = tuple(b.step(at, byte) if at >= 0 else at for (b, _), at in zip(bans, here[2], strict=True))
                if any(at >= 0 and b.accept[at] for (b, _), at in zip(bans, after, strict=True)):
                    continue
                if automaton.accept[to]:
                    return True
                todo.append((to, n, after))
    return False


# Plain automata and plain context-free grammars


def dfa_words(dfa: ByteDfa, max_len: int) -> set[bytes]:
    """All words of at most ``max_len`` bytes."""
    automaton = Automaton(dfa)
    result: set[bytes] = set()
    layer = [(b"", 0, 0)]
    for _ in range(max_len + 1):
        result.update(word for word, state, _ in layer if automaton.accept[state])
        layer = [
            (word + bytes([byte]), to, n)
            for word, state, count in layer
            for lo, hi, to, n in automaton.out(state, count)
            for byte in range(lo, hi + 1)
        ]
    return result


def cfg_language(rules: Mapping[Hashable, Sequence[Sequence[Hashable]]], start: Hashable, max_len: int) -> set[bytes]:
    """All texts of at most ``max_len`` bytes of a context-free grammar, by fixpoint over sets of texts.

    A symbol that is a Terminal stands for its automaton; anything else is the name of a rule.
    """
    words: dict[Hashable, set[bytes]] = {name: set() for name in rules}
    for alternatives in rules.values():
        for alternative in alternatives:
            for symbol in alternative:
                if isinstance(symbol, Terminal) and symbol not in words:
                    words[symbol] = dfa_words(symbol.dfa, max_len)
    changed = True
    while changed:
        changed = False
        for name, alternatives in rules.items():
            for alternative in alternatives:
                texts = {b""}
                for symbol in alternative:
                    texts = {a + b for a in texts for b in words[symbol] if len(a) + len(b) <= max_len}
                if not texts <= words[name]:
                    words[name] |= texts
                    changed = True
    return words[start]


def cfg_least(rules: Mapping[Hashable, Sequence[Sequence[Hashable]]], start: Hashable) -> int | None:
    """The length of the shortest text, or None if there is none: relaxation until nothing changes."""
    least: dict[Hashable, float] = {name: float("inf") for name in rules}
    for _ in range(len(rules) + 1):
        for name, alternatives in rules.items():
            for alternative in alternatives:
                cost = sum(_symbol_least(s, least) for s in alternative)
                least[name] = min(least[name], cost)
    return None if least[start] == float("inf") else int(least[start])


def _symbol_least(symbol: Hashable, least: Mapping[Hashable, float]) -> float:
    return dfa_least(symbol.dfa) if isinstance(symbol, Terminal) else least[symbol]


def dfa_least(dfa: ByteDfa) -> int:
    """The length of the shortest word, by Dijkstra's algorithm over (state, count)."""
    automaton = Automaton(dfa)
    heap, seen = [(0, 0, 0)], set()
    while heap:
        cost, state, count = heapq.heappop(heap)
        if (state, count) in seen:
            continue
        seen.add((state, count))
        if automaton.accept[state]:
            return cost
        for _, _, to, n in automaton.out(state, count):
            heapq.heappush(heap, (cost + 1, to, n))
    raise AssertionError("a terminal that accepts nothing")
