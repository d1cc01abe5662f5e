"""Automata: minimisation, subset construction, products, partitions of the alphabet, UTF-8.

``cpu.py`` is compiled by Numba; ``naive.py`` is the reference that the tests compare it with.
"""

from structgen.kernels.dfa.cpu import (
    canonical,
    determinize,
    distances,
    equal_columns,
    expand_tree,
    partition,
    product,
    refine,
    relabel,
    sparse_rows,
    trie,
)

__all__ = [
    "canonical",
    "determinize",
    "distances",
    "expand_tree",
    "equal_columns",
    "partition",
    "product",
    "refine",
    "relabel",
    "sparse_rows",
    "trie",
]
