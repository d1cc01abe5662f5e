"""Canvases with gaps of any length, as questions to a recogniser of texts.

Receives the steps of a canvas. The recogniser knows bytes and no tokens, so a gap of so many tokens is looked at as one
of so many bytes. Every byte is a token, and no token has less than one; so what can be done with as many bytes can be
done with the tokens, and what no more bytes do no tokens do. Gaps of at least so many tokens, and all gaps where tokens
are single bytes, are settled by that; in others a canvas may lie between the two.
"""

from __future__ import annotations

import numpy as np

from structgen.infill.gap import ANY, MAYBE, SLOT, TEXT, TOKEN, Step
from structgen.infill.recogniser import Hole, Part, Recogniser, tidy
from structgen.infill.tables import tables_of
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar

_OPEN = (SLOT, MAYBE, ANY)
#: Gaps of more bytes than this are looked at as gaps without bound first.
MOST_BYTES = 16


def recogniser_of(grammar: CompiledGrammar) -> Recogniser | None:
    """The recogniser of a grammar, one for all its canvases.

    None: texts have to be remembered, or the vocabulary lacks tokens of one byte, so that gaps cannot hold any text.
    """
    if "_recogniser" not in grammar.__dict__:
        tables = tables_of(grammar.network)
        found = None if tables is None else Recogniser(tables)
        if found is not None and (np.asarray(grammar.vocab.byte_token)[found.used] < 0).any():
            found = None
        grammar.__dict__["_recogniser"] = found
    result: Recogniser | None = grammar.__dict__["_recogniser"]
    return result


class AnyLength:
    """Answers for canvases of one grammar.

    Args:
        grammar: the compiled grammar.
        padding: may the tokens of gaps be EOS ids, where the text has ended?

    Attributes:
        blocks: has the grammar indentation? Then canvases with gaps of so many tokens are answered for too.
    """

    def __init__(self, grammar: CompiledGrammar, padding: bool) -> None:
        self._grammar = grammar
        self._vocab: Vocabulary = grammar.vocab
        self._padding = padding
        self.blocks = hasattr(grammar.network, "margins")

    def completable(self, steps: list[Step]) -> bool | None:
        """Can it be completed? None: that is left to others."""
        recogniser, parts = self._question(steps)
        if recogniser is None:
            return None
        enough = recogniser.completable([few for few, _ in parts])
        if enough is not False or all(few == many for few, many in parts):
            return enough
        return None if recogniser.completable([many for _, many in parts]) is not False else False

    def witness(self, steps: list[Step]) -> list[int] | None:
        """The tokens of one completion, fixed ones included, where ``completable`` says True.

        None: that is left to others.
        """
        recogniser, parts = self._question(steps)
        found = None if recogniser is None else recogniser.fillings(tidy([few for few, _ in parts]))
        if found is None:
            return None
        rest = iter(found)
        result: list[int] = []
        for run in _runs(steps):
            if run[0].kind == TOKEN:
                assert isinstance(run[0].value, int)
                result.append(run[0].value)
            elif run[0].kind == TEXT:
                result += self._vocab.spell(run[0].value)  # type: ignore[arg-type]
            else:
                result += self._spelt(next(rest), sum(step.kind == SLOT for step in run))
        return result

    def allows(self, steps: list[Step], position: int, token: int) -> bool | None:
        """May a token stand at, or begin, a step that is not fixed? None: that is left to others."""
        if not self.blocks or all(step.kind != ANY for step in steps):
            return None
        behind = position + (steps[position].kind != ANY)
        return self.completable([*steps[:position], Step(TOKEN, token), *steps[behind:]])

    def _spelt(self, text: bytes, least: int) -> list[int]:
        """The tokens of a text, at least so many."""
        tokens = self._vocab.spell(text)
        if len(tokens) < least:
            tokens = [int(self._vocab.byte_token[byte]) for byte in text]
        return tokens + [self._vocab.eos_token_ids[0]] * (least - len(tokens))

    def _question(self, steps: list[Step]) -> tuple[Recogniser | None, list[tuple[Part, Part]]]:
        """The parts of a canvas: what can be had for sure, and what can be had at most."""
        kinds = {step.kind for step in steps}
        if not kinds & set(_OPEN) or not (self.blocks or kinds.isdisjoint((SLOT, MAYBE))):
            return None, []
        parts: list[tuple[Part, Part]] = []
        for run in _runs(steps):
            value = run[0].value
            if run[0].kind in _OPEN:
                parts.append(self._hole(run))
            elif run[0].kind == TEXT:
                assert isinstance(value, bytes)
                parts.append((value, value))
            else:
                assert isinstance(value, int)
                text = self._vocab.tokens[value] if value < len(self._vocab.tokens) else None
                if not text:
                    return None, []
                parts.append((text, text))
        if self._padding and isinstance(parts[-1][0], Hole):
            few, many = parts[-1]
            assert isinstance(few, Hole) and isinstance(many, Hole)
            parts[-1] = few._replace(least=0), many._replace(least=0)
        return recogniser_of(self._grammar), parts

    def _hole(self, run: list[Step]) -> tuple[Hole, Hole]:
        least = sum(step.kind == SLOT for step in run)
        if any(step.kind == ANY for step in run):
            return Hole(least), Hole(least)
        most = self._vocab.max_token_bytes * len(run)
        return Hole(least, len(run)), Hole(least, most if most <= max(MOST_BYTES, len(run)) else None)


def _runs(steps: list[Step]) -> list[list[Step]]:
    """The steps, those next to each other that are not fixed together."""
    runs: list[list[Step]] = []
    for step in steps:
        if step.kind in _OPEN and runs and runs[-1][0].kind in _OPEN:
            runs[-1].append(step)
        else:
            runs.append([step])
    return runs
