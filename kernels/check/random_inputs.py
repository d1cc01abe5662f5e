"""Random inputs for the checks: logits, mask rows, automata in all forms. NumPy and torch only."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from structgen.kernels.automaton import Automaton

#: Codes that items are made of.
CODES = 2048


def logits(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
    generator = torch.Generator(device=device).manual_seed(int(rng.integers(2**31)))
    return (torch.randn(shape, generator=generator, device=device) * 3).to(dtype)


def rows(rng: np.random.Generator, n: int, vocab: int, share: float | None, device: Any) -> Any:
    """int32[n, W]: each token with probability ``share``; None: runs of tokens, full and empty rows."""
    flags = np.zeros((n, -(-vocab // 32) * 32), dtype=np.bool_)
    for i in range(n):
        p = share if share is not None else rng.choice([0.001, 0.5, 0.999, 1.0])
        flags[i, :vocab] = rng.random(vocab, dtype=np.float32) < p
        if share is None:
            a, b = sorted(rng.integers(0, vocab + 1, 2))
            flags[i, a:b] = rng.random() < 0.5
        flags[i, rng.integers(vocab)] = True
    packed = np.packbits(flags, axis=1, bitorder="little").view(np.int32).reshape(n, -1)
    return torch.from_numpy(packed.copy()).to(device)


def automaton(rng: np.random.Generator, n: int, size: int) -> Automaton:
    """Random states: with few edges listed, with a row and exceptions, and with a table."""
    width = (size + 31) // 32
    first, tokens, after = [0], [], []
    row, default, table = (np.full(n, -1, dtype=np.int32) for _ in range(3))
    all_rows: list[Any] = []
    tables: list[Any] = []
    for s in range(n):
        kind = s % 3
        count = min(size, int(rng.integers(0, 6)) if kind == 0 else int(size * rng.uniform(0.3, 1)))
        chosen = np.sort(rng.choice(size, count, replace=False)).astype(np.int32)
        to = rng.integers(0, n, count).astype(np.int32)
        if kind > 0:
            flags = np.zeros(width * 32, dtype=np.bool_)
            flags[chosen] = True
            row[s] = len(all_rows)
            all_rows.append(np.packbits(flags, bitorder="little").view(np.int32))
        if kind == 1:
            default[s] = rng.integers(0, n)
            few = rng.random(count) < 0.05
            chosen, to = chosen[few], to[few]
        if kind == 2:
            whole = np.full(size, -1, dtype=np.int32)
            whole[chosen] = to
            table[s] = len(tables)
            tables.append(whole)
            chosen, to = chosen[:0], to[:0]
        tokens.append(chosen)
        after.append(to)
        first.append(first[-1] + len(chosen))
    return Automaton(
        np.array(first, dtype=np.int32), np.concatenate(tokens), np.concatenate(after), row, default, table,
        np.stack(all_rows) if all_rows else np.zeros((0, width), np.int32),
        np.stack(tables) if tables else np.zeros((0, size), np.int32),
        1, size, len(all_rows), int(np.diff(first).max()),
    )  # fmt: skip


def vocabulary(rng: np.random.Generator, size: int) -> list[bytes]:
    """Tokens like those of a byte-level BPE: all bytes, then words and pieces of 2 to 16 letters, some with a space."""
    letters = b"etaoinshrdlcumwfgypbvk" * 3 + b'0123456789.,:"{}_-' + bytes(range(0xC3, 0xC8))
    lengths = np.clip(rng.geometric(0.22, size) + 1, 2, 16)
    data = rng.choice(np.frombuffer(letters, dtype=np.uint8), int(lengths.sum())).tobytes()
    ends = np.cumsum(lengths)
    words = [data[b - n : b] for n, b in zip(lengths.tolist(), ends.tolist(), strict=True)]
    space = rng.random(size) < 0.4
    every = [bytes([i]) for i in range(256)]
    return [*every, *(b" " + w[1:] if s else w for w, s in zip(words, space.tolist(), strict=True))][:size]


def byte_automaton(rng: np.random.Generator, n: int, width: int) -> tuple[Any, Any, Any]:
    """(delta int32[n, width], classes uint8[256], accept bool[n]): every fifth state reads nearly anything, as in a
    string; the others go on by a few classes, as in keys and numbers."""
    delta = np.where(rng.random((n, width)) < 2.0 / width, rng.integers(0, n, (n, width)), -1).astype(np.int32)
    free = np.arange(n) % 5 == 0
    delta[free] = np.arange(n)[free, None]
    delta[free, 0] = rng.integers(0, n, int(free.sum()))
    return delta, rng.integers(0, width, 256).astype(np.uint8), rng.random(n) < 0.2


def item_codes(rng: np.random.Generator, n: int) -> Any:
    """int32[n, 5]: different items, each of five codes, in order."""
    keys = np.unique(rng.integers(0, CODES**5, int(n * 1.001) + 10))[:n]
    return np.stack([keys // CODES ** (4 - d) % CODES for d in range(5)], axis=1).astype(np.int32)
