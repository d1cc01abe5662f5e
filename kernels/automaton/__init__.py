"""A finite automaton over tokens, as arrays that a device keeps: states in, next states and mask rows out.

``build`` makes one of a compiled machine's states, ``sequences`` one of token sequences; ``gpu`` holds the Triton
kernels, ``cpu`` Numba, ``naive`` the reference.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: States that are none: not allowed; not constrained.
DEAD, FREE = -1, -2


class Automaton(NamedTuple):
    """Arrays of NumPy, or tensors. State 0 is the finished one, which EOS leads to.

    A state's edges are listed, ascending by token. A state with very many has a row of bits as well: tokens of the
    row that are not listed lead to the state's default. Where that would take more than a table of all tokens, or the
    state is in the first layer, it has such a table.

    Attributes:
        first: int32[n + 1]; the listed edges of state s are ``first[s] .. first[s + 1] - 1``.
        tokens, after: int32[e]: token and next state of each edge.
        row: int32[n]: the state's row in ``rows``, -1: its edges are all listed.
        default: int32[n]: where tokens of the row lead that are not listed; -1: none are left.
        table: int32[n]: the state's table in ``tables``, -1: none. A state with a table has a row and lists nothing.
        rows: int32[r, W]: packed; in a tensor, room for rows of a batch follows.
        tables: int32[k, size]: next state for each token, -1 where it is not allowed.
        start: the start state. size: tokens of the vocabulary. n_rows: r. degree: the most edges listed of a state.
    """

    first: Any
    tokens: Any
    after: Any
    row: Any
    default: Any
    table: Any
    rows: Any
    tables: Any
    start: int
    size: int
    n_rows: int
    degree: int

    @property
    def arrays(self) -> tuple[Any, ...]:
        return tuple(self[:8])

    @property
    def n_states(self) -> int:
        return len(self.row)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays)


def advance(automaton: Automaton, states: Any, tokens: Any, out: Any = None) -> Any:
    """The states after one token each: int32[B]; DEAD where a token is not allowed, FREE stays FREE.

    Args:
        automaton: of tensors. states, tokens: int32[B] on its device. out: int32[B], may be ``states`` itself.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("states", states, torch.int32, 1, automaton.first)
    gpu_tensors.checked("tokens", tokens, torch.int32, 1, states)
    out = torch.empty_like(states) if out is None else out
    if states.is_cuda:
        from structgen.kernels.automaton import gpu

        gpu.advance(automaton, states, tokens, out)
    else:
        from structgen.kernels.automaton import cpu

        array = gpu_tensors.array
        cpu.advance(*map(array, automaton.arrays), array(states), array(tokens), array(out))
    return out


def fill_rows(automaton: Automaton, states: Any, out: Any = None) -> Any:
    """Where the mask row of each state lies in ``automaton.rows``: int32[B]; -1 for FREE.

    A state with a row of its own is pointed at; the edges of any other are written, as bits, into the row of its
    sequence behind the automaton's own: ``rows`` must have room, ``n_rows + B`` rows (see ``gpu_move.on_device``). DEAD
    gets an empty row.
    """
    import structgen.kernels.gpu_tensors as gpu_tensors

    torch = gpu_tensors.torch
    gpu_tensors.checked("states", states, torch.int32, 1, automaton.first)
    if len(automaton.rows) < automaton.n_rows + len(states):
        raise ValueError(f"rows have no room for a batch of {len(states)}")
    out = torch.empty_like(states) if out is None else out
    if states.is_cuda:
        from structgen.kernels.automaton import gpu

        gpu.fill_rows(automaton, states, out)
    else:
        from structgen.kernels.automaton import cpu

        array = gpu_tensors.array
        cpu.fill_rows(*map(array, automaton.arrays), automaton.n_rows, array(states), array(out))
    return out


__all__ = ["DEAD", "FREE", "Automaton", "advance", "fill_rows"]
