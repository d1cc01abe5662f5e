"""What is sampled from: a model's law over token sequences, restricted to a grammar, a budget and a predicate.

Receives a model and a compiled grammar; gives samplers *prefixes* and the *law* of the token after each. The target
of all samplers is

    pi(w) = P(w) / Z for w in L,     Z = sum of P(w) over L,

where w is a sequence of tokens that ends with EOS, P(w) the product of the model's probabilities, EOS included, at
the problem's temperature, and L the sequences that the grammar and the predicate allow and that stay completable
within the budget at every step (``CompiledGrammar.budget_mask``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import BudgetError, InputError, ModelError, StructgenError
from structgen.runtime import CompiledGrammar
from structgen.sampling.bias import TokenBias
from structgen.sampling.predicate import Predicate

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

#: Whole rows kept, for the one sampler that needs the probabilities of refused tokens.
_ROWS = 64


class Model(Protocol):
    """A language model as samplers see it."""

    def next_logprobs(self, contexts: list[list[int]]) -> Any:
        """Log-probabilities of the next token after each context: ``float64[len(contexts), V]``, -inf allowed."""
        ...


class Prefix(NamedTuple):
    """Tokens so far.

    Attributes:
        tokens: ids, EOS left out.
        state: the grammar's.
        ended: EOS was drawn.
        eos: the EOS id that was drawn; -1: none.
    """

    tokens: tuple[int, ...]
    state: int
    ended: bool = False
    eos: int = -1


class Law(NamedTuple):
    """The tokens that the grammar allows after a prefix, and how likely the model holds them.

    Attributes:
        ids: ``int64[n]``, ascending; EOS ids among them where the text may end.
        logp: ``float64[n]``, the model's log-probabilities, not renormalised.
        log_mass: their log-sum: how much of the model's mass the grammar allows.
    """

    ids: Int64Array
    logp: Float64Array
    log_mass: float


class Stop(Exception):
    """A bound of the run was reached. ``reason`` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Problem:
    """A model, a grammar, a prompt, a budget.

    Args:
        model: gives log-probabilities, as :class:`Model`.
        grammar: compiled for the model's vocabulary.
        prompt: token ids before the text.
        max_tokens: the most tokens of a text, EOS not counted.
        predicate: a further condition, or None.
        temperature: of the model's law; above 0. P means the law at this temperature.
        token_bias: finite numbers added to the model's log-probabilities of some tokens, before the temperature. P
            means the law with them, renormalised.
        max_passes: stop after this many evaluations of a context; None: no bound.
        cache_bytes: memory for laws that have been evaluated; those beyond it are evaluated again when needed.
        ahead: guesses what will be asked next: continuations of (tokens, state), at most so many tokens.

    Raises:
        InputError: arguments out of range.
        BudgetError: no text fits into ``max_tokens``.
    """

    def __init__(
        self,
        model: Model,
        grammar: CompiledGrammar,
        prompt: Sequence[int],
        max_tokens: int,
        *,
        predicate: Predicate | None = None,
        temperature: float = 1.0,
        token_bias: Mapping[int, float] | None = None,
        max_passes: int | None = None,
        cache_bytes: int = 256 << 20,
        ahead: Callable[[Sequence[int], int, int], list[list[int]]] | None = None,
    ) -> None:
        if not 0.0 < temperature < float("inf"):
            raise InputError(f"temperature={temperature}", hint="The law sampled from needs a temperature above 0")
        if max_tokens < 0:
            raise InputError(f"max_tokens={max_tokens}", hint="It is 0 or more")
        needed = grammar.min_tokens_left(grammar.start)
        if needed > max_tokens:
            raise BudgetError(
                f"the constraint needs up to {needed} tokens for its shortest text, but max_tokens is {max_tokens}",
                hint=f"Set max_tokens to {needed} or more",
            )
        self.model, self.grammar, self.prompt = model, grammar, list(prompt)
        self.max_tokens, self.predicate, self.temperature = max_tokens, predicate, temperature
        self.max_passes, self.cache_bytes = max_passes, cache_bytes
        self.token_bias = TokenBias(token_bias or {}, grammar.vocab.size)
        self.passes = 0
        self._ahead = ahead
        self._eos = np.array(sorted(grammar.vocab.eos_token_ids), dtype=np.int64)
        if not len(self._eos):
            raise InputError("the vocabulary has no EOS token", hint="Give eos_token_ids to sg.Vocabulary")
        self._texts = grammar.texts
        self._is_eos = frozenset(self._eos.tolist())
        self._laws: OrderedDict[tuple[int, ...], Law] = OrderedDict()
        self._rows: OrderedDict[tuple[int, ...], Float64Array] = OrderedDict()
        self._held = 0
        self.root = Prefix((), grammar.start)

    # prefixes

    def extend(self, prefix: Prefix, token: int) -> Prefix:
        """The prefix after one more token, which its law must hold."""
        if token in self._is_eos:
            return prefix._replace(ended=True, eos=token)
        return Prefix((*prefix.tokens, token), self.grammar.advance(prefix.state, token))

    def text(self, prefix: Prefix) -> bytes:
        """The bytes of a prefix."""
        return b"".join(self._texts[token] or b"" for token in prefix.tokens)

    def good(self, prefixes: Sequence[Prefix]) -> list[bool]:
        """Does the predicate hold of each?"""
        if self.predicate is None:
            return [True] * len(prefixes)
        verdicts = [True] * len(prefixes)
        for finished in (False, True):
            chosen = [i for i, prefix in enumerate(prefixes) if prefix.ended is finished]
            if chosen:
                found = self.predicate([self.text(prefixes[i]) for i in chosen], finished)
                for i, verdict in zip(chosen, found, strict=True):
                    verdicts[i] = verdict
        return verdicts

    # laws

    def law(self, prefix: Prefix) -> Law:
        """The law after one prefix."""
        return self.laws([prefix])[0]

    def laws(self, prefixes: Sequence[Prefix]) -> list[Law]:
        """The laws after some prefixes that have not ended; the model is asked once, about those not known.

        Raises:
            Stop: the bound on passes would be passed.
            ModelError: the model raised, or its numbers are unusable.
        """
        wanted = {prefix.tokens: prefix for prefix in prefixes}
        found: dict[tuple[int, ...], Law] = {}
        for tokens in wanted:
            known = self._laws.get(tokens)
            if known is not None:
                self._laws.move_to_end(tokens)
                found[tokens] = known
        missing = [prefix for tokens, prefix in wanted.items() if tokens not in found]
        if missing:
            if self.max_passes is not None and self.passes + len(missing) > self.max_passes:
                raise Stop("budget")
            asked = [*missing, *self._guessed(missing)]
            self.passes += len(asked)
            rows = self._ask([self.prompt + list(prefix.tokens) for prefix in asked])
            for prefix, row in zip(asked[::-1], rows[::-1], strict=True):  # what is wanted now is kept longest
                found[prefix.tokens] = self._keep(prefix, row)
        return [found[prefix.tokens] for prefix in prefixes]

    def _guessed(self, missing: Sequence[Prefix]) -> list[Prefix]:
        """Prefixes that may be asked for after these and are not known, as far as the bound on passes permits."""
        if self._ahead is None:
            return []
        known = {prefix.tokens for prefix in missing}
        guessed: list[Prefix] = []
        for prefix in missing:
            left = self.max_tokens - len(prefix.tokens)
            for path in self._ahead(prefix.tokens, prefix.state, left):
                tokens, state = (*prefix.tokens, *path), prefix.state
                for token in path:
                    state = self.grammar.advance(state, token)
                if tokens in known or tokens in self._laws or not self._fits(state, left - len(path)):
                    continue
                known.add(tokens)
                guessed.append(Prefix(tokens, state))
        return guessed if self.max_passes is None else guessed[: self.max_passes - self.passes - len(missing)]

    def _fits(self, state: int, left: int) -> bool:
        return state >= 0 and left >= 0 and self.grammar.completable_within(state, left)

    def row(self, prefix: Prefix) -> Float64Array:
        """The model's log-probabilities of *all* tokens after a prefix, ``float64[V]``; kept for the last few."""
        known = self._rows.get(prefix.tokens)
        if known is None:
            law = self._laws.pop(prefix.tokens, None)  # the numbers of a law alone do not give it back
            self._held -= _size(law) if law is not None else 0
            self.laws([prefix])
            known = self._rows[prefix.tokens]
        return known

    def allowed(self, prefix: Prefix) -> Int64Array:
        """The ids the grammar allows within the budget after a prefix, ascending: ``int64[n]``."""
        return self.allowed_at(prefix.state, self.max_tokens - len(prefix.tokens))

    def allowed_at(self, state: int, left: int) -> Int64Array:
        """The same at a grammar's state with so many tokens left."""
        if left == 0:
            return self._eos if self.grammar.accepts(state) else self._eos[:0]
        return bits.ids(self.grammar.budget_mask(state, left))

    def _ask(self, contexts: list[list[int]]) -> Float64Array:
        try:
            rows = np.asarray(self.model.next_logprobs(contexts), dtype=np.float64)
        except StructgenError:
            raise
        except Exception as error:  # models are programs and raise what they like
            raise ModelError(
                f"the model raised {type(error).__name__}: {error}",
                hint="What was drawn before is in the error's samples",
            ) from error
        expected = (len(contexts), self.grammar.vocab.size)
        if rows.shape != expected:
            raise ModelError(
                f"next_logprobs gave an array of shape {rows.shape}, not {expected}",
                hint="It returns float64[contexts, V], V being the size of the grammar's vocabulary",
            )
        if np.isnan(rows).any() or np.isposinf(rows).any():
            raise ModelError("the model's log-probabilities are NaN or infinite", hint="Try another dtype")
        if self.temperature != 1.0 or self.token_bias:
            rows = self.token_bias(rows) / self.temperature
            best = rows.max(axis=1, keepdims=True)
            rows = rows - best - np.log(np.exp(rows - best).sum(axis=1, keepdims=True))
        return rows

    def _keep(self, prefix: Prefix, row: Float64Array) -> Law:
        ids = self.allowed(prefix)
        logp = row[ids]
        law = Law(ids, logp, log_sum(logp))
        self._rows[prefix.tokens] = row
        if len(self._rows) > _ROWS:
            self._rows.popitem(last=False)
        self._laws[prefix.tokens] = law
        self._held += _size(law)
        while self._held > self.cache_bytes and len(self._laws) > 1:
            self._held -= _size(self._laws.popitem(last=False)[1])
        return law


def _size(law: Law) -> int:
    return law.ids.nbytes + law.logp.nbytes + 200


def log_sum(values: Float64Array) -> float:
    """``log(sum(exp(values)))``; -inf of nothing."""
    best = float(values.max(initial=-np.inf))
    if best == -np.inf:
        return best
    return best + float(np.log(np.exp(values - best).sum()))


def log_mean(values: Float64Array) -> float:
    """``log(mean(exp(values)))``; -inf of nothing."""
    return log_sum(values) - float(np.log(len(values))) if len(values) else -np.inf
