"""The byte automaton of a network that has finitely many states: all its configurations, one by one.

Receives a network; returns a :class:`~structgen.automata.Dfa` over bytes. So constraints of any kind meet in one
algebra, as long as nothing in them nests without bound.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from structgen.automata import BYTES, Dfa, make
from structgen.errors import LimitError
from structgen.ir.network import Network
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar


@lru_cache(maxsize=1)
def byte_vocabulary() -> Vocabulary:
    """Every byte a token, and an EOS token after them."""
    return Vocabulary([*(bytes([i]) for i in range(256)), None], eos_token_ids=[256])


def automaton(network: Network, limits: Limits, max_states: int) -> Dfa:
    """The texts of a network as a language over bytes.

    Raises:
        LimitError: more than ``max_states`` configurations (infinitely many, where something nests without bound).
    """
    grammar = CompiledGrammar(network, byte_vocabulary(), limits)
    numbers = {grammar.start: 0}
    todo = [grammar.start]
    table: list[np.ndarray] = []
    for state in todo:  # grows on the way
        after = grammar.next_states(state)[:256]
        row = np.full(256, -1, dtype=np.int32)
        for target in np.unique(after[after >= 0]).tolist():
            if target not in numbers:
                if len(numbers) >= max_states or (len(numbers) % 16 == 0 and grammar.nests()):
                    raise LimitError(
                        f"the constraint has more than {max_states} states, perhaps without end",
                        hint="Bound what is repeated or nested in it",
                    )
                numbers[target] = len(numbers)
                todo.append(target)
            row[after == target] = numbers[target]
        table.append(row)
    accept = np.array([grammar.accepts(state) for state in todo], dtype=np.bool_)
    each = np.arange(256, dtype=np.int32)
    return make(BYTES, each, each, np.ascontiguousarray(np.stack(table)), accept)
