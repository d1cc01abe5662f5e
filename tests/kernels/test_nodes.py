"""A node's edges as rows, against the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from structgen.automata.bytedfa import from_edges, literal
from structgen.kernels.machine import cpu, naive
from structgen.kernels.machine import layout as L
from structgen.masks.terminals import TerminalStore
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.machine import Machine
from tests.strategies import examples

STORE = TerminalStore(Vocabulary([b"a", b"b"]), 1 << 20)
#: a state in which its terminal may not end, and one in which it may
STATES = [STORE.start(literal(b"ab")), STORE.start(from_edges(1, [(0, 97, 97, 0)], [0]))]
CALLED = 4

EDGES = st.lists(
    st.tuples(
        st.sampled_from([-1, *STATES]), st.integers(1, CALLED), st.booleans(), st.integers(0, 50), st.booleans()
    ).map(lambda e: (e[0], e[1] if e[0] < 0 else -1, e[2] and not e[4], e[3], e[4])),
    max_size=12,
)


def rows_of(edges: list[tuple[int, int, bool, int, bool]]) -> Any:
    rows = np.zeros((len(edges), L.E_COLS), dtype=np.int32)
    for row, (q, called, captures, rest, end) in zip(rows, edges, strict=True):
        shadow = (L.SHADOW_CALL if q < 0 else L.SHADOW_NEW) if captures else L.SHADOW_NONE
        target = L.TARGET_END if end else L.TARGET_UNKNOWN
        row[[L.E_Q0, L.E_CALL, L.E_TARGET, L.E_REST, L.E_SHADOW]] = q, called, target, rest, shadow
    return rows


@given(EDGES, EDGES, st.integers(0, 4095), st.integers(0, 20), st.booleans(), st.data())
@examples(200)
def test_the_edges_and_the_rank_of_a_node(
    shared: list[Any], own: list[Any], left_out: int, more: int, accepting: bool, data: st.DataObject
) -> None:
    ranks: list[int | None] = [None, *(data.draw(st.sampled_from([None, 0, 1, 5])) for _ in range(CALLED))]
    left_out &= (1 << len(shared)) - 1
    m = Machine.empty_arrays()
    for called, rank in enumerate(ranks):
        if called and rank is not None:
            m.nodes[called, [L.N_READY, L.N_RANK]] = 1, rank
    m.used[L.M_EDGES] = len(shared)
    m.edges[: len(shared)] = rows_of(shared)
    bits = np.frombuffer(bytearray(left_out.to_bytes(2, "little")), dtype=np.uint8)
    waiting = cpu.add_node(
        STORE.handle, cpu.handle(m), 0, int(accepting), 0, len(shared), bits, more, rows_of(own)
    )
    wanted, rank, missing = naive.node(
        shared, left_out, more, own, accepting, lambda q: bool(STORE.arrays.q[q, L.Q_ACCEPT]), ranks
    )
    first, n = int(m.nodes[0, L.N_EDGE]), int(m.nodes[0, L.N_EDGES])
    rows = m.edges[first : first + n].tolist()
    found = [
        (e[L.E_Q0], e[L.E_CALL], e[L.E_SHADOW] != L.SHADOW_NONE, e[L.E_REST], e[L.E_TARGET] == L.TARGET_END)
        for e in rows
    ]
    assert found == wanted
    assert (waiting, m.nodes[0, L.N_RANK]) == (missing, rank)
    assert (m.nodes[0, L.N_READY], m.nodes[0, L.N_ACCEPT]) == (1, accepting)
    assert bool(m.used[L.CAPTURES]) == any(captures for _, _, captures, _, _ in wanted)
    # behind the edges, the shadows of those that capture the text of a terminal
    shadows = [e[L.E_SHADOW] for e in rows if e[L.E_Q0] >= 0 and e[L.E_SHADOW] != L.SHADOW_NONE]
    assert shadows == list(range(first + n, int(m.used[L.M_EDGES])))
    assert all(m.edges[s, L.E_TARGET] == L.TARGET_END and m.edges[s, L.E_NODE] == 0 for s in shadows)
