"""What is measured on a GPU. Each bench yields rows: what, size, seconds, and the bytes that must move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from structgen.kernels.accept import accept
from structgen.kernels.apply_mask import apply_mask
from structgen.kernels.automaton import advance, fill_rows
from structgen.kernels.automaton.gpu_move import on_device
from structgen.kernels.automaton.sequences import of_sequences
from structgen.kernels.build_rows import build_rows
from structgen.kernels.check import peers, timing
from structgen.kernels.check import random_inputs as drawn
from structgen.kernels.decoding.gpu_decoder import Decoder
from structgen.kernels.draft_tree import draft_tree
from structgen.kernels.sample import sample
from structgen.kernels.sum_product import backward, draw, trace

Seconds = Callable[[Callable[..., Any], Sequence[Sequence[Any]]], float]


class Setting(NamedTuple):
    """Where and on what sizes: those of a measurement, or tiny ones that show that every bench runs.

    Attributes:
        seconds, eager: time one input set, captured in a graph, or with the launches.
        main: the vocabulary on which everything is measured. cache: bytes that inputs must outgrow together.
        items: sizes of sets of items. states: states of the byte automaton, and edges of a state of the other.
    """

    device: str
    seconds: Seconds
    eager: Seconds
    batches: tuple[int, ...]
    vocabs: tuple[int, ...]
    main: int
    cache: int
    items: tuple[int, ...]
    states: int


def measured() -> Setting:
    """A GPU's sizes."""
    vocabs = 32_000, 128_256, 262_144
    return Setting(
        "cuda", timing.seconds, timing.eager_seconds, (1, 16, 64, 256), vocabs, 128_256, 200 << 20,
        (10**5, 10**6, 10**7), 1000,
    )  # fmt: skip


def tried() -> Setting:
    """Sizes for the interpreter: everything runs once, and nothing is timed."""

    def once(work: Callable[..., Any], sets: Sequence[Sequence[Any]]) -> float:
        work(*sets[0])
        return float("nan")

    return Setting("cpu", once, once, (1, 2), (300,), 300, 0, (50,), 4)


class Row(NamedTuple):
    """One figure. ``bytes``: those that must move, 0 where that says nothing. ``name`` begins with the operation."""

    name: str
    size: str
    seconds: float
    bytes: int = 0


Bench = Callable[[Setting, np.random.Generator], Iterator[Row]]


