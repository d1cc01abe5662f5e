"""A product law over the positions of a canvas, conditioned on the language: what one forward pass says, made exact.

Receives a canvas under a finite automaton and one row of logits for each position. A diffusion model gives each slot
a law of its own; their product, conditioned on the text being in the language and the fixed tokens as they are, is
the law here. Its most probable text (Suresh et al., "DINGO", 2025), exact samples, marginals and the share of the mass
that the language has come from sums over (position, state), right to left.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError, UnsatisfiableError
from structgen.infill.finite import FiniteSteps
from structgen.infill.gap import SLOT, TOKEN
from structgen.kernels import infill as kernels

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


class BlockLaw:
    """The law of the texts of a canvas under the logits of one forward pass.

    The slots are independent with ``softmax(logits[p])``, and conditioned on the language. It holds for the canvas as
    it is when this is made; the canvas may change afterwards.

    Args:
        steps: the canvas; it has fixed tokens and slots only.
        logits: float32[len, V]; rows of fixed positions are not looked at. -inf forbids a token.

    Raises:
        InputError: the canvas has other gaps or fixed text, or the logits another shape, or NaN in a row of a slot.
        UnsatisfiableError: the canvas cannot be completed.
    """

    def __init__(self, steps: FiniteSteps, logits: Float32Array) -> None:
        graph = self._graph = steps.graph
        length = len(steps.steps)
        if any(step.kind not in (TOKEN, SLOT) for step in steps.steps):
            raise InputError("laws are for canvases of tokens and gaps of a given number of tokens")
        if logits.shape != (length, len(graph.token_class)):
            raise InputError(f"the logits are {logits.shape}, not {(length, len(graph.token_class))}")
        if not steps.completable():
            raise UnsatisfiableError("the canvas cannot be completed", hint="Take back tokens that were fixed")
        self._logits = logits
        self._tokens = [step.value if isinstance(step.value, int) else None for step in steps.steps]
        self._slots = [p for p, token in enumerate(self._tokens) if token is None]
        self._fixed = np.array(
            [-1 if token is None else graph.token_class[token] for token in self._tokens], dtype=np.int32
        )
        self._alive = steps.alive()
        self._allowed = steps.allowed
        # the greatest logit of each slot
        self._tops = {p: float(logits[p].max()) for p in self._slots}
        for p, top in self._tops.items():
            if np.isnan(top):
                raise InputError(f"the logits of position {p} have NaN")

    # ------------------------------------------------------------ answers

    def most_probable(self) -> tuple[list[int], float]:
        """The text with the greatest probability, and the log of its probability under the product law.

        Raises:
            UnsatisfiableError: every completion has a token that the logits forbid.
        """
        text = self.best()
        return text, sum(float(self._logits[p, text[p]]) - self._normalisers[p] for p in self._slots)

    def best(self) -> list[int]:
        """The text of ``most_probable`` alone, for which no probabilities need be worked out. Raises as that."""
        graph, length = self._graph, len(self._tokens)
        best = np.full((length, graph.n_classes), -np.inf)
        tokens = np.full((length, graph.n_classes), -1, dtype=np.int32)
        for p in self._slots:
            kernels.class_maxima(self._logits[p], *graph.live, best[p], tokens[p])
        best[:, ~self._allowed] = -np.inf
        beta = self._ends()
        choice = np.empty((length, graph.n_states), dtype=np.int32)
        kernels.backward_maxima(*graph.rows, self._alive, self._fixed, best, beta, choice)
        if beta[0, 0] == -np.inf:
            raise self._forbidden()
        _, row_class, row_to = graph.rows
        result, state = [], 0
        for p, token in enumerate(self._tokens):
            edge = choice[p, state]
            result.append(int(tokens[p, row_class[edge]]) if token is None else int(token))
            state = int(row_to[edge])
        return result

    def sample(self, rng: np.random.Generator) -> list[int]:
        """A text with its probability.

        Raises:
            UnsatisfiableError: every completion has a token that the logits forbid.
        """
        weights, beta = self._sums
        length = len(self._tokens)
        classes = np.empty(length, dtype=np.int32)
        kernels.draw_path(*self._graph.rows, self._fixed, weights, beta, rng.random(length), classes)
        first, members = self._graph.members
        result = []
        for p, token in enumerate(self._tokens):
            if token is None:
                part = members[int(first[classes[p]]) : int(first[classes[p] + 1])]
                logits = self._logits[p][part].astype(np.float64)
                mass = np.cumsum(np.exp(logits - logits.max()))
                drawn = int(np.searchsorted(mass, rng.random() * mass[-1], side="right"))
                # rounding, at the very end, must not lead to a token that is forbidden
                token = part[min(drawn, int(np.searchsorted(mass, mass[-1])))]
            result.append(int(token))
        return result

    @property
    def log_z(self) -> float:
        """The log of the probability that a text of the product law is in the language; -inf where it is none."""
        try:
            return float(self._sums[1][0, 0] - sum(self._normalisers[p] - self._tops[p] for p in self._slots))
        except UnsatisfiableError:
            return -np.inf

    def log_probability(self, tokens: list[int]) -> float:
        """The log of the conditional probability of a text of the canvas (that it is one is not tested)."""
        total = sum(float(self._logits[p, tokens[p]]) - self._normalisers[p] for p in self._slots)
        return total - self.log_z

    def marginal(self, position: int) -> Float64Array:
        """float64[V]: the probability of each token at a position, under the conditioned law."""
        token = self._tokens[position]
        out = np.zeros(len(self._graph.token_class))
        if token is not None:
            out[token] = 1.0
            return out
        weights, beta = self._sums
        mass = self._masses[position]
        # for each class the log of what each of its tokens' weights is multiplied by; -1 is the class of dead tokens
        share = np.full(len(mass) + 1, -np.inf)
        np.subtract(mass - beta[0, 0], weights[position], out=share[:-1], where=mass > -np.inf)
        flat: Float64Array = np.exp(share[self._graph.token_class] + (self._logits[position] - self._tops[position]))
        return flat

    # ------------------------------------------------------------ inside

    @cached_property
    def _normalisers(self) -> dict[int, float]:
        """The log of the summed exponentials of each slot's logits."""
        found = {}
        for p, top in self._tops.items():
            found[p] = top + float(np.log(np.exp(self._logits[p] - np.float32(top)).sum())) if top > -np.inf else top
        return found

    @cached_property
    def _sums(self) -> tuple[Float64Array, Float64Array]:
        """The log weights of classes, and the backward sums; relative to ``_tops``."""
        graph, length = self._graph, len(self._tokens)
        weights = np.full((length, graph.n_classes), -np.inf)
        live, live_class = graph.live
        relative = np.empty(len(live), dtype=np.float32)
        for p in self._slots:
            if (top := self._tops[p]) > -np.inf:
                kernels.gather(self._logits[p], live, np.float32(top), relative)
                np.exp(relative, out=relative)
                kernels.class_sums(self._logits[p], live, live_class, top, relative, weights[p])
        weights[:, ~self._allowed] = -np.inf
        beta = self._ends()
        kernels.backward_sums(*graph.rows, self._alive, self._fixed, weights, beta)
        if beta[0, 0] == -np.inf:
            raise self._forbidden()
        return weights, beta

    @cached_property
    def _masses(self) -> Float64Array:
        weights, beta = self._sums
        alpha = np.empty_like(beta)
        alpha[0] = -np.inf
        alpha[0, 0] = 0.0
        mass = np.empty_like(weights)
        kernels.forward_sums(*self._graph.rows, self._fixed, weights, beta, alpha, mass)
        return mass

    def _ends(self) -> Float64Array:
        beta = np.empty((len(self._tokens) + 1, self._graph.n_states))
        beta[-1] = np.where(self._alive[-1], 0.0, -np.inf)
        return beta

    def _forbidden(self) -> UnsatisfiableError:
        return UnsatisfiableError(
            "every completion of the canvas has a token that the logits forbid",
            hint="Forbid tokens in the constraint, not by logits of -inf",
        )
