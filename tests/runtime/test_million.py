"""A choice of very many items: time and memory of its compilation, and masks that are exact."""

from __future__ import annotations

import subprocess
import sys

import pytest

import structgen as sg
from structgen import bits
from structgen.masks import terminals

MEASURE = """
import random, resource, sys, time
import structgen as sg
vocab = sg.testing.byte_vocabulary()
sg.compile(sg.Choice(["a"]), vocab)
if sys.argv[1] == "numbers":
    items = [f"{(i * 2654435761) % 2**32:08x}" for i in range(1_000_000)]
else:
    draws, items = random.Random(7), set()
    letters = "bcdfghklmnprstvw", "aeiou"
    words = ["".join(draws.choice(letters[k % 2]) for k in range(draws.randint(3, 9))) for _ in range(20_000)]
    while len(items) < 1_000_000:
        items.add(" ".join(draws.choice(words) for _ in range(draws.randint(1, 4))))
choice = sg.Choice(list(items))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.process_time()
grammar = sg.compile(choice, vocab)
print(time.process_time() - begin, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numbers", "words"])
def test_a_million_items_compile_in_seconds(kind: str) -> None:
    run = subprocess.run([sys.executable, "-c", MEASURE, kind], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, run.stdout.split())
    assert seconds < 10
    assert megabytes < 300


@pytest.mark.parametrize("large", [1_000, terminals.LARGE])
def test_masks_of_a_large_choice_are_exact(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 items: along some of them every mask is what the items themselves say."""
    monkeypatch.setattr(terminals, "LARGE", large)
    items = sorted({f"{(i * 2654435761) % 2**32:08x}"[: 4 + i % 5] for i in range(20_000)})
    tokens = [*(bytes([i]) for i in range(256)), *(b"%02x" % i for i in range(256)), b"0a1", b"fff", b"1234", b"5" * 9]
    ends = [None] * (1 + (large == 1_000))  # another vocabulary, so that no states are shared
    g = sg.compile(sg.Choice(items), sg.Vocabulary([*tokens, *ends], eos_token_ids=[len(tokens)]))
    data = [item.encode() for item in items]
    for item in data[::4001]:
        state = g.start
        for k in range(len(item) + 1):
            rest = {other[k:] for other in data if other.startswith(item[:k])}
            wanted = [i for i, token in enumerate(tokens) if any(text.startswith(token) for text in rest)]
            assert bits.ids(g.mask(state)).tolist() == wanted + [len(tokens)] * (b"" in rest)
            state = g.advance_bytes(state, item[k : k + 1])
