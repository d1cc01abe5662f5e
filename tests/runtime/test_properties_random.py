"""The laws of compiled grammars on larger examples, drawn by plain chance and named by their seeds."""

from __future__ import annotations

import random

import pytest

from structgen.errors import UnsatisfiableError
from structgen.ir.cfg import CfgNetwork
from structgen.limits import Limits
from tests.naive import TooManyError
from tests.runtime.laws import Pair
from tests.strategies import COUNTED_TERMINALS, SMALL_TERMINALS, THOROUGH, random_cfg, random_vocabulary

SEEDS = range(20_000) if THOROUGH else range(400)


def draw(seed: int) -> tuple[Pair, random.Random] | None:
    """A grammar and a vocabulary; None if the grammar has no text or the oracle has too much to do."""
    rng = random.Random(seed)
    small = rng.random() < 0.7
    counted = rng.sample(COUNTED_TERMINALS, 2) if rng.random() < 0.3 else []
    symbols = [*SMALL_TERMINALS[:2], *rng.sample(SMALL_TERMINALS, rng.randint(0, 5)), *counted]
    cfg = random_cfg(rng, symbols, 4 if small else 6)
    try:
        alphabet = b"abc\xc3\xa9" if counted else b"ab"
        tokens, eos = random_vocabulary(rng, alphabet)
        # some with so little memory that finished rows are dropped and made again all the time
        limits = Limits(max_mask_bytes=64, max_vocabulary_bytes=1 << 10) if rng.random() < 0.2 else None
        return Pair(CfgNetwork(cfg), tokens, eos, limits), rng
    except (UnsatisfiableError, TooManyError):
        return None


@pytest.mark.parametrize("part", range(10))
def test_laws(part: int) -> None:
    done = 0
    for seed in SEEDS[part::10]:
        drawn = draw(seed)
        if drawn is None:
            continue
        both, rng = drawn
        choices = [rng.randrange(1 << 16) for _ in range(12)]
        try:
            both.walk(choices)
            text = both.budget_walk(choices, rng.randint(0, 4))
            assert both.naive.accepts(text), f"seed {seed}"
            both.check_path_independence(text[:12])
            both.check_matcher(choices)
        except TooManyError:
            continue
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
        done += 1
    assert done > len(SEEDS) / 10 / 3
