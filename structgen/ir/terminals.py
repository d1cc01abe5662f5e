"""Small questions about terminals that grammar passes and combinations ask.

Receives a :class:`Terminal`; returns facts about it, or another Terminal.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from structgen.automata.bytedfa import ByteDfa
from structgen.ir.network import Terminal


def nullable(terminal: Terminal) -> bool:
    """Does it accept the empty string? (A counted automaton never does: it must pass its EXIT.)"""
    return bool(terminal.dfa.accept[0])


@lru_cache(maxsize=4096)
def least_bytes(terminal: Terminal) -> int:
    """Length in bytes of its shortest text, of those that ban nothing."""
    return terminal.min_length()


@lru_cache(maxsize=4096)
def nonempty(terminal: Terminal) -> Terminal | None:
    """The same language without the empty string; None if nothing is left."""
    if not nullable(terminal):
        return terminal
    dfa = terminal.dfa
    if dfa.first[1] == 0:
        return None
    rest = _without_empty(dfa)
    moved = rest.n_states - dfa.n_states
    bans = {state + moved: ban for state, ban in terminal.bans.items()}
    return Terminal(rest, terminal.name, terminal.where, bans)


def _without_empty(dfa: ByteDfa) -> ByteDfa:
    if not (dfa.to == 0).any():
        accept = dfa.accept.copy()
        accept[0] = False
        return ByteDfa(dfa.first, dfa.lo, dfa.hi, dfa.to, accept, dfa.counter)
    # the start is entered again, where it must go on accepting: put a copy before it
    assert dfa.counter is None, "a counted automaton does not accept the empty string"
    n = int(dfa.first[1])
    return ByteDfa(
        np.concatenate([[0], dfa.first + n]).astype(np.int32),
        np.concatenate([dfa.lo[:n], dfa.lo]),
        np.concatenate([dfa.hi[:n], dfa.hi]),
        np.concatenate([dfa.to[:n], dfa.to]) + np.int32(1),
        np.concatenate([[False], dfa.accept]),
    )
