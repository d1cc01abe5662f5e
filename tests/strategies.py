"""What the property tests draw: toy vocabularies, byte automata, terminals, grammars, patterns.

JSON Schemas and instances are in :mod:`tests.json_strategies`.
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st

from structgen.automata import bytedfa
from structgen.automata.bytedfa import EXIT, PLAIN, TICK, ByteDfa, Counter
from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import Cfg
from structgen.ir.network import Terminal
from tests.naive import TooManyError

THOROUGH = os.environ.get("STRUCTGEN_THOROUGH", "") not in ("", "0")

#: Characters of one, two, three and four bytes.
CHARACTERS = ("a", "b", "c", "é", "€", "😀")
#: Every byte that texts over CHARACTERS hold.
ALPHABET = bytes(sorted(set("".join(CHARACTERS).encode())))


def examples(n: int) -> settings:
    """Settings for ``n`` examples, and for fifty times as many with STRUCTGEN_THOROUGH=1."""
    return settings(
        max_examples=50 * n if THOROUGH else n,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        derandomize=not THOROUGH,
        database=None,
    )


def within_reach(test: Callable[..., None]) -> Callable[..., None]:
    """Discard examples without any text, and those with too many readings for the oracle."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            test(*args, **kwargs)
        except (TooManyError, UnsatisfiableError):
            reject()

    return run


# Vocabularies


@st.composite
def vocabularies(
    draw: st.DrawFn, alphabet: bytes = ALPHABET, most: int = 10, whole: bool = False
) -> tuple[list[bytes | None], list[int]]:
    """Tokens and EOS ids: the bytes of the alphabet one by one, and up to ``most`` others.

    The others are concatenations of the alphabet's bytes (so they overlap, are prefixes of each other, and split
    characters), whole characters, and repeats of tokens. Then there are entries None, an empty token, and none to
    two EOS ids, whose own bytes must not count.

    Args:
        alphabet: the bytes that texts are made of.
        most: how many more tokens.
        whole: all 256 bytes are tokens.
    """
    singles = [bytes([b]) for b in (range(256) if whole else alphabet)]
    piece = st.lists(
        st.sampled_from([*singles, *(c.encode() for c in CHARACTERS)] if not whole else [bytes([b]) for b in alphabet]),
        min_size=2,
        max_size=5,
    ).map(b"".join)
    others: list[bytes | None] = list(draw(st.lists(piece, max_size=most)))
    others += [t[:-1] for t in others[:2] if t]
    others += draw(st.lists(st.sampled_from([*singles[:5], None, b"", *others[:3]]), max_size=3))
    tokens: list[bytes | None] = list(draw(st.permutations([*others]))) + singles
    if not whole:
        tokens = list(draw(st.permutations(tokens)))
    eos = []
    for text in draw(st.lists(st.sampled_from([None, b"<eos>", b"a", b"ab"]), max_size=2)):
        eos.append(len(tokens))
        tokens.append(text)
    return tokens, eos


# Automata and terminals


@st.composite
def byte_dfas(draw: st.DrawFn, alphabet: bytes = b"ab", most_states: int = 4) -> ByteDfa:
    """A random automaton with a text, trimmed."""
    n = draw(st.integers(1, most_states))
    target = st.integers(-1, n - 1)
    table = [[draw(target) for _ in alphabet] for _ in range(n)]
    accept = set(draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n)))
    live = set(accept)
    while True:
        more = {s for s in range(n) if any(t in live for t in table[s])} - live
        if not more:
            break
        live |= more
    if 0 not in live:
        accept, live = {0}, {0}
    order, todo = {0: 0}, [0]
    edges = []
    while todo:
        s = todo.pop()
        for byte, t in zip(alphabet, table[s], strict=True):
            if t in live:
                if t not in order:
                    order[t] = len(order)
                    todo.append(t)
                edges.append((order[s], byte, byte, order[t]))
    return bytedfa.from_edges(len(order), edges, [order[s] for s in accept if s in order])


