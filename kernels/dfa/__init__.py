"""Automata: minimisation, subset construction, products, partitions of the alphabet, UTF-8.

``classes``, ``minimize`` and ``explore`` are compiled by Numba; ``naive`` is the reference for all three.
"""

from structgen.kernels.dfa.classes import equal_columns, partition, refine, relabel, sparse_rows
from structgen.kernels.dfa.explore import determinize, expand_tree, product, trie
from structgen.kernels.dfa.minimize import canonical, distances

__all__ = [
    "canonical",
    "determinize",
    "distances",
    "equal_columns",
    "expand_tree",
    "partition",
    "product",
    "refine",
    "relabel",
    "sparse_rows",
    "trie",
]
