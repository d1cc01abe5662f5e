"""Lookahead, then verify (LAVE), for masked diffusion under a grammar; written from its description.

Semi-autoregressive: blocks from left to right, the most confident position of the block first. A proposal stands if
the masks left of the last written token can be filled with tokens drawn from the laws of the *same* forward pass so
that a parser takes what is then the text's beginning; the filling is kept as *witness*, and a proposal that agrees
with it stands at once. A draw that fails says nothing, so good proposals are refused too. After some refusals in a row
the block is decoded from left to right under exact masks (*recovery*). The parser knows no canvas: a text that can go
on may need more tokens than there are slots.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from structgen import CompiledGrammar, bits
from structgen.infill.protocol import MASK

from . import tokens
from .filling import BLOCK, Canvas, Filled, Model, Proposals, timed_law

#: Fillings that are tried for a proposal, and refusals before recovery, as published.
DRAWS = 10
REFUSALS = 5


class Lookahead:
    """One canvas under way.

    Attributes:
        canvas: int32[length], MASK where nothing is written.
        state: of the grammar, behind the ``done`` tokens that stand before the first mask.
        witness: tokens for the masks left of the last written token.
    """

    def __init__(self, grammar: CompiledGrammar, length: int, random: np.random.Generator) -> None:
        self.grammar = grammar
        self.canvas: Canvas = np.full(length, MASK, dtype=np.int32)
        self.random = random
        self.state = grammar.start
        self.done = 0
        self.witness: dict[int, int] = {}

    def proposal(self, law: NDArray[np.float32], position: int, token: int) -> bool:
        """Write a token if a filling is found for what stands before it."""
        if self.witness.get(position) != token:
            found = self._verified(law, position, token)
            if found is None:
                return False
            self.witness = found
        self.witness.pop(position, None)
        self.canvas[position] = token
        if token == tokens.EOS:
            # nothing is read behind the end
            self.canvas[position:] = tokens.EOS
            self.witness = {at: t for at, t in self.witness.items() if at < position}
        self._read()
        return True

    def recover(self, proposals: Proposals, owed: int) -> None:
        """Put the witness in, then write ``owed`` tokens from left to right under exact masks."""
        for position, token in self.witness.items():
            self.canvas[position] = token
        self.witness = {}
        self._read()
        for _ in range(owed):
            if self.done == len(self.canvas):
                return
            allowed = bits.unpack(self.grammar.mask(self.state), self.grammar.vocab.size)
            token = int(np.argmax(np.where(allowed, proposals.noisy[self.done], -np.inf)))
            if not allowed[token]:  # all that is allowed has been refused before
                token = int(np.flatnonzero(allowed)[0])
            self.canvas[self.done] = token
            if token == tokens.EOS:
                self.canvas[self.done :] = tokens.EOS
            self._read()

    def _read(self) -> None:
        """Let the parser take what is written up to the first mask."""
        while self.done < len(self.canvas) and (token := int(self.canvas[self.done])) != MASK:
            if token == tokens.EOS:
                self.done = len(self.canvas)
                return
            self.state = self.grammar.advance(self.state, token)
            assert self.state >= 0, "what is written agrees with a witness"
            self.done += 1

    def _verified(self, law: NDArray[np.float32], position: int, token: int) -> dict[int, int] | None:
        """A filling of the masks up to the last written token, the proposed one included; None if none is found."""
        canvas = self.canvas.copy()
        canvas[position] = token
        ends = np.flatnonzero(canvas == tokens.EOS)
        last = int(ends[0]) if ends.size else int(np.flatnonzero(canvas != MASK)[-1])
        for draw in range(DRAWS + bool(ends.size)):
            found = self._filling(canvas, law, last, draw)
            if found is not None:
                return found
        return None

    def _filling(self, canvas: Canvas, law: NDArray[np.float32], last: int, draw: int) -> dict[int, int] | None:
        """The most likely tokens, then draws; with an end in the canvas, at last the likeliest under masks."""
        state = self.grammar.start if self.done == 0 else self.state
        found: dict[int, int] = {}
        for at in range(self.done, last + 1):
            token = int(canvas[at])
            if token == MASK:
                if draw == DRAWS:
                    allowed = bits.unpack(self.grammar.mask(state), self.grammar.vocab.size)
                    allowed[tokens.EOS] = False
                    row = np.where(allowed, law[at], -np.inf)
                else:
                    row = law[at]
                token = int(np.argmax(row if draw in (0, DRAWS) else row + self.random.gumbel(size=len(row))))
                if row[token] == -np.inf:
                    return None
                found[at] = token
            if token == tokens.EOS:
                return found if at == last and self.grammar.accepts(state) else None
            state = self.grammar.advance(state, token)
            if state < 0:
                return None
        return found


def fill_with_lookahead(
    model: Model,
    grammar: CompiledGrammar,
    length: int,
    per_pass: int,
    temperature: float,
    random: np.random.Generator,
) -> Filled:
    """Fill a canvas of ``length`` slots, ``per_pass`` tokens in each forward pass."""
    run = Lookahead(grammar, length, random)
    done = Filled()
    rank = np.arange(length)
    while (open_ := np.flatnonzero(run.canvas == MASK)).size:
        proposals = Proposals(timed_law(model, run.canvas, done), temperature, random)
        begin = time.process_time()
        block = open_[0] // BLOCK
        owed, refused = per_pass, 0
        while owed:
            open_ = np.flatnonzero(run.canvas == MASK)
            open_ = open_[open_ // BLOCK == block]
            if not open_.size:
                break
            position = proposals.first(open_, "confidence", rank)
            if run.proposal(proposals.law, position, int(proposals.tokens[position])):
                owed, refused = owed - 1, 0
                continue
            done.refused += 1
            refused += 1
            if not proposals.refuse(position) or refused >= REFUSALS:
                run.recover(proposals, owed)
                break
        done.seconds += time.process_time() - begin
    done.tokens = run.canvas.tolist()
    done.dead = tokens.EOS not in done.tokens and not grammar.accepts(run.state)
    return done
