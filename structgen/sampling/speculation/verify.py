"""The lossless rule: a draft changes how many tokens a forward pass settles, and not the law of any of them.

At a place of the draft let p be the target: the model's law there after temperature, grammar mask and truncation,
or p times theta for ASAp and CARS. :func:`accept` returns a token whose law is p, whatever was guessed:

- Guesses made without chance are compared with a token drawn from p. A guess x is then accepted with probability
  p(x), which no rule exceeds, and the text is the very one that the same random numbers give without drafts.
- Guesses drawn from q are tested in order: x is taken with probability min(1, p(x) / q(x)); if not, p becomes
  norm(max(p - q, 0)), and q loses x where guesses were drawn without replacement; after the last a token is drawn
  from what p has become.

q is the law that guesses were really drawn from; the mask is in p, and in q only if the drafter used it. A guess that
the grammar refuses has p(x) = 0 and is rejected by itself. Two rules that look similar are wrong: testing x with the
unmasked p and masking afterwards, and drawing from a masked q while dividing by the unmasked one.

Sources: Leviathan et al., "Fast Inference from Transformers via Speculative Decoding" (2023); Chen et al.,
"Accelerating Large Language Model Decoding with Speculative Sampling" (2023); Miao et al., "SpecInfer" (2024), and
Jeon et al., "Recursive Speculative Decoding" (2024), for trees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen.sampling.choose import TokenLaw
from structgen.sampling.draws import Draws
from structgen.sampling.draws import token as draw_token
from structgen.sampling.speculation.draft import ROOT, Branches, Draft


def accept(target: TokenLaw, branches: Branches | None, draws: Draws, beside: Draws | None = None) -> int:
    """A token by the law ``target``: one of the guesses as often as the rule permits.

    Args:
        target: the law at this place; a token that it lacks has probability 0.
        branches: the guesses, or None.
        draws: chooses the token.
        beside: draws for tests of drawn guesses; None: ``draws``. With a stream of its own, what is drawn where
            nothing was guessed does not depend on what was guessed elsewhere.
    """
    if branches is None or branches.law is None or not branches.tokens:
        return draw_token(target, draws)
    tests = draws if beside is None else beside
    p = np.exp(target.scores)
    p /= p.sum()
    drawn = np.exp(branches.law.scores)
    drawn /= drawn.sum()
    q, scale, gone = _on(target.ids, branches.law.ids, drawn), 1.0, set[int]()
    for token in branches.tokens:
        if token in gone:
            raise ValueError(f"token {token} was drawn twice without replacement")
        chance = float(_on(np.array([token]), branches.law.ids, drawn)[0]) * scale
        here = float(_on(np.array([token]), target.ids, p)[0])
        if chance <= 0.0:
            raise ValueError(f"token {token} cannot have been drawn from the law that is told")
        if tests.happens(min(1.0, here / chance)):
            return token
        rest = np.maximum(p - q * scale, 0.0)
        total = rest.sum()
        if total > 0.0:  # 0 only by rounding: p = q leaves nothing to reject
            p = rest / total
        if not branches.replaced:
            gone.add(token)
            left = 1.0 - chance
            q[target.ids == token] = 0.0
            scale = scale / left if left > 0.0 else 0.0
    with np.errstate(divide="ignore"):
        return int(target.ids[tests.index(np.log(p))])


def _on(ids: NDArray[np.int64], known: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of some ids, 0 where they have none; ``known`` is ascending."""
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[at] == ids, values[at], 0.0)


class Settled(NamedTuple):
    """What a draft has come to.

    Attributes:
        nodes: the nodes that the text went through, from the root on.
        beyond: the tokens that the text has after them, none of which is in the draft.
    """

    nodes: list[int]
    beyond: list[int]


def follow(draft: Draft, take: Callable[[int], Sequence[int]]) -> Settled:
    """Go on from the root of a draft for as long as the text stays in it.

    ``take(place)`` settles what comes after a place and returns it: a token, with all that the grammar forces after
    it; nothing where the text has ended.
    """
    place, nodes = ROOT, list[int]()
    while True:
        tokens = list(take(place))
        for i, token in enumerate(tokens):
            node = draft.child(place, token)
            if node is None:
                return Settled(nodes, tokens[i:])
            nodes.append(node)
            place = node
        if not tokens:
            return Settled(nodes, [])
