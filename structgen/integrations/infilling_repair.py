"""``Generator.repair``: an invalid text in, a valid one out, changed where the model finds it least likely.

One forward pass says how likely each token of the text is; the least likely are masked, more and more of them, until
what is left can be completed (:mod:`structgen.infill.repair`), and the model fills the gaps (:mod:`.infilling`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from structgen.errors import InputError
from structgen.frontends.values import value_of
from structgen.infill.repair import Change, open_up
from structgen.infill.template import Template
from structgen.integrations.infilled import Infilled
from structgen.integrations.infilling import infill
from structgen.integrations.prompts import Prompt, prompt_ids

if TYPE_CHECKING:
    from structgen.integrations.generator import Generator


@dataclass(frozen=True)
class Repaired:
    """A text made valid.

    Attributes:
        value: the object for a type, JSON data for a schema, else the text.
        text: the new text.
        changes: what was replaced, in order; empty where the text was valid.
        infilled: how the gaps were filled; None where there were none.
        checks: how many canvases were asked about.
    """

    value: Any
    text: str
    changes: tuple[Change, ...]
    infilled: Infilled | None
    checks: int


def repair_text(
    gen: Generator, text: str, constraint: Any, *, prompt: Prompt | None = None, **options: Any
) -> Repaired:
    """Make a text valid by writing its least likely parts anew.

    Args:
        gen: the generator.
        text: what to repair.
        constraint: as for ``generate``.
        prompt: what the text was an answer to, if known.
        options: those of ``infill``, for the gaps.

    Raises:
        InputError: the text is none, or an option does not fit.
        UnsatisfiableError: the constraint allows no text at all.
        UnsupportedError: it has texts that must be remembered, for which gaps without bound are refused.
        BudgetError: the gaps take more than ``max_tokens``.
    """
    if not isinstance(text, str):
        raise InputError(f"the text is a str, not {type(text).__name__}")
    prepared, _ = gen._grammars.get(constraint)
    tokens = gen._encode(text)
    units = [gen.vocabulary.token_bytes([token]) for token in tokens]
    opened = open_up(prepared.grammar, units, [-x for x in _log_probabilities(gen, tokens, prompt)])
    if not opened.spans:
        return Repaired(value_of(prepared.constraint, text), text, (), None, opened.checks)
    done = infill(gen, Template.of(opened.elements), constraint, prompt=prompt, **options)
    whole = done.text.encode()
    changes = opened.changes(text.encode(), [whole[region.start : region.end] for region in done.regions])
    return Repaired(done.value, done.text, changes, done, opened.checks)


@torch.inference_mode()
def _log_probabilities(gen: Generator, tokens: list[int], prompt: Prompt | None) -> list[float]:
    """Of each token, given the prompt and the tokens before it. Of the first one, without any before it: 0."""
    if not tokens:
        return []
    start = getattr(gen.tokenizer, "bos_token_id", None)
    before = [start] if start is not None else []
    if prompt is not None:
        before = prompt_ids(prompt, gen.tokenizer, gen._width, None)
    if gen._context is not None and len(before) + len(tokens) > gen._context:
        raise InputError(
            f"the prompt and the text take {len(before) + len(tokens)} positions, and the model has {gen._context}"
        )
    ids = torch.tensor([[*before, *tokens]], dtype=torch.int64, device=gen.model.device)
    law = torch.log_softmax(gen.model(input_ids=ids).logits[0].float(), dim=-1)
    first = max(1, len(before))
    found = law[first - 1 : -1].gather(1, ids[0, first:, None])[:, 0].tolist()
    return [0.0] * (len(tokens) - len(found)) + found
