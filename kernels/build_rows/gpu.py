"""Mask rows of many states of a byte automaton: Triton kernel and its launcher."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import torch
import triton
import triton.language as tl

#: Tokens that one program walks.
BLOCK = 1024


@triton.jit
def _build_rows(delta, width, states, letters, start, vocab, out, words, BLOCK: tl.constexpr):
    """One program for a state and a block of tokens: byte by byte, until all have ended or died."""
    s = tl.load(states + tl.program_id(0))
    token = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    at = tl.load(start + token, mask=token < vocab, other=0)
    end = tl.load(start + token + 1, mask=token < vocab, other=0)
    state = tl.where(at < end, s, -1)
    busy = 1
    while busy > 0:
        going = (at < end) & (state >= 0)
        letter = tl.load(letters + at, mask=going, other=0).to(tl.int32)
        state = tl.where(going, tl.load(delta + state * width + letter, mask=going, other=-1), state)
        at += 1
        busy = tl.max(((at < end) & (state >= 0)).to(tl.int32), 0)
    alive = (state >= 0).to(tl.int32)
    bit = tl.arange(0, 32)
    word = tl.sum(tl.reshape(alive, [BLOCK // 32, 32]) << bit[None, :], 1)
    w = tl.program_id(1) * (BLOCK // 32) + tl.arange(0, BLOCK // 32)
    tl.store(out + tl.program_id(0).to(tl.int64) * words + w, word, mask=w < words)


@triton.jit(do_not_specialize=["n_states", "n_eos"])
def _set_eos(accept, states, n_states, eos, n_eos, out, words, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = i < n_states
    ends = there & (tl.load(accept + tl.load(states + i, mask=there, other=0), mask=there, other=0) != 0)
    for k in range(n_eos):
        token = tl.load(eos + k)
        at = out + i.to(tl.int64) * words + (token >> 5)
        word = tl.load(at, mask=ends, other=0)
        tl.store(at, word | (1 << (token & 31)), mask=ends)


def build_rows(delta, classes, accept, states, text, start, eos, out):
    """See :func:`structgen.kernels.build_rows.build_rows`. Does not wait for the device."""
    if not out.numel():
        return
    letters = torch.index_select(classes, 0, text.to(torch.int32))  # bytes as classes, once for all states
    if not len(letters):
        letters = classes
    vocab, words = len(start) - 1, out.shape[1]
    _build_rows[(len(states), triton.cdiv(words * 32, BLOCK))](
        delta, delta.shape[1], states, letters, start, vocab, out, words, BLOCK=BLOCK, num_warps=4
    )
    if len(eos):
        accept = accept.view(torch.uint8)
        _set_eos[(triton.cdiv(len(states), 128),)](
            accept, states, len(states), eos, len(eos), out, words, BLOCK=128, num_warps=4
        )
