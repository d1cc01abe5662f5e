"""Decoding loops for masked diffusion: a canvas is filled over some forward passes and stays completable throughout.

Receives a model (:class:`~structgen.infill.protocol.Denoiser`), a compiled grammar and a canvas; returns the canvas
filled in. After each forward pass a loop decides on a token for each open slot (*proposals*), writes the best of them
and asks the model again.

Where the states of the canvas are known, proposals come from the law of the forward pass conditioned on the language:
its most probable text, or a sample. Any part of such a text can be written without asking further. Elsewhere each slot
proposes its own likeliest token, and a whole batch is tried at once: where the canvas could not be completed with it,
it is added token by token, and only the offenders are left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from structgen import bits
from structgen.errors import InputError, ModelError, UnsatisfiableError
from structgen.infill.canvas import Canvas
from structgen.infill.gap import SLOT, TOKEN, Element
from structgen.infill.protocol import Denoised, Denoiser, Frame, as_row
from structgen.runtime.compiled import CompiledGrammar

ORDERS = ("confidence", "entropy", "margin", "left", "random")
METHODS = ("auto", "viterbi", "sample", "greedy")
#: How many tokens a slot proposes in one step, one after the other, before it waits for the next.
TRIES = 4


@dataclass(frozen=True)
class Plan:
    """How a loop goes about it.

    Attributes:
        order: which slots are written first. ``"confidence"``: those whose token is most probable; ``"entropy"``: those
            whose law has the least entropy; ``"margin"``: those whose first token is furthest ahead of the second;
            ``"left"``: from left to right; ``"random"``: any.
        per_step: how many tokens are written after a forward pass.
        threshold: tokens at least this probable are written too; None: no more than ``per_step``.
        block: semi-autoregressive decoding: so many slots are filled before the next ones are begun; None: all at once.
        method: ``"viterbi"``: the most probable text of the forward pass; ``"sample"``: an exact sample of its law;
            ``"greedy"``: each slot by itself, checked; ``"auto"``: the first at temperature 0, the second above, the
            third where the grammar nests too deep for both.
        temperature: divides the logits of what is sampled. 0: the likeliest.
        remask_below: after each pass, tokens written earlier that the model now gives less than this probability are
            taken back, each slot once at most; None: none are.
        seed: of all random choices.
    """

    order: str = "confidence"
    per_step: int = 1
    threshold: float | None = None
    block: int | None = None
    method: str = "auto"
    temperature: float = 0.0
    remask_below: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise InputError(f"order={self.order!r}", hint=f"One of {', '.join(ORDERS)}")
        if self.method not in METHODS:
            raise InputError(f"method={self.method!r}", hint=f"One of {', '.join(METHODS)}")
        for name in ("per_step", "block"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise InputError(f"{name}={value!r}", hint="It is an integer, at least 1")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or self.seed < 0:
            raise InputError(f"seed={self.seed!r}", hint="A seed is an integer from 0 up")
        for name in ("threshold", "remask_below"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InputError(f"{name}={value!r}", hint="It is a probability")
        if not 0.0 <= self.temperature < float("inf"):
            raise InputError(f"temperature={self.temperature}", hint="It is a number from 0 up")
        if self.temperature == 0.0 and self.method == "sample":
            raise InputError("a sample has a temperature above 0", hint="temperature=1.0 is the model's own law")


def denoise(
    model: Denoiser, grammar: CompiledGrammar, canvas: Iterable[Element], *, padding: bool = True, **plan: Any
) -> Denoised:
    """Fill a canvas with a masked diffusion model: the text is in the language, and fits.

    Args:
        model: see :class:`Denoiser`.
        grammar: the constraint, compiled for the model's vocabulary.
        canvas: fixed tokens and gaps of a given number of tokens, ``[sg.Gap(128)]`` for an empty one.
        padding: slots behind the end of the text get EOS ids; False: the text takes the whole canvas.
        plan: see :class:`Plan`.

    Raises:
        InputError: the canvas has other parts, or an option is wrong.
        UnsatisfiableError: the canvas cannot be completed.
        ModelError: the logits have another shape than the protocol says, or are NaN or +inf.
    """
    run = _Run(model, grammar, canvas, padding, Plan(**plan))
    frames = list(run.frames())
    tokens = [token for token in run.canvas.tokens() if token is not None]
    return Denoised(
        tokens=tokens,
        text=grammar.vocab.token_bytes(tokens),
        log_likelihood=sum(run.likelihood.values()),
        forward_passes=run.passes,
        seconds=run.seconds,
        frames=frames,
        log_probabilities=run.likelihood,
    )


def frames(
    model: Denoiser, grammar: CompiledGrammar, canvas: Iterable[Element], *, padding: bool = True, **plan: Any
) -> Iterator[Frame]:
    """As :func:`denoise`, frame by frame while the canvas fills up; the last frame has no MASK."""
    return _Run(model, grammar, canvas, padding, Plan(**plan)).frames()


class _Run:
    """One canvas being filled."""

    def __init__(
        self, model: Denoiser, grammar: CompiledGrammar, canvas: Iterable[Element], padding: bool, plan: Plan
    ) -> None:
        begin = time.process_time()
        if not callable(getattr(model, "logits", None)):
            raise InputError(f"{type(model).__name__} has no method logits(canvas)", hint="See sg.infill.Denoiser")
        self.model = model
        self.plan = plan
        self.vocab = grammar.vocab
        self.canvas = Canvas(grammar, canvas, padding=padding, unroll=True)
        kinds = [step.kind for step in self.canvas.engine.steps]
        if any(kind not in (TOKEN, SLOT) for kind in kinds):
            raise InputError(
                "a diffusion model fills canvases of tokens and gaps of a given number of tokens",
                hint="Spell fixed text with vocab.spell, and give each gap its number of tokens",
            )
        if not self.canvas.completable():
            raise UnsatisfiableError(
                "the canvas cannot be completed: no text of the language fits its slots",
                hint="Give it more slots, or padding=True where the text may be shorter",
            )
        self.method = plan.method
        if self.method == "auto":
            self.method = "greedy" if not self.canvas.finite else "viterbi" if plan.temperature == 0 else "sample"
        if self.method != "greedy" and not self.canvas.finite:
            raise InputError(
                f'method="{self.method}" needs a canvas with few states, and this grammar nests without bound',
                hint='Use method="greedy", or a shorter canvas',
            )
        self.slots = [p for p, kind in enumerate(kinds) if kind == SLOT]
        self.open = set(self.slots)
        self.taken_back: set[int] = set()
        self.likelihood: dict[int, float] = {}
        self.passes = 0
        self.rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(plan.seed)))
        self.seconds = time.process_time() - begin

    def frames(self) -> Iterator[Frame]:
        while self.open:
            row = as_row(self.canvas.tokens())
            row.flags.writeable = False
            logits = self._checked(self.model.logits(row))
            self.passes += 1
            laws = _Laws(logits)
            begin = time.process_time()
            remasked = self._remask(laws)
            step = _Step(self, laws)
            placed = step.place(self._eligible())
            spent = time.process_time() - begin - laws.seconds
            self.seconds += spent
            for p, token in placed:
                self.open.discard(p)
                self.likelihood[p] = laws.log_probability(p, token)
            yield Frame(
                step=self.passes,
                canvas=tuple(as_row(self.canvas.tokens()).tolist()),
                placed=tuple(placed),
                refused=tuple(step.refused),
                remasked=tuple(remasked),
                seconds=spent,
            )

    def _checked(self, logits: Any) -> NDArray[np.float32]:
        if hasattr(logits, "detach"):  # a tensor of torch, on any device and of any dtype
            logits = logits.detach().float().cpu().numpy()
        rows = np.asarray(logits, dtype=np.float32)
        wanted = len(self.canvas), self.vocab.size
        if rows.shape != wanted:
            raise ModelError(f"the logits are {rows.shape}, not {wanted}: length of the canvas, size of the vocabulary")
        if not all(rows[position].max() < np.inf for position in self.open):
            raise ModelError("the model's logits are NaN or infinite", hint="Try another dtype, such as float32")
        return rows

    def _eligible(self) -> list[int]:
        """The open slots that may be written now: those of the first block that has any."""
        if self.plan.block is None:
            return sorted(self.open)
        for first in range(0, len(self.slots), self.plan.block):
            part = [p for p in self.slots[first : first + self.plan.block] if p in self.open]
            if part:
                return part
        return []

    def _remask(self, laws: _Laws) -> list[int]:
        if self.plan.remask_below is None:
            return []
        result = []
        tokens = self.canvas.tokens()
        for p in self.slots:
            token = tokens[p]
            if p in self.open or p in self.taken_back or token is None:
                continue
            if np.exp(laws.log_probability(p, token)) < self.plan.remask_below:
                self.canvas.unfix(p)
                self.taken_back.add(p)
                self.open.add(p)
                self.likelihood.pop(p)
                result.append(p)
        return result


class _Laws:
    """What one forward pass says of each position, worked out where it is asked for."""

    def __init__(self, logits: NDArray[np.float32]) -> None:
        self.logits = logits
        self.seconds = 0.0
        self._normalisers: dict[int, float] = {}

    def log_probability(self, position: int, token: int) -> float:
        known = self._normalisers.get(position)
        if known is None:
            begin = time.process_time()
            row = self.logits[position]
            top = float(row.max())
            known = self._normalisers[position] = top + float(np.log(np.exp(row - np.float32(top)).sum()))
            self.seconds += time.process_time() - begin
        return float(self.logits[position, token]) - known

    def score(self, order: str, position: int, token: int, rng: np.random.Generator) -> float:
        """How soon a slot is written: the greater the sooner."""
        if order == "left":
            return -position
        if order == "random":
            return float(rng.random())
        confidence = self.log_probability(position, token)
        if order == "confidence":
            return confidence
        begin = time.process_time()
        row = self.logits[position]
        if order == "margin":
            first, second = np.partition(row, -2)[-2:][::-1] if len(row) > 1 else (row[0], row[0])
            score = float(first - second) if first > second else 0.0
        else:
            log_p = row - np.float32(self._normalisers[position])
            p = np.exp(log_p)
            score = float((p[p > 0] * log_p[p > 0]).sum())
        self.seconds += time.process_time() - begin
        return score


class _Step:
    """What is written after one forward pass."""

    def __init__(self, run: _Run, laws: _Laws) -> None:
        self.run = run
        self.laws = laws
        self.refused: list[tuple[int, int]] = []

    def place(self, eligible: list[int]) -> list[tuple[int, int]]:
        """Write the best proposals into the canvas; at least one."""
        run, plan = self.run, self.run.plan
        if run.method == "greedy":
            proposals = {p: self._own(p) for p in eligible}
        else:
            text = self._text()
            proposals = {p: text[p] for p in eligible}
            self.refused += self._overruled(proposals)
        scores = {p: self.laws.score(plan.order, p, token, run.rng) for p, token in proposals.items()}
        ranked = sorted(proposals, key=lambda p: (-scores[p], p))
        batch = ranked[: plan.per_step]
        if plan.threshold is not None:
            least = np.log(plan.threshold) if plan.threshold > 0 else -np.inf
            batch += [p for p in ranked[plan.per_step :] if self.laws.log_probability(p, proposals[p]) >= least]
        if run.method != "greedy":
            for p in batch:
                run.canvas.fix(p, proposals[p])
            return [(p, proposals[p]) for p in batch]
        return self._verified(batch, proposals)

    def _text(self) -> list[int]:
        """A text of the conditioned law; where the logits forbid all of them, any completion."""
        run = self.run
        sampled = run.method == "sample"
        law = run.canvas.law(self.laws.logits, run.plan.temperature if sampled else 1.0)
        try:
            return law.sample(run.rng) if sampled else law.best()
        except UnsatisfiableError:
            found = run.canvas.witness()
            assert found is not None
            return found

    def _overruled(self, proposals: dict[int, int]) -> list[tuple[int, int]]:
        """The likeliest tokens of slots where the text has another that is less likely: for the record."""
        if self.run.method == "sample":
            return []
        logits = self.laws.logits
        best = {p: int(logits[p].argmax()) for p in proposals}
        return [(p, best[p]) for p, token in proposals.items() if logits[p, best[p]] > logits[p, token]]

    def _own(self, position: int) -> int:
        """A slot's own proposal: its likeliest token, or one drawn."""
        row = self.laws.logits[position]
        if self.run.plan.temperature == 0.0:
            return int(row.argmax())
        scaled = row.astype(np.float64) / self.run.plan.temperature
        mass = np.cumsum(np.exp(scaled - scaled.max()))
        return int(min(np.searchsorted(mass, self.run.rng.random() * mass[-1], side="right"), len(mass) - 1))

    def _verified(self, batch: list[int], proposals: dict[int, int]) -> list[tuple[int, int]]:
        """Write a batch as far as the canvas can be completed with it."""
        canvas = self.run.canvas
        for p in batch:
            canvas.fix(p, proposals[p])
        if canvas.completable():
            return [(p, proposals[p]) for p in batch]
        for p in batch:
            canvas.unfix(p)
        placed: list[tuple[int, int]] = []
        for p in batch:
            token: int | None = proposals[p]
            for _ in range(TRIES):
                if token is None or canvas.allows(p, token):
                    break
                self.refused.append((p, token))
                token = self._next(p)
            else:
                token = None
            if token is None and not placed and p == batch[-1]:
                token = self._likeliest_allowed(p)
            if token is not None:
                canvas.fix(p, token)
                placed.append((p, token))
        return placed

    def _next(self, position: int) -> int | None:
        """The likeliest token of a slot that was not refused in this step."""
        row = self.laws.logits[position].copy()
        row[[token for p, token in self.refused if p == position]] = -np.inf
        token = int(row.argmax())
        return token if row[token] > -np.inf else None

    def _likeliest_allowed(self, position: int) -> int:
        allowed = bits.ids(self.run.canvas.mask(position))
        return int(allowed[self.laws.logits[position][allowed].argmax()])
