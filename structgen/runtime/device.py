"""Compiled grammars of finitely many states on a device: masks, draws and states never return to the host.

Receives a :class:`CompiledGrammar`; returns a :class:`DeviceGrammar`. torch is imported when one is made.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from structgen.errors import InputError
from structgen.kernels.automaton import DEAD, FREE, Automaton, cpu
from structgen.runtime.tabulate import MAX_BYTES, MAX_STATES, tabulate

if TYPE_CHECKING:
    from structgen.masks.vocabulary import Vocabulary
    from structgen.runtime.compiled import CompiledGrammar


class DeviceGrammar:
    """A finite grammar whose tables lie on a device.

    States are numbers of the device's automaton: 0 is finished, ``start`` the empty text, -1 not allowed, -2 not
    constrained. They are not those of the compiled grammar.

    Attributes:
        automaton: the tables, as NumPy arrays. decoder: the tables as tensors, and the states of a batch; see
            :class:`structgen.kernels.decoding.gpu_decoder.Decoder`.
        vocab: the vocabulary. start: the start state.
        seconds: how long the tables took to build. nbytes: memory of the tables on the device.
    """

    FINISHED, DEAD, FREE = 0, DEAD, FREE

    def __init__(self, automaton: Automaton, vocab: Vocabulary, decoder: Any, seconds: float) -> None:
        self.automaton = automaton
        self.vocab = vocab
        self.decoder = decoder
        self.start: int = automaton.start
        self.seconds = seconds
        self.nbytes = sum(tensor.nbytes for tensor in decoder.automaton.arrays)

    @property
    def n_states(self) -> int:
        return self.automaton.n_states

    def state_after(self, tokens: Iterable[int], state: int | None = None) -> int:
        """The state after some tokens, on the host: for texts that are begun already. -1: they are not allowed."""
        at = self.start if state is None else state
        for token in tokens:
            at = int(cpu.step(*self.automaton.arrays, np.int32(at), np.int32(token)))
        return at

    def __repr__(self) -> str:
        a = self.automaton
        return (
            f"<DeviceGrammar on {self.decoder.device}: {a.n_states} states, {len(a.tokens)} edges listed, "
            f"{a.n_rows} rows, {len(a.tables)} tables, {self.nbytes / 1e6:.1f} MB, built in {self.seconds:.2f} s>"
        )


def to_device(
    grammar: CompiledGrammar,
    device: Any = "cuda",
    *,
    batch: int = 256,
    max_states: int = MAX_STATES,
    max_bytes: int = MAX_BYTES,
) -> DeviceGrammar:
    """Put a grammar's states, transitions and masks on a device.

    Args:
        device: what ``torch.device`` takes.
        batch: sequences that are decoded at once, at most.
        max_states, max_bytes: limits of the tables.

    Raises:
        LimitError: the grammar has more states (perhaps without end) or takes more memory.
        InputError: there is no such device, or no torch.
    """
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise InputError(f"batch={batch!r}", hint="It is an integer, at least 1")
    try:
        from structgen.kernels.decoding.gpu_decoder import Decoder
    except ImportError as error:
        raise InputError("device-side decoding needs torch", hint='pip install "structgen[gpu]"') from error
    begin = time.perf_counter()
    automaton = tabulate(grammar, max_states=max_states, max_bytes=max_bytes)
    try:
        decoder = Decoder(automaton, device, batch)
    except (RuntimeError, AssertionError) as error:  # what torch raises for a device that is not there
        raise InputError(f"the tables cannot be put on {device!r}: {error}") from error
    return DeviceGrammar(automaton, grammar.vocab, decoder, time.perf_counter() - begin)
