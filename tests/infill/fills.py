"""Random fills of canvases: ``python -m tests.infill.fills --n 10000 --seed 1``.

Each canvas is a text of some kind (JSON of twenty schemas, arithmetic, a small language) as tokens, part of them or
all opened, with slots to spare behind it. Its slots are fixed in random order to any token that the mask allows,
however unlikely, and now and then one is opened again. After each change the canvas must be completable, and each mask
hold a token; in the end the text is judged by ``jsonschema`` or by Lark's own parser.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator

import structgen as sg
from structgen import bits
from structgen.studies.diffusion import texts, tokens

#: Kinds that nest without bound cost more for each new state: so small a share of the fills.
NESTED = ("tree", "arithmetic", "program")
SHARE = 0.02
#: Slots of their canvases at most; and of the others.
SHORT, LONG = 10, 48


def element_lists(kind: str, rng: random.Random) -> list[int | sg.Gap]:
    """A canvas that can be completed."""
    longest = SHORT if kind in NESTED else LONG
    ids: list[int] = []
    for _ in range(20):
        ids = tokens.encode(texts.draw(kind, rng, rng.random()))
        if len(ids) <= 4 * longest:
            break
    opened = set(rng.sample(range(len(ids)), min(rng.randint(1, longest), len(ids))))
    spare = rng.randint(0, 8)
    if kind not in NESTED and len(ids) <= 2 * longest and rng.random() < 0.3:
        opened = set(range(len(ids)))
    return [*(sg.Gap(1) if i in opened else t for i, t in enumerate(ids)), *[sg.Gap(1)] * spare]


def fill(grammar: sg.CompiledGrammar, elements: list[int | sg.Gap], rng: random.Random) -> list[int]:
    """Fix its slots; the tokens. AssertionError: it came to an end that is none."""
    canvas = sg.infill.Canvas(grammar, elements, padding=True)
    assert canvas.completable()
    slots = [p for p, element in enumerate(elements) if isinstance(element, sg.Gap)]
    todo = slots.copy()
    rng.shuffle(todo)
    while todo:
        p = todo.pop()
        allowed = bits.ids(canvas.mask(p))
        assert len(allowed), f"no token can stand at {p}"
        token = int(rng.choice(allowed.tolist()))
        assert canvas.allows(p, token)
        canvas.fix(p, token)
        assert canvas.completable(), f"dead after {token} at {p}"
        if rng.random() < 0.05:
            again = rng.choice(slots)
            if again not in todo:
                canvas.unfix(again)
                todo.insert(rng.randint(0, len(todo)), again)
    found = [t for t in canvas.tokens() if t is not None]
    assert len(found) == len(elements)
    return found


def fills(n: int, seed: int) -> Iterator[tuple[str, int]]:
    """Each one's kind and its number of slots, in the kinds' order."""
    rng = random.Random(seed)
    finite = [kind for kind in texts.KINDS if kind not in NESTED]
    drawn = Counter(rng.choice(NESTED) if rng.random() < SHARE else rng.choice(finite) for _ in range(n))
    for kind, count in sorted(drawn.items()):
        grammar = sg.compile(texts.constraint(kind), tokens.vocabulary())
        for _ in range(count):
            elements = element_lists(kind, rng)
            found = fill(grammar, elements, rng)
            text = tokens.decode(found)
            assert texts.text_is_valid(kind, text), (kind, text)
            yield kind, sum(isinstance(element, sg.Gap) for element in elements)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begin = time.process_time()
    kinds: Counter[str] = Counter()
    slots = 0
    for kind, opened in fills(options.n, options.seed):
        kinds[kind] += 1
        slots += opened
        if sum(kinds.values()) % 500 == 0:
            print(f"{sum(kinds.values())} fills, {time.process_time() - begin:.0f} s", flush=True)
    print(f"{sum(kinds.values())} fills of {len(kinds)} kinds, {slots} slots: no dead canvas, every text valid")


if __name__ == "__main__":
    main()
