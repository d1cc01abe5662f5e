"""Automata over tokens: Triton (interpreted) and Numba steps against dicts; what the builders build."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

import structgen as sg  # noqa: E402
from structgen import bits  # noqa: E402
from structgen.errors import LimitError  # noqa: E402
from structgen.kernels.automaton import Automaton, advance, fill_rows, gpu, naive  # noqa: E402
from structgen.kernels.automaton.gpu_move import on_device  # noqa: E402
from structgen.kernels.automaton.sequences import of_sequences  # noqa: E402
from structgen.runtime.tabulate import tabulate  # noqa: E402

TOKENS = [*(bytes([i]) for i in range(256)), b"ab", b"abc", b'{"', b'":', b"12", b"tr", b"ue", b"true", b"xx"]
VOCAB = sg.Vocabulary([*TOKENS, None], eos_token_ids=[len(TOKENS)], size=len(TOKENS) + 4)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"enum": ["true", 12]}, "b": {"type": "string", "maxLength": 2}},
    "additionalProperties": False,
}
CONSTRAINTS = [
    sg.Regex("a(b|c)*d?"),
    sg.Choice(["true", "abc", "abd", ""]),
    sg.Regex("[a-c]{2,5}|.*x|\\d+"),
    sg.JsonSchema(SCHEMA, whitespace="compact"),
]


def sequences(seed: int) -> Automaton:
    rng = np.random.default_rng(seed)
    return of_sequences(rng.integers(0, 50, (int(rng.integers(1, 200)), 3)).astype(np.int32), 50, 49)


def automata() -> list[Automaton]:
    return [*(tabulate(sg.compile(c, VOCAB)) for c in CONSTRAINTS), sequences(0), sequences(1)]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)
def test_all_states_agree_with_the_grammar(constraint: Any) -> None:
    """Every state of the automaton has the mask and the next states of the configuration that it stands for."""
    g = sg.compile(constraint, VOCAB)
    automaton = tabulate(g)
    rows = naive.edges(automaton)
    config = {automaton.start: g.start, 0: 0}
    todo = [automaton.start, 0]
    for s in todo:  # grows on the way
        assert sorted(rows[s]) == bits.ids(g.mask(config[s])).tolist()
        for token, to in rows[s].items():
            after = g.advance(config[s], token)
            if to not in config:
                todo.append(to)
            assert config.setdefault(to, after) == after
    assert len(config) == automaton.n_states == len(set(config.values()))


@pytest.mark.parametrize("number", range(6))
def test_steps_and_rows_are_those_of_the_reference(number: int) -> None:
    automaton = automata()[number]
    rng = np.random.default_rng(number)
    edges = naive.edges(automaton)
    batch = 70
    states = rng.integers(-2, automaton.n_states, batch).astype(np.int32)
    tokens = rng.integers(-1, automaton.size + 40, batch).astype(np.int32)
    for b in range(0, batch, 2):  # half of the tokens are allowed
        if states[b] >= 0 and edges[states[b]]:
            tokens[b] = rng.choice(list(edges[states[b]]))
    wanted = naive.advance(edges, states.tolist(), tokens.tolist())
    given, chosen = torch.from_numpy(states), torch.from_numpy(tokens)
    for step, fill in ((gpu.advance, gpu.fill_rows), (advance, fill_rows)):
        moved = on_device(automaton, "cpu", batch)
        moved.rows[automaton.n_rows :] = 0x5A5A5A5A  # poison
        out = torch.full((batch,), 77, dtype=torch.int32)
        step(moved, given, chosen, out)
        assert out.tolist() == wanted
        fill(moved, given, out)
        for b, at in enumerate(out.tolist()):
            if states[b] == -2:
                assert at == -1
            else:
                allowed = sorted(edges[states[b]]) if states[b] >= 0 else []
                assert bits.ids(moved.rows[at].numpy()).tolist() == allowed
        assert torch.equal(moved.rows[: automaton.n_rows], torch.from_numpy(automaton.rows))


@pytest.mark.parametrize("seed", range(4))
def test_sequences_and_nothing_else_are_read(seed: int) -> None:
    """By enumeration: the texts of the automaton are the sequences it was built of, each with EOS at its end."""
    rng = np.random.default_rng(seed)
    given = rng.integers(0, 5, (int(rng.integers(1, 40)), 3)).astype(np.int32)
    automaton = of_sequences(given, 6, 5)
    edges = naive.edges(automaton)
    texts: list[tuple[int, ...]] = []
    todo: list[tuple[tuple[int, ...], int]] = [((), automaton.start)]
    while todo:
        text, state = todo.pop()
        for token, to in edges[state].items():
            if to == 0:
                texts.append(text)
                assert token == 5
            else:
                todo.append(((*text, token), to))
    assert sorted(texts) == sorted({tuple(row) for row in given.tolist()})
    assert edges[0] == {5: 0}


def test_all_forms_of_states_occur() -> None:
    """The constraints above have states with lists only, with rows and exceptions, and with tables."""
    kinds = {(bool(r >= 0), bool(t >= 0)) for a in automata() for r, t in zip(a.row, a.table, strict=True)}
    assert kinds == {(False, False), (True, False), (True, True)}


def test_what_has_no_end_is_refused_in_words() -> None:
    nested = sg.Lark('start: "(" start ")" | "x"')
    with pytest.raises(LimitError, match="nests without bound: a device keeps constraints of finitely many states"):
        tabulate(sg.compile(nested, VOCAB))
    with pytest.raises(LimitError, match="more than 500 states over this vocabulary"):
        tabulate(sg.compile(sg.Regex("(a|b){700}"), VOCAB), max_states=500)
    with pytest.raises(LimitError, match="more than 3000 bytes"):
        tabulate(sg.compile(sg.Regex(".{50}"), VOCAB), max_bytes=3000)


def test_a_large_choice_becomes_an_automaton() -> None:
    """5,000 items over tokens: every item can be read in several spellings, and ends with EOS."""
    items = [f"{(i * 7919) % 100_000:05d}" for i in range(5000)]
    g = sg.compile(sg.Choice(items), VOCAB)
    automaton = on_device(tabulate(g), "cpu", 2)
    for item in items[::501]:
        letters = [c.encode() for c in item]
        for pieces in (letters, [b"12", *letters[2:]] if item[:2] == "12" else letters):
            states = torch.tensor([automaton.start], dtype=torch.int32)
            for piece in pieces:
                states = advance(automaton, states, torch.tensor([TOKENS.index(piece)], dtype=torch.int32))
            assert states.item() > 0
            assert advance(automaton, states, torch.tensor([len(TOKENS)], dtype=torch.int32)).item() == 0
