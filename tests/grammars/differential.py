"""structgen against Lark: ``python -m tests.grammars.differential [NAME ...] [--random N] [--texts N] [--seed N]``.

For each grammar of the library (all, if none is named) and for random grammars: texts drawn under masks must parse in
Lark, and of derived texts, corpora and small changes to them all both must say the same. Lark's parser is LALR where
the grammar is LALR, Earley else. Every disagreement is printed; the exit status is 1 if there is any.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import lark

import structgen as sg
from structgen.errors import UnsatisfiableError, UnsupportedError
from tests.grammars import randomly
from tests.grammars.check import mutant
from tests.grammars.corpus import examples
from tests.grammars.drawing import drawn, vocabulary
from tests.grammars.parsing import accepts

Verdict = Callable[[str], bool]
Lexer = Literal["contextual", "basic", "dynamic", "dynamic_complete"]

@dataclass
class Tally:
    """How many texts were compared, and which were judged differently.

    Attributes:
        drawn: texts drawn under masks.
        judged: other texts; ``good`` of them Lark takes.
        wrong: one line for each disagreement.
    """

    drawn: int = 0
    judged: int = 0
    good: int = 0
    wrong: list[str] = field(default_factory=list)


def compare(
    grammar: sg.CompiledGrammar, judge: Verdict, given: list[str], rng: random.Random, texts: int, changes: int
) -> Tally:
    """Draw texts and hand them to the judge; compare verdicts on ``given`` texts and on changes to texts of both."""
    tally = Tally()

    def ours(text: str) -> bool:
        state = grammar.advance_bytes(grammar.start, text.encode())
        return state >= 0 and grammar.accepts(state)

    found = []
    for _ in range(texts):
        text = drawn(grammar, rng, rng.randrange(50))
        tally.drawn += 1
        found.append(text)
        if not judge(text):
            tally.wrong.append(f"drawn under masks, refused by Lark: {text!r}")
    pool = [*found, *given]
    for text in [*given, *(mutant(rng.choice(pool), rng) for _ in range(changes if pool else 0))]:
        mine, theirs = ours(text), judge(text)
        tally.judged += 1
        tally.good += theirs
        if mine != theirs:
            tally.wrong.append(f"{'accepted' if mine else 'refused'}, and Lark says otherwise: {text!r}")
    return tally


def shipped(name: str, seed: int, texts: int, changes: int) -> Tally:
    """The comparison for a grammar of the library."""
    rng = random.Random(f"{name} {seed}")
    given = [example.text for example in examples(name)]
    grammar = sg.compile(sg.load_grammar(name), vocabulary(given, rng))
    return compare(grammar, lambda text: accepts(name, text), given, rng, texts, changes)


def parser(text: str, rng: random.Random) -> tuple[lark.Lark, Lexer]:
    """Lark's parser for a grammar, and the name of its lexer: LALR if the grammar is, else Earley."""
    logging.getLogger("lark").setLevel(logging.CRITICAL)
    contextual, basic, *free = get_args(Lexer)
    lexer: Lexer = rng.choice([contextual, basic])
    try:
        return lark.Lark(text, parser="lalr", lexer=lexer), lexer
    except lark.exceptions.GrammarError:
        lexer = rng.choice(free)
        return lark.Lark(text, parser="earley", lexer=lexer, ambiguity="forest"), lexer


def parses(judge: lark.Lark, text: str) -> bool:
    """Does Lark take the text?"""
    try:
        judge.parse(text)
    except lark.exceptions.UnexpectedInput:
        return False
    return True


def randomised(seed: int, texts: int, changes: int) -> tuple[str, Tally | None, str]:
    """The comparison for one random grammar: its lexer or why it is not compared; the tally; the grammar's text."""
    rng = random.Random(f"grammar {seed}")
    made = randomly.draw(rng)
    try:
        judge, lexer = parser(made.text, rng)
    except lark.exceptions.GrammarError:
        return "Lark refuses the grammar", None, made.text
    given = [text for _ in range(2 * texts) if (text := made.derived(rng)) is not None]
    try:
        grammar = sg.compile(sg.Lark(made.text, lexer=lexer), vocabulary(given, rng))
    except UnsupportedError as error:
        if "behind" not in error.message:  # the one reason there is: a ban that leaves no text
            raise
        return f"{lexer}: refused, for terminals that no text keeps apart", None, made.text
    except UnsatisfiableError:
        tally = Tally(judged=len(given))
        tally.wrong = [f"no text at all, and Lark takes {text!r}" for text in given if parses(judge, text)]
        return f"{lexer}: no text", tally, made.text
    return lexer, compare(grammar, lambda text: parses(judge, text), given, rng, texts, changes), made.text


def many(first: int, count: int, texts: int, changes: int) -> tuple[Tally, Counter[str]]:
    """The comparison for random grammars until ``count`` were compared: one tally, and how many of each kind."""
    sums, kinds = Tally(), Counter[str]()
    seed = first
    while sum(kinds[lexer] for lexer in get_args(Lexer)) < count:
        kind, tally, text = randomised(seed, texts, changes)
        kinds[kind] += 1
        if tally is not None:
            sums.drawn += tally.drawn
            sums.judged += tally.judged
            sums.good += tally.good
            sums.wrong += [f"grammar {seed}, {kind}: {wrong}\n{text}" for wrong in tally.wrong]
        seed += 1
    return sums, kinds


def line(name: str, tally: Tally, begun: float) -> None:
    """Print the outcome for one grammar, or for many."""
    print(
        f"{name}: {tally.drawn} drawn texts, {tally.judged} others ({tally.good} of them good), "
        f"{len(tally.wrong)} disagreements ({time.perf_counter() - begun:.0f} s)",
        flush=True,
    )
    for wrong in tally.wrong:
        print(f"  {wrong}", flush=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="grammars of the library; all if none is named")
    parser.add_argument("--random", type=int, help="how many random grammars (300; none where grammars are named)")
    parser.add_argument("--texts", type=int, default=40, help="texts drawn for each grammar")
    parser.add_argument("--changes", type=int, default=150, help="changed texts for each grammar")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    count = options.random if options.random is not None else 0 if options.names else 300
    wrong = 0
    for name in options.names or (sg.list_grammars() if options.random is None else []):
        begun = time.perf_counter()
        tally = shipped(name, options.seed, options.texts, options.changes)
        wrong += len(tally.wrong)
        line(name, tally, begun)
    if count:
        begun = time.perf_counter()
        tally, kinds = many(options.seed, count, options.texts // 4, options.changes // 4)
        wrong += len(tally.wrong)
        line(f"{count} random grammars", tally, begun)
        for kind, found in sorted(kinds.items()):
            print(f"  {kind}: {found}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
