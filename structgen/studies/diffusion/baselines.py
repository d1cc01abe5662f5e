"""Who decides on a canvas: structgen, and what it is compared with.

The judges of :func:`~structgen.studies.diffusion.filling.fill`: nothing, the exact one, gaps without a length; and
two ways that have loops of their own: masks of the next token, and structgen's decoding by the law of a pass.
"""

from __future__ import annotations

import time
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from structgen import CompiledGrammar, Gap, bits, infill
from structgen.errors import UnsupportedError
from structgen.infill.protocol import MASK

from . import tokens
from .filling import BLOCK, Canvas, Filled, Model, Order, Proposals, timed_law

#: Tokens this probable do not wait for their turn.
SURE = 0.9


class Anything:
    """No constraint."""

    def accepts(self, canvas: Canvas, position: int, token: int) -> bool:
        return True

    def completion(self, canvas: Canvas) -> list[int] | None:
        return None


class Exactly:
    """The canvas can be completed in its slots: :class:`structgen.infill.Canvas`."""

    def __init__(self, grammar: CompiledGrammar, length: int) -> None:
        self.canvas = infill.Canvas(grammar, [Gap(length)], padding=True, unroll=True)

    def accepts(self, canvas: Canvas, position: int, token: int) -> bool:
        if not self.canvas.allows(position, token):
            return False
        last = len(canvas) if token == tokens.EOS else position + 1
        for behind in range(position, last):
            self.canvas.fix(behind, token)
        return True

    def completion(self, canvas: Canvas) -> list[int] | None:
        return self.canvas.witness()


class Unbounded:
    """The intersection of the language with the canvas is not empty, where a run of masks is *any* number of tokens.

    So Mündler et al. check additive infilling: a grammar against the regular language of the texts between the gaps.
    What stands behind a written EOS is not read. A completion is a text of any length.
    """

    def __init__(self, grammar: CompiledGrammar) -> None:
        self.grammar = grammar

    def accepts(self, canvas: Canvas, position: int, token: int) -> bool:
        proposed = canvas.copy()
        proposed[position] = token
        return infill.completable(self.grammar, self._elements(proposed))

    def completion(self, canvas: Canvas) -> list[int] | None:
        return infill.witness(self.grammar, self._elements(canvas))

    def _elements(self, canvas: Canvas) -> list[int | bytes | Gap]:
        ends = np.flatnonzero(canvas == tokens.EOS)
        row = canvas[: ends[0]] if ends.size else canvas
        elements: list[int | bytes | Gap] = []
        for masked, run in groupby(row.tolist(), lambda token: token == MASK):
            elements += [Gap()] if masked else list(run)
        return elements


def supports_unbounded(grammar: CompiledGrammar) -> bool:
    """Are gaps of any length answered for this grammar?"""
    try:
        infill.completable(grammar, [Gap()])
    except UnsupportedError:
        return False
    return True


def fill_next_token(
    model: Model,
    grammar: CompiledGrammar,
    length: int,
    per_pass: int,
    temperature: float,
    random: np.random.Generator,
) -> Filled:
    """From left to right with masks of the next token, as for autoregressive models; nothing is known of the end."""
    canvas = np.full(length, MASK, dtype=np.int32)
    done = Filled()
    state, at = grammar.start, 0
    while at < length:
        proposals = Proposals(timed_law(model, canvas, done), temperature, random)
        begin = time.process_time()
        for _ in range(per_pass):
            if at == length:
                break
            allowed = bits.unpack(grammar.mask(state), grammar.vocab.size)
            token = int(np.argmax(np.where(allowed, proposals.noisy[at], -np.inf)))
            if token == tokens.EOS:
                canvas[at:] = tokens.EOS
                at = length
                break
            canvas[at] = token
            state = grammar.advance(state, token)
            at += 1
        done.seconds += time.process_time() - begin
    done.tokens = canvas.tolist()
    done.dead = bool(tokens.EOS not in done.tokens and not grammar.accepts(state))
    return done


def fill_by_law(
    model: Model, grammar: CompiledGrammar, length: int, order: Order, per_pass: int, temperature: float, seed: int
) -> Filled:
    """:func:`structgen.infill.denoise`: tokens of an exact sample of each pass's law, given the language and canvas.

    Slots whose token the model gives at least :data:`SURE` are written too.
    """
    done = Filled()

    class Timed:
        def logits(self, canvas: Canvas) -> NDArray[np.float32]:
            begin = time.process_time()
            found = model(canvas)
            done.model_seconds += time.process_time() - begin
            return found

    blocks = order == "blocks"
    found = infill.denoise(
        Timed(), grammar, [Gap(length)], order="confidence" if blocks else order, block=BLOCK if blocks else None,
        per_step=per_pass, threshold=SURE, temperature=temperature, seed=seed,
    )  # fmt: skip
    done.tokens, done.forward_passes, done.seconds = found.tokens, found.forward_passes, found.seconds
    done.frames = found.frames
    done.refused = sum(len(frame.refused) for frame in found.frames)
    return done
