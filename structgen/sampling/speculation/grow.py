"""Growing a draft: the drafters' guesses along the grammar, with the text that it forces in between.

The grammar's states are integers, so following it along every branch of a draft costs no more than along a text; what
a guess leads to (a window that opens or closes, the end of the text) is followed with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import CONTEXT_TOKENS
from structgen.sampling.speculation.draft import ROOT, Branches, Draft
from structgen.sampling.speculation.drafter import FREE, Drafter, Session, Setting, Spot
from structgen.sampling.speculation.pace import Pace


class Sessions:
    """The drafters at work on one text, in the order in which they are asked.

    Args:
        drafters: the first that has something to say at a place is taken.
        setting: what is known of the text.
        prompt: its prompt.
        jumps: whether forced text is appended without asking the model, and so is certain within a draft.
        draws: chances of drawn guesses.

    Attributes:
        seconds: time spent on guessing.
    """

    def __init__(
        self, drafters: Sequence[Drafter], setting: Setting, prompt: Sequence[int], *, jumps: bool, draws: Draws
    ) -> None:
        self.setting = setting
        self.jumps = jumps and setting.jump is not None
        self.seconds = 0.0
        self._draws = draws
        self._eos = frozenset(setting.vocab.eos_token_ids)
        self._sessions: list[Session] = [drafter.begin(setting, prompt) for drafter in drafters]
        self._recent = list(prompt[-CONTEXT_TOKENS:])

    def extend(self, tokens: Sequence[int]) -> None:
        """The text goes on by these tokens."""
        for session in self._sessions:
            session.extend(tokens)
        self._recent = [*self._recent, *tokens][-CONTEXT_TOKENS:]

    def end(self) -> None:
        """The text is finished."""
        for session in self._sessions:
            session.end()

    def grow(self, state: int, pace: Pace, *, rows: int, pending: int, room: int) -> Draft:
        """A draft of what comes after the text.

        Args:
            state: the grammar's after the text, where a choice is to be made; FREE without a grammar.
            pace: how much to guess.
            rows, pending: rows and positions that the next forward pass has in any case.
            room: nodes that the draft may have.
        """
        draft = Draft()
        guessed, most = 0, room
        todo = [(ROOT, state)]
        for place, here in todo:
            if len(draft) >= room:
                break
            if place != ROOT:
                place, here = self._forced(draft, place, here, room)
            if len(draft) >= room:
                break
            spot = Spot(draft.path(place), here)
            for i, session in enumerate(self._sessions):
                began = perf_counter()
                strength = session.strength(spot)
                if strength is None:
                    self._count(pace, i, 0, perf_counter() - began)
                    continue
                source = (i, strength)
                if guessed == 0 or pace.length(source, rows, pending, room) > guessed:
                    most = pace.length(source, rows, pending, room)
                if guessed >= most:
                    continue
                branches = session.propose(spot, self._draws)
                self._count(pace, i, 1, perf_counter() - began)
                grown = self._branch(draft, place, here, branches, room)
                if not grown and branches.law is None:
                    continue  # nothing that the grammar takes; guesses that were drawn must be tested all the same
                draft.branches[place], draft.sources[place] = branches, source
                guessed += 1
                todo += grown
                break
        return draft

    def _count(self, pace: Pace, drafter: int, n: int, seconds: float) -> None:
        self.seconds += seconds
        if n:
            pace.guessed(drafter, n, seconds)

    def _branch(self, draft: Draft, place: int, state: int, branches: Branches, room: int) -> list[tuple[int, int]]:
        """Nodes for the guesses that the grammar takes and that do not end the text, with the states they lead to."""
        grown, grammar = [], self.setting.grammar
        for token in branches.tokens:
            if token in self._eos or len(draft) >= room or draft.child(place, token) is not None:
                continue
            after = FREE if grammar is None else grammar.advance(state, token)
            if grammar is None or after >= 0:
                grown.append((draft.add(place, token), after))
        return grown

    def _forced(self, draft: Draft, place: int, state: int, room: int) -> tuple[int, int]:
        """Go on by what the grammar forces, where a generator appends it without asking."""
        while self.jumps and self.setting.jump is not None and state != FREE and len(draft) < room:
            before = [*self._recent, *draft.path(place)]
            tokens, states = self.setting.jump(state, before)
            if not tokens:
                break
            n = min(len(tokens), room - len(draft))
            for token in tokens[:n]:
                place = draft.add(place, token)
            state = states[n - 1]
        return place, state
