"""A product law over the positions of a canvas, conditioned on the language: what one forward pass says, made exact.

Receives a canvas under a finite automaton and one row of logits for each position. A diffusion model gives each slot
a law of its own; their product, conditioned on the text being in the language and the fixed tokens as they are, is
the law here. Its most probable text (Suresh et al., "DINGO", 2025), exact samples, marginals and the share of the mass
that the language has come from sums over (position, state), right to left.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError, UnsatisfiableError
from structgen.infill.finite import FiniteSteps
from structgen.kernels import infill as kernels

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]

#: So many weights of tokens are worked out at once: they stay in the cache.
AT_ONCE = 1 << 17


class Sums(NamedTuple):
    """What the kernels sum; see :mod:`structgen.kernels.infill.law`. Rows of the first three are slots."""

    sums: Float64Array
    logs: Float64Array
    shares: Float64Array
    values: Float64Array
    far: Float64Array
    scales: Float64Array


class BlockLaw:
    """The law of the texts of a canvas under the logits of one forward pass.

    The slots are independent with ``softmax(logits[p] / temperature)``, and conditioned on the language. It holds for
    the canvas as it is when this is made; the canvas may change afterwards.

    Args:
        steps: the canvas; it has fixed tokens and slots only.
        logits: float32[len, V]; rows of fixed positions are not looked at. -inf forbids a token.
        temperature: above 0.

    Raises:
        InputError: the canvas has other gaps or fixed text, or the logits another shape, or NaN in a row of a slot.
        UnsatisfiableError: the canvas cannot be completed.
    """

    def __init__(self, steps: FiniteSteps, logits: Float32Array, temperature: float = 1.0) -> None:
        graph = self._graph = steps.graph
        length = len(steps.steps)
        fixed = steps.fixed()
        if fixed is None:
            raise InputError("laws are for canvases of tokens and gaps of a given number of tokens")
        if logits.shape != (length, len(graph.token_class)):
            raise InputError(f"the logits are {logits.shape}, not {(length, len(graph.token_class))}")
        if not temperature > 0.0:
            raise InputError(f"temperature={temperature}", hint="It is a number above 0")
        if not steps.completable():
            raise UnsatisfiableError("the canvas cannot be completed", hint="Take back tokens that were fixed")
        self._logits = logits
        self._scale = 1.0 / float(temperature)
        self._fixed = fixed
        self._tokens = np.array([-1 if step.value is None else step.value for step in steps.steps], dtype=np.int64)
        self._slots = np.flatnonzero(self._tokens < 0)
        self._forward, self._backward = steps.boundaries()
        self._allowed = steps.allowed
        # the greatest logit of each slot
        if 2 * len(self._slots) > length:
            self._tops = logits.max(axis=1)[self._slots]
        else:
            self._tops = logits[self._slots].max(axis=1, initial=-np.inf)
        wrong = self._slots[np.isnan(self._tops)]
        if len(wrong):
            raise InputError(f"the logits of position {wrong[0]} have NaN")

    # ------------------------------------------------------------ answers

    def most_probable(self) -> tuple[list[int], float]:
        """The text with the greatest probability, and the log of its probability under the product law.

        Raises:
            UnsatisfiableError: every completion has a token that the logits forbid.
        """
        text = self.best()
        return text, self._log_weight(text)

    def best(self) -> list[int]:
        """The text of ``most_probable`` alone, for which no probabilities need be worked out. Raises as that."""
        graph, slots, length = self._graph, self._slots, len(self._tokens)
        best = np.empty((len(slots), graph.n_classes))
        token = np.empty(best.shape, dtype=np.int32)
        kernels.class_maxima(self._logits, slots, *graph.live, self._allowed, best, token)
        pair_first, pair_bundle, pair_to, *bundles = graph.bundles
        top = np.empty((len(slots), graph.n_bundles))
        which = np.empty(top.shape, dtype=np.int32)
        kernels.bundle_maxima(best, *bundles, top, which)
        beta = np.empty((length + 1, graph.n_states))
        beta[-1] = np.where(self._ends(), 0.0, -np.inf)
        choice = np.empty((length, graph.n_states), dtype=np.int32)
        kernels.backward_maxima(
            pair_first, pair_bundle, pair_to, graph.first, graph.states, graph.targets, self._forward, self._backward,
            self._fixed, top, beta, choice,
        )  # fmt: skip
        if beta[0, 0] == -np.inf:
            raise self._forbidden()
        classes = np.empty(length, dtype=np.int32)
        kernels.best_path(pair_bundle, pair_to, graph.targets, self._fixed, which, choice, classes)
        tokens = self._tokens.copy()
        tokens[slots] = token[np.arange(len(slots)), classes[slots]]
        found: list[int] = tokens.tolist()
        return found

    def sample(self, rng: np.random.Generator) -> list[int]:
        """A text with its probability.

        Raises:
            UnsatisfiableError: every completion has a token that the logits forbid.
        """
        graph, sums = self._graph, self._sums
        classes = np.empty(len(self._tokens), dtype=np.int32)
        kernels.draw_path(
            *graph.bundles, graph.first, graph.states, graph.targets, self._fixed, *sums[:5],
            rng.random((len(self._tokens), 2)), classes,
        )  # fmt: skip
        tokens = self._tokens.copy()
        uniforms = rng.random(len(self._slots))
        kernels.draw_tokens(self._logits, self._slots, classes, *graph.members, self._scale, uniforms, tokens)
        found: list[int] = tokens.tolist()
        return found

    @property
    def log_z(self) -> float:
        """The log of the probability that a text of the product law is in the language; -inf where it is none."""
        try:
            weight = self._beta[0, 0]
        except UnsatisfiableError:
            return -np.inf
        return float(weight - self._normalisers.sum())

    def log_probability(self, tokens: list[int]) -> float:
        """The log of the conditional probability of a text of the canvas (that it is one is not tested)."""
        return self._log_weight(tokens) - self.log_z

    def marginal(self, position: int) -> Float64Array:
        """float64[V]: the probability of each token at a position, under the conditioned law."""
        out = np.zeros(len(self._graph.token_class))
        if self._tokens[position] >= 0:
            out[self._tokens[position]] = 1.0
            return out
        beta, mass, weights = self._beta, self._masses[position], self._weights[position]
        # for each class the log of what each of its tokens' weights is multiplied by; -1 is the class of dead tokens
        share = np.full(len(mass) + 1, -np.inf)
        np.subtract(mass - beta[0, 0], weights, out=share[:-1], where=mass > -np.inf)
        top = self._tops[np.searchsorted(self._slots, position)]
        relative = self._scale * (self._logits[position] - top).astype(np.float64)
        flat: Float64Array = np.exp(share[self._graph.token_class] + relative)
        return flat

    # ------------------------------------------------------------ inside

    def _log_weight(self, tokens: list[int]) -> float:
        """The log of the probability of a text under the product law."""
        chosen = np.array(tokens, dtype=np.int64)[self._slots]
        relative = self._logits[self._slots, chosen].astype(np.float64) - self._tops
        return float((self._scale * relative - self._normalisers).sum())

    def _ends(self) -> NDArray[np.bool_]:
        """bool[n]: the states in which a text can end."""
        flags = self._forward[-1] & self._backward[-1]
        return np.unpackbits(flags, count=self._graph.n_states, bitorder="little").view(np.bool_)

    @cached_property
    def _normalisers(self) -> Float64Array:
        """float64[slots]: the log of the summed weights of all tokens, relative to ``_tops``."""
        found = np.full(len(self._slots), -np.inf)
        for r, (p, top) in enumerate(zip(self._slots, self._tops, strict=True)):
            if top > -np.inf:
                found[r] = np.log(np.exp((self._logits[p] - top) * np.float32(self._scale)).sum())
        return found

    @cached_property
    def _sums(self) -> Sums:
        graph, slots, length = self._graph, self._slots, len(self._tokens)
        live, live_class = graph.live
        sums = np.empty((len(slots), graph.n_classes))
        logs = np.zeros(sums.shape)
        rows = max(1, AT_ONCE // max(1, len(live)))
        for at in range(0, len(slots), rows):
            part = slice(at, at + rows)
            weights = np.empty((len(slots[part]), len(live)), dtype=np.float32)
            kernels.gather(self._logits, slots[part], live, self._tops[part], np.float32(self._scale), weights)
            np.exp(weights, out=weights)
            kernels.class_sums(
                self._logits, slots[part], live, live_class, self._allowed, self._tops[part], self._scale, weights,
                sums[part], logs[part],
            )  # fmt: skip
        shares = np.empty((len(slots), graph.n_bundles))
        kernels.bundle_sums(sums, *graph.bundles[3:], shares)
        values = np.zeros((length + 1, graph.n_states))
        values[-1] = self._ends()
        far = np.zeros(values.shape)
        scales = np.zeros(length + 1)
        kernels.backward_sums(
            *graph.bundles, graph.first, graph.states, graph.targets, self._forward, self._backward, self._fixed,
            sums, logs, shares, values, far, scales,
        )  # fmt: skip
        if values[0, 0] == 0.0 and far[0, 0] == 0.0:
            raise self._forbidden()
        return Sums(sums, logs, shares, values, far, scales)

    @cached_property
    def _beta(self) -> Float64Array:
        """float64[L + 1, n]: the logs of the weights of all ways to the end, relative to ``_tops``."""
        values, far, scales = self._sums[3:]
        with np.errstate(divide="ignore"):
            return np.where(far < 0.0, far, np.log(values)) + scales[:, None]

    @cached_property
    def _weights(self) -> Float64Array:
        """float64[L, classes]: the logs of the weights of the classes, relative to ``_tops``; of slots."""
        found = np.zeros((len(self._tokens), self._graph.n_classes))
        with np.errstate(divide="ignore"):
            found[self._slots] = np.where(self._sums.logs < 0.0, self._sums.logs, np.log(self._sums.sums))
        return found

    @cached_property
    def _masses(self) -> Float64Array:
        beta, weights = self._beta, self._weights
        alpha = np.empty_like(beta)
        alpha[0] = -np.inf
        alpha[0, 0] = 0.0
        mass = np.empty_like(weights)
        kernels.forward_sums(*self._graph.rows, self._fixed, weights, beta, alpha, mass)
        return mass

    def _forbidden(self) -> UnsatisfiableError:
        return UnsatisfiableError(
            "every completion of the canvas has a token that the logits forbid",
            hint="Forbid tokens in the constraint, not by logits of -inf",
        )
