"""Spans taken out of files of 200 lines, three of each: can they be filled in? ``python -m tests.infill.python_files``.

The files are those of Python's standard library, cut behind a statement of the module where about 200 lines are
reached. The answer must be yes for every file with spans taken out, and no where a fixed part was changed so that
nothing helps:

* ``byte``: anywhere in a fixed part 0xFF is put in, which no text has;
* ``numbers``: anywhere in a fixed part two numbers next to each other are put in, see ``anyhow``;
* ``margin``: in the beginning, up to the first gap, in a block that is not at the margin of the module, two lines are
  put in, ``if 1:`` with a line inside and one whose width is between the two: there is no block of that width. A
  statement of the file begins at that place, so that there is only one way to read it;
* ``bracket``: at such a place a line that closes a bracket which was not opened;
* ``string``: at such a place a line with a string that does not end;
* ``margin later``, ``bracket later``, ``string later``: anywhere behind the first gap, see ``anyhow``, a line too
  narrow for one block and too wide for the other, brackets that do not match, a string that does not end.

CPU time of one core, of ``completable`` alone; the first call, which makes the grammar's tables, is left out.
"""

from __future__ import annotations

import argparse
import ast
import random
import sysconfig
import time
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

import structgen as sg

#: What stands nowhere in code, inside brackets or not: ``if 1:`` is a statement there.
NOWHERE = {
    "numbers": b"1 2\n",
    "margin later": b"if 1:\n    pass\n  pass\n",
    "bracket later": b"x = (1, 2]\n",
    "string later": b"x = 'abc\n",
}
#: What is put in front of a statement.
LINES = {
    "margin": b"if 1:\n{m}    pass\n{m}  pass\n",
    "bracket": b"x = ((1, 2)))\n",
    "string": b"x = 'abc\n",
}


def prefix(text: str, lines: int) -> bytes | None:
    """A file up to the statement of the module with which ``lines`` are reached; None if it is much shorter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    ends = [node.end_lineno or 0 for node in body]
    near = [end for end in ends if 0.8 * lines <= end <= 1.2 * lines]
    if not near:
        return None
    end = min(near, key=lambda n: abs(n - lines))
    return ("\n".join(text.split("\n")[:end]) + "\n").encode()


def files(lines: int) -> Iterator[tuple[str, bytes]]:
    """The standard library's files that the grammar takes, shortened."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if "site-packages" in path.parts or "lib2to3" in path.parts:
            continue
        try:
            text = prefix(path.read_text(encoding="utf-8"), lines)
        except UnicodeDecodeError:
            continue
        if text is not None:
            yield path.name, text


def spans(rng: random.Random, size: int, count: int = 3) -> list[tuple[int, int]]:
    """Spans that do not meet, of a few characters to several lines."""
    while True:
        found = []
        for _ in range(count):
            length = rng.choice([rng.randint(1, 12), rng.randint(12, 80), rng.randint(80, 400)])
            begin = rng.randint(0, max(0, size - length))
            found.append((begin, min(begin + length, size)))
        found.sort()
        if all(a[1] < b[0] for a, b in pairwise(found)):
            return found


def canvas_of(text: bytes, cuts: list[tuple[int, int]]) -> list[bytes | sg.Gap]:
    """The text with gaps in place of spans."""
    result: list[bytes | sg.Gap] = []
    at = 0
    for begin, end in cuts:
        result += [text[at:begin], sg.Gap()]
        at = end
    return [*result, text[at:]]


def code_lines(text: bytes) -> list[tuple[int, int]]:
    """Where statements begin that stand on lines of their own: offset of the line, columns."""
    offsets = [0]
    for line in text.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    tree = ast.parse(text)
    found = []
    for node in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            body = getattr(node, block, None)
            if not isinstance(body, list):
                continue
            for statement in body:
                if not isinstance(statement, ast.stmt):
                    continue
                at = offsets[statement.lineno - 1]
                if not text[at : at + statement.col_offset].strip(b" ") and b"\\" not in text[at - 2 : at]:
                    found.append((at, statement.col_offset))
    return found


