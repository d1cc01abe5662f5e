"""The IR: a lazy transition network. Front ends build one; the machine expands it while it is used.

A network is a set of *nodes* named by hashable keys. ``expand(key)`` gives the node: may its rule end
here, and which *edges* leave it. The symbol of an edge is a *terminal* (a byte DFA) or a *call* of
another node (the callee's rule is run to its end, then the edge goes on). Where an edge leads is said by a
``label``; ``follow(key, label)`` turns it into the key of the next node, and is asked only when the symbol
has ended. So keys may carry parameters (properties seen, counts left, indentation), and an object with 500
optional properties costs 500 shared terminals, not 500 nodes after every property.

Contract of every network (the machine relies on it; :func:`check_node` tests the local part):

* **Live.** Every node returned can reach the end of its rule; every edge can too. Terminals accept
  something. A front end drops what is unsatisfiable, and raises UnsatisfiableError for the whole.
* **No left recursion**: a chain of calls through nodes, without a byte in between, never meets a key twice.
* ``least(key)`` and ``Edge.rest`` are *exact*: the number of bytes of the shortest way from there to the end
  of the rule (calls included). Budgets rest on it. Two exceptions, both still a bound that can be kept: the rest
  of an edge that captures is that of the worst text; and a terminal with bans counts as ended only where it ends
  without one. (Where a ban is still under way at every end that can be reached, there is no bound.)
* ``expand``, ``follow``, ``follow_text`` and ``least`` are pure functions of their arguments.

Two things reach beyond context-free rules:

* **Captures.** Where an edge with ``capture`` leads depends on the bytes that its symbol has read:
  ``follow_text(key, label, text)``. Names of properties that must not come twice, the items of a unique array, the
  width of an indentation. Every text of the symbol leads to a live node: what must not be written is left out of
  the symbol, not refused afterwards. (With one exception: a *refusing* edge, of ``rest`` NEVER, may lead to a node
  without ways on, if other edges take every beginning of its texts and go on from there. What stands for it while
  its text is not known, see ``blurred``, costs NEVER as well.)
* **Bans** (follow restrictions). A state in which a terminal may end can forbid how the text goes on: no nonempty
  prefix of what follows, whatever rule it comes from, is in the ban's language. This is what a lexer does
  (maximal munch): after ``ab`` as a NAME, no letter may follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from structgen.automata.bytedfa import ByteDfa

Key = Hashable
Label = Hashable

#: The label of an edge after whose symbol the rule ends at once (a tail position: nothing is pushed for it).
END: None = None

#: The rest of a refusing edge, see above: what it costs to end behind it is not counted on.
NEVER = 1 << 30


@dataclass(frozen=True, eq=False)
class Terminal:
    """A byte language used as a symbol. Terminals with equal automata share everything the masks cache.

    Attributes:
        dfa: the automaton; every state is reachable and live. It may accept the empty string.
        name: how to call it in messages: ``string``, ``"age"``, ``/[a-z]+/``.
        where: place in the user's source it stems from, or None.
        bans: for accepting states, by number: the language of which no nonempty prefix of the following text may
            be a member. Every state can reach an accepting one that is not in here. Only for uncounted automata,
            and not for the start: an empty text bans nothing.

    Raises:
        ValueError: there is a ban where there may be none.
    """

    dfa: ByteDfa
    name: str
    where: str | None = None
    bans: Mapping[int, ByteDfa] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.bans:
            return
        if self.dfa.counter is not None:
            raise ValueError(f"terminal {self.name} counts, so it cannot ban what follows")
        for state in self.bans:
            if state == 0 or not self.dfa.accept[state]:
                raise ValueError(f"terminal {self.name} has a ban for state {state}, which is the start or no end")
        if (self.dfa.distance_to(self.free) >= 1 << 30).any():
            raise ValueError(f"terminal {self.name} has a state from which no end without a ban is reached")

    @property
    def free(self) -> NDArray[np.bool_]:
        """bool[n]: the states in which the terminal may end and nothing is banned."""
        free = self.dfa.accept.copy()
        free[list(self.bans)] = False
        return free

    @cached_property
    def digest(self) -> bytes:
        """Bytes that name the content, bans included, but not name and place."""
        if not self.bans:
            return self.dfa.digest
        h = hashlib.blake2b(self.dfa.digest, digest_size=16)
        for state, ban in sorted(self.bans.items()):
            h.update(state.to_bytes(8, "little") + ban.digest)
        return h.digest()

    def min_length(self) -> int:
        """Length in bytes of its shortest text, of those that ban nothing."""
        return int(self.dfa.distance_to(self.free)[0]) if self.bans else self.dfa.min_length()


@dataclass(frozen=True, eq=False)
class Unsure(Terminal):
    """In place of a terminal, behind ``blurred``: what stands here is decided by the text of a capture.

    Attributes:
        first: a terminal that begins with the bytes that it may begin with; None: any.
    """

    first: Terminal | None = None


_NO_WAY = ByteDfa(
    np.zeros(2, dtype=np.int32),
    np.zeros(0, dtype=np.uint8),
    np.zeros(0, dtype=np.uint8),
    np.zeros(0, dtype=np.int32),
    np.zeros(1, dtype=np.bool_),
)

#: Anything may stand here.
UNSURE = Unsure(_NO_WAY, "unsure")


def unsure(first: Terminal) -> Unsure:
    """What the text of a capture decides, and begins as this terminal does if it comes."""
    return Unsure(_NO_WAY, "unsure", first=first)


class Edge(NamedTuple):
    """One way out of a node.

    Attributes:
        symbol: a Terminal, or a :class:`Call`.
        label: given to ``Network.follow`` with the node's key once the symbol has ended; END: the rule ends.
        rest: least bytes from the node that ``label`` leads to, to the end of this rule (0 for END).
        capture: the text of the symbol decides where the edge leads, see ``Capturing.follow_text``; never with END.
    """

    symbol: Terminal | Call
    label: Label
    rest: int
    capture: bool = False


class Call(NamedTuple):
    """A call of another node, whose rule is run to its end."""

    key: Key


class Node(NamedTuple):
    """What ``expand`` returns: may the rule end here, and the ways out. Never both False and empty."""

    accepting: bool
    edges: tuple[Edge, ...]


class Family(NamedTuple):
    """The edges of a node, as its part of edges that many nodes share. See ``Network``.

    Attributes:
        shared: one and the same tuple for all nodes of the family.
        left_out: bit i: the node does not have ``shared[i]``. 0 where some of them call.
        more: what is to be added to the ``rest`` of those it has, but for those that end the rule.
        own: the other edges of the node.
    """

    shared: tuple[Edge, ...]
    left_out: int
    more: int
    own: tuple[Edge, ...]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges one by one."""
        kept = [e for i, e in enumerate(self.shared) if not self.left_out >> i & 1]
        return (*(e if e.label is END else e._replace(rest=e.rest + self.more) for e in kept), *self.own)


