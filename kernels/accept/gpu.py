"""Lossless accept and reject of drafted tokens: Triton kernels and their launcher."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import torch
import triton
import triton.language as tl

INF = tl.constexpr(float("inf"))
#: Tokens that a program looks at at once.
CHUNK = 4096


@triton.jit
def _value(logits, at, columns, token, rows, rows_stride, width, row, cut, HAS: tl.constexpr):
    """Logits of a block of tokens of one place as float32; minus infinity where not allowed, cut off or NaN."""
    there = token < columns
    if HAS:
        word = tl.load(rows + tl.maximum(row, 0) * rows_stride + (token >> 5), mask=(token >> 5) < width, other=0)
        word = tl.where(row >= 0, word, -1)
        there = there & (((word >> (token & 31)) & 1) != 0)
    x = tl.load(logits + at * columns + token, mask=there, other=-INF).to(tl.float32)
    return tl.where(there & (x >= cut), x, -INF)


@triton.jit
def _norms(
    logits, columns, places, rows, rows_stride, width, indices, temperature, cuts, norms, tops,
    HAS: tl.constexpr, CUT: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """One program for a place: log of the sum of exp(logit / temperature), and the likeliest token."""
    at = tl.program_id(0).to(tl.int64)
    row = at
    if HAS:
        row = tl.load(indices + at).to(tl.int64)
    cut = -INF
    scale = 1.0
    if CUT:
        cut = tl.load(cuts + at)
        heat = tl.load(temperature + at // places)
        scale = 1.0 / tl.where(heat > 0.0, heat, 1.0)
    best = -INF
    total = 0.0
    top = -1
    for begin in range(0, columns, CHUNK):
        token = begin + tl.arange(0, CHUNK)
        x = _value(logits, at, columns, token, rows, rows_stride, width, row, cut, HAS) * scale
        here = tl.max(x, 0)
        top = tl.where(here > best, begin + tl.argmax(x, 0), top)
        new = tl.maximum(best, here)
        shift = tl.where(new == -INF, 0.0, new)
        total = total * tl.exp(best - shift) + tl.sum(tl.exp(x - shift), 0)
        best = new
    tl.store(norms + at, tl.where(top >= 0, best + tl.log(tl.where(total > 0.0, total, 1.0)), INF))
    tl.store(tops + at, top)


@triton.jit
def _law(
    logits, at, columns, token, rows, rows_stride, width, row, heat, cut, norm, top, scratch, rejected, total,
    HAS: tl.constexpr,
):  # fmt: skip
    """Probabilities of a block of tokens: the target's, or after rejections what the scratch holds over its total."""
    x = _value(logits, at, columns, token, rows, rows_stride, width, row, cut, HAS)
    p = tl.exp(x / tl.where(heat > 0.0, heat, 1.0) - norm)
    p = tl.where(heat > 0.0, p, tl.where(token == top, 1.0, 0.0))
    left = tl.load(scratch + token, mask=(token < columns) & (token * 0 + rejected > 0), other=0.0)
    return tl.where(rejected > 0, left / total, p)


