"""Times on a GPU: replays of a captured graph between events, over input sets that outgrow the cache."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import torch


def seconds(work: Callable[..., Any], sets: Sequence[Sequence[Any]], repeats: int = 20) -> float:
    """Median seconds of ``work`` on one input set.

    One graph runs ``work`` on every set in turn, so that launches cost nothing and the data of a set has left the
    cache when it is used again, if the sets together are larger than it.

    Args:
        work: called with the elements of a set; launches kernels, and does not wait.
    """
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for given in sets:
            work(*given)  # compiles
    torch.cuda.current_stream().wait_stream(aside)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for given in sets:
            work(*given)
    return replayed(graph.replay, repeats) / len(sets)


def eager_seconds(work: Callable[..., Any], sets: Sequence[Sequence[Any]], repeats: int = 10) -> float:
    """The same, for work that cannot be captured: launches included."""

    def every() -> None:
        for given in sets:
            work(*given)

    every()
    torch.cuda.synchronize()
    return replayed(every, repeats) / len(sets)


def settle() -> None:
    """Wait for the device, after something on it has failed."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def replayed(run: Callable[[], Any], repeats: int = 20) -> float:
    """Median seconds of what ``run`` launches."""
    for _ in range(3):
        run()
    times = []
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(times)


def copy_bandwidth() -> float:
    """Bytes a second, read and written, of a large copy on the device: the measure of everything else."""
    source = torch.randint(0, 1 << 30, (1 << 28,), dtype=torch.int32, device="cuda")  # 1 GiB
    target = torch.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: target.copy_(source), [()], repeats=15)
