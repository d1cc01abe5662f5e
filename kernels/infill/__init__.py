"""Finite automata over a vocabulary: token graphs, and sets of states along them."""

from structgen.kernels.infill.graph import by_state, neighbours, token_columns
from structgen.kernels.infill.sets import backward_closure, classes_between, forward_closure, image, preimage

__all__ = [
    "backward_closure",
    "by_state",
    "classes_between",
    "forward_closure",
    "image",
    "neighbours",
    "preimage",
    "token_columns",
]
