"""The public questions about canvases: can it be completed, how, and which tokens can stand in a slot?

Receives a compiled grammar and a canvas. Chooses the engine: finite automata answer for every slot at once
(:mod:`structgen.infill.finite`); grammars that nest without bound keep one united state for each boundary
(:mod:`structgen.infill.nested`). Both are exact.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from structgen.errors import InputError, UnsupportedError
from structgen.infill.finite import FiniteSteps
from structgen.infill.gap import (
    ANY,
    MAYBE,
    SLOT,
    TOKEN,
    Element,
    Gap,
    Layout,
    Step,
    check_grammar,
    checked_token,
    lay_out,
)
from structgen.infill.graph import token_graph
from structgen.infill.law import BlockLaw
from structgen.infill.nested import NestedSteps
from structgen.infill.unrolled import unrolled
from structgen.runtime.compiled import CompiledGrammar

_OPEN = (SLOT, MAYBE, ANY)


class Canvas:
    """A text of which parts are fixed and parts are gaps, under a grammar.

    Positions number the steps of the canvas: each token, each (non-empty) text, each token a gap may have, and one
    for a gap without bound. In a canvas of tokens and gaps of one token each they are the indices of its elements.

    Args:
        grammar: a compiled grammar.
        canvas: fixed tokens (int), fixed text (bytes) and gaps (:class:`structgen.infill.Gap`).
        padding: the tokens of gaps may also be EOS ids where the text has ended, as diffusion models write them up to
            the end of their canvas. Fixed EOS ids are understood either way.
        unroll: where the grammar nests without bound, but the canvas leads to few states, explore them all first: every
            slot is then answered at once, and product laws can be had. It pays for a canvas that is asked often.

    Raises:
        InputError: the canvas holds something else, or a token that is not of the vocabulary.
        UnsupportedError: the constraint names special tokens.
        LimitError: the canvas has too many steps.
    """

    def __init__(
        self, grammar: CompiledGrammar, canvas: Iterable[Element], *, padding: bool = False, unroll: bool = False
    ) -> None:
        check_grammar(grammar)
        if grammar.special:
            raise UnsupportedError(
                f"a canvas under a constraint that names special tokens ({', '.join(sorted(grammar.special))})",
                hint="Leave them out of the constraint; what is fixed can stand before and behind the canvas",
            )
        self.grammar = grammar
        self.padding = bool(padding) and bool(grammar.vocab.eos_token_ids)
        if isinstance(canvas, (str, bytes, Gap)) or not isinstance(canvas, Iterable):
            raise InputError("a canvas is a list of tokens (int), texts (bytes) and gaps (sg.Gap)")
        self.elements: list[Element] = list(canvas)
        self._layout: Layout = lay_out(self.elements, grammar.vocab)
        steps = self._layout.steps
        graph = token_graph(grammar)
        if graph is None and unroll:
            graph = unrolled(grammar, steps)
        #: Answers the questions about the steps.
        self.engine: FiniteSteps | NestedSteps = (
            NestedSteps(grammar, steps, self.padding)
            if graph is None
            else FiniteSteps(graph, grammar.vocab, steps, self.padding)
        )

    def __len__(self) -> int:
        """The number of positions."""
        return len(self._layout.steps)

    def positions(self, index: int) -> range:
        """The positions of an element of the canvas."""
        return range(self._layout.first[index], self._layout.first[index + 1])

    def completable(self) -> bool:
        """Can the gaps be filled so that the text is in the language?"""
        return self.engine.completable()

    def witness(self) -> list[int] | None:
        """The tokens of one completion, fixed ones included; None if there is none.

        Fixed text is spelt with the fewest tokens.

        Raises:
            VocabularyError: no tokens make up a fixed text.
        """
        return self.engine.witness()

    def mask(self, position: int) -> NDArray[np.int32]:
        """The tokens that may stand at a position, all others being as they are.

        Args:
            position: of a slot; at a position that a gap may leave out: the tokens that may stand there if it does
                not; at a gap without bound: the tokens that may begin it.

        Returns:
            int32[ceil(V / 32)]; bit t % 32 of word t // 32 is token t.

        Raises:
            InputError: the position is fixed, or is none.
        """
        return self.engine.mask(self._open(position))

    def allows(self, position: int, token: int) -> bool:
        """Is the token in ``mask(position)``? Costs much less."""
        return self.engine.allows(self._open(position), checked_token(token, self.grammar.vocab, "token"))

    def fix(self, position: int, token: int) -> None:
        """Put a token at a slot, in place of what was there. It may make the canvas impossible to complete.

        Raises:
            InputError: the position is none that was a slot from the start, or the token is not of the vocabulary.
        """
        self._slot(position)
        self.engine.replace(position, Step(TOKEN, checked_token(token, self.grammar.vocab, "token")))

    def unfix(self, position: int) -> None:
        """Make a slot out of a position that was one from the start."""
        self._slot(position)
        self.engine.replace(position, Step(SLOT))

    @property
    def finite(self) -> bool:
        """Are the states of the canvas all known? Then every slot is answered at once, and ``law`` can be asked."""
        return isinstance(self.engine, FiniteSteps)

    def law(self, logits: NDArray[np.float32], temperature: float = 1.0) -> BlockLaw:
        """The product law of one forward pass, conditioned on the language and on what is fixed now.

        Args:
            logits: float32[len, V]; see :class:`BlockLaw`.
            temperature: what they are divided by.

        Raises:
            InputError: the canvas is not ``finite``, or see :class:`BlockLaw`.
            UnsatisfiableError: it cannot be completed.
        """
        if not isinstance(self.engine, FiniteSteps):
            raise InputError(
                "laws are for canvases with few states, and this grammar nests without bound",
                hint="Canvas(..., unroll=True) explores the states of a canvas that is short enough",
            )
        return BlockLaw(self.engine, np.asarray(logits))

    def tokens(self) -> list[int | None]:
        """For each position its token; None for slots, texts and what gaps may have beyond their least."""
        return [step.value if step.kind == TOKEN else None for step in self.engine.steps]  # type: ignore[misc]

    def _checked(self, position: int) -> int:
        position = operator.index(position)
        if not 0 <= position < len(self):
            raise InputError(f"the canvas has no position {position}", hint=f"It has {len(self)}, the first is 0")
        return position

    def _open(self, position: int) -> int:
        position = self._checked(position)
        if self.engine.steps[position].kind not in _OPEN:
            raise InputError(f"position {position} of the canvas is fixed", hint="Masks are for slots; unfix it first")
        return position

    def _slot(self, position: int) -> None:
        if self._layout.steps[self._checked(position)].kind != SLOT:
            raise InputError(
                f"position {position} of the canvas is no slot",
                hint="Tokens are fixed in gaps of a given number of tokens",
            )


def completable(grammar: CompiledGrammar, canvas: Iterable[Element], *, padding: bool = False) -> bool:
    """Can the gaps of a canvas be filled so that the text is in the language? See :class:`Canvas`."""
    return Canvas(grammar, canvas, padding=padding).completable()


def witness(grammar: CompiledGrammar, canvas: Iterable[Element], *, padding: bool = False) -> list[int] | None:
    """The tokens of one completion of a canvas, fixed ones included; None if there is none. See :class:`Canvas`."""
    return Canvas(grammar, canvas, padding=padding).witness()


def slot_mask(
    grammar: CompiledGrammar, canvas: Iterable[Element], index: int, offset: int = 0, *, padding: bool = False
) -> NDArray[np.int32]:
    """The tokens that may stand in a gap of a canvas: int32[ceil(V / 32)].

    Args:
        grammar: a compiled grammar.
        canvas: see :class:`Canvas`.
        index: of the gap in the canvas.
        offset: which token of the gap: the first by default; others only where the gap has at least so many.
        padding: see :class:`Canvas`.

    Raises:
        InputError: there is no gap at ``index``, or no such token in it.
    """
    whole = Canvas(grammar, canvas, padding=padding)
    index, offset = operator.index(index), operator.index(offset)
    if not 0 <= index < len(whole.elements) or not isinstance(gap := whole.elements[index], Gap):
        raise InputError(f"there is no gap at index {index} of the canvas")
    if offset and not 0 <= offset < gap.least:
        raise InputError(f"{gap!r} has no token {offset} in every filling of it", hint="Offsets go from 0")
    positions = whole.positions(index)
    if not positions:
        return np.zeros(grammar.width, dtype=np.int32)
    return whole.mask(positions[offset])
