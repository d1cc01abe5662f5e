"""What the kernels are measured beside: other libraries where they are installed, and the host."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import torch

from structgen.kernels.check import timing

Apply = Callable[[Any, Any], Any]


def appliers(device: str) -> Iterator[tuple[str, Apply]]:
    """(name, function of logits and rows that applies the rows in place).

    xgrammar's CUDA kernel, which is compiled for minutes when it is first used, is taken where XGRAMMAR_CUDA is set.
    """
    yield "torch masked_fill of unpacked rows", _masked_fill
    if device == "cpu":
        return
    inplace = "apply_token_bitmask_inplace"
    found = [("xgrammar, Triton", f"xgrammar.kernels.{inplace}_triton", f"{inplace}_triton")]
    if os.environ.get("XGRAMMAR_CUDA"):
        found.append(("xgrammar, CUDA", f"xgrammar.kernels.{inplace}_cuda", f"{inplace}_cuda"))
    for name, module, function in (*found, ("llguidance", "llguidance.torch", inplace)):
        try:
            apply = getattr(import_module(module), function)
            probe = torch.zeros(1, 64, device=device), torch.full((1, 2), 3, dtype=torch.int32, device=device)
            apply(*probe)
            if not bool(torch.isfinite(probe[0]).sum() == 4):
                raise RuntimeError("it does not do what it is measured for")
        except Exception as error:  # not installed, or not for this device: said, and left out
            print(f"  {name}: left out ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})")
            continue
        yield name, apply


def _masked_fill(logits: Any, rows: Any) -> None:
    bits = torch.arange(32, device=rows.device, dtype=torch.int32)
    banned = ((rows[:, :, None] >> bits) & 1) == 0
    logits.masked_fill_(banned.reshape(len(rows), -1)[:, : logits.shape[1]], float("-inf"))


def host_rows(items: Any, prefixes: Any, device: str) -> float:
    """Seconds in which the host finds and packs the next codes of every prefix, and copies the rows to the device.

    Binary search in the sorted items, read as numbers of 11 bits for each code.
    """
    keys = np.zeros(len(items), dtype=np.int64)
    for d in range(items.shape[1]):
        keys = keys * 2048 + items[:, d]
    shift = 11 * (items.shape[1] - prefixes.shape[1])
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        rows = np.zeros((len(prefixes), 65 * 32), dtype=np.bool_)
        low = np.zeros(len(prefixes), dtype=np.int64)
        for d in range(prefixes.shape[1]):
            low = low * 2048 + prefixes[:, d]
        first = np.searchsorted(keys, low << shift)
        last = np.searchsorted(keys, (low + 1) << shift)
        for i in range(len(prefixes)):
            rows[i, (keys[first[i] : last[i]] >> (shift - 11)) & 2047] = True
        packed = np.packbits(rows, axis=1, bitorder="little").view(np.int32)
        torch.from_numpy(packed).to(device)
        timing.settle()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
