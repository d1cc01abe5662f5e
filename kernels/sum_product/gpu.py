"""Sums and maxima over the texts of an automaton: Triton kernels and their launchers."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import triton
import triton.language as tl

EDGES = 256
INF = tl.constexpr(float("inf"))


@triton.jit(do_not_specialize=["i", "length", "states"])
def _layer(
    logps, first, tokens, after, beta, back, i, length, states, vocab, BEST: tl.constexpr, EDGES: tl.constexpr
):
    """One program for a state of a sequence: its message at position i, out of those at i + 1."""
    s = tl.program_id(0)
    b = tl.program_id(1).to(tl.int64)
    begin = tl.load(first + s)
    end = tl.load(first + s + 1)
    row = logps + (b * length + i) * vocab
    ahead = beta + (b * (length + 1) + i + 1) * states
    best = -INF
    total = 0.0
    edge = -1
    for e in range(begin, end, EDGES):
        at = e + tl.arange(0, EDGES)
        there = at < end
        token = tl.load(tokens + at, mask=there, other=0)
        to = tl.load(after + at, mask=there, other=0)
        value = tl.load(row + token, mask=there, other=-INF) + tl.load(ahead + to, mask=there, other=-INF)
        here = tl.max(value, 0)
        edge = tl.where(here > best, e + tl.argmax(value, 0), edge)
        if not BEST:
            new = tl.maximum(best, here)
            shift = tl.where(new == -INF, 0.0, new)
            total = total * tl.exp(best - shift) + tl.sum(tl.exp(value - shift), 0)
        best = tl.maximum(best, here)
    if not BEST:
        best = tl.where(total > 0.0, best + tl.log(tl.where(total > 0.0, total, 1.0)), -INF)
    tl.store(beta + (b * (length + 1) + i) * states + s, best)
    tl.store(back + (b * length + i) * states + s, edge)


@triton.jit(do_not_specialize=["length", "states"])
def _trace(start, back, tokens, after, out, length, states):
    b = tl.program_id(0).to(tl.int64)
    s = tl.load(start + b)
    for i in range(length):
        edge = tl.load(back + (b * length + i) * states + tl.maximum(s, 0))
        edge = tl.where(s >= 0, edge, -1)
        token = tl.load(tokens + tl.maximum(edge, 0))
        to = tl.load(after + tl.maximum(edge, 0))
        tl.store(out + b * length + i, tl.where(edge >= 0, token, -1))
        s = tl.where(edge >= 0, to, -1)


@triton.jit(do_not_specialize=["length", "states"])
def _draw(
    logps, first, tokens, after, beta, start, uniforms, out, length, states, vocab, EDGES: tl.constexpr
):
    """One program for a sequence: its tokens from the left, each by the sum of the weights before it."""
    b = tl.program_id(0).to(tl.int64)
    s = tl.load(start + b)
    for i in range(length):
        here = tl.maximum(s, 0)
        norm = tl.load(beta + (b * (length + 1) + i) * states + here)
        alive = (s >= 0) & (norm > -INF)
        begin = tl.load(first + here)
        end = tl.where(alive, tl.load(first + here + 1), begin)
        goal = tl.load(uniforms + b * length + i)
        row = logps + (b * length + i) * vocab
        ahead = beta + (b * (length + 1) + i + 1) * states
        below = 0.0
        found = -1
        last = -1
        for e in range(begin, end, EDGES):
            at = e + tl.arange(0, EDGES)
            there = at < end
            token = tl.load(tokens + at, mask=there, other=0)
            to = tl.load(after + at, mask=there, other=0)
            value = tl.load(row + token, mask=there, other=-INF) + tl.load(ahead + to, mask=there, other=-INF)
            weight = tl.exp(value - norm)
            reached = below + tl.cumsum(weight, 0)
            first_at = tl.min(tl.where((reached > goal) & (weight > 0.0), at, 2147483647), 0)
            found = tl.where((found < 0) & (first_at < 2147483647), first_at, found)
            last = tl.maximum(last, tl.max(tl.where(weight > 0.0, at, -1), 0))
            below += tl.sum(weight, 0)
        edge = tl.where(found >= 0, found, last)
        token = tl.load(tokens + tl.maximum(edge, 0))
        to = tl.load(after + tl.maximum(edge, 0))
        tl.store(out + b * length + i, tl.where(edge >= 0, token, -1))
        s = tl.where(edge >= 0, to, -1)


def backward(logps, first, tokens, after, beta, back, best):
    """See :func:`structgen.kernels.sum_product.backward`. One launch for each position; does not wait."""
    batch, length, vocab = logps.shape
    states = beta.shape[2]
    for i in range(length - 1, -1, -1):
        if batch and states:
            _layer[(states, batch)](
                logps, first, tokens, after, beta, back, i, length, states, vocab, BEST=best, EDGES=EDGES, num_warps=2
            )


def trace(start, back, tokens, after, out):
    """See :func:`structgen.kernels.sum_product.trace`. Does not wait for the device."""
    if len(start):
        _trace[(len(start),)](start, back, tokens, after, out, back.shape[1], back.shape[2], num_warps=1)


def draw(logps, first, tokens, after, beta, start, uniforms, out):
    """See :func:`structgen.kernels.sum_product.draw`. Does not wait for the device."""
    if len(start):
        _draw[(len(start),)](
            logps, first, tokens, after, beta, start, uniforms, out, out.shape[1], beta.shape[2], logps.shape[2],
            EDGES=EDGES, num_warps=2,
        )  # fmt: skip
