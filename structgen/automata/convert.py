"""From the algebra's automata to the byte automata that the machine runs.

Receives a :class:`~structgen.automata.dfa.Dfa` over bytes; returns a
:class:`~structgen.automata.bytedfa.ByteDfa`, sparse, with the same states.
"""

from __future__ import annotations

import numpy as np

from structgen.automata.bytedfa import ByteDfa
from structgen.automata.dfa import Dfa
from structgen.automata.symbols import BYTES
from structgen.kernels import dfa as kernels


def to_bytedfa(d: Dfa) -> ByteDfa:
    """The same language as a :class:`ByteDfa`; state numbers are kept.

    Raises:
        ValueError: the language is over code points (use ``utf8`` first), or empty.
    """
    if d.alphabet != BYTES:
        raise ValueError("to_bytedfa() takes a language over bytes: convert with utf8() first")
    if d.is_empty():
        raise ValueError("no word is in this language, so no terminal can be made of it")
    first, lo, hi, to = kernels.sparse_rows(d.starts, d.classes, d.delta, BYTES)
    return ByteDfa(first, lo.astype(np.uint8), hi.astype(np.uint8), to, d.accept)
