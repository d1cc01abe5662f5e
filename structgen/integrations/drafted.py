"""Forward passes that test drafts: several positions of each row at once, and what is rejected leaves the cache.

A pass takes for each row the tokens that are final and a draft after them (:class:`Draft`, a chain or a tree), and
returns the logits after the last final token and after each node. :meth:`Drafted.settle` then keeps the nodes that the
text went through. Rows may accept different numbers of tokens: each has its own length in the cache.

**Widths.** Sums in a forward pass depend on how many positions it has, so that a draft may change a token where two
are nearly equally likely. With ``pass_width`` every pass of a row by itself, after the prompt's, has exactly that many
positions (the last are padding whose entries are dropped), and logits no longer depend on what was drafted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from structgen.errors import ModelError
from structgen.integrations.forward import Float32Array, Forward
from structgen.sampling.speculation import ROOT, Draft

_NOTHING = Draft()


class Drafted(Forward):
    """Rows with drafts.

    Args:
        model: a transformers model for causal language modelling.
        width: the width of its logits.
        rows: how many rows there are.
        pass_width: see the module's text; None: passes are as wide as they need to be.

    Raises (from ``feed``):
        ModelError: the model keeps no cache, or one that cannot be cut back (sliding windows, recurrent layers).
    """

    def __init__(self, model: Any, width: int, rows: int, pass_width: int | None = None) -> None:
        super().__init__(model, width)
        self._pass_width = pass_width
        self._lengths = [0] * rows  # entries of each row in the cache, its first ones
        self._fed: list[tuple[int, int, Draft]] = []  # for each row: where its block begins, final tokens, draft
        self._excess = 0  # entries of padding at the end of the cache

    def padded(self, width: int) -> int:
        """The width that a pass over ``width`` positions has."""
        return width if self._pass_width is None else -(-width // self._pass_width) * self._pass_width

    def room(self, pending: int, most: int) -> int:
        """How many nodes a draft after ``pending`` tokens may have."""
        return most if self._pass_width is None else min(most, self.padded(pending) - pending)

    def start(self, prompts: Sequence[Sequence[int]]) -> list[Float32Array]:
        """The logits after each prompt, in a pass as wide as the longest: ``float32[1, V]`` for each row."""
        pass_width, self._pass_width = self._pass_width, None
        try:
            logits = self.feed(prompts, [None] * len(prompts))
        finally:
            self._pass_width = pass_width
        self.settle([[] for _ in prompts])
        return logits

    def feed(self, pending: Sequence[Sequence[int]], drafts: Sequence[Draft | None]) -> list[Float32Array]:
        """Logits after the last final token and after each node of the draft: ``float32[1 + nodes, V]`` per row."""
        given = [_NOTHING if draft is None else draft for draft in drafts]
        if len(given) == 1 and given[0].is_chain:
            logits = self._chain(list(pending[0]), given[0])
        else:
            logits = self._block([list(tokens) for tokens in pending], given)
        layers = getattr(self._cache, "layers", ())
        if not layers or not all(layer.is_croppable and not getattr(layer, "is_sliding", False) for layer in layers):
            raise ModelError(
                f"{type(self._model).__name__} keeps no cache that can be cut back, which drafts need",
                hint="Leave speculative and pass_width out for this model",
            )
        return logits

    def _chain(self, pending: list[int], draft: Draft) -> list[Float32Array]:
        """One row, one position after another: the model's own causal mask will do."""
        tokens = pending + draft.tokens
        step = self._pass_width or len(tokens)
        logits: Float32Array = np.zeros((0, 0), dtype=np.float32)
        for first in range(0, len(tokens), step):
            part = tokens[first : first + step]
            self._excess = step - len(part)
            ids = torch.tensor([part + [part[-1]] * self._excess], dtype=torch.int64)
            keep = step if self._pass_width is not None else 1 + len(draft)
            logits = self._run(ids, keep)[0]
        used = len(logits) - self._excess
        self._fed = [(self._lengths[0], len(pending), draft)]
        return [logits[used - 1 - len(draft) : used]]

    def _block(self, pending: list[list[int]], drafts: list[Draft]) -> list[Float32Array]:
        """Rows at the right end of a block, with a mask that says what each position sees."""
        n_rows, before = len(pending), max(self._lengths)
        block = self.padded(max(len(tokens) + len(draft) for tokens, draft in zip(pending, drafts, strict=True)))
        ids = torch.zeros((n_rows, block), dtype=torch.int64)
        positions = torch.zeros_like(ids)
        sees = np.zeros((n_rows, block, before + block), dtype=np.bool_)
        sees[:, np.arange(block), before + np.arange(block)] = True  # padding sees itself, which is no NaN
        self._fed, self._excess = [], 0
        for i, (tokens, draft) in enumerate(zip(pending, drafts, strict=True)):
            n, length = len(tokens), self._lengths[i]
            first = block - n - len(draft)
            self._fed.append((before + first, n, draft))
            ids[i, first:] = torch.tensor(tokens + draft.tokens)
            depths = torch.tensor([length + n + depth for depth in draft.depths()], dtype=torch.int64)
            positions[i, first:] = torch.cat([torch.arange(length, length + n), depths])
            sees[i, first:, :length] = True
            sees[i, first : first + n, before + first : before + first + n] = np.tri(n, dtype=np.bool_)
            for node, parent in enumerate(draft.parents):
                above = first + n - 1 if parent == ROOT else first + n + parent
                sees[i, first + n + node, before:] |= sees[i, above, before:]
        dtype = self._model.dtype
        mask = torch.zeros(sees.shape, dtype=dtype).masked_fill(~torch.from_numpy(sees), torch.finfo(dtype).min)
        keep = 1 + max(len(draft) for draft in drafts)
        logits = self._run(ids, keep, attention_mask=mask[:, None], position_ids=positions)
        return [row[keep - 1 - len(draft) :] for row, draft in zip(logits, drafts, strict=True)]

    def settle(self, kept: Sequence[Sequence[int]]) -> None:
        """Keep of each row's draft the nodes that the text went through, in order; drop the others."""
        if len(kept) == 1 and self._fed[0][2].is_chain:
            length, n, draft = self._fed[0]
            drop = len(draft) - len(kept[0]) + self._excess
            if drop:
                self._cache.crop(-drop)
            self._lengths[0] = length + n + len(kept[0])
            return
        columns = []
        for i, ((first, n, _), nodes) in enumerate(zip(self._fed, kept, strict=True)):
            columns.append([*range(self._lengths[i]), *range(first, first + n), *(first + n + node for node in nodes)])
            self._lengths[i] = len(columns[-1])
        self._gather(columns)

    def select(self, rows: Sequence[int]) -> None:
        """Drop all rows but these (indices into the rows of the last pass, ascending)."""
        excess = max(self._lengths)
        self._lengths = [self._lengths[i] for i in rows]
        excess -= max(self._lengths)
        self._cache.batch_select_indices(torch.tensor(list(rows), dtype=torch.int64).to(self._model.device))
        if excess:
            self._cache.crop(-excess)

    @torch.inference_mode()
    def _gather(self, columns: list[list[int]]) -> None:
        """Bring the entries of each row together at the left."""
        longest = max(map(len, columns))
        index = torch.tensor([row + [0] * (longest - len(row)) for row in columns], device=self._model.device)
        for layer in self._cache.layers:
            at = index[:, None, :, None].to(layer.keys.device)
            layer.keys = torch.take_along_dim(layer.keys, at, dim=2)
            layer.values = torch.take_along_dim(layer.values, at, dim=2)
