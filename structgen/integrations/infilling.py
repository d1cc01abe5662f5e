"""``Generator.infill``: a canvas and a constraint in, the canvas filled by the generator's model out.

Chooses the way (:mod:`structgen.integrations.infilling_loops`): gap by gap for models that were trained to fill in the
middle, from left to right for all others. Masked diffusion models have a way of their own
(:mod:`structgen.integrations.infilling_masked`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from structgen.errors import InputError
from structgen.frontends.values import value_of
from structgen.infill.gap import Gap
from structgen.infill.template import Template
from structgen.infill.walk import Walk
from structgen.integrations.fim import Family, FillInTheMiddle, Order
from structgen.integrations.infilled import Infilled, as_template, infilled
from structgen.integrations.infilling_loops import Setting, write_middles, write_through
from structgen.integrations.infilling_self import Interruptions, SelfInfilling
from structgen.integrations.prompts import Prompt, prompt_ids
from structgen.sampling import GREEDY, Masked, stream
from structgen.source import Regex

if TYPE_CHECKING:
    from structgen.integrations.generator import Generator

#: What a text is constrained by where no constraint is given.
ANY_TEXT = Regex("(?s:.*)")
#: Tokens that stand around prefix, suffix and middle, at most.
AROUND = 4
METHODS = ("auto", "left", "fim", "self")
Method = Literal["auto", "left", "fim", "self"]


class InfillOptions(TypedDict, total=False):
    """The options of :func:`infill`."""

    max_tokens: int
    method: Method
    order: Order | None
    family: str | Family | None
    sampler: Masked | None
    seed: int | tuple[int, ...]
    chat: bool | None
    suffix: str | None
    threshold: float
    rounds: int


def infill(
    gen: Generator,
    canvas: Any,
    constraint: Any = None,
    *,
    prompt: Prompt | None = None,
    max_tokens: int = 256,
    method: Method = "auto",
    order: Order | None = None,
    family: str | Family | None = None,
    sampler: Masked | None = None,
    seed: int | tuple[int, ...] = 0,
    chat: bool | None = None,
    suffix: str | None = None,
    threshold: float = 0.25,
    rounds: int = 1,
) -> Infilled:
    """Fill the gaps of a canvas so that the whole text satisfies a constraint.

    Args:
        gen: the generator.
        canvas: a text with holes (:class:`structgen.infill.template.Template`), or a list of texts, tokens and gaps.
        constraint: as for ``generate``; None: any text.
        prompt: what the model reads first. None: a message that shows the canvas with blanks, where the tokenizer has
            a chat template; else nothing.
        max_tokens: the most tokens that may have bytes in gaps, all gaps together.
        method: ``"fim"``: gap by gap, the model seeing both sides, for models trained to fill in the middle;
            ``"self"``: such models write from left to right until they are uncertain in a gap, then what is behind
            that gap, then the rest of it (:mod:`structgen.integrations.infilling_self`); ``"left"``: from left to
            right, for any model; ``"auto"``: the first where the tokenizer has the tokens for it and there is no
            prompt.
        order: prefix first or suffix first, when a middle is written; None: what the family has.
        family: of the tokens for infilling; None: whichever the tokenizer has.
        sampler: how tokens are drawn; None: the likeliest. ``top_p`` and ``min_p`` need a ``top_k``.
        seed, chat: as for ``generate``.
        suffix: for ``"self"``: how the end of the last gap begins, where the model is interrupted in it: ``"return"``,
            say, or an empty text. It counts as tokens of the gap, which has no greatest number of them. None: only
            gaps with others behind them are interrupted, and there what is fixed behind them comes first.
        threshold: for ``"self"``: the model is uncertain where it gives none of the tokens that the grammar allows so
            much of their probability.
        rounds: for ``"self"``: how often the end and the middle are written, each anew given the other. Fewer at
            temperature 0 where nothing changes any more.

    Raises:
        InputError: an argument does not fit.
        UnsatisfiableError: the canvas cannot be completed.
        BudgetError: it cannot in ``max_tokens``.
        ModelError: the tokenizer has no tokens of the ``family`` asked for.
        OutputError: a validator of the type refused the object.
    """
    if method not in METHODS:
        raise InputError(f"method={method!r}", hint=f"One of {', '.join(METHODS)}")
    if order not in (None, "psm", "spm"):
        raise InputError(f"order={order!r}", hint='"psm" or "spm"')
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        raise InputError(f"max_tokens={max_tokens!r}", hint="It is an integer, at least 1")
    if not isinstance(threshold, (int, float)) or isinstance(threshold, bool) or not 0.0 <= threshold <= 1.0:
        raise InputError(f"threshold={threshold!r}", hint="It is a probability")
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise InputError(f"rounds={rounds!r}", hint="It is an integer, at least 1")
    if suffix is not None and not isinstance(suffix, str):
        raise InputError(f"the suffix is a str, not {type(suffix).__name__}", hint='suffix="return", say')
    sampler = sampler or GREEDY
    if not isinstance(sampler, Masked):
        raise InputError(f"{type(sampler).__name__} is not a sampler for this", hint="Use sg.sampling.Masked")
    template = as_template(canvas)
    fim = None
    if method in ("fim", "self") or (method == "auto" and prompt is None):
        fim = FillInTheMiddle.of(gen.tokenizer, gen.vocabulary.eos_token_ids, family)
    if method in ("fim", "self") and fim is None:
        raise InputError("the tokenizer has no tokens for filling in the middle", hint='Use method="left"')
    if fim is not None and prompt is not None:
        raise InputError("filling in the middle takes no prompt", hint='Use method="left", or leave the prompt out')
    prepared, _ = gen._grammars.get(ANY_TEXT if constraint is None else constraint)
    if method == "self":
        _checked_gaps(template, suffix)
    setting = Setting(gen.model, gen._width, gen._encode, sampler, stream(seed))
    walk = Walk(prepared.grammar, template.elements, max_tokens, crossing=fim is None or method == "self")
    interrupted = None
    if fim is not None:
        _fits_context(gen, template, max_tokens)
    if fim is not None and method == "self":
        rule = Interruptions(float(threshold), suffix, rounds)
        written, spans, interrupted = SelfInfilling(setting, walk, fim, order, rule).write()
    else:
        if fim is not None:
            written, position = write_middles(setting, walk, fim, order)
        else:
            written, position = write_through(setting, walk, _prompt(gen, template, prompt, chat, max_tokens))
        spans = walk.regions(position)
    value = value_of(None if constraint is None else prepared.constraint, written.text.decode(errors="replace"))
    return infilled(written, spans, template.names, value, interrupted)


def _checked_gaps(template: Template, suffix: str | None) -> None:
    """Is there a gap in which the model can be interrupted?"""
    gaps = [element for element in template.elements if isinstance(element, Gap)]
    if suffix is None and len(gaps) < 2:
        raise InputError(
            "self-infilling writes what is behind a gap first, and behind the only one there is nothing to write",
            hint='Say how the end of the gap begins: suffix="return", say, or suffix=""',
        )
    if suffix is not None and (not gaps or gaps[-1].most is not None):
        raise InputError("a suffix is for a last gap that may have any number of tokens", hint="sg.Gap(), or <hole>")


def _fits_context(gen: Generator, template: Template, max_tokens: int) -> None:
    """Do the canvas, all its gaps filled, and the tokens around its parts fit the model?"""
    length = len(gen._encode(template.shown(b""))) + max_tokens + AROUND
    if gen._context is not None and length > gen._context:
        raise InputError(
            f"the canvas with max_tokens={max_tokens} takes {length} positions, and the model has {gen._context}",
            hint="Shorten the canvas or lower max_tokens",
        )


def _prompt(gen: Generator, template: Template, prompt: Prompt | None, chat: bool | None, max_tokens: int) -> list[int]:
    """The ids before the canvas."""
    tokenizer = gen.tokenizer
    if prompt is None and chat is not False and getattr(tokenizer, "chat_template", None) is not None:
        prompt = (
            "Fill in each blank, written ___, in the text below. Answer with the whole text, filled in, and nothing "
            f"else.\n\n{template.shown()}"
        )
    if prompt is None:
        ends = gen.vocabulary.eos_token_ids
        start = getattr(tokenizer, "bos_token_id", None)
        start = start if start is not None else ends[0] if ends else None
        if start is None:
            raise InputError("there is nothing for the model to begin with", hint="Give a prompt")
        ids = [start]
    else:
        ids = prompt_ids(prompt, tokenizer, gen._width, chat)
    length = len(ids) + len(gen._encode(template.shown(b""))) + max_tokens
    if gen._context is not None and length > gen._context:
        raise InputError(
            f"the prompt and the canvas with max_tokens={max_tokens} take {length} positions, and the model has "
            f"{gen._context}",
            hint="Shorten the prompt or lower max_tokens",
        )
    return ids
