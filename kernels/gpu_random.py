"""Random numbers for Triton kernels: Philox 4x32-10 (Salmon et al., SC 2011), one counter for each number.

The key is a row's seed; the counter is (index, step, domain, 0). So a number depends on nothing but these: not on the
batch, the device, or the order of the programs.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def gumbel(seed, index, step, domain: tl.constexpr):
    """Standard Gumbel noise, float32, for int32 ``index`` (a block) and ``step``; ``seed`` int64.

    -log(-log(1 - v)) with v of 32 bits. Small v decide who wins, and there -log(1 - v) is taken by its series,
    so the upper tail is good to 2**-32.
    """
    zero = index * 0
    bits, _, _, _ = tl.philox(seed, index, zero + step, zero + domain, zero)
    v = tl.minimum((bits.to(tl.float32) + 0.5) * 2.3283064365386963e-10, 0.99999994)
    series = v * (1.0 + v * (0.5 + v * (0.33333334 + v * 0.25)))
    return -tl.log(tl.where(v < 0.015625, series, -tl.log(1.0 - v)))
