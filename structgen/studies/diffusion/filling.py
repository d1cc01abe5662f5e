"""How a canvas is filled, whoever judges the proposals: the loop that all rows of the study but the masks share.

In each forward pass a number of tokens is written. The next proposal is the most likely token of the position that
comes first in the *order*; a judge that refuses it makes the model's next best proposal count, at this position or
another. Where a position has no proposal left the canvas is *dead*: the judge may know a completion, else the most
likely tokens fill it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from structgen.infill.protocol import MASK, Frame

from . import tokens

Order = Literal["confidence", "entropy", "random", "blocks"]
ORDERS: tuple[Order, ...] = ("confidence", "entropy", "random", "blocks")
#: Tokens of a block: blocks are filled from left to right, by confidence inside.
BLOCK = 32

Canvas = NDArray[np.int32]
Model = Callable[[Canvas], NDArray[np.float32]]


class Judge(Protocol):
    """What decides on proposals."""

    def accepts(self, canvas: Canvas, position: int, token: int) -> bool:
        """May the token be written there? The judge takes a True for written, an EOS for all behind it too."""
        ...

    def completion(self, canvas: Canvas) -> list[int] | None:
        """The tokens of a text that agrees with what is written, of any length, if the judge knows one."""
        ...


@dataclass
class Filled:
    """A canvas that has been filled.

    Attributes:
        tokens: what stands in it; a judge's completion may be longer than the canvas.
        forward_passes: calls of the model.
        model_seconds: CPU time of these.
        seconds: CPU time of the judge.
        refused: proposals that were refused.
        dead: at some point no token could stand at a position.
        frames: what each pass has written and what was refused.
    """

    tokens: list[int] = field(default_factory=list)
    forward_passes: int = 0
    model_seconds: float = 0.0
    seconds: float = 0.0
    refused: int = 0
    dead: bool = False
    frames: list[Frame] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        return tokens.decode(self.tokens)


class Proposals:
    """What one forward pass proposes: a token for each slot, drawn from its law; refused ones are drawn no more.

    Attributes:
        law: float32[len, V], log-probabilities.
        tokens: int64[len].
    """

    def __init__(self, law: NDArray[np.float32], temperature: float, random: np.random.Generator) -> None:
        self.law = law
        # the maxima of these are draws from the laws at the temperature, without those refused
        self.noisy = law.copy() if temperature == 0 else law / temperature + random.gumbel(size=law.shape)
        self.tokens = np.argmax(self.noisy, axis=1)

    def refuse(self, position: int) -> bool:
        """Draw another token. False: there is no other."""
        row = self.noisy[position]
        row[self.tokens[position]] = -np.inf
        self.tokens[position] = token = int(np.argmax(row))
        return bool(row[token] > -np.inf)

    def first(self, open_: NDArray[np.intp], order: Order, rank: NDArray[np.intp]) -> int:
        """The open position that comes first."""
        if order == "blocks":
            open_ = open_[open_ // BLOCK == open_[0] // BLOCK]
        if order == "random":
            return int(open_[np.argmin(rank[open_])])
        if order == "entropy":
            return int(open_[np.argmin(self._entropy[open_])])
        return int(open_[np.argmax(self.law[open_, self.tokens[open_]])])

    @cached_property
    def _entropy(self) -> NDArray[np.float32]:
        """float32[len], in nats."""
        found: NDArray[np.float32] = -(np.exp(self.law) * np.maximum(self.law, -1e3)).sum(axis=1)
        return found


def fill(
    model: Model,
    length: int,
    judge: Judge,
    order: Order,
    per_pass: int,
    temperature: float,
    random: np.random.Generator,
) -> Filled:
    """Fill a canvas of ``length`` slots, ``per_pass`` tokens in each forward pass."""
    canvas = np.full(length, MASK, dtype=np.int32)
    rank = random.permutation(length)
    done = Filled()
    while (canvas == MASK).any():
        proposals = Proposals(timed_law(model, canvas, done), temperature, random)
        before, spent = canvas.copy(), done.seconds
        refused: list[tuple[int, int]] = []
        for _ in range(per_pass):
            open_ = np.flatnonzero(canvas == MASK)
            if not open_.size:
                break
            if not _write(canvas, proposals, open_, judge, order, rank, refused, done):
                done.dead = True
                begin = time.process_time()
                known = judge.completion(canvas)
                done.seconds += time.process_time() - begin
                if known is None:
                    known = np.where(canvas == MASK, np.argmax(proposals.law, axis=1), canvas).tolist()
                done.tokens = known
                return done
        placed = tuple((int(at), int(canvas[at])) for at in np.flatnonzero(canvas != before))
        now = tuple(canvas.tolist())
        done.frames.append(Frame(done.forward_passes, now, placed, tuple(refused), (), done.seconds - spent))
    done.tokens = canvas.tolist()
    return done


def timed_law(model: Model, canvas: Canvas, done: Filled) -> NDArray[np.float32]:
    """One forward pass, counted: float32[len, V], log-probabilities."""
    begin = time.process_time()
    logits = model(canvas)
    done.model_seconds += time.process_time() - begin
    done.forward_passes += 1
    top = logits.max(axis=1, keepdims=True)
    law: NDArray[np.float32] = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return law


def _write(
    canvas: Canvas,
    proposals: Proposals,
    open_: NDArray[np.intp],
    judge: Judge,
    order: Order,
    rank: NDArray[np.intp],
    refused: list[tuple[int, int]],
    done: Filled,
) -> bool:
    """Write the next token that the judge accepts. False: there is none at the position that comes first."""
    while True:
        position = proposals.first(open_, order, rank)
        token = int(proposals.tokens[position])
        begin = time.process_time()
        good = judge.accepts(canvas, position, token)
        done.seconds += time.process_time() - begin
        if good:
            canvas[position] = token
            if token == tokens.EOS:  # nothing is read behind the end
                canvas[position:] = tokens.EOS
            return True
        done.refused += 1
        refused.append((position, token))
        if not proposals.refuse(position):
            return False
