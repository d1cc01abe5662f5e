"""Sets of items on a CPU, after STATIC: the automaton's steps and rows beside tries that a host walks.

The items are sequences of five codes out of 2,048. Figures are processor times of one thread.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from structgen.kernels.automaton import Automaton, advance, fill_rows, gpu
from structgen.kernels.automaton.gpu_move import on_device
from structgen.kernels.automaton.sequences import of_sequences
from structgen.kernels.check.random_inputs import CODES, item_codes

BATCHES = (1, 256)
#: Of more items no trie of Python's dicts is made: it takes more than half a kilobyte for each.
MOST_IN_DICTS = 10**6
#: How many sequences the Triton kernels, interpreted, are compared on.
_COMPARED = 16

Row = dict[str, Any]


def measure(sizes: tuple[int, ...], seed: int = 0) -> Iterator[Row]:
    """A row for each figure: name, items, batch (0: none), seconds and bytes (of the structure that is built).

    Raises:
        AssertionError: the automaton, the tries and the interpreted kernels do not say the same.
    """
    rng = np.random.default_rng(seed)
    for n in sizes:
        items = item_codes(rng, n)
        begin = process_time()
        host = of_sequences(items, CODES + 1, CODES)
        yield _row("automaton, build", n, 0, process_time() - begin, host.nbytes)
        begin = process_time()
        keys = _keys(items)
        keys.sort()
        yield _row("sorted items, build", n, 0, process_time() - begin, keys.nbytes)
        trie = None
        if n <= MOST_IN_DICTS:
            begin = process_time()
            trie = _dicts(items)
            yield _row("trie of dicts, build", n, 0, process_time() - begin, 0)
        moved = on_device(host, "cpu", max(BATCHES))
        for batch in BATCHES:
            yield from _steps(moved, items[rng.integers(0, n, batch)], keys, trie, n)


def _steps(moved: Automaton, chosen: NDArray[np.int32], keys: NDArray[np.int64], trie: Any, n: int) -> Iterator[Row]:
    """The third step of each of the chosen items, and the row of what may follow."""
    batch = len(chosen)
    states = torch.full((batch,), moved.start, dtype=torch.int32)
    tokens = [torch.from_numpy(chosen[:, d].copy()) for d in range(3)]
    for d in range(2):
        states = advance(moved, states, tokens[d])
    after, at = torch.empty_like(states), torch.empty_like(states)

    def automaton() -> NDArray[np.int32]:
        advance(moved, states, tokens[2], after)
        fill_rows(moved, after, at)
        found: NDArray[np.int32] = moved.rows[at.long()].numpy()
        return found

    ways: dict[str, Callable[[], NDArray[np.int32]]] = {
        "automaton, step and rows": automaton,
        "sorted items, step and rows": lambda: _searched(keys, chosen[:, :3]),
    }
    if trie is not None:
        nodes = [trie[int(a)][int(b)] for a, b in chosen[:, :2]]
        ways["trie of dicts, step and rows"] = lambda: _walked(nodes, chosen[:, 2])
    wanted = automaton()
    for name, way in ways.items():
        assert (way() == wanted).all(), f"{name}: other rows than the automaton's, of {n} items"
        yield _row(name, n, batch, _seconds(way), 0)
    few = slice(0, min(batch, _COMPARED))
    gpu.advance(moved, states[few], tokens[2][few].contiguous(), out := torch.empty_like(states[few]))
    gpu.fill_rows(moved, out, at := torch.empty_like(out))
    assert (moved.rows[at.long()].numpy() == wanted[few]).all(), f"the kernels give other rows, of {n} items"


def _row(name: str, n: int, batch: int, seconds: float, nbytes: int) -> Row:
    return {"name": name, "items": n, "batch": batch, "seconds": seconds, "bytes": nbytes}


def _seconds(way: Callable[[], Any]) -> float:
    """The median of the processor times of a call, over a tenth of a second at least."""
    times: list[float] = []
    while len(times) < 5 or sum(times) < 0.1:
        count = 1 if not times else max(1, int(0.005 / max(times[0], 1e-7)))
        begin = process_time()
        for _ in range(count):
            way()
        times.append((process_time() - begin) / count)
        if len(times) > 200:
            break
    return statistics.median(times[1:])


def _keys(items: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sequences of codes as numbers."""
    keys = np.zeros(len(items), dtype=np.int64)
    for d in range(items.shape[1]):
        keys = keys * CODES + items[:, d]
    return keys


def _searched(keys: NDArray[np.int64], prefixes: NDArray[np.int32]) -> NDArray[np.int32]:
    """int32[B, W]: what may follow, by binary search in sorted items."""
    rest = CODES ** (5 - prefixes.shape[1])
    rows = np.zeros((len(prefixes), _bits()), dtype=np.bool_)
    low = _keys(prefixes)
    first, last = np.searchsorted(keys, low * rest), np.searchsorted(keys, (low + 1) * rest)
    for i in range(len(prefixes)):
        rows[i, keys[first[i] : last[i]] // (rest // CODES) % CODES] = True
    return np.packbits(rows, axis=1, bitorder="little").view(np.int32)


def _dicts(items: NDArray[np.int32]) -> dict[int, Any]:
    root: dict[int, Any] = {}
    for item in items.tolist():
        node = root
        for code in item:
            node = node.setdefault(code, {})
    return root


def _walked(nodes: list[Any], codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """int32[B, W]: what may follow, by the keys of a trie's nodes."""
    rows = np.zeros((len(nodes), _bits()), dtype=np.bool_)
    for i, (node, code) in enumerate(zip(nodes, codes.tolist(), strict=True)):
        rows[i, list(node[code])] = True
    return np.packbits(rows, axis=1, bitorder="little").view(np.int32)


def _bits() -> int:
    return (CODES + 1 + 31) // 32 * 32


def table(rows: list[Row]) -> str:
    """The figures as a table in Markdown."""
    lines = ["| items | | batch | time | MB |", "|---|---|---|---|---|"]
    for row in rows:
        time = f"{row['seconds']:.1f} s" if row["batch"] == 0 else f"{1e6 * row['seconds']:.1f} us"
        size = f"{row['bytes'] / 1e6:.1f}" if row["bytes"] else ""
        lines.append(f"| {row['items']:,} | {row['name']} | {row['batch'] or ''} | {time} | {size} |")
    return "\n".join(lines)
