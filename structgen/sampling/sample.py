"""The front door of sampling: a model, a compiled grammar, a sampler; weighted samples out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from structgen.errors import InputError
from structgen.runtime import CompiledGrammar
from structgen.sampling.choose import Masked
from structgen.sampling.local import Local
from structgen.sampling.predicate import Predicate
from structgen.sampling.problem import Model, Problem
from structgen.sampling.runs import Sampler
from structgen.sampling.samples import Samples
from structgen.sampling.speculation.ahead import Ahead
from structgen.sampling.speculation.drafter import Drafter


def sample(
    model: Model,
    grammar: CompiledGrammar,
    *,
    prompt: Sequence[int] = (),
    n: int = 1,
    sampler: Sampler | Masked | None = None,
    max_tokens: int = 256,
    seed: int | tuple[int, ...] = 0,
    temperature: float = 1.0,
    predicate: Predicate | None = None,
    token_bias: Mapping[int, float] | None = None,
    max_passes: int | None = None,
    cache_bytes: int = 256 << 20,
    speculative: Sequence[Drafter] | None = None,
    encode: Callable[[str], list[int]] | None = None,
) -> Samples:
    """Draw texts from a model's law conditioned on a constraint.

    Args:
        model: any object with ``next_logprobs(contexts: list[list[int]]) -> float64[len(contexts), V]``.
        grammar: compiled for the model's vocabulary.
        prompt: token ids before the text.
        n: how many samples.
        sampler: one of ``Masked, ASAp, CARS, MCMC, AWRS, SMC, PowerSMC, Steering, Beam, Exact``; None: ``Masked()``.
        max_tokens: the most tokens of a text, EOS not counted. The language is cut to texts that fit: the target is
            conditioned on it.
        seed: an integer from 0 up, or a tuple of them. Equal seeds give equal samples.
        temperature: of the law that is the target, above 0.
        predicate: a condition beside the grammar.
        token_bias: finite numbers added to the log-probabilities of some tokens, before the temperature; the target is
            the law with them, renormalised.
        max_passes: stop, with the samples drawn so far, after this many contexts the model was asked about.
        cache_bytes: memory for what the model has said; beyond it contexts are asked about again.
        speculative: drafters that guess which contexts come next, so that the model is asked about several at once.
            Texts and weights are those without; ``forward_passes`` counts the guessed contexts too.
        encode: a text to ids, as the drafters spell it: ``vocab.encoder(tokenizer)``; None: the fewest tokens.

    Returns:
        The samples with their weights. ``outcome`` says whether the run was cut short: by ``max_passes``, by Ctrl-C,
        or because the sampler found nothing.

    Raises:
        InputError: an argument is out of range.
        BudgetError: no text fits into ``max_tokens``.
        ModelError: the model raised, or its numbers are unusable.
        PredicateError: the predicate failed.
        LimitError: the grammar, or the sampler, needs more than its limits allow.

    Whatever error ends the drawing, its ``samples`` are those drawn before.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise InputError(f"n={n!r}", hint="It is the number of samples, 0 or more")
    for drafter in speculative or ():
        if not isinstance(drafter, Drafter) or isinstance(drafter, type):
            raise InputError(f"{drafter!r} is no drafter", hint="Use sg.sampling.PromptLookup(), say")
    problem = Problem(
        model,
        grammar,
        prompt,
        max_tokens,
        predicate=predicate,
        temperature=temperature,
        token_bias=token_bias,
        max_passes=max_passes,
        cache_bytes=cache_bytes,
        ahead=Ahead(speculative, grammar, prompt, encode=encode) if speculative else None,
    )
    root = (seed,) if isinstance(seed, int) else tuple(seed)
    return sampler_of(sampler).run(problem, n, root)


def sampler_of(how: Sampler | Masked | None) -> Sampler:
    """What runs for a sampler as users give it. Raises InputError for what is none."""
    how = Masked() if how is None else how
    if isinstance(how, Masked):
        return Local(how)
    if not hasattr(how, "run"):
        raise InputError(f"sampler={how!r} is no sampler", hint="Give an object such as sg.sampling.CARS()")
    return how
