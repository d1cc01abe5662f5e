"""What a model says, kept for all samplers of a study: each context goes through the model once.

Samplers still count their own forward passes, as if they had the model to themselves; only the waiting is shared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from structgen.sampling.problem import Prefix, Problem


class Bank:
    """A model for samplers that remembers the laws of one problem.

    Args:
        problem: prompt, grammar and budget; its model is asked. It has no predicate and temperature 1.

    Tokens that the grammar refuses get log-probability -inf, so samplers that weigh those one by one, as
    ``CARS(learn="path")`` does, need the model itself.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._prefixes: dict[tuple[int, ...], Prefix] = {(): problem.root}

    def next_logprobs(self, contexts: list[list[int]]) -> NDArray[np.float64]:
        """``float64[len(contexts), V]``."""
        start = len(self.problem.prompt)
        prefixes = [self._prefix(tuple(context[start:])) for context in contexts]
        rows = np.full((len(contexts), self.problem.grammar.vocab.size), -np.inf)
        for row, law in zip(rows, self.problem.laws(prefixes), strict=True):
            row[law.ids] = law.logp
        return rows

    def _prefix(self, tokens: tuple[int, ...]) -> Prefix:
        known = self._prefixes.get(tokens)
        if known is None:
            known = self._prefixes[tokens] = self.problem.extend(self._prefix(tokens[:-1]), tokens[-1])
        return known
