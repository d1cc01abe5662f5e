"""What the denoiser thinks of a filled canvas: a lower bound of its log-likelihood, by Monte Carlo."""

from __future__ import annotations

import zlib

import numpy as np

from structgen.infill.protocol import MASK
from structgen.integrations.diffusion import MaskedDiffusion

from .tokens import EOS


def log_likelihood(model: MaskedDiffusion, filled: list[int], length: int, draws: int = 8) -> float:
    """The bound of absorbing diffusion on log P(canvas), in nats.

    The mean over numbers k of masked slots of ``length / k`` times the log-probability of the masked tokens given the
    others (Nie et al., arXiv 2502.09992, equation 6). The numbers are spread evenly, and the slots are drawn with a
    seed that depends on the length alone, so canvases of one length are judged by the same masks.

    Args:
        model: with its prompt.
        filled: the tokens; behind the first EOS, and up to ``length``, all count as EOS.
        length: slots of the canvas.
        draws: how many masks.
    """
    if EOS in filled:
        filled = filled[: filled.index(EOS)]
    row = np.full(length, EOS, dtype=np.int32)
    row[: len(filled)] = filled
    random = np.random.default_rng(zlib.crc32(f"{length}/{draws}".encode()))
    counts = np.ceil((np.arange(draws) + 0.5) / draws * length).astype(int)
    masked = np.stack([random.permutation(length) < k for k in counts])
    laws = model.batch(np.where(masked, MASK, row).astype(np.int32))
    top = laws.max(axis=2)
    norm = top + np.log(np.exp(laws - top[..., None]).sum(axis=2))
    given = np.take_along_axis(laws, np.broadcast_to(row, masked.shape)[..., None].astype(np.int64), axis=2)[..., 0]
    return float(((given - norm) * masked).sum(axis=1) @ (length / counts) / draws)