def counted(before: bytes, lo: int, hi: int | None, two_bytes: bool, after: bytes) -> ByteDfa:
    """``before (a | b | é){lo,hi} c after``, the é if ``two_bytes``: a count kept beside the state."""
    boundary = len(before)
    edges: list[tuple[int, int, int, int, int]] = [(i, b, b, i + 1, PLAIN) for i, b in enumerate(before)]
    n = boundary + 1
    edges.append((boundary, ord("a"), ord("b"), boundary, TICK))
    if two_bytes:
        edges.append((boundary, 0xC3, 0xC3, n, TICK))
        edges.append((n, 0xA9, 0xA9, boundary, PLAIN))
        n += 1
    edges.append((boundary, ord("c"), ord("c"), n, EXIT))
    for byte in after:
        edges.append((n, byte, byte, n + 1, PLAIN))
        n += 1
    edges.sort()
    plain = bytedfa.from_edges(n + 1, [e[:4] for e in edges], [n])
    marks = np.array([e[4] for e in edges], dtype=np.uint8)
    return ByteDfa(plain.first, plain.lo, plain.hi, plain.to, plain.accept, Counter(lo, hi, marks))


def counted_dfas() -> st.SearchStrategy[ByteDfa]:
    """Counted automata of all kinds: open and closed bounds, one byte or two for an iteration."""
    before, after = st.sampled_from([b"", b"c", b"ab"]), st.sampled_from([b"", b"a", b"bb"])
    more = st.one_of(st.none(), st.integers(0, 3))
    return st.builds(
        lambda b, lo, more, two, a: counted(b, lo, None if more is None else lo + more, two, a),
        before, st.integers(0, 3), more, st.booleans(), after,
    )  # fmt: skip


def _terminal(dfa: ByteDfa) -> Terminal:
    return Terminal(dfa, f"t{dfa.digest.hex()[:4]}")


#: Terminals over a and b, one of which may be empty.
SMALL_TERMINALS = tuple(
    Terminal(dfa, name)
    for name, dfa in {
        "a": bytedfa.literal(b"a"),
        "b": bytedfa.literal(b"b"),
        "ab": bytedfa.literal(b"ab"),
        "a?": bytedfa.choices([b"", b"a"]),
        "b|ab": bytedfa.choices([b"b", b"ab"]),
        "(ab)*": bytedfa.from_edges(2, [(0, 97, 97, 1), (1, 98, 98, 0)], [0]),
        "b+": bytedfa.from_edges(2, [(0, 98, 98, 1), (1, 98, 98, 1)], [1]),
    }.items()
)


def terminals() -> st.SearchStrategy[Terminal]:
    """Literals, random automata and counted ones, over ALPHABET."""
    literals = st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=3).map(lambda cs: "".join(cs).encode())
    choices = st.lists(literals, min_size=1, max_size=3).map(bytedfa.choices)
    return st.one_of(
        st.sampled_from(SMALL_TERMINALS),
        literals.map(bytedfa.literal).map(_terminal),
        choices.map(_terminal),
        byte_dfas(b"abc").map(_terminal),
        counted_dfas().map(_terminal),
    )


#: Counted ones for the tests by plain chance.
COUNTED_TERMINALS = tuple(
    Terminal(counted(*shape), f"counted {shape}")
    for shape in [
        (b"", 0, None, False, b""), (b"", 0, 0, True, b"a"), (b"ab", 2, 4, True, b""), (b"", 1, 3, False, b"a"),
        (b"a", 3, None, True, b"bb"), (b"b", 0, 2, False, b"a"), (b"", 2, 2, True, b""),
    ]
)  # fmt: skip


# Grammars


