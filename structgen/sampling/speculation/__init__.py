"""Speculative decoding: drafters guess, one forward pass of the model tests many guesses, and no law is changed.

:mod:`.verify` has the rule, :mod:`.grow` the drafts, :mod:`.pace` how long they are; the drafters have a file each.
"""

from structgen.sampling.speculation.draft import ROOT, Branches, Draft
from structgen.sampling.speculation.drafter import FREE, Drafter, Planned, Session, Setting, Spot
from structgen.sampling.speculation.earlier import EarlierTexts
from structgen.sampling.speculation.forced import ForcedSpans
from structgen.sampling.speculation.grow import Sessions
from structgen.sampling.speculation.lookup import PromptLookup
from structgen.sampling.speculation.model import DraftModel, ForeignModel
from structgen.sampling.speculation.options import Speculation
from structgen.sampling.speculation.pace import Pace
from structgen.sampling.speculation.verify import Settled, accept, follow

__all__ = [
    "FREE",
    "ROOT",
    "Branches",
    "Draft",
    "DraftModel",
    "Drafter",
    "EarlierTexts",
    "ForcedSpans",
    "ForeignModel",
    "Pace",
    "Planned",
    "PromptLookup",
    "Session",
    "Sessions",
    "Setting",
    "Settled",
    "Speculation",
    "Spot",
    "accept",
    "follow",
]
