"""An automaton's arrays as tensors on a device, with room for the rows of a batch."""

from __future__ import annotations

from typing import Any

import torch

from structgen.kernels.automaton import Automaton


def on_device(automaton: Automaton, device: Any, batch: int) -> Automaton:
    """The automaton with its arrays as tensors on ``device``; ``batch`` more rows behind its own.

    Arrays without an entry get one, so that a kernel has an address.
    """
    tensors = []
    for name, array in zip(automaton._fields, automaton.arrays, strict=False):
        tensor = torch.from_numpy(array)
        more = batch if name == "rows" else int(len(array) == 0)
        if more:
            tensor = torch.cat([tensor, torch.zeros((more, *tensor.shape[1:]), dtype=tensor.dtype)])
        tensors.append(tensor.to(device))
    return automaton._replace(**dict(zip(automaton._fields, tensors, strict=False)))
