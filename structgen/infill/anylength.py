"""Canvases with gaps of any length, as questions to a recogniser of texts.

Receives the steps of a canvas. The recogniser knows bytes and no tokens. Every byte is a token, and no token has less
than one; so a gap of at least so many tokens holds any text of at least so many bytes. One of at most so many tokens
holds every text of at most so many bytes, and longer ones: such canvases are asked about twice, with fewer texts than
there may be in their gaps and with more. So are those with gaps of more than a few tokens, since it takes long to
follow all texts of so many bytes. Where the two answers differ it is not settled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from structgen.infill.gap import ANY, MAYBE, SLOT, TEXT, TOKEN, Step
from structgen.infill.recogniser import Hole, Long, Part, Recogniser, tidy
from structgen.infill.tables import tables_of
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime.compiled import CompiledGrammar

_OPEN = (SLOT, MAYBE, ANY)
#: All texts of up to so many bytes are followed at once, and if need be of up to so many in all gaps together.
SOON, LATE = 4, 8


class Question(NamedTuple):
    """Parts of texts for the parts of a canvas.

    Attributes:
        few: some of the texts that may stand there.
        many: all, and perhaps others.
        all: all and no others; None: that cannot be told, or not soon.
    """

    few: Part
    many: Part
    all: Part | None


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
        return self._answer(steps)[0]

    def witness(self, steps: list[Step]) -> tuple[bool | None, list[int] | None]:
        """See ``completable``; and the tokens of one completion, fixed ones included; None: none is worked out."""
        answer, parts = self._answer(steps)
        recogniser = recogniser_of(self._grammar) if answer else None
        found = None if recogniser is None else recogniser.fillings(tidy(parts))
        if found is None:
            return answer, None
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
        return answer, result

    def allows(self, steps: list[Step], position: int, token: int) -> bool | None:
        """May a token stand at, or begin, a step that is not fixed? None: that is left to others."""
        if not self.blocks or all(step.kind != ANY for step in steps):
            return None
        if token in self._vocab.eos_token_ids and not self._padding:
            return False
        behind = position + (steps[position].kind != ANY)
        return self.completable([*steps[:position], Step(TOKEN, token), *steps[behind:]])

    def _spelt(self, text: bytes, least: int) -> list[int]:
        """The tokens of a text, at least so many."""
        tokens = self._vocab.spell(text)
        if len(tokens) < least:
            tokens = [int(self._vocab.byte_token[byte]) for byte in text]
        return tokens if len(tokens) >= least else tokens + [self._vocab.eos_token_ids[0]] * (least - len(tokens))

    def _answer(self, steps: list[Step]) -> tuple[bool | None, list[Part]]:
        """See ``completable``; and where it is True, parts that can be completed."""
        questions = self._questions(steps)
        recogniser = recogniser_of(self._grammar) if questions else None
        if recogniser is None:
            return None, []
        few = [q.few for q in questions]
        answer = recogniser.completable(few)
        if answer is not False or all(q.few == q.all for q in questions):
            return answer, few
        if recogniser.completable([q.many for q in questions]) is False:
            return False, []
        holes = [q.all for q in questions if isinstance(q.all, Hole)]
        exact = [q.all for q in questions if q.all is not None]
        if len(exact) < len(questions) or sum(h.least if h.most is None else h.most for h in holes) > LATE:
            return None, []
        return recogniser.completable(exact), exact

    def _questions(self, steps: list[Step]) -> list[Question]:
        """What to ask; empty: it is left to others."""
        kinds = {step.kind for step in steps}
        if not kinds & set(_OPEN) or not (self.blocks or kinds.isdisjoint((SLOT, MAYBE))):
            return []
        found: list[Question] = []
        runs = _runs(steps)
        for run in runs:
            value = run[0].value
            if run[0].kind in _OPEN:
                found.append(self._hole(run, self._padding and run is runs[-1]))
                continue
            text = value if isinstance(value, bytes) else self._text(value)
            if not text:
                return []
            found.append(Question(text, text, text))
        return found

    def _text(self, token: int | None) -> bytes | None:
        assert token is not None
        return self._vocab.tokens[token] if token < len(self._vocab.tokens) else None

    def _hole(self, run: list[Step], padded: bool) -> Question:
        least = 0 if padded else sum(step.kind == SLOT for step in run)
        most = None if any(step.kind == ANY for step in run) else len(run)
        longest = self._vocab.max_token_bytes
        exact = Hole(least, most) if most is None or longest == 1 else None
        if (least if most is None else most) > SOON:
            return Question(Long(least, most), Hole(min(least, 2)), exact)
        if exact is not None:
            return Question(exact, exact, exact)
        assert most is not None
        return Question(Hole(least, most), Hole(least, most * longest if most * longest <= SOON else None), None)


def _runs(steps: list[Step]) -> list[list[Step]]:
    """The steps, those next to each other that are not fixed together."""
    runs: list[list[Step]] = []
    for step in steps:
        if step.kind in _OPEN and runs and runs[-1][0].kind in _OPEN:
            runs[-1].append(step)
        else:
            runs.append([step])
    return runs