@dataclass(frozen=True, eq=False)
class Slots:
    """What the records of one kind share: slots that are filled in any order, each at most once.

    Attributes:
        names: edge i, with the label i and a terminal, begins slot i. Its ``rest`` leaves out what other slots owe, and
            for those required what the slot itself does.
        costs: least bytes of each slot filled, with ``between`` in front.
        required: must it be filled?
        further: how many more ways on there are, which fill no slot.
        between: the edge to the names once something has been written; its ``rest`` is 0.
        end: the edge that ends the rule; where something is owed, there is none.
    """

    names: tuple[Edge, ...]
    costs: tuple[int, ...]
    required: tuple[bool, ...]
    further: int
    between: Edge
    end: Edge


@dataclass(frozen=True, eq=False)
class Record:
    """An object being written, but for which of its slots have been filled. See :class:`Member`.

    Attributes:
        slots: its slots.
        own: further edges beside those of ``slots.names``, with labels from ``len(slots.names)`` on; they capture.
            Their ``rest`` leaves out what slots owe.
        spare: least bytes from after ``slots.between`` through one of these to the end, if nothing is owed; or None.
    """

    slots: Slots
    own: tuple[Edge, ...]
    spare: int | None


class Member(NamedTuple):
    """A node as one of those that a record stands for.

    Attributes:
        record: the record.
        filled: bits of the slots that have been filled.
        place: BETWEEN, where ``slots.between`` and ``slots.end`` leave; NAMES, where the edges of slots that have not
            been filled and ``record.own`` do; VALUES, behind a name.
        slot: at VALUES, the label of that name, else 0. The slot is among those filled.
    """

    record: Record
    filled: int
    place: int
    slot: int


BETWEEN, NAMES, VALUES = 0, 1, 2


