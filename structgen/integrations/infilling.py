"""``Generator.infill``: a canvas and a constraint in, the canvas filled by the generator's model out.

Chooses the way (:mod:`structgen.integrations.infilling_loops`): gap by gap for models that were trained to fill in the
middle, from left to right for all others. Masked diffusion models have a way of their own
(:mod:`structgen.integrations.infilling_masked`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from structgen.errors import InputError
from structgen.frontends.values import value_of
from structgen.infill.template import Template
from structgen.infill.walk import Walk
from structgen.integrations.fim import Family, FillInTheMiddle, Order
from structgen.integrations.infilled import Infilled, as_template, infilled
from structgen.integrations.infilling_loops import Setting, write_middles, write_through
from structgen.integrations.prompts import Prompt, prompt_ids
from structgen.sampling import GREEDY, Masked, stream
from structgen.source import Regex

if TYPE_CHECKING:
    from structgen.integrations.generator import Generator

#: What a text is constrained by where no constraint is given.
ANY_TEXT = Regex("(?s:.*)")
METHODS = ("auto", "left", "fim")
Method = Literal["auto", "left", "fim"]


class InfillOptions(TypedDict, total=False):
    """The options of :func:`infill`."""

    max_tokens: int
    method: Method
    order: Order | None
    family: str | Family | None
    sampler: Masked | None
    seed: int | tuple[int, ...]
    chat: bool | None


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
            ``"left"``: from left to right, for any model; ``"auto"``: the first where the tokenizer has the tokens for
            it and there is no prompt.
        order: prefix first or suffix first, for ``"fim"``; None: what the family has.
        family: of the tokens for infilling; None: whichever the tokenizer has.
        sampler: how tokens are drawn; None: the likeliest. ``top_p`` and ``min_p`` need a ``top_k``.
        seed, chat: as for ``generate``.

    Raises:
        InputError: an argument does not fit.
        UnsatisfiableError: the canvas cannot be completed.
        BudgetError: it cannot in ``max_tokens``.
        ModelError: ``method="fim"`` and the tokenizer has no tokens for it.
        OutputError: a validator of the type refused the object.
    """
    if method not in METHODS:
        raise InputError(f"method={method!r}", hint=f"One of {', '.join(METHODS)}")
    if order not in (None, "psm", "spm"):
        raise InputError(f"order={order!r}", hint='"psm" or "spm"')
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
        raise InputError(f"max_tokens={max_tokens!r}", hint="It is an integer, at least 1")
    sampler = sampler or GREEDY
    if not isinstance(sampler, Masked):
        raise InputError(f"{type(sampler).__name__} is not a sampler for this", hint="Use sg.sampling.Masked")
    template = as_template(canvas)
    fim = None
    if method == "fim" or (method == "auto" and prompt is None):
        fim = FillInTheMiddle.of(gen.tokenizer, gen.vocabulary.eos_token_ids, family)
    if method == "fim" and fim is None:
        raise InputError("the tokenizer has no tokens for filling in the middle", hint='Use method="left"')
    if fim is not None and prompt is not None:
        raise InputError("filling in the middle takes no prompt", hint='Use method="left", or leave the prompt out')
    prepared, _ = gen._grammars.get(ANY_TEXT if constraint is None else constraint)
    setting = Setting(gen.model, gen._width, gen._encode, sampler, stream(seed))
    walk = Walk(prepared.grammar, template.elements, max_tokens, crossing=fim is None)
    if fim is not None:
        written, position = write_middles(setting, walk, fim, order)
    else:
        written, position = write_through(setting, walk, _prompt(gen, template, prompt, chat, max_tokens))
    value = value_of(None if constraint is None else prepared.constraint, written.text.decode(errors="replace"))
    return infilled(written, walk.regions(position), template.names, value)


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
