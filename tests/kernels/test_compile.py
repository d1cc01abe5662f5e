"""Every Triton kernel compiles for Hopper, which takes no GPU. The interpreter forgives what the compiler refuses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("triton", reason="triton is not installed")

COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from structgen.kernels.accept import gpu as accept
from structgen.kernels.apply_mask import gpu as apply_mask
from structgen.kernels.automaton import gpu as automaton
from structgen.kernels.build_rows import gpu as build_rows
from structgen.kernels.draft_tree import gpu as draft_tree
from structgen.kernels.gather_rows import gpu as gather_rows
from structgen.kernels.sample import gpu as sample
from structgen.kernels.sum_product import gpu as sum_product

FLOATS = "temperature figures logprobs logmass cuts top_p min_p uniforms draft_norms norms scratch logps beta".split()
BYTES = "letters accept".split()
NUMBERS = (
    "columns width logits_stride rows_stride pool_stride out_stride tiles size rounds batch n_rows vocab words "
    "n_states n_eos nodes depth places i length"
).split()

def check(kernel, out="*i32", states="*i32", **constants):
    types = dict.fromkeys(FLOATS, "*fp32") | dict.fromkeys(BYTES, "*u8") | dict.fromkeys(NUMBERS, "i32")
    types |= {"logits": "*bf16", "draft": "*bf16", "seeds": "*i64", "out": out, "states": states}
    signature = {n: "constexpr" if n in constants else types.get(n, "*i32") for n in kernel.arg_names}
    triton.compile(ASTSource(kernel, signature, constexprs=constants), target=GPUTarget("cuda", 90, 32))

common = {"HAS": True, "MASS": True, "TILE": 4096}
check(apply_mask._apply_mask, HAS=True, N=128)
check(sample._figures, out="*fp32", **common)
for cut in (False, True):
    check(sample._choose, NUMBERS=32, CUT=cut, CHUNK=512, ROUNDS=4, **common)
check(accept._norms, HAS=True, CUT=True, CHUNK=4096)
check(accept._accept, HAS=True, SURE=False, CHUNK=4096)
check(gather_rows._gather_rows, N=2048)
check(automaton._advance, BLOCK=32)
check(automaton._fill_rows, WORDS=1024, EDGES=256)
check(build_rows._build_rows, BLOCK=1024)
check(build_rows._set_eos, BLOCK=128)
check(draft_tree._draft_tree, N=8)
check(sum_product._layer, states="i32", BEST=False, EDGES=256)
check(sum_product._trace, states="i32")
check(sum_product._draw, states="i32", EDGES=256)
print("compiled")
"""


@pytest.mark.slow
def test_kernels_compile_for_hopper() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "compiled", run.stderr[-3000:]
