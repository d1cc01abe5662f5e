"""Canvases filled by models that write from left to right.

Receives a model and a canvas under a constraint (:class:`structgen.infill.walk.Walk`); returns the text written. Two
ways: the whole text from left to right, each token under the mask of what can still be completed given the fixed text
further right, which works with any model; or, with a model that was trained to fill in the middle, gap by gap, the
model seeing the text on both sides. The constraint is exact in both, the same, and within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError, ModelError
from structgen.infill.gap import Gap
from structgen.infill.walk import Position, Walk
from structgen.integrations.fim import FillInTheMiddle, Order
from structgen.integrations.forward import Single
from structgen.integrations.infilled import Written
from structgen.sampling import Masked
from structgen.sampling.choose import choose

#: So many of the likeliest tokens are sorted first; the others only where all of these are refused.
FIRST_SORTED = 64


@dataclass(frozen=True)
class Setting:
    """What all texts of a generator share.

    Attributes:
        model: of transformers.
        width: of its logits.
        encode: a text's ids as it stands inside a longer one.
        sampler: how tokens are drawn. With ``top_p`` or ``min_p`` it has a ``top_k`` too.
        random: the text's random stream.
    """

    model: Any
    width: int
    encode: Callable[[str], list[int]]
    sampler: Masked
    random: np.random.Generator

    def __post_init__(self) -> None:
        if (self.sampler.top_p is not None or self.sampler.min_p is not None) and self.sampler.top_k is None:
            raise InputError(
                "infilling asks of one token after the other whether it is allowed, so top_p and min_p need top_k",
                hint="top_k=64, say, or temperature alone",
            )


#: Asked before each token that the model chooses, with the tokens so far: is this as far as it writes?
Stop = Callable[[Position, NDArray[np.float32], list[int]], bool]


def write_through(
    setting: Setting,
    walk: Walk,
    prompt: list[int],
    *,
    start: Position | None = None,
    ends: tuple[int, ...] | None = None,
    stop: Stop | None = None,
) -> tuple[Written, Position]:
    """Write the canvas from left to right, the model reading the prompt and what was written.

    Args:
        start: where to begin; None: at the beginning.
        ends: tokens by which the model ends its text, where it may end; None: EOS.
        stop: see :data:`Stop`; None: never.
    """
    forward = Single(setting.model, setting.width)
    done = Written([], [])
    position = walk.start if start is None else start
    new = list(prompt)
    ends = walk.vocab.eos_token_ids if ends is None else ends
    while True:
        began = perf_counter()
        for token in _forced(setting, walk, position):
            after = walk.token(position, token)
            if after is None:  # its bytes were allowed
                break
            position = after
            new.append(token)
            done.tokens.append(token)
        finished = walk.complete(position)
        done.seconds_constraint += perf_counter() - began
        if finished:
            break
        logits = _feed(forward, new, done)
        if stop is not None:
            began = perf_counter()
            stopped = stop(position, logits, done.tokens)
            done.seconds_constraint += perf_counter() - began
            if stopped:
                break
        after, token = _choose(setting, walk, position, logits, done, ends, walk.token, walk.may_end)
        if after is None:
            break
        position, new = after, [token]
    done.text = walk.vocab.token_bytes(done.tokens)
    return done, position


def write_middles(setting: Setting, walk: Walk, fim: FillInTheMiddle, order: Order | None) -> tuple[Written, Position]:
    """Fill gap by gap. Each time the model reads what stands before the gap, filled, and what is fixed behind it."""
    done = Written([], [])
    canvas = walk.canvas
    position = walk.start
    entered = walk.leave(position, 0) if canvas.elements and not isinstance(canvas.elements[0], Gap) else position
    assert entered is not None, "the canvas can be completed"
    position = entered
    fixed = [fixed_text(walk, element) for element in canvas.elements]
    done.text = b"".join(fixed[: _first_gap(canvas.elements)])
    for index, element in enumerate(canvas.elements):
        if not isinstance(element, Gap):
            continue
        middle = b""
        if element.most != 0:
            end = canvas.positions(index).stop
            prompt = fim.ids(shown(done.text), shown(b"".join(fixed[index + 1 :])), setting.encode, order)
            position, middle = write_middle(setting, walk, position, end, prompt, fim.ends, done)
            left = walk.leave(position, end)
            assert left is not None, "the gap may end here"
            position = left
        behind = _first_gap(canvas.elements[index + 1 :])
        done.text += middle + b"".join(fixed[index + 1 : index + 1 + behind])
    done.tokens = _tokens_of(setting, walk, done)
    return done, position


def write_middle(
    setting: Setting, walk: Walk, position: Position, end: int, prompt: list[int], ends: tuple[int, ...], done: Written
) -> tuple[Position, bytes]:
    """The position at the end of one gap, and what was written in it."""
    forward = Single(setting.model, setting.width)
    new, middle = list(prompt), b""

    def inside(at: Position, token: int) -> Position | None:
        return walk.inside(at, token, end)

    def may_end(at: Position) -> bool:
        return walk.leave(at, end) is not None

    while True:
        if all(place == (end, 0) for place in position.places):
            return position, middle  # the gap has all its tokens
        logits = _feed(forward, new, done)
        after, token = _choose(setting, walk, position, logits, done, ends, inside, may_end)
        if after is None:
            return position, middle
        position, new = after, [token]
        middle += walk.vocab.tokens[token] or b""


def _choose(
    setting: Setting,
    walk: Walk,
    position: Position,
    logits: NDArray[np.float32],
    done: Written,
    ends: tuple[int, ...],
    step: Callable[[Position, int], Position | None],
    may_end: Callable[[Position], bool],
) -> tuple[Position | None, int]:
    """Draw an allowed token by the model's logits; the position after it, or None where the text (or gap) ends.

    Tokens are tried in the order in which the sampler would draw them, were the refused ones left out: so the law is
    that of the sampler under the full mask, of which only a few bits need be known.
    """
    began = perf_counter()
    if np.isnan(logits).any():
        raise ModelError("the model's logits are NaN", hint="Try another dtype, such as float32")
    sampler = setting.sampler
    candidates = walk.candidates(position)
    ending = may_end(position)
    candidates[list(ends)] = ending
    keys = logits.astype(np.float64)
    if sampler.temperature > 0.0 and sampler.top_k is None:
        # the greatest of the scores with Gumbel noise is a draw from the law, of any subset too
        keys = keys / sampler.temperature + setting.random.gumbel(size=len(keys))
    keys[~candidates] = -np.inf
    wanted = sampler.top_k if sampler.top_k is not None and sampler.temperature > 0.0 else 1
    found: dict[int, Position | None] = {}
    for token in _descending(keys):
        after = None if token in ends else step(position, token)
        if token in ends or after is not None:
            found[token] = after
            if len(found) == wanted:
                break
    if not found:
        raise ModelError("the model gives every allowed token probability 0")
    token = next(iter(found))
    if wanted > 1:
        token = choose(logits, np.array(sorted(found)), sampler, setting.random)
    after = found[token]
    done.seconds_constraint += perf_counter() - began
    if after is not None:
        top = float(logits.max())
        logp = float(logits[token]) - top - float(np.log(np.exp(logits - top).sum(dtype=np.float64)))
        done.chosen.append((position.offset, after.offset, logp))
        done.tokens.append(token)
    return after, token


def _descending(keys: NDArray[np.float64]) -> Iterator[int]:
    """The indices of all keys above -inf, the greatest first (of equals the lowest index)."""
    n = int((keys > -np.inf).sum())
    first = min(n, FIRST_SORTED)
    if first < n:
        head = np.argpartition(-keys, first)[:first]
        least = keys[head].min()
        head = np.flatnonzero(keys >= least)  # equals of the last one too
        yield from head[np.lexsort((head, -keys[head]))].tolist()
        rest = np.flatnonzero((keys < least) & (keys > -np.inf))
    else:
        rest = np.flatnonzero(keys > -np.inf)
    yield from rest[np.lexsort((rest, -keys[rest]))].tolist()


def _feed(forward: Single, new: list[int], done: Written) -> NDArray[np.float32]:
    began = perf_counter()
    logits = forward.feed(new)
    done.seconds_model += perf_counter() - began
    done.passes += 1
    return logits


def _forced(setting: Setting, walk: Walk, position: Position) -> list[int]:
    """The tokens of the fixed text that comes next. The last one is left to the model where a gap follows, since its
    token may hold the beginning of the gap too."""
    text = walk.forced(position)
    if not text:
        return []
    ids = encoded(setting, walk, text)
    return ids if walk.reaches_end(position) else ids[:-1]


def encoded(setting: Setting, walk: Walk, text: bytes) -> list[int]:
    try:
        return setting.encode(text.decode())
    except UnicodeDecodeError:
        return walk.vocab.spell(text)


def fixed_text(walk: Walk, element: Any) -> bytes:
    if isinstance(element, Gap):
        return b""
    return bytes(element) if isinstance(element, (bytes, bytearray)) else walk.vocab.token_bytes([element])


def _first_gap(elements: list[Any]) -> int:
    return next((i for i, element in enumerate(elements) if isinstance(element, Gap)), len(elements))


def shown(data: bytes) -> str:
    return data.decode(errors="replace")


def _tokens_of(setting: Setting, walk: Walk, done: Written) -> list[int]:
    """The tokens of a text written gap by gap: those of the middles as they are, fixed text as the tokenizer has it."""
    tokens: list[int] = []
    at = 0
    for (start, end, _), token in zip(done.chosen, done.tokens, strict=True):
        tokens += encoded(setting, walk, done.text[at:start]) if start > at else []
        tokens.append(token)
        at = end
    return tokens + (encoded(setting, walk, done.text[at:]) if at < len(done.text) else [])
