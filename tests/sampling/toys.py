"""Toy models and the judge of samplers: expectations over *all* random choices, by enumeration.

:func:`outcomes` runs code that draws through ``Draws`` again and again, once for every way its choices can fall, with
the probability of each. Nothing of the samplers is used to work out what they should give.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import structgen as sg
from structgen.sampling import resampling

#: Overlapping tokens, one with several characters, one that is a part of a character, one that nothing uses.
TOKENS = [b"a", b"b", b"ab", b"ba", b"aa", b"\xc3", b"\xa9", b"\xc3\xa9", b"c", None]
EOS = 9
#: Chances below this are rounding.
TINY = 1e-13


def vocabulary() -> sg.Vocabulary:
    return sg.Vocabulary(TOKENS, eos_token_ids=[EOS])


class HashModel:
    """A law for each context, spread and fixed by a hash of it."""

    def __init__(self, seed: int = 0, size: int = len(TOKENS), sharp: float = 1.5) -> None:
        self.seed, self.size, self.sharp = seed, size, sharp
        self.asked: list[tuple[int, ...]] = []

    def next_logprobs(self, contexts: list[list[int]]) -> np.ndarray:
        rows = []
        for context in contexts:
            self.asked.append(tuple(context))
            rng = np.random.default_rng([self.seed, len(context), *(t + 1 for t in context)])
            logits = self.sharp * rng.normal(size=self.size)
            rows.append(logits - np.log(np.exp(logits).sum()))
        return np.array(rows)


class BigramModel:
    """A law that depends on the last token only, and says so."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        logits = rng.normal(size=(len(TOKENS) + 1, len(TOKENS)))
        self.rows = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def state_key(self, context: list[int]) -> int:
        return context[-1] if context else -1

    def next_logprobs(self, contexts: list[list[int]]) -> np.ndarray:
        return np.array([self.rows[context[-1] if context else -1] for context in contexts])


def language(model: Any, prompt: list[int], member: Callable[[bytes], bool], max_tokens: int) -> dict[tuple, float]:
    """P(w) of every token sequence of a language, by going through all of them."""
    found: dict[tuple, float] = {}
    usable = [i for i, token in enumerate(TOKENS) if token]
    for length in range(max_tokens + 1):
        for tokens in itertools.product(usable, repeat=length):
            if member(b"".join(TOKENS[t] or b"" for t in tokens)):
                log_p = 0.0
                for i, token in enumerate((*tokens, EOS)):
                    log_p += model.next_logprobs([prompt + list(tokens[:i])])[0][token]
                found[tokens] = math.exp(log_p)
    return found


class _Scripted:
    """Draws whose choices are prescribed, and that note the options they had."""

    def __init__(self, script: list[int]) -> None:
        self.script = script
        self.taken: list[int] = []
        self.options: list[list[float]] = []
        self.probability = 1.0

    def _choose(self, chances: list[float]) -> int:
        at = len(self.options)
        if at < len(self.script):
            choice = self.script[at]
        else:
            choice = next(i for i, chance in enumerate(chances) if chance > TINY)
        self.options.append(chances)
        self.taken.append(choice)
        self.probability *= chances[choice]
        return choice

    def index(self, log_weights: np.ndarray) -> int:
        weights = np.exp(log_weights - log_weights.max())
        return self._choose((weights / weights.sum()).tolist())

    def remaining(self, log_weights: np.ndarray) -> _Left:
        return _Left(self, log_weights)

    def happens(self, probability: float) -> bool:
        return self._choose([1.0 - probability, probability]) == 1

    def failures(self, probability: float, most: int) -> int:
        if probability >= 1.0:
            return 0
        chances = [probability * (1.0 - probability) ** i for i in range(most)]
        return self._choose([*chances, max(0.0, 1.0 - sum(chances))])

    def ancestors(self, kind: str, weights: np.ndarray) -> list[int]:
        outcomes = sorted(resampling_law(kind, weights).items())
        return list(outcomes[self._choose([chance for _, chance in outcomes])][0])

    def survivors(self, weights: np.ndarray, n: int) -> list[tuple[int, float]]:
        outcomes = sorted(survivor_law(weights, n).items())
        return list(outcomes[self._choose([chance for _, chance in outcomes])][0])


