"""Decoding steps under a finite automaton, on the device from the states to the tokens."""

from __future__ import annotations

from typing import Any

import torch

from structgen.kernels.apply_mask import apply_mask
from structgen.kernels.automaton import Automaton, advance, fill_rows
from structgen.kernels.automaton.gpu_move import on_device
from structgen.kernels.sample import TILE, Sampled, sample


class Decoder:
    """An automaton on a device, with the states of a batch. Nothing here waits for the device.

    Attributes:
        automaton: its arrays are tensors on ``device``, with room for the rows of ``batch`` sequences.
        states: int32[batch]: the state of each sequence, updated in place by :meth:`step`.
        steps: int32[batch]: tokens drawn so far by each sequence, part of what its noise depends on.
    """

    def __init__(self, automaton: Automaton, device: Any, batch: int) -> None:
        self.device = torch.device(device)
        self.batch = batch
        self.automaton = on_device(automaton, self.device, batch)
        self.states = torch.full((batch,), automaton.start, dtype=torch.int32, device=self.device)
        self.steps = torch.zeros(batch, dtype=torch.int32, device=self.device)
        self._indices = torch.empty(batch, dtype=torch.int32, device=self.device)

    def reset(self, state: int | None = None) -> None:
        """All sequences at one state, by default the start, with no token drawn."""
        self.states.fill_(self.automaton.start if state is None else state)
        self.steps.zero_()

    def indices(self, states: Any = None) -> Any:
        """Where the mask rows of the states lie in ``automaton.rows``: int32[B]; see ``automaton.fill_rows``."""
        states = self.states if states is None else states
        return fill_rows(self.automaton, states, self._indices[: len(states)])

    def apply(self, logits: Any, states: Any = None) -> None:
        """Set the logits [B, C] of tokens that are not allowed to minus infinity, in place."""
        apply_mask(logits, self.automaton.rows, self.indices(states))

    def advance(self, tokens: Any) -> None:
        """Move the states by tokens, int32[batch], that were chosen elsewhere."""
        advance(self.automaton, self.states, tokens, self.states)
        self.steps += 1

    def step(self, logits: Any, seeds: Any, *, tile: int = TILE, **how: Any) -> Sampled:
        """Draw a token for each sequence and move its state.

        Args:
            logits: float [batch, C]. seeds: int64[batch].
            how: temperature, top_k, top_p, min_p, mass: see :func:`structgen.kernels.sample.sample`; as tensors on the
                device, if the step is to be captured and they are to change.
        """
        drawn = sample(
            logits, seeds, self.steps, rows=self.automaton.rows, indices=self.indices(), tile=tile, **how
        )
        self.advance(drawn.tokens)
        return drawn

    def capture(self, logits: Any, seeds: Any, **how: Any) -> tuple[Any, Sampled]:
        """A CUDA graph of one step, and the tensors that each replay writes.

        Before a replay, write new logits into ``logits``; states and steps go on by themselves. The states are
        those of before the call again when it returns.

        Raises:
            ValueError: the device is not a GPU.
        """
        if self.device.type != "cuda":
            raise ValueError("graphs are captured on a GPU")
        kept = self.states.clone(), self.steps.clone()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            self.step(logits, seeds, **how)  # compiles the kernels, which may not happen in a capture
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            drawn = self.step(logits, seeds, **how)
        self.states.copy_(kept[0])
        self.steps.copy_(kept[1])
        return graph, drawn