class Network(Protocol):
    """What a front end hands to the machine. See the module docstring for the contract.

    It may also have a method ``family(key) -> Family | None``: the edges of a node that does not accept, in a form
    that costs little where many nodes have nearly the same edges (an object after some of its properties).

    And ``member(key) -> Member | None``: the node as a member of a record. The machine then makes it by itself, and all
    nodes behind it up to the next edge that captures. ``member_key(member)`` is its key, and ``slot_edges(record, i)``
    gives the edges at VALUES behind the name with label i: they do not capture, do not end the rule, and their ``rest``
    is 0; all that they call does not depend on the record. There may be ``blurred_record(record) -> Record | None``:
    the record after one more text of ``record.own``, as ``Capturing.blurred`` has it (its ``own`` are unsure).

    And an attribute ``nested``: True where the same few nodes are met above ever new stacks (a grammar). Masks are then
    worked out node by node, for all stacks.
    """

    @property
    def start(self) -> Key:
        """The key of the node where the text begins. The text is complete where its rule ends."""
        ...

    def expand(self, key: Key) -> Node:
        """The node of a key."""
        ...

    def follow(self, key: Key, label: Label) -> Key:
        """The key of the node reached from ``key`` when an edge with this label has ended. Never asked for END."""
        ...

    def least(self, key: Key) -> int:
        """Least bytes from this node to the end of its rule (0 if it may end at once)."""
        ...

    def describe(self, key: Key, label: Label) -> str | None:
        """Where in the user's source an edge stems from (a JSON pointer, a line), for messages. None if unknown."""
        ...


class Capturing(Network, Protocol):
    """A network some of whose edges capture.

    It may also have a method ``outline(key, label) -> Key | None``, which says what is sure behind an edge before its
    text is known: the key of a node that for every text is the same as the node of ``follow_text``, but for where its
    edges lead (labels that are not END are never followed) and for ``rest``, which holds for all texts. Masks in the
    middle of a capture then need not ask about the text of each token that ends it, but only where a token goes on
    behind an edge of the outline. Worth having wherever many tokens go on after a capture's last byte.

    Or a method ``blurred(key, label) -> Key | None``, which leaves less open: the key of a node of the network that
    stands for the nodes of all texts, with nodes of the same kind behind it and below it. All that is the same for
    every text is as it is there; where it is not, an edge has the symbol ``UNSURE`` (and leads nowhere), or
    ``unsure(first)`` where it is known which bytes may come if any. ``rest`` and ``least`` hold for all texts. Such a
    node is reached in no other way.    """

    def follow_text(self, key: Key, label: Label, text: bytes) -> Key:
        """As ``follow``, for an edge that captures: ``text`` is what its symbol has read. Asked for no others."""
        ...


def check_node(network: Network, key: Key) -> None:
    """Test the local part of the contract at one node; AssertionError says what is broken. For tests."""
    node = network.expand(key)
    if not (node.accepting or node.edges):
        assert network.least(key) >= NEVER, f"node {key!r} is dead"
        return  # behind an edge that refuses
    best = 0 if node.accepting else None
    for edge in node.edges:
        if isinstance(edge.symbol, Call):
            cost = network.least(edge.symbol.key)
        else:
            cost = edge.symbol.min_length()
        if edge.capture:
            assert edge.label is not END, f"edge {edge!r} of {key!r} captures and ends the rule"
            rest = edge.rest  # a bound for all texts; there is no list of them to compare with
        else:
            rest = 0 if edge.label is END else network.least(network.follow(key, edge.label))
        assert rest == edge.rest, f"edge {edge!r} of {key!r}: rest is {rest}"
        best = cost + rest if best is None else min(best, cost + rest)
    assert best == network.least(key), f"node {key!r}: least is {best}, not {network.least(key)}"


def check_outline(network: Capturing, key: Key, edge: Edge, text: bytes) -> None:
    """Test what an outline promises for one text of an edge that captures; AssertionError says what is broken."""
    after = network.follow_text(key, edge.label, text)
    assert network.least(after) <= edge.rest, f"edge {edge!r} of {key!r}: {text!r} costs {network.least(after)}"
    outline = getattr(network, "outline", None)
    behind = None if outline is None else outline(key, edge.label)
    if behind is None:
        return
    real, sure = network.expand(after), network.expand(behind)
    assert real.accepting == sure.accepting, f"outline {behind!r}: accepting"
    rests: list[dict[object, int]] = [{}, {}]
    for node, found in ((real, rests[0]), (sure, rests[1])):
        for e in node.edges:
            symbol = e.symbol if isinstance(e.symbol, Call) else e.symbol.digest
            found[symbol, e.label is END] = min(e.rest, found.get((symbol, e.label is END), e.rest))
    assert rests[0].keys() == rests[1].keys(), f"outline {behind!r}: other symbols than after {text!r}"
    assert all(rest <= rests[1][s] for s, rest in rests[0].items()), f"outline {behind!r}: less than after {text!r}"
