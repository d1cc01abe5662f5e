"""The fused draw: Triton kernels and their launcher."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import torch
import triton
import triton.language as tl

from structgen.kernels.gpu_random import gumbel

# Columns of the figures of a tile: maximum and sum of exp(logit - maximum) over all tokens, over the allowed ones
# (the maximum is NaN where one of them is NaN or infinite), and what was subtracted in that sum.
FIGURES = tl.constexpr(5)
TOKEN = tl.constexpr(0)
WHOLE_TILE = tl.constexpr(1)
INF = tl.constexpr(float("inf"))
NAN = tl.constexpr(float("nan"))


@triton.jit
def _word(rows, rows_stride, row, w, width, HAS: tl.constexpr):
    """Words of the mask; all bits where there is none."""
    if HAS:
        word = tl.load(rows + tl.maximum(row, 0) * rows_stride + w, mask=w < width, other=0)
        word = tl.where(row >= 0, word, -1)
    else:
        word = tl.full(w.shape, -1, tl.int32)
    return word


@triton.jit
def _row_of(indices, b, HAS: tl.constexpr):
    row = b
    if HAS:
        row = tl.load(indices + b).to(tl.int64)
    return row


@triton.jit
def _figures(
    logits, logits_stride, columns, temperature, rows, rows_stride, width, indices, out, tiles,
    HAS: tl.constexpr, MASS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """One program for a tile of a sequence: its figures, from one look at the logits."""
    b = tl.program_id(0).to(tl.int64)
    number = tl.program_id(1)
    row = _row_of(indices, b, HAS)
    heat = tl.load(temperature + b)
    scale = 1.0 / tl.where(heat > 0.0, heat, 1.0)
    w = number * (TILE // 32) + tl.arange(0, TILE // 32)
    word = _word(rows, rows_stride, row, w, width, HAS)
    bit = tl.arange(0, 32)
    token = w[:, None] * 32 + bit[None, :]
    inside = token < columns
    allowed = inside & (((word[:, None] >> bit[None, :]) & 1) != 0)
    read = inside if MASS else inside & (word != 0)[:, None]
    x = tl.load(logits + b * logits_stride + token, mask=read, other=-INF).to(tl.float32) * scale
    fit = (x == x) & (x != INF)
    bad = tl.max(tl.max((allowed & ~fit).to(tl.int32), 1), 0)
    top_ok = tl.max(tl.max(tl.where(allowed & fit, x, -INF), 1), 0)
    if MASS:
        top = tl.max(tl.max(tl.where(fit, x, -INF), 1), 0)
        e = tl.exp(x - tl.where(top > -INF, top, 0.0))
        total = tl.sum(tl.sum(e, 1), 0)
        # the allowed ones from the same exponentials, unless they are so far below that these would vanish
        sum_ok = tl.sum(tl.sum(tl.where(allowed, e, 0.0), 1), 0)
        shift = tl.where(top > -INF, top, 0.0)
        if sum_ok < 1e-20:
            shift = tl.where(top_ok > -INF, top_ok, 0.0)
            sum_ok = tl.sum(tl.sum(tl.where(allowed, tl.exp(x - shift), 0.0), 1), 0)
    else:
        top = top_ok
        total = 0.0
        shift = tl.where(top_ok > -INF, top_ok, 0.0)
        sum_ok = tl.sum(tl.sum(tl.where(allowed, tl.exp(x - shift), 0.0), 1), 0)
    at = out + (b * tiles + number) * FIGURES
    tl.store(at, top)
    tl.store(at + 1, total)
    tl.store(at + 2, tl.where(bad > 0, NAN, top_ok))
    tl.store(at + 3, sum_ok)
    tl.store(at + 4, shift)


@triton.jit
def _norms(figures, b, tiles, NUMBERS: tl.constexpr, MASS: tl.constexpr):
    """(number of each tile, log of its allowed sum, greatest allowed, log of all allowed, log mass, is it broken)."""
    number = tl.arange(0, NUMBERS)
    there = number < tiles
    at = figures + (b * tiles + number) * FIGURES
    top_ok = tl.load(at + 2, mask=there, other=-INF)
    sum_ok = tl.load(at + 3, mask=there, other=0.0)
    shift = tl.load(at + 4, mask=there, other=0.0)
    broken = tl.max((top_ok != top_ok).to(tl.int32), 0)
    best = tl.max(tl.where(top_ok == top_ok, top_ok, -INF), 0)
    broken = tl.where(best == -INF, 1, broken)
    safe = tl.where(best == -INF, 0.0, best)
    own = tl.where(sum_ok > 0.0, shift + tl.log(tl.where(sum_ok > 0.0, sum_ok, 1.0)), -INF)
    own = tl.where(broken > 0, -INF, own)
    norm = safe + tl.log(tl.sum(tl.exp(own - safe), 0))
    mass = norm * 0.0 + NAN
    if MASS:
        top = tl.load(at, mask=there, other=-INF)
        total = tl.load(at + 1, mask=there, other=0.0)
        highest = tl.max(top, 0)
        highest = tl.where(highest == -INF, 0.0, highest)
        every = tl.sum(tl.where(total == 0.0, 0.0, total * tl.exp(top - highest)), 0)
        mass = tl.where(every < INF, norm - highest - tl.log(every), NAN)
    return number, own, best, norm, mass, broken


@triton.jit
def _token(
    logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, begin, cut, seed, step, greedy,
    HAS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """A token of one tile, and its logit over the temperature: the Gumbel-max draw, or the greatest."""
    lane = tl.arange(0, TILE)
    token = begin + lane
    word = _word(rows, rows_stride, row, token >> 5, width, HAS)
    allowed = (token < columns) & (((word >> (token & 31)) & 1) != 0)
    raw = tl.load(logits + b * logits_stride + token, mask=allowed, other=-INF).to(tl.float32)
    x = raw * scale
    score = x + tl.where(greedy, 0.0, gumbel(seed, token, step, TOKEN))
    score = tl.where(allowed & (raw >= cut), score, -INF)
    at = tl.argmax(score, 0)
    return begin + at, tl.sum(tl.where(lane == at, x, 0.0), 0)


@triton.jit
def _key(x):
    """int32 that are ordered as the floats are."""
    bits = (x + 0.0).to(tl.int32, bitcast=True)
    return tl.where(bits >= 0, bits, bits ^ 0x7FFFFFFF)


@triton.jit
def _threshold(
    logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, floor, by_mass, wanted,
    HAS: tl.constexpr, CHUNK: tl.constexpr, ROUNDS: tl.constexpr,
):  # fmt: skip
    """The greatest key at or above which lie at least ``wanted`` allowed tokens, or that much of their weight.

    Four bits of the key with each pass over the logits. Tokens under ``floor`` are left out.
    """
    sixteen = tl.arange(0, 16)
    low = tl.full((), -2147483648, tl.int32)
    for r in range(ROUNDS):
        tries = low + (sixteen << (28 - 4 * r))
        amount = tl.zeros([16], tl.float32)
        for begin in range(0, columns, CHUNK):
            token = begin + tl.arange(0, CHUNK)
            word = _word(rows, rows_stride, row, token >> 5, width, HAS)
            allowed = (token < columns) & (((word >> (token & 31)) & 1) != 0)
            raw = tl.load(logits + b * logits_stride + token, mask=allowed, other=-INF).to(tl.float32)
            key = _key(raw)
            weight = tl.where(by_mass, tl.exp(raw * scale - best), 1.0)
            weight = tl.where(allowed & (key >= floor), weight, 0.0)
            amount += tl.sum(tl.where(key[:, None] >= tries[None, :], weight[:, None], 0.0), 0)
        low += tl.maximum(tl.sum((amount >= wanted).to(tl.int32), 0) - 1, 0) << (28 - 4 * r)
    return low


@triton.jit
def _weight_above(
    logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, floor,
    HAS: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """Sum of exp(logit / temperature - best) over the allowed tokens whose key is at least ``floor``."""
    amount = tl.zeros([CHUNK], tl.float32)
    for begin in range(0, columns, CHUNK):
        token = begin + tl.arange(0, CHUNK)
        word = _word(rows, rows_stride, row, token >> 5, width, HAS)
        allowed = (token < columns) & (((word >> (token & 31)) & 1) != 0)
        raw = tl.load(logits + b * logits_stride + token, mask=allowed, other=-INF).to(tl.float32)
        amount += tl.where(allowed & (_key(raw) >= floor), tl.exp(raw * scale - best), 0.0)
    return tl.sum(amount, 0)


@triton.jit
def _kept(
    logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, tiles, seed, step, greedy,
    k, p, least, HAS: tl.constexpr, TILE: tl.constexpr, CHUNK: tl.constexpr, ROUNDS: tl.constexpr,
):  # fmt: skip
    """Under truncation: where the drawn tile begins, the least logit that is kept, the log of the weight kept."""
    floor = tl.full((), -2147483648, tl.int32)
    if k > 0:
        found = _threshold(
            logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, floor, False,
            k.to(tl.float32), HAS, CHUNK, ROUNDS,
        )  # fmt: skip
        floor = found
    if p < 1.0:
        weight = _weight_above(
            logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, floor, HAS, CHUNK,
        )  # fmt: skip
        found = _threshold(
            logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, floor, True,
            p * weight, HAS, CHUNK, ROUNDS,
        )  # fmt: skip
        floor = tl.maximum(floor, found)
    lowest = tl.where(least > 0.0, best + tl.log(tl.where(least > 0.0, least, 1.0)), -INF)
    chosen = -INF
    begin = 0
    total = 0.0
    cut = INF
    for i in range(tiles):
        token = i * TILE + tl.arange(0, TILE)
        word = _word(rows, rows_stride, row, token >> 5, width, HAS)
        allowed = (token < columns) & (((word >> (token & 31)) & 1) != 0)
        raw = tl.load(logits + b * logits_stride + token, mask=allowed, other=-INF).to(tl.float32)
        x = raw * scale
        kept = allowed & (_key(raw) >= floor) & (x >= lowest) & (raw > -INF)
        weight = tl.sum(tl.where(kept, tl.exp(x - best), 0.0), 0)
        score = tl.where(weight > 0.0, tl.log(tl.where(weight > 0.0, weight, 1.0)), -INF)
        noise = tl.sum(gumbel(seed, i + tl.zeros([1], tl.int32), step, WHOLE_TILE), 0)
        score = tl.where(greedy, tl.max(tl.where(kept, x, -INF), 0), score + noise)
        begin = tl.where(score > chosen, i * TILE, begin)
        chosen = tl.maximum(score, chosen)
        total += weight
        cut = tl.minimum(cut, tl.min(tl.where(kept, raw, INF), 0))
    return begin, cut, best + tl.log(total)


@triton.jit
def _choose(
    logits, logits_stride, columns, temperature, rows, rows_stride, width, indices, figures, tiles, seeds, steps,
    top_k, top_p, min_p, tokens, logprobs, logmass, cuts,
    HAS: tl.constexpr, MASS: tl.constexpr, TILE: tl.constexpr, NUMBERS: tl.constexpr, CUT: tl.constexpr,
    CHUNK: tl.constexpr, ROUNDS: tl.constexpr,
):  # fmt: skip
    """One program for a sequence: a tile by the figures (CUT: by the sums of what is kept), then one of its tokens."""
    b = tl.program_id(0).to(tl.int64)
    number, own, best, norm, mass, broken = _norms(figures, b, tiles, NUMBERS, MASS)
    heat = tl.load(temperature + b)
    greedy = heat == 0.0
    seed = tl.load(seeds + b)
    step = tl.load(steps + b)
    row = _row_of(indices, b, HAS)
    scale = 1.0 / tl.where(greedy, 1.0, heat)
    if CUT:
        k = tl.where(greedy, 0, tl.load(top_k + b))
        p = tl.where(greedy, 1.0, tl.load(top_p + b))
        least = tl.where(greedy, 0.0, tl.load(min_p + b))
        begin = 0
        lowest = -INF
        if broken == 0:
            begin, lowest, norm = _kept(
                logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, best, tiles, seed, step,
                greedy, k, p, least, HAS, TILE, CHUNK, ROUNDS,
            )  # fmt: skip
        shown = tl.where((broken == 0) & ((k > 0) | (p < 1.0) | (least > 0.0)), lowest, -INF)
    else:
        top_ok = tl.load(figures + (b * tiles + number) * FIGURES + 2, mask=number < tiles, other=-INF)
        score = tl.where(greedy, top_ok, own + gumbel(seed, number, step, WHOLE_TILE))
        begin = tl.argmax(tl.where(broken > 0, 0.0, score), 0) * TILE
        lowest = -INF
        shown = -INF
    token, x = _token(
        logits, logits_stride, columns, rows, rows_stride, width, b, row, scale, begin, lowest, seed, step, greedy,
        HAS, TILE,
    )  # fmt: skip
    tl.store(tokens + b, tl.where(broken > 0, -1, token))
    tl.store(logprobs + b, tl.where(broken > 0, NAN, x - norm))
    tl.store(logmass + b, tl.where(broken > 0, NAN, mass))
    tl.store(cuts + b, shown)


def sample(logits, seeds, steps, rows, indices, temperature, cuts, mass, tile, out):
    """See :func:`structgen.kernels.sample.sample`. Does not wait for the device.

    ``cuts``: None, or (top_k int32[B], top_p float32[B], min_p float32[B]).
    """
    batch, columns = logits.shape
    if batch == 0:
        return
    has = rows is not None
    if not has:
        rows = indices = steps  # not read
    rows_stride, width = (rows.stride(0), rows.shape[1]) if has else (0, 0)
    tiles = max(1, triton.cdiv(columns, tile))
    figures = torch.empty((batch, tiles, FIGURES.value), dtype=torch.float32, device=logits.device)
    given = (logits, logits.stride(0), columns, temperature, rows, rows_stride, width, indices, figures, tiles)
    warps = 8 if tile >= 2048 else 4
    _figures[batch, tiles](*given, HAS=has, MASS=mass, TILE=tile, num_warps=warps)
    # keys of 16-bit floats: what lies below their 16 (bfloat16) or 19 (float16) upper bits is the same for all
    rounds = {torch.bfloat16: 4, torch.float16: 5, torch.float32: 8}[logits.dtype]
    _choose[batch,](
        *given, seeds, steps, *(cuts or (steps, steps, steps)), *out, HAS=has, MASS=mass, TILE=tile,
        NUMBERS=triton.next_power_of_2(tiles), CUT=cuts is not None, CHUNK=min(512, tile), ROUNDS=rounds,
        num_warps=warps,
    )  # fmt: skip
