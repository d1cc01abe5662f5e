"""Mask rows of a serving batch on the device: uploaded once, named by an index after that.

Receives states of compiled grammars; returns int32 indices into a pool of rows on the device, as ``kernels.apply_mask``
and ``kernels.sample`` take them. A step sends 4 bytes for each sequence whose row is there already.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from structgen.errors import InputError
from structgen.kernels.apply_mask import apply_mask
from structgen.runtime import CompiledGrammar

Request = tuple[CompiledGrammar, int] | None


class RowPool:
    """Rows by (grammar, state). The least recently used make room; rows of the batch at hand are never dropped.

    On a GPU new rows go through pinned memory, on a stream of the pool's own, while the model's stream works; what
    reads the rows waits for them, and a copy waits for what still reads the row that it replaces. For that, tell the
    pool of every reader: use :meth:`apply_mask`, or call :meth:`used` after launching kernels of your own.

    Attributes:
        rows: int32[capacity, W] on the device. capacity: rows there is room for.
        uploads, hits: rows copied to the device so far, and requests that needed no copy.
    """

    def __init__(self, size: int, *, capacity: int = 4096, device: Any = "cuda") -> None:
        """A pool for vocabularies of ``size`` ids. A row takes ceil(size / 32) * 4 bytes."""
        for name, value in (("size", size), ("capacity", capacity)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name}={value!r}", hint="It is an integer, at least 1")
        self.size = size
        self.capacity = capacity
        self.device = torch.device(device)
        self.width = (size + 31) // 32
        self.rows = torch.zeros((capacity, self.width), dtype=torch.int32, device=self.device)
        self.uploads = self.hits = 0
        self._slots: OrderedDict[tuple[int, int], int] = OrderedDict()  # least recently used first
        self._free = list(range(capacity - 1, -1, -1))
        self._numbers: weakref.WeakKeyDictionary[CompiledGrammar, int] = weakref.WeakKeyDictionary()
        self._next = 0
        self._gpu = self.device.type == "cuda"
        if self._gpu:
            self._stream = torch.cuda.Stream(self.device)
            self._reads = torch.cuda.Event()
            self._staging: list[tuple[Any, Any]] = []

    def indices(self, requests: Sequence[Request]) -> Any:
        """Where the rows of a batch lie: int32[B] on the device; -1 for None, a sequence that is not constrained.

        Good until the next call. Rows that are not there are worked out and copied.

        Raises:
            InputError: a grammar over another number of ids, or more different rows than the pool holds.
        """
        keys = [None if request is None else (self._number(request[0]), int(request[1])) for request in requests]
        wanted = {key: request for key, request in zip(keys, requests, strict=True) if key is not None}
        if len(wanted) > self.capacity:
            raise InputError(
                f"the batch has {len(wanted)} different rows, the pool holds {self.capacity}", hint="Raise capacity"
            )
        for key in wanted:  # the batch's own rows first, so that none of them makes room for another
            if key in self._slots:
                self._slots.move_to_end(key)
        missing = [key for key in wanted if key not in self._slots]
        self.hits += len(wanted) - len(missing)
        slots = []
        for key in missing:
            slot = self._free.pop() if self._free else self._slots.popitem(last=False)[1]
            self._slots[key] = slot
            slots.append(slot)
        try:
            self._upload([wanted[key] for key in missing], slots)
        except BaseException:
            for key in missing:  # a mask could not be worked out: nothing is known of these rows
                self._free.append(self._slots.pop(key))
            raise
        self.uploads += len(missing)
        places = np.array([-1 if key is None else self._slots[key] for key in keys], dtype=np.int32)
        result = torch.from_numpy(places)
        return result.pin_memory().to(self.device, non_blocking=True) if self._gpu else result

    def apply_mask(self, logits: Any, requests: Sequence[Request]) -> None:
        """Set the logits [B, C] of tokens that are not allowed to minus infinity, in place. None: left alone."""
        apply_mask(logits, self.rows, self.indices(requests))
        self.used()

    def used(self) -> None:
        """Say that everything launched so far on the current stream may read rows. Does nothing on a CPU."""
        if self._gpu:
            self._reads.record(torch.cuda.current_stream(self.device))

    def _number(self, grammar: CompiledGrammar) -> int:
        number = self._numbers.get(grammar)
        if number is None:
            if grammar.vocab.size != self.size:
                raise InputError(
                    f"the grammar is over {grammar.vocab.size} ids, the pool over {self.size}",
                    hint="One pool serves grammars of one vocabulary",
                )
            number = self._numbers[grammar] = self._next  # never given again, unlike id()
            self._next += 1
        return number

    def _upload(self, requests: list[Any], slots: list[int]) -> None:
        if not requests:
            return
        if not self._gpu:
            for (grammar, state), slot in zip(requests, slots, strict=True):
                grammar.mask(state, out=self.rows[slot].numpy())
            return
        staging, copied = self._staged(len(requests))
        for i, (grammar, state) in enumerate(requests):
            grammar.mask(state, out=staging[i].numpy())
        self._stream.wait_event(self._reads)
        with torch.cuda.stream(self._stream):
            for i, slot in enumerate(slots):
                self.rows[slot].copy_(staging[i], non_blocking=True)
            copied.record(self._stream)
        torch.cuda.current_stream(self.device).wait_event(copied)

    def _staged(self, n: int) -> tuple[Any, Any]:
        """Pinned memory for n rows that no copy reads any more, and the event of its next copy."""
        for staging, copied in self._staging:
            if len(staging) >= n and copied.query():
                return staging, copied
        size = 1 << (n - 1).bit_length()
        staging = torch.empty((size, self.width), dtype=torch.int32, pin_memory=True)
        self._staging.append((staging, torch.cuda.Event()))
        return self._staging[-1]
