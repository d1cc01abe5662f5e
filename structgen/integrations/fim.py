"""Fill-in-the-middle: how models that were trained for it want a hole to be written.

Receives a tokenizer and the text on both sides of a hole; returns the ids after which the model writes the middle. Two
orders are known (Bavarian et al., "Efficient Training of Language Models to Fill in the Middle", 2022): prefix, suffix,
middle; and suffix, prefix, middle, in which the model goes on from the prefix itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from structgen.errors import InputError, ModelError

#: ``"psm"``: prefix, suffix, middle; ``"spm"``: suffix, prefix, middle.
Order = Literal["psm", "spm"]


@dataclass(frozen=True)
class Family:
    """The tokens of a family of models, by their names.

    Attributes:
        prefix, suffix, middle: stand before the three parts.
        ends: may end a middle, besides EOS.
        spm: in the order ``"spm"`` what stands before the suffix and before the prefix.
        order: the one to take where none is asked for.
    """

    prefix: str
    suffix: str
    middle: str
    ends: tuple[str, ...] = ()
    spm: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    order: Order = "psm"


def _family(prefix: str, suffix: str, middle: str, *ends: str) -> Family:
    """Of models whose suffix-first order is the paper's second: the prefix stands behind the token of the middle."""
    return Family(prefix, suffix, middle, ends, ((prefix, suffix), (middle,)))


#: By name, in the order in which a tokenizer is asked for them.
FAMILIES: dict[str, Family] = {
    "starcoder": _family("<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>", "<file_sep>"),
    "santacoder": _family("<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<|endoftext|>"),
    "codellama": _family("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"),
    "deepseek-coder": _family(
        "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", "<｜end▁of▁sentence｜>"
    ),
    # Qwen2.5-Coder and CodeGemma name them alike
    "qwen-coder": _family(
        "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
        "<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "<|file_separator|>",
    ),
    "codestral": Family("[PREFIX]", "[SUFFIX]", "[MIDDLE]", ("</s>",), (("[SUFFIX]",), ("[PREFIX]",)), "spm"),
}  # fmt: skip
FAMILIES["codegemma"] = FAMILIES["qwen-coder"]


@dataclass(frozen=True)
class FillInTheMiddle:
    """The ids of a tokenizer's tokens for infilling.

    Attributes:
        prefix, suffix, middle: ids.
        ends: ids that end a middle, those that end a text included.
        spm: ids before the suffix and before the prefix in the order ``"spm"``.
        begin: ids before all (a BOS, where the tokenizer writes one).
        order: the one to take where none is asked for.
    """

    prefix: int
    suffix: int
    middle: int
    ends: tuple[int, ...]
    spm: tuple[tuple[int, ...], tuple[int, ...]]
    begin: tuple[int, ...] = ()
    order: Order = "psm"

    @classmethod
    def of(cls, tokenizer: Any, eos: Sequence[int] = (), family: str | Family | None = None) -> FillInTheMiddle | None:
        """What a tokenizer has; None: no tokens for infilling.

        Args:
            tokenizer: of transformers.
            eos: ids that end a text.
            family: a name of ``FAMILIES``, or other names of tokens; None: whichever the tokenizer has.

        Raises:
            InputError: there is no such family.
            ModelError: the tokenizer lacks a token of the family that was asked for.
        """
        if isinstance(family, str):
            if family not in FAMILIES:
                raise InputError(f"family={family!r}", hint=f"One of {', '.join(FAMILIES)}")
            family = FAMILIES[family]
        known = tokenizer.get_vocab()
        for wanted in [family] if family is not None else FAMILIES.values():
            missing = [n for n in (wanted.prefix, wanted.suffix, wanted.middle) if n not in known]
            if not missing:
                ends = [*eos, *(known[name] for name in wanted.ends if name in known)]
                before, between = (tuple(known[name] for name in part) for part in wanted.spm)
                return cls(
                    known[wanted.prefix], known[wanted.suffix], known[wanted.middle], tuple(dict.fromkeys(ends)),
                    (before, between), _begin(tokenizer), wanted.order,
                )  # fmt: skip
            if family is not None:
                raise ModelError(f"the tokenizer has no token {missing[0]}", hint="Its model cannot fill in the middle")
        return None

    def ids(
        self, prefix: str, suffix: str, encode: Callable[[str], list[int]], order: Order | None = None
    ) -> list[int]:
        """The ids after which the model writes the middle.

        Args:
            encode: a text's ids, as it stands inside a longer one.
            order: None: the family's own.
        """
        before, behind = encode(prefix), encode(suffix)
        if (order or self.order) == "spm":
            first, second = self.spm
            return [*self.begin, *first, *behind, *second, *before]
        return [*self.begin, self.prefix, *before, self.suffix, *behind, self.middle]


def _begin(tokenizer: Any) -> tuple[int, ...]:
    bos = getattr(tokenizer, "bos_token_id", None)
    ids = list(tokenizer("a")["input_ids"])
    return (bos,) if bos is not None and ids[:1] == [bos] else ()
