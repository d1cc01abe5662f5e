"""Random texts of real schemas: a walk under the masks never comes to a dead end, and its text is always valid.

Receives cases and a seed; yields a :class:`Walk` for each text written. Half of the walks stay under the masks of a
random token budget; the others go on for a random number of tokens without one, and then finish in as few tokens as
the grammar says they can. The texts are judged by jsonschema, and by jsonschema-rs where it is installed. They read
patterns as Python and as Rust do: they are told them as ``ecma`` says them, and a text is valid where one says so.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import structgen as sg
from jsonschemabench.cases import Case
from jsonschemabench.ecma import told
from jsonschemabench.engines.base import BenchVocabulary

#: Bytes that end strings, arrays and objects: tokens that begin so are drawn often, or texts would never end.
_ENDS = b'"}],'
_WHITESPACE = ("flexible", "compact")


@dataclass(frozen=True)
class Walk:
    """One walk.

    Attributes:
        id: of the case.
        kind: "valid", "unjudged" (a number that no float holds), "refused", "stopped" (the schema, once for all
            its walks); or a fault: "invalid", "dead end", "over budget", "crashed".
        text: what was written.
        detail: how, and what is wrong.
    """

    id: str
    kind: str
    text: str = ""
    detail: str = ""


FAULTS = ("invalid", "dead end", "over budget", "crashed")


class _Fault(Exception):
    """A walk went wrong; the arguments are its kind, its text and the detail."""


class _TooLong(Exception):
    """The time for a schema is over."""


def walks(cases: Sequence[Case], vocabulary: BenchVocabulary, n: int, seed: int, seconds: float) -> Iterator[Walk]:
    """``n`` walks, shared evenly among the cases in a random order; each case may take ``seconds``."""
    words = sg.Vocabulary(list(vocabulary.tokens), eos_token_ids=[vocabulary.eos])
    walker = _Walker(words, vocabulary.eos)
    rng = random.Random(seed)
    order = list(cases)
    rng.shuffle(order)
    rounds = Counter(order[i % len(order)].id for i in range(n))
    old = signal.signal(signal.SIGALRM, _alarm)
    try:
        for case in order:
            if not rounds[case.id]:
                continue
            signal.setitimer(signal.ITIMER_REAL, seconds)
            begin = time.monotonic()
            try:
                yield from walker.case(case, rounds[case.id], random.Random(f"{seed} {case.id}"))
            except _TooLong:
                yield Walk(case.id, "stopped", detail=f"over {seconds:g} s")
            except Exception as error:  # a crash is a finding; but not where the alarm rang inside a kernel
                over = isinstance(error, SystemError) and time.monotonic() - begin >= seconds
                yield Walk(case.id, "stopped" if over else "crashed", detail=f"{type(error).__name__}: {error}")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, old)


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _TooLong


class _Walker:
    """Walks over one vocabulary."""

    def __init__(self, words: sg.Vocabulary, eos: int) -> None:
        self.words = words
        self.eos = eos
        self.first = np.array([token[0] if token else -1 for token in words.tokens], dtype=np.int16)
        self.ends = np.isin(self.first, list(_ENDS))

    def case(self, case: Case, n: int, rng: random.Random) -> Iterator[Walk]:
        options: dict[str, Any] = {
            "property_order": rng.choice(["schema", "any"]),
            "whitespace": rng.choice(_WHITESPACE),
        }
        how = ", ".join(options.values())
        try:
            grammar = sg.compile(sg.JsonSchema(case.schema_text, **options), self.words)
        except sg.errors.StructgenError as error:
            yield Walk(case.id, "refused", detail=f"{type(error).__name__}: {error.message}")
            return
        judge = _Judge(case.schema)
        for _ in range(n):
            try:
                text = self.text(grammar, rng)
                yield Walk(case.id, judge(text), text, how)
            except _Fault as fault:
                kind, text, detail = fault.args
                yield Walk(case.id, kind, text, f"{detail} ({how})")
            except sg.errors.StructgenError as error:
                kind = "refused" if isinstance(error, sg.errors.LimitError) else "crashed"
                yield Walk(case.id, kind, detail=f"{type(error).__name__}: {error.message} ({how})")

    def text(self, grammar: sg.CompiledGrammar, rng: random.Random) -> str:
        """One text. Raises :class:`_Fault`."""
        state, written = grammar.start, b""
        least = grammar.min_tokens_left(state)
        free = 0 if rng.random() < 0.5 else rng.randint(1, 60)
        left = least + rng.randint(0, 40)
        while True:
            if free:
                row = grammar.mask(state)
            else:
                row = grammar.budget_mask(state, left)
                if (row & ~grammar.mask(state)).any():
                    raise _Fault("over budget", written.decode("utf-8", "replace"), "a budget allows what is refused")
            allowed = self.allowed(row)
            ends = len(allowed) > 0 and bool((allowed == self.eos).any())
            if ends != grammar.accepts(state):
                raise _Fault("dead end", written.decode("utf-8", "replace"), "EOS and acceptance differ")
            if not len(allowed):
                raise _Fault("dead end", written.decode("utf-8", "replace"), f"no token allowed, {left} left")
            if ends and (len(allowed) == 1 or rng.random() < 0.2 or (not free and left == 0)):
                return written.decode("utf-8")
            token = self.drawn(allowed[allowed != self.eos], rng)
            if not free and left == 0:
                raise _Fault("over budget", written.decode("utf-8", "replace"), "a token is allowed with none left")
            state = grammar.advance(state, token)
            written += self.words.tokens[token] or b""
            if state < 0:
                raise _Fault("dead end", written.decode("utf-8", "replace"), "a token of the mask is refused")
            if free:
                free -= 1
                left = grammar.min_tokens_left(state) + rng.randint(0, 10)
            else:
                left -= 1

    def allowed(self, row: NDArray[np.int32]) -> NDArray[np.intp]:
        bits = np.unpackbits(row.view(np.uint8), bitorder="little")
        return np.flatnonzero(bits[: max(len(self.words.tokens), self.eos + 1)])

    def drawn(self, allowed: NDArray[np.intp], rng: random.Random) -> int:
        """A token: often one that ends something, else first its first byte, then the token."""
        ends = allowed[self.ends[allowed]]
        if len(ends) and rng.random() < 0.3:
            return int(ends[rng.randrange(len(ends))])
        first = self.first[allowed]
        byte = rng.choice(np.unique(first).tolist())
        some = allowed[first == byte]
        return int(some[rng.randrange(len(some))])


class _Judge:
    """Is a text valid under a schema?"""

    def __init__(self, schema: Any) -> None:
        import jsonschema

        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        self._whole = kind is jsonschema.Draft4Validator  # there 1.0 is no integer
        schema = told(schema)
        self._judges: list[Any] = [kind(schema)]
        try:
            import jsonschema_rs  # type: ignore[import-untyped,unused-ignore]

            self._judges.append(jsonschema_rs.validator_for(schema, validate_formats=False))
        except (ImportError, ValueError):
            pass  # not installed, or a schema that it does not take

    def __call__(self, text: str) -> str:
        try:
            value = json.loads(text, parse_float=self._number, parse_int=self._number)
        except _InexactError:
            return "unjudged"
        except ValueError as error:
            raise _Fault("invalid", text, f"not JSON: {error}") from error
        for judge in self._judges:
            try:
                if judge.is_valid(value):
                    return "valid"
            except Exception:  # a pattern it cannot read, a reference it would fetch: the other may know
                continue
        raise _Fault("invalid", text, "no judge calls it valid")

    def _number(self, text: str) -> int | float:
        mantissa, _, exponent = text.lower().partition("e")
        if len(mantissa) < 20 and len(exponent) < 4:
            value = float(text)
            if abs(value) < 1e300 and Fraction(value) == Fraction(text):
                return int(value) if text.lstrip("-").isdigit() or (self._whole and value.is_integer()) else value
        raise _InexactError(text)


class _InexactError(Exception):
    """A number that a float cannot tell from its neighbours: the judges would judge another one."""


def summary(counts: Counter[str], schemas: int) -> str:
    """One line."""
    done = sum(counts[kind] for kind in ("valid", "unjudged", *FAULTS))
    parts = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("valid", "unjudged", *FAULTS))
    return (
        f"{done:,} walks over {schemas:,} schemas: {parts}; "
        f"schemas refused {counts['refused']:,}, stopped {counts['stopped']:,}"
    )
