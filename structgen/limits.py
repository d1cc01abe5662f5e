"""What a compilation may cost. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on time and memory; reaching one raises :class:`structgen.errors.LimitError`.

    Attributes:
        max_automaton_states: states of any one finite automaton while it is built.
        max_nodes: nodes of the lazy network that may be expanded.
        max_states: constraint states (configurations) that one compiled grammar may hold.
        max_grammar_bytes: memory of one compiled grammar's tables, finished masks left out.
        max_mask_bytes: memory for finished masks of one compiled grammar; the oldest are dropped and made
            again when needed, so this never raises.
        max_vocabulary_bytes: memory for the rows that all grammars of a vocabulary share; same.
    """

    max_automaton_states: int = 100_000
    max_nodes: int = 2_000_000
    max_states: int = 20_000_000
    max_grammar_bytes: int = 2 << 30
    max_mask_bytes: int = 128 << 20
    max_vocabulary_bytes: int = 1 << 30
