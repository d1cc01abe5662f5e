"""Canvases filled by masked diffusion models: :func:`infill_masked`, which ``MaskedDiffusion.infill`` calls.

A diffusion model fills slots, so a gap needs a number of tokens before it is filled. Where the canvas leaves it open,
a few numbers are tried, and the text that the model finds likeliest for its slots is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from structgen.compile import compile as compile_constraint
from structgen.errors import InputError, UnsatisfiableError
from structgen.frontends.types import as_constraint
from structgen.frontends.values import value_of
from structgen.infill.canvas import completable
from structgen.infill.denoise import denoise
from structgen.infill.gap import Element, Gap
from structgen.infill.protocol import Denoised
from structgen.integrations.infilled import Infilled, Written, as_template, infilled

if TYPE_CHECKING:
    from structgen.integrations.diffusion import MaskedDiffusion

#: Numbers of tokens tried for gaps that do not say theirs.
LENGTHS = (1, 2, 4, 8, 16, 32)


def infill_masked(
    model: MaskedDiffusion, canvas: Any, constraint: Any, *, lengths: Sequence[int] = LENGTHS, **plan: Any
) -> Infilled:
    """Fill the gaps of a canvas so that the whole text satisfies a constraint.

    Args:
        model: has a vocabulary.
        canvas: a text with holes, or a list of texts, tokens and gaps, as for ``Generator.infill``.
        constraint: anything that can be compiled.
        lengths: numbers of tokens to try for gaps that leave theirs open, the same for all such gaps (as far as their
            bounds permit). A gap at the end of the canvas gets the greatest alone: what is too much holds EOS.
        plan: see :class:`structgen.infill.Plan`.

    Raises:
        InputError: the model has no vocabulary, or an argument does not fit.
        UnsatisfiableError: the canvas cannot be completed with any of these numbers.
    """
    vocab = model.vocab
    if vocab is None:
        raise InputError("the model has no vocabulary", hint="Load it with from_pretrained, or pass vocab=")
    if not lengths or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in lengths):
        raise InputError(f"lengths={lengths!r}", hint="Numbers of tokens, at least one")
    template = as_template(canvas)
    source = as_constraint(constraint)
    grammar = compile_constraint(source, vocab)
    encode = vocab.encoder(model.tokenizer)
    best: tuple[float, list[Element], Denoised] | None = None
    passes, seconds = 0, 0.0
    for elements in _of_lengths(template.elements, sorted(set(lengths))):
        spelt = _spelt(elements, encode, vocab.spell)
        if not completable(grammar, spelt, padding=True):
            continue
        done = denoise(model, grammar, spelt, padding=True, **plan)
        passes, seconds = passes + done.forward_passes, seconds + done.seconds
        score = done.log_likelihood / max(1, len(done.log_probabilities))
        if best is None or score > best[0]:
            best = score, spelt, done
    if best is None:
        raise UnsatisfiableError(
            "the canvas cannot be completed with the numbers of tokens that were tried",
            hint="Give other lengths, or structgen.infill.witness without a model to see whether it can be at all",
        )
    _, spelt, done = best
    written = Written(
        [token for token in done.tokens if token not in vocab.eos_token_ids], [], done.text, passes, 0.0, seconds
    )
    spans, at, offset = [], 0, 0
    for element in spelt:
        size = element.least if isinstance(element, Gap) else 1
        begin = offset
        for position in range(at, at + size):
            first, offset = offset, offset + len(vocab.token_bytes([done.tokens[position]]))
            if position in done.log_probabilities:
                written.chosen.append((first, offset, done.log_probabilities[position]))
        if isinstance(element, Gap):
            spans.append((begin, offset))
        at += size
    value = value_of(source, done.text.decode(errors="replace"))
    return infilled(written, spans, template.names, value)


def _of_lengths(elements: list[Element], lengths: list[int]) -> list[list[Element]]:
    """The canvas with numbers for all gaps, in the ways to be tried."""
    found: list[list[Element]] = []
    for length in lengths:
        sized: list[Element] = []
        for index, element in enumerate(elements):
            if isinstance(element, Gap) and element.most != element.least:
                wanted = lengths[-1] if index == len(elements) - 1 else length
                most = wanted if element.most is None else min(wanted, element.most)
                element = Gap(max(element.least, most))
            sized.append(element)
        if sized not in found:
            found.append(sized)
    return found


def _spelt(
    elements: list[Element], encode: Callable[[str], list[int]], spell: Callable[[bytes], list[int]]
) -> list[Element]:
    """Fixed text as tokens."""
    result: list[Element] = []
    for element in elements:
        if isinstance(element, (bytes, bytearray)):
            try:
                result += encode(bytes(element).decode())
            except UnicodeDecodeError:
                result += spell(bytes(element))
        else:
            result.append(element)
    return result
