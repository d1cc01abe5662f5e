"""``make demo``: a real paragraph in, a validated Pydantic object out, by the embedded model.

Run as ``python -m structgen.cli.demo``. Exit code 0, or 1 with one line that says what failed.
"""

from __future__ import annotations

import os
import sys
from time import perf_counter

PARAGRAPH = (
    "The Eiffel Tower stands on the Champ de Mars in Paris, France. Built by the company of Gustave Eiffel, it was "
    "completed in 1889 for the World's Fair, and with its antennas it is 330 metres high. For forty years it was the "
    "tallest structure in the world, and about seven million people visit it every year."
)
TARGET_SHARE = 0.02


def main() -> int:
    """Fetch the model if need be, generate, print; returns the exit code."""
    # torch's threads otherwise spin while they wait, which is slow where the machine is shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from structgen.errors import StructgenError

    try:
        _demo()
    except StructgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _demo() -> None:
    from structgen.integrations.generator import Generator
    from structgen.schemas.models import Landmark

    began = perf_counter()
    print("Loading SmolLM2-135M-Instruct (fetched once, about 93 MB) ...", flush=True)
    gen = Generator.default()
    print(f"  ready after {perf_counter() - began:.1f} s\n")

    prompt = (
        f"{PARAGRAPH}\n\nExtract the facts about the landmark from the text above as JSON with the keys "
        f"{', '.join(Landmark.model_fields)}."
    )
    gen.generate("Hello!", {"enum": ["warm", "up"]}, max_tokens=20)  # loads kernels and the model's buffers
    result = gen.generate(prompt, Landmark, max_tokens=100)

    print(f"Paragraph:\n  {PARAGRAPH}\n")
    print("Text:\n  " + result.text.replace("\n", "\n  ") + "\n")
    print(f"Object:\n  {result.value!r}\n")
    print(
        f"{result.n_tokens} tokens ({result.forced_tokens} forced by the grammar) in {result.seconds_total:.2f} s: "
        f"{result.tokens_per_second:.1f} tokens/s"
    )
    print(
        f"time spent on constraints: {result.seconds_constraint * 1e3:.1f} ms, "
        f"{result.constraint_share:.2%} of it (target: under {TARGET_SHARE:.0%}); "
        f"compiling before that: {result.seconds_compile * 1e3:.0f} ms"
    )
    assert isinstance(result.value, Landmark)


if __name__ == "__main__":
    sys.exit(main())
