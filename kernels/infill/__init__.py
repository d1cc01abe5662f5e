"""Finite automata over a vocabulary: token graphs, sets of states along them, product laws under them."""

from structgen.kernels.infill.fewest import NEVER, any_tokens, one_token
from structgen.kernels.infill.graph import bundles, by_state, neighbours, token_columns
from structgen.kernels.infill.law import (
    backward_sums,
    bundle_sums,
    class_sums,
    draw_path,
    draw_tokens,
    forward_sums,
    gather,
)
from structgen.kernels.infill.maxima import backward_maxima, best_path, bundle_maxima, class_maxima
from structgen.kernels.infill.sets import backward_closure, classes_between, forward_closure
from structgen.kernels.infill.steps import ANY, MAYBE, SLOT, TEXT, TOKEN, leads, refresh

__all__ = [
    "ANY",
    "MAYBE",
    "NEVER",
    "SLOT",
    "TEXT",
    "TOKEN",
    "any_tokens",
    "backward_closure",
    "backward_maxima",
    "backward_sums",
    "best_path",
    "bundle_maxima",
    "bundle_sums",
    "bundles",
    "by_state",
    "class_maxima",
    "class_sums",
    "classes_between",
    "draw_path",
    "draw_tokens",
    "forward_closure",
    "forward_sums",
    "gather",
    "leads",
    "neighbours",
    "one_token",
    "refresh",
    "token_columns",
]