@st.composite
def cfgs(draw: st.DrawFn, symbols: st.SearchStrategy[Terminal] | None = None, most_rules: int = 4) -> Cfg:
    """A random grammar: useless rules, left recursion (hidden too), ambiguity, unit cycles, empty rules, all of it.

    Its start may have no text at all.
    """
    names = ["s", "a", "b", "c", "d"][: draw(st.integers(1, most_rules))]
    symbol = st.one_of(st.sampled_from(names), st.sampled_from(SMALL_TERMINALS) if symbols is None else symbols)
    alternative = st.lists(symbol, max_size=3).map(tuple)
    rules = {name: draw(st.lists(alternative, min_size=1, max_size=3)) for name in names}
    return Cfg("s", {}, {name: f"line {i + 1}" for i, name in enumerate(names)}).with_rules(rules)


# Patterns


def patterns() -> st.SearchStrategy[str]:
    """Regular expressions in Python's dialect, as text. A few are malformed (a lookbehind without a fixed width)."""
    atom = st.sampled_from(
        [
            "a", "b", "ab", "é", "€", "😀", ".", "[ab]", "[^a]", "[a-c]", "[é-€]", r"\w", r"\d", r"\s", r"\W", r"[^\w]",
            r"\x61", r"\u20ac", "",
        ]
    )  # fmt: skip

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        group = inner.map(lambda p: f"(?:{p})")
        counts = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?"])
        return st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(group, group).map("".join),
            st.tuples(inner, inner).map("|".join),
            st.tuples(group, counts).map("".join),
            inner.map(lambda p: f"({p})"),
            inner.map(lambda p: f"(?={p})"),
            inner.map(lambda p: f"(?!{p})"),
            group.map(lambda p: f"{p}\\b"),
            group.map(lambda p: f"^{p}$"),
            inner.map(lambda p: f"(?<={p})"),
            inner.map(lambda p: f"(?<!{p})"),
            inner.map(lambda p: f"(?i:{p})"),
            inner.map(lambda p: f"(?s-i:{p})"),
            inner.map(lambda p: f"(?>{p})"),
            group.map(lambda p: f"\\B{p}"),
            group.map(lambda p: f"{p}?+"),
        )

    return st.recursive(atom, larger, max_leaves=5)


def texts(most: int = 5) -> st.SearchStrategy[str]:
    """Short texts over CHARACTERS and a few that classes tell apart."""
    return st.text(st.sampled_from([*CHARACTERS, "1", " ", "\n", "_", "Z"]), max_size=most)


#: Choices along a random walk: each picks one of the tokens allowed, by remainder.
def walks(most: int = 10) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 1 << 16), min_size=most, max_size=most)


def pick(choice: int, options: list[Any]) -> Any:
    return options[choice % len(options)]


# The same by plain chance: larger examples than hypothesis likes to draw


def random_cfg(rng: random.Random, symbols: Sequence[Terminal], most_rules: int = 5) -> Cfg:
    """A grammar as :func:`cfgs` draws them."""
    names = "sabcde"[: rng.randint(1, most_rules)]
    rules = {
        name: [
            tuple(
                rng.choice(names) if rng.random() < 0.5 else rng.choice(symbols)
                for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4]))
            )
            for _ in range(rng.randint(1, 3))
        ]
        for name in names
    }
    return Cfg("s", {}).with_rules(rules)


def random_vocabulary(
    rng: random.Random, alphabet: bytes, most: int = 12, longest: int = 8
) -> tuple[list[bytes | None], list[int]]:
    """Tokens and EOS ids as :func:`vocabularies` draws them."""
    tokens: list[bytes | None] = [bytes([b]) for b in alphabet]
    for _ in range(rng.randint(0, most)):
        text = bytes(rng.choice(alphabet) for _ in range(rng.randint(2, longest)))
        tokens.extend([text, text[:-1]] if rng.random() < 0.3 else [text])
    tokens += [None, b"", tokens[0]]
    rng.shuffle(tokens)
    n_eos = rng.randint(0, 2)
    return [*tokens, b"a", None][: len(tokens) + n_eos], list(range(len(tokens), len(tokens) + n_eos))
