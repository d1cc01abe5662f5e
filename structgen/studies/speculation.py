"""What speculative decoding gains with the embedded model on CPU: ``python -m structgen.studies speculation``.

Tokens per second of several ways to write the same texts, as ratios to plain constrained decoding (one token for each
forward pass). Times are of the processor, and the ways take turns, so that a machine that others use too tells the same
ratios. ``--identical N`` counts greedy texts that are the same with and without drafts; ``--curve`` tells what a pass
costs by its width.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import Any

from structgen import __version__
from structgen.integrations import models
from structgen.integrations.generator import Generator
from structgen.sampling import Masked, PromptLookup, Speculation
from structgen.sampling.draws import Draws
from structgen.sampling.speculation import Branches, Setting, Spot
from structgen.source import ToolCall
from structgen.source.library import load_grammar

WIDTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@dataclass(frozen=True)
class Task:
    """Texts of one kind. ``constraint`` None: free text."""

    name: str
    prompts: tuple[str, ...]
    constraint: Any
    max_tokens: int = 128


def _object(**properties: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def weather(city: str, country: str, days: int = 1) -> None:
    """The forecast."""


def search(query: str) -> None:
    """Search the web."""


def tasks() -> list[Task]:
    """The benchmark's tasks."""
    ask = "Extract the facts as JSON.\n\n"
    extraction = (
        "Invoice number INV-2024-0077. Customer: Acme Industrial Supplies Limited. Address: 221B Baker Street, "
        "London NW1 6XE, United Kingdom. Total: 1129.50 EUR.",
        "Invoice number 88-1203/B. Customer: Nordic Timber and Paper Works AB. Address: Storgatan 44, 903 26 "
        "Umea, Sweden. Total: 87.20 SEK.",
        "Invoice number F-5521. Customer: Fratelli Rossi Ceramiche Artistiche. Address: Via Giuseppe Garibaldi 12, "
        "48018 Faenza, Italy. Total: 402.00 EUR.",
    )
    quotes = (
        "Author: Margaret Hollingsworth. Title: A Field Guide to the Lichens of the Outer Hebrides. Quote: Lichens "
        "are slow, patient and quite indifferent to the opinions of botanists.",
        "Author: Tobias Wernicke-Falk. Title: Notes on the Repair of Mechanical Clocks. Quote: A clock that stops "
        "twice a day is honest; a clock that runs fast is merely ambitious.",
    )
    calls = (
        "Use a tool: what will the weather be in Ouagadougou, Burkina Faso in the next 5 days?",
        "Use a tool: search for the winner of the 1987 Tour de France and his team mates.",
    )
    code = (
        "Rename the function to mean and repeat the rest:\n\nfunction average(numbers) {\n  let total = 0;\n"
        "  for (const number of numbers) {\n    total = total + number;\n  }\n  return total / numbers.length;\n}\n",
    )
    free = ("Tell a short story about a lighthouse keeper.", "Explain how bread rises.")
    return [
        Task(
            "extraction",
            tuple(ask + text for text in extraction),
            _object(number="string", customer="string", address="string", total="number"),
        ),
        Task("quotes", tuple(ask + text for text in quotes), _object(author="string", title="string", quote="string")),
        Task("tool calls", calls, ToolCall([weather, search], "hermes", at_most=1, free=False), 64),
        Task("code", code, load_grammar("javascript"), 64),
        Task("free text", free, None, 64),
    ]


class Useless:
    """A drafter that is never right, to see what drafting costs where it does not help."""

    def begin(self, setting: Setting, prompt: Sequence[int]) -> Useless:
        """See :class:`structgen.sampling.speculation.Drafter`."""
        return self

    def extend(self, tokens: Sequence[int]) -> None:
        """It takes no notice."""

    def strength(self, spot: Spot) -> int:
        """Always the same."""
        return 0

    def propose(self, spot: Spot, draws: Draws) -> Branches:
        """A token that nobody writes here."""
        return Branches((1000 + 7 * len(spot.path),))

    def end(self) -> None:
        """Nothing is learnt."""


@dataclass
class Way:
    """A way to write texts."""

    name: str
    gen: Generator
    constrained: bool = True
    speculative: Speculation | None = None

    def write(self, task: Task) -> tuple[int, float, int, int, int]:
        """Tokens, processor seconds, passes, guesses, accepted guesses."""
        constraint = task.constraint if self.constrained else None
        began = process_time()
        results = [
            self.gen.generate(prompt, constraint, max_tokens=task.max_tokens, speculative=self.speculative)
            for prompt in task.prompts
        ]
        seconds = process_time() - began
        columns = ("n_tokens", "passes", "drafted_tokens", "accepted_tokens")
        tokens, passes, drafted, accepted = (sum(getattr(r, name) for r in results) for name in columns)
        return tokens, seconds, passes, drafted, accepted


