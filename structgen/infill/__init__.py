"""Canvases: texts with gaps under a constraint, and how diffusion models fill them.

:func:`completable`, :func:`witness` and :func:`slot_mask` answer for a whole canvas; :class:`Canvas` does while its
slots are fixed and unfixed one by one.
"""

from structgen.infill.canvas import Canvas, completable, slot_mask, witness
from structgen.infill.gap import Gap
from structgen.infill.protocol import MASK, Denoised, Denoiser, Frame

__all__ = ["MASK", "Canvas", "Denoised", "Denoiser", "Frame", "Gap", "completable", "slot_mask", "witness"]
