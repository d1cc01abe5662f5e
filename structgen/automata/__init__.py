"""Finite automata and the algebra of regular languages.

Receives symbols, words, ranges and automata; returns automata. In reading order: ``symbols`` (sets of symbols,
classes), ``dfa`` (the canonical automaton), ``constructors``, ``nfa`` (subset construction), ``operations``,
``enumeration`` (words), ``utf8`` (code points to bytes), ``bytedfa`` and ``convert`` (what the machine runs).
"""

from structgen.automata.bytedfa import ByteDfa, Counter, chain
from structgen.automata.constructors import (
    empty,
    epsilon,
    everything,
    lengths,
    literal,
    literals,
    repeat_set,
    symbols,
)
from structgen.automata.convert import to_bytedfa
from structgen.automata.dfa import MAX_STATES, Dfa, Word, make
from structgen.automata.nfa import Nfa
from structgen.automata.operations import (
    complement,
    concat,
    difference,
    intersect,
    repeat,
    union,
    witness_not_in,
)
from structgen.automata.symbols import BYTES, CODE_POINTS, Ranges
from structgen.automata.utf8 import utf8

__all__ = [
    "BYTES",
    "CODE_POINTS",
    "MAX_STATES",
    "ByteDfa",
    "Counter",
    "Dfa",
    "Nfa",
    "Ranges",
    "Word",
    "chain",
    "complement",
    "concat",
    "difference",
    "empty",
    "epsilon",
    "everything",
    "intersect",
    "lengths",
    "literal",
    "literals",
    "make",
    "repeat",
    "repeat_set",
    "symbols",
    "to_bytedfa",
    "union",
    "utf8",
    "witness_not_in",
]