def compare(gen: Generator, repeats: int, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """A record for each task and way."""
    plain = Generator(gen.model, gen.tokenizer, jump_forward=False)
    wide = Generator(gen.model, gen.tokenizer, pass_width=8)
    ways = [
        Way("plain", plain),
        Way("unconstrained", plain, constrained=False),
        Way("forced spans", gen),
        Way("speculative", gen, speculative=Speculation([PromptLookup()])),
        Way("speculative, passes of 8", wide, speculative=Speculation([PromptLookup()])),
        Way("useless drafter", plain, speculative=Speculation([Useless()])),
    ]
    records: list[dict[str, Any]] = []
    for task in tasks():
        if names and task.name not in names:
            continue
        for way in ways:
            way.write(task)  # compile, and meet the states
        seen: dict[str, list[tuple[int, float, int, int, int]]] = {way.name: [] for way in ways}
        for turn in range(repeats):
            for way in ways if turn % 2 == 0 else ways[::-1]:
                seen[way.name].append(way.write(task))
        for way in ways:
            ratios = [
                (found[0] / found[1]) / (base[0] / base[1])
                for found, base in zip(seen[way.name], seen["plain"], strict=True)
            ]
            tokens, _, passes, drafted, accepted = seen[way.name][-1]
            records.append(
                {
                    "task": task.name,
                    "way": way.name,
                    "ratio": round(median(ratios), 2),
                    "lowest": round(min(ratios), 2),
                    "tokens_per_second": round(median(found[0] / found[1] for found in seen[way.name]), 1),
                    "tokens": tokens,
                    "passes": passes,
                    "drafted": drafted,
                    "accepted": accepted,
                }
            )
            print(_line(records[-1]), flush=True)
    return records


def _line(record: dict[str, Any]) -> str:
    return (
        f"{record['task']:<11} {record['way']:<25} {record['ratio']:5.2f} (lowest {record['lowest']:.2f})"
        f" {record['tokens_per_second']:6.1f} tokens/s, {record['tokens']} tokens, {record['passes']} passes,"
        f" {record['drafted']} drafted, {record['accepted']} accepted"
    )


def hundred() -> list[tuple[str, Any]]:
    """Prompts of several kinds with their constraints."""
    names = ["Ada", "Grace", "Linus", "Barbara", "Edsger"]
    cities = ["Rome", "Oslo", "Lima", "Cairo", "Kyoto"]
    person = _object(name="string", city="string", age="integer")
    found: list[tuple[str, Any]] = []
    for i, name in enumerate(names):
        for j, city in enumerate(cities):
            text = f"{name} Miller-{j} is {20 + 7 * i + j} years old and lives at {j + 3} Station Road, {city}."
            found.append((f"Give the person as JSON. {text}", person))
            found.append((f"Write one sentence about {name} in {city}.", None))
            found.append((f"Use a tool: what is the weather in {city} for {i + 2} days?", ToolCall([weather], "json")))
            found.append((f"Repeat word for word: {text} Then tell more.", None))
    return found


def identical(gen: Generator, n: int, max_tokens: int, sampler: Masked | None = None) -> dict[str, Any]:
    """How many of ``n`` texts are the same with and without drafts."""
    speculation, same, saved = Speculation([PromptLookup()]), 0, [0, 0]
    chosen = hundred()[:n]
    for prompt, constraint in chosen:
        without = gen.generate(prompt, constraint, max_tokens=max_tokens, sampler=sampler)
        drafted = gen.generate(prompt, constraint, max_tokens=max_tokens, sampler=sampler, speculative=speculation)
        same += without.tokens == drafted.tokens
        saved[0] += without.passes
        saved[1] += drafted.passes
    return {"texts": len(chosen), "same": same, "passes_without": saved[0], "passes_drafted": saved[1]}


def curve(gen: Generator, repeats: int = 9) -> dict[int, float]:
    """Processor milliseconds of a forward pass after 200 tokens, by its width."""
    import torch

    ids = torch.arange(1000, 1240)[None]
    seen: dict[int, list[float]] = {width: [] for width in WIDTHS}
    with torch.inference_mode():
        cache = gen.model(input_ids=ids[:, :200], use_cache=True).past_key_values
        for _ in range(repeats):
            for width in WIDTHS:
                began = process_time()
                gen.model(input_ids=ids[:, 200 : 200 + width], past_key_values=cache, use_cache=True)
                seen[width].append(1000 * (process_time() - began))
                cache.crop(-width)
    return {width: round(median(times), 1) for width, times in seen.items()}


def main(arguments: list[str]) -> int:
    """Run the study. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m structgen.studies speculation", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--task", action="append", help="only this one; may be repeated")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float32"])
    parser.add_argument("--identical", type=int, metavar="N", help="count equal greedy texts of N prompts instead")
    parser.add_argument("--pass-width", type=int, help="for --identical")
    parser.add_argument("--max-tokens", type=int, default=48, help="for --identical")
    parser.add_argument("--curve", action="store_true", help="the time of a pass by its width instead")
    parser.add_argument("--out", help="write the figures to this JSON file")
    options = parser.parse_args(arguments)
    model, tokenizer = models.load(dtype=options.dtype)
    gen = Generator(model, tokenizer, pass_width=options.pass_width)
    what: Callable[[], Any] = lambda: compare(gen, options.repeats, options.task or ())  # noqa: E731
    if options.curve:
        what = lambda: curve(gen)  # noqa: E731
    elif options.identical:
        what = lambda: identical(gen, options.identical, options.max_tokens)  # noqa: E731
    import torch

    torch.set_num_threads(1)  # processor time of several threads is not the time that passes
    figures = what()
    if options.curve or options.identical:
        print(figures)
    if options.out:
        about = {
            "structgen": __version__,
            "torch": torch.__version__,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "dtype": options.dtype,
            "pass_width": options.pass_width,
        }
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"about": about, "figures": figures}, file, indent=1)
    return 0