class _Left:
    """What is left of some weights, in the plainest way."""

    def __init__(self, draws: _Scripted, log_weights: np.ndarray) -> None:
        self.draws, self.left = draws, np.array(log_weights)

    @property
    def log_left(self) -> float:
        with np.errstate(divide="ignore"):
            return float(np.log(np.exp(self.left).sum()))

    def draw(self) -> int:
        return self.draws.index(self.left)

    def drop(self, i: int) -> None:
        self.left[i] = -np.inf


def outcomes(run: Callable[[Any], Any]) -> Iterator[tuple[float, Any]]:
    """Every outcome of ``run(draws)``, with its probability."""
    script: list[int] = []
    while True:
        draws = _Scripted(script)
        result = run(draws)
        yield draws.probability, result
        script = draws.taken
        while script:
            chances = draws.options[len(script) - 1]
            following = next((i for i in range(script[-1] + 1, len(chances)) if chances[i] > TINY), None)
            if following is not None:
                script[-1] = following
                break
            script.pop()
        if not script:
            return


class _Points:
    """Uniform numbers out of a list."""

    def __init__(self, points: list[float]) -> None:
        self.points = iter(points)

    def random(self) -> float:
        return next(self.points)


def resampling_law(kind: str, weights: np.ndarray) -> dict[tuple[int, ...], float]:
    """The chance of every list of ancestors: the uniform numbers cut where something changes."""
    n = len(weights)
    edges = np.cumsum(weights)
    if kind == "systematic":
        return _pieces([sorted({0.0, 1.0, *((edges * n) % 1.0).tolist()})], lambda u: _ancestors(kind, weights, u))
    if kind == "stratified":
        cuts = [sorted({0.0, 1.0, *(x for x in (edges * n - i).tolist() if 0.0 < x < 1.0)}) for i in range(n)]
        return _pieces(cuts, lambda u: _ancestors(kind, weights, u))
    if kind == "multinomial":
        cuts = [sorted({0.0, 1.0, *edges.tolist()})] * n
        return _pieces(cuts, lambda u: _ancestors(kind, weights, u))
    copies = np.floor(n * weights + 1e-12)
    rest = np.maximum(n * weights - copies, 0.0)
    left = n - int(copies.sum())
    inner = np.cumsum(rest / rest.sum()).tolist() if left else []
    return _pieces([sorted({0.0, 1.0, *inner})] * left, lambda u: _ancestors(kind, weights, u))


def _ancestors(kind: Any, weights: np.ndarray, points: list[float]) -> tuple[int, ...]:
    return tuple(resampling.ancestors(kind, weights, _Points(points)))


def survivor_law(weights: np.ndarray, n: int) -> dict[tuple[tuple[int, float], ...], float]:
    """The chance of every outcome of optimal resampling, which draws one number."""
    if (weights > 0).sum() <= n:
        return {tuple(resampling.survivors(weights, n, _Points([]))): 1.0}
    some = resampling.survivors(weights, n, _Points([0.5]))
    light = max(weight for _, weight in some if weight not in weights or weight == min(w for _, w in some))
    chances = np.where(weights < light, weights / light, 0.0)
    cuts = sorted({0.0, 1.0, *(np.cumsum(chances) % 1.0).tolist()})
    return _pieces([cuts], lambda u: tuple(resampling.survivors(weights, n, _Points(u))))


def _pieces(cuts: list[list[float]], at: Callable[[list[float]], Any]) -> dict[Any, float]:
    law: dict[Any, float] = {}
    for pieces in itertools.product(*(list(itertools.pairwise(cut)) for cut in cuts)):
        chance = math.prod(high - low for low, high in pieces)
        if chance > 1e-15:
            key = at([(low + high) / 2 for low, high in pieces])
            law[key] = law.get(key, 0.0) + chance
    return law
