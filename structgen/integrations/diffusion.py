"""Masked diffusion models of transformers and of PyTorch, as the decoding loops want them: ``logits(canvas)``.

Receives a bidirectional model: a loaded one, or the name or folder of LLaDA, Dream, DiffuCoder, or of any other that
predicts the tokens under its masks. :meth:`MaskedDiffusion.logits` is one forward pass over the prompt, the canvas and
what may stand behind it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from structgen.errors import InputError, ModelError
from structgen.infill.protocol import MASK
from structgen.integrations.infilled import Infilled
from structgen.integrations.infilling_masked import infill_masked
from structgen.masks.vocabulary import Vocabulary

#: Model types whose row i of logits is of token i + 1: they were autoregressive models before.
SHIFTED_TYPES = frozenset({"dream"})
#: Ids of the mask, by model type, where neither config nor tokenizer says it: LLaDA's first releases.
KNOWN_MASKS = {"llada": 126_336}


class MaskedDiffusion:
    """A masked diffusion model with its prompt.

    Args:
        model: called with ids int64[1, n]; gives logits [1, n, V], or an object whose ``logits`` they are.
        mask_token_id: what the model knows as masked.
        prompt: ids before the canvas.
        suffix: ids behind it.
        shifted: row i of the logits is of token i + 1, as with Dream.
        size: how many of the logits are of tokens: V of the vocabulary. All by default.
        vocab: the vocabulary, when it is known; :meth:`from_pretrained` sets it.
        tokenizer: of the model; :meth:`told` needs it.

    Attributes:
        forward_passes: how many there have been.

    Raises:
        InputError: an id is negative or none at all.
    """

    def __init__(
        self,
        model: Any,
        mask_token_id: int,
        *,
        prompt: Sequence[int] = (),
        suffix: Sequence[int] = (),
        shifted: bool = False,
        size: int | None = None,
        vocab: Vocabulary | None = None,
        tokenizer: Any = None,
    ) -> None:
        self.model = model
        self.mask_token_id = _id(mask_token_id, "mask_token_id")
        self.prompt = [_id(token, "prompt") for token in prompt]
        self.suffix = [_id(token, "suffix") for token in suffix]
        self.shifted = bool(shifted)
        self.size = vocab.size if size is None and vocab is not None else size
        self.vocab = vocab
        self.tokenizer = tokenizer
        self.forward_passes = 0

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        mask_token_id: int | None = None,
        shifted: bool | None = None,
        trust_remote_code: bool = True,
        **options: Any,
    ) -> MaskedDiffusion:
        """Load a model and its tokenizer with transformers.

        Args:
            name: of the model, or its folder.
            mask_token_id: default: what the config says, else the tokenizer, else what is known of LLaDA.
            shifted: default: as known of the model's type.
            trust_remote_code: LLaDA and Dream come with code of their own, which is run.
            options: more for ``AutoModel.from_pretrained``: ``dtype``, ``device_map``.

        Raises:
            ModelError: nothing says what the mask is.
            VocabularyError: the tokenizer has no exact bytes.
        """
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=trust_remote_code)
        model = AutoModel.from_pretrained(name, trust_remote_code=trust_remote_code, **options).eval()
        kind = str(getattr(model.config, "model_type", "")).lower()
        if mask_token_id is None:
            mask_token_id = _mask_of(model.config, tokenizer, kind)
        size = getattr(model.config, "embedding_size", None) or getattr(model.config, "vocab_size", None)
        ends = getattr(model, "generation_config", None)
        vocab = Vocabulary.from_tokenizer(tokenizer, size=size, generation_config=ends)
        return cls(
            model,
            mask_token_id,
            shifted=kind in SHIFTED_TYPES if shifted is None else shifted,
            vocab=vocab,
            tokenizer=tokenizer,
        )

    def told(self, prompt: str | Sequence[int], *, suffix: str | Sequence[int] = ()) -> MaskedDiffusion:
        """The same model with another prompt. A text is the user's message where the tokenizer has a chat template.

        Raises:
            InputError: texts need a tokenizer.
        """
        return MaskedDiffusion(
            self.model,
            self.mask_token_id,
            prompt=self._ids(prompt, chat=True),
            suffix=self._ids(suffix, chat=False),
            shifted=self.shifted,
            size=self.size,
            vocab=self.vocab,
            tokenizer=self.tokenizer,
        )

    def logits(self, canvas: NDArray[np.int32]) -> NDArray[np.float32]:
        """One forward pass: float32[len, V] for a canvas of token ids, -1 where none is decided."""
        return self.batch(np.asarray(canvas)[None])[0]

    def batch(self, canvases: NDArray[np.int32]) -> NDArray[np.float32]:
        """One forward pass for several canvases of one length: float32[B, len, V] for int32[B, len]."""
        rows = np.asarray(canvases, dtype=np.int64)
        if rows.ndim != 2:
            raise InputError("a canvas is a row of token ids", hint="logits takes one, batch takes int32[B, len]")
        rows = np.where(rows == MASK, self.mask_token_id, rows)
        b, n = rows.shape
        before = np.broadcast_to(np.array(self.prompt, dtype=np.int64), (b, len(self.prompt)))
        behind = np.broadcast_to(np.array(self.suffix, dtype=np.int64), (b, len(self.suffix)))
        ids = torch.from_numpy(np.concatenate([before, rows, behind], axis=1)).to(self._device)
        with torch.inference_mode():
            found = self.model(ids)
        self.forward_passes += 1
        logits = getattr(found, "logits", found)
        if not isinstance(logits, torch.Tensor):
            raise ModelError(
                f"the model gives {type(found).__name__} without logits",
                hint="Load it with the head that predicts tokens (AutoModelForMaskedLM)",
            )
        first = len(self.prompt)
        if self.shifted:
            # the first token of all has no row; its own stands in, as in Dream's generation
            logits = torch.cat([logits[:, :1], logits[:, :-1]], dim=1)
        part = logits[:, first : first + n, : self.size]
        out: NDArray[np.float32] = part.float().cpu().numpy()
        return out

    def infill(self, canvas: Any, constraint: Any, **options: Any) -> Infilled:
        """Fill the gaps of a text so that the whole satisfies a constraint.

        Arguments, options and errors are those of :func:`structgen.integrations.infilling_masked.infill_masked`.
        """
        return infill_masked(self, canvas, constraint, **options)

    @property
    def _device(self) -> Any:
        device = getattr(self.model, "device", None)
        if device is None and hasattr(self.model, "parameters"):
            device = next((w.device for w in self.model.parameters()), None)
        return device if device is not None else "cpu"

    def _ids(self, text: str | Sequence[int], chat: bool) -> list[int]:
        if not isinstance(text, str):
            return list(text)
        if self.tokenizer is None:
            raise InputError("a text needs a tokenizer", hint="Give token ids, or load with from_pretrained")
        if chat and getattr(self.tokenizer, "chat_template", None):
            message = [{"role": "user", "content": text}]
            text = self.tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
            chat = False
        return list(self.tokenizer(text, add_special_tokens=chat)["input_ids"])


def _id(token: Any, where: str) -> int:
    try:
        number = operator.index(token)
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(f"{token!r} is no token id", where=where)
    return number


def _mask_of(config: Any, tokenizer: Any, kind: str) -> int:
    for found in (getattr(config, "mask_token_id", None), getattr(tokenizer, "mask_token_id", None)):
        if found is not None:
            return int(found)
    if kind in KNOWN_MASKS:
        return KNOWN_MASKS[kind]
    raise ModelError(
        f"neither the config nor the tokenizer of this {kind or 'unnamed'} model says what its mask is",
        hint="Pass mask_token_id",
    )
