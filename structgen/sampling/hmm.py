"""Hidden Markov models: exact sums over all futures of a text, and guides for particles.

An HMM as a model lets the mass of all good endings be summed exactly, over (hidden state, grammar's state, tokens
left) and not over texts. So it is sampled from exactly under any grammar; and where it approximates another model, it
tells that model's particles which tokens lead somewhere (:class:`SMC` with ``guide=``), with weights that make up for
the approximation. Source of the second use: Zhang et al., "Adaptable Logical Control for Large Language Models"
(Ctrl-G, 2024).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from structgen.errors import InputError, LimitError
from structgen.sampling.problem import Law, Prefix, Problem

Float64Array = NDArray[np.float64]
#: Contexts whose hidden state is remembered.
_BELIEFS = 65_536


class HMM:
    """A hidden Markov model over tokens, usable as a model: it has ``next_logprobs``.

    The first hidden state is drawn by ``initial``; each emits a token and is followed by the next. EOS is a token as
    all others.

    Args:
        initial: ``float64[H]``, probabilities.
        transition: ``float64[H, H]``, rows of probabilities.
        emission: ``float64[H, V]``, rows of probabilities.

    Raises:
        InputError: shapes do not fit, or rows are no probabilities.
    """

    def __init__(self, initial: ArrayLike, transition: ArrayLike, emission: ArrayLike) -> None:
        self.initial = np.asarray(initial, dtype=np.float64)
        self.transition = np.asarray(transition, dtype=np.float64)
        self.emission = np.asarray(emission, dtype=np.float64)
        n = len(self.initial) if self.initial.ndim == 1 else 0
        if n == 0 or self.transition.shape != (n, n) or self.emission.ndim != 2 or len(self.emission) != n:
            raise InputError(
                f"initial {self.initial.shape}, transition {self.transition.shape}, emission {self.emission.shape} "
                "do not fit",
                hint="They are [H], [H, H] and [H, V]",
            )
        parts = {"initial": self.initial[None], "transition": self.transition, "emission": self.emission}
        for name, rows in parts.items():
            if not (rows >= 0.0).all() or np.abs(rows.sum(axis=1) - 1.0).max() > 1e-6:
                raise InputError(f"{name} holds rows that are no probabilities", hint="Each is 0 or more and sums to 1")
        self._beliefs: OrderedDict[tuple[int, ...], Float64Array] = OrderedDict()

    @property
    def positive(self) -> bool:
        """Is every probability above 0?"""
        return all(bool((part > 0.0).all()) for part in (self.initial, self.transition, self.emission))

    def belief(self, context: Sequence[int]) -> Float64Array:
        """Probabilities of the hidden state that emits what follows a context: ``float64[H]``; 0 if it cannot be."""
        context = tuple(context)
        start = len(context)
        while start > 0 and context[:start] not in self._beliefs:
            start -= 1
        belief = self._beliefs[context[:start]] if start else self.initial
        for i in range(start, len(context)):
            after = (belief * self.emission[:, context[i]]) @ self.transition
            total = after.sum()
            belief = after / total if total > 0.0 else after
            self._beliefs[context[: i + 1]] = belief
            if len(self._beliefs) > _BELIEFS:
                self._beliefs.popitem(last=False)
        return belief

    def next_logprobs(self, contexts: Sequence[Sequence[int]]) -> Float64Array:
        """Log-probabilities of the next token after each context: ``float64[len(contexts), V]``."""
        beliefs = np.array([self.belief(context) for context in contexts]).reshape(len(contexts), -1)
        with np.errstate(divide="ignore"):
            found: Float64Array = np.log(beliefs @ self.emission)
        return found


class Futures:
    """For each prefix the log-probability that an HMM ends it well, within a problem's grammar and budget.

    Args:
        hmm: the model of futures.
        problem: its grammar and budget count; its predicate does not.
        prompt: what the HMM has read before the text.
        max_states: pairs of grammar's state and tokens left, before it gives up with a LimitError.

    Attributes:
        log_z: that of the empty text.
    """

    def __init__(self, hmm: HMM, problem: Problem, prompt: Sequence[int], max_states: int) -> None:
        if hmm.emission.shape[1] != problem.grammar.vocab.size:
            raise InputError(
                f"the HMM emits {hmm.emission.shape[1]} tokens, the vocabulary has {problem.grammar.vocab.size}"
            )
        self.hmm, self.problem, self.prompt = hmm, problem, list(prompt)
        self._eos = sorted(problem.grammar.vocab.eos_token_ids)
        # by (state, tokens left): the chance of a good end from each hidden state, scaled, and the log of the scale
        self._sums: dict[tuple[int, int], tuple[Float64Array, float]] = {}
        self._ways: dict[tuple[int, int], list[tuple[int, NDArray[np.int64]]]] = {}
        levels = [[(problem.root.state, problem.max_tokens)]]
        while levels[-1]:
            following: dict[tuple[int, int], None] = {}
            for state, left in levels[-1]:
                following.update({(after, left - 1): None for after, _ in self._followed(state, left) if after >= 0})
            levels.append(list(following))
            if len(self._ways) > max_states:
                raise LimitError(
                    f"the grammar has more than {max_states} states within the budget",
                    hint="Raise max_prefixes, or lower max_tokens",
                )
        for level in reversed(levels):
            for state, left in level:
                self._sums[state, left] = self._sum(state, left)
        self.log_z = self.log_future(problem.root)

    def log_future(self, prefix: Prefix) -> float:
        """The log-probability that the HMM goes on from a prefix to a good end."""
        if prefix.ended:
            return 0.0
        sums, scale = self._sums[prefix.state, self.problem.max_tokens - len(prefix.tokens)]
        total = float(self.hmm.belief([*self.prompt, *prefix.tokens]) @ sums)
        return float(np.log(total)) + scale if total > 0.0 else -np.inf

    def log_futures(self, prefix: Prefix, law: Law) -> Float64Array:
        """The same after each token of a law: ``float64[n]``; 0 after EOS."""
        left = self.problem.max_tokens - len(prefix.tokens)
        belief = self.hmm.belief([*self.prompt, *prefix.tokens])
        found = np.full(len(law.ids), -np.inf)
        for after, tokens in self._followed(prefix.state, left):
            places = np.searchsorted(law.ids, tokens)
            if after < 0:
                found[places] = 0.0
                continue
            sums, scale = self._sums[after, left - 1]
            emitted = belief[:, None] * self.hmm.emission[:, tokens]
            good, all_ = (self.hmm.transition @ sums) @ emitted, emitted.sum(axis=0)
            possible = (good > 0.0) & (all_ > 0.0)
            found[places[possible]] = np.log(good[possible]) - np.log(all_[possible]) + scale
        return found

    def weights(self, prefix: Prefix, law: Law) -> Float64Array:
        """``log P(t|u)`` and the log of the mass of good endings after t, added: ``float64[n]``."""
        return law.logp + self.log_futures(prefix, law)

    def _followed(self, state: int, left: int) -> list[tuple[int, NDArray[np.int64]]]:
        """The allowed tokens by the state that they lead to; -1: EOS."""
        known = self._ways.get((state, left))
        if known is None:
            ids = self.problem.allowed_at(state, left)
            inside = ids[~np.isin(ids, self._eos)]
            after = self.problem.grammar.next_states(state)[inside]
            known = [(int(to), inside[after == to]) for to in np.unique(after)]
            if len(inside) < len(ids):
                known.append((-1, ids[np.isin(ids, self._eos)]))
            self._ways[state, left] = known
        return known

    def _sum(self, state: int, left: int) -> tuple[Float64Array, float]:
        parts: list[tuple[Float64Array, float]] = []
        for after, tokens in self._followed(state, left):
            emitted = self.hmm.emission[:, tokens].sum(axis=1)
            if after < 0:
                parts.append((emitted, 0.0))
            else:
                sums, scale = self._sums[after, left - 1]
                parts.append((emitted * (self.hmm.transition @ sums), scale))
        logs = np.array([np.log(part.max()) + scale if part.max() > 0.0 else -np.inf for part, scale in parts])
        best = float(logs.max(initial=-np.inf))
        if best == -np.inf:
            return np.zeros(len(self.hmm.initial)), 0.0
        return np.sum([part * np.exp(scale - best) for part, scale in parts], axis=0), best
