"""``python -m structgen.studies diffusion``: constraints on a masked diffusion model, side by side.

The denoiser of this folder fills canvases of 32 to 256 slots with JSON records of twenty schemas, arithmetic and
programs of a small language, under each constraint and in several orders. Of each canvas are noted: is its text in
the language (judged by other libraries), and does it fit the canvas; the model's log-likelihood of it; forward
passes; CPU time of the constraint and of the model; refused proposals; dead ends.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import structgen as sg
from structgen.infill.replay import html
from structgen.studies.record import Record

from . import results, texts, tokens
from .baselines import Anything, Exactly, Unbounded, fill_by_law, fill_next_token, supports_unbounded
from .denoiser import DIGEST, denoiser
from .filling import ORDERS, Filled, Judge, Order, fill
from .likelihood import log_likelihood
from .lookahead import fill_with_lookahead

LENGTHS = (32, 64, 128, 256)
#: Forward passes in which a canvas is filled when nothing is refused: the longer it is, the more tokens in each.
PASSES = 32
#: Of the laws that proposals are drawn from.
TEMPERATURE = 0.5
#: method: the orders it is run in.
METHODS: dict[str, tuple[Order, ...]] = {
    "structgen, by law": ORDERS,
    "structgen, checked": ORDERS,
    "unconstrained": ORDERS,
    "next-token masks": ("blocks",),
    "LAVE": ("blocks",),
    "unbounded gaps": ORDERS,
}


def main(arguments: list[str]) -> int:
    """Run the study, print its tables, write the record and the plot."""
    parser = argparse.ArgumentParser(prog="python -m structgen.studies diffusion", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="four kinds, canvases of 16 slots, one order: seconds")
    parser.add_argument("--record", type=Path, help="JSON file; runs that it holds are not made again")
    parser.add_argument("--plots", type=Path, help="folder for the plot")
    parser.add_argument("--replay", type=Path, help="HTML file: how the first canvas was filled")
    parser.add_argument("--kinds", nargs="*", default=list(texts.KINDS), choices=texts.KINDS)
    parser.add_argument("--lengths", nargs="*", type=int, default=list(LENGTHS))
    parser.add_argument("--orders", nargs="*", default=list(ORDERS), choices=ORDERS)
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--passes", type=int, default=PASSES, help=f"forward passes for each canvas ({PASSES})")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE, help=f"of proposals ({TEMPERATURE})")
    given = parser.parse_args(arguments)
    if given.quick:
        given.kinds, given.lengths, given.orders = ["match", "point", "event", "arithmetic"], [16], ["confidence"]
    record = Record(given.record, {"weights": DIGEST[:12], "passes": given.passes, "temperature": given.temperature})
    for length in given.lengths:
        for kind in given.kinds:
            _canvases(record, kind, length, given)
    print(results.report(record.runs))
    if given.plots is not None:
        given.plots.mkdir(parents=True, exist_ok=True)
        print(results.plot(record.runs, given.plots / "diffusion.png"))
    if given.replay is not None:
        given.replay.write_text(_replay(given), encoding="utf-8")
        print(given.replay)
    return 0


def _replay(given: argparse.Namespace) -> str:
    """The page of one canvas: the first kind, length and order asked for, each proposal checked."""
    kind, length, order = given.kinds[0], given.lengths[0], given.orders[0]
    grammar = sg.compile(texts.constraint(kind), tokens.vocabulary())
    per_pass = max(1, length // given.passes)
    done = filled(kind, length, "structgen, checked", order, per_pass, given.temperature, grammar)
    return html(done.frames, tokens.vocabulary(), title=f"{kind}, {length} slots, {order}")


def _canvases(record: Record, kind: str, length: int, given: argparse.Namespace) -> None:
    """Fill the canvases of one kind and length that the record does not hold."""
    grammar = sg.compile(texts.constraint(kind), tokens.vocabulary())
    # what is made once for a grammar is no time of a canvas
    sg.infill.Canvas(grammar, [sg.Gap(1)], padding=True, unroll=True).mask(0)
    for method in given.methods:
        for order in METHODS[method]:
            key = f"{kind}/{length}/{method}/{order}"
            if key in record.runs or (order not in given.orders and len(METHODS[method]) > 1):
                continue
            if method == "unbounded gaps" and not supports_unbounded(grammar):
                continue
            per_pass = max(1, length // given.passes)
            record.put(key, run(kind, length, method, order, per_pass, given.temperature, grammar))


def filled(
    kind: str, length: int, method: str, order: Order, per_pass: int, temperature: float, grammar: sg.CompiledGrammar
) -> Filled:
    """Fill one canvas. The same kind, length and order have the same seed, whatever the method."""
    model = denoiser(kind).logits
    seed = zlib.crc32(f"{kind}/{length}/{order}".encode())
    random = np.random.default_rng(seed)
    if method == "next-token masks":
        return fill_next_token(model, grammar, length, per_pass, temperature, random)
    if method == "LAVE":
        return fill_with_lookahead(model, grammar, length, per_pass, temperature, random)
    if method == "structgen, by law":
        return fill_by_law(model, grammar, length, order, per_pass, temperature, seed)
    judges: dict[str, Callable[[], Judge]] = {
        "structgen, checked": lambda: Exactly(grammar, length),
        "unconstrained": Anything,
        "unbounded gaps": lambda: Unbounded(grammar),
    }
    begin = time.process_time()
    judge = judges[method]()
    made = time.process_time() - begin
    done = fill(model, length, judge, order, per_pass, temperature, random)
    done.seconds += made
    return done


def run(
    kind: str, length: int, method: str, order: Order, per_pass: int, temperature: float, grammar: sg.CompiledGrammar
) -> dict[str, Any]:
    """Fill one canvas and measure it. The fields are those of :mod:`structgen.studies.diffusion.results`."""
    done = filled(kind, length, method, order, per_pass, temperature, grammar)
    fits = len(done.tokens) <= length
    return {
        "text": done.text.decode("utf-8", "backslashreplace"),
        "in language": texts.text_is_valid(kind, done.text),
        "fits": fits,
        "dead": done.dead,
        "log likelihood": round(log_likelihood(denoiser(kind), done.tokens, length) / length, 4) if fits else None,
        "passes": done.forward_passes,
        "refused": done.refused,
        "model s": round(done.model_seconds, 5),
        "constraint s": round(done.seconds, 5),
    }
