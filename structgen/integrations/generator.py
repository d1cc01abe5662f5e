"""A model, a tokenizer and a constraint; objects out. The front door of generation with transformers.

Receives prompts and constraints; returns for each the Python object (types), JSON data (schemas) or text
(everything else). What happens within a step is in :mod:`structgen.integrations.decoding`,
the forward passes are in :mod:`structgen.integrations.forward`.

**The same seed gives the same text, whatever the batch around it.** A row's random numbers come from the seed and
the row's number alone. Logits are another matter: a forward pass over several rows sums in an order that depends
on their number and lengths, and no setting of torch changes that. So by default each row runs by itself
(``batch_size=1``), and the promise holds exactly. With ``batch_size`` above 1 rows run in lockstep, several times
faster per row, and a text may then change with its neighbours where two tokens are nearly equally likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, TypedDict

from typing_extensions import Unpack

from structgen.errors import InputError, ModelError, StructgenError
from structgen.frontends.types import as_constraint
from structgen.frontends.values import json_source, value_of
from structgen.integrations import models
from structgen.integrations.decoding import Row
from structgen.integrations.forward import context_length, logit_width
from structgen.integrations.grammars import Grammars, Prepared
from structgen.integrations.infilled import Infilled
from structgen.integrations.infilling import InfillOptions, infill
from structgen.integrations.infilling_repair import Repaired, repair_text
from structgen.integrations.lm import TransformersLM
from structgen.integrations.partial import JsonProgress, Partial
from structgen.integrations.prompts import Prompt, prompt_ids
from structgen.integrations.results import Result
from structgen.integrations.run import alone, run
from structgen.integrations.sampled import Sampled, with_values
from structgen.integrations.speculating import Plan, run_drafted
from structgen.limits import Limits
from structgen.masks.vocabulary import Vocabulary
from structgen.runtime import CompiledGrammar
from structgen.runtime.compiled import checked_limits
from structgen.sampling import GREEDY, Masked, Predicate, Sampler, sample, stream
from structgen.sampling.bias import TokenBias
from structgen.sampling.draws import Draws
from structgen.sampling.jumpforward import whole_characters
from structgen.sampling.speculation import Drafter, Setting, Speculation
from structgen.source import Constraint, Regex

#: True: the generator's own drafters. Drafters; or an object that has them and settings.
Speculative = bool | Speculation | Sequence[Drafter] | None


class Options(TypedDict, total=False):
    """The options of one text, see :meth:`Generator.generate`."""

    max_tokens: int
    sampler: Masked | Sampler | None
    seed: int | tuple[int, ...]
    chat: bool | None
    predicate: Predicate | None
    token_bias: Mapping[int, float] | None
    banned: Sequence[str]
    speculative: Speculative


class BatchOptions(TypedDict, total=False):
    """The options of several texts, see :meth:`Generator.generate_batch`."""

    max_tokens: int | Sequence[int]
    sampler: Masked | None
    seed: int | Sequence[int | tuple[int, ...]]
    chat: bool | None
    on_error: Literal["raise", "return"]
    batch_size: int | None
    token_bias: Mapping[int, float] | None
    banned: Sequence[str]
    speculative: Speculative


#: What banned phrases are left out of where there is no constraint.
_ANY_TEXT = Regex("(?s:.*)")
#: Marks the random stream that picks one of several particles.
_PICK = 1 << 31


def _at_least_one(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name}={value!r}", hint="It is an integer, at least 1")


def _phrases(banned: Sequence[str]) -> tuple[str, ...]:
    if isinstance(banned, (str, bytes)) or not isinstance(banned, Sequence):
        raise InputError(f"banned={banned!r}", hint="It is a list of phrases")
    return tuple(banned)


@dataclass
class _Job:
    """A row and what is needed to make its result."""

    row: Row
    constraint: Constraint | None
    seconds_compile: float
    seconds_prepare: float
    setting: Setting


class Generator:
    """Generates under constraints with a transformers causal model.

    Args:
        model: a transformers model for causal language modelling, in evaluation mode, on any device.
        tokenizer: its tokenizer.
        vocabulary: the tokens' bytes, where ``Vocabulary.from_tokenizer`` cannot read the tokenizer.
        limits: what a compilation may cost.
        batch_size: how many rows of a batch run through the model together; see the module's text.
        jump_forward: append text that the grammar forces without asking the model. It saves forward passes;
            the tokens are those the tokenizer would have written. Switch it off where token probabilities count.
        cached_grammars: how many compiled grammars are kept.
        pass_width: give every forward pass after the prompt's exactly so many positions, so that logits do not
            depend on what is drafted or forced; None: passes are as wide as they need to be. See
            ``docs/speculation.md``.

    Raises:
        ModelError: not a causal model, or the tokenizer has more tokens than the model has logits.
        VocabularyError: the tokenizer cannot be read.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        vocabulary: Vocabulary | None = None,
        limits: Limits | None = None,
        batch_size: int = 1,
        jump_forward: bool = True,
        cached_grammars: int = 64,
        pass_width: int | None = None,
    ) -> None:
        width = logit_width(model)
        if vocabulary is None:
            vocabulary = Vocabulary.from_tokenizer(
                tokenizer, size=width, generation_config=getattr(model, "generation_config", None)
            )
        if not isinstance(vocabulary, Vocabulary):
            raise InputError(
                f"vocabulary is a Vocabulary, not {type(vocabulary).__name__}", hint="Make one with sg.Vocabulary(...)"
            )
        if vocabulary.size != width:
            raise ModelError(
                f"the vocabulary has {vocabulary.size} ids, but the model's logits are {width} wide",
                hint=f"Make the vocabulary with size={width}, from this model's own tokenizer",
            )
        _at_least_one("batch_size", batch_size)
        _at_least_one("cached_grammars", cached_grammars)
        if pass_width is not None:
            _at_least_one("pass_width", pass_width)
        limits = checked_limits(limits)
        self.model = model
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.batch_size = batch_size
        self.jump_forward = jump_forward
        self.pass_width = pass_width
        self._width = width
        self._context = context_length(model)
        self._encode = vocabulary.encoder(tokenizer)
        self._grammars = Grammars(vocabulary, self._encode, limits, cached_grammars)
        self._speculations: dict[tuple[int, ...], Speculation] = {}

    @classmethod
    def default(cls, *, progress: bool = True, **options: Any) -> Generator:
        """The embedded model (SmolLM2-135M-Instruct, on CPU), fetched first when it is not in the cache.

        Options are those of the class. Raises ModelError when the model cannot be obtained or loaded.
        """
        model, tokenizer = models.load(progress=progress)
        return cls(model, tokenizer, **options)

    # One text.

    def __call__(self, prompt: Prompt, constraint: Any = None, **options: Unpack[Options]) -> Any:
        """Generate one text under a constraint and return what it stands for.

        Arguments, options and errors are those of :meth:`generate`.

        Returns:
            The Python object for a type, JSON data for a schema, the text otherwise.
        """
        return self.generate(prompt, constraint, **options).value

    def generate(
        self,
        prompt: Prompt,
        constraint: Any = None,
        *,
        max_tokens: int = 256,
        sampler: Masked | Sampler | None = None,
        seed: int | tuple[int, ...] = 0,
        chat: bool | None = None,
        predicate: Predicate | None = None,
        token_bias: Mapping[int, float] | None = None,
        banned: Sequence[str] = (),
        speculative: Speculative = None,
    ) -> Result:
        """Generate one text under a constraint: what it stands for, the text, the tokens and the timings.

        Args:
            prompt: a text, chat messages (``[{"role": ..., "content": ...}]``), or token ids.
            constraint: a type, a schema as a dict, a compiled ``re`` pattern, a list of texts, any constraint
                object, or None.
            max_tokens: the most tokens the text may take, EOS not counted. A constrained text is always complete.
            sampler: how to draw; None: the likeliest allowed token at each step. With ``Masked`` the order is:
                grammar mask, temperature, top-k, top-p, min-p. Any other sampler of :mod:`structgen.sampling` draws
                its particles (or one sample), of which one is taken by weight.
            seed: an integer, or the tuple ``(seed, row)`` to draw row ``row`` of a batch again.
            chat: use the tokenizer's chat template; None: where it has one.
            predicate: a further condition on the text, for samplers other than ``Masked``.
            token_bias: finite numbers by token id, added to the logits of these tokens at each step, before mask and
                temperature; probabilities are renormalised.
            banned: phrases that must not occur in the text, however tokens spell them. They are left out of the
                constraint (of all texts where there is none), see :func:`structgen.sampling.without`, so masks know
                them ahead.
            speculative: guess several tokens ahead and test them in one forward pass, which changes the time and not
                the law: True (prompt lookup), a list of drafters such as ``sg.sampling.PromptLookup()``, or a
                ``sg.sampling.Speculation``; drafters learn from call to call. For ``Masked`` samplers.

        Raises:
            ConstraintError: the constraint is malformed, not supported, unsatisfiable or too large.
            BudgetError: it cannot be completed in ``max_tokens``; raised before the first token.
            OutputError: a validator of the type refused the object, or no particle is alive.
            InputError, ModelError, VocabularyError: the other arguments do not fit.
        """
        if sampler is not None and not isinstance(sampler, Masked) and hasattr(sampler, "run"):
            if speculative:
                raise InputError(
                    f"speculative with {type(sampler).__name__}", hint="Speculation works with sg.sampling.Masked"
                )
            return self._one_of(
                prompt,
                constraint,
                sampler,
                max_tokens=max_tokens,
                seed=seed,
                chat=chat,
                predicate=predicate,
                token_bias=token_bias,
                banned=banned,
            )
        if predicate is not None:
            raise InputError("a predicate needs a sampler that asks it", hint="Use sampler=sg.sampling.AWRS(8), say")
        job = self._job(prompt, constraint, max_tokens, sampler, seed, 0, chat, token_bias, banned)
        for _ in self._passes(job, speculative):
            pass
        return self._result(job)

    def sample(
        self,
        prompt: Prompt,
        constraint: Any,
        *,
        n: int = 1,
        sampler: Masked | Sampler | None = None,
        max_tokens: int = 256,
        seed: int | tuple[int, ...] = 0,
        chat: bool | None = None,
        temperature: float = 1.0,
        predicate: Predicate | None = None,
        token_bias: Mapping[int, float] | None = None,
        banned: Sequence[str] = (),
        max_passes: int | None = None,
        max_rows: int = 64,
        speculative: Sequence[Drafter] | None = None,
    ) -> Sampled:
        """Draw weighted samples of the model's law conditioned on a constraint; see :func:`structgen.sampling.sample`.

        Args:
            prompt, constraint, max_tokens, chat, banned: as for :meth:`generate`; a constraint is needed.
            n, sampler, seed, temperature, predicate, token_bias, max_passes, speculative: as for
                :func:`structgen.sampling.sample`.
            max_rows: contexts that run through the model together.

        Raises as :meth:`generate`, and as :func:`structgen.sampling.sample`: the error's ``samples`` are those drawn
        before.
        """
        _at_least_one("max_tokens", max_tokens)
        if constraint is None:
            raise InputError("sampling needs a constraint", hint="sg.Regex('(?s:.*)') allows every text")
        prepared, _ = self._grammars.get(constraint, _phrases(banned))
        began = perf_counter()
        samples = sample(
            TransformersLM(self.model, max_rows=max_rows),
            prepared.grammar,
            prompt=self._prompt(prompt, chat, max_tokens),
            n=n,
            sampler=sampler,
            max_tokens=max_tokens,
            seed=seed,
            temperature=temperature,
            predicate=predicate,
            token_bias=token_bias,
            max_passes=max_passes,
            speculative=speculative,
            encode=self._encode,
        )
        return with_values(samples, prepared.constraint, perf_counter() - began)

    def _one_of(self, prompt: Prompt, constraint: Any, sampler: Sampler, **options: Any) -> Result:
        """One text by a sampler of whole texts: its particles are drawn, and one of them by weight."""
        began = perf_counter()
        n = getattr(sampler, "particles", None) or 1
        drawn = self.sample(prompt, constraint, n=n, sampler=sampler, **options)
        seed = options["seed"]
        root = (seed,) if isinstance(seed, int) else tuple(seed)
        chosen = drawn.pick(float(stream((*root, _PICK)).random()))
        return Result(
            value=value_of(as_constraint(constraint), drawn.texts[chosen]),
            text=drawn.texts[chosen],
            tokens=tuple(drawn.samples.tokens[chosen]),
            prompt_tokens=len(self._prompt(prompt, options["chat"], options["max_tokens"])),
            forced_tokens=0,
            reason="eos",
            seconds_model=drawn.seconds,
            seconds_constraint=0.0,
            seconds_compile=perf_counter() - began - drawn.seconds,
            seconds_total=drawn.seconds,
        )

    def stream(
        self,
        prompt: Prompt,
        constraint: Any = None,
        *,
        max_tokens: int = 256,
        sampler: Masked | None = None,
        seed: int | tuple[int, ...] = 0,
        chat: bool | None = None,
        growing_strings: bool = False,
        token_bias: Mapping[int, float] | None = None,
        banned: Sequence[str] = (),
        speculative: Speculative = None,
    ) -> Iterator[Partial]:
        """Generate one text and yield it as it grows, the last time with the validated object.

        ``data`` of each :class:`Partial` is correct as far as it goes: scalars are shown when they are finished.
        With ``growing_strings`` strings are shown while they are written. Arguments and errors are otherwise those
        of calling the generator; the arguments are checked at once, an OutputError comes last.
        """
        job = self._job(prompt, constraint, max_tokens, sampler, seed, 0, chat, token_bias, banned)
        return self._streamed(job, growing_strings, self._passes(job, speculative))

    def _streamed(self, job: _Job, growing_strings: bool, passes: Iterator[None]) -> Iterator[Partial]:
        progress = JsonProgress(growing_strings=growing_strings) if json_source(job.constraint) else None
        shown = ""
        for _ in passes:
            text = whole_characters(job.row.text).decode(errors="replace")
            if text == shown:
                continue
            if progress is not None:
                progress.feed(text[len(shown) :])
            shown = text
            yield Partial(text, progress.data() if progress else None)
        result = self._result(job)
        if progress is not None:
            progress.feed(result.text[len(shown) :])
            progress.finish()
        yield Partial(result.text, progress.data() if progress else None, result.value, done=True)

    def infill(
        self, canvas: Any, constraint: Any = None, *, prompt: Prompt | None = None, **options: Unpack[InfillOptions]
    ) -> Infilled:
        """Fill the gaps of a text so that the whole satisfies a constraint.

        Arguments, options and errors are those of :func:`structgen.integrations.infilling.infill`.
        """
        return infill(self, canvas, constraint, prompt=prompt, **options)

    def repair(
        self, text: str, constraint: Any, *, prompt: Prompt | None = None, **options: Unpack[InfillOptions]
    ) -> Repaired:
        """Make a text valid by writing its least likely parts anew.

        Arguments, options and errors are those of :func:`structgen.integrations.infilling_repair.repair_text`.
        """
        return repair_text(self, text, constraint, prompt=prompt, **options)

    # Several texts.

    def batch(
        self, prompts: Sequence[Prompt], constraints: Any = None, **options: Unpack[BatchOptions]
    ) -> list[Any]:
        """Generate a text for each prompt and return what they stand for, in order.

        Arguments and options are those of :meth:`generate_batch`.
        """
        results = self.generate_batch(prompts, constraints, **options)
        return [result.value if isinstance(result, Result) else result for result in results]

    def generate_batch(
        self,
        prompts: Sequence[Prompt],
        constraints: Any = None,
        *,
        max_tokens: int | Sequence[int] = 256,
        sampler: Masked | None = None,
        seed: int | Sequence[int | tuple[int, ...]] = 0,
        chat: bool | None = None,
        on_error: Literal["raise", "return"] = "raise",
        batch_size: int | None = None,
        token_bias: Mapping[int, float] | None = None,
        banned: Sequence[str] = (),
        speculative: Speculative = None,
    ) -> list[Result | StructgenError]:
        """Generate a text for each prompt, in order: what they stand for, the texts, the tokens and the timings.

        Args:
            prompts: as for one text.
            constraints: one for all rows, or a list with one for each, None among them where a row is free.
            max_tokens: one for all rows, or a list.
            sampler: one for all rows.
            seed: row i draws from ``(seed, i)``: ``gen(prompts[i], constraints[i], seed=(seed, i))`` is the same.
                Or a list with the seed of each row, as for one text.
            chat: as for one text.
            on_error: ``"raise"``: a row that cannot be prepared raises before the first token, and one whose
                object is refused raises at the end; ``"return"``: the error stands in the row's place and the
                other rows are kept. A model that raises stops the rows that run together: a ModelError each.
            batch_size: how many rows run together; None: the generator's.
            token_bias, banned: as for one text, for all rows.
            speculative: as for one text; rows that run together accept different numbers of tokens.
        """
        if on_error not in ("raise", "return"):
            raise InputError(f"on_error={on_error!r}", hint='Use "raise" or "return"')
        if batch_size is not None:
            _at_least_one("batch_size", batch_size)
        if isinstance(prompts, (str, bytes)) or not isinstance(prompts, Sequence):
            given = "one text" if isinstance(prompts, str) else type(prompts).__name__
            raise InputError(f"prompts is {given}, not a list of prompts")
        n = len(prompts)
        wanted = list(constraints) if isinstance(constraints, (list, tuple)) else [constraints] * n
        budgets: list[Any] = list(max_tokens) if isinstance(max_tokens, (list, tuple)) else [max_tokens] * n
        seeds: list[Any] = list(seed) if isinstance(seed, (list, tuple)) else [(seed, i) for i in range(n)]
        for name, values in (("constraints", wanted), ("max_tokens", budgets), ("seed", seeds)):
            if len(values) != n:
                raise InputError(f"{len(values)} {name} for {n} prompts", hint="Give one for all, or one for each")

        plan = self._plan(speculative)
        outcomes: list[_Job | Result | StructgenError] = []
        for i, prompt in enumerate(prompts):
            try:
                outcomes.append(
                    self._job(prompt, wanted[i], budgets[i], sampler, seeds[i], i, chat, token_bias, banned)
                )
            except StructgenError as error:
                if on_error == "raise":
                    raise
                outcomes.append(error)
        jobs = [(i, job) for i, job in enumerate(outcomes) if isinstance(job, _Job)]
        size = self.batch_size if batch_size is None else batch_size
        for first in range(0, len(jobs), size):
            group = jobs[first : first + size]
            try:
                stopped = self._run([job for _, job in group], plan)
            except Exception as error:  # models are programs and raise what they like
                if on_error == "raise":
                    raise
                failed = ModelError(f"the model raised {type(error).__name__}: {error}")
                failed.__cause__ = error
                stopped = [failed if job.row.reason is None else None for _, job in group]
            for (i, job), failure in zip(group, stopped, strict=True):
                try:
                    outcomes[i] = failure or self._result(job)
                except StructgenError as error:
                    outcomes[i] = error
        results = [outcome for outcome in outcomes if not isinstance(outcome, _Job)]
        if on_error == "raise":
            for result in results:
                if isinstance(result, StructgenError):
                    raise result
        return results

    # Running rows.

    def _plan(self, speculative: Speculative) -> Plan | None:
        """How rows run; None: a token at a time."""
        if speculative is None or speculative is False:
            return None if self.pass_width is None else Plan(self.pass_width)
        if isinstance(speculative, Speculation):
            return Plan(self.pass_width, speculative)
        if speculative is not True and not (isinstance(speculative, Sequence) and not isinstance(speculative, str)):
            raise InputError(
                f"speculative={speculative!r}", hint="It is True, a list of drafters, or a sg.sampling.Speculation"
            )
        drafters = [] if speculative is True else list(speculative)
        key = tuple(id(drafter) for drafter in drafters)  # the object made of them keeps them alive
        if key not in self._speculations:
            self._speculations[key] = Speculation(None if speculative is True else drafters)
        return Plan(self.pass_width, self._speculations[key])

    def _passes(self, job: _Job, speculative: Speculative) -> Iterator[None]:
        """Run one row; yields now and again."""
        plan = self._plan(speculative)
        return alone(self.model, self._width, job.row) if plan is None else self._drafted([job], plan, None)

    def _run(self, jobs: list[_Job], plan: Plan | None) -> list[StructgenError | None]:
        """Run rows together; for each the error that stopped it, or None."""
        if plan is None:
            return run(self.model, self._width, [job.row for job in jobs])
        errors: list[StructgenError | None] = [None] * len(jobs)
        for _ in self._drafted(jobs, plan, errors):
            pass
        return errors

    def _drafted(self, jobs: list[_Job], plan: Plan, errors: list[StructgenError | None] | None) -> Iterator[None]:
        """Run rows with drafts. Without a list for errors they are raised."""
        sessions = [plan.begin(job.setting, job.row, self.jump_forward) for job in jobs]
        stopped: list[StructgenError | None] = [None] * len(jobs) if errors is None else errors
        yield
        yield from run_drafted(self.model, self._width, [job.row for job in jobs], sessions, plan, stopped)
        if errors is None and stopped[0] is not None:
            raise stopped[0]

    # Preparing a row.

    def compile(self, constraint: Any) -> CompiledGrammar:
        """The compiled grammar of a constraint for this model; made once and kept."""
        return self._grammars.get(constraint)[0].grammar

    def _job(
        self,
        prompt: Prompt,
        constraint: Any,
        max_tokens: int,
        sampler: Masked | Sampler | None,
        seed: int | tuple[int, ...],
        row: int,
        chat: bool | None,
        token_bias: Mapping[int, float] | None,
        banned: Sequence[str],
    ) -> _Job:
        _at_least_one("max_tokens", max_tokens)
        sampler = sampler or GREEDY
        if not isinstance(sampler, Masked):
            raise InputError(
                f"{type(sampler).__name__} is not a sampler for this",
                hint="Use sg.sampling.Masked; the samplers of whole texts work in generate and sample",
            )
        prepared: Prepared | None = None
        seconds_compile = 0.0
        phrases = _phrases(banned)
        if phrases and constraint is None:
            constraint = _ANY_TEXT
        if constraint is not None:
            prepared, new = self._grammars.get(constraint, phrases)
            seconds_compile = prepared.seconds if new else 0.0
        began = perf_counter()
        ids = self._prompt(prompt, chat, max_tokens)
        made = Row(
            ids,
            self.vocabulary,
            grammar=prepared.grammar if prepared else None,
            max_tokens=max_tokens,
            sampler=sampler,
            draws=Draws(seed, row),
            jump=prepared.jump if prepared and self.jump_forward else None,
            bias=TokenBias(token_bias, self._width) if token_bias is not None else None,
        )
        seconds = perf_counter() - began - made.seconds_constraint
        setting = Setting(
            self.vocabulary,
            self._encode,
            prepared.grammar if prepared else None,
            prepared.jump if prepared else None,
            sampler,
        )
        return _Job(made, prepared.constraint if prepared else None, seconds_compile, seconds, setting)

    def _prompt(self, prompt: Prompt, chat: bool | None, max_tokens: int) -> list[int]:
        ids = prompt_ids(prompt, self.tokenizer, self._width, chat)
        if self._context is not None and len(ids) + max_tokens > self._context:
            raise InputError(
                f"a prompt of {len(ids)} tokens with max_tokens={max_tokens} exceeds the {self._context} positions "
                "of the model",
                hint="Shorten the prompt or lower max_tokens",
            )
        return ids

    def _result(self, job: _Job) -> Result:
        row = job.row
        assert row.reason is not None
        text = row.text.decode(errors="replace")
        began = perf_counter()
        value = value_of(job.constraint, text)
        other = job.seconds_prepare + row.seconds_sampling + row.seconds_drafting + perf_counter() - began
        return Result(
            value=value,
            text=text,
            tokens=tuple(row.tokens),
            prompt_tokens=len(row.prompt),
            forced_tokens=row.n_forced,
            reason=row.reason,
            seconds_model=row.seconds_model,
            seconds_constraint=row.seconds_constraint,
            seconds_compile=job.seconds_compile,
            seconds_total=row.seconds_model + row.seconds_constraint + other,
            passes=row.n_passes,
            drafted_tokens=row.n_drafted,
            accepted_tokens=row.n_accepted,
            seconds_drafting=row.seconds_drafting,
        )
