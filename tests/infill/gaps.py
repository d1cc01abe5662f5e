"""Three spans taken out of texts of some 200 lines, by grammar: ``python -m tests.infill.gaps``.

The texts are made up, of a few lines over and over. The answer must be yes, and no once a byte that no text has was put
into the last part. CPU time of one core; the first call, which makes the grammar's tables, is left out.
"""

from __future__ import annotations

import json
import random
import time

import numpy as np

import structgen as sg
from tests.infill.python_files import canvas_of, spans

SQL = """SELECT a{i}, count(*) AS n FROM t{i} AS x LEFT JOIN u ON x.id = u.id
WHERE (x.b > {i} AND u.c LIKE 'a%') OR x.d IN (1, 2, 3)
GROUP BY a{i} HAVING count(*) > 1
"""
JAVASCRIPT = """function f{i}(a, b) {
  const x = [1, 2, { key: 'v', 'other': a[b] }];
  if (x.length > {i}) {
    return x.map((y) => y * 2);
  }
  for (let i = 0; i < 10; i++) { console.log(`n ${i}`); }
  return null; // done
}

"""
GO = """func f{i}(a int, b []string) (int, error) {
\tx := map[string]int{"a": 1, "b": 2}
\tif len(b) > {i} {
\t\treturn x[b[0]] + a, nil
\t}
\tfor i := 0; i < 10; i++ {
\t\tfmt.Println(i, b)
\t}
\treturn 0, nil
}

"""


def value(rng: random.Random, depth: int) -> object:
    """A JSON value."""
    if depth == 0:
        return rng.choice([rng.randint(0, 999), "abc d", True, None, 1.5])
    parts = [value(rng, depth - 1) for _ in range(4)]
    return parts if rng.random() < 0.5 else {f"k{i}": part for i, part in enumerate(parts)}


def texts(rng: random.Random) -> dict[str, str]:
    """A text for each grammar."""
    return {
        "json": json.dumps([value(rng, 3), value(rng, 3)], indent=1),
        "go": 'package main\n\nimport "fmt"\n\n' + "".join(GO.replace("{i}", str(i)) for i in range(18)),
        "javascript": "".join(JAVASCRIPT.replace("{i}", str(i)) for i in range(22)),
        "sql": "UNION ALL\n".join(SQL.replace("{i}", str(i)) for i in range(50)),
    }


def main() -> None:
    rng = random.Random(0)
    for name, source in texts(rng).items():
        text = source.encode()
        grammar = sg.compile(sg.load_grammar(name), sg.testing.byte_vocabulary())
        state = grammar.advance_bytes(grammar.start, text)
        assert state >= 0 and grammar.accepts(state), name
        sg.infill.completable(grammar, [text[:10], sg.Gap(), text[20:]])
        times: dict[bool, list[float]] = {True: [], False: []}
        wrong = 0
        for _ in range(50):
            canvas = canvas_of(text, spans(rng, len(text)))
            for wanted in (True, False):
                if not wanted:
                    part = canvas[-1]
                    assert isinstance(part, bytes)
                    canvas[-1] = part[:5] + b"\xff" + part[5:]
                begin = time.process_time()
                wrong += sg.infill.completable(grammar, canvas) != wanted
                times[wanted].append(1e3 * (time.process_time() - begin))
        shown = ", ".join(
            f"{'yes' if wanted else 'no'}: p50 {np.percentile(found, 50):.1f} ms, p95 {np.percentile(found, 95):.1f} ms"
            for wanted, found in times.items()
        )
        lines = text.count(b"\n")
        print(f"{name}: {lines} lines, {len(text)} bytes; {shown}; {wrong} of {2 * len(times[True])} wrong")


if __name__ == "__main__":
    main()
