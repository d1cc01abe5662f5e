"""Steps of a finite automaton over tokens: Triton kernels and their launchers."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import triton
import triton.language as tl

BLOCK = 32


@triton.jit
def step(first, tokens, after, row, default, table, rows, tables, width, size, rounds, state, token, there):
    """The states after a block of tokens; -1 where not allowed, states below -1 stay. ``there``: lanes in use."""
    live = there & (state >= 0) & (token >= 0) & (token < size)
    s = tl.where(live, state, 0)
    low = tl.load(first + s, mask=live, other=0)
    end = tl.load(first + s + 1, mask=live, other=0)
    high = end
    for _ in range(rounds):
        going = low < high
        middle = low + (high - low) // 2
        less = tl.load(tokens + middle, mask=going, other=0) < token
        high = tl.where(going & ~less, middle, high)
        low = tl.where(going & less, middle + 1, low)
    listed = live & (low < end)
    listed = listed & (tl.load(tokens + low, mask=listed, other=-1) == token)
    result = tl.load(after + low, mask=listed, other=-1)
    r = tl.load(row + s, mask=live, other=-1)
    look = live & ~listed & (r >= 0)
    word = tl.load(rows + tl.maximum(r, 0).to(tl.int64) * width + (token >> 5), mask=look, other=0)
    set_ = look & (((word >> (token & 31)) & 1) != 0)
    k = tl.load(table + s, mask=live, other=-1)
    result = tl.where(set_, tl.load(default + s, mask=set_, other=-1), result)
    whole = live & (k >= 0)
    found = tl.load(tables + tl.maximum(k, 0).to(tl.int64) * size + token, mask=whole, other=-1)
    result = tl.where(whole, found, result)
    return tl.where(live, result, tl.where(state < -1, state, -1))


@triton.jit(do_not_specialize=["batch", "rounds"])
def _advance(
    first, tokens, after, row, default, table, rows, tables, width, size, rounds, states, chosen, out, batch,
    BLOCK: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = b < batch
    state = tl.load(states + b, mask=there, other=-1)
    token = tl.load(chosen + b, mask=there, other=-1)
    result = step(first, tokens, after, row, default, table, rows, tables, width, size, rounds, state, token, there)
    tl.store(out + b, result, mask=there)


@triton.jit(do_not_specialize=["n_rows"])
def _fill_rows(first, tokens, row, rows, width, n_rows, states, out, WORDS: tl.constexpr, EDGES: tl.constexpr):
    """One program for a sequence: point at the state's row, or write the bits of its edges."""
    b = tl.program_id(0)
    s = tl.load(states + b)
    own = -1
    begin = 0
    end = 0
    if s >= 0:
        own = tl.load(row + s)
        begin = tl.load(first + s)
        end = tl.load(first + s + 1)
    if s < -1:
        tl.store(out + b, -1)
    else:
        if own >= 0:
            tl.store(out + b, own)
        else:
            tl.store(out + b, n_rows + b)
            here = rows + (n_rows + b).to(tl.int64) * width
            for w in range(0, width, WORDS):
                at = w + tl.arange(0, WORDS)
                tl.store(here + at, tl.zeros([WORDS], tl.int32), mask=at < width)
            tl.debug_barrier()  # the zeros of all threads come before the bits of any
            for e in range(begin, end, EDGES):
                at = e + tl.arange(0, EDGES)
                token = tl.load(tokens + at, mask=at < end, other=0)
                tl.atomic_or(here + (token >> 5), (token * 0 + 1) << (token & 31), mask=at < end, sem="relaxed")


def rounds_of(automaton):
    """Steps of the binary search among a state's edges."""
    return max(1, automaton.degree).bit_length()


def advance(automaton, states, tokens, out):
    """See :func:`structgen.kernels.automaton.advance`. Does not wait for the device."""
    if len(states):
        _advance[(triton.cdiv(len(states), BLOCK),)](
            *automaton.arrays, automaton.rows.shape[1], automaton.size, rounds_of(automaton),
            states, tokens, out, len(states), BLOCK=BLOCK, num_warps=1,
        )  # fmt: skip


def fill_rows(automaton, states, out):
    """See :func:`structgen.kernels.automaton.fill_rows`. Does not wait for the device."""
    if len(states):
        _fill_rows[(len(states),)](
            automaton.first, automaton.tokens, automaton.row, automaton.rows, automaton.rows.shape[1],
            automaton.n_rows, states, out, WORDS=1024, EDGES=256, num_warps=4,
        )  # fmt: skip
