"""Forward passes of a transformers causal model with a KV cache: tokens in, logits of the next token out.

Two drivers with one contract. :class:`Single` runs one sequence by itself: its logits depend on nothing but its
own tokens and how they were fed. :class:`Lockstep` runs several rows together, one token each per pass, which
is several times faster per row, but lets floating-point sums depend on the shape of the batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from structgen.errors import ModelError

Float32Array = NDArray[np.float32]


def logit_width(model: Any) -> int:
    """The width of a model's logits. Raises ModelError when it is not a causal language model."""
    config = getattr(model, "config", None)
    if getattr(config, "is_encoder_decoder", False):
        raise ModelError("encoder-decoder models are not supported", hint="Use a decoder-only (causal) model")
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    weight = getattr(head, "weight", None)
    if weight is not None:
        return int(weight.shape[0])
    width = getattr(_text_config(config), "vocab_size", None)
    if width is None:
        raise ModelError(
            f"{type(model).__name__} does not say how wide its logits are",
            hint="Use a transformers model for causal language modelling",
        )
    return int(width)


def context_length(model: Any) -> int | None:
    """How many positions a model has, or None where it does not say."""
    length = getattr(_text_config(getattr(model, "config", None)), "max_position_embeddings", None)
    return int(length) if length and length > 0 else None


def _text_config(config: Any) -> Any:
    """The part of a configuration that describes the language model, in models that have other parts too."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


class Forward:
    """What the drivers share: the call, the width check, the cache."""

    def __init__(self, model: Any, width: int) -> None:
        self._model = model
        self._width = width
        self._cache: Any = None
        accepted = inspect.signature(model.forward).parameters
        self._can_keep = "logits_to_keep" in accepted

    @torch.inference_mode()
    def _run(self, ids: torch.Tensor, keep: int = 1, **arguments: Any) -> Float32Array:
        """One pass over ``ids: int64[B, T]``; the last ``keep`` positions' logits, ``float32[B, keep, V]``."""
        device = self._model.device
        arguments = {name: value.to(device) for name, value in arguments.items()}
        if self._can_keep:
            arguments["logits_to_keep"] = keep
        result = self._model(input_ids=ids.to(device), past_key_values=self._cache, use_cache=True, **arguments)
        self._cache = getattr(result, "past_key_values", None)
        logits = result.logits[:, -keep:, :]
        if logits.shape[-1] != self._width:
            raise ModelError(
                f"the model gives {logits.shape[-1]} logits, but the vocabulary has {self._width} ids",
                hint="Give the vocabulary of this model's tokenizer, with size set to the width of the logits",
            )
        array: Float32Array = logits.float().cpu().numpy()
        return array


class Single(Forward):
    """One sequence. Models without a cache are run on the whole sequence each time."""

    def __init__(self, model: Any, width: int) -> None:
        super().__init__(model, width)
        self._seen: list[int] = []

    def feed(self, tokens: Sequence[int]) -> Float32Array:
        """The logits after ``tokens``, which follow those fed before: ``float32[V]``."""
        ids = list(tokens) if self._cache is not None or not self._seen else self._seen + list(tokens)
        self._seen.extend(tokens)
        row: Float32Array = self._run(torch.tensor([ids], dtype=torch.int64))[0, 0]
        return row


class Lockstep(Forward):
    """Several rows, padded on the left; after the prompts each pass takes one token of each row.

    One token per row per pass leaves no holes in the cache, so that sliding windows and rotary positions are
    those of a single sequence.
    """

    def __init__(self, model: Any, width: int) -> None:
        super().__init__(model, width)
        self._mask = torch.empty(0)
        self._next_position = torch.empty(0)

    def start(self, prompts: Sequence[Sequence[int]]) -> Float32Array:
        """The logits after each prompt: ``float32[B, V]``."""
        longest = max(len(prompt) for prompt in prompts)
        ids = torch.zeros((len(prompts), longest), dtype=torch.int64)
        self._mask = torch.zeros_like(ids)
        for i, prompt in enumerate(prompts):
            ids[i, longest - len(prompt) :] = torch.tensor(list(prompt), dtype=torch.int64)
            self._mask[i, longest - len(prompt) :] = 1
        positions = (self._mask.cumsum(1) - 1).clamp(min=0)
        self._next_position = positions[:, -1:] + 1
        logits = self._run(ids, attention_mask=self._mask, position_ids=positions)
        if self._cache is None:
            raise ModelError(
                f"{type(self._model).__name__} keeps no cache, so that its rows cannot run together",
                hint="Leave batch_size at 1",
            )
        return logits[:, 0]

    def feed(self, tokens: Sequence[int]) -> Float32Array:
        """The logits after one more token for each row: ``float32[B, V]``."""
        ids = torch.tensor(list(tokens), dtype=torch.int64)[:, None]
        self._mask = torch.cat([self._mask, self._mask.new_ones((len(tokens), 1))], dim=1)
        logits = self._run(ids, attention_mask=self._mask, position_ids=self._next_position)
        self._next_position = self._next_position + 1
        return logits[:, 0]

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all rows but these (indices into the rows of the last pass, ascending)."""
        index = torch.tensor(list(rows), dtype=torch.int64)
        self._mask, self._next_position = self._mask[index], self._next_position[index]
        self._cache.batch_select_indices(index.to(self._model.device))
