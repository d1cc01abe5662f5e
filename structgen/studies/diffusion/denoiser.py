"""A masked denoiser of 1.4 million parameters: a bidirectional transformer over a canvas.

It was taught by ``train.py`` to say what stands under masks, where any share of the canvas may be masked; nothing
tells it how far the masking has gone but the canvas itself (absorbing diffusion without a clock, as LLaDA: Nie et
al., arXiv 2502.09992).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from structgen.errors import ModelError
from structgen.integrations.diffusion import MaskedDiffusion

from . import tokens

#: SHA-256 of data/denoiser.safetensors.
DIGEST = "00cf253a5a7f32f11227fa7bcac48f37163d4695d899fcfc5d584c17a774b0a1"


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocabulary: int
    width: int = 160
    layers: int = 4
    heads: int = 5


class Block(nn.Module):
    """Attention over the whole canvas, then two layers at each position."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before = nn.LayerNorm(shape.width, bias=False)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.between = nn.LayerNorm(shape.width, bias=False)
        self.up = nn.Linear(shape.width, 4 * shape.width, bias=False)
        self.down = nn.Linear(4 * shape.width, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, n, width = x.shape
        qkv = self.qkv(self.before(x)).view(b, n, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(_rotated(q, cos, sin), _rotated(k, cos, sin), v)
        x = x + self.out(mixed.transpose(1, 2).reshape(b, n, width))
        hidden: Tensor = x + self.down(F.gelu(self.up(self.between(x))))
        return hidden


class Network(nn.Module):
    """ids int64[B, N] -> logits float32[B, N, V]; input and output share their embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width, bias=False)
        nn.init.normal_(self.embed.weight, std=0.02)
        for name, weight in self.named_parameters():
            if weight.dim() == 2 and name != "embed.weight":
                scale = (2 * shape.layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(weight, std=scale * weight.shape[1] ** -0.5)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embed(ids) * self.shape.width**0.5
        cos, sin = _angles(ids.shape[1], self.shape.width // self.shape.heads)
        for block in self.blocks:
            x = block(x, cos, sin)
        logits: Tensor = F.linear(self.last(x), self.embed.weight)
        return logits


@cache
def _angles(n: int, width: int) -> tuple[Tensor, Tensor]:
    """Rotary positions (Su et al., arXiv 2104.09864): float32[n, width / 2] each."""
    with torch.inference_mode(False):  # what is kept serves training too
        rates = 1000.0 ** -(torch.arange(0, width, 2) / width)
        angles = torch.arange(n)[:, None] * rates
        return angles.cos(), angles.sin()


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def load() -> Network:
    """The trained denoiser. Its weights are stored in half precision and used in float32."""
    from safetensors.torch import load_file

    with as_file(files(__package__).joinpath("data/denoiser.safetensors")) as path:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != DIGEST:
            raise ModelError(
                f"the denoiser's weights are not those that belong to this version: SHA-256 {found}",
                hint="Install structgen again, or write the digest of weights of your own into denoiser.py",
            )
        weights: dict[str, Any] = {name: weight.float() for name, weight in load_file(path).items()}
    vocabulary, width = weights["embed.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
    model = Network(Shape(vocabulary, width, layers))
    model.load_state_dict(weights)
    return model.eval()


@cache
def _shared() -> Speaking:
    return Speaking(load())


class Speaking(nn.Module):
    """The network with the mask and the tags left out of what it may say: their logits are -inf."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        said = [text is not None for text in tokens.vocabulary().tokens]
        said[tokens.EOS] = True
        self.silent = ~torch.tensor(said)

    def forward(self, ids: Tensor) -> Tensor:
        logits: Tensor = self.network(ids).masked_fill(self.silent, float("-inf"))
        return logits


def denoiser(kind: str) -> MaskedDiffusion:
    """The trained denoiser, told to write a text of a kind."""
    return MaskedDiffusion(_shared(), tokens.MASK, prompt=[tokens.tag(kind)], vocab=tokens.vocabulary())
