"""Canvases: texts with gaps under a constraint, and how diffusion models fill them.

:func:`completable`, :func:`witness` and :func:`slot_mask` answer for a whole canvas; :class:`Canvas` does while its
slots are fixed and unfixed one by one.
"""

from structgen.infill.canvas import Canvas, completable, slot_mask, witness
from structgen.infill.denoise import Plan, denoise, frames
from structgen.infill.gap import Gap
from structgen.infill.law import BlockLaw
from structgen.infill.protocol import MASK, Denoised, Denoiser, Frame
from structgen.infill.repair import Change, repair
from structgen.infill.template import Template

__all__ = [
    "MASK",
    "BlockLaw",
    "Canvas",
    "Change",
    "Denoised",
    "Denoiser",
    "Frame",
    "Gap",
    "Plan",
    "Template",
    "completable",
    "denoise",
    "frames",
    "repair",
    "slot_mask",
    "witness",
]
