"""Figures of a grammar: ``python -m tests.grammars.check NAME ... [--mutants N] [--files FOLDER] [--drawn N]``.

For each language: examples that Lark and the second judge agree on with the corpus; then mutants of the good ones
(one character dropped, put in or replaced) on which the judge's verdict is compared with ours. ``--files`` takes the
texts from a folder instead of the corpus (``json``: or the instances of a JSONL file of schemas with tests); for
``python`` without it, the standard library's files are read. With ``--compiled`` our verdict is that of the compiled
grammar, without it that of Lark with our grammar. ``--drawn`` has the judge read texts drawn under masks.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import string
import sysconfig
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import structgen as sg
from structgen.source.library import list_grammars
from tests.grammars.corpus import examples
from tests.grammars.drawing import drawn, vocabulary
from tests.grammars.judges import has_judge, judge, missing
from tests.grammars.parsing import accepts

ALPHABET = string.ascii_letters + string.digits + string.punctuation + " \n"
SUFFIXES = {
    "python": {".py"}, "c": {".c"}, "go": {".go"}, "javascript": {".js"}, "json": {".json"},
    "cpp": {".cpp", ".cc", ".h"},
}  # fmt: skip


def mutant(text: str, rng: random.Random) -> str:
    """The text with one character dropped, put in or replaced."""
    at, kind = rng.randrange(len(text) + 1), rng.randrange(3)
    return text[:at] + ("" if kind == 0 else rng.choice(ALPHABET)) + text[at + (kind != 1) :]


def real_texts(name: str, folder: Path, largest: int, count: int, rng: random.Random) -> list[str]:
    """Up to ``count`` files of the language below a folder that the judge takes, in UTF-8 and not too large."""
    if folder.is_file():
        return list(islice(instances(folder), count))
    paths = sorted(p for p in folder.rglob("*.*") if p.suffix in SUFFIXES[name] and "site-packages" not in p.parts)
    paths = [p for p in paths if p.is_file() and p.stat().st_size < largest]
    found = []
    for path in rng.sample(paths, min(count, len(paths))):
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        if judge(name)(text):
            found.append(text)
    return found


def instances(path: Path) -> Iterator[str]:
    """The instances of a file with lines ``{"schema", "tests": [{"data", "valid"}]}``, gzipped or not, as JSON."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            yield from (json.dumps(test["data"], ensure_ascii=False) for test in json.loads(line).get("tests", ()))


def compiled(name: str) -> Callable[[str], bool]:
    """The verdict of the compiled grammar, over a vocabulary of bytes."""
    vocabulary = sg.Vocabulary([*(bytes([b]) for b in range(256)), None], eos_token_ids=[256])
    limits = sg.Limits(max_states=10**8, max_grammar_bytes=1 << 34)  # thousands of files, not one
    grammar = sg.compile(sg.load_grammar(name), vocabulary, limits=limits)

    def verdict(text: str) -> bool:
        state = grammar.advance_bytes(grammar.start, text.encode())
        return state >= 0 and grammar.accepts(state)

    return verdict


def report(
    name: str, mutants: int, folder: Path | None, largest: int, count: int, machine: bool, texts_drawn: int = 0
) -> None:
    """Print the figures of one language."""
    ours = compiled(name) if machine else partial(accepts, name)
    rng, begun = random.Random(0), time.perf_counter()
    corpus = examples(name)
    right = sum(ours(e.text) == e.good for e in corpus)
    print(f"{name}: examples right {right} of {len(corpus)}", end="")
    judged = has_judge(name) and not missing(name)
    texts = [e.text for e in corpus if e.good and (not judged or judge(name)(e.text))]
    if folder is not None:
        texts = real_texts(name, folder, largest, count, rng)
        taken = [text for text in texts if ours(text)]
        print(f"; files accepted {len(taken)} of {len(texts)} ({len(taken) / max(1, len(texts)):.2%})", end="")
        texts = taken
    if judged and mutants and texts:
        verdicts = []
        for _ in range(mutants):
            changed = mutant(rng.choice(texts), rng)
            verdicts.append((judge(name)(changed), ours(changed)))
        bad = [mine for theirs, mine in verdicts if not theirs]
        good = [mine for theirs, mine in verdicts if theirs]
        print(f"; mutants: {bad.count(False)} of {len(bad)} bad ones refused, ", end="")
        print(f"{good.count(True)} of {len(good)} good ones accepted", end="")
    if judged and texts_drawn:
        grammar = sg.compile(sg.load_grammar(name), vocabulary([e.text for e in corpus], rng))
        written = [drawn(grammar, rng, rng.randrange(60)) for _ in range(texts_drawn)]
        refused = [text for text in written if not judge(name)(text)]
        print(f"; drawn texts that the judge reads: {len(written) - len(refused)} of {len(written)}", end="")
        for text in refused[:5]:
            print(f"\n  refused: {text!r}", end="")
    print(f" ({time.perf_counter() - begun:.0f} s)", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="languages; all of them if none is named")
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--files", type=Path, help="a folder of real texts")
    parser.add_argument("--largest", type=int, default=200_000, help="bytes of the largest file to read")
    parser.add_argument("--count", type=int, default=10_000, help="how many files to read at most")
    parser.add_argument("--compiled", action="store_true", help="judge with the compiled grammar, not with Lark")
    parser.add_argument("--drawn", type=int, default=0, help="texts to draw under masks for the judge")
    options = parser.parse_args()
    for name in options.names or list_grammars():
        folder = options.files
        if folder is None and name == "python" and options.names:
            folder = Path(sysconfig.get_path("stdlib"))
        report(name, options.mutants, folder, options.largest, options.count, options.compiled, options.drawn)


if __name__ == "__main__":
    main()
