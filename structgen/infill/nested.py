"""Canvases under a grammar that nests without bound: one united state for each boundary.

Receives a compiled grammar and the steps of a canvas. A state of the machine is a set of items over sets of stacks,
so the texts of several states are again those of one (``CompiledGrammar.unite``), exactly. The states that a canvas
up to some boundary can lead to are therefore kept as *one* state, whatever their number, and a slot is one step of
it: the union of what all tokens lead to. A canvas can be completed if and only if the state at its end may end.

Where all gaps are without bound, and under indentation, whether a canvas can be completed, and how, is answered by a
recogniser (:mod:`structgen.infill.anylength`): in far less time, and where the gaps can hold indentation too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import UnsupportedError
from structgen.infill.anylength import AnyLength
from structgen.infill.gap import ANY, MAYBE, SLOT, TEXT, TOKEN, Step
from structgen.runtime.compiled import REFUSED, CompiledGrammar

#: A slot may lead one state to so many. Only texts that must be remembered (names that must not repeat) make more.
MOST_TARGETS = 20_000
#: The targets of so many states are kept.
MOST_KEPT = 200_000


class Front(NamedTuple):
    """The texts up to a boundary: the state of those that have not ended (REFUSED: none), and may one have ended?"""

    state: int
    ended: bool


_DEAD = Front(REFUSED, False)


class Images:
    """Where all tokens lead states of one grammar, worked out when asked for and kept."""

    def __init__(self, grammar: CompiledGrammar) -> None:
        self._grammar = grammar
        self._eos = np.array(grammar.vocab.eos_token_ids, dtype=np.int64)
        self._targets: dict[int, NDArray[np.int32]] = {}
        self._images: dict[int, int] = {}

    def after(self, state: int) -> NDArray[np.int32]:
        """int32[V]: the state after each token that has a text; -1 where it is not allowed."""
        found = self._grammar.next_states(state)
        found[self._eos] = REFUSED
        return found

    def targets(self, state: int) -> NDArray[np.int32]:
        """The different states one token away, ascending."""
        known = self._targets.get(state)
        if known is None:
            if len(self._targets) >= MOST_KEPT:
                self._targets.clear()
                self._images.clear()
            known = np.unique(self.after(state))
            known = self._targets[state] = known[known >= 0]
        if len(known) > MOST_TARGETS:
            raise UnsupportedError(
                "a gap can hold too many texts that have to be remembered (names or items that must not repeat)",
                hint="Close the objects (additionalProperties: false), or leave out uniqueItems",
            )
        return known

    def image(self, state: int) -> int:
        """The state of the texts one token longer, REFUSED if there are none."""
        known = self._images.get(state)
        if known is None:
            found = self.targets(state)
            known = self._images[state] = self._grammar.unite(found) if len(found) else REFUSED
        return known


def images_of(grammar: CompiledGrammar) -> Images:
    """The images of a grammar: one object for all its canvases, which lives as long as the grammar."""
    found = grammar.__dict__.get("_images")
    if found is None:
        found = grammar.__dict__["_images"] = Images(grammar)
    assert isinstance(found, Images)
    return found


class NestedSteps:
    """The steps of one canvas; the same questions as :class:`structgen.infill.finite.FiniteSteps` answers.

    Args:
        grammar: the compiled grammar.
        steps: see :mod:`structgen.infill.gap`.
        padding: may the tokens of gaps be EOS ids, where the text has ended?
    """

    def __init__(self, grammar: CompiledGrammar, steps: list[Step], padding: bool) -> None:
        self.grammar = grammar
        self.steps = list(steps)
        self.padding = padding
        self._images = images_of(grammar)
        self._any_length = AnyLength(grammar, padding)
        self._eos = frozenset(grammar.vocab.eos_token_ids)
        self._front = [Front(grammar.start, False)]
        self._open: int | None = None
        # can the steps from a boundary on be completed from a state? It holds whatever stands before the boundary
        self._finishes: list[dict[Front, bool]] = [{} for _ in range(len(steps) + 1)]

    # ------------------------------------------------------------ changes

    def replace(self, position: int, step: Step) -> None:
        """Put another step in place of one."""
        if self.steps[position] != step:
            self.steps[position] = step
            self._open = None
            del self._front[position + 1 :]
            for known in self._finishes[: position + 1]:
                known.clear()

    # ------------------------------------------------------------ questions

    def completable(self) -> bool:
        answer = self._any_length.completable(self.steps)
        return self.possible(0, self._front[0]) if answer is None else answer

    def front(self, boundary: int) -> Front:
        """All texts up to a boundary."""
        while len(self._front) <= boundary:
            p = len(self._front) - 1
            self._front.append(self._after(self.steps[p], self._front[p]))
        return self._front[boundary]

    def allows(self, position: int, token: int) -> bool:
        """May the token stand at (or, where there may be any number, begin) this step, all others as they are?"""
        if self.padding and token in self._eos and self._tail() < position:
            # the text ends in the slots before: whatever it is up to them
            known = self._at_once(self.front(self._tail()), position - self._tail())
            if known is not None:
                return known
        answer = self._any_length.allows(self.steps, position, token)
        if answer is not None:
            return answer
        after = self._token(self.front(position), token)
        return (self.padding or token not in self._eos) and self.possible(self._behind(position), after)

    def mask(self, position: int) -> NDArray[np.int32]:
        """The tokens that may stand at a step: int32[ceil(V / 32)].

        Raises:
            UnsupportedError: there is a gap without bound, and the grammar has indentation.
        """
        if self._any_length.blocks and any(step.kind == ANY for step in self.steps):
            raise UnsupportedError(
                "a mask for a canvas with a gap without bound, under indentation",
                hint="Canvas.allows answers for one token, Canvas.completable for all that is fixed",
            )
        front = self.front(position)
        flags = np.zeros(self.grammar.vocab.size, dtype=np.bool_)
        if front.state >= 0:
            after = self._images.after(front.state)
            targets = self._images.targets(front.state)
            good = [self.possible(self._behind(position), Front(t, False)) for t in targets.tolist()]
            flags = np.isin(after, targets[np.array(good, dtype=np.bool_)])
        if self.padding and self._eos and self.possible(self._behind(position), self._ended(front)):
            flags[list(self._eos)] = True
        return bits.pack(flags)

    def witness(self) -> list[int] | None:
        """The tokens of one completion; None if there is none. Gaps are as short as they can be from where they are.

        Raises:
            VocabularyError: fixed text cannot be spelt.
        """
        answer, found = self._any_length.witness(self.steps)
        if found is not None or answer is False:
            return found
        at = self._front[0]
        if not self.possible(0, at):
            return None
        result: list[int] = []
        for p, step in enumerate(self.steps):
            if step.kind in (TOKEN, TEXT):
                at = self._after(step, at)
                result += [step.value] if isinstance(step.value, int) else self.grammar.vocab.spell(step.value or b"")
                continue
            if step.kind == SLOT or not self.possible(p + 1, at):
                path, at = self._walk(at, p + 1)
                result += path
        return result

    # ------------------------------------------------------------ inside

    def _behind(self, position: int) -> int:
        return position if self.steps[position].kind == ANY else position + 1

    def possible(self, boundary: int, front: Front) -> bool:
        """Can the steps behind a boundary be completed from these texts?"""
        chain = []
        while True:
            if front == _DEAD:
                result = False
                break
            known = self._finishes[boundary].get(front)
            if known is None and boundary >= self._tail():
                known = self._at_once(front, self._slots_from(boundary))
            if known is not None:
                result = known
                break
            chain.append((boundary, front))
            if boundary == len(self.steps):
                result = front.ended or (front.state >= 0 and self.grammar.accepts(front.state))
                break
            front = self._after(self.steps[boundary], front)
            boundary += 1
        for b, f in chain:
            self._finishes[b][f] = result
        return result

    def _tail(self) -> int:
        """The first boundary behind which there are only slots and then only EOS ids; behind all, where there is none.

        Only with padding: a text that ends in the slots then leaves none over.
        """
        if self._open is None:
            p = len(self.steps)
            if self.padding:
                while p and self._is_eos(p - 1):
                    p -= 1
                while p and self.steps[p - 1].kind == SLOT:
                    p -= 1
            self._open = p
        return self._open

    def _slots_from(self, boundary: int) -> int:
        """How many slots there are from a boundary in the tail on."""
        end = boundary
        while end < len(self.steps) and self.steps[end].kind == SLOT:
            end += 1
        return end - boundary

    def _is_eos(self, position: int) -> bool:
        step = self.steps[position]
        return step.kind == TOKEN and step.value in self._eos

    def _at_once(self, front: Front, most: int) -> bool | None:
        """Can texts be completed in so many tokens? None where what the grammar knows of a state does not say.

        It knows the length of the shortest completion, and how many tokens its best spelling has: others with more
        bytes may have fewer.
        """
        if front.ended:
            return True
        if front.state < 0 or self.grammar.min_bytes_left(front.state) > most * self.grammar.vocab.max_token_bytes:
            return False
        return True if self.grammar.min_tokens_left(front.state) <= most else None

    def _after(self, step: Step, front: Front) -> Front:
        if step.kind == TOKEN:
            assert isinstance(step.value, int)
            return self._token(front, step.value)
        if step.kind == TEXT:
            assert isinstance(step.value, bytes)
            state = REFUSED if front.state < 0 else self.grammar.advance_bytes(front.state, step.value)
            return Front(state, False)
        if step.kind == ANY:
            return self._any(front)
        after = self._slot(front)
        return self._united(front, after) if step.kind == MAYBE else after

    def _slot(self, front: Front) -> Front:
        state = REFUSED if front.state < 0 else self._images.image(front.state)
        return Front(state, self.padding and bool(self._eos) and self._ended(front).ended)

    def _any(self, front: Front) -> Front:
        state = REFUSED if front.state < 0 else self.grammar.after_any(front.state)
        # none at all, or some and then EOS
        return Front(state, front.ended or (self.padding and self.grammar.accepts(state) if state >= 0 else False))

    def _united(self, a: Front, b: Front) -> Front:
        states = [f.state for f in (a, b) if f.state >= 0]
        return Front(self.grammar.unite(states) if states else REFUSED, a.ended or b.ended)

    def _ended(self, front: Front) -> Front:
        """The texts that have ended, by one more EOS."""
        ended = front.ended or (front.state >= 0 and self.grammar.accepts(front.state))
        return Front(REFUSED, ended)

    def _token(self, front: Front, token: int) -> Front:
        if token in self._eos:
            return self._ended(front)
        return _DEAD if front.state < 0 else Front(self.grammar.advance(front.state, token), False)

    def _walk(self, front: Front, boundary: int) -> tuple[list[int], Front]:
        """The fewest tokens, at least one, from a single text to a boundary from which the rest can be completed."""
        images = self._images
        layers = [front]  # all texts of so many tokens more
        while True:
            layers.append(self._slot(layers[-1]))
            if self.possible(boundary, layers[-1]):
                break
        path: list[int] = []
        at = front
        for left in range(len(layers) - 2, -1, -1):
            # one token more, then `left` tokens, then the rest
            found: Front | None = None
            if at.state >= 0:
                targets = images.targets(at.state)
                chosen = self._choose(targets, left, boundary)
                if chosen >= 0:
                    path.append(int(np.flatnonzero(images.after(at.state) == chosen)[0]))
                    found = Front(chosen, False)
            if found is None:
                path.append(min(self._eos))
                found = self._ended(at)
            at = found
        return path, at

    def _choose(self, targets: NDArray[np.int32], left: int, boundary: int) -> int:
        """One of the states from which ``left`` tokens and then the steps behind a boundary can be completed; or -1."""

        def good(part: NDArray[np.int32]) -> bool:
            front = Front(self.grammar.unite(part), False)
            for _ in range(left):
                front = self._slot(front)
            return self.possible(boundary, front)

        if not len(targets) or not good(targets):
            return REFUSED
        while len(targets) > 1:
            half = targets[: len(targets) // 2]
            targets = half if good(half) else targets[len(targets) // 2 :]
        return int(targets[0])
