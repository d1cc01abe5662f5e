"""Texts with gaps under random networks with blocks, against the reference."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from structgen.automata.bytedfa import literal
from structgen.infill.recogniser import Hole, Part, Recogniser, tidy
from structgen.infill.tables import tables_of
from structgen.ir.margins import MarginRule, Margins
from structgen.ir.network import END, Call, Edge, Node, Terminal
from structgen.kernels.pushdown import naive
from tests.strategies import examples

MOST = 3
A, B, EQUAL, DEEPER = Terminal(literal(b"a"), "a"), Terminal(literal(b"b"), "b"), object(), object()
NOTHING = literal(b"")
MARKS = {False: Terminal(literal(b"\xff0"), "margin"), True: Terminal(literal(b"\xff1"), "margin")}


class Blocks:
    """A network that tells about its margins, made of the reference's."""

    def __init__(self, network: naive.Network) -> None:
        self._network = network

    def margins(self) -> Margins:
        nodes = {}
        for key, (accepting, edges) in self._network.items():
            made = []
            for symbol, to in edges:
                if symbol[0] == "call":
                    made.append(Edge(Call(symbol[1]), END if to is None else to, 0))
                elif symbol[0] == "text":
                    (word,) = symbol[1]
                    made.append(Edge(A if word == "a" else B, END if to is None else to, 0))
                else:
                    made.append(Edge(MARKS[symbol[0] == "deeper"], END if to is None else to, 0))
            nodes[key] = Node(accepting, tuple(made))
        rules = {mark: MarginRule(deeper, NOTHING) for deeper, mark in MARKS.items()}
        return Margins("s0", nodes, rules, {32: 1}, MOST, frozenset(nodes))


@st.composite
def networks(draw: st.DrawFn) -> naive.Network:
    """Three rules of up to four nodes, each node with the shortest way to an end it began with: none is dead."""
    network: dict[Any, tuple[bool, list[Any]]] = {}
    for rule in "stu":
        n = draw(st.integers(1, 4))
        for i in range(n):
            last = i == n - 1
            text = ("text", frozenset(draw(st.sampled_from("ab"))))
            first = draw(st.sampled_from([text, text, ("equal",)] + [("deeper",)] * (not last)))
            edges = [(first, None if last else f"{rule}{i + 1}")]
            if draw(st.booleans()):
                # text first, so that no rule calls itself without a byte
                edges.append((("text", frozenset(draw(st.sampled_from("ab")))), f"{rule}{i}c"))
                called = draw(st.sampled_from("stu"))
                to = draw(st.sampled_from([f"{rule}{i}", None if last else f"{rule}{i + 1}"]))
                network[f"{rule}{i}c"] = False, [(("call", f"{called}0"), to)]
            network[f"{rule}{i}"] = draw(st.integers(0, 3)) == 0, edges
    return network


HOLES = st.builds(
    lambda least, more: Hole(least, None if more is None else least + more),
    st.integers(0, 2),
    st.none() | st.none() | st.integers(0, 2),
)
PARTS = st.lists(HOLES | st.text("ab ", min_size=1, max_size=4).map(str.encode), min_size=1, max_size=6)


@examples(150)
@given(networks(), PARTS)
def test_holes(network: naive.Network, parts: list[Part]) -> None:
    tables = tables_of(Blocks(network))  # type: ignore[arg-type]
    assert tables is not None
    recogniser = Recogniser(tables)
    parts = tidy(parts)
    answer = recogniser.completable(parts)
    assert answer is not None
    holes = [part for part in parts if isinstance(part, Hole)]
    if answer:
        found = recogniser.fillings(parts)
        assert found is not None and len(found) == len(holes)
        for text, hole in zip(found, holes, strict=True):
            assert hole.least <= len(text) and (hole.most is None or len(text) <= hole.most)
        rest = iter(found)
        text = b"".join(next(rest) if isinstance(part, Hole) else part for part in parts)
        assert naive.accepts(network, "s0", text.decode(), MOST)
    else:
        longest = {0: 0, 1: 4, 2: 2}.get(len(holes), 1)
        texts = [part.decode() if isinstance(part, bytes) else (part.least, part.most) for part in parts]
        assert not list(naive.completions(network, "s0", texts, "ab ", longest, MOST))
