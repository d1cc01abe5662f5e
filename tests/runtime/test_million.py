"""A choice of very many items: time and memory of its compilation, and masks that are exact."""

from __future__ import annotations

import subprocess
import sys

import pytest

import structgen as sg
from structgen import bits

MEASURE = """
import resource, time
import structgen as sg
vocab = sg.testing.byte_vocabulary()
sg.compile(sg.Choice(["a"]), vocab)
choice = sg.Choice([f"{(i * 2654435761) % 2**32:08x}" for i in range(1_000_000)])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.process_time()
grammar = sg.compile(choice, vocab)
print(time.process_time() - begin, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
def test_a_million_items_compile_in_seconds() -> None:
    run = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, run.stdout.split())
    assert seconds < 10
    assert megabytes < 300


def test_masks_of_a_large_choice_are_exact() -> None:
    """20,000 items: along some of them every mask is what the items themselves say."""
    items = sorted({f"{(i * 2654435761) % 2**32:08x}"[: 4 + i % 5] for i in range(20_000)})
    tokens = [*(bytes([i]) for i in range(256)), *(b"%02x" % i for i in range(256)), b"0a1", b"fff", b"1234", b"5" * 9]
    g = sg.compile(sg.Choice(items), sg.Vocabulary([*tokens, None], eos_token_ids=[len(tokens)]))
    data = [item.encode() for item in items]
    for item in data[::4001]:
        state = g.start
        for k in range(len(item) + 1):
            rest = {other[k:] for other in data if other.startswith(item[:k])}
            wanted = [i for i, token in enumerate(tokens) if any(text.startswith(token) for text in rest)]
            assert bits.ids(g.mask(state)).tolist() == wanted + [len(tokens)] * (b"" in rest)
            state = g.advance_bytes(state, item[k : k + 1])