@triton.jit(do_not_specialize=["nodes"])
def _accept(
    logits, columns, tokens, parents, uniforms, draft, draft_norms, rows, rows_stride, width, indices, temperature,
    cuts, norms, tops, scratch, counts, chosen_nodes, chosen, nodes,
    HAS: tl.constexpr, SURE: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """One program for a tree. The residual law after a rejection lies in ``scratch``, not normalised."""
    b = tl.program_id(0).to(tl.int64)
    heat = tl.load(temperature + b)
    own = scratch + b * columns
    one = tl.arange(0, 1)
    at = -1
    count = 0
    rejected = 0
    total = 1.0
    for i in range(nodes):
        token = tl.load(tokens + b * nodes + i)
        parent = tl.load(parents + b * nodes + i)
        tl.store(chosen_nodes + b * nodes + i, -1)
        tl.store(chosen + b * (nodes + 1) + i, -1)
        if (token >= 0) & (parent == at):
            place = b * (nodes + 1) + at + 1
            row = place
            if HAS:
                row = tl.load(indices + place).to(tl.int64)
            cut = tl.load(cuts + place)
            norm = tl.load(norms + place)
            top = tl.load(tops + place)
            p = tl.sum(_law(
                logits, place, columns, token + one, rows, rows_stride, width, row, heat, cut, norm, top, own,
                rejected, total, HAS,
            ), 0)  # fmt: skip
            q = 1.0
            if not SURE:
                own_draft = tl.load(draft + (b * nodes + i) * columns + token).to(tl.float32)
                q = tl.exp(own_draft - tl.load(draft_norms + b * nodes + i))
            taken = tl.load(uniforms + b * (nodes + 1) + i) * q < p
            if not taken:
                left = 0.0
                for begin in range(0, columns, CHUNK):
                    block = begin + tl.arange(0, CHUNK)
                    law = _law(
                        logits, place, columns, block, rows, rows_stride, width, row, heat, cut, norm, top, own,
                        rejected, total, HAS,
                    )  # fmt: skip
                    if SURE:
                        rest = tl.where(block == token, 0.0, law)
                    else:
                        x = tl.load(draft + (b * nodes + i) * columns + block, mask=block < columns, other=-INF)
                        rest = law - tl.exp(x.to(tl.float32) - tl.load(draft_norms + b * nodes + i))
                    rest = tl.maximum(rest, 0.0)
                    tl.store(own + block, rest, mask=block < columns)
                    left += tl.sum(rest, 0)
                tl.debug_barrier()  # what was written is read by other threads
                # nothing left: the laws are equal, and rounding alone rejected
                taken = (left <= 0.0) & (p > 0.0)
                rejected = tl.where(left > 0.0, 1, rejected)
                total = tl.where(left > 0.0, left, total)
            if taken:
                at = i
                tl.store(chosen_nodes + b * nodes + count, i)
                tl.store(chosen + b * (nodes + 1) + count, token)
                count += 1
                rejected = 0
                total = 1.0
    tl.store(counts + b, count)
    place = b * (nodes + 1) + at + 1
    row = place
    if HAS:
        row = tl.load(indices + place).to(tl.int64)
    cut = tl.load(cuts + place)
    norm = tl.load(norms + place)
    top = tl.load(tops + place)
    goal = tl.load(uniforms + b * (nodes + 1) + nodes)
    below = 0.0
    found = -1
    last = -1
    for begin in range(0, columns, CHUNK):
        block = begin + tl.arange(0, CHUNK)
        law = _law(
            logits, place, columns, block, rows, rows_stride, width, row, heat, cut, norm, top, own, rejected, total,
            HAS,
        )  # fmt: skip
        reached = below + tl.cumsum(law, 0)
        first = tl.min(tl.where((reached > goal) & (law > 0.0), block, 2147483647), 0)
        found = tl.where((found < 0) & (first < 2147483647), first, found)
        last = tl.maximum(last, tl.max(tl.where(law > 0.0, block, -1), 0))
        below += tl.sum(law, 0)
    for i in range(count, nodes + 1):
        tl.store(chosen + b * (nodes + 1) + i, tl.where(i == count, tl.where(found >= 0, found, last), -1))


def accept(logits, tokens, parents, uniforms, draft, rows, indices, temperature, cuts, out):
    """See :func:`structgen.kernels.accept.accept`. Does not wait for the device."""
    batch, places, columns = logits.shape
    if batch == 0:
        return
    nodes = places - 1
    device = logits.device
    has = rows is not None
    if not has:
        rows = indices = tokens  # not read
    rows_stride, width = (rows.stride(0), rows.shape[1]) if has else (0, 0)
    norms = torch.empty((batch, places), dtype=torch.float32, device=device)
    tops = torch.empty((batch, places), dtype=torch.int32, device=device)
    chunk = min(CHUNK, triton.next_power_of_2(columns))
    masks = rows, rows_stride, width
    more = {"CHUNK": chunk, "num_warps": 8}
    _norms[(batch * places,)](
        logits, columns, places, *masks, indices, temperature, cuts, norms, tops, HAS=has, CUT=True, **more
    )
    draft_norms = norms
    if draft is not None and nodes:
        draft_norms = torch.empty((batch, nodes), dtype=torch.float32, device=device)
        _norms[(batch * nodes,)](
            draft, columns, nodes, tokens, 0, 0, indices, temperature, cuts, draft_norms, torch.empty_like(tops),
            HAS=False, CUT=False, **more,
        )  # fmt: skip
    scratch = torch.empty((batch, columns), dtype=torch.float32, device=device)
    _accept[(batch,)](
        logits, columns, tokens, parents, uniforms, logits if draft is None else draft, draft_norms, *masks, indices,
        temperature, cuts, norms, tops, scratch, *out, nodes, HAS=has, SURE=draft is None, **more,
    )  # fmt: skip
