"""``python -m structgen.studies diffusion-train``: teach the denoiser from nothing, with a seed.

Draws texts, learns the merges of a byte-level BPE from them, then trains: each text lies on a canvas of a length drawn
for it, padded with EOS; a share of the canvas, uniform between 0 and 1, is masked; the loss is the cross-entropy of
what was masked. Batches hold canvases of one length, about 1,000 tokens in all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional as F

from . import texts, tokens
from .denoiser import Network, Shape

LENGTHS = (24, 32, 48, 64, 96, 128, 192, 256)
BATCH_TOKENS = 1024
FOLDER = Path(__file__).parent / "data"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m structgen.studies diffusion-train", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for tokens.json and denoiser.safetensors")
    parser.add_argument("--texts", type=int, default=40_000, help="texts to draw")
    parser.add_argument("--pieces", type=int, default=500, help="merges of the BPE")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--minutes", type=float, default=15.0, help="stop after so long; the rate falls with the steps")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    corpus = drawn(asked.texts, asked.seed)
    learned = tokens.learn((text for _, text in corpus), asked.pieces)
    (asked.out / "tokens.json").write_text(json.dumps([[a.hex(), b.hex()] for a, b in learned]) + "\n", "utf-8")
    tokens.use(learned)
    path = asked.out / "denoiser.safetensors"
    model = train(canvases(corpus, asked.seed), asked.steps, asked.minutes, asked.rate, asked.seed, path)
    print(f"{path}: SHA-256 {save(model, path)}")
    return 0


def drawn(n: int, seed: int) -> list[tuple[str, str]]:
    """``n`` pairs of kind and text; kinds with long texts come no less often than others."""
    random = Random(seed)
    kinds = [*texts.KINDS, "arithmetic", "program", "program"]
    return [(kind := random.choice(kinds), texts.draw(kind, random, random.random() ** 1.5)) for _ in range(n)]


def canvases(corpus: list[tuple[str, str]], seed: int) -> dict[int, Tensor]:
    """For each length the canvases of that length: int64[n, 1 + length], the tag first, padded with EOS.

    A text lies on the shortest canvas that has room for it, or on a longer one, each next a little less often.
    """
    random = Random(seed + 1)
    rows: dict[int, list[list[int]]] = {length: [] for length in LENGTHS}
    for kind, text in corpus:
        ids = tokens.encode(text)
        room = [length for length in LENGTHS if length >= len(ids)]
        while len(room) > 1 and random.random() < 0.6:
            room.pop(0)
        if room:
            rows[room[0]].append([tokens.tag(kind), *ids, *[tokens.EOS] * (room[0] - len(ids))])
    return {length: torch.tensor(found) for length, found in rows.items() if found}


def train(data: dict[int, Tensor], steps: int, minutes: float, rate: float, seed: int, out: Path) -> Network:
    """Train from nothing. The rate rises for 100 steps, then falls as a cosine over the steps or the minutes.

    Every 100 steps the weights are written to ``out``.
    """
    torch.manual_seed(seed)
    random = Random(seed + 2)
    model = Network(Shape(tokens.vocabulary().size))
    total = sum(w.numel() for w in model.parameters())
    print(f"{total:,} parameters; canvases {({length: len(d) for length, d in data.items()})}", flush=True)
    groups = [
        {"params": [w for w in model.parameters() if w.dim() == 2], "weight_decay": 0.05},
        {"params": [w for w in model.parameters() if w.dim() != 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    lengths = list(data)
    weights = [len(data[length]) for length in lengths]
    weights = [w * length for w, length in zip(weights, lengths, strict=True)]  # batches hold equally many tokens
    begin = time.monotonic()
    mean = 0.0
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - begin) / (60 * minutes))
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min((step + 1) / 100, 0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        length = random.choices(lengths, weights)[0]
        rows = data[length][torch.randint(len(data[length]), (max(1, BATCH_TOKENS // length),))]
        with torch.autocast("cpu", torch.bfloat16):
            loss = masked_loss(model, rows)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        mean = loss.item() if not step else 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {mean:.3f}, {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
            save(model, out)
    return model


def masked_loss(model: Network, rows: Tensor) -> Tensor:
    """The mean cross-entropy of masked tokens; the share that is masked differs from row to row, evenly spread."""
    b, n = rows.shape
    share = (torch.rand(()) + torch.arange(b) / b) % 1.0
    masked = torch.rand(b, n) < share[:, None].clamp(min=1.5 / n)
    masked[:, 0] = False  # the tag
    logits = model(torch.where(masked, tokens.MASK, rows))
    return F.cross_entropy(logits[masked], rows[masked])


def save(model: Network, path: Path) -> str:
    """Write the weights in half precision; returns the file's SHA-256."""
    from safetensors.torch import save_file

    save_file({name: weight.half().contiguous() for name, weight in model.state_dict().items()}, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