def anyhow(line: bytes) -> bytes:
    """Lines that are not Python, wherever they are put in, if this one is not wherever it stands in code.

    The empty line ends what is under way, a comment or a line continued by a backslash, or it is an error (in a string
    of one line), but for strings of several lines. They end with three quotation marks of one kind or the other, and
    then the line stands in code.
    """
    return b"\n\n" + line + b"'''\n\n" + line + b'"""\n\n' + line


def mutated(rng: random.Random, kind: str, text: bytes, cuts: list[tuple[int, int]]) -> list[bytes | sg.Gap] | None:
    """A canvas that cannot be completed; None where the kind does not fit the file."""
    canvas = canvas_of(text, cuts)
    if kind == "byte" or kind in NOWHERE:
        where = [i for i in range(2 if kind.endswith("later") else 0, len(canvas), 2) if canvas[i]]
        if not where:
            return None
        i = rng.choice(where)
        part = canvas[i]
        assert isinstance(part, bytes)
        at = rng.randint(0, len(part))
        canvas[i] = part[:at] + (b"\xff" if kind == "byte" else anyhow(NOWHERE[kind])) + part[at:]
        return canvas
    # in front of a statement in the fixed beginning, which has been read in one way only up to there
    places = [(at, margin) for at, margin in code_lines(text) if at < cuts[0][0]]
    if kind == "margin":
        places = [(at, margin) for at, margin in places if margin]
    if not places:
        return None
    at, margin = rng.choice(places)
    blanks = b" " * margin
    first = canvas[0]
    assert isinstance(first, bytes)
    canvas[0] = first[:at] + blanks + LINES[kind].replace(b"{m}", blanks) + first[at:]
    return canvas


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--n", type=int, default=100, help="files")
    options.add_argument("--lines", type=int, default=200)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--spans", type=int, default=3)
    given = options.parse_args()
    rng = random.Random(given.seed)
    grammar = sg.compile(sg.load_grammar("python"), sg.testing.byte_vocabulary())
    begin = time.process_time()
    sg.infill.completable(grammar, [b"x = 1\n", sg.Gap(), b"y\n"])
    print(f"first call: {time.process_time() - begin:.1f} s")
    times: dict[str, list[float]] = {}
    wrong: list[tuple[str, str]] = []
    chosen = list(files(given.lines))
    rng.shuffle(chosen)
    sizes = []
    for name, text in chosen:
        if len(sizes) == given.n:
            break
        state = grammar.advance_bytes(grammar.start, text)
        if state < 0 or not grammar.accepts(state):
            print(f"left out: {name} is not in the grammar's language")
            continue
        sizes.append(len(text))
        cuts = spans(rng, len(text), given.spans)
        canvases = {"yes": canvas_of(text, cuts)}
        for kind in ("byte", *NOWHERE, *LINES):
            changed = mutated(rng, kind, text, cuts)
            if changed is not None:
                canvases[kind] = changed
        for kind, canvas in canvases.items():
            begin = time.process_time()
            got = sg.infill.completable(grammar, canvas)
            times.setdefault(kind, []).append(1e3 * (time.process_time() - begin))
            if got != (kind == "yes"):
                wrong.append((name, kind))
    size = np.mean(sizes)
    print(f"{len(sizes)} files of {given.lines} lines, {size:.0f} bytes on average, {given.spans} spans taken out")
    for kind, values in [*times.items(), ("all", [t for found in times.values() for t in found])]:
        p50, p95, most = np.percentile(values, [50, 95, 100])
        print(f"{kind:>13}: {len(values):4} answers, p50 {p50:6.1f} ms, p95 {p95:6.1f} ms, most {most:6.1f} ms")
    print(f"wrong: {wrong or 'none'}")


if __name__ == "__main__":
    main()
