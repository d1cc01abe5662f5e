"""A transformers model as samplers see it, with a KV cache that forks and drops rows.

Samplers ask about whole contexts and know nothing of caches. Here the contexts of a call are compared with the rows
that the cache holds: each takes over the row it shares most with, several may take the same one (particles that were
resampled), the cache is cut back to what all share with theirs, and one forward pass adds what is new. A context that
begins another of the same call is answered by the same pass, so that a draft (``speculative=``) costs one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from structgen.errors import InputError, ModelError
from structgen.integrations.forward import logit_width

Int64Array = NDArray[np.int64]


class TransformersLM:
    """A model for ``structgen.sampling``.

    Args:
        model: a transformers model for causal language modelling, in evaluation mode.
        max_rows: contexts that run through the model together. Sums in a forward pass depend on how many do, so
            log-probabilities agree between batch sizes up to rounding only; 1 makes them independent of each other.

    Attributes:
        passes: forward passes made.
        positions: tokens that went through the model, all rows together.

    Raises:
        ModelError: not a causal language model.
    """

    def __init__(self, model: Any, *, max_rows: int = 64) -> None:
        if max_rows < 1:
            raise InputError(f"max_rows={max_rows}", hint="It is at least 1")
        self.model = model
        self.max_rows = max_rows
        self.width = logit_width(model)
        self.passes = 0
        self.positions = 0
        self._cache: Any = None
        self._rows: Int64Array = np.zeros((0, 0), dtype=np.int64)

    def next_logprobs(self, contexts: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Log-probabilities of the next token after each context: ``float64[len(contexts), V]``."""
        for context in contexts:
            if not context:
                raise InputError("a context without a token", hint="Begin with a prompt: a BOS token at least")
        out = np.empty((len(contexts), self.width))
        lengths: dict[int, list[list[int]]] = {}
        for chain in _chains(contexts):
            lengths.setdefault(len(contexts[chain[0]]), []).append(chain)
        for length, chains in lengths.items():
            for first in range(0, len(chains), self.max_rows):
                group = chains[first : first + self.max_rows]
                keep = 1 + length - min(len(contexts[i]) for chain in group for i in chain)
                rows = self._ask(np.array([contexts[chain[0]] for chain in group], dtype=np.int64), keep)
                for chain, row in zip(group, rows, strict=True):
                    for i in chain:
                        out[i] = row[len(contexts[i]) - length - 1]
        return out

    def forget(self) -> None:
        """Drop the cache: the next call begins with the prompt again."""
        self._cache = None
        self._rows = np.zeros((0, 0), dtype=np.int64)

    def _ask(self, contexts: Int64Array, keep: int = 1) -> NDArray[np.float64]:
        """The same for contexts of one length, ``int64[n, L]``, after each of the last ``keep`` tokens:
        ``float64[n, keep, V]``."""
        n, length = contexts.shape
        taken, shared = self._match(contexts, keep)
        if shared == 0 and n > 1:
            # nothing known: what all begin with goes through the model once
            common = int((contexts == contexts[0]).all(axis=0).cumprod().sum())
            if min(common, length - keep) > 1:
                self._ask(contexts[:1, : min(common, length - keep)])
                taken, shared = self._match(contexts, keep)
        if shared == 0:
            self._cache = None
        else:
            if shared < self._rows.shape[1]:
                self._cache.crop(shared - self._rows.shape[1])
            if list(taken) != list(range(len(self._rows))):
                self._cache.batch_select_indices(torch.from_numpy(taken).to(self.model.device))
        self._rows = contexts
        try:
            return self._forward(contexts[:, shared:], keep)
        except BaseException:  # some layers may hold the new tokens and others not
            self.forget()
            raise

    def _match(self, contexts: Int64Array, keep: int) -> tuple[Int64Array, int]:
        """For each context a row of the cache, and how many first tokens all of them share with theirs."""
        reach = min(self._rows.shape[1], contexts.shape[1] - keep)
        if self._cache is None or reach <= 0:
            return np.zeros(len(contexts), dtype=np.int64), 0
        equal = contexts[:, None, :reach] == self._rows[None, :, :reach]
        lengths = equal.cumprod(axis=2).sum(axis=2)
        taken = lengths.argmax(axis=1)
        shared = int(lengths[np.arange(len(contexts)), taken].min())
        if shared < self._rows.shape[1] and not getattr(self._cache, "is_croppable", True):
            return taken, 0
        return taken, shared

    @torch.inference_mode()
    def _forward(self, new: Int64Array, keep: int) -> NDArray[np.float64]:
        self.passes += 1
        self.positions += new.size
        ids = torch.from_numpy(np.ascontiguousarray(new)).to(self.model.device)
        result = self.model(input_ids=ids, past_key_values=self._cache, use_cache=True)
        self._cache = getattr(result, "past_key_values", None)
        if not hasattr(self._cache, "batch_select_indices"):
            self._cache = None
        logits = result.logits[:, -keep:, :].double()
        if logits.shape[-1] != self.width:
            raise ModelError(f"the model gives {logits.shape[-1]} logits, not {self.width}")
        logprobs: NDArray[np.float64] = torch.log_softmax(logits, dim=-1).cpu().numpy()
        return logprobs


def _chains(contexts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Indices of contexts in lists: the first of each list is the longest, and the others are prefixes of it."""
    order = sorted(range(len(contexts)), key=lambda i: list(contexts[i]))
    chains: list[list[int]] = []
    longer: Sequence[int] = ()
    for i in reversed(order):  # a prefix of any of them is a prefix of the one after it
        context = list(contexts[i])
        if chains and list(longer[: len(context)]) == context:
            chains[-1].append(i)
        else:
            chains.append([i])
            longer = context
    return chains
