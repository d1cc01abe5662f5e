"""Speculation as the user sets it up, with what is kept from call to call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from structgen.errors import InputError
from structgen.sampling.speculation.drafter import Drafter
from structgen.sampling.speculation.lookup import PromptLookup
from structgen.sampling.speculation.pace import Pace


class Speculation:
    """How to draft; and what has been learnt about it, for the calls to come.

    Args:
        drafters: asked in this order, at each place, for guesses; text that the grammar forces is in a draft without
            them. Default: ``[PromptLookup()]``.
        most: nodes that a draft has at most.
        adapt: draft as much as pays by the measured times of forward passes and the measured acceptance; False:
            always as much as there is.

    Raises:
        InputError: an argument is out of range, or no drafter.
    """

    def __init__(self, drafters: Sequence[Drafter] | None = None, *, most: int = 24, adapt: bool = True) -> None:
        self.drafters = [PromptLookup()] if drafters is None else list(drafters)
        for drafter in self.drafters:
            if not isinstance(drafter, Drafter) or isinstance(drafter, type):
                raise InputError(
                    f"{drafter!r} is no drafter", hint="Use sg.sampling.PromptLookup(), say, or a DraftModel"
                )
        if not isinstance(most, int) or isinstance(most, bool) or most < 1:
            raise InputError(f"most={most!r}", hint="It is the number of tokens of a draft, at least 1")
        self.most = most
        self.adapt = adapt
        self._paces: WeakKeyDictionary[Any, dict[int | None, Pace]] = WeakKeyDictionary()

    def pace(self, model: Any, pass_width: int | None, padded: Callable[[int], int]) -> Pace:
        """What is known of drafting for a model whose passes have the widths ``padded(positions)``."""
        known = self._paces.setdefault(model, {})
        if pass_width not in known:
            known[pass_width] = Pace(padded, adapt=self.adapt)
        return known[pass_width]