def _sets(on: Setting, rng: np.random.Generator, batch: int, vocab: int) -> list[Any]:
    """bfloat16 logits [batch, vocab], as many as together outgrow the cache by far."""
    count = max(2, min(64, on.cache // (2 * batch * vocab)))
    return [drawn.logits(rng, (batch, vocab), torch.bfloat16, on.device) for _ in range(count)]


def apply_bytes(rows: Any, vocab: int, size: int) -> int:
    """Bytes of the rows, of the logits written where a word has no bit, read and written where it has some."""
    none, some = int((rows == 0).sum()), int(((rows != 0) & (rows != -1)).sum())
    return rows.nbytes + 32 * size * (none + 2 * some)


def bench_apply_mask(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Rows that allow few tokens, nearly all, and half of them at random; beside other libraries' kernels."""
    for vocab in on.vocabs:
        for batch in on.batches:
            for kind, share in (("few", 0.0005), ("most", 0.999), ("half", 0.5)):
                if kind != "few" and (vocab != on.main or batch != max(on.batches)):
                    continue
                logits = _sets(on, rng, batch, vocab)
                rows = drawn.rows(rng, min(batch, 32), vocab, share, on.device).repeat(max(1, batch // 32), 1)
                size = f"B={batch} V={vocab} {kind}"
                must = apply_bytes(rows, vocab, 2)
                given = [(x, rows) for x in logits]
                yield Row("apply_mask", size, on.seconds(apply_mask, given), must)
                if batch == max(on.batches) and vocab == on.main:
                    for name, apply in peers.appliers(on.device):
                        try:
                            yield Row(f"apply_mask, {name}", size, on.seconds(apply, given), must)
                        except Exception:  # it cannot be captured in a graph
                            timing.settle()
                            yield Row(f"apply_mask, {name} (launches included)", size, on.eager(apply, given), must)


def bench_sample(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """The fused draw in one pass, with truncation, and without the log mass; beside torch's softmax and multinomial."""
    for vocab in on.vocabs:
        for batch in on.batches:
            logits = _sets(on, rng, batch, vocab)
            seeds = torch.arange(batch, device=on.device)
            steps = torch.zeros(batch, dtype=torch.int32, device=on.device)
            heat = torch.full((batch,), 0.8, device=on.device)
            rows = drawn.rows(rng, min(batch, 32), vocab, 0.999, on.device).repeat(max(1, batch // 32), 1)
            few = drawn.rows(rng, min(batch, 32), vocab, 0.0005, on.device).repeat(max(1, batch // 32), 1)
            k = torch.full((batch,), 50, dtype=torch.int32, device=on.device)
            p = torch.full((batch,), 0.95, device=on.device)
            size = f"B={batch} V={vocab}"
            must = logits[0].nbytes + rows.nbytes
            kinds: list[tuple[str, dict[str, Any], int]] = [("sample", {"rows": rows}, must)]
            if vocab == on.main:
                kinds += [
                    ("sample, no mask", {}, logits[0].nbytes),
                    ("sample, few allowed, no mass", {"rows": few, "mass": False}, 0),
                    ("sample, top-k", {"rows": rows, "top_k": k}, must),
                    ("sample, top-p", {"rows": rows, "top_p": p}, must),
                ]
            for name, how, bytes_ in kinds:
                run = lambda x, how=how: sample(x, seeds, steps, temperature=heat, **how)  # noqa: E731
                yield Row(name, size, on.seconds(run, [(x,) for x in logits]), bytes_)
            if vocab == on.main:
                baseline = lambda x: torch.multinomial(torch.softmax(x.float() / 0.8, 1), 1)  # noqa: E731
                yield Row("sample, torch softmax + multinomial", size, on.eager(baseline, [(x,) for x in logits]))


def bench_automaton(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Steps and rows under sets of items, after STATIC; beside binary search in the sorted items on the host."""
    for n in on.items:
        items = drawn.item_codes(rng, n)
        begin = time.perf_counter()
        host = of_sequences(items, drawn.CODES + 1, drawn.CODES)
        size = f"items={n} states={host.n_states} MB={host.nbytes >> 20}"
        yield Row("automaton, build on the host", size, time.perf_counter() - begin)
        moved = on_device(host, on.device, max(on.batches))
        for batch in (1, max(on.batches)):
            chosen = items[rng.integers(0, n, batch)]
            states = torch.full((batch,), host.start, dtype=torch.int32, device=on.device)
            tokens = [torch.from_numpy(chosen[:, d].copy()).to(on.device) for d in range(5)]
            for d in range(3):
                states = advance(moved, states, tokens[d])
            out, at = torch.empty_like(states), torch.empty_like(states)
            run = lambda: advance(moved, states, tokens[3], out)  # noqa: E731
            yield Row("automaton step", f"B={batch} {size}", on.seconds(run, [()] * 20), 0)
            run = lambda: fill_rows(moved, states, at)  # noqa: E731
            yield Row("automaton rows", f"B={batch} {size}", on.seconds(run, [()] * 20), batch * 65 * 4)
            searched = peers.host_rows(items, chosen[:, :3], on.device)
            yield Row("automaton rows, host binary search", f"B={batch} {size}", searched)


def bench_decoding(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """A whole step as a captured graph: rows, draw, next states."""
    for vocab in on.vocabs:
        host = drawn.automaton(rng, 30, vocab)
        for batch in on.batches:
            decoder = Decoder(host, on.device, batch)
            decoder.states.copy_(torch.from_numpy((np.arange(batch) % 30).astype(np.int32)))
            logits = drawn.logits(rng, (batch, vocab), torch.bfloat16, on.device)
            seeds, heat = torch.arange(batch, device=on.device), torch.ones(batch, device=on.device)
            if on.device == "cuda":
                graph, _ = decoder.capture(logits, seeds, temperature=heat)
                taken = timing.replayed(graph.replay)
            else:
                taken = on.eager(lambda: decoder.step(logits, seeds, temperature=heat), [()])
            yield Row("decoding step, one CUDA graph", f"B={batch} V={vocab}", taken, logits.nbytes)
            out = torch.empty(batch, dtype=torch.int32, device=on.device)
            tokens = torch.randint(0, vocab, (batch,), dtype=torch.int32, device=on.device)
            run = lambda: advance(decoder.automaton, decoder.states, tokens, out)  # noqa: E731
            yield Row("automaton step, mixed states", f"B={batch} V={vocab}", on.seconds(run, [()] * 20))


def bench_build_rows(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """1,000 states over 128,000 tokens: a fifth of the states reads nearly anything."""
    vocab = on.main // 1000 * 1000 or on.main
    tokens = drawn.vocabulary(rng, vocab)
    delta, classes, ends = drawn.byte_automaton(rng, on.states, 32)
    start = np.cumsum([0, *map(len, tokens)]).astype(np.int32)
    text = np.frombuffer(b"".join(tokens), dtype=np.uint8).copy()
    arrays = delta, classes, ends, np.arange(on.states, dtype=np.int32), text, start, np.array([5], np.int32)
    given = [torch.from_numpy(a).to(on.device) for a in arrays]
    out = torch.empty((on.states, (vocab + 31) // 32), dtype=torch.int32, device=on.device)
    taken = on.seconds(lambda: build_rows(*given, out), [()])
    yield Row("build_rows", f"states={on.states} V={vocab}", taken, out.nbytes)


def bench_draft_tree(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    host = on_device(drawn.automaton(rng, 30, on.main), on.device, 1)
    for batch, nodes in ((1, 8), (max(on.batches), 8), (max(on.batches), 32)):
        parents = torch.div(torch.arange(nodes) - 1, 2, rounding_mode="floor").to(torch.int32)
        parents = parents.repeat(batch, 1).contiguous().to(on.device)
        tokens = torch.randint(0, on.main, (batch, nodes), dtype=torch.int32, device=on.device)
        states = torch.randint(0, 30, (batch,), dtype=torch.int32, device=on.device)
        run = lambda: draft_tree(host, states, tokens, parents)  # noqa: E731
        yield Row("draft_tree", f"B={batch} N={nodes}", on.seconds(run, [()] * 10))


def bench_accept(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Chains of 8 drafts near the target, so that about half are accepted."""
    nodes = 8
    for batch in (1, min(32, max(on.batches))):
        logits = drawn.logits(rng, (batch, nodes + 1, on.main), torch.bfloat16, on.device)
        draft = (logits[:, :nodes] + 0.3 * torch.randn_like(logits[:, :nodes])).contiguous()
        tokens = torch.distributions.Categorical(logits=draft.float()).sample().to(torch.int32)
        parents = (torch.arange(nodes, dtype=torch.int32) - 1).repeat(batch, 1).to(on.device)
        uniforms = torch.rand(batch, nodes + 1, device=on.device)
        run = lambda: accept(logits, tokens, parents, uniforms, draft=draft)  # noqa: E731
        must = logits.nbytes + draft.nbytes
        yield Row("accept, chains", f"B={batch} N={nodes} V={on.main}", on.seconds(run, [()]), must)


def bench_sum_product(on: Setting, rng: np.random.Generator) -> Iterator[Row]:
    """Blocks of 32 positions, 500 states, 100,500 edges."""
    n, degree, length, vocab, batch = on.states // 2, on.states // 5 + 1, 32, on.main, 8
    first = torch.arange(n + 1, dtype=torch.int32).to(on.device) * degree
    tokens = torch.sort(torch.randint(0, vocab, (n, degree)), 1).values.reshape(-1).to(torch.int32).to(on.device)
    after = torch.randint(0, n, (n * degree,), dtype=torch.int32).to(on.device)
    logps = torch.log_softmax(drawn.logits(rng, (batch, length, vocab), torch.float32, on.device), 2)
    final = torch.zeros(n, device=on.device)
    size = f"B={batch} d={length} states={n} edges={n * degree}"
    must = batch * length * n * degree * 16
    csr = first, tokens, after
    yield Row("sum_product", size, on.seconds(lambda: backward(logps, *csr, final), [()]), must)
    yield Row("max_product", size, on.seconds(lambda: backward(logps, *csr, final, best=True), [()]), must)
    beta = backward(logps, *csr, final)
    _, back = backward(logps, *csr, final, best=True)
    start = torch.zeros(batch, dtype=torch.int32, device=on.device)
    uniforms = torch.rand(batch, length, device=on.device)
    yield Row("max_product, trace", size, on.seconds(lambda: trace(start, back, tokens, after), [()]))
    yield Row("sum_product, draw", size, on.seconds(lambda: draw(logps, *csr, beta, start, uniforms), [()]))


BENCHES: dict[str, Bench] = {
    name.removeprefix("bench_"): value for name, value in list(globals().items()) if name.startswith("bench_")
}
